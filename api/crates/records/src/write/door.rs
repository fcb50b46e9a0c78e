//! The steps of a batch through the write path: identify records, check, resolve references, write type by type,
//! settle.

mod contents;
mod sources;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use uuid::Uuid;

use self::contents::Contents;
use super::shared::{Shared, lock};
use super::{
    Batch, Draft, Kind, Named, Numbered, Outcome, RecordRow, Reference, Removal, Resolved, SCHEMA_VERSION,
    Status, Submission, Written, rows_of,
};
use crate::audit::{self, Action, Actor};
use crate::erasure::ledger;
use crate::handle::Core;
use crate::slug;
use kernel::error::DomainError;
use kernel::input::Fields;
use kernel::policy::Viewer;
use kernel::problem::{Problem, Problems};
use kernel::read::{Dialect, KeyColumns, KeyType, KeyValue, KeyedStatement};
use kernel::{RecordType, all_of, messages};

/// Applies a batch inside a transaction. It neither appends to the change log nor commits.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn apply(
    core: &Core,
    tx: &DatabaseTransaction,
    submissions: &[Submission],
) -> Result<(Vec<Outcome>, Vec<Written>), DomainError> {
    let mut door = Door::open(core, tx, submissions).await?;
    door.identify().await?;
    door.judge();
    door.refuse_others().await?;
    door.guard().await?;
    door.resolve_references().await?;
    door.write().await?;
    door.note_deletions().await?;
    Ok((door.outcomes(), door.written))
}

/// The state of a batch in the write path.
pub struct Door<'a> {
    core: &'a Core,
    submissions: &'a [Submission],
    batch: Batch<'a>,
    /// The id of the instance, which is the origin of records written here.
    instance: String,
    ids: Vec<Uuid>,
    shared: HashMap<Uuid, Shared>,
    /// Submissions whose external id belongs to a duplicate that was merged into their record.
    led: HashSet<usize>,
    /// The types of the records that have the external ids of submissions, by the submission's index.
    types: HashMap<usize, RecordType>,
    problems: Vec<Problems>,
    statuses: Vec<Option<(Status, i32)>>,
    /// The fields in which conflicting submissions differ from the present records.
    differing: HashMap<usize, Vec<String>>,
    /// Sources with unconfirmed deletions.
    unconfirmed: Vec<String>,
    written: Vec<Written>,
}

impl<'a> Door<'a> {
    async fn open(
        core: &'a Core,
        tx: &'a DatabaseTransaction,
        submissions: &'a [Submission],
    ) -> Result<Self, DomainError> {
        // A source does not lock the records that it refers to, so no merge may run while its batch is written. An
        // erasure deletes the redirects of merged duplicates, and takes the same lock as a merge. The table is locked
        // before any record, which prevents deadlocks.
        let erases = submissions.iter().any(|s| s.removal == Some(Removal::Erase));
        let mode = match (submissions.iter().any(|s| s.named().is_some()), erases) {
            (true, true) => Some("SHARE ROW EXCLUSIVE"),
            (true, false) => Some("SHARE"),
            (false, true) => Some("ROW EXCLUSIVE"),
            (false, false) => None,
        };
        if let Some(mode) = mode.filter(|_| core.db.dialect() == Dialect::Postgres) {
            tx.execute_unprepared(&format!("LOCK TABLE record_redirect IN {mode} MODE")).await?;
        }
        Ok(Self {
            core,
            submissions,
            batch: Batch {
                step: submissions.iter().find_map(|submission| submission.step.clone()),
                reader: submissions.iter().find_map(Submission::reader).cloned(),
                ..Batch::new(core, tx)
            },
            instance: core.instance(tx).await?.to_string(),
            ids: Vec::new(),
            shared: HashMap::new(),
            led: HashSet::new(),
            types: HashMap::new(),
            differing: HashMap::new(),
            unconfirmed: Vec::new(),
            problems: submissions.iter().map(|_| Problems::default()).collect(),
            statuses: vec![None; submissions.len()],
            written: Vec::new(),
        })
    }

    /// Finds the existing records of submissions, and locks them in the order of their ids. Other submissions get new
    /// ids.
    async fn identify(&mut self) -> Result<(), DomainError> {
        let keys = KeyColumns::new(&[("source", KeyType::Text), ("external_id", KeyType::Text)]);
        let sql = format!(
            "SELECT k.n, s.record_type, s.record_id, d.target_id FROM {} {} LEFT JOIN record_redirect AS d \
             ON d.id = s.record_id ORDER BY k.n",
            keys.source(self.batch.dialect),
            self.batch.dialect.join_one(
                "sync_record",
                "s",
                "s.source = k.source AND s.external_id = k.external_id"
            ),
        );
        // A submission without an external id looks up the empty one, which no record has.
        let rows = self.submissions.iter().map(|submission| {
            let (source, id) = submission.named().map(Named::pair).unwrap_or_default();
            vec![KeyValue::Text(source), KeyValue::Text(id)]
        });
        let found =
            KeyedStatement { sql, keys }.query(self.batch.tx, self.batch.dialect, rows.collect()).await?;
        let mut known: HashMap<usize, Uuid> = HashMap::new();
        for (index, mut row) in found {
            self.types.insert(index, row.name()?);
            let (id, survivor): (Uuid, Option<Uuid>) = (row.get()?, row.get()?);
            known.insert(index, survivor.unwrap_or(id));
            if survivor.is_some() {
                self.led.insert(index);
            }
        }
        // A new record that occurs twice in the batch is one record.
        let mut new: HashMap<(String, String), Uuid> = HashMap::new();
        for (index, submission) in self.submissions.iter().enumerate() {
            let id = known.get(&index).copied().or(submission.id);
            let id = id.unwrap_or_else(|| match submission.named() {
                Some(named) => *new.entry(named.pair()).or_insert_with(|| self.core.new_id()),
                None => self.core.new_id(),
            });
            self.ids.push(id);
        }
        self.follow_redirects().await?;
        let mut seen = HashSet::new();
        for (index, id) in self.ids.iter().enumerate() {
            if !seen.insert(*id) {
                self.problems[index].add(Problem::new("externalId", &messages::TWICE_IN_BATCH));
            }
        }
        self.load_shared().await?;
        self.refuse_erased(&known).await
    }

    /// Refuses submissions that would bring back an erased record, by its id or by its external id.
    async fn refuse_erased(&mut self, known: &HashMap<usize, Uuid>) -> Result<(), DomainError> {
        let mut names = Vec::new();
        let mut meant = Vec::new();
        for (index, submission) in self.submissions.iter().enumerate() {
            // `admit` refuses people who name an erased record by its id, as if it did not exist.
            let erased = self.shared.get(&self.ids[index]).is_some_and(|shared| shared.erased);
            if submission.removal.is_some() {
                continue;
            }
            if erased && !submission.exists {
                self.problems[index].add(Problem::new("id", &messages::ERASED));
            }
            if let Some(named) = submission.named().filter(|_| !known.contains_key(&index)) {
                names.push(named.pair());
                meant.push(index);
            }
        }
        for position in ledger::erased(self.core, &self.batch, &names).await? {
            self.problems[meant[position]].add(Problem::new("externalId", &messages::ERASED));
        }
        Ok(())
    }

    /// Replaces the id of a merged duplicate by that of its survivor.
    async fn follow_redirects(&mut self) -> Result<(), DomainError> {
        let meant = self.submissions.iter().enumerate().filter(|(_, submission)| submission.exists);
        let meant: Vec<usize> = meant.map(|(index, _)| index).collect();
        let statement = KeyedStatement::by_id(self.batch.dialect, |keys, then| {
            format!("SELECT k.n, d.target_id FROM {keys} {then} record_redirect AS d ON d.id = k.id")
        });
        let ids: Vec<Uuid> = meant.iter().map(|index| self.ids[*index]).collect();
        let found = statement;
        for (position, mut row) in found.query(self.batch.tx, self.batch.dialect, rows_of(&ids)).await? {
            self.ids[meant[position]] = row.get()?;
        }
        Ok(())
    }

    async fn load_shared(&mut self) -> Result<(), DomainError> {
        let ids: BTreeSet<Uuid> = self.ids.iter().copied().collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let locked = lock(&self.batch, &ids).await?;
        self.shared.extend(locked);
        Ok(())
    }

    /// Resolves references: to records of the database, else to records of the same batch.
    async fn resolve_references(&mut self) -> Result<(), DomainError> {
        let mut wanted = Vec::new();
        for submission in self.submissions.iter().filter(|submission| submission.removal.is_none()) {
            submission.references(&mut wanted);
        }
        let keeps = self.submissions.iter().any(|submission| submission.viewer().is_some());
        let reader = self.batch.reader.as_deref();
        let mut resolved = crate::reference::resolve(&self.batch, &wanted, reader, keeps).await?;
        for (index, (submission, id)) in self.submissions.iter().zip(&self.ids).enumerate() {
            // A refused submission cannot be referred to, unless its record is in the database.
            if submission.removal.is_some() || !self.problems[index].is_empty() {
                continue;
            }
            let to = submission.input.record_type();
            let names = submission.input.slug().map(str::to_owned).into_iter();
            let names = names.chain(submission.named().map(Named::text));
            let names = names.chain([kernel::id::encode(to.prefix(), *id)]);
            for text in names {
                resolved.entry(Reference { to, text }).or_insert(*id);
            }
        }
        self.batch.resolved = Resolved(resolved);
        Ok(())
    }

    /// Writes type by type, so that each type comes after the types that it refers to. Deletes in the opposite order,
    /// when nothing refers to the records any more.
    async fn write(&mut self) -> Result<(), DomainError> {
        let types: Vec<RecordType> = all_of::<RecordType>().collect();
        for of in &types {
            self.core.kinds.of(*of).save(self).await?;
        }
        for of in types.iter().rev() {
            self.core.kinds.of(*of).delete(self).await?;
        }
        self.written = consolidate(std::mem::take(&mut self.written));
        let viewer = self.batch.reader.as_deref();
        let account = self.batch.step.as_ref().and_then(|step| step.account());
        let caller = account.map_or_else(|| Actor::of(viewer), Actor::Account);
        settle(&self.batch, &self.written, &caller, &self.instance).await?;
        // A person who has erased themselves has no account any more.
        if let (Actor::Account(id), true) =
            (&caller, self.written.iter().any(|one| one.erased_from.is_some()))
        {
            audit::forget_if_gone(self.batch.tx, self.batch.dialect, *id).await?;
        }
        ledger::strip(self.core, &self.batch, &mut self.written).await
    }

    /// The submissions of one type without problems so far, to be written or (`removed`) to be deleted.
    fn of_type<K: Kind>(&self, removed: bool) -> Numbered<(Uuid, Arc<K::Input>)> {
        let fitting = self.submissions.iter().enumerate().filter(|(index, submission)| {
            submission.removal.is_some() == removed && self.problems[*index].is_empty()
        });
        fitting
            .filter_map(|(index, submission)| Some((index, (self.ids[index], submission.input.of::<K>()?))))
            .collect()
    }

    pub(super) async fn save_all<K: Kind>(&mut self) -> Result<(), DomainError> {
        let inputs = self.of_type::<K>(false);
        if inputs.is_empty() { Ok(()) } else { self.save::<K>(inputs).await }
    }

    pub(super) async fn delete_all<K: Kind>(&mut self) -> Result<(), DomainError> {
        let inputs = self.of_type::<K>(true);
        let deletions: Numbered<Uuid> = inputs.into_iter().map(|(index, (id, _))| (index, id)).collect();
        if deletions.is_empty() { Ok(()) } else { self.delete::<K>(deletions).await }
    }

    /// Applies the inputs to the rows, without those that are refused. A refused new record cannot be referred to, so
    /// the inputs are tried again if others refer to it.
    async fn drafts<K: Kind>(
        &mut self,
        mut inputs: Numbered<(Uuid, Arc<K::Input>)>,
    ) -> Result<Numbered<Draft<K::Row>>, DomainError> {
        let known = inputs.iter().map(|(_, (id, _))| *id).filter(|id| self.shared.contains_key(id));
        let known: Vec<Uuid> = known.collect();
        let mut present =
            if known.is_empty() { HashMap::new() } else { K::Row::load(&self.batch, &known).await? };
        present.retain(|id, _| self.shared.get(id).is_some_and(|shared| shared.live));
        let meant: Numbered<Uuid> = inputs.iter().map(|(index, (id, _))| (*index, *id)).collect();
        self.admit::<K>(&meant, &present).await?;
        inputs.retain(|(index, _)| self.problems[*index].is_empty());
        loop {
            let drafts = self.drafts_once::<K>(&inputs, &present).await?;
            let refused = inputs.iter().filter(|(index, _)| !self.problems[*index].is_empty());
            let new: HashSet<Uuid> =
                refused.map(|(_, (id, _))| *id).filter(|id| !self.shared.contains_key(id)).collect();
            inputs.retain(|(index, _)| self.problems[*index].is_empty());
            let mut gone: HashSet<Reference> = HashSet::new();
            self.batch.resolved.0.retain(|name, id| {
                let stays = !new.contains(id);
                if !stays {
                    gone.insert(name.clone());
                }
                stays
            });
            let refers = |index: usize| {
                let mut wanted = Vec::new();
                self.submissions[index].references(&mut wanted);
                wanted.iter().any(|name| gone.contains(name))
            };
            if gone.is_empty() || !inputs.iter().any(|(index, _)| refers(*index)) {
                return Ok(drafts);
            }
        }
    }

    async fn drafts_once<K: Kind>(
        &mut self,
        inputs: &Numbered<(Uuid, Arc<K::Input>)>,
        present: &HashMap<Uuid, K::Row>,
    ) -> Result<Numbered<Draft<K::Row>>, DomainError> {
        let mut drafts: Numbered<Draft<K::Row>> = Vec::with_capacity(inputs.len());
        for (index, (id, input)) in inputs {
            let before = present.get(id);
            let submission = &self.submissions[*index];
            let salt = submission.named().map_or_else(|| id.to_string(), Named::text);
            let generated = before.is_none() && submission.input.slug().is_none();
            let problems = &mut self.problems[*index];
            let mut row = before.cloned().unwrap_or_else(|| K::blank(*id));
            let mut fields = Fields { new: before.is_none(), problems };
            K::merge(&self.batch, &mut row, before, input, &mut fields);
            let writer = submission.viewer().filter(|_| !submission.proposal);
            if let Some(refusal) = writer.and_then(|viewer| refused::<K>(viewer, &row, before)) {
                // Callers without the right to write get no other problems.
                problems.take();
                problems.add(refusal);
                continue;
            }
            let slug_salt = generated.then_some(salt);
            let (viewer, answer) = (submission.viewer().cloned(), submission.answer.clone());
            let before = before.cloned();
            drafts.push((*index, Draft { row, before, slug_salt, held: Vec::new(), viewer, answer }));
        }
        // A refused draft takes no slug and no identifier from others of the batch. Drafts of people go on, so that all
        // problems are reported at once: people submit records alone.
        let goes_on = |problems: &[Problems], index: usize| {
            problems[index].is_empty() || self.submissions[index].viewer().is_some()
        };
        drafts.retain(|(index, _)| goes_on(&self.problems, *index));
        K::complete(&self.batch, &mut drafts, &mut self.problems).await?;
        for (index, draft) in &drafts {
            // A source must not write a record of another region, such as the survivor of a merge with one of its own.
            let mut regions = draft.before.iter().chain([&draft.row]).map(RecordRow::region);
            let Some(Named { source, .. }) = self.submissions[*index].named() else { continue };
            if let Some(region) = regions.find(|region| *region != source.region) {
                self.problems[*index].add(Problem::foreign_source(&source.name, &source.region, region));
                continue;
            }
            let owner = self.shared.get(&draft.row.id()).filter(|_| self.led.contains(index));
            if owner.is_some_and(|shared| shared.source.as_ref().is_some_and(|name| *name != source.name)) {
                self.problems[*index].add(Problem::new("externalId", &messages::pushing::NOT_AUTHORITY));
            }
        }
        drafts.retain(|(index, _)| goes_on(&self.problems, *index));
        slug::settle::<K>(&self.batch, &mut drafts, &mut self.problems).await?;
        drafts.retain(|(index, _)| goes_on(&self.problems, *index));
        let given = |index: usize| self.submissions[index].input.identifiers();
        slug::identifiers::<K>(&self.batch, &mut drafts, &mut self.problems, given).await?;
        drafts.retain(|(index, _)| self.problems[*index].is_empty());
        Ok(drafts)
    }

    /// Refuses submissions of people about records that are absent or hidden, that they may not write, or that have
    /// changed since.
    async fn admit<K: Kind>(
        &mut self,
        meant: &Numbered<Uuid>,
        present: &HashMap<Uuid, K::Row>,
    ) -> Result<(), DomainError> {
        for (index, id) in meant {
            let submission = &self.submissions[*index];
            let Some(viewer) = submission.viewer().filter(|_| submission.exists) else { continue };
            let shared = self.shared.get(id).map_or(0, |shared| shared.revision);
            // Always read, so that a hidden record costs as much as an absent one.
            let seen = sees::<K>(&self.batch, viewer, *id).await?;
            let problem = match present.get(id).filter(|_| seen) {
                Some(row) => match refusal_of::<K>(&self.batch, viewer, row, submission).await? {
                    None if submission.base_revision.is_some_and(|base| base != shared) => {
                        self.statuses[*index] = Some((Status::Conflict, shared));
                        Problem::conflict(shared)
                    }
                    None => continue,
                    Some(problem) => problem,
                },
                None => Problem::no_record(),
            };
            self.problems[*index].add(problem);
        }
        Ok(())
    }

    async fn save<K: Kind>(&mut self, inputs: Numbered<(Uuid, Arc<K::Input>)>) -> Result<(), DomainError> {
        let drafts = self.drafts::<K>(inputs).await?;
        let first = self.written.len();
        let mut saved: Vec<(K::Row, Option<K::Row>)> = Vec::new();
        let mut held_by_others = Vec::new();
        for (index, Draft { mut row, before, held, .. }) in drafts {
            held_by_others.extend(held);
            let submission = &self.submissions[index];
            let id = row.id();
            // A new record is not compared: its contents are computed while the database writes it.
            let contents = match &before {
                Some(before) => Contents::of::<K>(&row, Some(before))?,
                None => Contents::default(),
            };
            let shared = self.shared.get(&id);
            if let (Some(before), Some(shared)) = (&before, shared) {
                if shared.content_hash == contents.hash && K::view(before) == K::view(&row) {
                    self.statuses[index] = Some((Status::Unchanged, shared.revision));
                    continue;
                }
                let name = submission.named().map_or(&self.instance, |named| &named.source.name);
                let seen = match submission.base_revision {
                    Some(base) => base == shared.revision,
                    // The origin of the present revision overwrites only its own change.
                    None => shared.origin == *name || submission.overwrite,
                };
                if !seen {
                    self.differing.insert(index, contents.changed);
                    self.problems[index].add(Problem::conflict_of_sources(shared.revision));
                    self.statuses[index] = Some((Status::Conflict, shared.revision));
                    continue;
                }
            }
            let revision = shared.map_or(1, |shared| shared.revision + 1);
            row.stamp(revision, self.batch.now, before.as_ref());
            let status = if before.is_some() { Status::Updated } else { Status::Created };
            self.statuses[index] = Some((status, revision));
            let action = match &submission.answer {
                Some(answer) if answer.yes => Action::Confirm,
                Some(_) => Action::Dispute,
                None if before.is_some() => Action::Update,
                None => Action::Create,
            };
            let written = Written::new::<K>(id, before.as_ref(), Some(&row), revision, action);
            let (content_hash, fields) = (contents.hash, contents.changed);
            self.written.push(Written { content_hash, fields, ..self.submitted(submission, written) });
            saved.push((row, before));
        }
        if saved.is_empty() {
            return Ok(());
        }
        let saved = Arc::new(saved);
        let contents = Contents::of_new::<K>(&saved);
        slug::keep::<K>(&self.batch, &saved, &held_by_others).await?;
        let touched = K::save(&self.batch, &saved).await?;
        for (place, contents) in contents.await? {
            let written = &mut self.written[first + place];
            (written.content_hash, written.fields) = (contents.hash, contents.changed);
        }
        self.written
            .extend(touched.into_iter().map(|written| Written { origin: self.instance.clone(), ..written }));
        Ok(())
    }

    async fn delete<K: Kind>(&mut self, deletions: Numbered<Uuid>) -> Result<(), DomainError> {
        let ids: Vec<Uuid> = deletions.iter().map(|(_, id)| *id).collect();
        let mut present = K::Row::load(&self.batch, &ids).await?;
        present.retain(|id, _| self.shared.get(id).is_some_and(|shared| shared.live));
        self.admit::<K>(&deletions, &present).await?;
        for (index, id) in &deletions {
            if let (Some(Named { source, .. }), Some(row)) =
                (self.submissions[*index].named(), present.get(id))
                && row.region() != source.region
            {
                let problem = Problem::foreign_source(&source.name, &source.region, row.region());
                self.problems[*index].add(problem.with_argument("delete"));
            }
        }
        let erased = deletions.iter().filter(|(index, id)| {
            let submission = &self.submissions[*index];
            // A source and the program itself may also erase records that are deleted already.
            let is_left = self.shared.get(id).is_some_and(|shared| !shared.live && !shared.erased);
            submission.removal == Some(Removal::Erase)
                && self.problems[*index].is_empty()
                && (present.contains_key(id) || submission.viewer().is_none() && is_left)
        });
        let erased: Vec<Uuid> = erased.map(|(_, id)| *id).collect();
        if !erased.is_empty() {
            let with = K::erase(&self.batch, &erased).await?;
            self.written.extend(with.into_iter().map(|one| Written { origin: self.instance.clone(), ..one }));
        }
        let referred = K::referred(&self.batch, &ids).await?;
        let mut gone = Vec::new();
        for (index, id) in deletions {
            if !self.problems[index].is_empty() {
                continue;
            }
            let shared = self.shared.get(&id);
            let (row, is_erased) = (present.get(&id), erased.contains(&id));
            let Some(shared) = shared.filter(|_| row.is_some() || is_erased) else {
                self.statuses[index] = Some((Status::Unchanged, shared.map_or(0, |shared| shared.revision)));
                continue;
            };
            let submission = &self.submissions[index];
            if referred.contains(&id) {
                let problem = match submission.viewer() {
                    Some(viewer) => Problem::referred("id", &K::referrers(&self.batch, viewer, id).await?),
                    None => Problem::referred("delete", &[]),
                };
                self.problems[index].add(problem);
                continue;
            }
            let revision = shared.revision + 1;
            self.statuses[index] = Some((Status::Updated, revision));
            let is_erasure = submission.removal == Some(Removal::Erase);
            let action = if is_erasure { Action::Erase } else { Action::Delete };
            let written = Written::new::<K>(id, row, None, revision, action);
            let erased_from = is_erasure.then(Vec::new);
            self.written.push(Written { erased_from, ..self.submitted(submission, written) });
            gone.push(id);
        }
        if gone.is_empty() {
            return Ok(());
        }
        for table in ["record_identifier", "record_slug"] {
            let delete = format!("DELETE FROM {table} WHERE record_id IN");
            self.batch.for_ids(&gone, |keys| format!("{delete} (SELECT k.id FROM {keys})")).await?;
        }
        K::delete(&self.batch, &gone).await
    }

    /// A record with where its revision was made, and its external id.
    fn submitted(&self, submission: &Submission, written: Written) -> Written {
        let external = submission.named().map(Named::pair);
        let origin = external.as_ref().map_or(&self.instance, |(source, _)| source).clone();
        Written { origin, external, ..written }
    }

    fn outcomes(&mut self) -> Vec<Outcome> {
        let each = self.ids.iter().zip(&self.statuses).zip(&mut self.problems).enumerate();
        each.map(|(index, ((id, status), problems))| {
            let (status, revision) = match status {
                Some((status, revision)) => (*status, Some(*revision)),
                None => (Status::Rejected, None),
            };
            let known = status != Status::Rejected || self.shared.contains_key(id);
            let differing = self.differing.remove(&index).unwrap_or_default();
            let taken = !matches!(status, Status::Rejected | Status::Conflict);
            let warnings = problems.take_warnings();
            let warnings = if taken { warnings } else { Vec::new() };
            Outcome {
                status,
                id: known.then_some(*id),
                revision,
                problems: problems.take(),
                differing,
                warnings,
            }
        })
        .collect()
    }
}

/// The state of a record in `sync_record`.
fn state_of(written: &Written) -> &'static str {
    match (&written.after, &written.erased_from) {
        (Some(_), _) => "LIVE",
        (None, Some(_)) => "ERASED",
        (None, None) => "DELETED",
    }
}

/// Writes `sync_record` and the audit log. The actor is the caller, or the source that has made the revision here.
pub(super) async fn settle(
    batch: &Batch<'_>,
    written: &[Written],
    caller: &Actor,
    instance: &str,
) -> Result<(), DomainError> {
    let keys = KeyColumns::new(&[
        ("record_id", KeyType::Id),
        ("record_type", KeyType::Text),
        ("source", KeyType::Text),
        ("external_id", KeyType::Text),
        ("revision", KeyType::Int),
        ("origin", KeyType::Text),
        ("content_hash", KeyType::Bytes),
        ("state", KeyType::Text),
    ]);
    // A record that is created here has no external id: the empty text means null. A record that changed because of
    // another keeps its hash: the empty hash means that.
    let sql = format!(
        "INSERT INTO sync_record (record_id, record_type, source, external_id, revision, origin, content_hash, \
         schema_version, state) SELECT k.record_id, k.record_type, NULLIF(k.source, ''), NULLIF(k.external_id, ''), \
         k.revision, k.origin, k.content_hash, {SCHEMA_VERSION}, k.state FROM {} WHERE TRUE \
         ON CONFLICT (record_id) DO UPDATE SET revision = excluded.revision, origin = excluded.origin, \
         content_hash = CASE WHEN length(excluded.content_hash) = 0 THEN sync_record.content_hash \
         ELSE excluded.content_hash END, schema_version = excluded.schema_version, state = excluded.state",
        keys.source(batch.dialect)
    );
    let rows = written.iter().map(|written| {
        let (source, external_id) = written.external.clone().unwrap_or_default();
        vec![
            KeyValue::Id(written.id),
            KeyValue::Text(written.record_type.name().to_owned()),
            KeyValue::Text(source),
            KeyValue::Text(external_id),
            KeyValue::Int(written.revision.into()),
            KeyValue::Text(written.origin.clone()),
            KeyValue::Bytes(written.content_hash.clone()),
            KeyValue::Text(state_of(written).to_owned()),
        ]
    });
    KeyedStatement { sql, keys }.execute(batch.tx, batch.dialect, rows.collect()).await?;
    let entries = written.iter().map(|written| {
        let view = written.after.as_ref().or(written.before.as_ref());
        audit::Entry {
            actor: if batch.replica || written.origin == instance {
                caller.clone()
            } else {
                Actor::Source(written.origin.clone())
            },
            action: written.action,
            subject: audit::Subject::Record(written.record_type, written.id),
            region: view.map(|(region, _)| region.clone()),
            revision: Some(written.revision),
            fields: written.fields.clone(),
        }
    });
    audit::record(batch.tx, batch.dialect, entries.collect(), batch.now).await
}

/// The problem if a viewer, who sees the present row, may not do what the submission asks for.
async fn refusal_of<K: Kind>(
    batch: &Batch<'_>,
    viewer: &Viewer,
    row: &K::Row,
    submission: &Submission,
) -> Result<Option<Problem>, DomainError> {
    if !submission.proposal {
        return K::refusal(batch, viewer, row, submission).await;
    }
    let refused = !viewer.proposes_for(row.id());
    Ok(refused.then(|| Problem::forbidden(&messages::NOT_A_MEMBER)))
}

/// The problem if a viewer may not write a row that is new or moves to another region, because they do not write the
/// records of its region.
fn refused<K: Kind>(viewer: &Viewer, row: &K::Row, before: Option<&K::Row>) -> Option<Problem> {
    let region = row.region();
    let stays = before.is_some_and(|before| before.region() == region);
    if !K::HAS_REGION || stays || viewer.writes_in(region) {
        return None;
    }
    if !region.is_empty() {
        return Some(Problem::foreign_region(region));
    }
    // The region is missing or unknown. Only viewers who write in some region get that problem; others get this one.
    viewer.writes.is_empty().then(|| Problem::new("region", &messages::NO_REGION_OF_YOURS))
}

/// Whether a viewer sees a record, by the condition of reads.
pub(super) async fn sees<K: Kind>(batch: &Batch<'_>, viewer: &Viewer, id: Uuid) -> Result<bool, DomainError> {
    let statement = KeyedStatement::by_id(batch.dialect, |keys, then| {
        format!(
            "SELECT k.n FROM {keys} {then} {} AS r ON r.id = k.id WHERE {}",
            K::TYPE.prefix(),
            K::sees(viewer, batch.dialect, "r")
        )
    });
    let found = statement.query(batch.tx, batch.dialect, rows_of(&[id])).await?;
    Ok(!found.is_empty())
}

/// Joins the entries of each record into one, from its first view to its last. A record can be written and also change
/// because of another.
pub fn consolidate(written: Vec<Written>) -> Vec<Written> {
    let mut places: HashMap<Uuid, usize> = HashMap::new();
    let mut one_each: Vec<Written> = Vec::with_capacity(written.len());
    for next in written {
        if let Some(place) = places.get(&next.id) {
            let first = &mut one_each[*place];
            let before = first.before.take();
            // A removal replaces any earlier action.
            let action = if next.after.is_some() { first.action } else { next.action };
            let mut fields = std::mem::take(&mut first.fields);
            fields.extend(next.fields.into_iter().filter(|name| !fields.contains(name)).collect::<Vec<_>>());
            // A record that changed because of another has no hash of its own: the hash of the written one stays.
            let content_hash = if next.content_hash.is_empty() && next.after.is_some() {
                std::mem::take(&mut first.content_hash)
            } else {
                next.content_hash
            };
            let external = next.external.or_else(|| first.external.take());
            *first = Written { before, content_hash, external, action, fields, ..next };
        } else {
            places.insert(next.id, one_each.len());
            one_each.push(next);
        }
    }
    one_each
}
