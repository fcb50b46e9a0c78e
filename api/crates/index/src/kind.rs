//! The kinds of what is found: types of records, facets, and audiences, each with an index of its own.

use async_graphql::Enum;

use kernel::policy::Viewer;
use kernel::records;
use kernel::{RecordType, all_of};

macro_rules! make_search_type {
    ($(
        $(#[$doc:meta])*
        $name:ident $module:ident {
            is $is:tt, write $write:tt, read $read:tt, record $record:tt,
            search($($node:ident, $described:literal)?), $($rest:tt)*
        }
    )*) => {
        make_search_type! { @ $($($name $described)?)* }
    };
    (@ $($name:ident $described:literal)*) => {
        /// Types of records that can be found.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
        pub enum SearchType {
            $(#[doc = concat!($described)] $name,)*
        }

        impl SearchType {
            /// The type of its records.
            pub const fn record_type(self) -> RecordType {
                match self {
                    $(Self::$name => RecordType::$name,)*
                }
            }
        }
    };
}

records!(make_search_type);

impl SearchType {
    /// The type of a record that can be found; none of one that cannot.
    pub fn of(record_type: RecordType) -> Option<Self> {
        all_of::<Self>().find(|of| of.record_type() == record_type)
    }

    /// The table of its records.
    pub const fn table(self) -> &'static str {
        self.record_type().prefix()
    }

    /// The table that lists its records by name.
    pub fn list(self) -> String {
        format!("{}_list", self.table())
    }
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
    /// Kinds of organizations, of partnerships and of events, by slug.
    Kind,
    /// Occupations of talents, by slug.
    Occupation,
    /// Skills of talents, in lower case and without accents.
    Skill,
    /// Working languages of organizations and spoken languages of talents, as ISO 639-1 codes, else ISO 639-3.
    Language,
    /// Availability of talents; values are those of `Availability`.
    Availability,
    /// Where calls for projects stand, and how firm events are; values are those of `CallStatus` and `EventStatus`.
    Status,
    /// Where events take place; values are those of `EventMode`.
    Mode,
    /// Genres that calls for projects have a lot for, by slug.
    Genre,
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
