//! Imports from files: the sample directory, and files that regions hand over.
//!
//! - **Files** (`file.rs`): a thread reads and parses, and batches of lines are written, each in one transaction (1000
//!   lines on PostgreSQL, 8000 on SQLite). A line with a reference to a missing record waits in a temporary file for a
//!   later pass. After a pass without progress the remaining lines are tried once together, and then refused.
//! - **`--strict`** makes the whole file one transaction. Its entries of the change log wait in a temporary file until
//!   the end, because they must be its last statements.
//! - **Conflicts**: a line without `baseRevision` changes or deletes only a record that its own source has changed
//!   last. Otherwise it is a conflict, unless the line has `overwrite`.
//! - **Exports** (`snapshot.rs`): records come in the order in which they refer to each other. Organizations may refer
//!   to each other, so their lines wait like those of other files.

pub mod csv;
pub mod file;
pub mod line;
pub mod sample;
pub mod snapshot;
pub mod source;
