//! The check of the clock before expired data is deleted.
//!
//! A wrong clock must not delete anything. The database stores the time at which the clock was last trusted. A clock
//! that is further ahead of it than a program is usually off has jumped. The housekeeping trusts it again once a
//! program has run with it for a day.

use entity::{audit as entries, housekeeping as trusted};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QueryOrder, QuerySelect};

use crate::error::DomainError;
use crate::read::Database;
use crate::value::DateTime;

/// How far the clock may be ahead of the time at which it was last trusted, in microseconds. A program may have been
/// off for that long.
const LEAP: i64 = 7 * DAY;
/// A day in microseconds.
const DAY: i64 = 24 * 3600 * 1_000_000;

/// The number of days by which the clock has jumped ahead of when it was last trusted; `None` where it has not jumped.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn days_ahead(db: &Database, now: DateTime) -> Result<Option<i64>, DomainError> {
    // A database without any history has nothing to lose.
    let leap = last_trusted(db).await?.map_or(0, |last| now.micros().saturating_sub(last));
    Ok((leap > LEAP).then_some(leap / DAY))
}

/// When the clock was last trusted: at the last sweep, or, before the first, when the newest entry of the history was
/// written.
async fn last_trusted(db: &Database) -> Result<Option<i64>, DomainError> {
    if let Some(row) = trusted::Entity::find_by_id(1_i16).one(db.reader()).await? {
        return Ok(Some(row.swept_at));
    }
    let newest = entries::Entity::find().select_only().column(entries::Column::At);
    let newest = newest.order_by_desc(entries::Column::Id).limit(1).into_tuple::<i64>();
    Ok(newest.one(db.reader()).await?)
}

/// Notes that the clock is trusted.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn trust(db: &Database, now: DateTime) -> Result<(), DomainError> {
    let row = trusted::Model { id: 1, swept_at: now.micros() }.into_active_model().reset_all();
    let again = OnConflict::column(trusted::Column::Id).update_column(trusted::Column::SweptAt).to_owned();
    trusted::Entity::insert(row).on_conflict(again).exec_without_returning(db.writer()).await?;
    Ok(())
}
