//! Erasure of records. Only the id of an erased record and the fact that it was erased remain.
//!
//! | where | what |
//! |---|---|
//! | `ledger` | inside the transaction: strips the rows that all types share, and writes the table `erasure_ledger` |
//! | `settle` | after the commit: cleans storage, and appends the ids to a file that no restored backup overwrites |
//!
//! The write path deletes the domain rows as for a plain deletion. [`Kind::erase`](crate::write::Kind::erase)
//! deletes dependent rows, such as the consents of a talent. The search index follows the change log.
//!
//! An erasure is a submission with `Removal::Erase`. In its transaction, beside the deletion:
//!
//! - `Kind::erase` of a talent also deletes affiliations, and the account of the person if it had no other purpose;
//! - the log gets an entry ERASE in every view that the record was ever in (`view_head`);
//! - `sync_record` keeps the id with the state ERASED;
//! - `erasure_ledger` gets an HMAC of source and external id, by which an import of the same record is refused with
//!   ERASED.
//!
//! After the commit, `settle` appends to the file `erased` in `DATA_DIR`. It then truncates the write-ahead log of
//! SQLite, or runs VACUUM on PostgreSQL. Rows without `settled_at` are retried, also after a restart. The embedded
//! search index rewrites its segments without erased documents before its position in the log advances.
//!
//! A new table with personal data needs a deletion in `Kind::erase`, and its name in the list of tables in `settle`.
//! The canary of `tests/erasure.rs` finds a table that was forgotten.

pub(super) mod ledger;
pub mod settle;

/// The tables of this layer that have personal data.
pub const PERSONAL: &[&str] = &["record_slug", "record_identifier", "sync_record", "sync_client"];
