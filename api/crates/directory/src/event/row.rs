//! The row of an event with its parts, as they are loaded and stored.

use std::collections::HashMap;

use entity::event::{Entity, Model};
use entity::{
    event_organization, event_session, event_session_organization, event_session_speaker, event_speaker,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::store::Role;
use kernel::error::DomainError;
use kernel::name_of;
use records::record_row;
use records::write::{Batch, RecordRow as _};

/// An event's row with its parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    pub(super) model: Model,
    pub(super) organizers: Vec<Uuid>,
    pub(super) partners: Vec<Uuid>,
    pub(super) speakers: Vec<Uuid>,
    pub(super) programme: Vec<Session>,
}

/// A session's row with its parts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Session {
    pub(super) model: event_session::Model,
    pub(super) speakers: Vec<Uuid>,
    pub(super) organizations: Vec<Uuid>,
}

record_row!(Row { model: Model } loaded by load);

/// Tables with rows that belong to an event, each with its column of the event's id.
pub(super) const PARTS: &[(&str, &str)] = &[
    ("event_organization", "event_id"),
    ("event_speaker", "event_id"),
    ("event_session_organization", "event_id"),
    ("event_session_speaker", "event_id"),
    ("event_session", "event_id"),
];

fn place(position: usize) -> i32 {
    i32::try_from(position).unwrap_or(i32::MAX)
}

impl Row {
    /// The organizations that it names, each once.
    pub(super) fn organizations(&self) -> impl Iterator<Item = Uuid> {
        let sessions = self.programme.iter().flat_map(|session| &session.organizations);
        let own = self.organizers.iter().chain(&self.partners).chain(sessions).copied();
        own.chain(self.model.venue_organization_id)
    }

    /// The talents that it names.
    pub(super) fn talents(&self) -> impl Iterator<Item = Uuid> {
        let sessions = self.programme.iter().flat_map(|session| &session.speakers);
        self.speakers.iter().chain(sessions).copied()
    }

    /// The lists of organizations in it.
    pub(super) fn lists_of_organizations(&mut self) -> impl Iterator<Item = &mut Vec<Uuid>> {
        let sessions = self.programme.iter_mut().map(|session| &mut session.organizations);
        [&mut self.organizers, &mut self.partners].into_iter().chain(sessions)
    }

    /// The lists of talents in it.
    pub(super) fn lists_of_talents(&mut self) -> impl Iterator<Item = &mut Vec<Uuid>> {
        let sessions = self.programme.iter_mut().map(|session| &mut session.speakers);
        std::iter::once(&mut self.speakers).chain(sessions)
    }
}

/// The rows of these ids, with their parts.
async fn load(batch: &Batch<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, Row>, DomainError> {
    let models = batch.load::<Entity>(ids).await?;
    let mut all: HashMap<Uuid, Row> =
        models.into_iter().map(|(id, model)| (id, Row { model, ..Row::default() })).collect();
    let organizations = event_organization::Entity::find()
        .filter(event_organization::Column::EventId.is_in(ids.iter().copied()))
        .order_by_asc(event_organization::Column::Position);
    for part in organizations.all(batch.tx).await? {
        if let Some(row) = all.get_mut(&part.event_id) {
            let list =
                if part.role == name_of(Role::Organizer) { &mut row.organizers } else { &mut row.partners };
            list.push(part.organization_id);
        }
    }
    let speakers = event_speaker::Entity::find()
        .filter(event_speaker::Column::EventId.is_in(ids.iter().copied()))
        .order_by_asc(event_speaker::Column::Position);
    for part in speakers.all(batch.tx).await? {
        if let Some(row) = all.get_mut(&part.event_id) {
            row.speakers.push(part.talent_id);
        }
    }
    let sessions = event_session::Entity::find()
        .filter(event_session::Column::EventId.is_in(ids.iter().copied()))
        .order_by_asc(event_session::Column::Position);
    for model in sessions.all(batch.tx).await? {
        if let Some(row) = all.get_mut(&model.event_id) {
            row.programme.push(Session { model, speakers: Vec::new(), organizations: Vec::new() });
        }
    }
    load_sessions(batch, ids, &mut all).await?;
    Ok(all)
}

/// Reads the parts of the sessions of these events.
async fn load_sessions(
    batch: &Batch<'_>,
    ids: &[Uuid],
    all: &mut HashMap<Uuid, Row>,
) -> Result<(), DomainError> {
    let mut session = |event: Uuid, id: Uuid, add: &dyn Fn(&mut Session)| {
        let programme = all.get_mut(&event).map(|row| &mut row.programme);
        programme.into_iter().flatten().filter(|session| session.model.id == id).for_each(add);
    };
    let speakers = event_session_speaker::Entity::find()
        .filter(event_session_speaker::Column::EventId.is_in(ids.iter().copied()))
        .order_by_asc(event_session_speaker::Column::Position);
    for part in speakers.all(batch.tx).await? {
        session(part.event_id, part.session_id, &|session| session.speakers.push(part.talent_id));
    }
    let organizations = event_session_organization::Entity::find()
        .filter(event_session_organization::Column::EventId.is_in(ids.iter().copied()))
        .order_by_asc(event_session_organization::Column::Position);
    for part in organizations.all(batch.tx).await? {
        session(part.event_id, part.session_id, &|session| session.organizations.push(part.organization_id));
    }
    Ok(())
}

/// Writes rows with their parts, each with the row before.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn store(
    batch: &Batch<'_>,
    is_listed: bool,
    rows: &[(Row, Option<Row>)],
) -> Result<(), DomainError> {
    let known: Vec<Uuid> =
        rows.iter().filter(|(_, before)| before.is_some()).map(|(row, _)| row.model.id).collect();
    if !known.is_empty() {
        for (table, column) in PARTS {
            batch.delete_where(table, column, &known).await?;
        }
    }
    Row::store(batch, is_listed, rows).await?;
    let (mut organizations, mut speakers, mut sessions) = (Vec::new(), Vec::new(), Vec::new());
    let (mut of_sessions, mut speakers_of_sessions) = (Vec::new(), Vec::new());
    for (row, _) in rows {
        let event_id = row.model.id;
        for (role, list) in [(Role::Organizer, &row.organizers), (Role::Partner, &row.partners)] {
            let role = name_of(role);
            organizations.extend(list.iter().enumerate().map(|(at, id)| event_organization::Model {
                event_id,
                role: role.to_owned(),
                position: place(at),
                organization_id: *id,
            }));
        }
        let listed = row.speakers.iter().enumerate();
        speakers.extend(listed.map(|(at, id)| event_speaker::Model {
            event_id,
            position: place(at),
            talent_id: *id,
        }));
        for session in &row.programme {
            let session_id = session.model.id;
            sessions.push(session.model.clone());
            let listed = session.organizations.iter().enumerate();
            of_sessions.extend(listed.map(|(at, id)| event_session_organization::Model {
                session_id,
                position: place(at),
                event_id,
                organization_id: *id,
            }));
            let listed = session.speakers.iter().enumerate();
            speakers_of_sessions.extend(listed.map(|(at, id)| event_session_speaker::Model {
                session_id,
                position: place(at),
                event_id,
                talent_id: *id,
            }));
        }
    }
    batch.upsert::<event_organization::Entity, _>(organizations).await?;
    batch.upsert::<event_speaker::Entity, _>(speakers).await?;
    batch.upsert::<event_session::Entity, _>(sessions).await?;
    batch.upsert::<event_session_organization::Entity, _>(of_sessions).await?;
    batch.upsert::<event_session_speaker::Entity, _>(speakers_of_sessions).await
}
