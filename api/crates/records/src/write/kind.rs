//! The trait that a record type implements for the write path, and the registry by which the write path finds it.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use sea_orm::EntityTrait;
use uuid::Uuid;

use super::door::Door;
use super::replica::{Canonical, InvalidRevision, Received, Replicated, Taking, row_of};
use super::{Answer, Batch, Reference, Submission, touch};
use crate::audit::Action;
use kernel::error::DomainError;
use kernel::input::{Fields, IdentifierInput};
use kernel::node::Node;
use kernel::policy::{Viewer, Visibility};
use kernel::problem::{Problem, Problems};
use kernel::read::Dialect;
use kernel::records;
use kernel::value::{DateTime, Identifier};
use kernel::{RecordType, Times, messages};

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
    /// The instance or source that made the revision.
    pub origin: String,
    /// The source system that owns it, and its id there.
    pub external: Option<(String, String)>,
    /// For an erased record: the views that it was ever in, which the write path fills in.
    pub erased_from: Option<Vec<(String, Visibility)>>,
    /// The action, for its history.
    pub action: Action,
    /// The names of the fields that changed.
    pub fields: Vec<String>,
}

impl Written {
    /// A record with its row before and after. The other fields are still empty.
    pub fn new<K: Kind>(
        id: Uuid,
        before: Option<&K::Row>,
        after: Option<&K::Row>,
        revision: i32,
        action: Action,
    ) -> Self {
        Self {
            record_type: K::TYPE,
            id,
            before: before.map(K::view),
            after: after.map(K::view),
            revision,
            content_hash: Vec::new(),
            origin: String::new(),
            external: None,
            erased_from: None,
            action,
            fields: Vec::new(),
        }
    }
}

/// Writes records whose region or visibility follows from other records, which have changed. Each comes with its row
/// before, and is locked.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn follow<K: Kind>(
    batch: &Batch<'_>,
    moved: Vec<(K::Row, K::Row)>,
) -> Result<Vec<Written>, DomainError> {
    let differs = |(after, before): &(K::Row, K::Row)| {
        K::view(after) != K::view(before) || after.region() != before.region()
    };
    let ids: Vec<Uuid> = moved.iter().filter(|pair| differs(pair)).map(|(after, _)| after.id()).collect();
    let revisions = touch(batch, &ids).await?;
    let (mut written, mut rows) = (Vec::new(), Vec::with_capacity(moved.len()));
    for pair in moved {
        let told = differs(&pair);
        let (mut after, before) = pair;
        if told {
            let id = after.id();
            let had = revisions.get(&id).copied().unwrap_or_else(|| before.revision());
            after.stamp(had + batch.raise(), batch.now, Some(&before));
            let changed = [
                ("region", before.region() != after.region()),
                ("visibility", before.visibility() != after.visibility()),
            ];
            let fields = changed.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name.to_owned());
            written.push(Written {
                fields: fields.collect(),
                ..Written::new::<K>(id, Some(&before), Some(&after), after.revision(), Action::Update)
            });
        }
        rows.push((after, Some(before)));
    }
    K::Row::store(batch, K::IS_LISTED, &rows).await?;
    Ok(written)
}

/// Values with the index of their submission in the batch.
pub type Numbered<T> = Vec<(usize, T)>;

/// A row on its way into the database.
#[derive(Clone, Debug)]
pub struct Draft<R> {
    /// The row as it is to be.
    pub row: R,
    /// The row as it is; none for a new record.
    pub before: Option<R>,
    /// The salt of the digits that make a generated slug unique; none where a slug was requested.
    pub slug_salt: Option<String>,
    /// Identifiers of a record that the writer does not see, and which keeps them.
    pub held: Vec<Identifier>,
    /// The person who writes it, whose rights are checked.
    pub viewer: Option<Arc<Viewer>>,
    /// The answer of a side about it.
    pub answer: Option<Answer>,
}

/// The submitted fields of a record.
pub trait InputFields: fmt::Debug + Send + Sync + 'static {
    /// The requested slug.
    fn slug(&self) -> Option<&str> {
        None
    }
    /// The identifiers in official registers, as they were written.
    fn identifiers(&self) -> &[IdentifierInput] {
        &[]
    }
    /// The region that is to answer for the record.
    fn region(&self) -> Option<&str> {
        None
    }
    /// Adds the records that it refers to.
    fn references(&self, into: &mut Vec<Reference>) {
        let _ = into;
    }
}

/// Methods of [`InputFields`] whose fields an input has.
#[macro_export]
macro_rules! input_fields {
    ($($field:ident)*) => {
        $(input_fields! { @ $field })*
    };
    (@ identifiers) => {
        fn identifiers(&self) -> &[kernel::input::IdentifierInput] {
            self.identifiers.as_opt_deref().flatten().unwrap_or_default()
        }
    };
    (@ $field:ident) => {
        fn $field(&self) -> Option<&str> {
            self.$field.as_opt_deref().flatten()
        }
    };
}

/// A step that is taken beside the change of a record's fields, such as a consent. The submitter must have checked the
/// right to take it.
pub trait Step: Any + fmt::Debug + Send + Sync {
    /// The account that takes the step, where it does so by a right of its own and not as a viewer.
    fn account(&self) -> Option<Uuid>;
}

/// The columns that the rows of all record types have, and how such rows are stored.
pub trait RecordRow: Clone + Send + Sync + 'static {
    /// The record's id.
    fn id(&self) -> Uuid;
    /// The region that answers for it.
    fn region(&self) -> &str;
    /// Who may see it.
    fn visibility(&self) -> Visibility;
    /// The number of its revision.
    fn revision(&self) -> i32;
    /// Sets the times.
    fn set_times(&mut self, times: Times);
    /// Sets the revision and the times. A new row has no row `before`.
    fn stamp(&mut self, revision: i32, now: DateTime, before: Option<&Self>);
    /// The rows of these ids.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    fn load(
        batch: &Batch<'_>,
        ids: &[Uuid],
    ) -> impl Future<Output = Result<HashMap<Uuid, Self>, DomainError>> + Send;
    /// Writes rows, each with the row before, into the table and into the list table of the type.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    fn store(
        batch: &Batch<'_>,
        is_listed: bool,
        rows: &[(Self, Option<Self>)],
    ) -> impl Future<Output = Result<(), DomainError>> + Send;
}

/// A column by which records of a type refer to others, which cannot be deleted then.
#[derive(Clone, Copy, Debug)]
pub struct ReferredBy {
    /// The type of the records that refer.
    pub of: RecordType,
    /// The table that has the column.
    pub table: &'static str,
    /// The column, which holds the id that is referred to.
    pub column: &'static str,
    /// The column of the same table with the id of the record that refers.
    pub record: &'static str,
    /// Maximum number of referring records that are named.
    pub most: usize,
}

/// Maximum number of referring records that are named.
const NAMED: usize = 5;

impl ReferredBy {
    /// A column of the table of a type.
    pub const fn column(of: RecordType, column: &'static str) -> Self {
        Self { of, table: of.prefix(), column, record: "id", most: NAMED }
    }

    /// A column of another table, in which `record` is the column with the id of the record that refers.
    pub const fn table(
        of: RecordType,
        table: &'static str,
        column: &'static str,
        record: &'static str,
    ) -> Self {
        Self { of, table, column, record, most: NAMED }
    }

    /// The same column, with another maximum of records that are named.
    #[must_use]
    pub const fn most(self, most: usize) -> Self {
        Self { most, ..self }
    }
}

/// Implements [`RecordRow`] for a row that has the model of its table in a field, with the function that loads it.
#[macro_export]
macro_rules! record_row {
    ($row:ty { $field:ident: $model:ty } loaded by $load:path) => {
        record_row! { @ $row, $model, $load, $field }
    };
    (@ $row:ty, $model:ty, $load:path $(, $field:ident)?) => {
        impl $crate::write::RecordRow for $row {
            fn id(&self) -> uuid::Uuid {
                self.$($field.)?id
            }

            fn region(&self) -> &str {
                &self.$($field.)?region
            }

            fn visibility(&self) -> kernel::policy::Visibility {
                kernel::policy::Visibility::from_code(self.$($field.)?visibility)
            }

            fn revision(&self) -> i32 {
                self.$($field.)?revision
            }

            fn set_times(&mut self, times: kernel::Times) {
                self.$($field.)?created_at = times.created_at.micros();
                self.$($field.)?updated_at = times.updated_at.micros();
            }

            fn stamp(&mut self, revision: i32, now: kernel::value::DateTime, before: Option<&Self>) {
                self.$($field.)?revision = revision;
                self.$($field.)?updated_at = now.micros();
                self.$($field.)?created_at = before.map_or(now.micros(), |before| before.$($field.)?created_at);
            }

            async fn load(
                batch: &$crate::write::Batch<'_>,
                ids: &[uuid::Uuid],
            ) -> Result<std::collections::HashMap<uuid::Uuid, Self>, kernel::error::DomainError> {
                $load(batch, ids).await
            }

            async fn store(
                batch: &$crate::write::Batch<'_>,
                is_listed: bool,
                rows: &[(Self, Option<Self>)],
            ) -> Result<(), kernel::error::DomainError> {
                let models = rows.iter().map(|(row, before)| (row.$($field.)?clone(), before.is_some()));
                batch.store::<<$model as sea_orm::ModelTrait>::Entity, _>(is_listed, models).await
            }
        }
    };
}

macro_rules! make_rows {
    ($($(#[$doc:meta])* $name:ident $module:ident { $($rest:tt)* })*) => {
        $(record_row! { @ entity::$module::Model, entity::$module::Model, load_models::<entity::$module::Entity> })*
    };
}

/// The rows of these ids, of a table whose primary key is the id of a record.
async fn load_models<E>(batch: &Batch<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, E::Model>, DomainError>
where
    E: EntityTrait,
    E::Model: RecordRow,
{
    batch.load::<E>(ids).await
}

// The tables of record types are in the crate `entity`, and the trait is here: it is implemented here, by the table of types.
records!(make_rows);

/// A record type, as the write path knows it.
#[allow(async_fn_in_trait, reason = "used inside the workspace only, where every future is Send")]
pub trait Kind: Sized + 'static {
    /// The type.
    const TYPE: RecordType = Self::Node::TYPE;
    /// Whether the region that answers for the record is a field of its input, rather than that of another record.
    const HAS_REGION: bool = true;
    /// Whether the table `<type>_list` lists records of the type by name.
    const IS_LISTED: bool = true;
    /// Tables with rows that belong to a record and go with it, each with its column of the record's id.
    const PARTS: &'static [(&'static str, &'static str)] = &[];
    /// The columns by which others refer to records of the type. A record that is referred to is not deleted.
    const REFERRED_BY: &'static [ReferredBy] = &[];
    /// The read side.
    type Node: Node;
    /// The input.
    type Input: InputFields + Default;
    /// The row.
    type Row: RecordRow;
    /// The fields that other instances see.
    type Replicated: Replicated<Row = Self::Row>;

    /// The row of a new record: its id, and the values of the columns that are never empty.
    fn blank(id: Uuid) -> Self::Row;
    /// The condition under which a viewer sees the row `alias` of the type's table.
    fn sees(viewer: &Viewer, dialect: Dialect, alias: &str) -> String {
        Self::Node::sees(viewer, dialect, alias)
    }
    /// The view of the change log that it is in: that of its region, unless it is made of others.
    fn view(row: &Self::Row) -> (String, Visibility) {
        (row.region().to_owned(), row.visibility())
    }
    /// The fields that are replicated to other systems, as JSON.
    ///
    /// # Errors
    /// [`DomainError::Stored`] where a stored list is not JSON.
    fn replicated(row: &Self::Row) -> Result<serde_json::Value, DomainError> {
        Ok(serde_json::to_value(Self::Replicated::of(row)?)?)
    }
    /// The row that has these replicated fields: the inverse of [`Kind::replicated`]. Columns that follow from other
    /// records are not set yet.
    ///
    /// # Errors
    /// [`InvalidRevision`] where they are not those of a record of this type, or name an unknown entry of a vocabulary.
    fn from_replicated(
        id: Uuid,
        times: Times,
        fields: &serde_json::Value,
    ) -> Result<Self::Row, InvalidRevision> {
        let fields: Self::Replicated = super::replica::fields(fields)?;
        let mut row = Self::blank(id);
        row.set_times(times);
        fields.fill(&mut row)?;
        Ok(row)
    }
    /// Completes rows that another instance has made with columns that follow from other rows, all of which exist. The
    /// replicated fields stay as they are.
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
    /// The row's slug, where the type has one.
    fn slug(row: &mut Self::Row) -> Option<&mut String> {
        let _ = row;
        None
    }
    /// The row's official identifiers: scheme and canonical text.
    ///
    /// # Errors
    /// [`DomainError::Stored`] where the stored list is not JSON.
    fn identifiers(row: &Self::Row) -> Result<Vec<Identifier>, DomainError> {
        let _ = row;
        Ok(Vec::new())
    }
    /// The problem if this viewer, who sees the present row, may not do what the submission asks for; none if they may.
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
        let refused = !viewer.writes_in(before.region());
        std::future::ready(Ok(refused.then(|| Problem::forbidden(&messages::NOT_YOURS))))
    }
    /// Applies the input to the present row. Where there are problems, the result must not be written: it only serves
    /// to find more of them.
    fn merge(
        batch: &Batch<'_>,
        row: &mut Self::Row,
        before: Option<&Self::Row>,
        input: &Self::Input,
        fields: &mut Fields<'_>,
    );
    /// Completes rows with columns that follow from other rows.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    fn complete(
        batch: &Batch<'_>,
        drafts: &mut Numbered<Draft<Self::Row>>,
        problems: &mut [Problems],
    ) -> impl Future<Output = Result<(), DomainError>> + Send {
        let _ = (batch, drafts, problems);
        std::future::ready(Ok(()))
    }
    /// Stores the data that another instance sends beside the fields of a record, once the record is new here.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    fn arrive(
        batch: &Batch<'_>,
        received: &Received,
    ) -> impl Future<Output = Result<(), DomainError>> + Send {
        let _ = (batch, received);
        std::future::ready(Ok(()))
    }
    /// Writes rows and their dependent rows. Returns other records that changed because of it.
    fn save(
        batch: &Batch<'_>,
        rows: &[(Self::Row, Option<Self::Row>)],
    ) -> impl Future<Output = Result<Vec<Written>, DomainError>> + Send {
        async { Self::Row::store(batch, Self::IS_LISTED, rows).await.map(|()| Vec::new()) }
    }
    /// Those of these records that others refer to.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    fn referred(
        batch: &Batch<'_>,
        ids: &[Uuid],
    ) -> impl Future<Output = Result<HashSet<Uuid>, DomainError>> + Send {
        batch.referred(Self::REFERRED_BY, ids)
    }
    /// The ids, as clients see them, of some records that refer to this one and that the viewer sees.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    fn referrers(
        batch: &Batch<'_>,
        viewer: &Viewer,
        id: Uuid,
    ) -> impl Future<Output = Result<Vec<String>, DomainError>> + Send {
        batch.referrers(Self::REFERRED_BY, viewer, id)
    }
    /// Deletes the dependent rows of erased records, before their own rows. Returns the records that are erased with
    /// them.
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
    /// Deletes rows and their parts.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    fn delete(batch: &Batch<'_>, ids: &[Uuid]) -> impl Future<Output = Result<(), DomainError>> + Send {
        batch.delete_records::<Self>(ids)
    }
}

/// Rows of one type, between reading and writing them.
pub(super) type AnyRows = Box<dyn Any + Send>;

/// The object-safe form of [`Kind`].
///
/// It is implemented for every [`Kind`]. Work on rows stays generic: only the calls go through this trait.
pub trait AnyKind: Send + Sync {
    /// See [`Kind::sees`].
    fn sees(&self, viewer: &Viewer, dialect: Dialect, alias: &str) -> String;
    /// Saves the submissions of the type.
    fn save<'d>(&self, door: &'d mut Door<'_>) -> BoxFuture<'d, Result<(), DomainError>>;
    /// Deletes the records of the type that submissions delete.
    fn delete<'d>(&self, door: &'d mut Door<'_>) -> BoxFuture<'d, Result<(), DomainError>>;
    /// The replicated fields of records, as they are in this transaction.
    fn canonical<'b>(
        &self,
        batch: &'b Batch<'_>,
        ids: &'b [Uuid],
    ) -> BoxFuture<'b, Result<HashMap<Uuid, Canonical>, DomainError>>;
    /// Checks a revision that another instance has made, without the database.
    ///
    /// # Errors
    /// [`InvalidRevision`].
    fn check(&self, received: &Received) -> Result<(), InvalidRevision>;
    /// The rows of the revisions of the type.
    ///
    /// # Errors
    /// [`DomainError::Stored`] where a list of a row is not JSON.
    fn read(&self, taking: &mut Taking<'_>) -> Result<AnyRows, DomainError>;
    /// Saves the rows of [`AnyKind::read`].
    fn take<'t>(&self, taking: &'t mut Taking<'_>, rows: AnyRows) -> BoxFuture<'t, Result<(), DomainError>>;
    /// See [`Kind::arrive`].
    fn arrive<'b>(
        &self,
        batch: &'b Batch<'_>,
        received: &'b Received,
    ) -> BoxFuture<'b, Result<(), DomainError>>;
}

impl<K: Kind + Send + Sync> AnyKind for K {
    fn sees(&self, viewer: &Viewer, dialect: Dialect, alias: &str) -> String {
        K::sees(viewer, dialect, alias)
    }

    fn save<'d>(&self, door: &'d mut Door<'_>) -> BoxFuture<'d, Result<(), DomainError>> {
        Box::pin(door.save_all::<K>())
    }

    fn delete<'d>(&self, door: &'d mut Door<'_>) -> BoxFuture<'d, Result<(), DomainError>> {
        Box::pin(door.delete_all::<K>())
    }

    fn canonical<'b>(
        &self,
        batch: &'b Batch<'_>,
        ids: &'b [Uuid],
    ) -> BoxFuture<'b, Result<HashMap<Uuid, Canonical>, DomainError>> {
        Box::pin(async move {
            let rows = K::Row::load(batch, ids).await?;
            rows.iter().map(|(id, row)| Ok((*id, Canonical::of(&K::replicated(row)?)?))).collect()
        })
    }

    fn check(&self, received: &Received) -> Result<(), InvalidRevision> {
        row_of::<K>(received).map(|_| ())
    }

    fn read(&self, taking: &mut Taking<'_>) -> Result<AnyRows, DomainError> {
        Ok(Box::new(taking.read::<K>()?))
    }

    fn take<'t>(&self, taking: &'t mut Taking<'_>, rows: AnyRows) -> BoxFuture<'t, Result<(), DomainError>> {
        Box::pin(async move {
            let other = |_| DomainError::Stored("the rows of a revision are of another type".into());
            let rows = rows.downcast::<Numbered<K::Row>>().map_err(other)?;
            taking.save::<K>(*rows).await
        })
    }

    fn arrive<'b>(
        &self,
        batch: &'b Batch<'_>,
        received: &'b Received,
    ) -> BoxFuture<'b, Result<(), DomainError>> {
        Box::pin(K::arrive(batch, received))
    }
}

/// The registry of record types, and of the tables with personal data that the layers above have.
#[derive(Clone, Copy)]
pub struct Kinds {
    kind_of: fn(RecordType) -> &'static dyn AnyKind,
    personal: &'static [&'static [&'static str]],
}

impl Kinds {
    /// A registry. The function matches on the type, so that no type can be missing. `personal` has the tables with personal
    /// data, a list for each layer.
    pub const fn new(
        kind_of: fn(RecordType) -> &'static dyn AnyKind,
        personal: &'static [&'static [&'static str]],
    ) -> Self {
        Self { kind_of, personal }
    }

    /// The tables with personal data, those of this layer included.
    pub fn personal(self) -> impl Iterator<Item = &'static str> {
        [crate::erasure::PERSONAL].iter().chain(self.personal).flat_map(|tables| tables.iter().copied())
    }

    /// The kind of a type.
    pub fn of(self, record_type: RecordType) -> &'static dyn AnyKind {
        (self.kind_of)(record_type)
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kinds")
    }
}
