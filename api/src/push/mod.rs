//! Pushes: batches of records that a region's systems send, each one transaction through the one door.
//!
//! A batch is refused as a whole, with nothing applied, for what is wrong with the request: who sends it, its size, its
//! key, or that the source is busy. What is wrong with a record is said of that record, and the others are written; or
//! none is, where the sender asks for that. A key gives the stored outcome for a week.
//!
//! What a system says is said on the word of whoever calls: what they may not see is not there for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::record::RecordType;
use crate::record::core::Core;
use crate::record::error::{DomainError, is_untaken};
use crate::record::messages::{self, Said, pushing};
use crate::record::policy::Viewer;
use crate::record::problem::Problem;
use crate::record::read::Dialect;
use crate::record::write::guard::Confirmed;
use crate::record::write::{
    Claimed, Ended, MAX_EXTERNAL_ID, MAX_KEY, Once, Outcome, RecordInput, Removal, Source, Status,
    Submission, apply, claim, is_external_id, keep, look, through,
};

pub mod full;
pub mod mutation;
mod outcome;
mod running;
mod store;

pub use self::outcome::{Conflict, PushMode, Refusal, Told};
pub use self::running::{BATCHES_PER_MINUTE, Pushes};
use self::running::{Begun, Ticket};

/// Records of a batch at most.
pub const MAX_RECORDS: usize = 500;
/// Bytes of a batch at most, as JSON.
pub const MAX_BATCH: usize = 2 * 1024 * 1024;
/// Bytes of a record at most, as JSON.
pub const MAX_RECORD: usize = 64 * 1024;
/// For how long a request waits for the same one that is running.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a batch is run again without a record that the database did not take.
const RERUNS: usize = 3;
/// After how many milliseconds a busy source may be tried again.
const RETRY_AFTER: i64 = 1000;
/// What the hashes of external ids in mentions are for.
const MENTIONS: &str = "full push mention";

/// A record as it is pushed.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its id in its system.
    pub external_id: String,
    /// The revision that the system has seen.
    pub base_revision: Option<i32>,
    /// Whether to write over what others have changed.
    pub overwrite: bool,
    /// How it is to go, where it is to.
    pub removal: Option<Removal>,
    /// The record; nothing where there is not exactly one.
    pub input: Option<RecordInput>,
}

/// A batch as it is pushed.
#[derive(Clone, Debug)]
pub struct Push {
    /// Who calls.
    pub viewer: Viewer,
    /// The name of the system.
    pub source: String,
    /// What makes it safe to send the same again.
    pub key: String,
    /// What becomes of good records beside others.
    pub mode: PushMode,
    /// Whether nothing is written.
    pub dry_run: bool,
    /// The push of all records that it is a part of.
    pub full_push: Option<Uuid>,
    /// How many deletions are meant.
    pub confirm_deletes: Option<i32>,
    /// The records.
    pub items: Vec<Item>,
    /// The whole as it was sent.
    pub sent: Value,
}

/// What became of a batch.
#[derive(Clone, Debug, Default)]
pub struct Pushed {
    /// What became of each record, in their order; nothing where the batch was refused.
    pub told: Vec<Told>,
    /// Whether the same batch was sent before, and this is what became of it then.
    pub replayed: bool,
    /// Why the batch was refused, or none of its deletions was done.
    pub problems: Vec<Problem>,
}

impl From<Problem> for Pushed {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem], ..Self::default() }
    }
}

fn about(argument: &str, said: Said) -> Problem {
    Problem::beside(argument, said)
}

/// The problem of a busy source.
fn busy(after: i64) -> Problem {
    about("input.source", Said::new(&pushing::PUSH_BUSY)).again_after(after)
}

/// A problem with a record of a batch, at its place in the input.
fn placed(problem: Problem, place: usize, of: Option<RecordType>) -> Problem {
    let of =
        of.filter(|_| problem.is_of_the_input() && !matches!(problem.path.as_str(), "externalId" | "id"));
    let below = of.map_or_else(|| problem.path.clone(), |of| format!("{}.{}", of.field(), problem.path));
    let path = if problem.path == "id" { "externalId".to_owned() } else { below };
    problem.with_argument(format!("input.records.{place}.{path}").trim_end_matches('.').to_owned())
}

/// Whether somebody pushes for a source; the source, or why they do not. `path` is the argument that names it.
async fn authority(
    core: &Core,
    viewer: &Viewer,
    (path, name): (&str, &str),
) -> Result<Result<Source, Problem>, DomainError> {
    if !viewer.pushes_anything() {
        let message = if viewer.signed_in { &pushing::NOT_SYNC_PARTNER } else { &messages::NOT_SIGNED_IN };
        return Ok(Err(about(path, Said::new(message))));
    }
    let shown: String = name.chars().take(64).flat_map(char::escape_debug).collect();
    let Some(source) = store::source(&core.db, &name.replace('\0', "")).await? else {
        return Ok(Err(about(path, Said::new(&pushing::SOURCE_UNKNOWN).with("source", shown))));
    };
    if !viewer.pushes_for(&source.region) {
        return Ok(Err(about(path, Said::new(&pushing::FOREIGN_SYSTEM).with("source", shown))));
    }
    Ok(Ok(source))
}

/// What is wrong with the size or the key of a batch.
fn form(push: &Push) -> Option<Problem> {
    if push.key.is_empty() || push.key.chars().count() > MAX_KEY {
        let said = Said::new(&messages::KEY_FORM).with("limit", MAX_KEY.to_string());
        return Some(about("input.idempotencyKey", said));
    }
    if push.items.len() > MAX_RECORDS {
        let said = Said::new(&pushing::TOO_MANY_RECORDS).with("limit", MAX_RECORDS.to_string());
        return Some(about("input.records", said));
    }
    let too_large = |path: String, size: usize, limit: usize| {
        let said = Said::new(&pushing::TOO_LARGE).with("size", size.to_string());
        Some(Problem::beside(path, said.with("limit", limit.to_string())))
    };
    let mut whole = 0;
    for (place, record) in push.sent["records"].as_array().into_iter().flatten().enumerate() {
        let size = record.to_string().len();
        if size > MAX_RECORD {
            return too_large(format!("input.records.{place}"), size, MAX_RECORD);
        }
        whole += size + 1;
    }
    if whole > MAX_BATCH { too_large("input.records".to_owned(), whole, MAX_BATCH) } else { None }
}

/// A batch that is ready for the door.
#[derive(Debug)]
struct Ready {
    once: Option<Once>,
    source: Source,
    mode: PushMode,
    dry_run: bool,
    full_push: Option<Uuid>,
    external_ids: Vec<String>,
    base_revisions: Vec<Option<i32>>,
    submissions: Vec<Submission>,
    /// The place of each submission in the batch.
    places: Vec<usize>,
    /// What did not come as far as the door.
    refused: BTreeMap<usize, Problem>,
}

impl Ready {
    fn new(push: Push, source: Source, once: Option<Once>) -> Self {
        let reader = Arc::new(push.viewer);
        let confirmed = push.confirm_deletes.map_or(Confirmed::No, |count| Confirmed::Number(count.into()));
        let mut ready = Self {
            once,
            source,
            mode: push.mode,
            dry_run: push.dry_run,
            full_push: push.full_push,
            external_ids: push.items.iter().map(|item| item.external_id.clone()).collect(),
            base_revisions: push.items.iter().map(|item| item.base_revision).collect(),
            submissions: Vec::with_capacity(push.items.len()),
            places: Vec::with_capacity(push.items.len()),
            refused: BTreeMap::new(),
        };
        for (place, item) in push.items.into_iter().enumerate() {
            match submission(item, &ready.source) {
                Ok(submission) => {
                    let reader = Some(Arc::clone(&reader));
                    ready.submissions.push(Submission { reader, confirmed, ..submission });
                    ready.places.push(place);
                }
                Err(problem) => {
                    ready.refused.insert(place, placed(problem, place, None));
                }
            }
        }
        ready
    }

    /// The same without a submission, for this reason.
    fn without(&self, at: usize, problem: Problem) -> Self {
        let (mut submissions, mut places) = (self.submissions.clone(), self.places.clone());
        let mut refused = self.refused.clone();
        submissions.remove(at);
        let place = places.remove(at);
        refused.insert(place, placed(problem, place, None));
        Self {
            once: self.once.clone(),
            source: self.source.clone(),
            external_ids: self.external_ids.clone(),
            base_revisions: self.base_revisions.clone(),
            submissions,
            places,
            refused,
            ..*self
        }
    }

    /// What became of each record, by what the door says.
    fn told(&self, outcomes: Vec<Outcome>) -> Vec<Told> {
        let mut all: Vec<Option<Told>> = self.external_ids.iter().map(|_| None).collect();
        for (place, problem) in &self.refused {
            all[*place] = Some(Told::refused(problem.clone()));
        }
        for ((place, submission), outcome) in self.places.iter().zip(&self.submissions).zip(outcomes) {
            let of = submission.input.record_type();
            let refusals =
                outcome.problems.into_iter().map(|problem| Refusal::Now(placed(problem, *place, Some(of))));
            // A record that has never been there has no revision.
            let revision = outcome.revision.filter(|revision| *revision > 0);
            let conflict = (outcome.status == Status::Conflict).then(|| Conflict {
                base_revision: self.base_revisions[*place],
                current_revision: revision.unwrap_or_default(),
                differing: outcome.differing,
            });
            let id = outcome.id.filter(|_| revision.is_some() || outcome.status == Status::Rejected);
            all[*place] =
                Some(Told { status: outcome.status, id, revision, refusals: refusals.collect(), conflict });
        }
        all.into_iter().flatten().collect()
    }
}

/// What an item submits, or why it submits nothing.
fn submission(item: Item, source: &Source) -> Result<Submission, Problem> {
    if !is_external_id(&item.external_id) {
        let said = Said::new(&pushing::EXTERNAL_ID_FORM).with("limit", MAX_EXTERNAL_ID.to_string());
        return Err(Problem::at("externalId", said));
    }
    let input = item.input.ok_or_else(|| Problem::new("", &pushing::ONE_RECORD))?;
    if item.removal == Some(Removal::Erase) && !input.record_type().is_erasable() {
        return Err(Problem::beside("erase", Said::new(&pushing::ERASE_PEOPLE)));
    }
    // A system that has seen no revision makes new records, and changes none.
    let unseen = (item.removal.is_none() && !item.overwrite).then_some(0);
    Ok(Submission {
        base_revision: item.base_revision.or(unseen),
        overwrite: item.overwrite,
        removal: item.removal,
        ..Submission::of_source(source.clone(), item.external_id, input)
    })
}

/// Pushes a batch.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn push(core: &Core, pushes: &Pushes, push: Push) -> Result<Pushed, DomainError> {
    let source = match authority(core, &push.viewer, ("input.source", &push.source)).await? {
        Ok(source) => source,
        Err(problem) => return Ok(problem.into()),
    };
    if let Some(problem) = form(&push) {
        return Ok(problem.into());
    }
    if let Err(after) = pushes.count(push.viewer.account.unwrap_or_default(), core.clock.now()) {
        return Ok(busy(after).into());
    }
    let once = Once::new(&push.viewer, &push.key, "pushRecords", &push.sent)?;
    let once = (!push.dry_run).then_some(once);
    let ready = Ready::new(push, source, once);
    let patient_until = Instant::now() + PATIENCE;
    loop {
        let now = core.clock.now().micros();
        let known = match &ready.once {
            Some(once) => look(core.db.reader(), core.db.dialect(), once, now).await?,
            None => None,
        };
        match known {
            Some(Claimed::Again(_, Some(stored))) => return replayed(core, &ready, &stored).await,
            Some(_) => return Ok(mismatch().into()),
            None => {}
        }
        match pushes.begin(&ready.source.name, ready.once.as_ref().map(Once::key)) {
            Begun::Now(ticket) => return run(core, ready, ticket).await,
            Begun::SameSource => return Ok(busy(RETRY_AFTER).into()),
            Begun::SameKey(mut ends) => {
                if timeout_at(patient_until, ends.changed()).await.is_err() {
                    return Ok(in_progress().into());
                }
            }
        }
    }
}

fn mismatch() -> Problem {
    about("input.idempotencyKey", Said::new(&messages::KEY_REUSED))
}

fn in_progress() -> Problem {
    about("input.idempotencyKey", Said::new(&pushing::KEY_IN_PROGRESS)).again_after(RETRY_AFTER)
}

/// What a transaction comes to.
#[derive(Debug)]
enum Tried {
    Done(Vec<Told>),
    /// The same was done before.
    Before(String),
    /// The batch is refused as a whole.
    Refused(Problem),
}

fn nothing(answer: Tried) -> Ended<Tried> {
    Ended { answer, written: Vec::new(), kept: false }
}

/// Writes a batch, again without each record that the database does not take.
async fn run(core: &Core, ready: Ready, ticket: Ticket) -> Result<Pushed, DomainError> {
    // The place is kept by whatever is running, also where the caller goes away.
    let (mut ready, ticket) = (Arc::new(ready), Arc::new(ticket));
    let mut reruns = 0;
    loop {
        let (batch, place) = (Arc::clone(&ready), Arc::clone(&ticket));
        let tried = through(core, move |core, tx| {
            let (batch, _held) = (Arc::clone(&batch), &place);
            Box::pin(async move { attempt(core, tx, &batch).await })
        })
        .await;
        return match tried {
            Ok(Tried::Done(told)) => Ok(done(told)),
            Ok(Tried::Before(stored)) => replayed(core, &ready, &stored).await,
            Ok(Tried::Refused(problem)) => Ok(problem.into()),
            Err(error) if reruns < RERUNS && is_refused(&error) => {
                let Some(at) = culprit(core, &ready, &ticket).await? else { return Err(error) };
                reruns += 1;
                tracing::warn!(%error, source = ready.source.name, "the database does not take a record that is pushed");
                ready = Arc::new(ready.without(at, Problem::new("", &pushing::WRITE_FAILED)));
                continue;
            }
            Err(error) => Err(error),
        };
    }
}

/// Whether the database has refused what was written, rather than not been there, or not able to.
fn is_refused(error: &DomainError) -> bool {
    matches!(error, DomainError::Database(error) if is_untaken(error))
}

/// The first submission that the database does not take, by trying less and less of the batch.
async fn culprit(
    core: &Core,
    ready: &Arc<Ready>,
    ticket: &Arc<Ticket>,
) -> Result<Option<usize>, DomainError> {
    let fails = async |count: usize| {
        let (batch, place) = (Arc::clone(ready), Arc::clone(ticket));
        let tried = through(core, move |core, tx| {
            let (batch, _held) = (Arc::clone(&batch), &place);
            Box::pin(async move {
                apply(core, tx, &batch.submissions[..count]).await?;
                Ok(Ended { answer: (), written: Vec::new(), kept: false })
            })
        });
        match tried.await {
            Ok(()) => Ok(false),
            Err(error) if is_refused(&error) => Ok(true),
            Err(error) => Err(error),
        }
    };
    let (mut good, mut bad) = (0, ready.submissions.len());
    if bad == 0 || !fails(bad).await? {
        return Ok(None);
    }
    while bad - good > 1 {
        let middle = good.midpoint(bad);
        if fails(middle).await? { bad = middle } else { good = middle }
    }
    Ok(Some(good))
}

/// One transaction.
async fn attempt(core: &Core, tx: &DatabaseTransaction, ready: &Ready) -> Result<Ended<Tried>, DomainError> {
    let (dialect, now) = (core.db.dialect(), core.clock.now());
    if let Some(once) = &ready.once {
        match claimed(core, tx, once).await? {
            Some(Claimed::First) => {}
            Some(Claimed::Again(_, Some(stored))) => return Ok(nothing(Tried::Before(stored))),
            Some(_) => return Ok(nothing(Tried::Refused(mismatch()))),
            None => return Ok(nothing(Tried::Refused(in_progress()))),
        }
    }
    let Some(locked) = store::lock(tx, dialect, &ready.source.name, now).await? else {
        return Ok(nothing(Tried::Refused(busy(RETRY_AFTER))));
    };
    if let Some(wanted) = ready.full_push.filter(|wanted| locked.full_push != Some(*wanted)) {
        let found = store::full_push(tx, dialect, wanted).await?;
        let is_own = found.is_some_and(|found| found.source.name == ready.source.name);
        let problem = if is_own { full::over("input.fullPush") } else { full::unknown("input.fullPush") };
        return Ok(nothing(Tried::Refused(problem)));
    }
    let (outcomes, written) = apply(core, tx, &ready.submissions).await?;
    let mut told = ready.told(outcomes);
    if ready.mode == PushMode::AllOrNothing && !told.iter().all(Told::is_good) {
        for (place, told) in told.iter_mut().enumerate() {
            if matches!(told.status, Status::Created | Status::Updated) {
                let problem = Problem::beside("", Said::new(&pushing::NOT_ATTEMPTED));
                *told = Told::refused(placed(problem, place, None));
            }
        }
        return Ok(nothing(Tried::Done(told)));
    }
    if ready.dry_run {
        return Ok(nothing(Tried::Done(told)));
    }
    if let Some(full_push) = locked.full_push {
        let key = core.encryption()?;
        let mentioned = ready.external_ids.iter().zip(&told).map(|(external_id, told)| {
            let text = [ready.source.name.as_bytes(), &[0], external_id.as_bytes()].concat();
            (key.digest(MENTIONS, &text), told.id)
        });
        // Of one that is there twice, the first is the one that may have been written.
        let mut names: BTreeMap<Vec<u8>, Option<Uuid>> = BTreeMap::new();
        for (name, id) in mentioned {
            let known = names.entry(name).or_insert(id);
            *known = known.or(id);
        }
        let carried = ready.full_push.is_some();
        store::mention(tx, dialect, full_push, names.into_iter(), carried).await?;
    }
    // Where nothing came of it but refusals, nothing is stored.
    let kept = locked.full_push.is_some() || told.iter().any(Told::is_good);
    if let Some(once) = ready.once.as_ref().filter(|_| kept) {
        keep(tx, dialect, once, outcome::encode(&told)?).await?;
    }
    Ok(Ended { answer: Tried::Done(told), written, kept })
}

/// What a key stands for; nothing where somebody else still holds it.
async fn claimed(core: &Core, tx: &DatabaseTransaction, once: &Once) -> Result<Option<Claimed>, DomainError> {
    if core.db.dialect() == Dialect::Sqlite {
        return claim(core, tx, once, Uuid::nil()).await.map(Some);
    }
    tx.execute_unprepared(&format!("SET LOCAL lock_timeout = {}", PATIENCE.as_millis())).await?;
    match claim(core, tx, once, Uuid::nil()).await {
        // SQLSTATE 55P03, `lock_not_available`.
        Err(DomainError::Database(error)) if error.to_string().contains("lock timeout") => Ok(None),
        Err(error) => Err(error),
        Ok(claimed) => {
            tx.execute_unprepared("SET LOCAL lock_timeout TO DEFAULT").await?;
            Ok(Some(claimed))
        }
    }
}

/// What is told of a batch that was tried.
fn done(told: Vec<Told>) -> Pushed {
    let refusals = told.iter().flat_map(|told| &told.refusals);
    let blocked = refusals.filter_map(|refusal| match refusal {
        Refusal::Now(problem) if problem.reason == pushing::MASS_DELETE_BLOCKED.reason => Some(problem),
        _ => None,
    });
    let problems =
        blocked.take(1).map(|problem| problem.clone().with_argument("input.confirmDeletes")).collect();
    Pushed { told, replayed: false, problems }
}

/// What became of a batch that was sent before. Conflicts are looked at again: nothing of them is stored.
async fn replayed(core: &Core, ready: &Ready, stored: &str) -> Result<Pushed, DomainError> {
    let mut told = outcome::decode(stored)?;
    let conflicts: Vec<usize> =
        (0..told.len()).filter(|place| told[*place].status == Status::Conflict).collect();
    if !conflicts.is_empty() {
        let wanted =
            ready.places.iter().zip(&ready.submissions).filter(|(place, _)| conflicts.contains(place));
        let (places, submissions): (Vec<usize>, Vec<Submission>) =
            wanted.map(|(place, submission)| (*place, submission.clone())).unzip();
        let submissions = Arc::new(submissions);
        let outcomes = through(core, move |core, tx| {
            let submissions = Arc::clone(&submissions);
            Box::pin(async move {
                let (answer, _) = apply(core, tx, &submissions).await?;
                Ok(Ended { answer, written: Vec::new(), kept: false })
            })
        });
        for (place, outcome) in places.into_iter().zip(outcomes.await?) {
            let now = (outcome.status == Status::Conflict).then_some(outcome.revision).flatten();
            told[place].conflict = Some(Conflict {
                base_revision: ready.base_revisions[place],
                current_revision: now.or(told[place].revision).unwrap_or_default(),
                differing: outcome.differing,
            });
        }
    }
    Ok(Pushed { replayed: true, ..done(told) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_told_at_their_place_in_the_input() {
        let path =
            |problem: Problem| placed(problem, 3, Some(RecordType::Organization)).arguments().join(".");
        assert_eq!(path(Problem::required("name")), "input.records.3.organization.name");
        assert_eq!(path(Problem::new("", &pushing::ONE_RECORD)), "input.records.3.organization");
        assert_eq!(path(Problem::new("externalId", &messages::ERASED)), "input.records.3.externalId");
        assert_eq!(path(Problem::new("id", &messages::ERASED)), "input.records.3.externalId");
        assert_eq!(path(Problem::conflict_of_sources(2)), "input.records.3.baseRevision");
        let none = placed(Problem::new("", &pushing::ONE_RECORD), 0, None);
        assert_eq!(none.arguments().join("."), "input.records.0");
    }
}
