//! Table `event_list`: events by facet and region, in the order of their titles.

use sea_orm::entity::prelude::*;

/// Events by facet and region, in the order of their titles.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_list")]
pub struct Model {
    /// A facet; the empty text lists the record for all facets.
    #[sea_orm(primary_key, auto_increment = false)]
    pub facet: String,
    /// Slug of a region that lists the record; the empty text lists it for all regions.
    #[sea_orm(primary_key, auto_increment = false)]
    pub region: String,
    /// Sort key of the name: byte order is reading order.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name_key: Vec<u8>,
    /// Identity of the row.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Visibility: 0 everyone, 1 members, 2 owner and staff.
    pub visibility: i16,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
