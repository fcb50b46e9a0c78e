//! The manifest of trusted documents: a file written by tools of clients.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::app::App;
use kernel::read::keyed::hex;
use records::worker::{Job, Worker};

/// The interval of checks for changes of the file.
pub(super) const CHECK_TIME: Duration = Duration::from_secs(2);

/// The modification time and length of a file, to detect changes.
type Stamp = (Option<SystemTime>, u64);

/// Documents with their ids.
#[derive(Clone, Debug)]
pub struct Manifest {
    path: PathBuf,
    stamp: Stamp,
    documents: Vec<(String, String)>,
}

/// The error of a manifest that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {what}", path = .path.display())]
pub struct ManifestError {
    path: PathBuf,
    what: String,
}

/// The format of Apollo's tools.
#[derive(Deserialize)]
struct ApolloManifest {
    operations: Vec<ApolloOperation>,
}

#[derive(Deserialize)]
struct ApolloOperation {
    id: String,
    body: String,
}

impl Manifest {
    /// Reads a file: a JSON object of documents by id, as graphql-codegen and Relay write it, or a manifest of Apollo.
    ///
    /// # Errors
    /// If the file cannot be read, or has neither format.
    pub fn read(path: &Path) -> Result<Self, ManifestError> {
        let fail = |what: String| ManifestError { path: path.to_owned(), what };
        let stamp = stamp(path).map_err(|error| fail(error.to_string()))?;
        let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
        let documents = parse(&text).map_err(fail)?;
        Ok(Self { path: path.to_owned(), stamp, documents })
    }

    /// The documents, as id and text.
    pub(super) fn documents(&self) -> impl Iterator<Item = (&str, &str)> {
        self.documents.iter().map(|(id, text)| (id.as_str(), text.as_str()))
    }

    /// Reads the file again if it has changed; `None` if not.
    ///
    /// # Errors
    /// If it can no longer be read.
    pub(super) fn renewed(&self) -> Result<Option<Self>, ManifestError> {
        if stamp(&self.path).is_ok_and(|stamp| stamp == self.stamp) {
            return Ok(None);
        }
        Self::read(&self.path).map(Some)
    }
}

/// Trusts what the manifest says now, whenever its file has changed. While that cannot be read, what it said stays.
pub(super) fn follow(shared: &Arc<Shared>, manifest: Manifest, stop: CancellationToken) {
    let worker = Worker {
        every: Some(shared.settings.manifest_interval),
        ..Worker::new("manifest", "the manifest cannot be read, and what it said before stays")
    };
    worker.start(&shared.app, stop, Following { shared: Arc::clone(shared), manifest, told: false });
}

struct Following {
    shared: Arc<Shared>,
    manifest: Manifest,
    /// Whether it was told that the file cannot be read.
    told: bool,
}

impl Following {
    fn look(&mut self) {
        match self.manifest.renewed() {
            Ok(Some(renewed)) => {
                self.shared.documents.trust(&renewed);
                self.shared.meters.name_apart(self.shared.documents.trusted_names());
                (self.manifest, self.told) = (renewed, false);
            }
            Ok(None) => self.told = false,
            Err(error) if !self.told => {
                tracing::error!(%error, "the manifest cannot be read, and what it said before stays");
                self.told = true;
            }
            Err(_) => {}
        }
    }
}

impl Job<App> for Following {
    type Error = Infallible;

    fn run(&mut self, _: &App) -> impl Future<Output = Result<(), Infallible>> + Send {
        self.look();
        std::future::ready(Ok(()))
    }
}

fn stamp(path: &Path) -> std::io::Result<Stamp> {
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.modified().ok(), metadata.len()))
}

fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let wrong = || {
        "it is neither an object of GraphQL documents by id, as graphql-codegen and Relay write it, nor a manifest of \
         Apollo"
            .to_owned()
    };
    let value: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    if value["format"] == "apollo-persisted-query-manifest" {
        let manifest: ApolloManifest = serde_json::from_value(value).map_err(|_| wrong())?;
        return Ok(manifest.operations.into_iter().map(|operation| (operation.id, operation.body)).collect());
    }
    let Value::Object(members) = value else { return Err(wrong()) };
    let document = |(id, text)| match text {
        Value::String(text) => Ok((id, text)),
        _ => Err(wrong()),
    };
    members.into_iter().map(document).collect()
}

/// The SHA-256 hash of a text in hexadecimal.
pub(super) fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_clients_are_read() {
        let pair = |id: &str, text: &str| (id.to_owned(), text.to_owned());
        assert_eq!(parse("{}").unwrap(), []);
        assert_eq!(
            parse(r#"{"a": "{ x }", "b": "{ y }"}"#).unwrap(),
            [pair("a", "{ x }"), pair("b", "{ y }")]
        );
        let apollo = r#"{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [
            {"id": "a", "name": "X", "type": "query", "body": "query X { x }"}]}"#;
        assert_eq!(parse(apollo).unwrap(), [pair("a", "query X { x }")]);
        for wrong in ["", "[]", "\"x\"", r#"{"a": 1}"#, r#"{"a": {"b": "c"}}"#] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_file_that_changed_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        assert!(Manifest::read(&path).is_err());
        std::fs::write(&path, r#"{"a": "{ x }"}"#).unwrap();
        let manifest = Manifest::read(&path).unwrap();
        assert!(manifest.renewed().unwrap().is_none());
        std::fs::write(&path, r#"{"a": "{ x }", "b": "{ y }"}"#).unwrap();
        let renewed = manifest.renewed().unwrap().unwrap();
        assert_eq!(renewed.documents().count(), 2);
        std::fs::write(&path, "{").unwrap();
        assert!(renewed.renewed().is_err());
    }
}
