//! What the door must know of a type of record, and what types tell it back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::replica::{Refers, Unfit};
use super::{Answer, Batch, RecordInput, Submission};
use crate::record::audit::Action;
use crate::record::error::DomainError;
use crate::record::policy::{Viewer, Visibility};
use crate::record::problem::{Problem, Problems};
use crate::record::value::{DateTime, Identifier};
use crate::record::{RecordType, Times, messages};

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
    /// Where it was erased: the views that it was ever in, which the door fills in.
    pub erased_from: Option<Vec<(String, Visibility)>>,
    /// What was done to it, for its history.
    pub action: Action,
    /// The names of the fields that changed.
    pub fields: Vec<String>,
}

/// The names of the fields that follow from the parts of a record, where it has others now.
pub fn fields_of_parts(before: (&str, Visibility), after: (&str, Visibility)) -> Vec<String> {
    let changed = [("region", before.0 != after.0), ("visibility", before.1 != after.1)];
    changed.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name.to_owned()).collect()
}

/// Submissions that are told apart by their index in the batch.
pub type Numbered<T> = Vec<(usize, T)>;

/// A row on its way into the database.
#[derive(Clone, Debug)]
pub struct Draft<R> {
    /// The row as it is to be.
    pub row: R,
    /// The row as it is; none for a new record.
    pub before: Option<R>,
    /// Where nobody has given a slug: what makes it different from a namesake's.
    pub slug_salt: Option<String>,
    /// Identifiers that a record has which the writer does not see: it keeps them.
    pub held: Vec<Identifier>,
    /// Who writes it, where it is somebody who may not write everything.
    pub viewer: Option<Arc<Viewer>>,
    /// What a side says of it.
    pub answer: Option<Answer>,
}

/// What the door must know of a type of record.
#[allow(async_fn_in_trait, reason = "used inside this crate only, where every future is Send")]
pub trait Kind: 'static {
    /// The type.
    const TYPE: RecordType;
    /// Whether the region that answers for the record is a field of its input, rather than that of another record.
    const HAS_REGION: bool;
    /// How it is submitted.
    type Input: Sync + 'static;
    /// How it is stored.
    type Row: Clone + Send + Sync + 'static;

    /// The input, where a submission is of this type.
    fn of(input: &RecordInput) -> Option<&Self::Input>;
    /// The record's id.
    fn id(row: &Self::Row) -> Uuid;
    /// The region that answers for it.
    fn region(row: &Self::Row) -> &str;
    /// Who may see it.
    fn visibility(row: &Self::Row) -> Visibility;
    /// The view of the log that it is in: that of its region, unless it is made of others.
    fn view(row: &Self::Row) -> (String, Visibility) {
        (Self::region(row).to_owned(), Self::visibility(row))
    }
    /// The fields that other systems see, as JSON.
    ///
    /// # Errors
    /// [`DomainError::Stored`] where a stored list is not JSON.
    fn replicated(row: &Self::Row) -> Result<serde_json::Value, DomainError>;
    /// The row that has these replicated fields: the inverse of [`Kind::replicated`]. What follows from other records is
    /// not yet in it.
    ///
    /// # Errors
    /// [`Unfit`] where they are not those of a record of this type, or name an entry of a vocabulary that is not known.
    fn from_replicated(id: Uuid, times: Times, fields: &serde_json::Value) -> Result<Self::Row, Unfit>;
    /// The records that a row refers to, all of which must be there.
    ///
    /// # Errors
    /// [`DomainError::Stored`] where a stored list is not JSON.
    fn refers(row: &Self::Row) -> Result<Vec<Refers>, DomainError> {
        let _ = row;
        Ok(Vec::new())
    }
    /// Completes rows that another instance has made with what follows from other rows, all of which are there. What
    /// was written where they were made stays as it is.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    fn place(
        batch: &Batch<'_>,
        drafts: &mut Numbered<Draft<Self::Row>>,
        problems: &mut [Problems],
    ) -> impl Future<Output = Result<(), DomainError>> + Send {
        Self::complete(batch, drafts, problems)
    }
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
    /// Why this viewer, who sees the present row, may not do with it what they ask for; nothing where they may.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    fn refusal(
        batch: &Batch<'_>,
        viewer: &Viewer,
        before: &Self::Row,
        submission: &Submission,
    ) -> impl Future<Output = Result<Option<Problem>, DomainError>> + Send {
        let _ = (batch, submission);
        let refused = !viewer.writes_in(Self::region(before));
        std::future::ready(Ok(refused.then(|| Problem::forbidden(&messages::NOT_YOURS))))
    }
    /// The row that the input makes of the present one. Where there are problems it is not fit to be written, and
    /// only good for finding more of them.
    fn merge(
        batch: &Batch<'_>,
        id: Uuid,
        before: Option<&Self::Row>,
        input: &Self::Input,
        problems: &mut Problems,
    ) -> Self::Row;
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
    /// The ids, as clients see them, of records that refer to this one and that the viewer sees: a few of them.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    fn referrers(
        batch: &Batch<'_>,
        viewer: &Viewer,
        id: Uuid,
    ) -> impl Future<Output = Result<Vec<String>, DomainError>> + Send {
        let _ = (batch, viewer, id);
        std::future::ready(Ok(Vec::new()))
    }
    /// Takes away what hangs on records that are erased, before their own rows go; answers the records that are erased
    /// with them.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    fn erase(
        batch: &Batch<'_>,
        ids: &[Uuid],
    ) -> impl Future<Output = Result<Vec<Written>, DomainError>> + Send {
        let _ = (batch, ids);
        std::future::ready(Ok(Vec::new()))
    }
    /// Deletes rows and what hangs on them.
    fn delete(batch: &Batch<'_>, ids: &[Uuid]) -> impl Future<Output = Result<(), DomainError>> + Send;
}
