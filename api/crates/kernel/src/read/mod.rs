//! The read path: the selection set is walked once, keyed reads fetch the rows, plain structs hold the result.

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
pub use writing::WriteHealth;
