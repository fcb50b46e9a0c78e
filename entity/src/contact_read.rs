//! Table `contact_read`: reads of people's contact data.

use sea_orm::entity::prelude::*;

/// A read of a person's contact data.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "contact_read")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The person.
    pub talent_id: Uuid,
    /// The minute in which it was read: microseconds since 1970, UTC.
    pub at: i64,
    /// Name of the kind of reader.
    pub reader: String,
    /// The account or key that read.
    pub reader_id: Uuid,
    /// Whether the e-mail address was shown: 0 or 1.
    pub email: i16,
    /// Whether the phone number was shown: 0 or 1.
    pub phone: i16,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
