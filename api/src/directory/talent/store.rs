//! SQL of talents: keyed reads under the viewer's condition.

use entity::{record_redirect, sync_record, talent};
use sea_orm::{DatabaseTransaction, EntityTrait, QuerySelect};
use uuid::Uuid;

use super::graphql::{TalentFilter, TalentOrder};
use super::{Availability, Card, Contact, Details, TYPE, Talent, Upkeep};
use crate::directory::vocabulary::{occupation_facet, sector_facets, territories_within, vocabularies};
use crate::record::error::DomainError;
use crate::record::list::{Conditions, Directory, Fetch, List, Ranges, filled};
use crate::record::lookup::Key;
use crate::record::policy::{Viewer, Visibility};
use crate::record::provenance::ExternalId;
use crate::record::read::{Group, KeyRow, KeyValue, KeyedStatement, Row, Selection};
use crate::record::reader::Reader;
use crate::record::value::{DateTime, fold};
use crate::record::{Head, RecordType, Times, columns_of, id, name_of};

/// The groups of columns that a selection needs.
#[expect(clippy::struct_excessive_bools, reason = "each is a group of its own, and any of them go together")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    card: bool,
    details: bool,
    contact: bool,
    upkeep: bool,
}

const CARD: &[&str] = &[
    "created_at",
    "updated_at",
    "given_name",
    "family_name",
    "claimed",
    "legal_basis",
    "territory",
    "occupations",
    "sectors",
    "skills",
    "languages",
    "availability",
    "available_from",
    "contact_visibility",
    "biography_visibility",
    "availability_visibility",
    "affiliations_visibility",
];

const DETAILS: &[&str] =
    &["name_variants", "headlines", "biographies", "identifiers", "website", "links", "sources", "claims"];

/// Fields of the schema that the group of the card answers; the other groups need the levels in it.
const CARDED: &[&str] = &[
    "createdAt",
    "updatedAt",
    "givenName",
    "familyName",
    "claimed",
    "legalBasis",
    "territory",
    "occupations",
    "sectors",
    "skills",
    "languages",
    "availability",
    "availableFrom",
    "fieldVisibility",
    "withheld",
    "consents",
];

/// Fields of the schema that the group of details answers.
const DETAILED: &[&str] = &[
    "nameVariants",
    "headline",
    "headlines",
    "biography",
    "biographies",
    "identifiers",
    "website",
    "links",
    "sources",
    "claims",
    "externalId",
];

impl Columns {
    /// Those that the selected fields need.
    pub fn of(want: &Selection) -> Self {
        let details = want.has(TYPE, DETAILED);
        let contact = want.has(TYPE, &["email", "phone"]);
        let upkeep = want.has(TYPE, &["confirmedAt"]);
        Self { card: details || contact || upkeep || want.has(TYPE, CARDED), details, contact, upkeep }
    }

    /// Those of a search document: all that is no contact.
    pub fn searched() -> Self {
        Self { card: true, details: true, contact: false, upkeep: false }
    }

    /// All of them.
    pub fn all() -> Self {
        Self { card: true, details: true, contact: true, upkeep: true }
    }

    /// Those of its names.
    pub fn named() -> Self {
        Self { card: true, details: true, contact: false, upkeep: false }
    }

    /// What to select of the row `alias`, and the join that it needs.
    pub fn fetch(self, alias: &str) -> Fetch {
        let names = &["slug", "display_name"];
        let mut columns = vec![columns_of(alias, Head::COLUMNS), columns_of(alias, names)];
        let mut joins = String::new();
        if self.card {
            columns.push(columns_of(alias, CARD));
        }
        if self.details {
            columns.push(columns_of(alias, DETAILS));
            columns.push(format!("{alias}_sync.source, {alias}_sync.external_id"));
            joins = format!("LEFT JOIN sync_record AS {alias}_sync ON {alias}_sync.record_id = {alias}.id");
        }
        if self.contact {
            columns.push(columns_of(alias, &["email", "phone"]));
        }
        if self.upkeep {
            columns.push(format!("{alias}_upkeep.confirmed_at"));
            joins = format!(
                "{joins} LEFT JOIN talent_upkeep AS {alias}_upkeep ON {alias}_upkeep.talent_id = {alias}.id"
            );
        }
        Fetch { columns: columns.join(", "), joins }
    }

    /// Reads what [`Columns::fetch`] selects, without what the viewer may not see.
    ///
    /// # Errors
    /// [`DomainError::Database`] or [`DomainError::Stored`].
    pub fn read(self, row: &mut Row, viewer: &Viewer) -> Result<Talent, DomainError> {
        let mut talent = Talent {
            head: Head::read(row)?,
            slug: row.get()?,
            display_name: row.get()?,
            card: Group::read(self.card, row, read_card)?,
            details: Group::read(self.details, row, read_details)?,
            contact: Group::read(self.contact, row, |row| {
                Ok(Contact { email: row.parsed()?, phone: row.get()? })
            })?,
            upkeep: Group::read(self.upkeep, row, |row| {
                let confirmed_at: Option<i64> = row.get()?;
                Ok(Upkeep { confirmed_at: confirmed_at.map(DateTime::from_micros) })
            })?,
        };
        talent.withhold(viewer);
        Ok(talent)
    }
}

fn read_card(row: &mut Row) -> Result<Card, DomainError> {
    let level = |row: &mut Row| Ok::<_, DomainError>(Visibility::from_code(row.get()?));
    Ok(Card {
        times: Times::read(row)?,
        given_name: row.get()?,
        family_name: row.get()?,
        claimed: row.get()?,
        legal_basis: row.name()?,
        territory: row.get()?,
        occupations: row.json()?,
        sectors: row.json()?,
        skills: row.json()?,
        languages: row.json()?,
        availability: row.name()?,
        available_from: row.parsed()?,
        field_visibility: [level(row)?, level(row)?, level(row)?, level(row)?],
        withheld: Vec::new(),
        sees_private: false,
    })
}

fn read_details(row: &mut Row) -> Result<Details, DomainError> {
    Ok(Details {
        name_variants: row.json()?,
        headlines: row.json()?,
        biographies: row.json()?,
        identifiers: row.json()?,
        website: row.parsed()?,
        links: row.json()?,
        sources: row.json()?,
        claims: row.json()?,
        external_id: ExternalId::read(row)?,
    })
}

/// For each key, in order, the talent that the viewer may see. All keys are of one kind.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn find(
    reader: &Reader,
    keys: Vec<Key>,
    columns: Columns,
) -> Result<Vec<Option<Talent>>, DomainError> {
    let mut found: Vec<Option<Talent>> = keys.iter().map(|_| None).collect();
    let Some(first) = keys.first() else { return Ok(found) };
    let dialect = reader.dialect();
    let lookup = first.lookup(RecordType::Talent, dialect);
    let fetch = columns.fetch("r");
    let statement = KeyedStatement {
        sql: format!(
            "SELECT k.n, {} FROM {} {} {} talent AS r ON r.id = {} {} WHERE {} ORDER BY k.n",
            fetch.columns,
            lookup.keys.source(dialect),
            lookup.join,
            dialect.join(),
            lookup.id,
            fetch.joins,
            reader.viewer.sees_record(dialect, "r"),
        ),
        keys: lookup.keys,
    };
    let rows = keys.into_iter().map(Key::into_row).collect();
    for (position, mut row) in reader.db.read(&statement, rows).await? {
        found[position] = Some(columns.read(&mut row, &reader.viewer)?);
    }
    Ok(found)
}

/// The list of talents that fit a filter, within one region or everywhere, and its keys.
///
/// # Errors
/// `BAD_USER_INPUT` for an unknown slug, a wrong id, or a wrong code of a language.
pub fn list(
    reader: &Reader,
    filter: &TalentFilter,
    order: Option<TalentOrder>,
    within: Option<&str>,
) -> Result<(List, KeyRow), DomainError> {
    let all = vocabularies();
    let mut facets = sector_facets("filter.sectors", filter.sectors.as_deref())?;
    let occupations =
        all.occupations.checked("filter.occupations", "occupation", filter.occupations.as_deref())?;
    if !occupations.is_empty() {
        facets.insert(0, occupations.iter().map(|slug| occupation_facet(slug)).collect());
    }
    let ranges = Ranges {
        within,
        regions: all.regions.checked("filter.regions", "region", filter.regions.as_deref())?,
        facets,
    };
    let mut conditions = Conditions::new(reader.dialect());
    if let Some(slugs) = filled(filter.territories.as_ref()) {
        conditions.one_of("territories", &territories_within(slugs)?, "o.territory");
    }
    if let Some(skills) = filled(filter.skills.as_ref()) {
        let keys: Vec<String> = skills.iter().map(|skill| fold(skill)).collect();
        conditions.list_has("skills", &keys, "o.skill_keys");
    }
    if let Some(codes) = filled(filter.languages.as_ref()) {
        let codes = all.languages.checked("filter.languages", "language code", Some(codes))?;
        let entries: Vec<String> = codes.iter().map(|code| format!("\"language\":\"{code}\"")).collect();
        let has = reader.dialect().contains("o.languages", "v.value");
        conditions.any("languages", &entries, "", &has);
    }
    availability(reader, filter, &mut conditions);
    if let Some(organization) = &filter.organization {
        let id = id::decode("filter.organization", "organization", organization)?;
        conditions.bind("organization_id", KeyValue::Id(id));
        let sees = reader.viewer.sees_affiliation(reader.dialect(), "a");
        conditions.push(format!(
            "EXISTS (SELECT 1 FROM affiliation AS a WHERE a.talent_id = o.id \
             AND a.organization_id = k.organization_id AND {sees})"
        ));
    }
    if let Some(since) = filter.updated_since {
        conditions.bind("updated_since", KeyValue::Int(since.micros()));
        conditions.push("o.updated_at >= k.updated_since");
    }
    let directory = Directory { name: "talents", table: "talent", list_table: "talent_list" };
    let viewer = &reader.viewer;
    let level = viewer.by_level_alone().then_some(|column: &str| viewer.level_condition(column));
    let sees = |alias: &str| viewer.sees_record(reader.dialect(), alias);
    Ok(directory.list(order.unwrap_or_default().sort(), ranges, conditions, sees, level))
}

/// Filters on the group AVAILABILITY find only those who show it to the viewer: for all others it is unknown.
fn availability(reader: &Reader, filter: &TalentFilter, conditions: &mut Conditions) {
    let shown = reader.viewer.sees_group(reader.dialect(), "o", "availability_visibility");
    if let Some(values) = filled(filter.availability.as_ref()) {
        let names: Vec<&str> = values.iter().map(|value| name_of(*value)).collect();
        let unknown = name_of(Availability::Unknown);
        let stated = format!("CASE WHEN {shown} THEN o.availability ELSE '{unknown}' END");
        conditions.one_of("availability", &names, &stated);
    }
    if let Some(day) = filter.available_by {
        conditions.bind("available_by", KeyValue::Text(day.to_string()));
        conditions.push(format!(
            "({shown} AND (o.availability = 'AVAILABLE' \
             OR (o.availability = 'FROM_DATE' AND o.available_from <= k.available_by)))"
        ));
    }
}

/// What can be said of a profile that somebody was invited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has claimed it.
    Unclaimed,
    /// Somebody has claimed it.
    Claimed,
    /// It was merged into another.
    Merged,
    /// It was deleted or erased, or never was.
    Gone,
}

/// How a profile stands. The record is locked: it stays so until the end of the transaction.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn standing(tx: &DatabaseTransaction, id: Uuid) -> Result<Standing, DomainError> {
    let shared = sync_record::Entity::find_by_id(id).lock_exclusive().one(tx).await?;
    if record_redirect::Entity::find_by_id(id).one(tx).await?.is_some() {
        return Ok(Standing::Merged);
    }
    if shared.is_none_or(|shared| shared.state != "LIVE") {
        return Ok(Standing::Gone);
    }
    let row = talent::Entity::find_by_id(id).one(tx).await?;
    Ok(match row {
        None => Standing::Gone,
        Some(row) if row.claimed => Standing::Claimed,
        Some(_) => Standing::Unclaimed,
    })
}
