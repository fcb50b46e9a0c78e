//! Table `call_for_projects_lot`: the lots of calls for projects, one for each genre, with their criteria.

use sea_orm::entity::prelude::*;

use crate::JsonText;

/// Lots of calls for projects.
#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "call_for_projects_lot")]
pub struct Model {
    /// The call.
    #[sea_orm(primary_key, auto_increment = false)]
    pub call_id: Uuid,
    /// Place in the list of lots, from 0.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// Slug of a genre, which only one lot of the call has.
    pub genre: String,
    /// JSON list of texts by language, the original first.
    pub titles: JsonText,
    /// What one project may get at most: exact decimal, in the currency of the call.
    pub ceiling: Option<String>,
    /// Sum of the shares of those of its funders whose contribution counts, exact decimal. None where there is none: it
    /// shares the fund.
    pub budget: Option<String>,
    /// Least number of episodes.
    pub min_episodes: Option<i32>,
    /// Greatest number of episodes.
    pub max_episodes: Option<i32>,
    /// Least minutes of one episode, exact decimal.
    pub min_minutes: Option<String>,
    /// Greatest minutes of one episode, exact decimal.
    pub max_minutes: Option<String>,
    /// The share of a project's budget that aid may reach, exact decimal from 0 to 1.
    pub max_aid_share: Option<String>,
    /// JSON list of the slugs of the regions whose organizations may apply; empty where those of all may.
    pub eligible_regions: JsonText,
    /// The share of the aid that is spent in the funders' territories, exact decimal from 0 to 1.
    pub territorial_spend_share: Option<String>,
}

/// Relations are walked by keyed reads, not by the entity.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
