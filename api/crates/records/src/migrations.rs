//! The layout of the database: its comparison with that of this program, and its migration.

use futures::future::BoxFuture;
use migration::Migrator;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, Statement};
use sea_orm_migration::{MigratorTrait, SchemaManager};

use kernel::error::DomainError;
use kernel::read::{Database, Dialect};

/// The layout of a database, compared with that of this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// The same.
    Current,
    /// These migrations have not been applied.
    Older(Vec<String>),
    /// These migrations were applied by a newer program.
    Newer(Vec<String>),
}

/// Compares the layout. Writes nothing.
///
/// # Errors
/// Any error of the driver.
pub async fn layout(db: &Database) -> Result<Layout, DbErr> {
    let connection = db.writer();
    let table = Migrator::migration_table_name().to_string();
    let applied: Vec<String> = if SchemaManager::new(connection).has_table(&table).await? {
        Migrator::get_migration_models(connection).await?.into_iter().map(|step| step.version).collect()
    } else {
        Vec::new()
    };
    let known: Vec<String> = Migrator::migrations().iter().map(|step| step.name().to_owned()).collect();
    let newer: Vec<String> = applied.iter().filter(|step| !known.contains(step)).cloned().collect();
    if !newer.is_empty() {
        return Ok(Layout::Newer(newer));
    }
    let missing: Vec<String> = known.into_iter().filter(|step| !applied.contains(step)).collect();
    Ok(if missing.is_empty() { Layout::Current } else { Layout::Older(missing) })
}

/// Fills, after the steps, the columns whose values the program computes.
pub trait Finish:
    for<'a> FnOnce(&'a DatabaseTransaction, Dialect) -> BoxFuture<'a, Result<(), DomainError>> + Send
{
}

impl<F> Finish for F where
    F: for<'a> FnOnce(&'a DatabaseTransaction, Dialect) -> BoxFuture<'a, Result<(), DomainError>> + Send
{
}

/// Key of the advisory lock, the same in every replica: one replica migrates while the others wait.
const LOCK: i64 = 0x7061_7373_6572;

/// Takes the steps that are missing, and finishes: all of it or nothing, and one program at a time.
///
/// # Errors
/// Any error of a migration; none is applied then.
pub async fn run(db: &Database, finish: impl Finish) -> Result<(), DbErr> {
    // SQLite lets one transaction write at a time.
    let transaction = db.begin().await?;
    if db.dialect() == Dialect::Postgres {
        let lock = format!("SELECT pg_advisory_xact_lock({LOCK})");
        for limit in ["idle_in_transaction_session_timeout", "statement_timeout"] {
            transaction.execute_unprepared(&format!("SET LOCAL {limit} = 0")).await?;
        }
        transaction.execute_unprepared(&lock).await?;
    }
    match steps(&transaction, db.dialect(), finish).await {
        Ok(()) => transaction.commit().await,
        Err(error) => {
            // Fails where SQLite has already rolled back. The first error has more information.
            let _ = transaction.rollback().await;
            Err(error)
        }
    }
}

/// Applies the migrations, and fills `organization_name`, whose keys only the program can compute.
async fn steps(
    transaction: &DatabaseTransaction,
    dialect: Dialect,
    finish: impl Finish,
) -> Result<(), DbErr> {
    Migrator::up(transaction, None).await?;
    finish(transaction, dialect).await.map_err(|error| DbErr::Migration(error.to_string()))
}

/// Whether the database confirms a commit before it is durable.
///
/// # Errors
/// Any error of the driver.
pub async fn commits_are_unsafe(db: &Database) -> Result<bool, DbErr> {
    if db.dialect() == Dialect::Sqlite {
        return Ok(false);
    }
    let statement = Statement::from_string(db.dialect().backend(), "SHOW synchronous_commit");
    let row = db.writer().query_one_raw(statement).await?;
    let setting: Option<String> = row.map(|row| row.try_get_by_index(0)).transpose()?;
    Ok(setting.is_some_and(|setting| setting == "off"))
}
