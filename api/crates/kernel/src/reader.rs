//! The context of a request's reads: the database, the viewer, the languages, the date.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, Name, Value};
use chrono::NaiveDate;
use uuid::Uuid;

use super::error::{DomainError, GraphqlResult, IntoGraphql};
use super::policy::Viewer;
use super::read::selection::arguments_of;
use super::read::{Database, Dialect, Selected, Selection};
use super::value::{DateTime, Language, LanguagePreferences, LocalizedText};

/// The context of a request's reads. Made once per request and given to every resolver.
#[derive(Debug)]
pub struct Reader {
    /// The database.
    pub db: Arc<Database>,
    /// The viewer.
    pub viewer: Viewer,
    /// The languages that the request prefers.
    pub languages: LanguagePreferences,
    /// The time of the request.
    pub now: DateTime,
    /// Today, UTC.
    pub today: NaiveDate,
    substitutes: Mutex<Vec<Value>>,
    contacts: Mutex<BTreeMap<Uuid, ShownContact>>,
}

/// The contact data of a person that a response shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShownContact {
    /// The e-mail address.
    pub email: bool,
    /// The phone number.
    pub phone: bool,
}

impl ShownContact {
    /// Adds the contact data that `other` shows.
    pub fn add(&mut self, other: Self) {
        self.email |= other.email;
        self.phone |= other.phone;
    }
}

impl Reader {
    /// A reader of this database for this viewer, languages and time.
    pub fn new(
        db: Arc<Database>,
        viewer: Viewer,
        languages: LanguagePreferences,
        now: DateTime,
    ) -> Arc<Self> {
        Arc::new(Self {
            db,
            viewer,
            languages,
            now,
            today: now.to_utc().date_naive(),
            substitutes: Mutex::default(),
            contacts: Mutex::default(),
        })
    }

    /// The reader of the request.
    ///
    /// # Errors
    /// Only where the schema is executed without request data.
    pub fn of<'a>(ctx: &Context<'a>) -> GraphqlResult<&'a Arc<Self>> {
        ctx.data()
    }

    /// The SQL dialect of the database.
    pub fn dialect(&self) -> Dialect {
        self.db.dialect()
    }

    /// The text in the requested language, or a substitute, which is noted for `extensions.languages`.
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

    /// Notes that the response shows contact data of a person.
    pub fn shows_contact(&self, talent: Uuid, shown: ShownContact) {
        let mut contacts = self.contacts.lock().unwrap_or_else(PoisonError::into_inner);
        contacts.entry(talent).or_default().add(shown);
    }

    /// Takes the noted contact data, by person.
    pub fn shown_contacts(&self) -> BTreeMap<Uuid, ShownContact> {
        std::mem::take(&mut *self.contacts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the notes of texts served in another language than requested.
    pub fn substitutes(&self) -> Vec<Value> {
        let mut notes = std::mem::take(&mut *self.substitutes.lock().unwrap_or_else(PoisonError::into_inner));
        // Fields are resolved in no fixed order. Equal requests must get equal responses.
        notes.sort_by_cached_key(ToString::to_string);
        notes
    }
}

/// The path of the field being resolved, as in an error.
fn path_of(ctx: &Context<'_>) -> Value {
    ctx.path_node.and_then(|node| async_graphql::to_value(node).ok()).unwrap_or_default()
}

/// The results of a relation with arguments, by response key and arguments: aliases with different arguments each find
/// their own.
#[derive(Clone, Debug)]
pub struct ByKey<T>(Vec<Answer<T>>);

/// A response key, its arguments, and their result.
type Answer<T> = (Name, Vec<(Name, Value)>, Result<T, DomainError>);

impl<T> Default for ByKey<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> ByKey<T> {
    /// Keeps the result of a selected field. An error is kept too, and reported at the path of that field.
    pub fn put(&mut self, field: &Selected, answer: Result<T, DomainError>) {
        self.0.push((field.key.clone(), field.arguments.clone(), answer));
    }

    /// The result of the field being resolved.
    ///
    /// # Errors
    /// The error that was kept, or an internal error where nothing was read.
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

/// Puts what a selection answers for each of these nodes into its slot.
pub fn put_each<N, T>(
    nodes: &mut [N],
    field: &Selected,
    answers: Vec<Result<T, DomainError>>,
    slot: impl Fn(&mut N) -> &mut ByKey<T>,
) {
    nodes.iter_mut().zip(answers).for_each(|(node, answer)| slot(node).put(field, answer));
}

/// The selection of a connection's nodes, through `nodes` and through `edges`.
pub fn nodes_wanted(field: &Selected, connection: &str, edge: &str) -> Selection {
    let direct = field.selection.below(connection, "nodes").unwrap_or_default();
    let edges = field.selection.below(connection, "edges").unwrap_or_default();
    direct.union(&edges.below(edge, "node").unwrap_or_default())
}

/// Whether the `totalCount` of a connection is selected.
pub fn total_wanted(field: &Selected, connection: &str) -> bool {
    field.selection.has(connection, &["totalCount"])
}
