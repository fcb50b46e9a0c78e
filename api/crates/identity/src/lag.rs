//! The lag of clients that follow the log, and the length of the mail queue: metrics for operators.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, Statement};

use kernel::error::DomainError;
use kernel::read::Database;
use kernel::value::DateTime;
use records::changes::{Head, head};

/// The time in microseconds since its last request within which a client counts as a follower.
const FOLLOWS: i64 = 24 * 3600 * 1_000_000;

/// The lag of followers and mails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// The end of the log.
    pub head: Head,
    /// The number of clients that have requested the feed within a day.
    pub clients: i64,
    /// The number of entries by which the slowest client is behind.
    pub feed: i64,
    /// The number of mails in the queue.
    pub mails: i64,
    /// The age of the oldest queued mail in microseconds.
    pub oldest_mail: i64,
}

impl Lag {
    /// Reads the lag from the database.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn read(db: &Arc<Database>, now: DateTime) -> Result<Self, DomainError> {
        let head = head(db).await?;
        let sql = "SELECT (SELECT count(*) FROM mail_outbox), (SELECT min(created_at) FROM mail_outbox), \
                   (SELECT count(*) FROM sync_client WHERE seen_at > $1), \
                   (SELECT min(seq) FROM sync_client WHERE seen_at > $1)";
        let since = (now.micros() - FOLLOWS).into();
        let statement = Statement::from_sql_and_values(db.dialect().backend(), sql, [since]);
        let row = db.reader().query_one_raw(statement).await?;
        let row = row.ok_or_else(|| DomainError::Stored("a row of numbers is missing".into()))?;
        let oldest: Option<i64> = row.try_get_by_index(1)?;
        let furthest: Option<i64> = row.try_get_by_index(3)?;
        Ok(Self {
            head,
            clients: row.try_get_by_index(2)?,
            feed: furthest.map_or(0, |seq| (head.seq - seq).max(0)),
            mails: row.try_get_by_index(0)?,
            oldest_mail: oldest.map_or(0, |created| (now.micros() - created).max(0)),
        })
    }
}
