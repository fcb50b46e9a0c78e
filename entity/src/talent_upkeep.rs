//! Table `talent_upkeep`: confirmations of profiles, and the steps taken where they are overdue.

use sea_orm::entity::prelude::*;

/// The last confirmation of a profile, and the steps taken since it is overdue. All times are in microseconds since
/// 1970, UTC.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "talent_upkeep")]
pub struct Model {
    /// The profile.
    #[sea_orm(primary_key, auto_increment = false)]
    pub talent_id: Uuid,
    /// When the person last confirmed that the profile is right.
    pub confirmed_at: Option<i64>,
    /// When the person was warned since then that it would be hidden; also set where nobody could be warned.
    pub hiding_warned_at: Option<i64>,
    /// When it was hidden since then.
    pub hidden_at: Option<i64>,
    /// When the person was warned since then that it would be erased; also set where nobody could be warned.
    pub erasure_warned_at: Option<i64>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
