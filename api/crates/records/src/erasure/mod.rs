//! Erasure of records. Only the id of an erased record and the fact that it was erased remain.
//!
//! | where | what |
//! |---|---|
//! | `ledger` | inside the transaction: strips the rows that all types share, and writes the table `erasure_ledger` |
//! | `settle` | after the commit: cleans storage, and appends the ids to a file that no restored backup overwrites |
//!
//! The write path deletes the domain rows as for a plain deletion. [`Kind::erase`](crate::write::Kind::erase)
//! deletes dependent rows, such as the consents of a talent. The search index follows the change log.

pub(super) mod ledger;
pub mod settle;
