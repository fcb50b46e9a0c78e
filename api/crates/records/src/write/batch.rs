//! The context of writes in a record type's `write.rs`, and the statements that several types need.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, Iterable,
    PrimaryKeyToColumn, QueryFilter,
};
use uuid::Uuid;

use super::{Kind, RecordRow, ReferredBy, Resolved, Step};
use crate::handle::Core;
use kernel::error::DomainError;
use kernel::id::encode;
use kernel::policy::Viewer;
use kernel::read::{Dialect, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement};
use kernel::value::DateTime;

/// The context of writes: the transaction, and everything that belongs to it.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The program.
    pub core: &'a Core,
    /// The transaction.
    pub tx: &'a DatabaseTransaction,
    /// The SQL dialect.
    pub dialect: Dialect,
    /// The time of the write.
    pub now: DateTime,
    /// The resolved references.
    pub resolved: Resolved,
    /// The step that is taken beside the change of fields.
    pub step: Option<Arc<dyn Step>>,
    /// The person who writes, or on whose behalf a source writes. Records that they do not see are treated as absent.
    pub reader: Option<Arc<Viewer>>,
    /// Whether the revisions were made by other instances. Records that change because of them then get no new
    /// revision.
    pub replica: bool,
}

/// Maximum values of one INSERT: databases limit the parameters of a statement.
const MAX_VALUES: usize = 30_000;

impl<'a> Batch<'a> {
    /// A batch of the program itself, without resolved references.
    pub fn new(core: &'a Core, tx: &'a DatabaseTransaction) -> Self {
        Self {
            core,
            tx,
            dialect: core.db.dialect(),
            now: core.clock.now(),
            resolved: Resolved::default(),
            step: None,
            reader: None,
            replica: false,
        }
    }
}

impl Batch<'_> {
    /// The step of the batch, where it is one of this type.
    pub fn step_of<S: Step>(&self) -> Option<&S> {
        let step: &dyn Any = self.step.as_deref()?;
        step.downcast_ref()
    }

    /// The number by which the revision of a record rises when it changes because of another: 1, or 0 in a replica.
    pub fn raise(&self) -> i32 {
        i32::from(!self.replica)
    }

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
            // A model that was built in memory counts as unchanged, but every column must be written.
            let some = some.into_iter().map(ActiveModelTrait::reset_all);
            E::insert_many(some).on_conflict(conflict.clone()).exec_without_returning(self.tx).await?;
        }
        Ok(())
    }

    /// The rows of these ids, of a table whose primary key is the id of a record.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn load<E>(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, E::Model>, DomainError>
    where
        E: EntityTrait,
        E::Model: RecordRow,
    {
        let mut query = E::find();
        for key in E::PrimaryKey::iter() {
            query = query.filter(key.into_column().is_in(ids.iter().copied()));
        }
        let rows = query.all(self.tx).await?;
        Ok(rows.into_iter().map(|row| (row.id(), row)).collect())
    }

    /// Deletes the rows of a table whose column has one of these ids.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn delete_where(&self, table: &str, column: &str, ids: &[Uuid]) -> Result<(), DomainError> {
        self.for_ids(ids, |keys| format!("DELETE FROM {table} WHERE {column} IN (SELECT k.id FROM {keys})"))
            .await
    }

    /// Those of these records that others refer to by these columns.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn referred(&self, by: &[ReferredBy], ids: &[Uuid]) -> Result<HashSet<Uuid>, DomainError> {
        if by.is_empty() {
            return Ok(HashSet::new());
        }
        let any = by.iter().map(|ReferredBy { table, column, .. }| {
            format!("EXISTS (SELECT 1 FROM {table} AS r WHERE r.{column} = k.id)")
        });
        let any = any.collect::<Vec<_>>().join(" OR ");
        let keys = KeyColumns::new(&[("id", KeyType::Id)]);
        let sql = format!("SELECT k.n FROM {} WHERE {any}", keys.source(self.dialect));
        let found = KeyedStatement { sql, keys }.query(self.tx, self.dialect, rows_of(ids)).await?;
        Ok(found.into_iter().map(|(position, _)| ids[position]).collect())
    }

    /// The ids, as clients see them, of records that refer to this one by these columns and that the viewer sees: at
    /// most `most` for each column.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn referrers(
        &self,
        by: &[ReferredBy],
        viewer: &Viewer,
        id: Uuid,
    ) -> Result<Vec<String>, DomainError> {
        let keys = KeyColumns::new(&[("id", KeyType::Id)]);
        let (source, then) = (keys.source(self.dialect), self.dialect.join());
        let mut ids = Vec::new();
        for ReferredBy { of, table, column, record, most } in by {
            let sees = self.core.kinds.of(*of).sees(viewer, self.dialect, "r");
            let joined = if *table == of.prefix() && *record == "id" {
                format!("{table} AS r ON r.{column} = k.id")
            } else {
                format!("{table} AS p ON p.{column} = k.id {then} {} AS r ON r.id = p.{record}", of.prefix())
            };
            let sql = format!(
                "SELECT k.n, r.id FROM {source} {then} {joined} WHERE {sees} ORDER BY r.id LIMIT {most}"
            );
            let rows = KeyedStatement { sql, keys: keys.clone() };
            for (_, mut row) in rows.query(self.tx, self.dialect, rows_of(&[id])).await? {
                let id = encode(of.prefix(), row.get()?);
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        Ok(ids)
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

    /// Writes rows of a type with a list table, and updates their entries in that table. Each row comes with whether
    /// the record existed before.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn store<E, A>(
        &self,
        is_listed: bool,
        rows: impl Iterator<Item = (E::Model, bool)> + Send,
    ) -> Result<(), DomainError>
    where
        E: EntityTrait<ActiveModel = A>,
        E::Model: IntoActiveModel<A> + RecordRow,
        A: ActiveModelTrait<Entity = E> + Send,
    {
        let (mut ids, mut known, mut models) = (Vec::new(), Vec::new(), Vec::new());
        for (model, is_known) in rows {
            ids.push(model.id());
            known.extend(is_known.then(|| model.id()));
            models.push(model);
        }
        if !is_listed {
            return self.upsert::<E, _>(models).await;
        }
        let entity = E::default();
        self.unlist(entity.table_name(), &known).await?;
        self.upsert::<E, _>(models).await?;
        self.list(entity.table_name(), &ids).await
    }

    /// Deletes records of a type with their parts.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn delete_records<K: Kind>(&self, ids: &[Uuid]) -> Result<(), DomainError> {
        let table = K::TYPE.prefix();
        if K::IS_LISTED {
            self.unlist(table, ids).await?;
        }
        for (part, column) in K::PARTS {
            self.delete_where(part, column, ids).await?;
        }
        self.delete_where(table, "id", ids).await
    }

    /// Deletes the present entries of these records from their list table.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn unlist(&self, table: &str, ids: &[Uuid]) -> Result<(), DomainError> {
        let listed = self.listed(table);
        self.for_ids(ids, |keys| match self.dialect {
            // PostgreSQL estimates a hundred entries for each JSON list, and would scan the whole table instead of
            // looking each one up. Nobody else changes these rows meanwhile: their records are locked.
            Dialect::Postgres => format!(
                "DELETE FROM {table}_list WHERE ctid = ANY(ARRAY(SELECT l.at FROM {keys} {listed} \
                 CROSS JOIN LATERAL (SELECT l.ctid AS at FROM {table}_list AS l WHERE l.facet = f.value \
                 AND l.region = g.value AND l.name_key = o.name_key AND l.id = o.id LIMIT 1) AS l))"
            ),
            Dialect::Sqlite => format!(
                "DELETE FROM {table}_list WHERE (facet, region, name_key, id) IN \
                 (SELECT f.value, g.value, o.name_key, o.id FROM {keys} {listed})"
            ),
        })
        .await
    }

    /// Inserts these records into their list table, by facet and region.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn list(&self, table: &str, ids: &[Uuid]) -> Result<(), DomainError> {
        let listed = self.listed(table);
        let list = format!("INSERT INTO {table}_list (facet, region, name_key, id, visibility)");
        self.for_ids(ids, |keys| {
            // In the order of the table, so that neighbouring entries are written together.
            format!(
                "{list} SELECT f.value, g.value, o.name_key, o.id, o.visibility FROM {keys} {listed} \
                 ORDER BY f.value, g.value, o.name_key, o.id"
            )
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
