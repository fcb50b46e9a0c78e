//! SQL of organizations: keyed reads under the viewer's condition.

use uuid::Uuid;

use super::graphql::{OrganizationFilter, OrganizationOrder};
use super::{Address, Card, Contact, Details, Organization, OrganizationNode, Relations, Sectors};
use kernel::columns;
use kernel::error::DomainError;
use kernel::list::{Conditions, List, Order, Ranges, filled};
use kernel::lookup::Key;
use kernel::node::{ColumnGroups as _, Listable, Node};
use kernel::policy::{Viewer, Visibility};
use kernel::read::{Dialect, Group, KeyColumns, KeyType, KeyValue, KeyedStatement, Row};
use kernel::reader::Reader;
use kernel::value::Identifier;
use kernel::vocabulary::{Vocabulary, sector_facets, territories_within, vocabularies};
use kernel::{Head, RecordType, columns_of, id, name_of};

columns! {
    /// The groups of columns that a selection needs.
    pub struct Columns of OrganizationNode [slug name]
        => id slug region visibility revision name predecessors memberOf members affiliations partnerships;
    sectors: Sectors,
    card: Card,
    details: Details,
    contact: Contact,
}

/// Whether the viewer sees e-mail address and phone of an organization: members do, so that nobody harvests them.
fn sees_contact(viewer: &Viewer, head: &Head) -> bool {
    viewer.sees(head.visibility.max(Visibility::Members), &head.region, head.id)
}

impl Node for OrganizationNode {
    const TYPE: RecordType = RecordType::Organization;
    const NAME: &'static str = "Organization";
    type Columns = Columns;

    fn sees(viewer: &Viewer, dialect: Dialect, alias: &str) -> String {
        viewer.sees_record(dialect, alias)
    }

    fn read(columns: Columns, row: &mut Row, viewer: &Viewer) -> Result<Self, DomainError> {
        let head = Head::read(row)?;
        let row = Organization {
            slug: row.get()?,
            name: row.get()?,
            sectors: Group::read(columns.sectors, row, Sectors::read)?,
            card: Group::read(columns.card, row, Card::read)?,
            details: Group::read(columns.details, row, |row| {
                let mut details = Details::read(row)?;
                details.claims.retain(|claim| {
                    !Contact::FIELDS.contains(&claim.field.as_str()) || sees_contact(viewer, &head)
                });
                Ok(details)
            })?,
            contact: Group::read(columns.contact, row, |row| {
                let contact = Contact::read(row)?;
                Ok(if sees_contact(viewer, &head) { contact } else { Contact::default() })
            })?,
            head,
        };
        Ok(Self { row, around: Relations::default() })
    }
}

/// The facts of an organization that are compared with a name that somebody has: its names, where it sits, its numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparable {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Short form of the name.
    pub acronym: Option<String>,
    /// Former names, names in other languages.
    pub other_names: Vec<String>,
    /// Its address.
    pub address: Option<Address>,
    /// Slug of the territory of its seat.
    pub territory: Option<String>,
    /// Slug of the region of its seat.
    pub seat_region: Option<String>,
    /// Official identifiers.
    pub identifiers: Vec<Identifier>,
    /// The organization that continues it.
    pub successor_id: Option<Uuid>,
}

/// The comparable facts of each of these organizations, in order; none where the viewer does not see it.
///
/// # Errors
/// [`DomainError::Database`] or [`DomainError::Stored`].
pub async fn comparables(reader: &Reader, ids: &[Uuid]) -> Result<Vec<Option<Comparable>>, DomainError> {
    const COLUMNS: &[&str] = &[
        "id",
        "name",
        "acronym",
        "other_names",
        "address",
        "territory",
        "seat_region",
        "identifiers",
        "successor_id",
    ];
    let dialect = reader.dialect();
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, {} FROM {keys} {then} organization AS r ON r.id = k.id WHERE {} ORDER BY k.n",
            columns_of("r", COLUMNS),
            reader.viewer.sees_record(dialect, "r")
        )
    });
    let mut found: Vec<Option<Comparable>> = ids.iter().map(|_| None).collect();
    let rows = ids.iter().map(|id| vec![KeyValue::Id(*id)]).collect();
    for (position, mut row) in reader.db.read(&statement, rows).await? {
        found[position] = Some(Comparable {
            id: row.get()?,
            name: row.get()?,
            acronym: row.get()?,
            other_names: row.json()?,
            address: row.optional_json()?,
            territory: row.get()?,
            seat_region: row.get()?,
            identifiers: row.json()?,
            successor_id: row.get()?,
        });
    }
    Ok(found)
}

/// Ids of the organizations that have each of these names, by their stored keys (see `name.rs`), as far as the viewer
/// may see them: so many of each at most.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn named(reader: &Reader, names: &[&str], most: usize) -> Result<Vec<Vec<Uuid>>, DomainError> {
    let dialect = reader.dialect();
    let keys = KeyColumns::new(&[("name", KeyType::Text)]);
    let inner = format!(
        "SELECT o.id FROM organization_name AS n {} organization AS o ON o.id = n.organization_id \
         WHERE n.name = k.name AND {} ORDER BY n.organization_id LIMIT {most}",
        dialect.join(),
        reader.viewer.sees_record(dialect, "o"),
    );
    let statement = KeyedStatement {
        sql: format!(
            "SELECT k.n, r.id FROM {} {} ORDER BY k.n, r.id",
            keys.source(dialect),
            dialect.join_some("organization", "id", &inner),
        ),
        keys,
    };
    let mut found: Vec<Vec<Uuid>> = names.iter().map(|_| Vec::new()).collect();
    let rows = names.iter().map(|name| vec![KeyValue::Text((*name).to_owned())]).collect();
    for (position, mut row) in reader.db.read(&statement, rows).await? {
        found[position].push(row.get()?);
    }
    Ok(found)
}

/// The id and the region of an organization by its id, or that of a duplicate: for those who decide by region, whatever
/// a viewer sees. The key is `id`.
pub fn region_by_id(dialect: Dialect) -> KeyedStatement {
    let lookup = Key::Id(Uuid::nil()).lookup(RecordType::Organization, dialect);
    let sql = format!(
        "SELECT k.n, o.id, o.region FROM {} {} {} organization AS o ON o.id = {} ORDER BY k.n",
        lookup.keys.source(dialect),
        lookup.join,
        dialect.join(),
        lookup.id,
    );
    KeyedStatement { sql, keys: lookup.keys }
}

/// The organizations that each of these continues, by name.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn predecessors(
    reader: &Reader,
    ids: &[Uuid],
    columns: Columns,
) -> Result<Vec<Vec<OrganizationNode>>, DomainError> {
    let then = reader.dialect().join();
    groups(reader, ids, columns, &format!("{then} organization AS r ON r.successor_id = k.id")).await
}

/// The clusters and federations that each of these belongs to, by name.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn member_of(
    reader: &Reader,
    ids: &[Uuid],
    columns: Columns,
) -> Result<Vec<Vec<OrganizationNode>>, DomainError> {
    let then = reader.dialect().join();
    let join = format!(
        "{then} organization_member AS m ON m.member_id = k.id {then} organization AS r ON r.id = m.organization_id"
    );
    groups(reader, ids, columns, &join).await
}

/// The organizations that `join` finds for each id, by name. For relations that are short by nature.
async fn groups(
    reader: &Reader,
    ids: &[Uuid],
    columns: Columns,
    join: &str,
) -> Result<Vec<Vec<OrganizationNode>>, DomainError> {
    let dialect = reader.dialect();
    let fetch = columns.fetch("r");
    let statement = KeyedStatement::by_id(dialect, |keys, _| {
        format!(
            "SELECT k.n, {} FROM {keys} {join} {} WHERE {} ORDER BY k.n, r.name_key, r.id",
            fetch.columns,
            fetch.joins,
            reader.viewer.sees_record(dialect, "r")
        )
    });
    let mut found: Vec<Vec<OrganizationNode>> = ids.iter().map(|_| Vec::new()).collect();
    let rows = ids.iter().map(|id| vec![KeyValue::Id(*id)]).collect();
    for (position, mut row) in reader.db.read(&statement, rows).await? {
        found[position].push(OrganizationNode::read(columns, &mut row, &reader.viewer)?);
    }
    Ok(found)
}

/// The members of an organization, by name. The key is the organization's id.
pub fn members(reader: &Reader) -> List {
    List {
        name: "organization.members",
        parent: Some("organization_id"),
        table: "organization",
        from: format!(
            "organization_member AS m {} organization AS o ON o.id = m.member_id",
            reader.dialect().join()
        ),
        id: "m.member_id".into(),
        order: Order {
            name: "NAME",
            inner: "m.name_key".into(),
            outer: "r.name_key".into(),
            key_type: KeyType::Bytes,
            descending: false,
        },
        keys: KeyColumns::new(&[("organization_id", KeyType::Id)]),
        conditions: vec![
            "m.organization_id = k.organization_id".into(),
            reader.viewer.sees_record(reader.dialect(), "o"),
        ],
        second: None,
    }
}

impl Listable for OrganizationNode {
    type Filter = OrganizationFilter;
    type Order = OrganizationOrder;

    fn filter(
        reader: &Reader,
        filter: &OrganizationFilter,
    ) -> Result<(Ranges<'static>, Conditions), DomainError> {
        let all = vocabularies();
        let ranges = Ranges {
            within: None,
            regions: all.regions.checked("filter.regions", "region", filter.regions.as_deref())?,
            facets: sector_facets("filter.sectors", filter.sectors.as_deref())?,
            ..Ranges::default()
        };
        let mut conditions = Conditions::new(reader.dialect());
        if let Some(kinds) = filled(filter.kinds.as_ref()) {
            let kinds =
                all.terms(Vocabulary::OrganizationKind).checked("filter.kinds", "kind", Some(kinds))?;
            let other = reader.dialect().contains("o.other_kinds", "'\"' || v.value || '\"'");
            conditions.any("kinds", &kinds, "", &format!("(v.value = o.kind OR {other})"));
        }
        if let Some(statuses) = filled(filter.statuses.as_ref()) {
            let names: Vec<&str> = statuses.iter().map(|status| name_of(*status)).collect();
            conditions.one_of("statuses", &names, "o.status");
        }
        if let Some(slugs) = filled(filter.territories.as_ref()) {
            conditions.one_of("territories", &territories_within(slugs)?, "o.territory");
        }
        if let Some(languages) = filled(filter.languages.as_ref()) {
            conditions.list_has("languages", languages, "o.languages");
        }
        if let Some(clusters) = filled(filter.member_of.as_ref()) {
            let ids = clusters.iter().map(|text| id::decode("filter.memberOf", "organization", text));
            let ids = ids.map(|id| id.map(|id| id.simple().to_string())).collect::<Result<Vec<_>, _>>()?;
            let cluster = reader.dialect().id_from_hex("v.value");
            let from = format!(
                "{then} organization_member AS m ON m.organization_id = {cluster} AND m.member_id = o.id \
                 {then} organization AS c ON c.id = m.organization_id",
                then = reader.dialect().join(),
            );
            conditions.any("member_of", &ids, &from, &reader.viewer.sees_record(reader.dialect(), "c"));
        }
        if let Some(near) = &filter.near {
            near.condition(&mut conditions)?;
        }
        conditions.updated_since(filter.updated_since);
        Ok((ranges, conditions))
    }
}
