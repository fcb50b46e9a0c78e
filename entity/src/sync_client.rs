//! Table `sync_client`: positions of clients in the change log.

use sea_orm::entity::prelude::*;

/// A client's position in the change log: one row for each account or key and set of types and regions.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sync_client")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Name of the kind of reader.
    pub reader: String,
    /// The account or key.
    pub reader_id: Uuid,
    /// The types and regions that it asks for.
    pub asked: String,
    /// Names of the types that it follows, each between commas.
    pub types: String,
    /// The views that it follows, each as region, colon and level, between commas.
    pub views: String,
    /// Its position, as a cursor.
    pub cursor: String,
    /// The number of that position.
    pub seq: i64,
    /// The end of the log when the client began.
    pub base: i64,
    /// The highest number that it has ever acknowledged.
    pub furthest: i64,
    /// When `furthest` last rose. Microseconds since 1970, UTC.
    pub acknowledged_at: i64,
    /// When the client last presented a cursor. Microseconds since 1970, UTC.
    pub seen_at: i64,
    /// Since when its position is before `furthest`; null where it is not. Microseconds since 1970, UTC.
    pub went_back_at: Option<i64>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
