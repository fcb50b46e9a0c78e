//! Table `sync_client`: how far clients have followed the log.

use sea_orm::entity::prelude::*;

/// How far clients have followed the log: a row for each account or key and what it asks for.
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
    /// Where it is, as the text of a cursor.
    pub cursor: String,
    /// The number of that position.
    pub seq: i64,
    /// The end of the log when it began.
    pub base: i64,
    /// The highest number that it has ever acknowledged.
    pub furthest: i64,
    /// When it came there. Microseconds since 1970, UTC.
    pub acknowledged_at: i64,
    /// When it was last heard of. Microseconds since 1970, UTC.
    pub seen_at: i64,
    /// Since when it is before the furthest; null where it is not. Microseconds since 1970, UTC.
    pub went_back_at: Option<i64>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
