//! Table `application`: applications to calls for projects.

use sea_orm::entity::prelude::*;

use crate::JsonText;

/// Applications to calls for projects. They are on the instance of their call alone, and are no records.
#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "application")]
pub struct Model {
    /// Identity.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The call.
    pub call_id: Uuid,
    /// The organization that applies.
    pub applicant_id: Uuid,
    /// Name of the enum value.
    pub status: String,
    /// Grows by one with each change.
    pub revision: i32,
    /// Slug of the genre, which names the lot.
    pub genre: Option<String>,
    /// Title of the project.
    pub project_title: String,
    /// What the project is.
    pub summary: Option<String>,
    /// The amount asked for: exact decimal.
    pub requested_amount: Option<String>,
    /// ISO 4217 code.
    pub requested_currency: Option<String>,
    /// The budget of the project: exact decimal.
    pub budget_amount: Option<String>,
    /// ISO 4217 code.
    pub budget_currency: Option<String>,
    /// Number of episodes.
    pub episodes: Option<i32>,
    /// Minutes of one episode: exact decimal.
    pub minutes: Option<String>,
    /// JSON list of links.
    pub links: JsonText,
    /// The account that made it; null once that account is erased.
    pub written_by: Option<Uuid>,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// Microseconds since 1970, UTC.
    pub updated_at: i64,
    /// When it was submitted: microseconds since 1970, UTC.
    pub submitted_at: Option<i64>,
    /// When it became awarded or rejected: microseconds since 1970, UTC.
    pub decided_at: Option<i64>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
