//! Who may see what, and who may write it: the one place that decides.
//!
//! [`may_see`] is the rule of reading as a function; the methods of [`Viewer`] that return SQL are the same rule as a
//! condition. A property test runs both over the same records. Every read takes its condition from here:
//! what is hidden is then exactly like what is absent, in lists, counts, nested fields and errors.
//!
//! Writing: [`Viewer::writes_in`] for records of a region, [`Viewer::writes_talent`] for people, and
//! [`Viewer::speaks_for`] for what one side of an affiliation or a party of a partnership says. A record that is
//! not seen is not there for those who would write it.

use std::collections::BTreeSet;

use async_graphql::Enum;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::RecordType;
use super::read::Dialect;
use super::read::keyed::hex;

/// Who may see a record or a group of a talent's fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Visibility {
    /// Everyone, signed in or not.
    #[default]
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
    /// The account or the key that calls; none where nobody is signed in.
    pub account: Option<Uuid>,
    /// Whether it is a key of a machine that calls, rather than an account.
    pub machine: bool,
    /// Slugs of the regions whose staff the viewer belongs to.
    pub staff_of: BTreeSet<String>,
    /// Slugs of the regions whose records the viewer writes: as editor, as administrator of the region, or for one
    /// of its systems. Whoever writes a region's records sees its private ones.
    pub writes: BTreeSet<String>,
    /// Slugs of the regions whose systems the viewer speaks for: their records are pushed as the systems' own.
    pub pushes: BTreeSet<String>,
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

/// The region in whose view a record is that has this region and level, and is made of parts of these regions and levels:
/// its own, but for a private one that of its private parts. So whoever may follow the private view of one region sees
/// all that is in it. Where private parts are of several regions it is nobody's, the empty text.
pub fn view_region<'a>(
    own: &str,
    level: Visibility,
    parts: impl Iterator<Item = (&'a str, Visibility)>,
) -> String {
    let private = parts.filter(|(_, level)| *level == Visibility::Private);
    let private: BTreeSet<&str> = private.map(|(region, _)| region).collect();
    match (level, private.first()) {
        (Visibility::Private, Some(one)) if private.len() == 1 => (*one).to_owned(),
        (Visibility::Private, Some(_)) => String::new(),
        _ => own.to_owned(),
    }
}

/// Whether the viewer may see it.
pub fn may_see(viewer: &Viewer, on: &Facts) -> bool {
    viewer.sees(on.visibility, &on.region, on.id) && on.parts.iter().all(|part| may_see(viewer, part))
}

/// Texts as SQL, with commas.
fn listed_texts<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.map(|text| format!("'{}'", text.replace('\'', "''"))).collect::<Vec<_>>().join(", ")
}

/// Ids as SQL, with commas.
fn listed_ids<'a>(dialect: Dialect, ids: impl Iterator<Item = &'a Uuid>) -> String {
    let ids = ids.map(|id| match dialect {
        Dialect::Postgres => format!("'{id}'::uuid"),
        Dialect::Sqlite => format!("x'{}'", hex(id.as_bytes())),
    });
    ids.collect::<Vec<_>>().join(", ")
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
        by_level || self.insider_of(region) || self.owns.contains(&id)
    }

    /// Whether the viewer sees the private records of a region, as its staff or as one who writes them.
    fn insider_of(&self, region: &str) -> bool {
        self.staff_of.contains(region) || self.writes.contains(region)
    }

    /// Whether the viewer belongs to the staff of a region, or administers the whole instance.
    pub fn is_staff(&self) -> bool {
        self.admin || !self.staff_of.is_empty()
    }

    /// Whether the viewer belongs to the staff of any of these regions, or administers the whole instance.
    pub fn is_staff_of_any<'a>(&self, mut regions: impl Iterator<Item = &'a str>) -> bool {
        self.admin || regions.any(|region| self.staff_of.contains(region))
    }

    /// The condition for what is about a region, whose slug is in a column, and concerns its staff.
    pub fn is_staff_in(&self, column: &str) -> String {
        match (self.admin, self.staff_of.is_empty()) {
            (true, _) => "TRUE".to_owned(),
            (false, true) => "FALSE".to_owned(),
            (false, false) => {
                format!("{column} IN ({})", listed_texts(self.staff_of.iter().map(String::as_str)))
            }
        }
    }

    /// The regions whose private records the viewer sees, in order.
    pub fn insider_regions(&self) -> BTreeSet<&str> {
        self.staff_of.iter().chain(&self.writes).map(String::as_str).collect()
    }

    /// The level up to which the roles of the viewer grant the views of every region, for whoever follows the log.
    /// What is the viewer's own is no view of its own: they read it, and do not follow it.
    pub fn granted_level(&self) -> Visibility {
        Visibility::from_code(self.level())
    }

    /// Whether the viewer writes the records of a region.
    pub fn writes_in(&self, region: &str) -> bool {
        self.admin || self.writes.contains(region)
    }

    /// Whether the viewer pushes the records of the systems of a region.
    pub fn pushes_for(&self, region: &str) -> bool {
        self.admin || self.pushes.contains(region)
    }

    /// Whether the viewer pushes records of any system.
    pub fn pushes_anything(&self) -> bool {
        self.admin || !self.pushes.is_empty()
    }

    /// Whether the viewer writes anything at all.
    pub fn writes_anything(&self) -> bool {
        self.admin || !self.writes.is_empty() || !self.owns.is_empty()
    }

    /// Whether the viewer writes the profile of a talent of this region and identity: it is their own, or one of
    /// their region. What the talent has decided is theirs alone (see [`Viewer::decides_for`]).
    pub fn writes_talent(&self, region: &str, id: Uuid) -> bool {
        self.writes_in(region) || self.owns.contains(&id)
    }

    /// Whether the viewer decides who sees a talent's profile, and why the directory may show it. Once the person
    /// has claimed it, they alone do: no staff and no other system.
    pub fn decides_for(&self, claimed: bool, id: Uuid) -> bool {
        !claimed || self.owns.contains(&id)
    }

    /// Whether the viewer speaks for a talent or an organization of this region and identity: confirms, disputes or
    /// declines in its name. Its own people do, and those who write the records of its region.
    pub fn speaks_for(&self, region: &str, id: Uuid) -> bool {
        self.writes_in(region) || self.owns.contains(&id)
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
        self.admin || !self.sees_private()
    }

    /// Whether there may be private records that the viewer sees.
    pub fn sees_private(&self) -> bool {
        self.admin || !self.insider_regions().is_empty() || !self.owns.is_empty()
    }

    /// The condition on a stored strictest level, for viewers of whom [`Viewer::by_level_alone`] is true.
    pub fn level_condition(&self, column: &str) -> String {
        format!("{column} <= {}", self.level())
    }

    /// The condition on the level in `column` of the row `alias`, which has `region` and `id`.
    pub fn condition(&self, dialect: Dialect, alias: &str, column: &str) -> String {
        let mut any = vec![self.level_condition(&format!("{alias}.{column}"))];
        if !self.by_level_alone() {
            any.extend(self.by_role(dialect, alias));
        }
        format!("({})", any.join(" OR "))
    }

    /// What lets the viewer see the row `alias` at whatever level, each a condition.
    pub fn by_role(&self, dialect: Dialect, alias: &str) -> Vec<String> {
        let mut any = Vec::new();
        let regions = self.insider_regions();
        if !regions.is_empty() {
            any.push(format!("{alias}.region IN ({})", listed_texts(regions.into_iter())));
        }
        if !self.owns.is_empty() {
            any.push(format!("{alias}.id IN ({})", listed_ids(dialect, self.owns.iter())));
        }
        any
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

    /// Whether the viewer sees an affiliation that one of its sides disputes, beside seeing both sides: it is
    /// private to these.
    pub fn sees_disputed(&self, talent: &Facts, organization: &Facts) -> bool {
        [talent, organization].iter().any(|side| self.sees(Visibility::Private, &side.region, side.id))
    }

    /// The condition for an entry of the history of a record of this type: the viewer is of the staff of its region, and
    /// sees the record `alias`, which is not there (null) where it was deleted, or it is their own profile. `sees` is the
    /// condition for the record, `region` holds the region that answered for the record then, `id` whose history it is.
    pub fn sees_history(
        &self,
        dialect: Dialect,
        (of, sees): (RecordType, &str),
        alias: &str,
        region: &str,
        id: &str,
    ) -> String {
        if self.admin {
            return "TRUE".to_owned();
        }
        let mut any = Vec::new();
        if !self.staff_of.is_empty() {
            any.push(format!(
                "(COALESCE({alias}.region, {region}) IN ({}) AND ({alias}.id IS NULL OR {sees}))",
                listed_texts(self.staff_of.iter().map(String::as_str)),
            ));
        }
        if of == RecordType::Talent && !self.owns.is_empty() {
            any.push(format!("{id} IN ({})", listed_ids(dialect, self.owns.iter())));
        }
        if any.is_empty() { "FALSE".to_owned() } else { format!("({})", any.join(" OR ")) }
    }

    /// The condition for a proposal `alias`, of the organization `of`: those who write the records of its region see
    /// it, and who has made it.
    pub fn sees_proposal(&self, dialect: Dialect, alias: &str, of: &str) -> String {
        if self.admin {
            return "TRUE".to_owned();
        }
        let mut any = Vec::new();
        if !self.writes.is_empty() {
            any.push(format!("{of}.region IN ({})", listed_texts(self.writes.iter().map(String::as_str))));
        }
        if let Some(account) = self.account.filter(|_| !self.machine) {
            any.push(format!("{alias}.proposed_by = {}", listed_ids(dialect, [&account].into_iter())));
        }
        if any.is_empty() { "FALSE".to_owned() } else { format!("({})", any.join(" OR ")) }
    }

    /// Whether the viewer proposes changes of an organization: its members do.
    pub fn proposes_for(&self, id: Uuid) -> bool {
        !self.machine && self.account.is_some() && self.owns.contains(&id)
    }

    /// Whether it is noted for a talent that the viewer was shown how to reach them: nobody notes what people read of
    /// themselves, nor what anybody may read without saying who they are.
    pub fn is_noted_by(&self, talent: Uuid) -> bool {
        self.account.is_some() && !self.owns.contains(&talent)
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
                ..Viewer::default()
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

    proptest! {
        #[test]
        fn whoever_writes_a_record_sees_it_and_its_own_region_is_enough(
            level in visibility(), writes: bool, owner: bool, admin: bool, other: bool,
        ) {
            let (region, id) = ("wallonie", Uuid::from_u128(1));
            let written = writes.then_some(region).into_iter().chain(other.then_some("flandre"));
            let viewer = Viewer {
                signed_in: true,
                writes: written.map(str::to_owned).collect(),
                owns: owner.then_some(id).into_iter().collect(),
                admin,
                ..Viewer::default()
            };
            prop_assert_eq!(viewer.writes_in(region), writes || admin);
            prop_assert_eq!(viewer.writes_talent(region, id), writes || admin || owner);
            prop_assert!(!viewer.writes_talent(region, id) || viewer.sees(level, region, id));
            prop_assert!(!viewer.speaks_for(region, id) || viewer.sees(level, region, id));
            prop_assert!(!viewer.writes_in(region) || viewer.writes_anything());
            prop_assert_eq!(viewer.decides_for(true, id), owner);
            prop_assert!(viewer.decides_for(false, id));
        }
    }

    #[test]
    fn nobody_writes_who_has_no_right_to() {
        let nobody = [Viewer::anonymous(), Viewer { signed_in: true, ..Viewer::default() }];
        for viewer in nobody {
            assert!(!viewer.writes_in("wallonie") && !viewer.writes_anything());
            assert!(
                !viewer.writes_talent("wallonie", Uuid::nil()) && !viewer.speaks_for("wallonie", Uuid::nil())
            );
        }
        let staff = Viewer { staff_of: ["wallonie".to_owned()].into(), ..Viewer::default() };
        assert!(!staff.writes_in("wallonie"), "moderators are staff and write no records");
    }
}
