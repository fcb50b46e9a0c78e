//! The scope of a follower: the types and regions that it asks for, in the views that it may read.

use std::collections::BTreeSet;

use kernel::error::DomainError;
use kernel::error::fault::{CursorFault, View, ViewsChanged};
use kernel::policy::{Viewer, Visibility};
use kernel::vocabulary::vocabularies;
use kernel::{RecordType, all_of};
use records::changes::ChangeCursor;
use records::changes::Scope;
use records::changes::cursor::region_code;

/// The types and views that a caller follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Following {
    /// Types; empty for all.
    pub types: BTreeSet<RecordType>,
    /// The same, in the form that cursors have.
    pub scope: Scope,
    /// The views, in order.
    pub views: Vec<View>,
}

impl Following {
    /// The scope of a viewer who asks for these types and regions: for all of them, where none is given.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for an unknown region.
    pub fn new(
        viewer: &Viewer,
        types: Option<&[RecordType]>,
        regions: Option<&[String]>,
    ) -> Result<Self, DomainError> {
        let types: BTreeSet<RecordType> = types.unwrap_or_default().iter().copied().collect();
        let mut asked = BTreeSet::new();
        for slug in regions.unwrap_or_default() {
            asked.insert(region_code(&vocabularies().regions.find("regions", "region", slug)?.term.slug));
        }
        let scope = Scope {
            types: types.iter().map(|of| of.bit()).sum(),
            regions: Some(asked).filter(|asked| !asked.is_empty()),
            ..Scope::of(viewer)
        };
        Ok(Self { types, views: views(&scope), scope })
    }

    /// The types that are followed.
    pub fn followed_types(&self) -> impl Iterator<Item = RecordType> {
        all_of::<RecordType>().filter(|of| self.follows(*of))
    }

    /// Whether records of a type are followed.
    pub fn follows(&self, of: RecordType) -> bool {
        self.types.is_empty() || self.types.contains(&of)
    }

    /// Checks that a reader can go on from a cursor, which must have the same scope.
    ///
    /// # Errors
    /// [`CursorFault::ViewsChanged`] with the differences.
    pub fn continues(&self, cursor: &ChangeCursor) -> Result<(), CursorFault> {
        if cursor.scope == self.scope {
            return Ok(());
        }
        let before = views(&cursor.scope);
        let without = |list: &[View], other: &[View]| -> Vec<View> {
            list.iter().filter(|view| !other.contains(view)).cloned().collect()
        };
        let types = |of: &Scope| -> Vec<RecordType> {
            all_of::<RecordType>().filter(|one| of.types == 0 || of.types & one.bit() != 0).collect()
        };
        let (types_before, types_now) = (types(&cursor.scope), types(&self.scope));
        let lacking = |list: &[RecordType], other: &[RecordType]| -> Vec<RecordType> {
            list.iter().filter(|of| !other.contains(of)).copied().collect()
        };
        Err(CursorFault::ViewsChanged(Box::new(ViewsChanged {
            added_views: without(&self.views, &before),
            removed_views: without(&before, &self.views),
            added_types: lacking(&types_now, &types_before),
            removed_types: lacking(&types_before, &types_now),
            resume: ChangeCursor { scope: self.scope.clone(), ..cursor.clone() }.text(),
        })))
    }
}

/// Returns the slug of a region by its number in cursors.
pub fn region_of(code: u16) -> Option<&'static str> {
    let mut slugs = vocabularies().regions.all.iter().map(|region| region.term.slug.as_str());
    slugs.find(|slug| region_code(slug) == code)
}

/// The views of a scope, in the order of the vocabulary.
fn views(scope: &Scope) -> Vec<View> {
    let mut views = Vec::new();
    for region in &vocabularies().regions.all {
        let (slug, code) = (&region.term.slug, region_code(&region.term.slug));
        if scope.regions.as_ref().is_some_and(|asked| !asked.contains(&code)) {
            continue;
        }
        for visibility in [Visibility::Public, Visibility::Members, Visibility::Private] {
            if visibility <= scope.level || scope.insider.contains(&code) {
                views.push((slug.clone(), visibility));
            }
        }
    }
    // The view of records with private parts in several regions.
    if scope.level == Visibility::Private && scope.regions.is_none() {
        views.push((String::new(), Visibility::Private));
    }
    views
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_have_room_for_all_regions() {
        let slugs: Vec<&str> =
            vocabularies().regions.all.iter().map(|region| region.term.slug.as_str()).collect();
        let codes: BTreeSet<u16> = slugs.iter().map(|slug| region_code(slug)).collect();
        assert_eq!(codes.len(), slugs.len(), "two regions have one code");
        let scope = Scope {
            types: u16::MAX,
            regions: Some(codes.clone()),
            level: Visibility::Private,
            insider: codes,
        };
        let cursor =
            ChangeCursor { feed_id: uuid::Uuid::max(), seq: i64::MAX, tag: -1, base: i64::MAX, scope };
        assert!(cursor.text().len() <= 128, "{}", cursor.text().len());
        assert_eq!(ChangeCursor::read(&cursor.text()), Some(cursor));
    }

    #[test]
    fn a_reader_learns_what_has_changed() {
        let member = Viewer { signed_in: true, ..Viewer::default() };
        let partner = Viewer { writes: ["wallonie".to_owned()].into(), ..member.clone() };
        let before = Following::new(&member, None, None).unwrap();
        let now = Following::new(&partner, Some(&[RecordType::Talent]), None).unwrap();
        let cursor =
            ChangeCursor { feed_id: uuid::Uuid::nil(), seq: 7, tag: 1, base: 3, scope: before.scope.clone() };
        assert_eq!(before.continues(&cursor), Ok(()));
        let Err(CursorFault::ViewsChanged(changed)) = now.continues(&cursor) else { panic!("it goes on") };
        assert_eq!(changed.added_views, [("wallonie".to_owned(), Visibility::Private)]);
        assert_eq!(changed.removed_views, []);
        assert_eq!(changed.added_types, []);
        assert_eq!(changed.removed_types.len(), kernel::all_of::<RecordType>().count() - 1);
        let resume = ChangeCursor::read(&changed.resume).unwrap();
        assert_eq!(now.continues(&resume), Ok(()));
        assert_eq!(resume.seq, 7);
    }
}
