//! What a request reads with: the database, the viewer, the languages, the day.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, Name, Value};
use chrono::NaiveDate;
use uuid::Uuid;

use super::error::{DomainError, GraphqlResult, IntoGraphql};
use super::policy::Viewer;
use super::read::selection::arguments_of;
use super::read::{Database, Dialect, Selected, Selection};
use super::value::{Language, LanguagePreferences, LocalizedText};

/// Made once per request and given to every resolver.
#[derive(Debug)]
pub struct Reader {
    /// The database.
    pub db: Arc<Database>,
    /// Who reads.
    pub viewer: Viewer,
    /// The languages that the request prefers.
    pub languages: LanguagePreferences,
    /// Today, UTC.
    pub today: NaiveDate,
    substitutes: Mutex<Vec<Value>>,
    contacts: Mutex<BTreeMap<Uuid, ShownContact>>,
}

/// What was shown of how a person can be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShownContact {
    /// The e-mail address.
    pub email: bool,
    /// The phone number.
    pub phone: bool,
}

impl ShownContact {
    /// What was shown in either.
    pub fn add(&mut self, other: Self) {
        self.email |= other.email;
        self.phone |= other.phone;
    }
}

impl Reader {
    /// A reader of this database for this viewer, languages and day.
    pub fn new(
        db: Arc<Database>,
        viewer: Viewer,
        languages: LanguagePreferences,
        today: NaiveDate,
    ) -> Arc<Self> {
        Arc::new(Self {
            db,
            viewer,
            languages,
            today,
            substitutes: Mutex::default(),
            contacts: Mutex::default(),
        })
    }

    /// That of the request.
    ///
    /// # Errors
    /// Only where the schema is run without one.
    pub fn of<'a>(ctx: &Context<'a>) -> GraphqlResult<&'a Arc<Self>> {
        ctx.data()
    }

    /// The SQL that the database speaks.
    pub fn dialect(&self) -> Dialect {
        self.db.dialect()
    }

    /// The text for the asked language, or a substitute, of which a note is kept for `extensions.languages`.
    pub fn text<'a>(
        &self,
        ctx: &Context<'_>,
        asked: Option<Language>,
        texts: &'a [LocalizedText],
    ) -> Option<&'a str> {
        let served = self.languages.choose(asked, texts)?;
        if served.substitute {
            let note = Value::Object(
                [
                    (Name::new("path"), path_of(ctx)),
                    (Name::new("language"), Value::Enum(Name::new(super::name_of(served.text.language)))),
                ]
                .into_iter()
                .collect(),
            );
            self.substitutes.lock().unwrap_or_else(PoisonError::into_inner).push(note);
        }
        Some(&served.text.text)
    }

    /// Notes that the answer shows how a person can be reached.
    pub fn shows_contact(&self, talent: Uuid, shown: ShownContact) {
        let mut contacts = self.contacts.lock().unwrap_or_else(PoisonError::into_inner);
        contacts.entry(talent).or_default().add(shown);
    }

    /// The people whom the answer shows how to reach.
    pub fn shown_contacts(&self) -> BTreeMap<Uuid, ShownContact> {
        std::mem::take(&mut *self.contacts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The notes of texts served in another language than asked.
    pub fn substitutes(&self) -> Vec<Value> {
        let mut notes = std::mem::take(&mut *self.substitutes.lock().unwrap_or_else(PoisonError::into_inner));
        // Fields are answered in no fixed order; equal requests get equal answers.
        notes.sort_by_cached_key(ToString::to_string);
        notes
    }
}

/// The path of the field being resolved, as in an error.
fn path_of(ctx: &Context<'_>) -> Value {
    ctx.path_node.and_then(|node| async_graphql::to_value(node).ok()).unwrap_or_default()
}

/// What was read for a relation with arguments, under the response keys and arguments of its selections:
/// aliases with different arguments each find their own.
#[derive(Clone, Debug)]
pub struct ByKey<T>(Vec<Answer<T>>);

/// A response key, its arguments, and what was read for them.
type Answer<T> = (Name, Vec<(Name, Value)>, Result<T, DomainError>);

impl<T> Default for ByKey<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> ByKey<T> {
    /// Keeps what a selection answers. A refusal is kept too, and reported at the path of its own field.
    pub fn put(&mut self, field: &Selected, answer: Result<T, DomainError>) {
        self.0.push((field.key.clone(), field.arguments.clone(), answer));
    }

    /// What the field being resolved answers.
    ///
    /// # Errors
    /// The refusal that was kept, or an internal error where nothing was read.
    pub fn get(&self, ctx: &Context<'_>) -> GraphqlResult<&T> {
        let key = &ctx.item.node.response_key().node;
        let arguments = arguments_of(ctx);
        match self.0.iter().find(|(name, given, _)| name == key && *given == arguments) {
            Some((_, _, Ok(answer))) => Ok(answer),
            Some((_, _, Err(error))) => Err(error.clone()).graphql(),
            None => Err(DomainError::Stored(format!("the relation `{key}` was not read"))).graphql(),
        }
    }
}

/// What is wanted of the nodes of a connection, through `nodes` and through `edges`.
pub fn nodes_wanted(field: &Selected, connection: &str, edge: &str) -> Selection {
    let direct = field.selection.below(connection, "nodes").unwrap_or_default();
    let edges = field.selection.below(connection, "edges").unwrap_or_default();
    direct.union(&edges.below(edge, "node").unwrap_or_default())
}

/// Whether the count of a connection is wanted.
pub fn total_wanted(field: &Selected, connection: &str) -> bool {
    field.selection.has(connection, &["totalCount"])
}
