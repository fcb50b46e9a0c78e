//! The sessions of an event's programme, as they are read.

use async_graphql::{Context, ID, Object};
use uuid::Uuid;

use super::EventNode;
use super::store::{keyed, session_organizations, session_speakers};
use crate::organization::OrganizationNode;
use crate::talent::TalentNode;
use kernel::error::{DomainError, GraphqlResult};
use kernel::id::graphql_id;
use kernel::node::{Node as _, fill_groups};
use kernel::read::{KeyedStatement, Row, Selection};
use kernel::reader::Reader;
use kernel::value::{DateTime, Language, LocalizedText};
use kernel::vocabulary::graphql::{TermNode, term_node};
use kernel::vocabulary::{Vocabulary, vocabularies};

/// The prefix of ids of sessions.
pub const PREFIX: &str = "event_session";

/// Name of the type in the schema.
const TYPE: &str = "EventSession";

/// The columns of a session.
const COLUMNS: &str = "s.id, s.kind, s.titles, s.count, s.starts_at, s.ends_at, s.room";

/// A session of an event in an answer, with what was read around it.
#[derive(Clone, Debug)]
pub struct SessionNode {
    id: Uuid,
    kind: String,
    titles: Vec<LocalizedText>,
    count: Option<i32>,
    starts_at: Option<DateTime>,
    ends_at: Option<DateTime>,
    room: Option<String>,
    speakers: Vec<TalentNode>,
    organizations: Vec<OrganizationNode>,
}

impl SessionNode {
    fn read(row: &mut Row) -> Result<Self, DomainError> {
        Ok(Self {
            id: row.get()?,
            kind: row.get()?,
            titles: row.json()?,
            count: row.get()?,
            starts_at: row.optional_time()?,
            ends_at: row.optional_time()?,
            room: row.get()?,
            speakers: Vec::new(),
            organizations: Vec::new(),
        })
    }
}

/// The programmes of these events, which the viewer sees, in the order in which they were written.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn of_events(
    reader: &Reader,
    events: &[Uuid],
    want: &Selection,
) -> Result<Vec<Vec<SessionNode>>, DomainError> {
    let statement = KeyedStatement::by_id(reader.dialect(), |keys, then| {
        format!(
            "SELECT k.n, {COLUMNS} FROM {keys} {then} event_session AS s ON s.event_id = k.id ORDER BY k.n, s.position"
        )
    });
    let mut groups: Vec<Vec<SessionNode>> = events.iter().map(|_| Vec::new()).collect();
    for (position, mut row) in reader.db.read(&statement, keyed(events)).await? {
        groups[position].push(SessionNode::read(&mut row)?);
    }
    let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
    let mut sessions: Vec<SessionNode> = groups.into_iter().flatten().collect();
    fill(reader, &mut sessions, want).await?;
    let mut sessions = sessions.into_iter();
    Ok(sizes.into_iter().map(|size| sessions.by_ref().take(size).collect()).collect())
}

/// For each id, in order, the session, if the viewer sees its event.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn by_ids(
    reader: &Reader,
    ids: &[Uuid],
    want: &Selection,
) -> Result<Vec<Option<SessionNode>>, DomainError> {
    let dialect = reader.dialect();
    let sees = EventNode::sees(&reader.viewer, dialect, "e");
    let statement = KeyedStatement::by_id(dialect, |keys, then| {
        format!(
            "SELECT k.n, {COLUMNS} FROM {keys} {then} event_session AS s ON s.id = k.id \
             {then} event AS e ON e.id = s.event_id WHERE {sees} ORDER BY k.n"
        )
    });
    let (mut places, mut sessions) = (Vec::new(), Vec::new());
    for (position, mut row) in reader.db.read(&statement, keyed(ids)).await? {
        places.push(position);
        sessions.push(SessionNode::read(&mut row)?);
    }
    fill(reader, &mut sessions, want).await?;
    let mut found: Vec<Option<SessionNode>> = ids.iter().map(|_| None).collect();
    for (place, session) in places.into_iter().zip(sessions) {
        found[place] = Some(session);
    }
    Ok(found)
}

/// Reads the speakers and organizations of sessions, as far as they are wanted.
async fn fill(reader: &Reader, sessions: &mut [SessionNode], want: &Selection) -> Result<(), DomainError> {
    let ids: Vec<Uuid> = sessions.iter().map(|session| session.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    if let Some(below) = want.below(TYPE, "speakers") {
        let found = session_speakers(reader, &ids, TalentNode::columns(&below)).await?;
        for (session, found) in sessions.iter_mut().zip(fill_groups(reader, found, &below).await?) {
            session.speakers = found;
        }
    }
    if let Some(below) = want.below(TYPE, "organizations") {
        let found = session_organizations(reader, &ids, OrganizationNode::columns(&below)).await?;
        for (session, found) in sessions.iter_mut().zip(fill_groups(reader, found, &below).await?) {
            session.organizations = found;
        }
    }
    Ok(())
}

/// A part of an event's programme: a conference, a workshop, a stand. It is seen by those who see the event.
#[Object(name = "EventSession")]
impl SessionNode {
    /// Opaque id, the same on every deployment. It stays while the session keeps its kind, title and beginning, or its place
    /// and kind.
    pub async fn id(&self) -> ID {
        graphql_id(PREFIX, self.id)
    }

    /// Its kind.
    async fn kind(&self) -> GraphqlResult<TermNode> {
        term_node(Vocabulary::EventKind, &self.kind)
    }

    /// Its title, in the asked language or the nearest that there is; the name of its kind where it has none.
    async fn title(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Language of the answer; else the request's, else the record's own.")]
        language: Option<Language>,
    ) -> GraphqlResult<&str> {
        let reader = Reader::of(ctx)?;
        if let Some(title) = reader.text(ctx, language, &self.titles) {
            return Ok(title);
        }
        let kind = vocabularies().terms(Vocabulary::EventKind).get(&self.kind);
        let labels = kind.map(|term| term.labels.as_slice()).unwrap_or_default();
        Ok(reader.text(ctx, language, labels).unwrap_or(&self.kind))
    }

    /// Its title, in every language that there is, the original first; empty where it has none.
    async fn titles(&self) -> &[LocalizedText] {
        &self.titles
    }

    /// How many sessions it stands for, where their titles are not known: 3 conferences. Null for one session.
    async fn count(&self) -> Option<i32> {
        self.count
    }

    /// When it begins, where the hour is known.
    async fn starts_at(&self) -> Option<DateTime> {
        self.starts_at
    }

    /// When it ends, where the hour is known.
    async fn ends_at(&self) -> Option<DateTime> {
        self.ends_at
    }

    /// The room.
    async fn room(&self) -> Option<&str> {
        self.room.as_deref()
    }

    /// Who speaks, in the order of the programme: those whom this viewer may see.
    async fn speakers(&self) -> &[TalentNode] {
        &self.speakers
    }

    /// The organizations that take part, such as exhibitors: those that this viewer may see.
    async fn organizations(&self) -> &[OrganizationNode] {
        &self.organizations
    }
}
