//! The steps that bring a database from nothing to the present layout.
//!
//! One file per step, never edited once landed. Tables are written in SQL, because what matters in
//! them (collations, covering indexes, storage settings) is exactly what a builder would hide; the
//! few differences between PostgreSQL and SQLite are words that `ddl` replaces.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

mod m20261122_000001_changes;
mod m20261122_000002_directory;
mod m20261122_000003_organization_names;
mod m20261122_000004_search;
mod m20261122_000005_writes;
mod m20261122_000006_identity;
mod m20261122_000007_mail;
mod m20261122_000008_proposals;
mod m20261122_000009_audit;
mod m20261122_000010_oidc;
mod m20261122_000011_consent;
mod m20261122_000012_erasure;
mod m20261122_000013_clustered;
mod m20261122_000014_organization_names_again;
mod m20261122_000015_view_region;
mod m20261122_000016_continuity;
mod m20261122_000020_push;
mod m20261122_000022_acknowledged;
mod m20261122_000023_erasure_view;
mod m20261122_000027_withdrawn;
mod m20261122_000041_scheduled_erasure;
mod m20261129_000030_account_network;
mod m20261129_000031_housekeeping;
mod m20261130_000032_calls;
mod m20261130_000033_events;
mod m20261130_000034_applications;
mod m20261130_000035_registrations;
mod m20261130_000036_calendar_addresses;
mod m20261130_000037_partnership_subjects;

/// All steps, in order.
#[derive(Debug)]
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_changes::Migration),
            Box::new(m20261122_000002_directory::Migration),
            Box::new(m20261122_000003_organization_names::Migration),
            Box::new(m20261122_000004_search::Migration),
            Box::new(m20261122_000005_writes::Migration),
            Box::new(m20261122_000006_identity::Migration),
            Box::new(m20261122_000007_mail::Migration),
            Box::new(m20261122_000008_proposals::Migration),
            Box::new(m20261122_000009_audit::Migration),
            Box::new(m20261122_000010_oidc::Migration),
            Box::new(m20261122_000011_consent::Migration),
            Box::new(m20261122_000012_erasure::Migration),
            Box::new(m20261122_000013_clustered::Migration),
            Box::new(m20261122_000014_organization_names_again::Migration),
            Box::new(m20261122_000015_view_region::Migration),
            Box::new(m20261122_000016_continuity::Migration),
            Box::new(m20261122_000020_push::Migration),
            Box::new(m20261122_000022_acknowledged::Migration),
            Box::new(m20261122_000023_erasure_view::Migration),
            Box::new(m20261122_000027_withdrawn::Migration),
            Box::new(m20261122_000041_scheduled_erasure::Migration),
            Box::new(m20261129_000030_account_network::Migration),
            Box::new(m20261129_000031_housekeeping::Migration),
            Box::new(m20261130_000032_calls::Migration),
            Box::new(m20261130_000033_events::Migration),
            Box::new(m20261130_000034_applications::Migration),
            Box::new(m20261130_000035_registrations::Migration),
            Box::new(m20261130_000036_calendar_addresses::Migration),
            Box::new(m20261130_000037_partnership_subjects::Migration),
        ]
    }
}

/// Runs a script of statements separated by `;`, after replacing the words that differ by database.
///
/// | word | PostgreSQL | SQLite |
/// |---|---|---|
/// | `UUID` | `uuid` | `BLOB` (16 bytes) |
/// | `BYTES` | `bytea` | `BLOB` |
/// | `KEY` | `text COLLATE "C"`, compared byte by byte | `TEXT` |
/// | `REAL8` | `double precision` | `DOUBLE` |
/// | `COUNTER_ROW` | `WITH (fillfactor = 10)`, room to update in place | nothing |
/// | `CLUSTERED` | nothing | `WITHOUT ROWID`, the table is its primary key |
/// | `COVERING(..)` | `INCLUDE (..)` | nothing |
///
/// # Errors
/// Whatever the database says of a statement.
pub(crate) async fn ddl(manager: &SchemaManager<'_>, script: &str) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let postgres = connection.get_database_backend() == DbBackend::Postgres;
    for statement in script.split(';').map(str::trim).filter(|s| !s.is_empty()) {
        connection.execute_unprepared(&dialect(statement, postgres)).await?;
    }
    Ok(())
}

fn dialect(statement: &str, postgres: bool) -> String {
    let words: &[(&str, &str)] = if postgres {
        &[
            (" UUID", " uuid"),
            (" BYTES", " bytea"),
            (" KEY", " text COLLATE \"C\""),
            (" REAL8", " double precision"),
            (" COUNTER_ROW", " WITH (fillfactor = 10)"),
            (" CLUSTERED", ""),
            (" COVERING", " INCLUDE"),
        ]
    } else {
        &[
            (" UUID", " BLOB"),
            (" BYTES", " BLOB"),
            (" KEY", " TEXT"),
            (" REAL8", " DOUBLE"),
            (" COUNTER_ROW", ""),
            (" CLUSTERED", " WITHOUT ROWID"),
        ]
    };
    // "PRIMARY KEY" is SQL's own and stays as it is.
    let mut text = statement.replace("PRIMARY KEY", "PRIMARY\u{1}");
    for (word, replacement) in words {
        text = text.replace(word, replacement);
    }
    if !postgres {
        while let Some(at) = text.find(" COVERING") {
            let end = text[at..].find(')').map_or(text.len(), |close| at + close + 1);
            text.replace_range(at..end, "");
        }
    }
    text.replace("PRIMARY\u{1}", "PRIMARY KEY")
}
