//! The search index: its documents, the embedded engine and Meilisearch behind one trait.
//!
//! There are two indexes, of what the public sees and of what members see, so that a hidden field cannot be found by its
//! words.

pub mod document;
pub mod embedded;
pub mod engine;
pub mod kind;
pub mod meilisearch;
pub mod text;
