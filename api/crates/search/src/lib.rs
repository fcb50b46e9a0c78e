//! Search: the types that can be found, their facets and audiences, and the engines.
//!
//! Hits are ids: records are read again from the database under the viewer's rules. There are two indexes, one of
//! what the public sees and one of what members see, so that a hidden field cannot be found by its words. Both
//! follow the change log; nothing else writes to them.

mod breaker;
mod build;
mod drift;
pub mod fallback;
pub mod follower;
pub mod found;
pub mod graphql;
pub mod guard;
pub mod highlight;
pub mod matching;
pub mod meters;
pub mod reindex;
pub mod service;
pub mod store;
mod withdrawn;
