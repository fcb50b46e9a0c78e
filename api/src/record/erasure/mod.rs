//! Erasing: of a record that is erased stays its id, and that it was erased.
//!
//! | where | what |
//! |---|---|
//! | `ledger` | in the transaction: what records share goes, the ledger remembers that they were erased |
//! | `settle` | after it: storage is cleaned, and the ids go into a file that no backup of the database brings back |
//!
//! The rows of the domain go through the door like those of a deleted record; what hangs on a talent goes with it in
//! [`Kind::erase`](crate::record::write::Kind::erase). The search index follows the log.

pub(super) mod ledger;
pub mod settle;
