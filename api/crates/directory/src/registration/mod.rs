//! Registrations for events: who comes, who waits, who asks.
//!
//! A registration is no record: it has no revision and is in no feed, push or search. It lives on this instance alone, and
//! goes with its event and its account.
//!
//! [`rules`] decides what becomes of a registration. Whoever changes one holds the lock of the event first (that of the
//! write path, so that a change of its capacity waits too), and reads the count of taken places under it
//! ([`write::Places`]). So no place is given twice, and whoever is first in line moves up in the transaction that frees
//! a place: a cancellation, an erasure, a larger capacity.
//!
//! News of a registration is a row of `event_notice`, written in that same transaction. The job [`notice`] makes a mail of
//! it. The write path knows no mails, and a command that imports events has no mail server: so all news goes this way.
//!
//! Lock order: account, event, news.

use async_graphql::Enum;

pub mod graphql;
pub mod mutation;
pub mod notice;
pub mod rules;
pub mod store;
pub mod write;

/// Where a registration for an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub enum RegistrationStatus {
    /// The organizers have not answered yet.
    Requested,
    /// The person has a place.
    Confirmed,
    /// There was no place. The first in line moves up when one becomes free.
    Waitlisted,
    /// The organizers have declined it.
    Declined,
    /// The person has cancelled it.
    Cancelled,
}

impl RegistrationStatus {
    /// Whether the person still comes, waits or asks.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Requested | Self::Confirmed | Self::Waitlisted)
    }

    /// Whether the organizers can answer it.
    pub const fn awaits_answer(self) -> bool {
        matches!(self, Self::Requested | Self::Waitlisted)
    }
}

/// Characters of a message to the organizers at most.
pub const MAX_MESSAGE: usize = 2000;

/// Organizations of a delegation at most.
pub const MAX_DELEGATION: usize = 500;
