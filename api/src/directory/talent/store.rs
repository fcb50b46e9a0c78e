//! SQL of talents: keyed reads under the viewer's condition.

use entity::{record_redirect, sync_record, talent};
use futures::future::BoxFuture;
use sea_orm::{DatabaseTransaction, EntityTrait, QuerySelect};
use uuid::Uuid;

use super::graphql::{TalentFilter, TalentOrder};
use super::{Availability, Card, Contact, Details, Talent, TalentNode, Upkeep};
use crate::directory::affiliation::AffiliationNode;
use crate::record::error::DomainError;
use crate::record::list::{Conditions, Directory, Fetch, List, Ranges, filled};
use crate::record::node::Node;
use crate::record::policy::Viewer;
use crate::record::provenance::ExternalId;
use crate::record::read::{Dialect, Group, KeyRow, KeyValue, Row, Selection};
use crate::record::reader::Reader;
use crate::record::value::fold;
use crate::record::{Head, RecordType, columns_of, id, name_of};
use crate::vocabulary::{occupation_facet, sector_facets, territories_within, vocabularies};

/// The groups of columns that a selection needs.
#[expect(clippy::struct_excessive_bools, reason = "each is a group of its own, and any of them go together")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    card: bool,
    details: bool,
    contact: bool,
    upkeep: bool,
}

/// Fields of the schema that need no group of columns.
const ALWAYS: &[&str] = &["id", "slug", "region", "visibility", "revision", "displayName", "affiliations"];

impl Columns {
    /// Those of a search document: all that is no contact.
    pub const SEARCHED: Self = Self { card: true, details: true, contact: false, upkeep: false };

    /// All of them.
    pub const ALL: Self = Self { card: true, details: true, contact: true, upkeep: true };
}

impl Node for TalentNode {
    const TYPE: RecordType = RecordType::Talent;
    const NAME: &'static str = "Talent";
    const FIELDS: &'static [&'static [&'static str]] =
        &[ALWAYS, Card::FIELDS, Details::FIELDS, Contact::FIELDS, Upkeep::FIELDS];
    type Columns = Columns;

    fn sees(viewer: &Viewer, dialect: Dialect, alias: &str) -> String {
        viewer.sees_record(dialect, alias)
    }

    fn columns(want: &Selection) -> Columns {
        let details = want.has(Self::NAME, Details::FIELDS);
        let contact = want.has(Self::NAME, Contact::FIELDS);
        let upkeep = want.has(Self::NAME, Upkeep::FIELDS);
        // The other groups need the levels in the card.
        let card = details || contact || upkeep || want.has(Self::NAME, Card::FIELDS);
        Columns { card, details, contact, upkeep }
    }

    fn fetch(columns: Columns, alias: &str) -> Fetch {
        let names = &["slug", "display_name"];
        let mut all = vec![columns_of(alias, Head::COLUMNS), columns_of(alias, names)];
        let mut joins = Vec::new();
        if columns.card {
            all.push(columns_of(alias, Card::COLUMNS));
        }
        if columns.details {
            all.push(columns_of(alias, Details::COLUMNS));
            ExternalId::fetch(alias, &mut all, &mut joins);
        }
        if columns.contact {
            all.push(columns_of(alias, Contact::COLUMNS));
        }
        if columns.upkeep {
            all.push(columns_of(&format!("{alias}_upkeep"), Upkeep::COLUMNS));
            joins.push(format!(
                "LEFT JOIN talent_upkeep AS {alias}_upkeep ON {alias}_upkeep.talent_id = {alias}.id"
            ));
        }
        Fetch { columns: all.join(", "), joins: joins.join(" ") }
    }

    fn read(columns: Columns, row: &mut Row, viewer: &Viewer) -> Result<Self, DomainError> {
        let mut talent = Talent {
            head: Head::read(row)?,
            slug: row.get()?,
            display_name: row.get()?,
            card: Group::read(columns.card, row, Card::read)?,
            details: Group::read(columns.details, row, Details::read)?,
            contact: Group::read(columns.contact, row, Contact::read)?,
            upkeep: Group::read(columns.upkeep, row, Upkeep::read)?,
        };
        talent.withhold(viewer);
        Ok(talent.into())
    }

    fn fill<'a>(
        reader: &'a Reader,
        nodes: &'a mut [Self],
        want: &'a Selection,
    ) -> BoxFuture<'a, Result<(), DomainError>> {
        super::fill(reader, nodes, want)
    }
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
        let sees = AffiliationNode::sees(&reader.viewer, reader.dialect(), "a");
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
