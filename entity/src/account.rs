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
    /// E-mail address in the form in which addresses are compared. An account of another issuer has a text without
    /// `@` here: nobody signs in to it with an address, and the address may be that of another account.
    pub email_key: String,
    /// Name that is shown.
    pub display_name: String,
    /// Language of messages to them, named as in the schema.
    pub language: String,
    /// Argon2id hash in PHC form; nothing where no password has been set.
    pub password_hash: Option<String>,
    /// Their own profile.
    pub talent_id: Option<Uuid>,
    /// The issuer whose tokens name the account; nothing for one that was made here.
    pub issuer: Option<String>,
    /// What these tokens call it; nothing for one that was made here.
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
