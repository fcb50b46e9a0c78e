//! The transaction that a type's `write.rs` works in, and the statements that several of them need.

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, Iterable};
use uuid::Uuid;

use super::Resolved;
use crate::app::App;
use crate::directory::talent::consent::Step;
use crate::record::error::DomainError;
use crate::record::policy::Viewer;
use crate::record::read::{Dialect, KeyColumns, KeyRow, KeyType, KeyValue, KeyedStatement};
use crate::record::value::DateTime;

/// What a type's `write.rs` works with.
#[derive(Debug)]
pub struct Batch<'a> {
    /// The program.
    pub app: &'a App,
    /// The transaction.
    pub tx: &'a DatabaseTransaction,
    /// Its SQL.
    pub dialect: Dialect,
    /// The time of the write.
    pub now: DateTime,
    /// What references mean.
    pub resolved: Resolved,
    /// What happens to people's profiles beside what their fields say.
    pub step: Option<Step>,
    /// Who writes, or on whose word a system does: what they may not see is not there for them.
    pub reader: Option<Arc<Viewer>>,
    /// Whether revisions are those that other instances have made: what follows from them raises none here.
    pub replica: bool,
}

/// How many rows of so many columns one INSERT may have: databases limit the values of a statement.
const MAX_VALUES: usize = 30_000;

impl Batch<'_> {
    /// By how much the revision of a record rises that changes because of another.
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
        self.for_ids(ids, |keys| match self.dialect {
            // PostgreSQL expects a hundred entries of each JSON list, and would rather walk through the whole table than
            // look all of them up. Nobody else touches these rows meanwhile: their records are locked.
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

    /// Puts these records into their list table, by facet and region.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn list(&self, table: &str, ids: &[Uuid]) -> Result<(), DomainError> {
        let listed = self.listed(table);
        let list = format!("INSERT INTO {table}_list (facet, region, name_key, id, visibility)");
        self.for_ids(ids, |keys| {
            // In the order of the table: neighbours are found next to each other.
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
