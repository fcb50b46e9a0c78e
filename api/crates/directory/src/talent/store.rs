//! SQL of talents: keyed reads under the viewer's condition.

use entity::{record_redirect, sync_record, talent};
use sea_orm::{DatabaseTransaction, EntityTrait, QuerySelect};
use uuid::Uuid;

use super::graphql::{TalentFilter, TalentOrder};
use super::{Availability, Card, Contact, Details, Relations, Talent, TalentNode, Upkeep};
use crate::affiliation::AffiliationNode;
use kernel::columns;
use kernel::error::DomainError;
use kernel::list::{Conditions, Ranges, filled};
use kernel::node::{ColumnGroups as _, Listable, Node};
use kernel::policy::Viewer;
use kernel::read::{Dialect, Group, KeyValue, Row, Selection};
use kernel::reader::Reader;
use kernel::value::fold;
use kernel::vocabulary::{occupation_facet, sector_facets, territories_within, vocabularies};
use kernel::{Head, RecordType, id, name_of};

columns! {
    /// The groups of columns that a selection needs.
    pub struct Columns of TalentNode [slug display_name]
        => id slug region visibility revision displayName affiliations;
    card: Card,
    details: Details,
    contact: Contact,
    upkeep: Upkeep,
}

impl Columns {
    /// Those of a search document: all that is no contact.
    pub const SEARCHED: Self = Self { card: true, details: true, contact: false, upkeep: false };

    /// All of them.
    pub const ALL: Self = Self { card: true, details: true, contact: true, upkeep: true };
}

impl Node for TalentNode {
    const TYPE: RecordType = RecordType::Talent;
    const NAME: &'static str = "Talent";
    type Columns = Columns;

    fn sees(viewer: &Viewer, dialect: Dialect, alias: &str) -> String {
        viewer.sees_record(dialect, alias)
    }

    fn columns(want: &Selection) -> Columns {
        let Columns { card, details, contact, upkeep } = Columns::of(want);
        // The other groups need the levels in the card.
        Columns { card: card || details || contact || upkeep, details, contact, upkeep }
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
        Ok(Self { row: talent, around: Relations::default() })
    }
}

impl Listable for TalentNode {
    type Filter = TalentFilter;
    type Order = TalentOrder;

    fn filter(reader: &Reader, filter: &TalentFilter) -> Result<(Ranges<'static>, Conditions), DomainError> {
        let all = vocabularies();
        let mut facets = sector_facets("filter.sectors", filter.sectors.as_deref())?;
        let occupations =
            all.occupations.checked("filter.occupations", "occupation", filter.occupations.as_deref())?;
        if !occupations.is_empty() {
            facets.insert(0, occupations.iter().map(|slug| occupation_facet(slug)).collect());
        }
        let ranges = Ranges {
            within: None,
            regions: all.regions.checked("filter.regions", "region", filter.regions.as_deref())?,
            facets,
            ..Ranges::default()
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
        conditions.updated_since(filter.updated_since);
        Ok((ranges, conditions))
    }
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

/// The state of a profile that somebody was invited to.
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

/// The state of a profile. The record is locked until the end of the transaction.
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
