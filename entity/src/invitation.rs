//! Table `invitation`: people who are asked to make an account.

use sea_orm::entity::prelude::*;

/// People who are asked to make an account.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invitation")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// E-mail address as it was given.
    pub email: String,
    /// E-mail address as addresses are compared.
    pub email_key: String,
    /// Language of the mail.
    pub language: String,
    /// Slug of the region that invites.
    pub region: String,
    /// JSON list of roles in the region.
    pub roles: String,
    /// An organization that they will belong to.
    pub organization_id: Option<Uuid>,
    /// A profile that will be theirs.
    pub talent_id: Option<Uuid>,
    /// The account that invites.
    pub invited_by: Uuid,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// When it is good no more; microseconds since 1970, UTC.
    pub expires_at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
