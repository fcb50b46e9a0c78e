//! Batching of reads: concurrent reads of the same statement share one execution.
//!
//! At most two executions of one statement run at once. Reads of the same text that arrive meanwhile wait, and share
//! the next execution. There is no timer, so an idle server adds no delay to a read. The viewer's condition is part of
//! the text, so only readers with the same rights share a statement.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::database::Database;
use super::keyed::{KeyRow, KeyedStatement, Row};
use crate::error::{Code, DomainError};

/// Maximum executions of one statement that run at once.
const COPIES: u8 = 2;
/// Maximum keys of one execution, unless a single reader brings more.
const MAX_KEYS: usize = 300;

type Answer = Result<Vec<(usize, Row)>, DomainError>;

#[derive(Debug)]
struct Reader {
    keys: Vec<KeyRow>,
    answer: oneshot::Sender<Answer>,
}

#[derive(Debug, Default)]
struct Lane {
    running: u8,
    waiting: Vec<Reader>,
}

/// The queues of waiting readers: one for each statement text in use.
#[derive(Debug, Default)]
pub(super) struct ReadQueues(Mutex<HashMap<String, Lane>>);

/// The turn of a reader: it runs its statement now, or waits for a shared result.
enum Turn {
    Now(Vec<KeyRow>),
    Later(oneshot::Receiver<Answer>),
}

impl ReadQueues {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Lane>> {
        // The map is consistent after every single operation, so a panic elsewhere leaves nothing half-done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the statement now if an execution is free, else waits and shares the next one.
    pub(super) async fn read(
        &self,
        db: &Arc<Database>,
        statement: &KeyedStatement,
        keys: Vec<KeyRow>,
    ) -> Answer {
        match self.arrive(&statement.sql, keys) {
            Turn::Now(keys) => {
                let slot = Slot { db, statement, held: true };
                db.meters.readers.observe(1.0);
                let answer = db.send(statement, keys).await;
                slot.pass_on();
                answer
            }
            Turn::Later(answer) => {
                let answer = db.patiently(answer).await.ok_or(DomainError::ReadTimedOut)?;
                answer.map_err(|e| DomainError::Task(e.to_string()))?
            }
        }
    }

    fn arrive(&self, sql: &str, keys: Vec<KeyRow>) -> Turn {
        let mut lanes = self.lock();
        if !lanes.contains_key(sql) {
            lanes.insert(sql.to_owned(), Lane { running: 1, waiting: Vec::new() });
            return Turn::Now(keys);
        }
        let lane = lanes.entry(sql.to_owned()).or_default();
        if lane.running < COPIES {
            lane.running += 1;
            return Turn::Now(keys);
        }
        let (answer, receiver) = oneshot::channel();
        lane.waiting.push(Reader { keys, answer });
        Turn::Later(receiver)
    }

    /// Takes the readers of the next execution. Without any, the caller's execution counts as ended.
    fn next(&self, sql: &str) -> Vec<Reader> {
        let mut lanes = self.lock();
        let Some(lane) = lanes.get_mut(sql) else { return Vec::new() };
        lane.waiting.retain(|reader| !reader.answer.is_closed());
        if lane.waiting.is_empty() {
            lane.running -= 1;
            if lane.running == 0 {
                lanes.remove(sql);
            }
            return Vec::new();
        }
        let mut sum = 0;
        let fitting = lane.waiting.iter().take_while(|reader| {
            sum += reader.keys.len();
            sum <= MAX_KEYS
        });
        let count = fitting.count().max(1);
        lane.waiting.drain(..count).collect()
    }
}

/// The right to run one execution. It passes to waiting readers when the reader is done or is dropped.
struct Slot<'a> {
    db: &'a Arc<Database>,
    statement: &'a KeyedStatement,
    held: bool,
}

impl Slot<'_> {
    fn pass_on(mut self) {
        self.release();
    }

    fn release(&mut self) {
        if !std::mem::take(&mut self.held) {
            return;
        }
        let readers = self.db.lanes().next(&self.statement.sql);
        if !readers.is_empty() {
            tokio::spawn(serve(Arc::clone(self.db), self.statement.clone(), readers));
        }
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.release();
    }
}

/// Serves waiting readers until there are none.
async fn serve(db: Arc<Database>, statement: KeyedStatement, mut readers: Vec<Reader>) {
    while !readers.is_empty() {
        together(&db, &statement, readers).await;
        readers = db.lanes().next(&statement.sql);
    }
}

/// Runs one statement for several readers. If the database refuses it, each reader is tried alone, so that one bad key
/// harms no other reader. If the database is unavailable, all of them get the error.
async fn together(db: &Database, statement: &KeyedStatement, readers: Vec<Reader>) {
    let keys: Vec<KeyRow> = readers.iter().flat_map(|reader| reader.keys.iter().cloned()).collect();
    db.meters.readers.observe(u32::try_from(readers.len()).unwrap_or(u32::MAX).into());
    match db.send(statement, keys).await {
        Ok(rows) => hand_out(rows, readers),
        Err(error) if readers.len() == 1 || error.code() == Code::Unavailable => {
            for reader in readers {
                let _ = reader.answer.send(Err(error.clone()));
            }
        }
        Err(_) => {
            for reader in readers {
                let _ = reader.answer.send(db.read_alone(statement, reader.keys).await);
            }
        }
    }
}

/// Gives each reader the rows of its own keys, with positions counted from its own first key.
fn hand_out(mut rows: Vec<(usize, Row)>, readers: Vec<Reader>) {
    // The statement may order by something else before the position. Sorting gives each reader its own rows.
    rows.sort_by_key(|(position, _)| *position);
    let mut rows = rows.into_iter().peekable();
    let mut first = 0;
    for reader in readers {
        let end = first + reader.keys.len();
        let mut own = Vec::new();
        while let Some((position, row)) = rows.next_if(|(position, _)| *position < end) {
            own.push((position - first, row));
        }
        // A reader who has gone away needs no answer.
        let _ = reader.answer.send(Ok(own));
        first = end;
    }
}
