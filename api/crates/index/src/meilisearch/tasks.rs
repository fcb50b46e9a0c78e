//! Tasks: their payloads and their outcomes.

use std::time::Duration;

use meilisearch_sdk::errors::Error;
use meilisearch_sdk::request::{HttpClient, Method};
use serde::Deserialize;
use tokio::time::Instant;
use uuid::Uuid;

use super::Meilisearch;
use super::http::{Refused, is_missing};
use super::layout::Entry;
use crate::engine::{Batch, EngineError};

/// Documents of a task at most, or records that it removes.
const MOST: usize = 1000;
/// Bytes of a task at most, unless it has one document alone.
const MOST_BYTES: usize = 8 * 1024 * 1024;
/// The shortest and the longest pause between two polls of a task.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));

/// The payload of one task.
#[derive(Debug, PartialEq)]
pub(super) enum Chunk {
    /// Documents, each as a line of JSON.
    Documents(Vec<(Uuid, Vec<u8>)>),
    /// Records to be removed.
    Gone(Vec<Uuid>),
}

impl Chunk {
    /// Splits it into halves. The error is the one record of a chunk that cannot be split.
    pub(super) fn halves(self) -> Result<[Self; 2], Option<Uuid>> {
        match self {
            Self::Documents(mut lines) if lines.len() > 1 => {
                let second = lines.split_off(lines.len() / 2);
                Ok([Self::Documents(lines), Self::Documents(second)])
            }
            Self::Gone(mut ids) if ids.len() > 1 => {
                let second = ids.split_off(ids.len() / 2);
                Ok([Self::Gone(ids), Self::Gone(second)])
            }
            Self::Documents(lines) => Err(lines.first().map(|(id, _)| *id)),
            Self::Gone(ids) => Err(ids.first().copied()),
        }
    }
}

/// Splits a batch into payloads of limited size.
pub(super) fn chunks(batch: Batch) -> Result<Vec<Chunk>, EngineError> {
    let mut chunks = Vec::new();
    let mut lines = Vec::new();
    let mut bytes = 0;
    for document in batch.documents {
        let line = serde_json::to_vec(&Entry::of(&document));
        let line = line.map_err(|error| EngineError::Failed(error.to_string()))?;
        if !lines.is_empty() && (lines.len() == MOST || bytes + line.len() >= MOST_BYTES) {
            chunks.push(Chunk::Documents(std::mem::take(&mut lines)));
            bytes = 0;
        }
        bytes += line.len() + 1;
        lines.push((document.id, line));
    }
    if !lines.is_empty() {
        chunks.push(Chunk::Documents(lines));
    }
    chunks.extend(batch.gone.chunks(MOST).map(|ids| Chunk::Gone(ids.to_vec())));
    Ok(chunks)
}

/// The lines as one text.
pub(super) fn body(lines: &[(Uuid, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::with_capacity(lines.iter().map(|(_, line)| line.len() + 1).sum());
    for (_, line) in lines {
        body.extend_from_slice(line);
        body.push(b'\n');
    }
    body
}

/// The failure of a task.
#[derive(Clone, Debug, Default, Deserialize, thiserror::Error)]
#[error("a task failed: {code}: {message}")]
#[serde(default)]
pub(super) struct Failure {
    /// The error code of the engine.
    pub(super) code: String,
    message: String,
}

impl Failure {
    /// Whether a document has caused it: others may succeed without that document.
    pub(super) fn is_of_a_document(&self) -> bool {
        self.code.starts_with("invalid_document_")
            || matches!(
                self.code.as_str(),
                "missing_document_id"
                    | "malformed_payload"
                    | "max_fields_limit_exceeded"
                    | "payload_too_large"
            )
    }

    /// Returns the failure of a payload that was refused at once for one of its documents.
    pub(super) fn of_payload(error: &Error) -> Option<Self> {
        let refused = Refused::of(error)?;
        let failure = Self { code: refused.code.clone(), message: refused.to_string() };
        (refused.status < 500 && failure.is_of_a_document()).then_some(failure)
    }
}

impl From<Failure> for EngineError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure.to_string())
    }
}

/// A task as the engine returns it. The SDK's own type has no canceled tasks.
#[derive(Debug, Deserialize)]
struct Task {
    status: String,
    #[serde(default)]
    error: Option<Failure>,
}

impl Meilisearch {
    /// Waits for the outcome of a task; `None` where it was canceled, or the engine does not know it.
    pub(super) async fn outcome(&self, task: u32) -> Result<Option<Result<(), Failure>>, EngineError> {
        let path = format!("{}/tasks/{task}", self.url);
        let end = Instant::now() + self.task_time;
        let (mut pause, longest) = PAUSES;
        loop {
            let asked = self.http.request(&path, Method::Get::<(), ()> { query: () }, 200).await;
            let Task { status, error } = match asked {
                Ok(task) => task,
                Err(error) if is_missing(&error, "task_not_found") => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            match status.as_str() {
                "succeeded" => return Ok(Some(Ok(()))),
                "failed" => return Ok(Some(Err(error.unwrap_or_default()))),
                "enqueued" | "processing" => {}
                _ => return Ok(None),
            }
            if Instant::now() + pause > end {
                return Err(EngineError::Failed(format!("task {task} was not finished in time")));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    /// Waits until the index of this name is the one that was created at `made`. The task of a swap cannot be polled:
    /// tasks of several indexes are shown only to keys for all indexes.
    pub(super) async fn in_place(&self, name: &str, made: &str) -> Result<(), EngineError> {
        let end = Instant::now() + self.task_time;
        let (mut pause, longest) = PAUSES;
        while self.made_at(name).await?.is_none_or(|at| at != made) {
            if Instant::now() + pause > end {
                return Err(EngineError::Failed("indexes were not swapped in time".into()));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
        Ok(())
    }

    /// Waits for a task that has to succeed.
    pub(super) async fn succeeded(&self, task: u32) -> Result<(), EngineError> {
        match self.outcome(task).await? {
            Some(done) => Ok(done?),
            None => Err(super::lost()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Document, Text};
    use crate::kind::SearchType;

    fn document(number: usize, letters: usize) -> Document {
        let name = Text { field: "name", text: "x".into() };
        let id = Uuid::from_u128(number as u128);
        let mut document = Document::new(SearchType::Talent, id, 1, vec![name]);
        document.text("description", "y".repeat(letters));
        document
    }

    fn sizes(chunks: &[Chunk]) -> Vec<usize> {
        let size = |chunk: &Chunk| match chunk {
            Chunk::Documents(lines) => {
                let bytes = body(lines).len();
                assert!(lines.len() == 1 || bytes <= MOST_BYTES, "{bytes}");
                lines.len()
            }
            Chunk::Gone(ids) => ids.len(),
        };
        chunks.iter().map(size).collect()
    }

    #[test]
    fn tasks_are_not_too_large() {
        // Long words are cut off: only many words make a document large.
        let large = |number| {
            let mut document = document(number, 10);
            document.texts[0].text = "yes ".repeat(750_000);
            document
        };
        let gone = (0..1001).map(Uuid::from_u128).collect();
        let many =
            Batch { documents: (0..2001).map(|number| document(number, 3)).collect(), gone, erased: false };
        assert_eq!(sizes(&chunks(many).unwrap()), [1000, 1000, 1, 1000, 1]);
        let few = Batch { documents: (0..5).map(large).collect(), ..Batch::default() };
        assert_eq!(sizes(&chunks(few).unwrap()), [2, 2, 1]);
        assert_eq!(chunks(Batch::default()).unwrap(), []);
    }

    #[test]
    fn halves_end_at_one_record() {
        let ids = (0..3).map(Uuid::from_u128).collect();
        let [first, second] = Chunk::Gone(ids).halves().unwrap();
        assert_eq!(first.halves(), Err(Some(Uuid::from_u128(0))));
        assert_eq!(second.halves().unwrap()[1], Chunk::Gone(vec![Uuid::from_u128(2)]));
    }
}
