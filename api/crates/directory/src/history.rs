//! The history of a record: who did what to it, as [`records::audit`] has noted it.
//!
//! The staff of the record's region see it, and a talent that of their own profile. For anybody else it is empty, as
//! that of a record without history, and costs the same.

use async_graphql::{Context, ID, Object};
use uuid::Uuid;

use super::{KINDS, application};
use kernel::connection;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id::{self, graphql_id};
use kernel::list::{List, Order};
use kernel::page::PageArguments;
use kernel::policy::Viewer;
use kernel::read::{Dialect, KeyColumns, KeyType, KeyValue, Row, Selected, Selection};
use kernel::reader::{Reader, total_wanted};
use kernel::value::DateTime;
use kernel::with_history;
use kernel::{RecordType, all_of};
use records::audit::{Action, ActorKind, Subject};

connection!(HistoryConnection, HistoryEdge, HistoryEntry, "what was done to a record");

/// The types of objects that have a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Record(RecordType),
    /// Systems that own records: the staff of their region see it.
    Source,
    /// Applications to calls for projects: the staff who see it see its history.
    Application,
    /// Accounts and API keys: only administrators of the instance see what was done to them.
    Identity,
}

fn decode(text: &str) -> Result<(Of, Uuid), DomainError> {
    let (prefix, id) = id::decode_any("id", text)?;
    let identity = [Subject::Account(id), Subject::ApiKey(id)].map(Subject::prefix);
    if identity.contains(&prefix.as_str()) {
        return Ok((Of::Identity, id));
    }
    if prefix == Subject::Source(id).prefix() {
        return Ok((Of::Source, id));
    }
    if prefix == Subject::Application(id).prefix() {
        return Ok((Of::Application, id));
    }
    let of = all_of::<RecordType>().find(|of| of.prefix() == prefix);
    of.map(|of| (Of::Record(of), id)).ok_or_else(|| {
        let types: Vec<&str> = all_of::<RecordType>().map(RecordType::many).collect();
        let message = format!(
            "Only {}, applications, sources, accounts and API keys have a history.",
            types.join(", ")
        );
        DomainError::bad_input("id", message)
    })
}

/// The list of the entries of a record that the viewer sees, the newest first.
fn list(viewer: &Viewer, dialect: Dialect, of: Of) -> List {
    let (joined, sees) = match of {
        Of::Record(of) => {
            let sees = KINDS.of(of).sees(viewer, dialect, "o");
            (
                format!("LEFT JOIN {} AS o ON o.id = h.listed_under", of.prefix()),
                viewer.sees_history(dialect, (of, &sees), "o", "h.region", "h.listed_under"),
            )
        }
        Of::Source => (String::new(), viewer.is_staff_in("h.region")),
        Of::Application => (
            "JOIN application AS o ON o.id = h.listed_under".to_owned(),
            application::store::sees_as_staff(viewer, dialect, "o"),
        ),
        Of::Identity => (String::new(), if viewer.admin { "TRUE" } else { "FALSE" }.to_owned()),
    };
    List {
        name: "history",
        parent: Some("id"),
        table: "audit",
        from: format!("audit AS h {joined}"),
        id: "h.id".into(),
        order: Order {
            name: "NEWEST",
            inner: "h.at".into(),
            outer: "r.at".into(),
            key_type: KeyType::Int,
            descending: true,
        },
        keys: KeyColumns::new(&[("id", KeyType::Id)]),
        conditions: vec![
            "h.listed_under = COALESCE((SELECT d.target_id FROM record_redirect AS d WHERE d.id = k.id), k.id)".into(),
            sees,
        ],
        second: None,
    }
}

const COLUMNS: &[&str] =
    &["at", "actor", "actor_id", "actor_source", "action", "record_type", "record_id", "revision", "fields"];

fn read(row: &mut Row) -> Result<HistoryEntry, DomainError> {
    Ok(HistoryEntry {
        at: DateTime::from_micros(row.get()?),
        actor: row.name()?,
        actor_id: row.get()?,
        source: row.get()?,
        action: row.name()?,
        record_type: row.get()?,
        record_id: row.get()?,
        revision: row.get()?,
        fields: row.json()?,
    })
}

/// Something that was done, in an answer.
#[derive(Clone, Debug)]
pub struct HistoryEntry {
    at: DateTime,
    actor: ActorKind,
    actor_id: Option<Uuid>,
    source: Option<String>,
    action: Action,
    record_type: String,
    record_id: Uuid,
    revision: Option<i32>,
    fields: Vec<String>,
}

/// Something that was done to a record. It holds no values, and is kept for 24 months.
#[Object(name = "HistoryEntry")]
impl HistoryEntry {
    /// When it was done.
    async fn at(&self) -> DateTime {
        self.at
    }

    /// What was done.
    async fn action(&self) -> Action {
        self.action
    }

    /// What kind of actor did it.
    async fn actor(&self) -> ActorKind {
        self.actor
    }

    /// Id of the account or API key that did it; null for other actors, and for an account that was erased.
    async fn actor_id(&self) -> Option<ID> {
        let prefix = match self.actor {
            ActorKind::Account => Subject::Account(Uuid::nil()).prefix(),
            ActorKind::ApiKey => Subject::ApiKey(Uuid::nil()).prefix(),
            ActorKind::Source | ActorKind::CommandLine | ActorKind::Program | ActorKind::ErasedAccount => {
                return None;
            }
        };
        self.actor_id.map(|id| graphql_id(prefix, id))
    }

    /// Name of the system that did it; null for other actors.
    async fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// Id of the record to which it was done: another one, where that was merged into this one later.
    async fn record_id(&self) -> ID {
        graphql_id(&self.record_type, self.record_id)
    }

    /// The revision that it made; null where it made none.
    async fn revision(&self) -> Option<i32> {
        self.revision
    }

    /// Names of the fields that changed or would change, as in the record's input.
    async fn fields(&self) -> &[String] {
        &self.fields
    }
}

async fn page(
    reader: &Reader,
    field: &Selected,
    id: &ID,
    arguments: &PageArguments,
) -> Result<HistoryConnection, DomainError> {
    let (of, id) = decode(id)?;
    let list = list(&reader.viewer, reader.dialect(), of);
    let parent = vec![KeyValue::Id(id)];
    let page = list.page(arguments, std::slice::from_ref(&parent))?;
    let total = total_wanted(field, "HistoryConnection");
    list.read_one(&reader.db, parent, &page, COLUMNS, total, read).await.map(HistoryConnection::new)
}

/// Queries of histories.
#[derive(Clone, Copy, Debug, Default)]
pub struct HistoryQuery;

macro_rules! make_history_query {
    ($of:literal) => {
        /// Queries of histories.
        #[Object]
        impl HistoryQuery {
            /// Who did what to a record and when, without values, the newest first. The staff of the record's region see it,
            /// and a talent that of their own profile; the staff of the funding regions that of an application that was
            /// submitted; administrators also what was done to accounts and API keys. It is empty for everybody else, as for a
            /// record of which nothing is known.
            async fn history(
                &self,
                ctx: &Context<'_>,
                #[graphql(desc = $of)] id: ID,
                #[graphql(
                    desc = "At most so many from the beginning or after `after`: 20 if not given, 100 at most."
                )]
                first: Option<i32>,
                #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
                #[graphql(desc = "At most so many from the end or before `before`: 100 at most.")] last: Option<i32>,
                #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
            ) -> GraphqlResult<HistoryConnection> {
                let arguments = PageArguments { first, after, last, before };
                page(Reader::of(ctx)?, &Selection::root(ctx), &id, &arguments).await.graphql()
            }
        }
    };
}

with_history!(make_history_query);

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! make_description {
        ($of:literal) => {
            const DESCRIPTION: &str = $of;
        };
    }

    with_history!(make_description);

    #[test]
    fn every_type_with_a_history_is_named() {
        for of in all_of::<RecordType>() {
            let name = format!(" {},", of.one());
            assert!(DESCRIPTION.contains(&name), "the text of `with_history` does not name {}", of.one());
        }
    }
}
