//! Table `account`: people who sign in, here or with another issuer.

use sea_orm::entity::prelude::*;

/// People who sign in.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// E-mail address as it was given.
    pub email: String,
    /// Normalized e-mail address, by which accounts are looked up. An account of another issuer has a text without `@`
    /// here: it cannot sign in with an address, and another account may have the same address.
    pub email_key: String,
    /// Name that is shown.
    pub display_name: String,
    /// Language of messages to the owner, named as in the schema.
    pub language: String,
    /// Argon2id hash in PHC form; null where no password is set.
    pub password_hash: Option<String>,
    /// Profile of the owner.
    pub talent_id: Option<Uuid>,
    /// Issuer (`iss`) of the tokens that name the account; null for an account that was created here.
    pub issuer: Option<String>,
    /// Subject (`sub`) of these tokens; null for an account that was created here.
    pub subject: Option<String>,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// Microseconds since 1970, UTC.
    pub updated_at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
