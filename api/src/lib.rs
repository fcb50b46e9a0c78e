//! Passerelle: a headless GraphQL API for a cross-border cluster directory.
//!
//! ARCHITECTURE.md is the map. This crate is the top: the root of the schema, the settings, and the commands. The layers
//! below it are crates under `api/crates`, and each knows those below it alone.

// The futures of commands nest deeper than the compiler looks by itself.
#![recursion_limit = "256"]

pub mod command;
pub mod config;
pub mod housekeeping;
pub mod schema;

// Tests reach the layers by the name of the program.
pub use {accounts, directory, exchange, identity, index, kernel, records, search, server};
