//! Table `organization_member`: organizations that are members of other organizations.

use sea_orm::entity::prelude::*;

/// An organization that is a member of another.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organization_member")]
pub struct Model {
    /// The organization.
    #[sea_orm(primary_key, auto_increment = false)]
    pub organization_id: Uuid,
    /// Sort key of the member's name: byte order is reading order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name_key: Vec<u8>,
    /// The organization that is a member.
    #[sea_orm(primary_key, auto_increment = false)]
    pub member_id: Uuid,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
