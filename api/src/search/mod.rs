//! Search: what can be found, by whom, in which engine.
//!
//! Hits are ids: records are read again from the database under the viewer's rules. There are two indexes, of
//! what the public sees and of what members see, so that a hidden field cannot be found by its words. The index
//! follows the change log; nothing else writes to it.

use async_graphql::Enum;

use crate::record::policy::Viewer;

mod breaker;
mod build;
pub mod document;
mod drift;
pub mod embedded;
pub mod engine;
pub mod fallback;
pub mod follower;
pub mod graphql;
pub mod guard;
pub mod highlight;
pub mod matching;
pub mod meilisearch;
pub mod meters;
pub mod records;
pub mod reindex;
pub mod service;
pub mod store;
pub mod text;
mod withdrawn;

/// Types of records that can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub enum SearchType {
    /// Organizations.
    Organization,
    /// Talents.
    Talent,
    /// Partnerships.
    Partnership,
}

/// What hits can be counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub enum SearchFacet {
    /// Types of records; values are those of `SearchType`.
    Type,
    /// Regions that answer for the record or that it serves, by slug.
    Region,
    /// Territories, by slug; a hit counts for those around its own as well.
    Territory,
    /// Sectors, by slug; a hit counts for what its sectors are part of as well.
    Sector,
    /// Kinds of organizations and of partnerships, by slug.
    Kind,
    /// Occupations of talents, by slug.
    Occupation,
    /// Skills of talents, in lower case and without accents.
    Skill,
    /// Working languages of organizations and spoken languages of talents, as ISO 639-1 codes, else ISO 639-3.
    Language,
    /// Availability of talents; values are those of `Availability`.
    Availability,
}

/// Who may find what: each has an index of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Anybody.
    Public,
    /// Anybody who is signed in.
    Members,
}

impl Audience {
    /// That of a viewer.
    pub fn of(viewer: &Viewer) -> Self {
        if viewer.signed_in { Self::Members } else { Self::Public }
    }

    /// A viewer who sees what this audience sees, and no more.
    pub fn viewer(self) -> Viewer {
        Viewer { signed_in: self == Self::Members, ..Viewer::anonymous() }
    }

    /// For names of folders and indexes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Members => "members",
        }
    }
}
