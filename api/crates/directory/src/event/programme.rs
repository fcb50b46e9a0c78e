//! The sessions of an event's programme, as they are written, and their ids.
//!
//! A session comes without an id. It is the session of before with the same kind, title and beginning, else with the same
//! kind and title, else with the same place and kind. A new session has an id made of its event's id and its contents, so
//! that it is the same wherever the event is written.

use std::collections::HashSet;

use async_graphql::{ID, InputObject, MaybeUndefined};
use entity::{JsonText, event_session};
use serde::Deserialize;
use uuid::Uuid;

use super::dates::Dates;
use super::row::{Row, Session};
use kernel::RecordType;
use kernel::input::{Fields, LocalizedTextInput, MAX_NAME};
use kernel::messages::{self, FilledMessage};
use kernel::problem::Problem;
use kernel::value::{DateTime, Given, LocalizedText};
use kernel::vocabulary::{Vocabulary, vocabularies};
use records::write::Batch;

/// A session of an event, as it is written.
#[derive(Clone, Debug, Deserialize, InputObject)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventSessionInput {
    /// Slug of its kind (`terms(vocabulary: EVENT_KIND)`).
    pub kind: String,
    /// Its title, the original first.
    pub titles: Option<Vec<LocalizedTextInput>>,
    /// How many sessions it stands for, where their titles are not known.
    pub count: Option<i32>,
    /// When it begins, within the event.
    pub starts_at: Option<Given<DateTime>>,
    /// When it ends, within the event.
    pub ends_at: Option<Given<DateTime>>,
    /// The room.
    pub room: Option<String>,
    /// Who speaks: talents, by their ids, their slugs, or `source:externalId`.
    pub speakers: Option<Vec<ID>>,
    /// The organizations that take part, such as exhibitors: by their ids, their slugs, or `source:externalId`.
    pub organizations: Option<Vec<ID>>,
}

/// The records that a list of references means, each once. Adds a problem for each that was not found.
pub(super) fn list(
    batch: &Batch<'_>,
    to: RecordType,
    path: &str,
    given: &[ID],
    fields: &mut Fields<'_>,
) -> Vec<Uuid> {
    let mut kept: Vec<Uuid> = Vec::new();
    if !fields.fits(path, given) {
        return kept;
    }
    for (place, text) in given.iter().enumerate() {
        let path = format!("{path}.{place}");
        if let Some(id) = batch.resolved.find(to, text, &path, fields.problems)
            && !kept.contains(&id)
        {
            kept.push(id);
        }
    }
    kept
}

/// What an optional field of a session is, as the field of a record.
fn given<T: Clone>(value: Option<&T>) -> MaybeUndefined<T> {
    value.cloned().map_or(MaybeUndefined::Null, MaybeUndefined::Value)
}

/// Sets the programme.
pub(super) fn set(batch: &Batch<'_>, given: &[EventSessionInput], row: &mut Row, fields: &mut Fields<'_>) {
    if !fields.fits("programme", given) {
        return;
    }
    let sessions: Vec<Session> =
        given.iter().enumerate().map(|(place, input)| session(batch, place, input, fields)).collect();
    row.programme = identified(row.model.id, sessions, &row.programme);
}

/// A session, checked, still without its id and its event.
fn session(batch: &Batch<'_>, place: usize, input: &EventSessionInput, fields: &mut Fields<'_>) -> Session {
    let path = format!("programme.{place}");
    let at = |name: &str| format!("{path}.{name}");
    let terms = vocabularies().terms(Vocabulary::EventKind);
    let kind = fields.term(&at("kind"), &input.kind, terms).unwrap_or_default();
    let (mut titles, mut count, mut room) = (JsonText::default(), None, None);
    fields.texts(&at("titles"), &self::given(input.titles.as_ref()), MAX_NAME, &mut titles);
    fields.at_least_one(&at("count"), &self::given(input.count.as_ref()), &mut count);
    fields.text(&at("room"), &self::given(input.room.as_ref()), MAX_NAME, &mut room);
    let mut instant = |name: &str, given: Option<&Given<DateTime>>| {
        given.and_then(|given| fields.read(&at(name), given)).map(|instant| instant.micros())
    };
    let starts_at = instant("startsAt", input.starts_at.as_ref());
    let ends_at = instant("endsAt", input.ends_at.as_ref());
    let talents = input.speakers.as_deref().unwrap_or_default();
    let organizations = input.organizations.as_deref().unwrap_or_default();
    Session {
        model: event_session::Model {
            id: Uuid::nil(),
            event_id: Uuid::nil(),
            position: i32::try_from(place).unwrap_or(i32::MAX),
            kind,
            titles,
            count,
            starts_at,
            ends_at,
            room,
        },
        speakers: list(batch, RecordType::Talent, &at("speakers"), talents, fields),
        organizations: list(batch, RecordType::Organization, &at("organizations"), organizations, fields),
    }
}

/// Checks that each session ends after it begins, and lies within its event.
pub(super) fn check(row: &Row, fields: &mut Fields<'_>) {
    let Some(dates) = Dates::of(&row.model) else { return };
    let event = dates.span();
    for (place, Session { model, .. }) in row.programme.iter().enumerate() {
        let at = |name: &str| format!("programme.{place}.{name}");
        let (starts, ends) =
            (model.starts_at.map(DateTime::from_micros), model.ends_at.map(DateTime::from_micros));
        if let (Some(starts), Some(ends)) = (starts, ends)
            && ends < starts
        {
            let said = FilledMessage::new(&messages::ENDS_BEFORE).with("end", ends.to_string());
            fields.problems.add(Problem::at(at("endsAt"), said.with("start", starts.to_string())));
        }
        let Some(event) = event else { continue };
        let within = |at: DateTime| event.begins <= at && at <= event.ends;
        for (name, time) in [("startsAt", starts), ("endsAt", ends)] {
            if time.is_some_and(|time| !within(time)) {
                fields.problems.add(event.outside(at(name), &dates.zone));
            }
        }
    }
}

/// The original title of a session; the empty text where it has none.
fn title(session: &event_session::Model) -> String {
    let titles: Vec<LocalizedText> = session.titles.read().unwrap_or_default();
    titles.into_iter().next().map(|title| title.text).unwrap_or_default()
}

/// The sessions with their ids: those of sessions of before, and new ones.
fn identified(event: Uuid, mut sessions: Vec<Session>, before: &[Session]) -> Vec<Session> {
    type Same = fn(&event_session::Model, &event_session::Model) -> bool;
    const SAME: [Same; 3] = [
        |one, other| one.kind == other.kind && title(one) == title(other) && one.starts_at == other.starts_at,
        |one, other| one.kind == other.kind && title(one) == title(other),
        |one, other| one.kind == other.kind && one.position == other.position,
    ];
    let mut left: Vec<&event_session::Model> = before.iter().map(|session| &session.model).collect();
    let mut taken: Vec<Uuid> = Vec::new();
    for same in SAME {
        for session in sessions.iter_mut().filter(|session| session.model.id.is_nil()) {
            if let Some(at) = left.iter().position(|had| same(had, &session.model)) {
                session.model.id = left.remove(at).id;
                taken.push(session.model.id);
            }
        }
    }
    for session in &mut sessions {
        session.model.event_id = event;
        if session.model.id.is_nil() {
            session.model.id = new_id(event, &session.model, &taken);
            taken.push(session.model.id);
        }
    }
    sessions
}

/// An id that no other session of the event has.
fn new_id(event: Uuid, session: &event_session::Model, taken: &[Uuid]) -> Uuid {
    let starts = session.starts_at.map(|at| at.to_string()).unwrap_or_default();
    let mut number = 0_u32;
    loop {
        let name = format!("{}\n{}\n{starts}\n{number}", session.kind, title(session));
        let id = Uuid::new_v5(&event, name.as_bytes());
        if !taken.contains(&id) {
            return id;
        }
        number += 1;
    }
}

/// Whether each session has an id of its own.
pub(super) fn ids_are_apart(sessions: &[Session]) -> bool {
    let ids: HashSet<Uuid> = sessions.iter().map(|session| session.model.id).collect();
    ids.len() == sessions.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(position: i32, kind: &str, title: &str, starts_at: Option<i64>) -> Session {
        let titles = serde_json::json!([{"language": "FR", "text": title}]);
        let titles = if title.is_empty() { JsonText::default() } else { JsonText::of(&titles) };
        Session {
            model: event_session::Model {
                id: Uuid::nil(),
                event_id: Uuid::nil(),
                position,
                kind: kind.into(),
                titles,
                count: None,
                starts_at,
                ends_at: None,
                room: None,
            },
            speakers: Vec::new(),
            organizations: Vec::new(),
        }
    }

    fn ids(sessions: &[Session]) -> Vec<Uuid> {
        sessions.iter().map(|session| session.model.id).collect()
    }

    #[test]
    fn the_same_programme_has_the_same_ids_everywhere() {
        let event = Uuid::from_u128(7);
        let all = || {
            vec![
                session(0, "conference", "A", None),
                session(1, "conference", "A", None),
                session(2, "stand", "", None),
            ]
        };
        let (one, other) = (identified(event, all(), &[]), identified(event, all(), &[]));
        assert_eq!(ids(&one), ids(&other));
        assert!(ids_are_apart(&one));
        assert_ne!(ids(&one), ids(&identified(Uuid::from_u128(8), all(), &[])));
    }

    #[test]
    fn a_session_keeps_its_id_when_it_moves_or_is_renamed() {
        let event = Uuid::from_u128(7);
        let before = identified(
            event,
            vec![session(0, "conference", "A", Some(1)), session(1, "workshop", "B", None)],
            &[],
        );
        let moved = identified(
            event,
            vec![session(0, "workshop", "B", None), session(1, "conference", "A", Some(2))],
            &before,
        );
        assert_eq!(ids(&moved), [ids(&before)[1], ids(&before)[0]]);
        let renamed = identified(
            event,
            vec![session(0, "conference", "C", None), session(1, "workshop", "B", None)],
            &before,
        );
        assert_eq!(ids(&renamed), ids(&before));
        let another = identified(event, vec![session(0, "demo", "A", None)], &before);
        assert!(!ids(&before).contains(&ids(&another)[0]));
    }

    #[test]
    fn a_session_that_comes_back_takes_no_id_of_another() {
        let event = Uuid::from_u128(7);
        let before = identified(event, vec![session(0, "conference", "A", None)], &[]);
        let both = identified(
            event,
            vec![session(0, "conference", "A", None), session(1, "conference", "A", None)],
            &before,
        );
        assert_eq!(ids(&both)[0], ids(&before)[0]);
        assert_ne!(ids(&both)[1], ids(&before)[0]);
    }
}
