//! Table `application_decision`: decisions of funders on applications.

use sea_orm::entity::prelude::*;

/// Decisions of funders on applications. One with an amount is an award.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "application_decision")]
pub struct Model {
    /// Identity, which is that of the award.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The application.
    pub application_id: Uuid,
    /// The call of the application.
    pub call_id: Uuid,
    /// Slug of the genre of the application, which does not change once a funder has decided.
    pub genre: String,
    /// The organization that decides.
    pub funder_id: Uuid,
    /// Name of the enum value: `AWARDED` or `REJECTED`.
    pub status: String,
    /// Whole units of the amount; null for a rejection. The sum of two parts is exact in both databases.
    pub amount_whole: Option<i64>,
    /// Ten-thousandths of a unit beside the whole ones, 0 to 9999; null for a rejection.
    pub amount_part: Option<i32>,
    /// ISO 4217 code; null for a rejection.
    pub currency: Option<String>,
    /// Why, in words for the applicant.
    pub note: Option<String>,
    /// The account or API key that decided; null once the account is erased.
    pub decided_by: Option<Uuid>,
    /// Microseconds since 1970, UTC.
    pub decided_at: i64,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
