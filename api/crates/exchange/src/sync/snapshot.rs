//! Copies of all records that a caller may follow, as they are at one instant, a line of JSON for each.
//!
//! The first line describes the copy, and has the position from which to follow. The last line has the number of
//! records of each type, and the hash of all bytes before it. Without the last line the copy is not complete. Nothing
//! is stored: lines are made as fast as they are taken. `/sync/snapshot` sends them, `passerelle export` writes them
//! into a file.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Name, Request, Response, Value, Variables};
use futures::future::BoxFuture;
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::digest::{Held, Walk};
use super::feed::scope::Following;
use super::feed::{end_of, store};
use crate::import::source;
use directory::contact_read::{self, ContactReads};
use identity::caller::Call;
use kernel::error::DomainError;
use kernel::error::fault::View;
use kernel::id::encode;
use kernel::read::Database;
use kernel::read::keyed::hex;
use kernel::reader::Reader;
use kernel::records;
use kernel::value::LanguagePreferences;
use kernel::vocabulary;
use kernel::{RecordType, all_of, name_of, value_of};
use records::changes::ChangeCursor;
use records::write::SCHEMA_VERSION;
use records::write::replica::{Canonical, canonical};

macro_rules! make_document {
    ($(
        $(#[$doc:meta])*
        $name:ident $module:ident { $($rest:tt)* }
    )*) => {
        /// The queries for the lines of a copy, one for each type: some fields of two types have the same name and
        /// different types, and cannot be in one selection set. The fragment of a type is in the folder of the type.
        pub const DOCUMENT: &str = concat!(
            $(
                "query ", stringify!($module), "($ids: [ID!]!) { nodes(ids: $ids) { ...", stringify!($module), " } }\n",
            )*
            "\n",
            $(
                include_str!(concat!(
                    env!("CARGO_MANIFEST_DIR"), "/../directory/src/", stringify!($module), "/snapshot.graphql"
                )),
                "\n",
            )*
            include_str!("claim.graphql"),
        );
    };
}

records!(make_document);

/// Records in one query: `nodes` takes no more.
const RECORDS: usize = 100;

/// The receiver of the lines of a copy.
pub trait Sink: Send {
    /// Called at the beginning, with the approximate number of records.
    fn begin(&mut self, records: i64) {
        let _ = records;
    }

    /// Takes lines. `records` is the number of records in them.
    ///
    /// # Errors
    /// [`Failure::Gone`] where the receiver is gone.
    fn take(&mut self, lines: Vec<u8>, records: usize) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// The reason why a copy is not complete.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The receiver is gone, or may not have the copy any more.
    #[error("nobody reads the copy any more")]
    Gone,
    /// The records could not be read.
    #[error(transparent)]
    Failed(#[from] DomainError),
}

/// The result of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The number of records in it.
    pub records: u64,
    /// The position from which to follow.
    pub cursor: ChangeCursor,
}

/// Parses the names of types.
///
/// # Errors
/// `BAD_USER_INPUT` that lists all types, for an unknown name.
pub fn types_of<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<RecordType>, DomainError> {
    let of = |name: &str| {
        value_of::<RecordType>(name).ok_or_else(|| {
            let known: Vec<&str> = all_of::<RecordType>().map(name_of).collect();
            DomainError::bad_input("types", format!("`types` must be some of {}.", known.join(", ")))
        })
    };
    names.map(of).collect()
}

/// Makes a copy of what a caller follows. `run` runs an operation of the schema, with the services of the
/// program. `reads` notes who was shown contact data.
///
/// # Errors
/// [`Failure`]: the lines that were taken until then are no complete copy.
pub async fn make<'s, R, S>(
    call: &Call,
    reads: &ContactReads,
    following: &Following,
    run: R,
    sink: &mut S,
) -> Result<Copied, Failure>
where
    R: Fn(Request) -> BoxFuture<'s, Response> + Send + Sync,
    S: Sink,
{
    let wrong = |error| DomainError::Stored(format!("the document of snapshots is wrong: {error}"));
    let document = parse_query(DOCUMENT).map_err(wrong)?;
    let db = call.identity.db.long_snapshot().await.map_err(DomainError::from)?;
    let mut copy = Copy { call, reads, db, document, run, sink, hash: Sha256::new() };
    let state = store::state(&copy.db, None).await?;
    copy.sink.begin(store::count_after(&copy.db, following, 0, state.head).await?);
    let view = |(region, visibility): &View| json!({"region": region, "visibility": name_of(*visibility)});
    let cursor = end_of(&state, following.scope.clone());
    let header = json!({
        "instanceId": call.identity.instance(call.identity.db.writer()).await?,
        "feedId": state.feed_id,
        "cursor": cursor.text(),
        "views": following.views.iter().map(view).collect::<Vec<_>>(),
        "schemaVersion": SCHEMA_VERSION,
        "vocabularyHash": vocabulary::hash(),
        "sources": copy.sources().await?,
        "startedAt": call.identity.clock.now().to_utc().to_rfc3339(),
    });
    copy.send(line(&header), 0).await?;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let viewer = call.viewer();
    for of in all_of::<RecordType>().filter(|of| following.follows(*of)) {
        let count = counts.entry(of.name()).or_default();
        let db = Arc::clone(&copy.db);
        let mut walk = Walk::new(&db, viewer, following, of);
        while let Some(held) = walk.next().await? {
            for some in held.chunks(RECORDS) {
                let lines = copy.lines(of, some).await?;
                *count += some.len() as u64;
                copy.send(lines, some.len()).await?;
            }
        }
    }
    let hash = hex(&copy.hash.clone().finalize());
    copy.send(line(&json!({"counts": counts, "sha256": hash})), 0).await?;
    Ok(Copied { records: counts.values().sum(), cursor })
}

/// A copy that is being made.
struct Copy<'a, R, S> {
    call: &'a Call,
    reads: &'a ContactReads,
    db: Arc<Database>,
    document: ExecutableDocument,
    run: R,
    sink: &'a mut S,
    hash: Sha256,
}

impl<'s, R, S> Copy<'_, R, S>
where
    R: Fn(Request) -> BoxFuture<'s, Response> + Send + Sync,
    S: Sink,
{
    async fn send(&mut self, lines: Vec<u8>, records: usize) -> Result<(), Failure> {
        self.hash.update(&lines);
        self.sink.take(lines, records).await
    }

    /// Reads the sources of the regions whose records the caller writes. An instance that imports these records needs
    /// them.
    async fn sources(&self) -> Result<Vec<serde_json::Value>, DomainError> {
        let Some(tx) = self.db.transaction() else { return Ok(Vec::new()) };
        let all = source::all(tx).await?;
        let own = all.into_iter().filter(|source| self.call.viewer().writes_in(&source.region));
        Ok(own.map(|source| json!({"name": source.name, "region": source.region})).collect())
    }

    /// Reads the canonical fields of those records whose content hash the caller may have.
    async fn canonical(
        &self,
        of: RecordType,
        some: &[Held],
    ) -> Result<HashMap<Uuid, Canonical>, DomainError> {
        let told: Vec<Uuid> =
            some.iter().filter(|held| !held.content_hash.is_empty()).map(|held| held.id).collect();
        match self.db.transaction() {
            Some(tx) => canonical(&self.call.identity, tx, of, &told).await,
            None => Err(DomainError::Stored("a copy is made of a snapshot".into())),
        }
    }

    /// Builds the lines of some records of a type.
    async fn lines(&self, of: RecordType, some: &[Held]) -> Result<Vec<u8>, DomainError> {
        let identity = &self.call.identity;
        let (viewer, now) = (self.call.viewer().clone(), identity.clock.now());
        let reader = Reader::new(Arc::clone(&self.db), viewer, LanguagePreferences::default(), now);
        let mut canonical = self.canonical(of, some).await?;
        let ids = some.iter().map(|held| Value::from(encode(held.record_type.prefix(), held.id)));
        let variables = [(Name::new("ids"), Value::List(ids.collect()))];
        let mut request = Request::new(String::new())
            .variables(Variables::from_value(Value::Object(variables.into_iter().collect())))
            .data(Arc::clone(&reader))
            .data(self.call.clone());
        request.operation_name = Some(of.prefix().to_owned());
        request.set_parsed_query(self.document.clone());
        let response = (self.run)(request).await;
        if let Some(error) = response.errors.first() {
            return Err(DomainError::Stored(format!("a record cannot be told: {error}")));
        }
        contact_read::note(identity, self.reads, &reader.viewer, reader.shown_contacts());
        let data = response.data.into_json()?;
        let nodes = data["nodes"].as_array().cloned().unwrap_or_default();
        let mut lines = Vec::new();
        for (held, node) in some.iter().zip(nodes) {
            if node.is_null() {
                return Err(DomainError::Stored("a record is in a view and cannot be read".into()));
            }
            lines.extend(line(&json!({
                "recordType": held.record_type.name(),
                "recordId": node["id"],
                "revision": held.revision,
                "origin": held.origin,
                "contentHash": Some(&held.content_hash).filter(|hash| !hash.is_empty()),
                "canonical": canonical.remove(&held.id).map(|canonical| canonical.text),
                "record": node,
            })));
        }
        Ok(lines)
    }
}

/// A line of JSON.
fn line(value: &serde_json::Value) -> Vec<u8> {
    let mut line = value.to_string().into_bytes();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fragments_of_all_types_are_one_document() {
        let document = parse_query(DOCUMENT).expect("GraphQL");
        let fragments = all_of::<RecordType>().filter(|of| document.fragments.contains_key(of.prefix()));
        assert_eq!(fragments.count(), all_of::<RecordType>().count());
    }
}
