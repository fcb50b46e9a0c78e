//! The write path of organizations: from an input to a row, and the rows that belong to it.

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::JsonText;
use entity::organization::Model;
use sea_orm::ConnectionTrait;
use serde::Deserialize;
use uuid::Uuid;

use super::name::ComparableName;
use super::{Address, GeoPoint, OrganizationNode, OrganizationStatus, replica, succession};
use crate::{affiliation, call_for_projects, partnership, registration};
use kernel::error::DomainError;
use kernel::input::{Fields, IdentifierInput, LocalizedTextInput, MAX_NAME, MAX_TEXT};
use kernel::policy::Visibility;
use kernel::problem::{Problem, Problems};
use kernel::provenance::{ClaimInput, SourceInput};
use kernel::read::{Dialect, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement};
use kernel::value::{Country, EmailAddress, Given, Identifier, Language, PartialDate, Url, sort_key};
use kernel::vocabulary::{Vocabulary, facets, list_regions, vocabularies};
use kernel::{RecordType, geo, messages};
use records::input_fields;
use records::write::{
    Batch, Draft, InputFields, Kind, Numbered, RecordRow as _, Reference, ReferredBy, Written,
};

/// A postal address, as it is written.
#[derive(Clone, Debug, Default, Deserialize, InputObject)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AddressInput {
    /// Street and number, building, floor.
    pub lines: Option<Vec<String>>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Town.
    pub city: Option<String>,
    /// Country: its code (ISO 3166-1), `BE` or `BEL`, or its name in French, Dutch, English or German. An address needs it.
    pub country: Option<String>,
    /// Degrees north, from -90 to 90.
    pub latitude: Option<f64>,
    /// Degrees east, from -180 to 180.
    pub longitude: Option<f64>,
}

/// An organization, as it is written. An absent field keeps, null clears, a list replaces.
#[derive(Clone, Debug, Default, Deserialize, InputObject)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OrganizationInput {
    /// Readable name for addresses; made from the name where it is not given. Digits are added to one that is not free, where
    /// you cannot see which record has it.
    pub slug: MaybeUndefined<String>,
    /// Slug of its main kind.
    pub kind: MaybeUndefined<String>,
    /// Slugs of other kinds that it also is.
    pub other_kinds: MaybeUndefined<Vec<String>>,
    /// Whether it still exists; ACTIVE where it is not said.
    pub status: MaybeUndefined<OrganizationStatus>,
    /// Its name, as it writes it.
    pub name: MaybeUndefined<String>,
    /// The short form of its name.
    pub acronym: MaybeUndefined<String>,
    /// Former names, names in other languages, other spellings.
    pub other_names: MaybeUndefined<Vec<String>>,
    /// What it does, the original first.
    pub descriptions: MaybeUndefined<Vec<LocalizedTextInput>>,
    /// Slug of the region that answers for it.
    pub region: MaybeUndefined<String>,
    /// Slug of the region in which it sits; that of its territory where it is not given.
    pub seat_region: MaybeUndefined<String>,
    /// Slug of the territory of its seat.
    pub territory: MaybeUndefined<String>,
    /// Its postal address.
    pub address: MaybeUndefined<AddressInput>,
    /// Its website.
    pub website: MaybeUndefined<Given<Url>>,
    /// Its e-mail address, shown to members.
    pub email: MaybeUndefined<Given<EmailAddress>>,
    /// Its phone number, shown to members.
    pub phone: MaybeUndefined<String>,
    /// When it was founded, as precisely as known.
    pub founded_on: MaybeUndefined<Given<PartialDate>>,
    /// When it ended.
    pub dissolved_on: MaybeUndefined<Given<PartialDate>>,
    /// Slugs of the regions where it works; the answering one where they are not given.
    pub served_regions: MaybeUndefined<Vec<String>>,
    /// Number of people that it employs.
    pub employee_count: MaybeUndefined<i32>,
    /// Number of students.
    pub student_count: MaybeUndefined<i32>,
    /// Languages in which it works.
    pub languages: MaybeUndefined<Vec<Language>>,
    /// Its identifiers in official registers.
    pub identifiers: MaybeUndefined<Vec<IdentifierInput>>,
    /// Slugs of its sectors.
    pub sectors: MaybeUndefined<Vec<String>>,
    /// Clusters and federations that it belongs to, each by its id, its slug, or `source:externalId`.
    pub member_of: MaybeUndefined<Vec<ID>>,
    /// The organization that it merged into or that continues it, by its id, its slug, or `source:externalId`.
    pub successor: MaybeUndefined<ID>,
    /// Who may see it; PUBLIC where it is not given.
    pub visibility: MaybeUndefined<Visibility>,
    /// Where the facts come from.
    pub sources: MaybeUndefined<Vec<SourceInput>>,
    /// Statements by source, where sources differ or are unsure.
    pub claims: MaybeUndefined<Vec<ClaimInput>>,
}

impl InputFields for OrganizationInput {
    input_fields!(slug identifiers region);

    fn references(&self, into: &mut Vec<Reference>) {
        let to = RecordType::Organization;
        let members = self.member_of.as_opt_ref().flatten().into_iter().flatten();
        let successor = self.successor.as_opt_ref().flatten();
        into.extend(members.chain(successor).map(|id| Reference { to, text: id.0.clone() }));
    }
}

/// The write path of organizations.
#[derive(Debug)]
pub struct Organizations;

/// An address, checked.
pub(crate) fn address(fields: &mut Fields<'_>, input: &AddressInput) -> Option<Address> {
    let country = match input.country.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        None => Err(Problem::required("address.country")),
        Some(text) => text.parse::<Country>().map_err(|error| Problem::value("address.country", &error)),
    };
    let country = fields.problems.note(country);
    let location = match (input.latitude, input.longitude) {
        (Some(latitude), Some(longitude)) => {
            for range in geo::out_of_range(latitude, longitude, 0.0) {
                let path = format!("address.{}", range.name);
                fields.problems.add(Problem::out_of_range(path, range.from, range.to));
            }
            Some(GeoPoint { latitude, longitude })
        }
        (None, None) => None,
        _ => {
            fields.problems.add(Problem::new("address", &messages::HALF_A_POINT));
            None
        }
    };
    let lines =
        input.lines.as_deref().filter(|lines| fields.fits("address.lines", lines)).unwrap_or_default();
    let mut checked = |path: &str, text: &Option<String>| {
        let mut kept = None;
        let given = text.clone().map_or(MaybeUndefined::Null, MaybeUndefined::Value);
        fields.text(path, &given, MAX_NAME, &mut kept);
        kept
    };
    let lines = lines
        .iter()
        .enumerate()
        .filter_map(|(place, line)| checked(&format!("address.lines.{place}"), &Some(line.clone())))
        .collect();
    let postal_code = checked("address.postalCode", &input.postal_code);
    let city = checked("address.city", &input.city);
    Some(Address { lines, postal_code, city, country: country?.code().to_owned(), location })
}

/// The unit vector of an address, else of the middle of its territory.
pub(crate) fn point(address: Option<&Address>, territory: Option<&str>) -> Option<[f64; 3]> {
    let point = address.and_then(|address| address.location).map(|at| (at.latitude, at.longitude));
    let centroid = || {
        let territory = vocabularies().territories.get(territory?)?;
        Some((territory.latitude, territory.longitude))
    };
    point.or_else(centroid).map(|(latitude, longitude)| geo::unit_vector(latitude, longitude))
}

/// Facts that follow from others.
pub(super) fn derive(row: &mut Model, address: Option<&Address>) {
    let all = vocabularies();
    row.name_key = sort_key(&row.name);
    let region_country = || all.regions.get(&row.region).map(|region| region.country.clone());
    row.country = address.map(|a| a.country.clone()).or_else(region_country).unwrap_or_default();
    let vector = point(address, row.territory.as_deref());
    (row.geo_x, row.geo_y, row.geo_z) = (vector.map(|v| v[0]), vector.map(|v| v[1]), vector.map(|v| v[2]));
    row.facets = facets(&row.sectors.read::<Vec<String>>().unwrap_or_default(), &[]);
    let served: Vec<String> = row.served_regions.read().unwrap_or_default();
    row.list_regions = list_regions(served.iter().chain([&row.region]).map(String::as_str));
}

impl Kind for Organizations {
    const REFERRED_BY: &'static [ReferredBy] = &[
        ReferredBy::column(RecordType::Affiliation, "organization_id"),
        ReferredBy::table(RecordType::Partnership, "partnership_party", "organization_id", "partnership_id"),
        ReferredBy::table(RecordType::Call, "call_for_projects_contribution", "organization_id", "call_id"),
        ReferredBy::table(RecordType::Call, "call_for_projects_organizer", "organization_id", "call_id"),
        // Not even the call is named: others do not learn who has applied to it.
        ReferredBy::table(RecordType::Call, "application", "applicant_id", "call_id").most(0),
        ReferredBy::table(RecordType::Call, "application_decision", "funder_id", "call_id").most(0),
        ReferredBy::table(RecordType::Organization, "organization_member", "organization_id", "member_id"),
        ReferredBy::column(RecordType::Organization, "successor_id"),
        ReferredBy::table(RecordType::Event, "event_organization", "organization_id", "event_id"),
        ReferredBy::table(RecordType::Event, "event_session_organization", "organization_id", "event_id"),
        ReferredBy::column(RecordType::Event, "venue_organization_id"),
    ];
    const PARTS: &'static [(&'static str, &'static str)] = &[
        ("organization_member", "member_id"),
        ("organization_name", "organization_id"),
        ("proposal", "organization_id"),
        ("application_partner", "organization_id"),
    ];
    type Node = OrganizationNode;
    type Input = OrganizationInput;
    type Row = Model;
    type Replicated = replica::Fields;

    fn blank(id: Uuid) -> Model {
        Model { id, ..Model::default() }
    }

    fn slug(row: &mut Model) -> Option<&mut String> {
        Some(&mut row.slug)
    }

    fn identifiers(row: &Model) -> Result<Vec<Identifier>, DomainError> {
        Ok(row.identifiers.read()?)
    }

    fn merge(
        batch: &Batch<'_>,
        row: &mut Model,
        _: Option<&Model>,
        input: &OrganizationInput,
        fields: &mut Fields<'_>,
    ) {
        let all = vocabularies();
        let kind = all.terms(Vocabulary::OrganizationKind);
        let region = &all.regions;
        let territory = &all.territories;
        let sector = &all.sectors;
        fields.required_text("name", &input.name, MAX_NAME, &mut row.name);
        fields.record_slug(&input.slug, &row.name, &mut row.slug);
        fields.required_slug("kind", &input.kind, kind, &mut row.kind);
        fields.slugs("otherKinds", &input.other_kinds, kind, &mut row.other_kinds);
        fields.required_slug("region", &input.region, region, &mut row.region);
        fields.slug("territory", &input.territory, territory, &mut row.territory);
        fields.slug("seatRegion", &input.seat_region, region, &mut row.seat_region);
        if input.seat_region.is_undefined() && input.territory.is_value() {
            row.seat_region =
                row.territory.as_deref().and_then(|slug| all.territories.get(slug)).map(|t| t.region.clone());
        }
        fields.name(&input.status, OrganizationStatus::Active, &mut row.status);
        fields.text("acronym", &input.acronym, MAX_NAME, &mut row.acronym);
        fields.text_list("otherNames", &input.other_names, &mut row.other_names);
        fields.texts("descriptions", &input.descriptions, MAX_TEXT, &mut row.descriptions);
        let place = match &input.address {
            MaybeUndefined::Undefined => row.address.as_ref().and_then(|address| address.read().ok()),
            MaybeUndefined::Null => None,
            MaybeUndefined::Value(given) => address(fields, given),
        };
        row.address = place.as_ref().map(JsonText::of);
        fields.scalar("website", &input.website, &mut row.website);
        fields.scalar("email", &input.email, &mut row.email);
        fields.text("phone", &input.phone, MAX_NAME, &mut row.phone);
        fields.scalar("foundedOn", &input.founded_on, &mut row.founded_on);
        fields.scalar("dissolvedOn", &input.dissolved_on, &mut row.dissolved_on);
        fields.period("dissolvedOn", row.founded_on.as_deref(), row.dissolved_on.as_deref());
        let served = fields.slugs("servedRegions", &input.served_regions, region, &mut row.served_regions);
        if served.is_none() && fields.new && !row.region.is_empty() {
            row.served_regions = JsonText::of(&[&row.region]);
        }
        fields.count("employeeCount", &input.employee_count, &mut row.employee_count);
        fields.count("studentCount", &input.student_count, &mut row.student_count);
        fields.values("languages", &input.languages, &mut row.languages);
        fields.identifiers("identifiers", &input.identifiers, &mut row.identifiers);
        fields.slugs("sectors", &input.sectors, sector, &mut row.sectors);
        fields.visibility(&input.visibility, Visibility::Public, &mut row.visibility);
        fields.sources("sources", &input.sources, &mut row.sources);
        fields.claims("claims", &input.claims, &mut row.claims);
        relatives(batch, row, input, fields.problems);
        derive(row, place.as_ref());
    }

    async fn complete(
        batch: &Batch<'_>,
        drafts: &mut Numbered<Draft<Model>>,
        problems: &mut [Problems],
    ) -> Result<(), DomainError> {
        for index in succession::circular(batch, drafts).await? {
            problems[index].add(Problem::new("successor", &messages::SUCCESSOR_CYCLE));
        }
        Ok(())
    }

    async fn save(batch: &Batch<'_>, rows: &[(Model, Option<Model>)]) -> Result<Vec<Written>, DomainError> {
        Model::store(batch, Self::IS_LISTED, rows).await?;
        memberships(batch, rows).await?;
        names(batch, rows).await?;
        let moved = |(row, before): &&(Model, Option<Model>)| {
            let same = |b: &Model| {
                (b.visibility, &b.region, &b.country) == (row.visibility, &row.region, &row.country)
            };
            before.as_ref().is_some_and(|before| !same(before))
        };
        let moved: Vec<Uuid> = rows.iter().filter(moved).map(|(row, _)| row.id).collect();
        let mut touched = affiliation::write::follow(batch, "organization_id", &moved).await?;
        touched.extend(partnership::write::follow(batch, &moved).await?);
        touched.extend(call_for_projects::write::follow(batch, &moved).await?);
        Ok(touched)
    }

    async fn delete(batch: &Batch<'_>, ids: &[Uuid]) -> Result<(), DomainError> {
        registration::write::organizations_deleted(batch, ids).await?;
        batch.delete_records::<Self>(ids).await
    }
}

/// Sets the successor and the clusters, which are other organizations.
fn relatives(batch: &Batch<'_>, row: &mut Model, input: &OrganizationInput, problems: &mut Problems) {
    let id = row.id;
    let own = |path: &str, other: Uuid, problems: &mut Problems| {
        if other == id {
            problems.add(Problem::new(path, &messages::OF_ITSELF));
        }
    };
    match &input.successor {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => row.successor_id = None,
        MaybeUndefined::Value(text) => {
            row.successor_id = batch.resolved.find(RecordType::Organization, text, "successor", problems);
            row.successor_id.into_iter().for_each(|other| own("successor", other, problems));
        }
    }
    let list = match &input.member_of {
        MaybeUndefined::Undefined => return,
        MaybeUndefined::Null => &[][..],
        MaybeUndefined::Value(list) => list,
    };
    let mut members: Vec<Uuid> = Vec::new();
    for (place, text) in list.iter().enumerate() {
        let path = format!("memberOf.{place}");
        if let Some(cluster) = batch.resolved.find(RecordType::Organization, text, &path, problems) {
            own(&path, cluster, problems);
            if !members.contains(&cluster) {
                members.push(cluster);
            }
        }
    }
    row.member_of = JsonText::of(&members);
}

/// Writes which clusters list these organizations as members.
async fn memberships(batch: &Batch<'_>, rows: &[(Model, Option<Model>)]) -> Result<(), DomainError> {
    let known = rows.iter().filter(|(_, before)| before.is_some()).map(|(row, _)| row.id);
    batch.delete_where("organization_member", "member_id", &known.collect::<Vec<_>>()).await?;
    let keys = KeyColumns::new(&[
        ("organization_id", KeyType::Id),
        ("name_key", KeyType::Bytes),
        ("member_id", KeyType::Id),
    ]);
    let mut members = Vec::new();
    for (row, _) in rows {
        let clusters: Vec<Uuid> = row.member_of.read()?;
        members.extend(clusters.into_iter().map(|cluster| {
            vec![KeyValue::Id(cluster), KeyValue::Bytes(row.name_key.clone()), KeyValue::Id(row.id)]
        }));
    }
    let sql = format!(
        "INSERT INTO organization_member (organization_id, name_key, member_id) \
         SELECT k.organization_id, k.name_key, k.member_id FROM {}",
        keys.source(batch.dialect)
    );
    KeyedStatement { sql, keys }.execute(batch.tx, batch.dialect, members).await.map(|_| ())
}

/// Writes all names of these organizations in the form in which they are compared, where they have changed.
async fn names(batch: &Batch<'_>, rows: &[(Model, Option<Model>)]) -> Result<(), DomainError> {
    let of = |row: &Model| (row.name.clone(), row.acronym.clone(), row.other_names.clone());
    let changed = |(row, before): &&(Model, Option<Model>)| before.as_ref().is_none_or(|b| of(b) != of(row));
    let renamed: Vec<Uuid> = rows.iter().filter(changed).map(|(row, _)| row.id).collect();
    batch.delete_where("organization_name", "organization_id", &renamed).await?;
    let mut keys = Vec::new();
    for (row, _) in rows.iter().filter(changed) {
        keys.extend(names_of(row.id, &row.name, row.acronym.as_deref(), &row.other_names)?);
    }
    insert_names(batch.tx, batch.dialect, keys).await
}

/// The rows of an organization's names, each key once.
fn names_of(
    id: Uuid,
    name: &str,
    acronym: Option<&str>,
    other_names: &JsonText,
) -> Result<Vec<KeyRow>, DomainError> {
    let others: Vec<String> = other_names.read()?;
    let all = std::iter::once(name).chain(acronym).chain(others.iter().map(String::as_str));
    let names: Vec<ComparableName> = all.map(ComparableName::of).collect();
    let mut keys: Vec<&str> = names.iter().flat_map(ComparableName::stored_keys).collect();
    keys.sort_unstable();
    keys.dedup();
    let told = keys.into_iter().filter(|key| !key.is_empty());
    Ok(told.map(|key| vec![KeyValue::Text(key.to_owned()), KeyValue::Id(id)]).collect())
}

async fn insert_names(
    on: &impl ConnectionTrait,
    dialect: Dialect,
    rows: Vec<KeyRow>,
) -> Result<(), DomainError> {
    let keys = KeyColumns::new(&[("name", KeyType::Text), ("organization_id", KeyType::Id)]);
    let sql = format!(
        "INSERT INTO organization_name (name, organization_id) SELECT k.name, k.organization_id FROM {}",
        keys.source(dialect)
    );
    KeyedStatement { sql, keys }.execute(on, dialect, rows).await.map(|_| ())
}

/// Organizations that are named together.
const NAMED: usize = 500;

/// Writes the names of the organizations that have none in the form in which they are compared: of those that were
/// there before that form was.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn name_all(on: &impl ConnectionTrait, dialect: Dialect) -> Result<(), DomainError> {
    let sql = format!(
        "SELECT k.n, o.id, o.name, o.acronym, o.other_names FROM {} {} organization AS o ON o.id > k.after \
         WHERE NOT EXISTS (SELECT 1 FROM organization_name AS n WHERE n.organization_id = o.id) \
         ORDER BY o.id LIMIT {NAMED}",
        KeyColumns::new(&[("after", KeyType::Id)]).source(dialect),
        dialect.join(),
    );
    let statement = KeyedStatement { sql, keys: KeyColumns::new(&[("after", KeyType::Id)]) };
    let mut after = Uuid::nil();
    loop {
        let found = statement.query(on, dialect, vec![vec![KeyValue::Id(after)]]).await?;
        let mut rows = Vec::new();
        let count = found.len();
        for (_, mut row) in found {
            after = row.get()?;
            let (name, acronym): (String, Option<String>) = (row.get()?, row.get()?);
            rows.extend(names_of(after, &name, acronym.as_deref(), &row.get()?)?);
        }
        insert_names(on, dialect, rows).await?;
        if count < NAMED {
            return Ok(());
        }
    }
}
