//! Calendars of events in the format iCalendar (RFC 5545), for programs that people already have.
//!
//! A calendar is read with the queries of the schema, a page at a time, so it shows what its reader may see and in
//! their language, and never more than a page is in memory. It is the same text for the same events: there is no
//! time of its making in it.
//!
//! - **Components.** A VEVENT has the event's id as its UID, for good, and its revision as SEQUENCE. An event that is
//!   cancelled or postponed has the status CANCELLED.
//! - **Dates.** An event whose beginning is known to the day takes whole days; where the hours are known, it has them in
//!   its own time zone. What is known to the month or the year is in no calendar: it would seem to be exact.
//! - **One's own registrations** are a calendar that a secret address opens (`identity/src/calendar_address`). A place that is
//!   not certain makes an event TENTATIVE; a registration that was cancelled or declined is left out.
//! - **Time zones.** Each VTIMEZONE stands before the first event that names it. It has all changes of the clocks from
//!   then on, by as few rules as there are, so it holds for events of the past and of the future.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request, Response, ServerError, Value as GraphqlValue, Variables};
use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};

use self::component::CalendarEvent;
use identity::caller::Call;
use kernel::error::DomainError;
use kernel::reader::Reader;
use kernel::value::LanguagePreferences;

mod component;
mod property;
mod zone;

/// The queries of calendars.
const DOCUMENT: &str = include_str!("calendar.graphql");

/// The lines before the first component. Programs are asked to come back in an hour.
const BEGINNING: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Passerelle//Events//EN\r\nCALSCALE:GREGORIAN\r\n\
    NAME:Passerelle\r\nX-WR-CALNAME:Passerelle\r\nREFRESH-INTERVAL;VALUE=DURATION:PT1H\r\nX-PUBLISHED-TTL:PT1H\r\n";
const END: &str = "END:VCALENDAR\r\n";

/// Which events a calendar has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that fit all of these lists, each of slugs; an empty list fits all.
    Filtered {
        /// Regions that answer for them, or that they are for.
        regions: Vec<String>,
        /// Sectors.
        sectors: Vec<String>,
        /// Kinds.
        kinds: Vec<String>,
        /// The series of editions.
        series: Option<String>,
    },
    /// The event with this id.
    One(String),
    /// Those for which the caller has registered.
    Own,
}

/// Why a calendar ends before its end.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There is no event with the id that the reader may see.
    #[error("there is no such event")]
    Absent,
    /// The schema has refused the query: a slug or an id is not known.
    #[error("{}", .0.message)]
    Refused(Box<ServerError>),
    /// It could not be read.
    #[error(transparent)]
    Failed(#[from] DomainError),
}

/// Runs an operation of the schema with the services of the program.
type Run = Box<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>;

/// A calendar that is being read.
pub struct Calendar {
    call: Call,
    languages: LanguagePreferences,
    which: Which,
    run: Run,
    document: ExecutableDocument,
    /// The names of the time zones whose components were written.
    zones: BTreeSet<String>,
    state: State,
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calendar")
            .field("which", &self.which)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// How far a calendar is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was read.
    Begins,
    /// The next page begins after this cursor.
    After(String),
    /// All was read.
    Ended,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound = "T: Deserialize<'de>")]
struct Page<T> {
    page_info: PageInfo,
    nodes: Vec<T>,
}

/// A registration of the caller.
#[derive(Debug, Deserialize)]
struct Registration {
    status: String,
    event: CalendarEvent,
}

impl Registration {
    /// Whether their place is certain; nothing where they have none and wait for none.
    fn firm(&self) -> Option<bool> {
        match self.status.as_str() {
            "CONFIRMED" => Some(true),
            "REQUESTED" | "WAITLISTED" => Some(false),
            _ => None,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Its items, and the cursor of the next page.
    fn apart(self) -> (Vec<T>, Option<String>) {
        let next = self.page_info.end_cursor.filter(|_| self.page_info.has_next_page);
        (self.nodes, next)
    }
}

impl Calendar {
    /// The calendar of a caller, in the languages that they prefer. `run` runs an operation of the schema with the services of
    /// the program.
    ///
    /// # Errors
    /// [`DomainError::Stored`] where the document of calendars is wrong.
    pub fn new(
        call: Call,
        languages: LanguagePreferences,
        which: Which,
        run: impl Fn(Request) -> BoxFuture<'static, Response> + Send + Sync + 'static,
    ) -> Result<Self, DomainError> {
        let wrong = |error| DomainError::Stored(format!("the document of calendars is wrong: {error}"));
        let document = parse_query(DOCUMENT).map_err(wrong)?;
        let (run, zones) = (Box::new(run), BTreeSet::new());
        Ok(Self { call, languages, which, run, document, zones, state: State::Begins })
    }

    /// The next part of its text; `None` after its end.
    ///
    /// # Errors
    /// [`Failure`]: what was read until then is no whole calendar.
    pub async fn next(&mut self) -> Result<Option<String>, Failure> {
        let after = match &self.state {
            State::Ended => return Ok(None),
            State::Begins => None,
            State::After(cursor) => Some(cursor.clone()),
        };
        let mut text = if after.is_none() { BEGINNING.to_owned() } else { String::new() };
        let (events, next) = self.page(after).await?;
        for (event, firm) in events {
            self.write(&event, firm, &mut text);
        }
        self.state = next.map_or(State::Ended, State::After);
        if self.state == State::Ended {
            text += END;
        }
        Ok(Some(text))
    }

    /// Adds the component of an event, after that of its time zone where no event before has named it.
    fn write(&mut self, event: &CalendarEvent, firm: bool, text: &mut String) {
        let Some(component) = event.component(firm) else { return };
        if let Some((zone, from)) = component.zone
            && self.zones.insert(zone.name().to_owned())
        {
            *text += &zone.component(from).to_string();
        }
        *text += &component.text;
    }

    /// The events of a page, each with whether the caller's own part in it is certain, and the cursor of the next page.
    async fn page(
        &self,
        after: Option<String>,
    ) -> Result<(Vec<(CalendarEvent, bool)>, Option<String>), Failure> {
        match &self.which {
            Which::One(id) => {
                let mut data = self.ask("event", json!({ "id": id })).await?;
                let event: Option<CalendarEvent> = read(data["event"].take())?;
                Ok((vec![(event.ok_or(Failure::Absent)?, true)], None))
            }
            Which::Filtered { regions, sectors, kinds, series } => {
                let filter =
                    json!({"regions": regions, "sectors": sectors, "kinds": kinds, "series": series});
                let mut data = self.ask("events", json!({"filter": filter, "after": after})).await?;
                let page: Page<CalendarEvent> = read(data["events"].take())?;
                let (events, next) = page.apart();
                Ok((events.into_iter().map(|event| (event, true)).collect(), next))
            }
            Which::Own => {
                let mut data = self.ask("own", json!({ "after": after })).await?;
                let page: Page<Registration> = read(data["viewer"]["registrations"].take())?;
                let (registrations, next) = page.apart();
                let firm = |one: Registration| one.firm().map(|firm| (one.event, firm));
                Ok((registrations.into_iter().filter_map(firm).collect(), next))
            }
        }
    }

    /// The data of an operation of the document.
    async fn ask(&self, operation: &str, variables: Value) -> Result<Value, Failure> {
        let identity = &self.call.identity;
        let (viewer, now) = (self.call.viewer().clone(), identity.clock.now());
        let reader = Reader::new(Arc::clone(&identity.db), viewer, self.languages.clone(), now);
        let variables = GraphqlValue::from_json(variables).map_err(DomainError::from)?;
        let mut request = Request::new(String::new())
            .variables(Variables::from_value(variables))
            .data(reader)
            .data(self.call.clone());
        request.operation_name = Some(operation.to_owned());
        request.set_parsed_query(self.document.clone());
        let response = (self.run)(request).await;
        match response.errors.into_iter().next() {
            Some(error) => Err(Failure::Refused(Box::new(error))),
            None => Ok(response.data.into_json().map_err(DomainError::from)?),
        }
    }
}

fn read<T: for<'de> Deserialize<'de>>(data: Value) -> Result<T, Failure> {
    Ok(serde_json::from_value(data).map_err(DomainError::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_operations() {
        let document = parse_query(DOCUMENT).unwrap();
        let names: BTreeSet<String> =
            document.operations.iter().filter_map(|(name, _)| Some(name?.to_string())).collect();
        assert_eq!(names, ["event".to_owned(), "events".to_owned(), "own".to_owned()].into());
    }
}
