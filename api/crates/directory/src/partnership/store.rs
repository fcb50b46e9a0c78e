//! SQL of partnerships: keyed reads under the viewer's condition.

use uuid::Uuid;

use super::graphql::{PartnershipFilter, PartnershipOrder};
use super::{Card, Details, Partnership, PartnershipNode, PartyRole, Relations, Terms};
use crate::organization::{self, OrganizationNode};
use kernel::columns;
use kernel::error::DomainError;
use kernel::list::{Conditions, Fetch, List, Order, Ranges, filled};
use kernel::node::{ColumnGroups, Listable, Node};
use kernel::policy::Viewer;
use kernel::read::{Dialect, Group, KeyRow, KeyType, KeyValue, KeyedStatement, Row, Selection};
use kernel::reader::Reader;
use kernel::vocabulary::{Vocabulary, sector_facets, vocabularies};
use kernel::{Head, RecordType, id, name_of};

columns! {
    /// The groups of columns that a selection needs.
    pub struct Columns of PartnershipNode [slug titles]
        => id slug region visibility revision title titles parties;
    card: Card,
    details: Details,
}

impl Node for PartnershipNode {
    const TYPE: RecordType = RecordType::Partnership;
    const NAME: &'static str = "Partnership";
    type Columns = Columns;

    /// It and all its parties are seen.
    fn sees(viewer: &Viewer, dialect: Dialect, alias: &str) -> String {
        let stored = viewer.level_condition(&format!("{alias}.visibility"));
        if viewer.by_level_alone() {
            return stored;
        }
        format!(
            "({stored} OR ({} AND NOT EXISTS (SELECT 1 FROM partnership_party AS pp \
             JOIN organization AS po ON po.id = pp.organization_id \
             WHERE pp.partnership_id = {alias}.id AND NOT {})))",
            viewer.condition(dialect, alias, "declared_visibility"),
            viewer.sees_record(dialect, "po"),
        )
    }

    fn read(columns: Columns, row: &mut Row, _: &Viewer) -> Result<Self, DomainError> {
        let row = Partnership {
            head: Head::read(row)?,
            slug: row.get()?,
            titles: row.json()?,
            card: Group::read(columns.card, row, Card::read)?,
            details: Group::read(columns.details, row, Details::read)?,
        };
        Ok(Self { row, around: Relations::default() })
    }
}

/// A party with its organization.
#[derive(Debug)]
pub struct Party {
    /// The organization.
    pub organization: OrganizationNode,
    /// Its role.
    pub role: PartyRole,
    /// Its contribution and its answer.
    pub terms: Group<Terms>,
}

/// The columns that a selection of parties needs.
#[derive(Clone, Copy, Debug)]
pub struct PartyColumns {
    terms: bool,
    organization: organization::store::Columns,
}

impl ColumnGroups for PartyColumns {
    const FIELDS: &'static [&'static [&'static str]] = &[&["organization", "role"], Terms::FIELDS];

    fn of(want: &Selection) -> Self {
        let organization = want.below("PartnershipParty", "organization").unwrap_or_default();
        Self {
            terms: want.has("PartnershipParty", Terms::FIELDS),
            organization: OrganizationNode::columns(&organization),
        }
    }

    /// The organization is the row `r`.
    fn fetch(self, alias: &str) -> Fetch {
        let organization = self.organization.fetch("r");
        let (mut columns, mut joins) = (vec![format!("{alias}.role")], Vec::new());
        if self.terms {
            Terms::fetch(alias, &mut columns, &mut joins);
        }
        columns.push(organization.columns);
        joins.push(organization.joins);
        Fetch { columns: columns.join(", "), joins: joins.join(" ") }
    }
}

/// The parties of each of these partnerships, in the order in which they were written.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn parties(
    reader: &Reader,
    ids: &[Uuid],
    columns: PartyColumns,
) -> Result<Vec<Vec<Party>>, DomainError> {
    let dialect = reader.dialect();
    let Fetch { columns: fetched, joins } = columns.fetch("p");
    let sees = reader.viewer.sees_record(dialect, "r");
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, {fetched} FROM {keys} {then} partnership_party AS p ON p.partnership_id = k.id \
             {then} organization AS r ON r.id = p.organization_id {joins} WHERE {sees} ORDER BY k.n, p.position"
        )
    });
    let mut found: Vec<Vec<Party>> = ids.iter().map(|_| Vec::new()).collect();
    let rows = ids.iter().map(|id| vec![KeyValue::Id(*id)]).collect();
    for (position, mut row) in reader.db.read(&statement, rows).await? {
        let role = row.name()?;
        let terms = Group::read(columns.terms, &mut row, Terms::read)?;
        let organization = OrganizationNode::read(columns.organization, &mut row, &reader.viewer)?;
        found[position].push(Party { organization, role, terms });
    }
    Ok(found)
}

/// The conditions of a filter on the row `o`, without those that a list table answers.
fn conditions(reader: &Reader, filter: &PartnershipFilter) -> Result<Conditions, DomainError> {
    let mut conditions = Conditions::new(reader.dialect());
    if let Some(kinds) = filled(filter.kinds.as_ref()) {
        let terms = vocabularies().terms(Vocabulary::PartnershipKind);
        conditions.one_of("kinds", &terms.checked("filter.kinds", "kind", Some(kinds))?, "o.kind");
    }
    if let Some(statuses) = filled(filter.statuses.as_ref()) {
        let names: Vec<&str> = statuses.iter().map(|status| name_of(*status)).collect();
        conditions.one_of("statuses", &names, "o.status");
    }
    if let Some(organizations) = filled(filter.organizations.as_ref()) {
        let ids = organizations.iter().map(|text| id::decode("filter.organizations", "organization", text));
        let ids = ids.map(|id| id.map(|id| id.simple().to_string())).collect::<Result<Vec<_>, _>>()?;
        let party = reader.dialect().id_from_hex("v.value");
        let from = format!(
            "{} partnership_party AS q ON q.organization_id = {party} AND q.partnership_id = o.id",
            reader.dialect().join(),
        );
        conditions.any("organizations", &ids, &from, "TRUE");
    }
    if let Some(cross_border) = filter.cross_border {
        conditions.push(if cross_border { "o.cross_border" } else { "NOT o.cross_border" });
    }
    if let Some(day) = filter.active_on {
        conditions.bind("active_on", KeyValue::Text(day.to_string()));
        // A start known to the year "2009" lies before every day of it: texts compare as needed.
        conditions.push(
            "((o.status = 'ACTIVE' AND (o.ends_last IS NULL OR o.ends_last >= k.active_on)) \
             OR o.ends_last >= k.active_on) AND (o.starts_on IS NULL OR o.starts_on <= k.active_on)",
        );
    }
    conditions.updated_since(filter.updated_since);
    Ok(conditions)
}

/// The ranges of a filter.
fn ranges(filter: &PartnershipFilter) -> Result<Ranges<'static>, DomainError> {
    Ok(Ranges {
        within: None,
        regions: vocabularies().regions.checked("filter.regions", "region", filter.regions.as_deref())?,
        facets: sector_facets("filter.sectors", filter.sectors.as_deref())?,
        ..Ranges::default()
    })
}

impl Listable for PartnershipNode {
    type Filter = PartnershipFilter;
    type Order = PartnershipOrder;

    fn filter(
        reader: &Reader,
        filter: &PartnershipFilter,
    ) -> Result<(Ranges<'static>, Conditions), DomainError> {
        Ok((ranges(filter)?, conditions(reader, filter)?))
    }
}

/// The list of one organization's partnerships that fit a filter, by their start, and its keys. `parent` is
/// the organization's id.
///
/// # Errors
/// `BAD_USER_INPUT` for an unknown slug or a wrong id.
pub fn list_of_organization(
    reader: &Reader,
    filter: &PartnershipFilter,
    parent: KeyRow,
) -> Result<(List, KeyRow), DomainError> {
    let mut conditions = conditions(reader, filter)?;
    within(&mut conditions, &ranges(filter)?);
    conditions.push(PartnershipNode::sees(&reader.viewer, reader.dialect(), "o"));
    for id in parent {
        conditions.bind("organization_id", id);
    }
    conditions.push("pp.organization_id = k.organization_id");
    let (keys, row, conditions) = conditions.finish();
    let list = List {
        name: "organization.partnerships",
        parent: Some("organization_id"),
        table: "partnership",
        from: format!(
            "partnership_party AS pp {} partnership AS o ON o.id = pp.partnership_id",
            reader.dialect().join()
        ),
        id: "pp.partnership_id".into(),
        order: Order {
            name: "STARTS_ON",
            inner: "pp.starts_key".into(),
            outer: "COALESCE(r.starts_on, '~')".into(),
            key_type: KeyType::Text,
            descending: false,
        },
        keys,
        conditions,
        second: None,
    };
    Ok((list, row))
}

/// The ranges as conditions on the row `o`, where no list table drives the read.
fn within(conditions: &mut Conditions, ranges: &Ranges<'_>) {
    let then = conditions.dialect().join();
    let listed = |facet: &str, region: &str| {
        format!(
            "{then} partnership_list AS f ON f.facet = {facet} AND f.region = {region} \
             AND f.name_key = o.name_key AND f.id = o.id"
        )
    };
    if !ranges.regions.is_empty() {
        conditions.any("regions", &ranges.regions, &listed("''", "v.value"), "TRUE");
    }
    for any in &ranges.facets {
        conditions.any("facets", any, &listed("v.value", "''"), "TRUE");
    }
}

/// Runs a statement over all partnerships that fit a filter: `select` names what is selected of the row `o`,
/// `joins` what is joined to it, `rest` what follows the conditions.
///
/// # Errors
/// `BAD_USER_INPUT` for the filter, [`DomainError::Database`].
pub async fn over_all(
    reader: &Reader,
    filter: &PartnershipFilter,
    select: &str,
    joins: &str,
    rest: &str,
) -> Result<Vec<Row>, DomainError> {
    let mut conditions = conditions(reader, filter)?;
    within(&mut conditions, &ranges(filter)?);
    conditions.push(PartnershipNode::sees(&reader.viewer, reader.dialect(), "o"));
    let (keys, row, conditions) = conditions.finish();
    let statement = KeyedStatement {
        sql: format!(
            "SELECT k.n, {select} FROM {} CROSS JOIN partnership AS o {joins} WHERE {} {rest}",
            keys.source(reader.dialect()),
            conditions.join(" AND "),
        ),
        keys,
    };
    Ok(reader.db.read(&statement, vec![row]).await?.into_iter().map(|(_, row)| row).collect())
}
