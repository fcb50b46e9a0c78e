//! Search: the types that can be found, their facets and audiences, and the engines.
//!
//! Hits are ids: records are read again from the database under the viewer's rules. There are two indexes, one of
//! what the public sees and one of what members see, so that a hidden field cannot be found by its words. Both
//! follow the change log; nothing else writes to them.
//!
//! | file | what it decides |
//! |---|---|
//! | `index/src/document.rs`, `directory/src/*/document.rs` | the names, texts, labels and filter values of documents |
//! | `index/src/text.rs` | words: folding, elisions and stop words, the same for both engines |
//! | `index/src/engine.rs` | the trait; `embedded/` is tantivy, `meilisearch/` the SDK with our HTTP client |
//! | `follower.rs`, `build.rs`, `drift.rs` | follow the log; build an index and swap; compare and repair |
//! | `guard.rs` | the right to write: a lock on the index's folder, or a lease in the database |
//! | `withdrawn.rs` | whether the index has passed the last change that hid something from an audience |
//! | `reindex.rs`, `store.rs` | jobs for the program that writes, and dead letters: records that an engine refuses |
//! | `service.rs`, `breaker.rs`, `fallback.rs` | time-out of 800 ms, circuit breaker, answer from the database |
//! | `graphql.rs`, `highlight.rs`, `found.rs` | the schema, the snippets, the types that can be found |
//! | `matching/` | the match of a name to one organization |
//!
//! - **Documents** are read as a viewer of each audience. Private records are in neither index. `fallback::own` finds
//!   them by name for viewers who may see them, and puts them before the engine's hits.
//! - **Hits** are read again by their own id (`Key::Own`), with names and highlights, in the same request. The id of a
//!   merged duplicate, which leads to the survivor elsewhere, finds nothing here.
//! - **Totals and facets** come from an index that has passed the last withdrawal from its audience. Otherwise the
//!   database answers, after one second at most. The number of that change is in the row of the log's counter
//!   (`feed_meta`), so a search reads one more row, on any replica and after any restart. Withdrawals are: leaving a
//!   view, deletion, erasure, and changed levels of groups of fields. Additions to a view are none.
//! - **The position in the log** is stored in the index itself, after the documents that it covers, and nowhere else.
//!   So a restored or wiped engine reports its true position. An index from before the oldest tombstone is built anew.
//! - **The embedded index** commits documents, counts them, and then commits the position. A writer that failed is
//!   dropped, because tantivy (0.27) would go on accepting documents and write none. The writer holds a lock of its
//!   own, so a program drops it before it gives the right to write back.
//! - **A new layout** (documents, settings or vocabularies) has another name (`document::layout`). Its index is built
//!   beside the live one, which is searched meanwhile. The embedded index cannot be searched while its *fields* change:
//!   the database answers until the new index is built.
//! - **Programs without the right to write** ask the engine for its position twice a second.
//! - **A cursor** of `search` contains the source of its page. If the engine began a list and is unavailable later, the
//!   next page is the error `SEARCH_UNAVAILABLE`.

mod breaker;
mod build;
mod drift;
pub mod fallback;
pub mod follower;
pub mod found;
pub mod graphql;
pub mod guard;
pub mod highlight;
mod labels;
pub mod matching;
pub mod meters;
pub mod reindex;
pub mod service;
pub mod store;
mod withdrawn;
