//! SQL of partnerships: keyed reads under the viewer's condition.

use futures::future::BoxFuture;
use uuid::Uuid;

use super::graphql::{PartnershipFilter, PartnershipOrder};
use super::{Card, Details, Partnership, PartnershipNode, PartyRole, Terms};
use crate::directory::organization::{self, OrganizationNode};
use crate::record::error::DomainError;
use crate::record::list::{Conditions, Directory, Fetch, List, Order, Ranges, filled};
use crate::record::node::Node;
use crate::record::policy::Viewer;
use crate::record::provenance::ExternalId;
use crate::record::read::{
    Dialect, Group, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement, Row, Selection,
};
use crate::record::reader::Reader;
use crate::record::{Head, RecordType, columns_of, id, name_of};
use crate::vocabulary::{Vocabulary, sector_facets, vocabularies};

/// The groups of columns that a selection needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    pub(super) card: bool,
    pub(super) details: bool,
}

/// Fields of the schema that need no group of columns.
const ALWAYS: &[&str] = &["id", "slug", "region", "visibility", "revision", "title", "titles", "parties"];

impl Node for PartnershipNode {
    const TYPE: RecordType = RecordType::Partnership;
    const NAME: &'static str = "Partnership";
    const FIELDS: &'static [&'static [&'static str]] = &[ALWAYS, Card::FIELDS, Details::FIELDS];
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

    fn columns(want: &Selection) -> Columns {
        Columns { card: want.has(Self::NAME, Card::FIELDS), details: want.has(Self::NAME, Details::FIELDS) }
    }

    fn fetch(columns: Columns, alias: &str) -> Fetch {
        let mut all = vec![columns_of(alias, Head::COLUMNS), columns_of(alias, &["slug", "titles"])];
        let mut joins = Vec::new();
        if columns.card {
            all.push(columns_of(alias, Card::COLUMNS));
        }
        if columns.details {
            all.push(columns_of(alias, Details::COLUMNS));
            ExternalId::fetch(alias, &mut all, &mut joins);
        }
        Fetch { columns: all.join(", "), joins: joins.join(" ") }
    }

    fn read(columns: Columns, row: &mut Row, _: &Viewer) -> Result<Self, DomainError> {
        let row = Partnership {
            head: Head::read(row)?,
            slug: row.get()?,
            titles: row.json()?,
            card: Group::read(columns.card, row, Card::read)?,
            details: Group::read(columns.details, row, Details::read)?,
        };
        Ok(row.into())
    }

    fn fill<'a>(
        reader: &'a Reader,
        nodes: &'a mut [Self],
        want: &'a Selection,
    ) -> BoxFuture<'a, Result<(), DomainError>> {
        super::fill(reader, nodes, want)
    }
}

/// A party with its organization.
#[derive(Debug)]
pub struct Party {
    /// The organization.
    pub organization: OrganizationNode,
    /// What it does.
    pub role: PartyRole,
    /// What it brings.
    pub terms: Group<Terms>,
}

/// The columns that a selection of parties needs.
#[derive(Clone, Copy, Debug)]
pub struct PartyColumns {
    terms: bool,
    organization: organization::store::Columns,
}

impl PartyColumns {
    /// Those that the selected fields of `PartnershipParty` need.
    pub fn of(want: &Selection) -> Self {
        let organization = want.below("PartnershipParty", "organization").unwrap_or_default();
        Self {
            terms: want.has("PartnershipParty", Terms::FIELDS),
            organization: OrganizationNode::columns(&organization),
        }
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
    let keys = KeyColumns::new(&[("id", KeyType::Id)]);
    let fetch = OrganizationNode::fetch(columns.organization, "r");
    let terms = if columns.terms { format!(", {}", columns_of("p", Terms::COLUMNS)) } else { String::new() };
    let statement = KeyedStatement {
        sql: format!(
            "SELECT k.n, p.role{terms}, {} FROM {} {then} partnership_party AS p ON p.partnership_id = k.id \
             {then} organization AS r ON r.id = p.organization_id {} WHERE {} ORDER BY k.n, p.position",
            fetch.columns,
            keys.source(dialect),
            fetch.joins,
            reader.viewer.sees_record(dialect, "r"),
            then = dialect.join(),
        ),
        keys,
    };
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
    if let Some(since) = filter.updated_since {
        conditions.bind("updated_since", KeyValue::Int(since.micros()));
        conditions.push("o.updated_at >= k.updated_since");
    }
    Ok(conditions)
}

/// The ranges of a filter.
fn ranges(filter: &PartnershipFilter) -> Result<Ranges<'static>, DomainError> {
    Ok(Ranges {
        within: None,
        regions: vocabularies().regions.checked("filter.regions", "region", filter.regions.as_deref())?,
        facets: sector_facets("filter.sectors", filter.sectors.as_deref())?,
    })
}

/// The list of partnerships that fit a filter, and its keys.
///
/// # Errors
/// `BAD_USER_INPUT` for an unknown slug or a wrong id.
pub fn list(
    reader: &Reader,
    filter: &PartnershipFilter,
    order: Option<PartnershipOrder>,
) -> Result<(List, KeyRow), DomainError> {
    let directory = Directory { name: "partnerships", table: "partnership", list_table: "partnership_list" };
    let viewer = &reader.viewer;
    let level = viewer.by_level_alone().then_some(|column: &str| viewer.level_condition(column));
    let sees = |alias: &str| PartnershipNode::sees(viewer, reader.dialect(), alias);
    let sort = order.unwrap_or_default().sort();
    Ok(directory.list(sort, ranges(filter)?, conditions(reader, filter)?, sees, level))
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
