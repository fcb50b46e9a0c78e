//! Applications to calls for projects, and what the funders decide of them.
//!
//! An application belongs to the organization that applies. Its members write it; they see it, and so do the staff of the
//! regions that fund the call once it was submitted ([`kernel::policy::Viewer::sees_application`]). For everybody else it is
//! absent. Applications are no records: they are on the instance that answers for their call, and in no feed, push or
//! search.
//!
//! **Writes.** Everything that depends on the call or on other applications is decided in one transaction that holds the
//! lock of the call's record first, and the row of the application after it ([`act`]). So the last second of a call is the
//! same for everybody, and awards that arrive at the same moment are checked one after the other against what is left
//! (`rules::check_award`). What is wrong is said at once.
//!
//! **Decisions.** Each funder of the lot decides for itself, or each funder of the fund where the lot has none. The staff of
//! the region of a funder decide for it, not its members: applications are for the eyes of these staff. A decision with an
//! amount is an award, which has an id of its own. Awards are public once the call is AWARDED.
//!
//! **Mails** are queued in the transaction of what they report ([`mail`]). The job `applications` reminds the staff of the
//! funders before a call closes ([`mail::reminder`]).

use async_graphql::Enum;

pub mod act;
pub mod award;
pub mod csv;
pub mod decide;
pub mod graphql;
pub mod mail;
pub mod merging;
pub mod mutation;
mod node;
mod rules;
pub mod store;
pub mod write;

pub use node::{ApplicationNode, DecisionNode, find, of_calls, of_viewer};

/// Prefix of the ids of applications.
pub const PREFIX: &str = "application";

/// Where an application stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub enum ApplicationStatus {
    /// Its applicant is still writing it, and nobody else sees it.
    Draft,
    /// It was submitted, and no funder has decided for good.
    Submitted,
    /// A funder has put it on the short list.
    Shortlisted,
    /// A funder at least has awarded money to it.
    Awarded,
    /// All funders of its lot have rejected it.
    Rejected,
    /// Its applicant has taken it back.
    Withdrawn,
}
