//! Who may see what: the one place that decides.
//!
//! [`may_see`] is the rule as a function; the methods of [`Viewer`] that return SQL are the same rule as a
//! condition. A property test runs both over the same records. Every read takes its condition from here:
//! what is hidden is then exactly like what is absent, in lists, counts, nested fields and errors.

use std::collections::BTreeSet;

use async_graphql::Enum;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::read::Dialect;
use super::read::keyed::hex;

/// Who may see a record or a group of a talent's fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Visibility {
    /// Everyone, signed in or not.
    Public,
    /// Every signed-in account.
    Members,
    /// The person or organization concerned, and the staff of the region that answers for the record.
    Private,
}

impl Visibility {
    /// The number in the database: the greater, the fewer see it.
    pub const fn code(self) -> i16 {
        match self {
            Self::Public => 0,
            Self::Members => 1,
            Self::Private => 2,
        }
    }

    /// The visibility of a number in the database. What is not known is shown to nobody.
    pub const fn from_code(code: i16) -> Self {
        match code {
            0 => Self::Public,
            1 => Self::Members,
            _ => Self::Private,
        }
    }
}

/// Who reads: built once per request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Viewer {
    /// Whether somebody is signed in.
    pub signed_in: bool,
    /// Slugs of the regions whose staff the viewer belongs to.
    pub staff_of: BTreeSet<String>,
    /// Records that are the viewer's own: a talent's profile, a member's organization.
    pub owns: BTreeSet<Uuid>,
    /// Whether the viewer administers the whole instance.
    pub admin: bool,
}

/// What decides about one record or field group. A record that is made of others (an affiliation, a
/// partnership) has them as parts: it is seen by those who see all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The level that the record itself has.
    pub visibility: Visibility,
    /// The region that answers for it.
    pub region: String,
    /// The record whose owner the viewer may be.
    pub id: Uuid,
    /// Other records and field groups that must be seen as well.
    pub parts: Vec<Facts>,
}

impl Facts {
    /// The strictest level in it: what is stored with the row.
    pub fn strictest(&self) -> Visibility {
        self.parts
            .iter()
            .map(Facts::strictest)
            .max()
            .map_or(self.visibility, |parts| parts.max(self.visibility))
    }
}

/// Whether the viewer may see it.
pub fn may_see(viewer: &Viewer, on: &Facts) -> bool {
    viewer.sees(on.visibility, &on.region, on.id) && on.parts.iter().all(|part| may_see(viewer, part))
}

impl Viewer {
    /// Somebody who is not signed in.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// Whether the viewer sees a record, or a group of its fields, of this level, region and identity.
    pub fn sees(&self, visibility: Visibility, region: &str, id: Uuid) -> bool {
        let by_level = match visibility {
            Visibility::Public => true,
            Visibility::Members => self.signed_in || self.admin,
            Visibility::Private => self.admin,
        };
        by_level || self.staff_of.contains(region) || self.owns.contains(&id)
    }

    /// The greatest level code that the viewer sees of any record.
    fn level(&self) -> i16 {
        match (self.admin, self.signed_in) {
            (true, _) => Visibility::Private.code(),
            (false, true) => Visibility::Members.code(),
            (false, false) => Visibility::Public.code(),
        }
    }

    /// Whether nothing but the level counts: the stored strictest level then decides alone.
    pub fn by_level_alone(&self) -> bool {
        self.admin || (self.staff_of.is_empty() && self.owns.is_empty())
    }

    /// Whether there may be private records that the viewer sees.
    pub fn sees_private(&self) -> bool {
        self.admin || !self.staff_of.is_empty() || !self.owns.is_empty()
    }

    /// The condition on a stored strictest level, for viewers of whom [`Viewer::by_level_alone`] is true.
    pub fn level_condition(&self, column: &str) -> String {
        format!("{column} <= {}", self.level())
    }

    /// The condition on the level in `column` of the row `alias`, which has `region` and `id`.
    fn condition(&self, dialect: Dialect, alias: &str, column: &str) -> String {
        let mut any = vec![self.level_condition(&format!("{alias}.{column}"))];
        if !self.by_level_alone() {
            if !self.staff_of.is_empty() {
                let regions = self.staff_of.iter().map(|region| format!("'{}'", region.replace('\'', "''")));
                any.push(format!("{alias}.region IN ({})", regions.collect::<Vec<_>>().join(", ")));
            }
            if !self.owns.is_empty() {
                let ids = self.owns.iter().map(|id| match dialect {
                    Dialect::Postgres => format!("'{id}'::uuid"),
                    Dialect::Sqlite => format!("x'{}'", hex(id.as_bytes())),
                });
                any.push(format!("{alias}.id IN ({})", ids.collect::<Vec<_>>().join(", ")));
            }
        }
        format!("({})", any.join(" OR "))
    }

    /// The condition for a row `alias` of a table of records that stand alone (organizations, talents).
    pub fn sees_record(&self, dialect: Dialect, alias: &str) -> String {
        self.condition(dialect, alias, "visibility")
    }

    /// The condition for one group of fields of the talent `alias`, by the column of its level. The talent
    /// itself must be seen as well.
    pub fn sees_group(&self, dialect: Dialect, alias: &str, column: &str) -> String {
        self.condition(dialect, alias, column)
    }

    /// The condition for an affiliation `alias`: its talent, that group of the talent's fields, and its
    /// organization are all seen.
    pub fn sees_affiliation(&self, dialect: Dialect, alias: &str) -> String {
        let stored = self.level_condition(&format!("{alias}.visibility"));
        if self.by_level_alone() {
            return stored;
        }
        format!(
            "({stored} OR (EXISTS (SELECT 1 FROM talent AS pt WHERE pt.id = {alias}.talent_id AND {} AND {}) \
             AND EXISTS (SELECT 1 FROM organization AS po WHERE po.id = {alias}.organization_id AND {})))",
            self.sees_record(dialect, "pt"),
            self.sees_group(dialect, "pt", "affiliations_visibility"),
            self.sees_record(dialect, "po"),
        )
    }

    /// The condition for a partnership `alias`: it and all its parties are seen.
    pub fn sees_partnership(&self, dialect: Dialect, alias: &str) -> String {
        let stored = self.level_condition(&format!("{alias}.visibility"));
        if self.by_level_alone() {
            return stored;
        }
        format!(
            "({stored} OR ({} AND NOT EXISTS (SELECT 1 FROM partnership_party AS pp \
             JOIN organization AS po ON po.id = pp.organization_id \
             WHERE pp.partnership_id = {alias}.id AND NOT {})))",
            self.condition(dialect, alias, "declared_visibility"),
            self.sees_record(dialect, "po"),
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn visibility() -> impl Strategy<Value = Visibility> {
        (0i16..3).prop_map(Visibility::from_code)
    }

    proptest! {
        #[test]
        fn nobody_sees_more_than_an_administrator_and_nobody_less_than_the_public(
            level in visibility(), signed_in: bool, staff: bool, owner: bool,
        ) {
            let facts = Facts { visibility: level, region: "wallonie".into(), id: Uuid::from_u128(1), parts: vec![] };
            let viewer = Viewer {
                signed_in: signed_in || staff || owner,
                staff_of: staff.then(|| "wallonie".to_owned()).into_iter().collect(),
                owns: owner.then(|| Uuid::from_u128(1)).into_iter().collect(),
                admin: false,
            };
            prop_assert!(!may_see(&Viewer::anonymous(), &facts) || may_see(&viewer, &facts));
            let admin = Viewer { admin: true, ..Viewer::default() };
            prop_assert!(may_see(&admin, &facts));
            prop_assert_eq!(may_see(&viewer, &facts), level == Visibility::Public
                || (level == Visibility::Members && viewer.signed_in) || staff || owner);
        }

        #[test]
        fn the_stored_strictest_level_decides_alone_for_those_without_roles(
            own in visibility(), parts in prop::collection::vec(visibility(), 0..4), signed_in: bool,
        ) {
            let one = |visibility| Facts { visibility, region: "flandre".into(), id: Uuid::from_u128(2), parts: vec![] };
            let facts = Facts { parts: parts.into_iter().map(one).collect(), ..one(own) };
            let viewer = Viewer { signed_in, ..Viewer::default() };
            prop_assert_eq!(may_see(&viewer, &facts), facts.strictest().code() <= viewer.level());
        }
    }
}
