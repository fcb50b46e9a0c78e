//! How far clients have followed the log. A client that passes a cursor as `after` acknowledges everything up to it.
//!
//! Positions are kept for accounts and API keys, one for each combination of types and regions that they request.
//! Acknowledgements are queued here and written in batches, at most once a second, by a task that lives while the queue
//! is not empty. No request waits for the write or runs a statement more. A shutdown waits for the task. Entries that
//! are queued when the process is killed are lost; the client's next request acknowledges them again.
//!
//! A client may go back, for example when it was restored from a backup. It then holds what it held at that position,
//! which may include a record that was erased since. So a row has two positions: the current one, which decides what
//! the client has still to apply, and the furthest one ever reached, which only rises.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use quick_cache::sync::Cache;
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use super::ChangeCursor;
use super::retention::Retention;
use crate::audit::ActorKind;
use crate::handle::Core;
use crate::worker::backlog::Backlog;
use kernel::error::DomainError;
use kernel::error::fault::View;
use kernel::policy::{Viewer, Visibility};
use kernel::read::{Dialect, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement};
use kernel::{RecordType, name_of};

/// The number of clients whose last written position is cached.
const MAX_WRITTEN: usize = 10_000;
/// The time after a batch in which what is acknowledged waits for the next one.
const REST: Duration = Duration::from_secs(1);
/// The time for which an unchanged position is not written again, in microseconds: a minute.
const QUIET: i64 = 60_000_000;

/// A client: an account or API key, and its filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Client {
    id: Uuid,
    machine: bool,
    asked: String,
}

/// The acknowledged position of a client.
#[derive(Clone, Debug)]
struct Acknowledged {
    /// The current position: the cursor that the client presented last.
    cursor: ChangeCursor,
    types: String,
    views: String,
    /// The highest number that the client has presented.
    furthest: i64,
    at: i64,
}

/// The queue of acknowledgements to be written. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Acknowledgements(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    waiting: Backlog<Client, Acknowledged>,
    /// The last written position of each client, and its time.
    written: Cache<Client, (i64, i64)>,
}

impl Default for Acknowledgements {
    fn default() -> Self {
        Self(Arc::new(Inner { waiting: Backlog::default(), written: Cache::new(MAX_WRITTEN) }))
    }
}

/// The separator of lists in the database. Lists also begin and end with it, so that a substring search finds an entry.
const COMMA: &str = ",";

fn listed(entries: impl Iterator<Item = String>) -> String {
    entries.fold(COMMA.to_owned(), |list, entry| list + &entry + COMMA)
}

/// The entry of a view in such a list.
pub fn view_entry(region: &str, visibility: Visibility) -> String {
    format!("{region}:{}", visibility.code())
}

impl Acknowledgements {
    /// Queues an acknowledgement. Returns whether the caller must start the task that writes the queue.
    fn queue(&self, viewer: &Viewer, position: &Position<'_>, now: i64) -> bool {
        let Some(id) = viewer.account else { return false };
        let client = Client { id, machine: viewer.machine, asked: position.cursor.scope.asked() };
        let seq = position.cursor.seq;
        let known = self.0.written.get(&client);
        let is_quiet = known.is_some_and(|(at, when)| at == seq && (0..QUIET).contains(&(now - when)));
        self.0.waiting.add(client, |before| {
            if before.is_none() && is_quiet {
                return None;
            }
            let views = position.views.iter().map(|(region, visibility)| view_entry(region, *visibility));
            Some(Acknowledged {
                cursor: position.cursor.clone(),
                types: listed(position.types.iter().map(|of| of.name().to_owned())),
                views: listed(views),
                furthest: before.map_or(seq, |before| before.furthest.max(seq)),
                at: now,
            })
        });
        self.0.waiting.begins()
    }

    /// Notes what was written, so that it is not written again at once.
    fn wrote(&self, batch: &[(Client, Acknowledged)]) {
        for (client, reached) in batch {
            self.0.written.insert(client.clone(), (reached.cursor.seq, reached.at));
        }
    }
}

/// A position up to which a client has applied everything, with the types and views that it follows.
#[derive(Clone, Copy, Debug)]
pub struct Position<'a> {
    /// The position.
    pub cursor: &'a ChangeCursor,
    /// The types that the client follows.
    pub types: &'a [RecordType],
    /// The views that it follows.
    pub views: &'a [View],
}

/// Notes that a viewer has applied everything up to a position, which must be one of the log. It is written later.
/// Anonymous viewers are not noted.
pub fn note(core: &Core, viewer: &Viewer, position: &Position<'_>) {
    if core.acknowledgements.queue(viewer, position, core.clock.now().micros()) {
        let own = core.clone();
        core.tasks.spawn(async move {
            let backlog = &own.acknowledgements.0.waiting;
            let what = "positions of clients";
            backlog.write_all(&own, what, REST, |core, batch| write(core, batch).boxed()).await;
        });
    }
}

async fn write(core: &Core, batch: &[(Client, Acknowledged)]) -> Result<(), DomainError> {
    for machine in [false, true] {
        let some: Vec<_> = batch.iter().filter(|(client, _)| client.machine == machine).collect();
        upsert(core, machine, &some).await?;
    }
    core.acknowledgements.wrote(batch);
    Ok(())
}

/// Upserts the rows of accounts, or of API keys, in one statement. Deleted accounts and revoked keys are skipped.
async fn upsert(core: &Core, machine: bool, batch: &[&(Client, Acknowledged)]) -> Result<(), DomainError> {
    let dialect = core.db.dialect();
    let keys = KeyColumns::new(&[
        ("id", KeyType::Id),
        ("reader_id", KeyType::Id),
        ("asked", KeyType::Text),
        ("types", KeyType::Text),
        ("views", KeyType::Text),
        ("cursor", KeyType::Text),
        ("seq", KeyType::Int),
        ("base", KeyType::Int),
        ("furthest", KeyType::Int),
        ("at", KeyType::Int),
    ]);
    let (reader, table, condition, lock) = if machine {
        // The row lock keeps the key from being revoked meanwhile.
        (ActorKind::ApiKey, "api_key", "o.id = k.reader_id AND o.revoked_at IS NULL", "FOR SHARE OF o")
    } else {
        // The row lock keeps the account from being erased meanwhile.
        (ActorKind::Account, "account", "o.id = k.reader_id", "FOR KEY SHARE OF o")
    };
    let lock = if dialect == Dialect::Postgres { lock } else { "" };
    // A newer row of another instance wins, except for `furthest`, which only rises.
    let newer = |column: &str| {
        format!(
            "{column} = CASE WHEN excluded.seen_at >= sync_client.seen_at THEN excluded.{column} \
             ELSE sync_client.{column} END"
        )
    };
    let greater = |column: &str| {
        format!(
            "{column} = CASE WHEN excluded.{column} > sync_client.{column} THEN excluded.{column} \
             ELSE sync_client.{column} END"
        )
    };
    let sql = format!(
        "INSERT INTO sync_client (id, reader, reader_id, asked, types, views, cursor, seq, base, furthest, \
         acknowledged_at, seen_at, went_back_at) \
         SELECT k.id, '{}', k.reader_id, k.asked, k.types, k.views, k.cursor, k.seq, k.base, k.furthest, k.at, k.at, \
         CASE WHEN k.seq < k.furthest THEN k.at END FROM {} {} {table} AS o ON {condition} WHERE TRUE {lock} \
         ON CONFLICT (reader_id, asked) DO UPDATE SET {}, \
         acknowledged_at = CASE WHEN excluded.furthest > sync_client.furthest THEN excluded.seen_at \
         ELSE sync_client.acknowledged_at END, \
         went_back_at = CASE WHEN excluded.seen_at < sync_client.seen_at THEN sync_client.went_back_at \
         WHEN excluded.seq >= excluded.furthest AND excluded.seq >= sync_client.furthest THEN NULL \
         ELSE COALESCE(sync_client.went_back_at, excluded.seen_at) END",
        name_of(reader),
        keys.source(dialect),
        dialect.join(),
        ["types", "views", "cursor", "seq", "base"]
            .map(newer)
            .into_iter()
            .chain(["furthest", "seen_at"].map(greater))
            .collect::<Vec<_>>()
            .join(", "),
    );
    let row = |(client, reached): &&(Client, Acknowledged)| -> KeyRow {
        vec![
            KeyValue::Id(core.new_id()),
            KeyValue::Id(client.id),
            KeyValue::Text(client.asked.clone()),
            KeyValue::Text(reached.types.clone()),
            KeyValue::Text(reached.views.clone()),
            KeyValue::Text(reached.cursor.text()),
            KeyValue::Int(reached.cursor.seq),
            KeyValue::Int(reached.cursor.base),
            KeyValue::Int(reached.furthest),
            KeyValue::Int(reached.at),
        ]
    };
    let rows = batch.iter().map(row).collect();
    KeyedStatement { sql, keys }.execute(core.db.writer(), dialect, rows).await.map(|_| ())
}

/// Deletes the positions of an account or API key, in the transaction that deletes the account or revokes the key.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn forget(on: &impl ConnectionTrait, dialect: Dialect, reader: Uuid) -> Result<(), DomainError> {
    let sql = "DELETE FROM sync_client WHERE reader_id = $1";
    on.execute_raw(Statement::from_sql_and_values(dialect.backend(), sql, [reader.into()])).await?;
    Ok(())
}

/// Deletes the rows of clients that have sent no request for as long as tombstones are kept; they must load a snapshot
/// if they return. Returns the number of rows.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn sweep(core: &Core, retention: Retention) -> Result<u64, DomainError> {
    let before = retention.tombstones_before(core.clock.now());
    let sql = "DELETE FROM sync_client WHERE seen_at < $1";
    let statement =
        Statement::from_sql_and_values(core.db.dialect().backend(), sql, [before.micros().into()]);
    Ok(core.db.writer().execute_raw(statement).await?.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::Scope;

    fn viewer() -> Viewer {
        Viewer { signed_in: true, account: Some(Uuid::from_u128(1)), ..Viewer::default() }
    }

    fn cursor(seq: i64) -> ChangeCursor {
        ChangeCursor { feed_id: Uuid::nil(), seq, tag: 1, base: 0, scope: Scope::default() }
    }

    fn queue(all: &Acknowledgements, viewer: &Viewer, seq: i64, now: i64) -> bool {
        let views = [("wallonie".to_owned(), Visibility::Public)];
        let position = Position { cursor: &cursor(seq), types: &[RecordType::Talent], views: &views };
        all.queue(viewer, &position, now)
    }

    #[test]
    fn many_requests_are_one_row_and_the_last_says_where_the_client_is() {
        let all = Acknowledgements::default();
        assert!(queue(&all, &viewer(), 3, 0), "the first starts a task");
        for seq in [7, 9, 5] {
            assert!(!queue(&all, &viewer(), seq, 1), "the task runs already");
        }
        let (taken, _) = all.0.waiting.take();
        let [(_, reached)] = taken.as_slice() else { panic!("{taken:?}") };
        assert_eq!((reached.cursor.seq, reached.furthest), (5, 9));
        assert_eq!((reached.types.as_str(), reached.views.as_str()), (",TALENT,", ",wallonie:0,"));
        assert!(all.0.waiting.take().0.is_empty());
        assert!(queue(&all, &viewer(), 6, 2), "the next acknowledgement starts a new task");
    }

    #[test]
    fn nobody_is_noted_and_nothing_twice_in_a_minute() {
        let all = Acknowledgements::default();
        assert!(!queue(&all, &Viewer::anonymous(), 3, 0));
        assert!(queue(&all, &viewer(), 3, 0));
        all.wrote(&all.0.waiting.take().0);
        assert!(all.0.waiting.take().0.is_empty());
        assert!(!queue(&all, &viewer(), 3, QUIET - 1), "the position is unchanged");
        assert!(queue(&all, &viewer(), 3, QUIET));
    }
}
