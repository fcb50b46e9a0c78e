//! Passerelle: a headless GraphQL API for a cross-border cluster directory.
//!
//! ARCHITECTURE.md is the map. Dependencies run one way: `server` uses `directory`, which uses `record` and
//! `changes`, which use the tables of the crate `entity`.

pub mod app;
pub mod changes;
pub mod command;
pub mod config;
pub mod crypto;
pub mod directory;
pub mod encryption;
pub mod housekeeping;
pub mod identity;
pub mod import;
pub mod mail;
pub mod meter;
pub mod migrations;
pub mod node;
pub mod private;
pub mod push;
pub mod record;
pub mod schema;
pub mod search;
pub mod secret;
pub mod server;
pub mod sync;
pub mod telemetry;
pub mod throttle;
pub mod traffic;
pub mod vocabulary;
pub mod worker;
