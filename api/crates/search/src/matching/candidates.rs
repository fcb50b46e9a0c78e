//! Reads the candidates: by identifiers and exact names from the database, by similar names from the search engine.
//! Where the engine does not answer, the database replaces it.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::time::Instant;
use uuid::Uuid;

use super::{Candidate, Judged, MatchQuestion, judge};
use crate::fallback;
use crate::service::Search;
use directory::organization::OrganizationNode;
use directory::organization::store::{self, Columns};
use index::engine::Hit;
use index::text::{Word, query_words};
use kernel::error::DomainError;
use kernel::lookup::Key;
use kernel::node::rows;
use kernel::reader::Reader;

/// Organizations of exactly the same name that are compared, at most. Where there are more, a name alone is no match.
const NAMESAKES: usize = 50;
/// Organizations that are compared because the name begins with theirs, for each beginning.
const SHORTER: usize = 5;
/// Beginnings of a name that are looked up.
const BEGINNINGS: usize = 3;
/// Similar names that the engine is asked for.
const ALIKE: usize = 20;
/// Concurrent requests to the engine.
const AT_ONCE: usize = 8;
/// Time limit of all requests to the engine. Names that are left then are looked up in the database.
const ENGINE_TIME: Duration = Duration::from_secs(2);
/// Names with the same beginning that the database is asked for where the engine does not answer.
const BEGINNING: usize = 20;
/// Letters of this beginning at least, unless the name is shorter.
const FEW_LETTERS: usize = 4;

/// The candidates that are found for one question.
#[derive(Debug, Default)]
struct Found {
    ids: BTreeSet<Uuid>,
    crowded: bool,
}

/// Reads and judges the candidates of each question, the best first. The texts are the names of the questions as they
/// were written.
///
/// # Errors
/// [`DomainError::Database`] or [`DomainError::Stored`].
pub async fn judged(
    reader: &Reader,
    search: &Search,
    questions: &[(&str, MatchQuestion)],
) -> Result<Vec<Vec<Judged>>, DomainError> {
    let mut found: Vec<Found> = questions.iter().map(|_| Found::default()).collect();
    by_identifiers(reader, questions, &mut found).await?;
    by_names(reader, questions, &mut found).await?;
    alike(reader, search, questions, &mut found).await?;
    let ids: BTreeSet<Uuid> = found.iter().flat_map(|one| one.ids.iter().copied()).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let rows = store::comparables(reader, &ids).await?;
    let candidates: HashMap<Uuid, Candidate> =
        rows.iter().flatten().map(|row| (row.id, Candidate::from(row))).collect();
    let mut all = Vec::with_capacity(questions.len());
    for ((_, asked), found) in questions.iter().zip(found) {
        let there = found.ids.iter().filter_map(|id| candidates.get(id));
        all.push(judge(asked, there, found.crowded));
        // A hundred long names take some milliseconds: let other tasks run in between.
        tokio::task::yield_now().await;
    }
    Ok(all)
}

async fn by_identifiers(
    reader: &Reader,
    questions: &[(&str, MatchQuestion)],
    found: &mut [Found],
) -> Result<(), DomainError> {
    let asked = questions.iter().enumerate().flat_map(|(at, (_, asked))| {
        asked.identifiers().into_iter().map(move |identifier| {
            (at, Key::Identifier(identifier.scheme().as_str(), identifier.value().to_owned()))
        })
    });
    let (places, keys): (Vec<usize>, Vec<Key>) = asked.unzip();
    let records = rows::<OrganizationNode>(reader, keys, Columns::default()).await?;
    for (at, record) in places.into_iter().zip(records) {
        found[at].ids.extend(record.map(|record| record.row.head.id));
    }
    Ok(())
}

/// Finds organizations by the same name, and by names with which a name begins: `Nozon` for `Nozon Animation`.
async fn by_names(
    reader: &Reader,
    questions: &[(&str, MatchQuestion)],
    found: &mut [Found],
) -> Result<(), DomainError> {
    let mut asked: Vec<(usize, bool, &str)> = Vec::new();
    for (at, (_, question)) in questions.iter().enumerate() {
        let name = question.name();
        if !name.key().is_empty() {
            asked.extend(name.stored_keys().into_iter().map(|key| (at, true, key)));
            asked.extend(name.beginnings(BEGINNINGS).into_iter().map(|key| (at, false, key)));
        }
    }
    let keys: Vec<&str> = asked.iter().map(|(_, _, key)| *key).collect();
    let named = store::named(reader, &keys, NAMESAKES + 1).await?;
    for ((at, whole, _), ids) in asked.into_iter().zip(named) {
        found[at].crowded |= whole && ids.len() > NAMESAKES;
        found[at].ids.extend(ids.into_iter().take(if whole { NAMESAKES } else { SHORTER }));
    }
    Ok(())
}

/// Finds organizations by similar names: in the engine, or in the database where that does not answer.
async fn alike(
    reader: &Reader,
    search: &Search,
    questions: &[(&str, MatchQuestion)],
    found: &mut [Found],
) -> Result<(), DomainError> {
    let engine = Asking { search, reader, away: AtomicBool::new(false), end: Instant::now() + ENGINE_TIME };
    let words = |asked: &MatchQuestion| query_words(&asked.name().words().join(" "));
    let asked: Vec<(usize, Vec<Word>)> =
        questions.iter().enumerate().map(|(at, (_, asked))| (at, words(asked))).collect();
    let asking = asked.into_iter().map(|(at, words)| engine.ask(at, words));
    let answers: Vec<_> = stream::iter(asking).buffer_unordered(AT_ONCE).collect().await;
    let mut left = Vec::new();
    for (at, hits) in answers {
        match hits {
            Some(hits) => found[at].ids.extend(hits.into_iter().map(|hit| hit.id)),
            None => left.push(at),
        }
    }
    let mut texts: Vec<(usize, &str)> = Vec::new();
    for at in left {
        let name = questions[at].0.trim();
        let part = (name.chars().count() / 3).max(FEW_LETTERS);
        let part = name.char_indices().nth(part).map_or(name, |(end, _)| &name[..end]);
        texts.extend([(at, name), (at, part)]);
    }
    let keys: Vec<&str> = texts.iter().map(|(_, text)| *text).collect();
    for ((at, _), ids) in texts.into_iter().zip(fallback::organizations(reader, &keys, BEGINNING).await?) {
        found[at].ids.extend(ids);
    }
    Ok(())
}

/// The engine, which is asked until it fails or the time is over.
struct Asking<'a> {
    search: &'a Search,
    reader: &'a Reader,
    away: AtomicBool,
    end: Instant,
}

impl Asking<'_> {
    /// Returns `at` with the hits of these words; `None` where the engine fails or has failed, or the time is over.
    async fn ask(&self, at: usize, words: Vec<Word>) -> (usize, Option<Vec<Hit>>) {
        if words.is_empty() {
            return (at, Some(Vec::new()));
        }
        if self.away.load(Ordering::Relaxed) || Instant::now() > self.end {
            return (at, None);
        }
        let answer = self.search.named(self.reader, words, ALIKE).await;
        let hits = answer.inspect_err(|error| {
            if !self.away.swap(true, Ordering::Relaxed) {
                tracing::debug!(%error, "the search engine does not answer: similar names are found by their beginning alone");
            }
        });
        (at, hits.ok())
    }
}
