//! Operation of a server: health, logs, metrics, traces, stops and failures.

use passerelle::kernel::read::Database;
use sea_orm::{ConnectionTrait, QueryResult, Statement};

mod damage;
mod dropped;
mod health;
mod logs;
mod metrics;
mod rest;
mod stop;
mod traces;
mod waits;

/// The rows of a statement.
async fn rows(db: &Database, sql: &str) -> Vec<QueryResult> {
    let statement = Statement::from_string(db.dialect().backend(), sql);
    db.writer().query_all_raw(statement).await.expect(sql)
}

/// The integer that a statement returns.
async fn number(db: &Database, sql: &str) -> i64 {
    rows(db, sql).await[0].try_get_by_index(0).expect("a number")
}
