//! Checks of the write path for sources only: ownership, base revision, and confirmation of mass deletions.

use std::collections::BTreeMap;

use super::Door;
use crate::audit::Action;
use crate::reference;
use crate::write::guard::{self, DeletionConfirmation};
use crate::write::shared::Shared;
use crate::write::{Named, Reference, Removal, Status, Submission};
use kernel::error::DomainError;
use kernel::messages::{self, FilledMessage, pushing};
use kernel::problem::Problem;

/// The problem of a source, and the status with the present revision in case of a conflict.
type Refusal = (Problem, Option<(Status, i32)>);

impl Door<'_> {
    /// Refuses submissions of sources about records that have changed since, or that are of another type.
    pub(super) fn judge(&mut self) {
        for (index, submission) in self.submissions.iter().enumerate() {
            if submission.named().is_none() || !self.problems[index].is_empty() {
                continue;
            }
            let is_other = self.types.get(&index).is_some_and(|of| *of != submission.input.record_type());
            let refusal = if is_other {
                Some((Problem::new("externalId", &pushing::OTHER_TYPE), None))
            } else {
                unseen(submission, self.shared.get(&self.ids[index]), self.led.contains(&index))
            };
            if let Some((problem, status)) = refusal {
                self.problems[index].add(problem);
                self.statuses[index] = status;
            }
        }
    }

    /// Refuses new records whose external id names another record, as an id or as `source:externalId`, that the caller
    /// sees.
    pub(super) async fn refuse_others(&mut self) -> Result<(), DomainError> {
        let Some(reader) = self.batch.reader.clone() else { return Ok(()) };
        let mut asked: Vec<(usize, Reference)> = Vec::new();
        for (index, submission) in self.submissions.iter().enumerate() {
            let Some(Named { source, external_id: text, .. }) = submission.named() else { continue };
            let is_known = self.types.contains_key(&index);
            let is_own = text.split_once(':').is_some_and(|(name, _)| name == source.name);
            let to = submission.input.record_type();
            let is_name = text.contains(':') || kernel::id::decode("", to.prefix(), text).is_ok();
            if is_name && !is_own && !is_known && self.problems[index].is_empty() {
                asked.push((index, Reference { to, text: text.clone() }));
            }
        }
        if asked.is_empty() {
            return Ok(());
        }
        let names: Vec<Reference> = asked.iter().map(|(_, name)| name.clone()).collect();
        let found = reference::resolve(&self.batch, &names, Some(&reader), false).await?;
        for (index, name) in asked {
            if found.contains_key(&name) {
                self.problems[index].add(Problem::new("externalId", &pushing::NOT_AUTHORITY));
            }
        }
        Ok(())
    }

    /// Refuses deletions of a source that exceed the limit without confirmation.
    pub(super) async fn guard(&mut self) -> Result<(), DomainError> {
        let mut asked: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, submission) in self.submissions.iter().enumerate() {
            let is_live = self.shared.get(&self.ids[index]).is_some_and(|shared| shared.live);
            if let (Some(Named { source, .. }), Some(_), true) =
                (submission.named(), submission.removal, is_live)
                && self.problems[index].is_empty()
            {
                asked.entry(&source.name).or_default().push(index);
            }
        }
        let (tx, dialect, now) = (self.batch.tx, self.batch.dialect, self.batch.now);
        for (source, places) in asked {
            let count = i64::try_from(places.len()).unwrap_or(i64::MAX);
            let confirmed =
                self.submissions[places[0]].named().map_or(DeletionConfirmation::No, |named| named.confirmed);
            let problem = guard::blocked(tx, dialect, (source, count), confirmed, now, "delete").await?;
            match problem {
                Some(problem) => places.iter().for_each(|place| self.problems[*place].add(problem.clone())),
                None if confirmed.is(count) => {}
                None => self.unconfirmed.push(source.to_owned()),
            }
        }
        Ok(())
    }

    /// Stores the number of unconfirmed deletions.
    pub(super) async fn note_deletions(&self) -> Result<(), DomainError> {
        for source in &self.unconfirmed {
            let gone = self.written.iter().filter(|written| {
                matches!(written.action, Action::Delete | Action::Erase)
                    && written.external.as_ref().is_some_and(|(name, _)| name == source)
            });
            let count = i64::try_from(gone.count()).unwrap_or(i64::MAX);
            if count > 0 {
                let (tx, dialect) = (self.batch.tx, self.batch.dialect);
                guard::note(tx, dialect, (source, count), self.batch.now).await?;
            }
        }
        Ok(())
    }
}

/// The refusal of a submission of a source: it was made for another revision, or would delete the survivor of a merge
/// by the external id of the duplicate.
fn unseen(submission: &Submission, shared: Option<&Shared>, led: bool) -> Option<Refusal> {
    let conflict =
        |revision: i32| Some((Problem::conflict_of_sources(revision), Some((Status::Conflict, revision))));
    let base = submission.base_revision;
    match (submission.removal, shared) {
        (None, None) if base.is_some_and(|base| base != 0) => {
            Some((Problem::no_revision(), Some((Status::Conflict, 0))))
        }
        // A deleted record may be created again with the revision of its deletion, or without any.
        (None, Some(shared))
            if !shared.live && base.is_some_and(|base| base != 0 && base != shared.revision) =>
        {
            conflict(shared.revision)
        }
        (Some(_), Some(shared)) if shared.live && led => {
            let into = kernel::id::encode(submission.input.record_type().prefix(), shared.id);
            Some((
                Problem::beside("delete", FilledMessage::new(&messages::ALREADY_MERGED).with("into", into)),
                None,
            ))
        }
        (Some(removal), Some(shared)) if shared.live => {
            let is_own = submission.named().is_some_and(|named| named.source.name == shared.origin);
            // An erasure needs no base revision.
            let unasked = is_own || submission.overwrite || removal == Removal::Erase;
            let is_seen = base.map_or(unasked, |base| base == shared.revision);
            if is_seen { None } else { conflict(shared.revision) }
        }
        _ => None,
    }
}
