//! Table `invitation`: open invitations to have an account, a role or a profile.

use sea_orm::entity::prelude::*;

/// An open invitation.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invitation")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// E-mail address as it was given.
    pub email: String,
    /// Normalized e-mail address.
    pub email_key: String,
    /// Language of the mail.
    pub language: String,
    /// Slug of the region that invites.
    pub region: String,
    /// JSON list of roles in the region.
    pub roles: String,
    /// Organization that the invited person will belong to.
    pub organization_id: Option<Uuid>,
    /// Profile that the invited person is asked to take over.
    pub talent_id: Option<Uuid>,
    /// The account that invites.
    pub invited_by: Uuid,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// When it expires; microseconds since 1970, UTC.
    pub expires_at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
