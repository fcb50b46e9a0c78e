//! The access policy: the one place that decides who may see a record and who may write it.
//!
//! [`may_see`] is the read rule as a function. The methods of [`Viewer`] that return SQL are the same rule as a
//! condition. A property test runs both over the same records. Every read takes its condition from here, so a hidden
//! record is like an absent one in lists, counts, nested fields and errors.
//!
//! The write rules are [`Viewer::writes_in`] for records of a region, [`Viewer::writes_talent`] for talents, and
//! [`Viewer::speaks_for`] for the side of an affiliation or a party of a partnership. For writes as well, a hidden
//! record is like an absent one.

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
    /// The code in the database. A greater code is stricter.
    pub const fn code(self) -> i16 {
        match self {
            Self::Public => 0,
            Self::Members => 1,
            Self::Private => 2,
        }
    }

    /// The visibility of a code in the database. An unknown code is private.
    pub const fn from_code(code: i16) -> Self {
        match code {
            0 => Self::Public,
            1 => Self::Members,
            _ => Self::Private,
        }
    }
}

/// The caller and their rights. Built once per request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Viewer {
    /// Whether the viewer is signed in.
    pub signed_in: bool,
    /// The account or API key of the caller; none where nobody is signed in.
    pub account: Option<Uuid>,
    /// Whether the caller is an API key rather than an account.
    pub machine: bool,
    /// Slugs of the regions whose staff the viewer belongs to.
    pub staff_of: BTreeSet<String>,
    /// Slugs of the regions whose records the viewer writes: as editor, as administrator of the region, or for one of
    /// its source systems. Writers of a region's records also see its private records.
    pub writes: BTreeSet<String>,
    /// Slugs of the regions for whose source systems the viewer pushes records.
    pub pushes: BTreeSet<String>,
    /// Records that are the viewer's own: a talent's profile, a member's organization.
    pub owns: BTreeSet<Uuid>,
    /// Whether the viewer administers the whole instance.
    pub admin: bool,
}

/// The facts that decide who may see one record or field group. A record that is made of others (an affiliation, a
/// partnership) has them as parts: only viewers who see all parts see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The level that the record itself has.
    pub visibility: Visibility,
    /// The region that answers for it.
    pub region: String,
    /// The id of the record, which its owner has in [`Viewer::owns`].
    pub id: Uuid,
    /// Other records and field groups that the viewer must see as well.
    pub parts: Vec<Facts>,
}

impl Facts {
    /// The strictest level of the record and its parts, which is stored with the row.
    pub fn strictest(&self) -> Visibility {
        self.parts
            .iter()
            .map(Facts::strictest)
            .max()
            .map_or(self.visibility, |parts| parts.max(self.visibility))
    }
}

/// The region of the view of a record. `own` and `level` are those of the record, `parts` those of its parts. A private
/// record with private parts is in the view of their region, or in nobody's (the empty text) if these parts are of
/// several regions. Any other record is in the view of its own region. So a follower of a region's private view may see
/// all that is in it.
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

/// Whether the viewer may see the record or field group.
pub fn may_see(viewer: &Viewer, on: &Facts) -> bool {
    viewer.sees(on.visibility, &on.region, on.id) && on.parts.iter().all(|part| may_see(viewer, part))
}

/// Texts as SQL literals, with commas.
fn listed_texts<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.map(|text| format!("'{}'", text.replace('\'', "''"))).collect::<Vec<_>>().join(", ")
}

/// Ids as SQL literals, with commas.
fn listed_ids<'a>(dialect: Dialect, ids: impl Iterator<Item = &'a Uuid>) -> String {
    let ids = ids.map(|id| match dialect {
        Dialect::Postgres => format!("'{id}'::uuid"),
        Dialect::Sqlite => format!("x'{}'", hex(id.as_bytes())),
    });
    ids.collect::<Vec<_>>().join(", ")
}

impl Viewer {
    /// A viewer who is not signed in.
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

    /// Whether the viewer sees the private records of a region, as its staff or as a writer of its records.
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

    /// The condition for rows that the staff of a region sees. Its slug is in `column`.
    pub fn is_staff_in(&self, column: &str) -> String {
        match (self.admin, self.staff_of.is_empty()) {
            (true, _) => "TRUE".to_owned(),
            (false, true) => "FALSE".to_owned(),
            (false, false) => {
                format!("{column} IN ({})", listed_texts(self.staff_of.iter().map(String::as_str)))
            }
        }
    }

    /// The condition for rows of a region whose private records the viewer sees. Its slug is in `column`.
    pub fn is_insider_in(&self, column: &str) -> String {
        let regions = self.insider_regions();
        match (self.admin, regions.is_empty()) {
            (true, _) => "TRUE".to_owned(),
            (false, true) => "FALSE".to_owned(),
            (false, false) => format!("{column} IN ({})", listed_texts(regions.into_iter())),
        }
    }

    /// The condition for rows of a region whose records the viewer writes. Its slug is in `column`.
    pub fn is_writer_in(&self, column: &str) -> String {
        match (self.admin, self.writes.is_empty()) {
            (true, _) => "TRUE".to_owned(),
            (false, true) => "FALSE".to_owned(),
            (false, false) => {
                format!("{column} IN ({})", listed_texts(self.writes.iter().map(String::as_str)))
            }
        }
    }

    /// The condition for rows of a record of the viewer's own. Its id is in `column`.
    pub fn is_owner_in(&self, dialect: Dialect, column: &str) -> String {
        if self.owns.is_empty() {
            return "FALSE".to_owned();
        }
        format!("{column} IN ({})", listed_ids(dialect, self.owns.iter()))
    }

    /// The account of the viewer, where they are a person rather than an API key.
    pub fn person(&self) -> Option<Uuid> {
        self.account.filter(|_| !self.machine)
    }

    /// The condition for rows whose account, in `column`, is the viewer's own. An API key has none.
    pub fn is_person(&self, dialect: Dialect, column: &str) -> String {
        match self.person() {
            Some(account) => format!("{column} = {}", listed_ids(dialect, [&account].into_iter())),
            None => "FALSE".to_owned(),
        }
    }

    /// The regions whose private records the viewer sees, in order.
    pub fn insider_regions(&self) -> BTreeSet<&str> {
        self.staff_of.iter().chain(&self.writes).map(String::as_str).collect()
    }

    /// The strictest level that the viewer's roles grant in every region, for followers of the change log. Records that
    /// the viewer owns form no view: they can be read, but not followed.
    pub fn granted_level(&self) -> Visibility {
        Visibility::from_code(self.level())
    }

    /// Whether the viewer writes the records of a region.
    pub fn writes_in(&self, region: &str) -> bool {
        self.admin || self.writes.contains(region)
    }

    /// The condition that the viewer writes the records of the region whose slug is in `column`.
    pub fn writes_in_column(&self, column: &str) -> String {
        match (self.admin, self.writes.is_empty()) {
            (true, _) => "TRUE".to_owned(),
            (false, true) => "FALSE".to_owned(),
            (false, false) => {
                format!("{column} IN ({})", listed_texts(self.writes.iter().map(String::as_str)))
            }
        }
    }

    /// The condition that the record whose id is in `column` is the viewer's own.
    pub fn owns_in_column(&self, dialect: Dialect, column: &str) -> String {
        if self.owns.is_empty() {
            return "FALSE".to_owned();
        }
        format!("{column} IN ({})", listed_ids(dialect, self.owns.iter()))
    }

    /// Whether the viewer pushes records for the source systems of a region.
    pub fn pushes_for(&self, region: &str) -> bool {
        self.admin || self.pushes.contains(region)
    }

    /// Whether the viewer pushes records for any source system.
    pub fn pushes_anything(&self) -> bool {
        self.admin || !self.pushes.is_empty()
    }

    /// Whether the viewer writes anything at all.
    pub fn writes_anything(&self) -> bool {
        self.admin || !self.writes.is_empty() || !self.owns.is_empty()
    }

    /// Whether the viewer writes the profile of a talent of this region and id: their own, or one of their region. Only
    /// its owner decides about a claimed profile (see [`Viewer::decides_for`]).
    pub fn writes_talent(&self, region: &str, id: Uuid) -> bool {
        self.writes_in(region) || self.owns.contains(&id)
    }

    /// Whether the viewer decides about the visibility and the legal basis of a talent's profile. Once the person has
    /// claimed it, only they decide: neither staff nor source systems.
    pub fn decides_for(&self, claimed: bool, id: Uuid) -> bool {
        !claimed || self.owns.contains(&id)
    }

    /// Whether the viewer may confirm, dispute or decline in the name of a talent or an organization of this region and
    /// id. Its owners may, and the writers of the records of its region.
    pub fn speaks_for(&self, region: &str, id: Uuid) -> bool {
        self.writes_in(region) || self.owns.contains(&id)
    }

    /// The strictest level at which the viewer sees every record, as its code.
    fn level(&self) -> i16 {
        match (self.admin, self.signed_in) {
            (true, _) => Visibility::Private.code(),
            (false, true) => Visibility::Members.code(),
            (false, false) => Visibility::Public.code(),
        }
    }

    /// Whether the stored strictest level alone decides what the viewer sees.
    pub fn by_level_alone(&self) -> bool {
        self.admin || !self.sees_private()
    }

    /// Whether the viewer may see any private record.
    pub fn sees_private(&self) -> bool {
        self.admin || !self.insider_regions().is_empty() || !self.owns.is_empty()
    }

    /// The condition on a stored strictest level, for viewers for whom [`Viewer::by_level_alone`] is true.
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

    /// The conditions under which the viewer sees the row `alias` at any level. One of them is enough.
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

    /// The condition for one group of fields of the talent `alias`, by the column of its level. The viewer must see the
    /// talent as well.
    pub fn sees_group(&self, dialect: Dialect, alias: &str, column: &str) -> String {
        self.condition(dialect, alias, column)
    }

    /// Whether the viewer sees an affiliation that one of its sides disputes, which is private to its sides. The viewer
    /// must see both sides as well.
    pub fn sees_disputed(&self, talent: &Facts, organization: &Facts) -> bool {
        [talent, organization].iter().any(|side| self.sees(Visibility::Private, &side.region, side.id))
    }

    /// The condition for an entry of the history of a record of this type. The staff of its region sees it, if they see
    /// the record `alias` or it is deleted (`alias` is null). A person sees the history of their own profile. `sees` is
    /// the condition for the record. `region` holds the region that answered for the record when the entry was written.
    /// `id` holds the id of the record.
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

    /// The condition for a proposal `alias` of the organization `of`. The writers of the records of its region see it,
    /// and its proposer.
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

    /// The condition for an application `alias`. The members of the organization that applies see it, and once it was
    /// submitted the staff of the regions of those who fund its call. `funded` turns a condition on the region `f.region`
    /// of a funder into the condition that a funder of the call fulfils it.
    pub fn sees_application(
        &self,
        dialect: Dialect,
        alias: &str,
        funded: impl FnOnce(&str) -> String,
    ) -> String {
        let mut any = Vec::new();
        if !self.owns.is_empty() {
            any.push(self.is_owner_in(dialect, &format!("{alias}.applicant_id")));
        }
        if self.is_staff() {
            let funded = if self.admin { "TRUE".to_owned() } else { funded(&self.is_staff_in("f.region")) };
            any.push(format!("({alias}.submitted_at IS NOT NULL AND {funded})"));
        }
        if any.is_empty() { "FALSE".to_owned() } else { format!("({})", any.join(" OR ")) }
    }

    /// Whether the viewer writes the applications of an organization, as one of its members.
    pub fn applies_for(&self, id: Uuid) -> bool {
        !self.machine && self.account.is_some() && self.owns.contains(&id)
    }

    /// Whether the viewer decides on applications for the funders of a region: its staff who write its records do. Members
    /// of a funder do not.
    pub fn decides_in(&self, region: &str) -> bool {
        self.admin || (self.staff_of.contains(region) && self.writes.contains(region))
    }

    /// Whether the viewer may propose changes of an organization, as one of its members.
    pub fn proposes_for(&self, id: Uuid) -> bool {
        !self.machine && self.account.is_some() && self.owns.contains(&id)
    }

    /// Whether a read of a talent's contact data is logged for this viewer. Reads by the talent and by anonymous
    /// viewers are not.
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

    #[test]
    fn an_application_is_seen_by_its_members_and_by_the_staff_of_funders_once_it_was_submitted() {
        let seen = |viewer: &Viewer| {
            viewer.sees_application(Dialect::Postgres, "a", |funded| format!("EXISTS (funders f: {funded})"))
        };
        let of_region = || ["wallonie".to_owned()].into();
        let staff = Viewer { signed_in: true, staff_of: of_region(), ..Viewer::default() };
        let member = Viewer { signed_in: true, owns: [Uuid::nil()].into(), ..Viewer::default() };
        let submitted = "(a.submitted_at IS NOT NULL AND EXISTS (funders f: f.region IN ('wallonie')))";
        let own = "a.applicant_id IN ('00000000-0000-0000-0000-000000000000'::uuid)";
        assert_eq!(seen(&staff), format!("({submitted})"));
        assert_eq!(seen(&member), format!("({own})"));
        assert_eq!(
            seen(&Viewer { owns: member.owns.clone(), ..staff.clone() }),
            format!("({own} OR {submitted})")
        );
        let admin = Viewer { admin: true, ..Viewer::default() };
        assert_eq!(
            seen(&admin),
            "((a.submitted_at IS NOT NULL AND TRUE))",
            "not even an administrator sees a draft"
        );
        for nobody in
            [Viewer::anonymous(), Viewer { writes: of_region(), pushes: of_region(), ..Viewer::default() }]
        {
            assert_eq!(seen(&nobody), "FALSE");
        }
        // Those decide who are staff and write: neither members of a funder, nor its systems.
        assert!(Viewer { writes: of_region(), ..staff.clone() }.decides_in("wallonie"));
        for other in [staff, member, Viewer { writes: of_region(), ..Viewer::default() }] {
            assert!(!other.decides_in("wallonie"), "{other:?}");
        }
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
