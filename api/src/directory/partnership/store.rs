//! SQL of partnerships: keyed reads under the viewer's condition.

use uuid::Uuid;

use super::graphql::{PartnershipFilter, PartnershipOrder};
use super::{Card, Details, Partnership, PartyRole, TYPE, Terms};
use crate::directory::affiliation::Period;
use crate::directory::organization::{self, Organization};
use crate::directory::vocabulary::{Vocabulary, sector_facets, vocabularies};
use crate::record::error::DomainError;
use crate::record::list::{Conditions, Directory, Fetch, List, Order, Ranges, filled};
use crate::record::lookup::Key;
use crate::record::provenance::ExternalId;
use crate::record::read::{Group, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement, Row, Selection};
use crate::record::reader::Reader;
use crate::record::value::{DateTime, Decimal, Money};
use crate::record::{Head, RecordType, Times, columns_of, id, name_of};

/// The groups of columns that a selection needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    card: bool,
    details: bool,
}

const CARD: &[&str] = &[
    "created_at",
    "updated_at",
    "kind",
    "status",
    "starts_on",
    "ends_on",
    "sectors",
    "cross_border",
    "party_regions",
    "total_amount",
    "total_currency",
];

/// Fields of the schema that the group of the card answers.
const CARDED: &[&str] = &[
    "createdAt",
    "updatedAt",
    "kind",
    "status",
    "period",
    "sectors",
    "crossBorder",
    "regions",
    "totalContribution",
];

const DETAILS: &[&str] = &["descriptions", "sources", "claims"];

/// Fields of the schema that the group of details answers.
const DETAILED: &[&str] = &["description", "descriptions", "sources", "claims", "externalId"];

/// Reads an amount and its currency.
fn money(row: &mut Row) -> Result<Option<Money>, DomainError> {
    let (amount, currency): (Option<Decimal>, _) = (row.parsed()?, row.parsed()?);
    let stored = amount.zip(currency).map(|(amount, currency)| Money::new(amount, currency));
    stored.transpose().map_err(|error| DomainError::Stored(error.to_string()))
}

impl Columns {
    /// Those that the selected fields need.
    pub fn of(want: &Selection) -> Self {
        Self { card: want.has(TYPE, CARDED), details: want.has(TYPE, DETAILED) }
    }

    /// Those of a search document.
    pub fn searched() -> Self {
        Self { card: true, details: true }
    }

    /// Those of its names.
    pub fn named() -> Self {
        Self { card: false, details: false }
    }

    /// What to select of the row `r`, and the join that it needs.
    pub fn fetch(self) -> Fetch {
        let mut columns = vec![columns_of("r", Head::COLUMNS), columns_of("r", &["slug", "titles"])];
        let mut joins = String::new();
        if self.card {
            columns.push(columns_of("r", CARD));
        }
        if self.details {
            columns.push(columns_of("r", DETAILS));
            columns.push("r_sync.source, r_sync.external_id".into());
            joins.push_str("LEFT JOIN sync_record AS r_sync ON r_sync.record_id = r.id");
        }
        Fetch { columns: columns.join(", "), joins }
    }

    /// Reads what [`Columns::fetch`] selects.
    ///
    /// # Errors
    /// [`DomainError::Database`] or [`DomainError::Stored`].
    pub fn read(self, row: &mut Row) -> Result<Partnership, DomainError> {
        Ok(Partnership {
            head: Head::read(row)?,
            slug: row.get()?,
            titles: row.json()?,
            card: Group::read(self.card, row, |row| {
                Ok(Card {
                    times: Times::read(row)?,
                    kind: row.get()?,
                    status: row.name()?,
                    period: Period { starts_on: row.parsed()?, ends_on: row.parsed()? },
                    sectors: row.json()?,
                    cross_border: row.get()?,
                    party_regions: row.json()?,
                    total_contribution: money(row)?,
                })
            })?,
            details: Group::read(self.details, row, |row| {
                Ok(Details {
                    descriptions: row.json()?,
                    sources: row.json()?,
                    claims: row.json()?,
                    external_id: ExternalId::read(row)?,
                })
            })?,
        })
    }
}

/// For each key, in order, the partnership that the viewer may see. All keys are of one kind.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn find(
    reader: &Reader,
    keys: Vec<Key>,
    columns: Columns,
) -> Result<Vec<Option<Partnership>>, DomainError> {
    let mut found: Vec<Option<Partnership>> = keys.iter().map(|_| None).collect();
    let Some(first) = keys.first() else { return Ok(found) };
    let dialect = reader.dialect();
    let lookup = first.lookup(RecordType::Partnership, dialect);
    let fetch = columns.fetch();
    let statement = KeyedStatement {
        sql: format!(
            "SELECT k.n, {} FROM {} {} {} partnership AS r ON r.id = {} {} WHERE {} ORDER BY k.n",
            fetch.columns,
            lookup.keys.source(dialect),
            lookup.join,
            dialect.join(),
            lookup.id,
            fetch.joins,
            reader.viewer.sees_partnership(dialect, "r"),
        ),
        keys: lookup.keys,
    };
    let rows = keys.into_iter().map(Key::into_row).collect();
    for (position, mut row) in reader.db.read(&statement, rows).await? {
        found[position] = Some(columns.read(&mut row)?);
    }
    Ok(found)
}

/// A party with its organization.
#[derive(Debug)]
pub struct Party {
    /// The organization.
    pub organization: Organization,
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
            terms: want.has("PartnershipParty", &["title", "contribution", "confirmedAt", "declinedAt"]),
            organization: organization::store::Columns::of(&organization),
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
    let fetch = columns.organization.fetch("r");
    let terms = ", p.title, p.contribution_amount, p.contribution_currency, p.confirmed_at, p.declined_at";
    let statement = KeyedStatement {
        sql: format!(
            "SELECT k.n, p.role{}, {} FROM {} {then} partnership_party AS p ON p.partnership_id = k.id \
             {then} organization AS r ON r.id = p.organization_id {} WHERE {} ORDER BY k.n, p.position",
            if columns.terms { terms } else { "" },
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
        let terms = Group::read(columns.terms, &mut row, |row| {
            let (title, contribution): (_, _) = (row.get()?, money(row)?);
            let mut time = || Ok::<_, DomainError>(row.get::<Option<i64>>()?.map(DateTime::from_micros));
            Ok(Terms { title, contribution, confirmed_at: time()?, declined_at: time()? })
        })?;
        let organization = columns.organization.read(&mut row, &reader.viewer)?;
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
    let sees = |alias: &str| viewer.sees_partnership(reader.dialect(), alias);
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
    conditions.push(reader.viewer.sees_partnership(reader.dialect(), "o"));
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
    conditions.push(reader.viewer.sees_partnership(reader.dialect(), "o"));
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
