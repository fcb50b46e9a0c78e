//! SQL of affiliations: keyed reads under the viewer's condition, with both sides joined in.

use super::{Affiliation, AffiliationNode, Card, Period, Side, TYPE};
use crate::directory::{organization, talent};
use crate::record::error::DomainError;
use crate::record::list::{Fetch, List, Order};
use crate::record::lookup::Key;
use crate::record::policy::Viewer;
use crate::record::provenance::ExternalId;
use crate::record::read::{Group, KeyColumns, KeyType, KeyedStatement, Row, Selection};
use crate::record::reader::Reader;
use crate::record::value::DateTime;
use crate::record::{Head, RecordType, Times, columns_of};

/// The groups of columns, and the sides, that a selection needs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Columns {
    card: bool,
    external_id: bool,
    talent: Option<talent::store::Columns>,
    organization: Option<organization::store::Columns>,
}

const CARD: &[&str] = &[
    "created_at",
    "updated_at",
    "occupation",
    "starts_on",
    "ends_on",
    "as_of",
    "asserted_by",
    "sources",
    "disputed_at",
];

/// Fields of the schema that the group of the card answers.
const CARDED: &[&str] =
    &["createdAt", "updatedAt", "occupation", "period", "asOf", "assertedBy", "sources", "disputedAt"];

impl Columns {
    /// Those that the selected fields need.
    pub fn of(want: &Selection) -> Self {
        Self {
            card: want.has(TYPE, CARDED),
            external_id: want.has(TYPE, &["externalId"]),
            talent: want.below(TYPE, "talent").map(|below| talent::store::Columns::of(&below)),
            organization: want
                .below(TYPE, "organization")
                .map(|below| organization::store::Columns::of(&below)),
        }
    }

    /// What to select of the row `r`, and the joins that it needs.
    pub fn fetch(&self) -> Fetch {
        let mut columns = vec![columns_of("r", Head::COLUMNS), columns_of("r", &["roles"])];
        let mut joins = Vec::new();
        if self.card {
            columns.push(columns_of("r", CARD));
        }
        if self.external_id {
            columns.push("r_sync.source, r_sync.external_id".into());
            joins.push("LEFT JOIN sync_record AS r_sync ON r_sync.record_id = r.id".to_owned());
        }
        if let Some(talent) = self.talent {
            let fetch = talent.fetch("t");
            columns.push(fetch.columns);
            joins.push(format!("JOIN talent AS t ON t.id = r.talent_id {}", fetch.joins));
        }
        if let Some(organization) = self.organization {
            let fetch = organization.fetch("c");
            columns.push(fetch.columns);
            joins.push(format!("JOIN organization AS c ON c.id = r.organization_id {}", fetch.joins));
        }
        Fetch { columns: columns.join(", "), joins: joins.join(" ") }
    }

    /// Reads what [`Columns::fetch`] selects.
    ///
    /// # Errors
    /// [`DomainError::Database`] or [`DomainError::Stored`].
    pub fn read(&self, row: &mut Row, viewer: &Viewer) -> Result<AffiliationNode, DomainError> {
        let affiliation = Affiliation {
            head: Head::read(row)?,
            roles: row.json()?,
            card: Group::read(self.card, row, |row| {
                Ok(Card {
                    times: Times::read(row)?,
                    occupation: row.get()?,
                    period: Period { starts_on: row.parsed()?, ends_on: row.parsed()? },
                    as_of: row.parsed()?,
                    asserted_by: row.name()?,
                    sources: row.json()?,
                    disputed_at: row.get::<Option<i64>>()?.map(DateTime::from_micros),
                })
            })?,
            external_id: if self.external_id { ExternalId::read(row)? } else { None },
        };
        let talent = self.talent.map(|columns| columns.read(row, viewer)).transpose()?;
        let organization = self.organization.map(|columns| columns.read(row, viewer)).transpose()?;
        Ok(AffiliationNode {
            row: affiliation,
            region: super::Regions::default(),
            talent: talent.map(|talent| Box::new(talent.into())),
            organization: organization.map(|organization| Box::new(organization.into())),
        })
    }
}

/// For each key, in order, the affiliation that the viewer may see. All keys are of one kind.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn find(
    reader: &Reader,
    keys: Vec<Key>,
    columns: Columns,
) -> Result<Vec<Option<AffiliationNode>>, DomainError> {
    let mut found: Vec<Option<AffiliationNode>> = keys.iter().map(|_| None).collect();
    let Some(first) = keys.first() else { return Ok(found) };
    let dialect = reader.dialect();
    let lookup = first.lookup(RecordType::Affiliation, dialect);
    let fetch = columns.fetch();
    let statement = KeyedStatement {
        sql: format!(
            "SELECT k.n, {} FROM {} {} {} affiliation AS r ON r.id = {} {} WHERE {} ORDER BY k.n",
            fetch.columns,
            lookup.keys.source(dialect),
            lookup.join,
            dialect.join(),
            lookup.id,
            fetch.joins,
            reader.viewer.sees_affiliation(dialect, "r"),
        ),
        keys: lookup.keys,
    };
    let rows = keys.into_iter().map(Key::into_row).collect();
    for (position, mut row) in reader.db.read(&statement, rows).await? {
        found[position] = Some(columns.read(&mut row, &reader.viewer)?);
    }
    Ok(found)
}

/// The affiliations of a talent or in an organization, the latest first. The first key is the parent's id;
/// where `current` is asked, the second is today.
pub fn list(reader: &Reader, side: Side, current: Option<bool>) -> List {
    let (name, column) = match side {
        Side::Talent => ("talent.affiliations", "talent_id"),
        Side::Organization => ("organization.affiliations", "organization_id"),
    };
    let mut keys = KeyColumns::new(&[("parent_id", KeyType::Id)]);
    let mut conditions =
        vec![format!("a.{column} = k.parent_id"), reader.viewer.sees_affiliation(reader.dialect(), "a")];
    if let Some(current) = current {
        keys.push("today", KeyType::Text);
        conditions.push(if current {
            // A report alone (`as_of` without a period) says nothing about today.
            "((a.ends_last IS NULL AND (a.starts_on IS NOT NULL OR a.as_of IS NULL)) OR a.ends_last >= k.today)".into()
        } else {
            "a.ends_last < k.today".into()
        });
    }
    List {
        name,
        parent: Some("parent_id"),
        table: "affiliation",
        from: "affiliation AS a".into(),
        id: "a.id".into(),
        order: Order {
            name: "LATEST",
            inner: "a.sort_on".into(),
            outer: "r.sort_on".into(),
            key_type: KeyType::Text,
            descending: true,
        },
        keys,
        conditions,
    }
}
