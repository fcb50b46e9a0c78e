//! The one door for writes.
//!
//! A batch of submissions becomes, in one transaction: domain rows, the records' revisions, and their entries
//! in the change log, whose numbers are taken in the last statement. Everything is checked before the first
//! row is written. A submission that changes nothing writes nothing.
//!
//! What is special to a type of record (how an input becomes a row, what hangs on it) is in the `write.rs`
//! of its folder; what is the same for all is here.

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::{ActiveModelTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel, Iterable};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::RecordType;
use super::error::DomainError;
use super::policy::Visibility;
use super::problem::{Problem, Problems};
use super::read::{Dialect, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement};
use super::value::{DateTime, Identifier};
use crate::app::App;
use crate::changes::{self, Change, Operation};
use crate::directory::affiliation::write::{AffiliationInput, Affiliations};
use crate::directory::organization::write::{OrganizationInput, Organizations};
use crate::directory::partnership::write::{PartnershipInput, Partnerships};
use crate::directory::talent::write::{TalentInput, Talents};

/// Layout of the replicated fields that the content hash covers.
const SCHEMA_VERSION: i32 = 1;

/// A record as somebody submits it.
#[derive(Clone, Debug)]
pub enum RecordInput {
    /// An organization.
    Organization(Box<OrganizationInput>),
    /// A talent.
    Talent(Box<TalentInput>),
    /// An affiliation.
    Affiliation(Box<AffiliationInput>),
    /// A partnership.
    Partnership(Box<PartnershipInput>),
}

impl RecordInput {
    /// The type of the record.
    pub fn record_type(&self) -> RecordType {
        match self {
            Self::Organization(_) => RecordType::Organization,
            Self::Talent(_) => RecordType::Talent,
            Self::Affiliation(_) => RecordType::Affiliation,
            Self::Partnership(_) => RecordType::Partnership,
        }
    }

    fn slug(&self) -> Option<&str> {
        let slug = match self {
            Self::Organization(input) => &input.slug,
            Self::Talent(input) => &input.slug,
            Self::Partnership(input) => &input.slug,
            Self::Affiliation(_) => return None,
        };
        slug.as_opt_deref().flatten()
    }

    fn references(&self, into: &mut Vec<Reference>) {
        match self {
            Self::Organization(input) => input.references(into),
            Self::Talent(_) => {}
            Self::Affiliation(input) => input.references(into),
            Self::Partnership(input) => input.references(into),
        }
    }
}

/// A reference to another record, as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Type of the record that is meant.
    pub to: RecordType,
    /// Its id, its slug, or `source:externalId`.
    pub text: String,
}

/// What references mean: only those that were found.
#[derive(Clone, Debug, Default)]
pub struct Resolved(HashMap<Reference, Uuid>);

impl Resolved {
    /// The record that is meant; a problem at `path` where there is none.
    pub fn find(&self, to: RecordType, text: &str, path: &str, problems: &mut Problems) -> Option<Uuid> {
        let found = self.0.get(&Reference { to, text: text.to_owned() }).copied();
        if found.is_none() {
            problems.add(Problem::unknown_reference(path, to, text));
        }
        found
    }
}

/// Where a batch comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// The region whose records it may write.
    pub region: String,
}

/// One record to write.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The system that owns the record; none for one that is made here.
    pub source: Option<Source>,
    /// The record's id in that system.
    pub external_id: Option<String>,
    /// The id to give to a record that is made here; a new one where none is given.
    pub id: Option<Uuid>,
    /// The revision that the submitter has seen.
    pub base_revision: Option<i32>,
    /// Whether to write over what others have changed.
    pub overwrite: bool,
    /// Whether the record is to be deleted.
    pub delete: bool,
    /// The record.
    pub input: RecordInput,
}

/// What became of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// A new record.
    Created,
    /// A new revision.
    Updated,
    /// Nothing to do.
    Unchanged,
    /// Somebody else has changed the record since.
    Conflict,
    /// Not written; the problems say why.
    Rejected,
}

/// What became of a submission, and which record it is about.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What became of it.
    pub status: Status,
    /// The record; none where it was rejected before it had one.
    pub id: Option<Uuid>,
    /// The record's revision now.
    pub revision: Option<i32>,
    /// Why it was rejected or conflicts.
    pub problems: Vec<Problem>,
}

impl Outcome {
    /// Whether it failed for nothing but references to records that are not there, or not yet.
    pub fn waits(&self) -> bool {
        self.status == Status::Rejected && self.problems.iter().all(Problem::is_unknown_reference)
    }
}

/// What a record shares with all others, as the database has it.
#[derive(Clone, Debug)]
struct Shared {
    revision: i32,
    origin: String,
    content_hash: Vec<u8>,
    live: bool,
}

/// A record that is written, before and after.
#[derive(Clone, Debug)]
pub struct Written {
    /// Its type.
    pub record_type: RecordType,
    /// Its id.
    pub id: Uuid,
    /// The view that it was in; none for a new record.
    pub before: Option<(String, Visibility)>,
    /// The view that it is in now; none for a deleted one.
    pub after: Option<(String, Visibility)>,
    /// Its revision now.
    pub revision: i32,
    /// Its hash now.
    pub content_hash: Vec<u8>,
    /// Where the revision was made.
    pub origin: String,
    /// The system that owns it, and its id there.
    pub external: Option<(String, String)>,
}

/// What a type's `write.rs` works with.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The transaction.
    pub tx: &'a DatabaseTransaction,
    /// Its SQL.
    pub dialect: Dialect,
    /// The time of the write.
    pub now: DateTime,
    /// What references mean.
    pub resolved: Resolved,
}

/// How many rows of so many columns one INSERT may have: databases limit the values of a statement.
const MAX_VALUES: usize = 30_000;

impl Batch<'_> {
    /// Inserts rows, or replaces those with the same primary key.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn upsert<E, A>(&self, rows: Vec<E::Model>) -> Result<(), DomainError>
    where
        E: EntityTrait<ActiveModel = A>,
        E::Model: IntoActiveModel<A>,
        A: ActiveModelTrait<Entity = E> + Send,
    {
        let columns = E::Column::iter().count();
        let mut conflict = sea_orm::sea_query::OnConflict::columns(E::PrimaryKey::iter());
        conflict.update_columns(E::Column::iter());
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let some: Vec<A> =
                rows.by_ref().take(MAX_VALUES / columns).map(IntoActiveModel::into_active_model).collect();
            // A model fresh from memory counts as unchanged: every column must be written all the same.
            let some = some.into_iter().map(ActiveModelTrait::reset_all);
            E::insert_many(some).on_conflict(conflict.clone()).exec_without_returning(self.tx).await?;
        }
        Ok(())
    }

    /// Runs a statement that is keyed by ids.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn for_ids(&self, ids: &[Uuid], sql: impl Fn(&str) -> String) -> Result<(), DomainError> {
        let keys = KeyColumns::new(&[("id", KeyType::Id)]);
        let sql = sql(&keys.source(self.dialect));
        KeyedStatement { sql, keys }.execute(self.tx, self.dialect, rows_of(ids)).await.map(|_| ())
    }

    /// Takes these records out of their list table, as they are listed now.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn unlist(&self, table: &str, ids: &[Uuid]) -> Result<(), DomainError> {
        let listed = self.listed(table);
        let list = format!("DELETE FROM {table}_list WHERE (facet, region, name_key, id) IN");
        self.for_ids(ids, |keys| {
            format!("{list} (SELECT f.value, g.value, o.name_key, o.id FROM {keys} {listed})")
        })
        .await
    }

    /// Puts these records into their list table, by facet and region.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn list(&self, table: &str, ids: &[Uuid]) -> Result<(), DomainError> {
        let listed = self.listed(table);
        let list = format!("INSERT INTO {table}_list (facet, region, name_key, id, visibility)");
        self.for_ids(ids, |keys| {
            format!("{list} SELECT f.value, g.value, o.name_key, o.id, o.visibility FROM {keys} {listed}")
        })
        .await
    }

    fn listed(&self, table: &str) -> String {
        format!(
            "{} {table} AS o ON o.id = k.id CROSS JOIN {} CROSS JOIN {}",
            self.dialect.join(),
            self.dialect.each_as("o.facets", "f"),
            self.dialect.each_as("o.list_regions", "g")
        )
    }
}

/// Ids as rows of keys.
pub fn rows_of(ids: &[Uuid]) -> Vec<KeyRow> {
    ids.iter().map(|id| vec![KeyValue::Id(*id)]).collect()
}

/// Submissions that are told apart by their index in the batch.
pub type Numbered<T> = Vec<(usize, T)>;

/// SHA-256 of the replicated fields, as canonical JSON (RFC 8785).
///
/// # Errors
/// [`DomainError::Stored`] where they are not JSON.
pub fn content_hash(fields: &serde_json::Value) -> Result<Vec<u8>, DomainError> {
    let canonical = serde_json_canonicalizer::to_vec(fields)?;
    Ok(Sha256::digest(canonical).to_vec())
}

/// How a batch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Good submissions are written, others are reported.
    PerItem,
    /// Nothing is written; the outcomes say what would be.
    DryRun,
}

/// Attempts to write a batch that others get in the way of.
const ATTEMPTS: u32 = 5;

/// Writes a batch in a task of its own, so that a caller who goes away leaves no transaction half open.
///
/// # Errors
/// [`DomainError::Database`] where the database fails, after some attempts where others were in the way.
pub async fn write(app: &App, batch: Vec<Submission>, end: End) -> Result<Vec<Outcome>, DomainError> {
    let own = app.clone();
    let task = app.tasks.spawn(async move {
        let mut attempt = 1;
        loop {
            match once(&own, &batch, end).await {
                Err(DomainError::Database(error)) if attempt < ATTEMPTS && is_contended(&error) => {
                    let wait = rand::random_range(1..=20 * u64::from(attempt));
                    tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    });
    task.await.map_err(|error| DomainError::Task(error.to_string()))?
}

/// Whether the same may succeed when tried again: a deadlock, a serialization failure, a busy database, or a
/// record that somebody else has just made.
fn is_contended(error: &DbErr) -> bool {
    if matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_))) {
        return true;
    }
    let text = error.to_string();
    ["40001", "40P01", "deadlock detected", "could not serialize", "database is locked"]
        .iter()
        .any(|sign| text.contains(sign))
}

async fn once(app: &App, submissions: &[Submission], end: End) -> Result<Vec<Outcome>, DomainError> {
    let tx = app.db.begin().await?;
    match apply(app, &tx, submissions).await {
        Ok((outcomes, written)) => {
            if end == End::DryRun || written.is_empty() {
                tx.rollback().await?;
            } else {
                let changes = log_of(&written);
                changes::append(&tx, app.db.dialect(), changes, app.clock.now()).await?;
                tx.commit().await?;
            }
            Ok(outcomes)
        }
        Err(error) => {
            tx.rollback().await?;
            Err(error)
        }
    }
}

/// The entries of what was written: what left its view says so there.
pub fn log_of(written: &[Written]) -> Vec<Change> {
    let mut changes = Vec::with_capacity(written.len());
    for record in written {
        let entry = |operation, (region, visibility): &(String, Visibility)| Change {
            record_type: record.record_type,
            record_id: record.id,
            operation,
            revision: record.revision,
            region: region.clone(),
            visibility: *visibility,
            origin: record.origin.clone(),
            tag: rand::random(),
        };
        match (&record.before, &record.after) {
            (Some(before), Some(after)) if before != after => {
                changes.push(entry(Operation::Leave, before));
                changes.push(entry(Operation::Upsert, after));
            }
            (_, Some(after)) => changes.push(entry(Operation::Upsert, after)),
            (Some(before), None) => changes.push(entry(Operation::Delete, before)),
            (None, None) => {}
        }
    }
    changes
}

/// Applies a batch inside a transaction, without the log and without committing.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn apply(
    app: &App,
    tx: &DatabaseTransaction,
    submissions: &[Submission],
) -> Result<(Vec<Outcome>, Vec<Written>), DomainError> {
    let mut door = Door::open(app, tx, submissions).await?;
    door.identify().await?;
    door.resolve_references().await?;
    door.write().await?;
    Ok((door.outcomes(), door.written))
}

/// A batch on its way through the door.
struct Door<'a> {
    app: &'a App,
    submissions: &'a [Submission],
    batch: Batch<'a>,
    instance: String,
    ids: Vec<Uuid>,
    shared: HashMap<Uuid, Shared>,
    problems: Vec<Problems>,
    statuses: Vec<Option<(Status, i32)>>,
    written: Vec<Written>,
}

impl<'a> Door<'a> {
    async fn open(
        app: &'a App,
        tx: &'a DatabaseTransaction,
        submissions: &'a [Submission],
    ) -> Result<Self, DomainError> {
        let instance = entity::instance::Entity::find_by_id(1_i16).one(tx).await?;
        let instance = instance.ok_or_else(|| DomainError::Stored("the instance has no identity".into()))?;
        Ok(Self {
            app,
            submissions,
            batch: Batch {
                tx,
                dialect: app.db.dialect(),
                now: app.clock.now(),
                resolved: Resolved::default(),
            },
            instance: instance.instance_id.to_string(),
            ids: Vec::new(),
            shared: HashMap::new(),
            problems: submissions.iter().map(|_| Problems::default()).collect(),
            statuses: vec![None; submissions.len()],
            written: Vec::new(),
        })
    }

    /// Finds which submissions are about records that exist, locks these in the order of their ids, and gives
    /// ids to the others.
    async fn identify(&mut self) -> Result<(), DomainError> {
        let keys = KeyColumns::new(&[("source", KeyType::Text), ("external_id", KeyType::Text)]);
        let sql = format!(
            "SELECT k.n, s.record_id FROM {} {} sync_record AS s ON s.source = k.source \
             AND s.external_id = k.external_id ORDER BY k.n",
            keys.source(self.batch.dialect),
            self.batch.dialect.join(),
        );
        let named =
            |s: &Submission| s.source.as_ref().map(|source| source.name.clone()).zip(s.external_id.clone());
        // A submission without an external id asks for one that nobody has.
        let rows = self.submissions.iter().map(|submission| {
            let (source, id) = named(submission).unwrap_or_default();
            vec![KeyValue::Text(source), KeyValue::Text(id)]
        });
        let found =
            KeyedStatement { sql, keys }.query(self.batch.tx, self.batch.dialect, rows.collect()).await?;
        let mut known: HashMap<usize, Uuid> = HashMap::new();
        for (index, mut row) in found {
            known.insert(index, row.get()?);
        }
        for (index, submission) in self.submissions.iter().enumerate() {
            let id = known.get(&index).copied().or(submission.id).unwrap_or_else(|| self.app.new_id());
            self.ids.push(id);
        }
        let mut seen = HashSet::new();
        for (index, id) in self.ids.iter().enumerate() {
            if !seen.insert(*id) {
                self.problems[index]
                    .add(Problem::invalid("externalId", "This record is in the same batch twice."));
            }
        }
        self.load_shared().await
    }

    async fn load_shared(&mut self) -> Result<(), DomainError> {
        let ids: BTreeSet<Uuid> = self.ids.iter().copied().collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let locked = lock(&self.batch, &ids).await?;
        self.shared.extend(locked);
        Ok(())
    }

    /// Finds what references mean: records of the same batch first, then those of the database.
    async fn resolve_references(&mut self) -> Result<(), DomainError> {
        let mut wanted = Vec::new();
        for submission in self.submissions.iter().filter(|submission| !submission.delete) {
            submission.input.references(&mut wanted);
        }
        let mut resolved = super::reference::resolve(self.batch.tx, self.batch.dialect, &wanted).await?;
        for (submission, id) in self.submissions.iter().zip(&self.ids).filter(|(s, _)| !s.delete) {
            let to = submission.input.record_type();
            let names = submission.input.slug().map(str::to_owned).into_iter();
            let external = submission.source.as_ref().zip(submission.external_id.as_ref());
            let names = names.chain(external.map(|(source, id)| format!("{}:{id}", source.name)));
            let names = names.chain([super::id::encode(to.prefix(), *id)]);
            for text in names {
                resolved.entry(Reference { to, text }).or_insert(*id);
            }
        }
        self.batch.resolved = Resolved(resolved);
        Ok(())
    }

    /// Writes type by type, in the order in which one may refer to the other; deletes in the opposite order,
    /// when nothing refers any more to what goes.
    async fn write(&mut self) -> Result<(), DomainError> {
        self.save_all::<Organizations>().await?;
        self.save_all::<Talents>().await?;
        self.save_all::<Affiliations>().await?;
        self.save_all::<Partnerships>().await?;
        self.delete_all::<Partnerships>().await?;
        self.delete_all::<Affiliations>().await?;
        self.delete_all::<Talents>().await?;
        self.delete_all::<Organizations>().await?;
        self.written = consolidate(std::mem::take(&mut self.written));
        self.settle().await
    }

    /// The submissions of one type that nothing is wrong with yet, to be written or to be deleted.
    fn of_type<K: Kind>(&self, delete: bool) -> Numbered<(Uuid, &'a K::Input)> {
        let submissions: &'a [Submission] = self.submissions;
        let fitting = submissions
            .iter()
            .enumerate()
            .filter(|(index, submission)| submission.delete == delete && self.problems[*index].is_empty());
        fitting
            .filter_map(|(index, submission)| Some((index, (self.ids[index], K::of(&submission.input)?))))
            .collect()
    }

    async fn save_all<K: Kind>(&mut self) -> Result<(), DomainError> {
        let inputs = self.of_type::<K>(false);
        if inputs.is_empty() { Ok(()) } else { self.save::<K>(inputs).await }
    }

    async fn delete_all<K: Kind>(&mut self) -> Result<(), DomainError> {
        let inputs = self.of_type::<K>(true);
        let deletions: Numbered<Uuid> = inputs.into_iter().map(|(index, (id, _))| (index, id)).collect();
        if deletions.is_empty() { Ok(()) } else { self.delete::<K>(deletions).await }
    }

    async fn save<K: Kind>(&mut self, inputs: Numbered<(Uuid, &K::Input)>) -> Result<(), DomainError> {
        let known = inputs.iter().map(|(_, (id, _))| *id).filter(|id| self.shared.contains_key(id));
        let known: Vec<Uuid> = known.collect();
        let present = if known.is_empty() { HashMap::new() } else { K::load(&self.batch, &known).await? };
        let mut drafts: Numbered<Draft<K::Row>> = Vec::new();
        let mut unsaved: Vec<Uuid> = Vec::new();
        for (index, (id, input)) in inputs {
            let before = present.get(&id).filter(|_| self.shared.get(&id).is_some_and(|s| s.live));
            let submission = &self.submissions[index];
            let origin = submission.source.as_ref().zip(submission.external_id.as_ref());
            let salt = origin.map_or_else(|| id.to_string(), |(source, id)| format!("{}:{id}", source.name));
            let generated = before.is_none() && submission.input.slug().is_none();
            match K::merge(&self.batch, id, before, input, &mut self.problems[index]) {
                Some(row) => {
                    let draft = Draft { row, before: before.cloned(), slug_salt: generated.then_some(salt) };
                    drafts.push((index, draft));
                }
                None => unsaved.push(id),
            }
        }
        K::complete(&self.batch, &mut drafts, &mut self.problems).await?;
        super::slug::settle::<K>(&self.batch, &mut drafts, &mut self.problems).await?;
        super::slug::identifiers::<K>(&self.batch, &drafts, &mut self.problems).await?;
        let mut saved: Vec<(K::Row, Option<K::Row>)> = Vec::new();
        for (index, Draft { mut row, before, .. }) in drafts {
            let submission = &self.submissions[index];
            if let Some(source) = &submission.source
                && K::region(&row) != source.region
            {
                self.problems[index].add(Problem::foreign_region(
                    &source.name,
                    &source.region,
                    K::region(&row),
                ));
            }
            if !self.problems[index].is_empty() {
                unsaved.push(K::id(&row));
                continue;
            }
            let id = K::id(&row);
            let hash = content_hash(&K::replicated(&row)?)?;
            let shared = self.shared.get(&id);
            let view = |row: &K::Row| (K::region(row).to_owned(), K::visibility(row));
            if let (Some(before), Some(shared)) = (&before, shared) {
                if shared.content_hash == hash && view(before) == view(&row) {
                    self.statuses[index] = Some((Status::Unchanged, shared.revision));
                    continue;
                }
                let name =
                    submission.source.as_ref().map_or(self.instance.as_str(), |source| source.name.as_str());
                let seen = match submission.base_revision {
                    Some(base) => base == shared.revision,
                    // Whoever made the present revision changes only what is their own.
                    None => shared.origin == name || submission.overwrite,
                };
                if !seen {
                    self.problems[index].add(Problem::conflict(shared.revision));
                    self.statuses[index] = Some((Status::Conflict, shared.revision));
                    continue;
                }
            }
            let revision = shared.map_or(1, |shared| shared.revision + 1);
            K::stamp(&mut row, revision, self.batch.now, before.as_ref());
            let status = if before.is_some() { Status::Updated } else { Status::Created };
            self.statuses[index] = Some((status, revision));
            self.written.push(Written {
                record_type: K::TYPE,
                id,
                before: before.as_ref().map(view),
                after: Some(view(&row)),
                revision,
                content_hash: hash,
                origin: submission.source.as_ref().map_or_else(|| self.instance.clone(), |s| s.name.clone()),
                external: submission
                    .source
                    .as_ref()
                    .map(|s| s.name.clone())
                    .zip(submission.external_id.clone()),
            });
            saved.push((row, before));
        }
        // What was refused and did not exist before is nothing to refer to.
        unsaved.retain(|id| !self.shared.contains_key(id));
        self.batch.resolved.0.retain(|_, id| !unsaved.contains(id));
        if saved.is_empty() {
            return Ok(());
        }
        super::slug::keep::<K>(&self.batch, &saved).await?;
        let touched = K::save(&self.batch, &saved).await?;
        self.written
            .extend(touched.into_iter().map(|written| Written { origin: self.instance.clone(), ..written }));
        Ok(())
    }

    async fn delete<K: Kind>(&mut self, deletions: Numbered<Uuid>) -> Result<(), DomainError> {
        let ids: Vec<Uuid> = deletions.iter().map(|(_, id)| *id).collect();
        let present = K::load(&self.batch, &ids).await?;
        let referred = K::referred(&self.batch, &ids).await?;
        let mut gone = Vec::new();
        for (index, id) in deletions {
            let shared = self.shared.get(&id);
            let (Some(row), Some(shared)) = (present.get(&id), shared.filter(|shared| shared.live)) else {
                self.statuses[index] = Some((Status::Unchanged, shared.map_or(0, |shared| shared.revision)));
                continue;
            };
            let submission = &self.submissions[index];
            if submission.base_revision.is_some_and(|base| base != shared.revision) {
                self.problems[index].add(Problem::conflict(shared.revision));
                self.statuses[index] = Some((Status::Conflict, shared.revision));
                continue;
            }
            if referred.contains(&id) {
                self.problems[index].add(Problem::referred());
                continue;
            }
            let revision = shared.revision + 1;
            self.statuses[index] = Some((Status::Updated, revision));
            self.written.push(Written {
                record_type: K::TYPE,
                id,
                before: Some((K::region(row).to_owned(), K::visibility(row))),
                after: None,
                revision,
                content_hash: Vec::new(),
                origin: submission.source.as_ref().map_or_else(|| self.instance.clone(), |s| s.name.clone()),
                external: submission
                    .source
                    .as_ref()
                    .map(|s| s.name.clone())
                    .zip(submission.external_id.clone()),
            });
            gone.push(id);
        }
        if gone.is_empty() {
            return Ok(());
        }
        self.batch
            .for_ids(&gone, |keys| {
                format!("DELETE FROM record_identifier WHERE record_id IN (SELECT k.id FROM {keys})")
            })
            .await?;
        self.batch
            .for_ids(&gone, |keys| {
                format!("DELETE FROM record_slug WHERE record_id IN (SELECT k.id FROM {keys})")
            })
            .await?;
        K::delete(&self.batch, &gone).await
    }

    /// Writes what all records share.
    async fn settle(&self) -> Result<(), DomainError> {
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
        // A record that is made here has no external id: the empty text stands for null. A record that changed
        // because of another keeps its hash: the empty one stands for it.
        let sql = format!(
            "INSERT INTO sync_record (record_id, record_type, source, external_id, revision, origin, content_hash, \
             schema_version, state) SELECT k.record_id, k.record_type, NULLIF(k.source, ''), NULLIF(k.external_id, ''), \
             k.revision, k.origin, k.content_hash, {SCHEMA_VERSION}, k.state FROM {} WHERE TRUE \
             ON CONFLICT (record_id) DO UPDATE SET revision = excluded.revision, origin = excluded.origin, \
             content_hash = CASE WHEN length(excluded.content_hash) = 0 THEN sync_record.content_hash \
             ELSE excluded.content_hash END, schema_version = excluded.schema_version, state = excluded.state",
            keys.source(self.batch.dialect)
        );
        let rows = self.written.iter().map(|written| {
            let (source, external_id) = written.external.clone().unwrap_or_default();
            vec![
                KeyValue::Id(written.id),
                KeyValue::Text(written.record_type.name().to_owned()),
                KeyValue::Text(source),
                KeyValue::Text(external_id),
                KeyValue::Int(written.revision.into()),
                KeyValue::Text(written.origin.clone()),
                KeyValue::Bytes(written.content_hash.clone()),
                KeyValue::Text(if written.after.is_some() { "LIVE" } else { "DELETED" }.to_owned()),
            ]
        });
        KeyedStatement { sql, keys }
            .execute(self.batch.tx, self.batch.dialect, rows.collect())
            .await
            .map(|_| ())
    }

    fn outcomes(&mut self) -> Vec<Outcome> {
        let each = self.ids.iter().zip(&self.statuses).zip(&mut self.problems);
        each.map(|((id, status), problems)| {
            let (status, revision) = match status {
                Some((status, revision)) => (*status, Some(*revision)),
                None => (Status::Rejected, None),
            };
            let known = status != Status::Rejected || self.shared.contains_key(id);
            Outcome { status, id: known.then_some(*id), revision, problems: problems.take() }
        })
        .collect()
    }
}

/// One entry per record: where it was written and also changed because of another, from its first view to
/// its last.
fn consolidate(written: Vec<Written>) -> Vec<Written> {
    let mut places: HashMap<Uuid, usize> = HashMap::new();
    let mut one_each: Vec<Written> = Vec::with_capacity(written.len());
    for next in written {
        if let Some(place) = places.get(&next.id) {
            let first = &mut one_each[*place];
            let before = first.before.take();
            *first = Written { before, ..next };
        } else {
            places.insert(next.id, one_each.len());
            one_each.push(next);
        }
    }
    one_each
}

/// Locks what these records share, in the order of their ids.
async fn lock(batch: &Batch<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, Shared>, DomainError> {
    let keys = KeyColumns::new(&[("id", KeyType::Id)]);
    let lock = if batch.dialect == Dialect::Postgres { "FOR UPDATE OF s" } else { "" };
    let sql = format!(
        "SELECT k.n, s.record_id, s.revision, s.origin, s.content_hash, s.state FROM {} \
         {} sync_record AS s ON s.record_id = k.id ORDER BY s.record_id {lock}",
        keys.source(batch.dialect),
        batch.dialect.join(),
    );
    let rows = KeyedStatement { sql, keys }.query(batch.tx, batch.dialect, rows_of(ids)).await?;
    rows.into_iter()
        .map(|(_, mut row)| {
            let id: Uuid = row.get()?;
            let shared = Shared {
                revision: row.get()?,
                origin: row.get()?,
                content_hash: row.get()?,
                live: row.get::<String>()? == "LIVE",
            };
            Ok((id, shared))
        })
        .collect()
}

/// A record that changes because another did: its row is written by its own type, its revision here.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn touch(batch: &Batch<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, i32>, DomainError> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    Ok(lock(batch, &ids).await?.into_iter().map(|(id, shared)| (id, shared.revision)).collect())
}

/// A row on its way into the database.
#[derive(Clone, Debug)]
pub struct Draft<R> {
    /// The row as it is to be.
    pub row: R,
    /// The row as it is; none for a new record.
    pub before: Option<R>,
    /// Where nobody has given a slug: what makes it different from a namesake's.
    pub slug_salt: Option<String>,
}

/// What the door must know of a type of record.
#[allow(async_fn_in_trait, reason = "used inside this crate only, where every future is Send")]
pub trait Kind {
    /// The type.
    const TYPE: RecordType;
    /// How it is submitted.
    type Input: Sync;
    /// How it is stored.
    type Row: Clone + Send + Sync;

    /// The input, where a submission is of this type.
    fn of(input: &RecordInput) -> Option<&Self::Input>;
    /// The record's id.
    fn id(row: &Self::Row) -> Uuid;
    /// The region that answers for it.
    fn region(row: &Self::Row) -> &str;
    /// The view that it is in.
    fn visibility(row: &Self::Row) -> Visibility;
    /// The fields that other systems see, as JSON.
    ///
    /// # Errors
    /// [`DomainError::Stored`] where a stored list is not JSON.
    fn replicated(row: &Self::Row) -> Result<serde_json::Value, DomainError>;
    /// Sets the revision and the times.
    fn stamp(row: &mut Self::Row, revision: i32, now: DateTime, before: Option<&Self::Row>);
    /// The rows of these ids.
    fn load(
        batch: &Batch<'_>,
        ids: &[Uuid],
    ) -> impl Future<Output = Result<HashMap<Uuid, Self::Row>, DomainError>> + Send;
    /// The row's slug, where the type has one.
    fn slug(row: &mut Self::Row) -> Option<&mut String>;
    /// The row's official identifiers: scheme and canonical text.
    ///
    /// # Errors
    /// [`DomainError::Stored`] where the stored list is not JSON.
    fn identifiers(row: &Self::Row) -> Result<Vec<Identifier>, DomainError>;
    /// The row that the input makes of the present one; none where problems make it impossible.
    fn merge(
        batch: &Batch<'_>,
        id: Uuid,
        before: Option<&Self::Row>,
        input: &Self::Input,
        problems: &mut Problems,
    ) -> Option<Self::Row>;
    /// Completes rows with what depends on other rows.
    fn complete(
        batch: &Batch<'_>,
        drafts: &mut Numbered<Draft<Self::Row>>,
        problems: &mut [Problems],
    ) -> impl Future<Output = Result<(), DomainError>> + Send;
    /// Writes rows and what hangs on them; answers the records that changed because of it.
    fn save(
        batch: &Batch<'_>,
        rows: &[(Self::Row, Option<Self::Row>)],
    ) -> impl Future<Output = Result<Vec<Written>, DomainError>> + Send;
    /// Which of these records others refer to.
    fn referred(
        batch: &Batch<'_>,
        ids: &[Uuid],
    ) -> impl Future<Output = Result<HashSet<Uuid>, DomainError>> + Send;
    /// Deletes rows and what hangs on them.
    fn delete(batch: &Batch<'_>, ids: &[Uuid]) -> impl Future<Output = Result<(), DomainError>> + Send;
}
