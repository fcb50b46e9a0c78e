//! Table `consent`: consents that people gave and withdrew. Rows are added, never changed.

use sea_orm::entity::prelude::*;

/// A consent that was given or withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "consent")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The profile.
    pub talent_id: Uuid,
    /// The account that gave or withdrew it.
    pub account_id: Option<Uuid>,
    /// Name of the enum value.
    pub act: String,
    /// Name of the enum value.
    pub purpose: String,
    /// The version of the text that was shown.
    pub text_version: i32,
    /// The language of the text that was shown, named as in the schema.
    pub language: String,
    /// Microseconds since 1970, UTC.
    pub at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
