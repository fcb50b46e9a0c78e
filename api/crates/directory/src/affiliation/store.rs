//! SQL of affiliations: keyed reads under the viewer's condition, with both sides joined in.

use super::{Affiliation, AffiliationNode, Card, Side};
use crate::organization::OrganizationNode;
use crate::talent::TalentNode;
use crate::{organization, talent};
use kernel::error::DomainError;
use kernel::list::{Fetch, List, Order};
use kernel::node::{ColumnGroups, Node};
use kernel::policy::Viewer;
use kernel::provenance::ExternalId;
use kernel::read::{Dialect, Group, KeyColumns, KeyType, Row, Selection};
use kernel::reader::Reader;
use kernel::{Head, RecordType, columns_of};

/// The groups of columns, and the sides, that a selection needs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Columns {
    card: bool,
    external_id: bool,
    talent: Option<talent::store::Columns>,
    organization: Option<organization::store::Columns>,
}

/// Fields of the schema that need no group of columns, or those of a side.
const ALWAYS: &[&str] = &["id", "region", "visibility", "revision", "role", "talent", "organization"];

/// The field that the id in the owning system answers.
const EXTERNAL: &[&str] = &["externalId"];

impl ColumnGroups for Columns {
    const FIELDS: &'static [&'static [&'static str]] = &[ALWAYS, EXTERNAL, Card::FIELDS];

    fn of(want: &Selection) -> Self {
        let name = AffiliationNode::NAME;
        Self {
            card: want.has(name, Card::FIELDS),
            external_id: want.has(name, EXTERNAL),
            talent: want.below(name, "talent").map(|below| TalentNode::columns(&below)),
            organization: want.below(name, "organization").map(|below| OrganizationNode::columns(&below)),
        }
    }

    fn fetch(self, alias: &str) -> Fetch {
        let mut all = vec![columns_of(alias, Head::COLUMNS), columns_of(alias, &["roles"])];
        let mut joins = Vec::new();
        if self.card {
            Card::fetch(alias, &mut all, &mut joins);
        }
        if self.external_id {
            ExternalId::fetch(alias, &mut all, &mut joins);
        }
        if let Some(talent) = self.talent {
            let fetch = talent.fetch("t");
            all.push(fetch.columns);
            joins.push(format!("JOIN talent AS t ON t.id = {alias}.talent_id {}", fetch.joins));
        }
        if let Some(organization) = self.organization {
            let fetch = organization.fetch("c");
            all.push(fetch.columns);
            joins.push(format!("JOIN organization AS c ON c.id = {alias}.organization_id {}", fetch.joins));
        }
        Fetch { columns: all.join(", "), joins: joins.join(" ") }
    }
}

impl Node for AffiliationNode {
    const TYPE: RecordType = RecordType::Affiliation;
    const NAME: &'static str = "Affiliation";
    type Columns = Columns;

    /// The talent, that group of the talent's fields, and the organization are all seen. One that a side disputes is
    /// private to both sides.
    fn sees(viewer: &Viewer, dialect: Dialect, alias: &str) -> String {
        let stored = viewer.level_condition(&format!("{alias}.visibility"));
        if viewer.by_level_alone() {
            return stored;
        }
        let own: Vec<String> = ["pt", "po"].iter().flat_map(|side| viewer.by_role(dialect, side)).collect();
        format!(
            "({stored} OR EXISTS (SELECT 1 FROM talent AS pt JOIN organization AS po ON po.id = {alias}.organization_id \
             WHERE pt.id = {alias}.talent_id AND {} AND {} AND {} AND ({alias}.disputed_by IS NULL OR {})))",
            viewer.sees_record(dialect, "pt"),
            viewer.sees_group(dialect, "pt", "affiliations_visibility"),
            viewer.sees_record(dialect, "po"),
            own.join(" OR "),
        )
    }

    fn read(columns: Columns, row: &mut Row, viewer: &Viewer) -> Result<Self, DomainError> {
        let affiliation = Affiliation {
            head: Head::read(row)?,
            roles: row.json()?,
            card: Group::read(columns.card, row, Card::read)?,
            external_id: if columns.external_id { ExternalId::read(row)? } else { None },
        };
        let talent = columns.talent.map(|columns| TalentNode::read(columns, row, viewer)).transpose()?;
        let organization =
            columns.organization.map(|columns| OrganizationNode::read(columns, row, viewer)).transpose()?;
        Ok(AffiliationNode {
            row: affiliation,
            region: super::Regions::default(),
            talent: talent.map(Box::new),
            organization: organization.map(Box::new),
        })
    }
}

/// The affiliations of a talent or in an organization, the latest first. The first key is the parent's id;
/// where `current` is asked, the second is today.
pub fn list(reader: &Reader, side: Side, current: Option<bool>) -> List {
    let (name, column) = match side {
        Side::Talent => ("talent.affiliations", "talent_id"),
        Side::Organization => ("organization.affiliations", "organization_id"),
    };
    let mut keys = KeyColumns::new(&[("parent_id", KeyType::Id)]);
    let mut conditions = vec![
        format!("a.{column} = k.parent_id"),
        AffiliationNode::sees(&reader.viewer, reader.dialect(), "a"),
    ];
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
        second: None,
    }
}
