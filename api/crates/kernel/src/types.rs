//! The table of record types. Everything that exists once for each type is made from it.
//!
//! The table holds names and nothing else, so that this module depends on no record type: the paths in a row are
//! resolved where a macro of a higher layer expands them.

use async_graphql::Enum;
use serde::{Deserialize, Serialize};

use super::name_of;

/// Calls a macro with the table of record types.
///
/// The order of the rows is the order of saving: a type refers only to types of earlier rows. Deletions run in the
/// opposite order.
///
/// | part of a row | meaning |
/// |---|---|
/// | doc comment, name, module | the value of `RecordType`, its description, and the folder under `directory/`, which is also the table and the prefix of ids |
/// | `is` | the bit in cursors of the log, which no other type gets later; `things`, `people`, or `erasable` people; the name in inputs; the name with its article; the plural |
/// | `write` | the type's `Kind` (`records::write`), its input, and the description of the input in batches |
/// | `read` | the node |
/// | `record` | the node again where it implements the interface `Record` |
/// | `search` | the node again where it can be found, and the description in `SearchType` |
/// | `root` | the queries, where the type has some of its own, and the mutations |
///
/// A macro that takes the table matches the parts that it needs, and skips the others as `$rest:tt`.
#[macro_export]
macro_rules! records {
    ($make:ident) => {
        $make! {
            /// A company, school, fund, public body, association or venue.
            Organization organization {
                is(0, things, "organization", "an organization", "organizations"),
                write(Organizations, OrganizationInput, "An organization."),
                read(OrganizationNode), record(OrganizationNode),
                search(OrganizationNode, "Organizations."),
                root([OrganizationQuery], OrganizationMutation),
            }
            /// A person in a professional role.
            Talent talent {
                is(1, erasable, "talent", "a talent", "talents"),
                write(Talents, TalentInput, "A talent."),
                read(TalentNode), record(TalentNode),
                search(TalentNode, "Talents."),
                root([TalentQuery], TalentMutation),
            }
            /// A talent's role in an organization.
            Affiliation affiliation {
                is(2, people, "affiliation", "an affiliation", "affiliations"),
                write(Affiliations, AffiliationInput, "An affiliation."),
                read(AffiliationNode), record(),
                search(),
                root([], AffiliationMutation),
            }
            /// Organizations working together.
            Partnership partnership {
                is(3, things, "partnership", "a partnership", "partnerships"),
                write(Partnerships, PartnershipInput, "A partnership."),
                read(PartnershipNode), record(PartnershipNode),
                search(PartnershipNode, "Partnerships."),
                root([PartnershipQuery], PartnershipMutation),
            }
            /// A call for projects: what its funders give, for which genres, and until when.
            Call call_for_projects {
                is(4, things, "callForProjects", "a call for projects", "calls_for_projects"),
                write(CallsForProjects, CallForProjectsInput, "A call for projects."),
                read(CallForProjectsNode), record(CallForProjectsNode),
                search(CallForProjectsNode, "Calls for projects."),
                root([CallForProjectsQuery], CallForProjectsMutation),
            }
            /// An event of the image industry: assises, a market, a mission, a meeting.
            Event event {
                is(5, things, "event", "an event", "events"),
                write(Events, EventInput, "An event."),
                read(EventNode), record(EventNode),
                search(EventNode, "Events."),
                root([EventQuery], EventMutation),
            }
            // Further types follow here.
        }
    };
}

/// Calls a macro with the description of the ids that have a history. It is beside the table because it names each
/// type, and descriptions of arguments are plain literals. A test compares it with the table.
#[macro_export]
macro_rules! with_history {
    ($make:ident) => {
        $make! {
            "Id of an organization, a talent, an affiliation, a partnership, a call for projects, an event, a source, an account or an API key, also of one that was deleted."
        }
    };
}

/// Joins literals to an enumeration. Takes the marks around each literal, the word before the last one, then the
/// literals.
#[macro_export]
macro_rules! enumerated {
    ($open:literal $close:literal, $and:literal: $last:literal) => {
        concat!($open, $last, $close)
    };
    ($open:literal $close:literal, $and:literal: $one:literal $last:literal) => {
        concat!($open, $one, $close, " ", $and, " ", $open, $last, $close)
    };
    ($open:literal $close:literal, $and:literal: $one:literal $($rest:literal)+) => {
        concat!($open, $one, $close, ", ", enumerated!($open $close, $and: $($rest)+))
    };
}

/// The subject of the records of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// Organizations and what they do.
    Things,
    /// People.
    People,
    /// People, each of whom may be erased.
    Erasable,
}

/// The row of a type in the table.
struct Entry {
    bit: u16,
    about: About,
    prefix: &'static str,
    field: &'static str,
    one: &'static str,
    many: &'static str,
}

macro_rules! about {
    (things) => {
        About::Things
    };
    (people) => {
        About::People
    };
    (erasable) => {
        About::Erasable
    };
}

macro_rules! make_record_type {
    ($(
        $(#[$doc:meta])*
        $name:ident $module:ident {
            is($bit:literal, $about:ident, $field:literal, $one:literal, $many:literal),
            $($rest:tt)*
        }
    )*) => {
        /// The types of records that a region answers for.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enum, Serialize, Deserialize
        )]
        pub enum RecordType {
            $($(#[$doc])* $name,)*
        }

        impl RecordType {
            const fn entry(self) -> Entry {
                match self {
                    $(Self::$name => Entry {
                        bit: 1 << $bit,
                        about: about!($about),
                        prefix: stringify!($module),
                        field: $field,
                        one: $one,
                        many: $many,
                    },)*
                }
            }
        }
    };
}

records!(make_record_type);

impl RecordType {
    /// The name in lower case: prefix of ids, and name of the table.
    pub const fn prefix(self) -> &'static str {
        self.entry().prefix
    }

    /// The name of the field that holds a record of the type in the inputs of batches and imports.
    pub const fn field(self) -> &'static str {
        self.entry().field
    }

    /// The name of one record, with its article.
    pub const fn one(self) -> &'static str {
        self.entry().one
    }

    /// The name of several records.
    pub const fn many(self) -> &'static str {
        self.entry().many
    }

    /// Whether records of the type are about people.
    pub const fn is_personal(self) -> bool {
        matches!(self.entry().about, About::People | About::Erasable)
    }

    /// Whether the erasure of a record of the type can be requested.
    pub const fn is_erasable(self) -> bool {
        matches!(self.entry().about, About::Erasable)
    }

    /// The bit of the type in cursors of the change log. No other type gets it later.
    pub const fn bit(self) -> u16 {
        self.entry().bit
    }

    /// The name in the database and in the schema's enum.
    pub fn name(self) -> &'static str {
        name_of(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::all_of;

    #[test]
    fn no_two_types_share_a_bit_or_a_name() {
        let bits: BTreeSet<u16> = all_of::<RecordType>().map(RecordType::bit).collect();
        let names: BTreeSet<&str> = all_of::<RecordType>().flat_map(|of| [of.prefix(), of.many()]).collect();
        let types = all_of::<RecordType>().count();
        assert_eq!((bits.len(), names.len()), (types, 2 * types));
    }
}
