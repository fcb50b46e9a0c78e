//! Writes of registrations, under the lock of their event.

use std::collections::BTreeSet;

use entity::event::{Entity as Events, Model as Event};
use entity::{JsonText, event_notice, event_registration as table, event_seats};
use sea_orm::{ColumnTrait as _, EntityTrait, QueryFilter, Statement};
use uuid::Uuid;

use super::RegistrationStatus;
use super::rules::Terms;
use identity::mail::EventNews;
use kernel::error::DomainError;
use kernel::name_of;
use kernel::read::KeyedStatement;
use records::write::{Batch, lock_ids, revision_of, rows_of};

/// The places of an event, under its lock: nobody else changes them until the end of the transaction.
#[derive(Debug)]
pub struct Places<'b> {
    batch: &'b Batch<'b>,
    event: Event,
    /// What the event says about registrations.
    pub terms: Terms,
    /// The places that are taken.
    pub confirmed: u32,
    last_at: i64,
}

impl<'b> Places<'b> {
    /// Locks an event; none where it does not exist.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn lock(batch: &'b Batch<'b>, event: Uuid) -> Result<Option<Self>, DomainError> {
        if revision_of(batch, event).await?.is_none() {
            return Ok(None);
        }
        let Some(event) = Events::find_by_id(event).one(batch.tx).await? else { return Ok(None) };
        let seats = event_seats::Entity::find_by_id(event.id).one(batch.tx).await?;
        Self::of(batch, event, seats.as_ref()).map(Some)
    }

    fn of(
        batch: &'b Batch<'b>,
        event: Event,
        seats: Option<&event_seats::Model>,
    ) -> Result<Self, DomainError> {
        Ok(Self {
            terms: Terms::of(&event)?,
            confirmed: seats.map_or(0, |seats| u32::try_from(seats.confirmed).unwrap_or(0)),
            last_at: seats.map_or(i64::MIN, |seats| seats.last_at),
            batch,
            event,
        })
    }

    /// The time of a registration that is made now: later than those of all before it, whatever the clock says.
    pub fn next_at(&mut self) -> i64 {
        self.last_at = self.batch.now.micros().max(self.last_at.saturating_add(1));
        self.last_at
    }

    /// Writes a registration.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn put(&self, registration: table::Model) -> Result<(), DomainError> {
        self.batch.upsert::<table::Entity, _>(vec![registration]).await
    }

    /// Gives a place.
    pub fn take(&mut self) {
        self.confirmed = self.confirmed.saturating_add(1);
    }

    /// Frees a place.
    pub fn free(&mut self) {
        self.confirmed = self.confirmed.saturating_sub(1);
    }

    /// Lets those who are first in line move up into the places that are free, and notes how many are taken now.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn settle(mut self) -> Result<(), DomainError> {
        let moving_up = self.terms.moving_up(self.confirmed, self.batch.now);
        if moving_up != Some(0) {
            let first = self.first_in_line(moving_up).await?;
            let ids: Vec<Uuid> = first.iter().map(|(id, _)| *id).collect();
            confirm(self.batch, &ids).await?;
            let told = first.into_iter().map(|(_, account)| account);
            tell(self.batch, told, EventNews::MovedUp, &self.event.titles).await?;
            self.confirmed = self.confirmed.saturating_add(u32::try_from(ids.len()).unwrap_or(u32::MAX));
        }
        let seats = event_seats::Model {
            event_id: self.event.id,
            confirmed: i32::try_from(self.confirmed).unwrap_or(i32::MAX),
            last_at: self.last_at,
        };
        self.batch.upsert::<event_seats::Entity, _>(vec![seats]).await
    }

    /// The registrations that are first in line, with their accounts: so many, or all.
    async fn first_in_line(&self, most: Option<u32>) -> Result<Vec<(Uuid, Uuid)>, DomainError> {
        let sql = "SELECT id, account_id FROM event_registration WHERE event_id = $1 AND status = 'WAITLISTED' \
                   ORDER BY registered_at LIMIT $2";
        let values = [self.event.id.into(), most.map_or(i64::MAX, i64::from).into()];
        let statement = Statement::from_sql_and_values(self.batch.dialect.backend(), sql, values);
        accounts_of(self.batch, statement).await
    }

    /// Tells an account what has become of its registration.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn tell(&self, account: Uuid, news: EventNews) -> Result<(), DomainError> {
        tell(self.batch, std::iter::once(account), news, &self.event.titles).await
    }
}

/// Reads ids of registrations with those of their accounts.
async fn accounts_of(batch: &Batch<'_>, statement: Statement) -> Result<Vec<(Uuid, Uuid)>, DomainError> {
    use sea_orm::ConnectionTrait as _;
    let rows = batch.tx.query_all_raw(statement).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

/// Confirms registrations.
async fn confirm(batch: &Batch<'_>, ids: &[Uuid]) -> Result<(), DomainError> {
    let statement = KeyedStatement::by_id(batch.dialect, |keys, _| {
        format!("UPDATE event_registration SET status = 'CONFIRMED' WHERE id IN (SELECT k.id FROM {keys})")
    });
    statement.execute(batch.tx, batch.dialect, rows_of(ids)).await.map(|_| ())
}

/// Notes news for these accounts.
async fn tell(
    batch: &Batch<'_>,
    accounts: impl Iterator<Item = Uuid>,
    news: EventNews,
    titles: &JsonText,
) -> Result<(), DomainError> {
    let notice = |account_id| event_notice::Model {
        id: batch.core.new_id(),
        account_id,
        news: news.name().to_owned(),
        titles: titles.clone(),
        created_at: batch.now.micros(),
    };
    batch.upsert::<event_notice::Entity, _>(accounts.map(notice).collect()).await
}

/// Those who come, wait or ask.
async fn active(batch: &Batch<'_>, event: Uuid) -> Result<Vec<Uuid>, DomainError> {
    let names = kernel::all_of::<RegistrationStatus>().filter(|status| status.is_active()).map(name_of);
    let active = table::Entity::find()
        .filter(table::Column::EventId.eq(event))
        .filter(table::Column::Status.is_in(names))
        .all(batch.tx)
        .await?;
    Ok(active.into_iter().map(|registration| registration.account_id).collect())
}

/// Follows changes of events, which are locked: a larger capacity lets those who are first in line move up, and those
/// who are registered are told of a cancellation. Each event comes as it is and as it was.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn events_changed<'e>(
    batch: &Batch<'_>,
    changed: impl Iterator<Item = (&'e Event, &'e Event)>,
) -> Result<(), DomainError> {
    let mut moved = Vec::new();
    for (after, before) in changed {
        let (terms, had) = (Terms::of(after)?, Terms::of(before)?);
        if terms != had {
            moved.push((after, terms.is_cancelled && !had.is_cancelled && !terms.is_over(batch.now)));
        }
    }
    if moved.is_empty() {
        return Ok(());
    }
    let ids = moved.iter().map(|(event, _)| event.id);
    let seats =
        event_seats::Entity::find().filter(event_seats::Column::EventId.is_in(ids)).all(batch.tx).await?;
    for (event, is_cancelled) in moved {
        // Nobody has registered for the others.
        let Some(seats) = seats.iter().find(|seats| seats.event_id == event.id) else { continue };
        if is_cancelled {
            let told = active(batch, event.id).await?.into_iter();
            tell(batch, told, EventNews::Cancelled, &event.titles).await?;
        }
        Places::of(batch, event.clone(), Some(seats))?.settle().await?;
    }
    Ok(())
}

/// Deletes the registrations for events that are being deleted, which are locked and whose rows are still there. Those
/// who are registered are told, unless the event is over or was cancelled.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn events_deleted(batch: &Batch<'_>, events: &[Uuid]) -> Result<(), DomainError> {
    let found = event_seats::Entity::find()
        .filter(event_seats::Column::EventId.is_in(events.iter().copied()))
        .all(batch.tx)
        .await?;
    if found.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = found.into_iter().map(|seats| seats.event_id).collect();
    let rows =
        Events::find().filter(entity::event::Column::Id.is_in(ids.iter().copied())).all(batch.tx).await?;
    for event in rows {
        if Terms::of(&event)?.ended(batch.now).is_none() {
            let told = active(batch, event.id).await?.into_iter();
            tell(batch, told, EventNews::Removed, &event.titles).await?;
        }
    }
    batch.delete_where("event_registration", "event_id", &ids).await?;
    batch.delete_where("event_seats", "event_id", &ids).await
}

/// Deletes the registrations of an account that is erased, and the news for it. Whoever is first in line moves up. It
/// comes before the mails to the account are deleted: the news that a mail is made of right now is waited for.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn forget_account(batch: &Batch<'_>, account: Uuid) -> Result<(), DomainError> {
    // A registration that is being made waits for the account, or has found it.
    identity::account::store::lock(batch.tx, account).await?;
    let own = || table::Entity::find().filter(table::Column::AccountId.eq(account)).all(batch.tx);
    let events: BTreeSet<Uuid> = own().await?.iter().map(|registration| registration.event_id).collect();
    lock_ids(batch, &events.into_iter().collect::<Vec<_>>()).await?;
    // As they are under the locks.
    let own = own().await?;
    batch.delete_where("event_registration", "account_id", &[account]).await?;
    let confirmed = name_of(RegistrationStatus::Confirmed);
    for registration in own.into_iter().filter(|registration| registration.status == confirmed) {
        if let Some(mut places) = Places::lock(batch, registration.event_id).await? {
            places.free();
            places.settle().await?;
        }
    }
    batch.delete_where("event_notice", "account_id", &[account]).await
}

/// Forgets organizations that are deleted: registrations stay without them.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn organizations_deleted(batch: &Batch<'_>, organizations: &[Uuid]) -> Result<(), DomainError> {
    let statement = KeyedStatement::by_id(batch.dialect, |keys, _| {
        format!(
            "UPDATE event_registration SET organization_id = NULL WHERE organization_id IN (SELECT k.id FROM {keys})"
        )
    });
    statement.execute(batch.tx, batch.dialect, rows_of(organizations)).await.map(|_| ())
}
