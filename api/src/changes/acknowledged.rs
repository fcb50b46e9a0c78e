//! How far clients have followed the log: who passes a position as `after` has done with everything up to it.
//!
//! It is noted of accounts and keys, for each combination of types and regions that they ask for. What a request has
//! acknowledged is queued here, and written in batches by a task that lives as long as there is something to write, once
//! a second at most: no request waits for it or sends a statement more. A stop waits for the task; what is queued when
//! the process is killed is acknowledged again by the client's next request.
//!
//! A client may go back, as one does that was restored from a backup: it then holds what it held at that position, which
//! may be a record that was erased since. So a row says where the client is, by which is decided what it still has to
//! take, and beside that the furthest that it has come, which only rises.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use super::ChangeCursor;
use super::retention::Retention;
use crate::record::audit::ActorKind;
use crate::record::core::Core;
use crate::record::error::DomainError;
use crate::record::error::fault::View;
use crate::record::policy::{Viewer, Visibility};
use crate::record::read::{Dialect, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement};
use crate::record::{RecordType, name_of};

/// Clients of which something waits to be written at most.
const MAX_WAITING: usize = 10_000;
/// Clients of which it is remembered what is written.
const MAX_WRITTEN: usize = 10_000;
/// Rows that are written in one statement at most.
const BATCH: usize = 1000;
/// Attempts to write a batch.
const ATTEMPTS: u32 = 5;
/// The pause between them.
const PAUSE: Duration = Duration::from_millis(200);
/// How often a batch is written at most, in steps: after each it is looked whether the program stops.
const STEPS: u32 = 20;
/// How long a step is.
const STEP: Duration = Duration::from_millis(50);
/// For how long it is not written again that a client is where it was, in microseconds: a minute.
const QUIET: i64 = 60_000_000;

/// A client: an account or key, and what it asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Client {
    id: Uuid,
    machine: bool,
    asked: String,
}

/// What a client has acknowledged.
#[derive(Clone, Debug)]
struct Acknowledged {
    /// Where it is: the last that it has presented.
    cursor: ChangeCursor,
    types: String,
    views: String,
    /// The furthest that it has presented.
    furthest: i64,
    at: i64,
}

#[derive(Debug, Default)]
struct Waiting {
    clients: HashMap<Client, Acknowledged>,
    lost: u64,
    writing: bool,
}

/// What waits to be written. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Acknowledgements(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    waiting: Mutex<Waiting>,
    /// Where clients are, as it was last written, and when they were there.
    written: Cache<Client, (i64, i64)>,
}

impl Default for Acknowledgements {
    fn default() -> Self {
        Self(Arc::new(Inner { waiting: Mutex::default(), written: Cache::new(MAX_WRITTEN) }))
    }
}

/// What lists in the database begin, part and end with, so that an entry is found by its text.
const COMMA: &str = ",";

fn listed(entries: impl Iterator<Item = String>) -> String {
    entries.fold(COMMA.to_owned(), |list, entry| list + &entry + COMMA)
}

/// How a view stands in such a list.
pub fn view_entry(region: &str, visibility: Visibility) -> String {
    format!("{region}:{}", visibility.code())
}

impl Acknowledgements {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues what a viewer has acknowledged; answers whether a task has to be started that writes it.
    fn queue(&self, viewer: &Viewer, position: &Position<'_>, now: i64) -> bool {
        let Some(id) = viewer.account else { return false };
        let client = Client { id, machine: viewer.machine, asked: position.cursor.scope.asked() };
        let seq = position.cursor.seq;
        let mut waiting = self.waiting();
        let waits = waiting.clients.get(&client);
        let known = self.0.written.get(&client);
        if waits.is_none() && known.is_some_and(|(at, when)| at == seq && (0..QUIET).contains(&(now - when)))
        {
            return false;
        }
        let before = waits.map_or(seq, |waits| waits.furthest);
        if waits.is_none() && waiting.clients.len() >= MAX_WAITING {
            waiting.lost += 1;
            return false;
        }
        let acknowledged = Acknowledged {
            cursor: position.cursor.clone(),
            types: listed(position.types.iter().map(|of| of.name().to_owned())),
            views: listed(position.views.iter().map(|(region, visibility)| view_entry(region, *visibility))),
            furthest: before.max(seq),
            at: now,
        };
        waiting.clients.insert(client, acknowledged);
        let starts = !waiting.writing;
        waiting.writing = true;
        starts
    }

    /// Takes the next to be written; where there is nothing, the task that writes ends.
    fn take(&self) -> Vec<(Client, Acknowledged)> {
        let mut waiting = self.waiting();
        if waiting.lost > 0 {
            let lost = std::mem::take(&mut waiting.lost);
            tracing::error!(lost, "too many positions of clients waited to be noted");
        }
        let some: Vec<Client> = waiting.clients.keys().take(BATCH).cloned().collect();
        let taken: Vec<_> =
            some.into_iter().filter_map(|client| waiting.clients.remove_entry(&client)).collect();
        waiting.writing = !taken.is_empty();
        taken
    }
}

/// A position that a client has done with everything up to, and what it follows.
#[derive(Clone, Copy, Debug)]
pub struct Position<'a> {
    /// The position.
    pub cursor: &'a ChangeCursor,
    /// The types that the client follows.
    pub types: &'a [RecordType],
    /// The views that it follows.
    pub views: &'a [View],
}

/// Notes that a viewer has done with everything up to a position, which must be one of the log. It is written later, and
/// of nobody who is not known.
pub fn note(core: &Core, viewer: &Viewer, position: &Position<'_>) {
    if core.acknowledgements.queue(viewer, position, core.clock.now().micros()) {
        let own = core.clone();
        core.tasks.spawn(async move { write_all(&own).await });
    }
}

async fn write_all(core: &Core) {
    loop {
        let batch = core.acknowledgements.take();
        if batch.is_empty() {
            return;
        }
        for attempt in 1..=ATTEMPTS {
            match write(core, &batch).await {
                Ok(()) => {
                    for (client, reached) in batch {
                        core.acknowledgements.0.written.insert(client, (reached.cursor.seq, reached.at));
                    }
                    break;
                }
                Err(error) if attempt == ATTEMPTS => {
                    tracing::error!(%error, lost = batch.len(), "positions of clients could not be noted");
                    break;
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
        for _ in 0..STEPS {
            if core.tasks.is_closed() {
                break;
            }
            tokio::time::sleep(STEP).await;
        }
    }
}

async fn write(core: &Core, batch: &[(Client, Acknowledged)]) -> Result<(), DomainError> {
    for machine in [false, true] {
        let some: Vec<_> = batch.iter().filter(|(client, _)| client.machine == machine).collect();
        upsert(core, machine, &some).await?;
    }
    Ok(())
}

/// Writes clients that are accounts, or keys, in one statement. Of those that are not there any more nothing is noted.
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
        // Nobody revokes a key meanwhile.
        (ActorKind::ApiKey, "api_key", "o.id = k.reader_id AND o.revoked_at IS NULL", "FOR SHARE OF o")
    } else {
        // Nobody is erased meanwhile.
        (ActorKind::Account, "account", "o.id = k.reader_id", "FOR KEY SHARE OF o")
    };
    let lock = if dialect == Dialect::Postgres { lock } else { "" };
    // What another program has written later counts, but for the furthest.
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

/// Forgets the positions of an account that was deleted in this transaction, or of a key that was revoked in it.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn forget(on: &impl ConnectionTrait, dialect: Dialect, reader: Uuid) -> Result<(), DomainError> {
    let sql = "DELETE FROM sync_client WHERE reader_id = $1";
    on.execute_raw(Statement::from_sql_and_values(dialect.backend(), sql, [reader.into()])).await?;
    Ok(())
}

/// Forgets the clients that were not heard of for as long as tombstones are kept, and have to load a snapshot if they ever
/// come back; answers how many.
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
            assert!(!queue(&all, &viewer(), seq, 1), "the others leave it to that");
        }
        let taken = all.take();
        let [(_, reached)] = taken.as_slice() else { panic!("{taken:?}") };
        assert_eq!((reached.cursor.seq, reached.furthest), (5, 9));
        assert_eq!((reached.types.as_str(), reached.views.as_str()), (",TALENT,", ",wallonie:0,"));
        assert!(all.take().is_empty());
        assert!(queue(&all, &viewer(), 6, 2), "a task that has ended is started again");
    }

    #[test]
    fn nobody_is_noted_and_nothing_twice_in_a_minute() {
        let all = Acknowledgements::default();
        assert!(!queue(&all, &Viewer::anonymous(), 3, 0));
        assert!(queue(&all, &viewer(), 3, 0));
        for (client, reached) in all.take() {
            all.0.written.insert(client, (reached.cursor.seq, reached.at));
        }
        assert!(all.take().is_empty());
        assert!(!queue(&all, &viewer(), 3, QUIET - 1), "it is where it was");
        assert!(queue(&all, &viewer(), 3, QUIET));
    }
}
