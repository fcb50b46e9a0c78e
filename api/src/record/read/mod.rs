//! How reads run: a selection walked once, keyed reads, a tree of plain structs.

pub mod batch;
pub mod database;
pub mod group;
pub mod keyed;
pub mod meters;
pub mod selection;
mod span;
pub mod storage;
pub mod transaction;
pub mod writing;

pub use database::{Database, Dialect, LONG_READS, Waits};
pub use group::Group;
pub use keyed::{KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement, Row};
pub use selection::{Selected, Selection};
pub use span::TRACES;
pub use storage::Fault;
pub use transaction::Transaction;
pub use writing::Writing;
