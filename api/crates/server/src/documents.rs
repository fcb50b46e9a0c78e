//! Known documents: those that the operator trusts, those that clients have registered, and a cache of compiled
//! documents, because clients send the same few again and again with other variables.
//!
//! | the request has | the document is looked up in |
//! |---|---|
//! | `documentId` | the [`Manifest`] |
//! | `extensions.persistedQuery` | the manifest, then the documents that clients have registered (Apollo's protocol) |
//! | `query` | it is the document |
//!
//! Registering documents saves bandwidth but protects nothing, as everybody may register. Registered documents are
//! evicted when the cache is full, and lost when the program ends.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::compile::{Compiler, Document};
use super::journal;
use super::manifest::{Manifest, sha256};
use super::refusal::RequestError;
use super::request::DocumentReference;
use kernel::error::Code;

/// The approximate maximum number of cached documents.
const MAX_DOCUMENTS: usize = 500;
/// The approximate maximum memory of all cached documents, in bytes.
const MAX_DOCUMENT_BYTES: u64 = 16 * 1024 * 1024;
/// The maximum size of a cached document in bytes. A longer one is compiled each time.
const MAX_KEPT: usize = 8 * 1024;
/// The approximate maximum number of registered texts.
const MAX_REGISTERED: usize = 1000;
/// The maximum size of all registered texts together, in bytes.
const MAX_REGISTERED_BYTES: u64 = 8 * 1024 * 1024;

/// Which documents are executed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Trust {
    /// All.
    #[default]
    Open,
    /// All; one that is not in the manifest is told in the log, once for as long as it is remembered.
    Prefer,
    /// Those in the manifest.
    Only,
}

/// The trusted documents of a manifest.
#[derive(Debug, Default)]
struct Trusted {
    by_id: HashMap<String, Result<Arc<Document>, RequestError>>,
    /// The ids by text, for clients that send the text.
    by_text: HashMap<Arc<str>, String>,
}

/// The weighter of the caches: the size of an entry in bytes.
#[derive(Clone, Debug)]
struct Bytes;

impl Weighter<Arc<str>, Arc<Document>> for Bytes {
    fn weight(&self, _: &Arc<str>, document: &Arc<Document>) -> u64 {
        document.memory.max(1)
    }
}

impl Weighter<String, Arc<str>> for Bytes {
    fn weight(&self, key: &String, text: &Arc<str>) -> u64 {
        (key.len() + text.len()) as u64
    }
}

/// All known documents, each within the limits.
#[derive(Debug)]
pub(super) struct Documents {
    known: Cache<Arc<str>, Arc<Document>, Bytes>,
    registered: Cache<String, Arc<str>, Bytes>,
    trusted: RwLock<Trusted>,
    trust: Trust,
    compiler: Compiler,
}

impl Documents {
    /// An empty registry.
    pub(super) fn new(compiler: Compiler, trust: Trust) -> Self {
        Self {
            known: Cache::with_weighter(MAX_DOCUMENTS, MAX_DOCUMENT_BYTES, Bytes),
            registered: Cache::with_weighter(MAX_REGISTERED, MAX_REGISTERED_BYTES, Bytes),
            trusted: RwLock::default(),
            trust,
            compiler,
        }
    }

    /// Replaces the trusted documents by those of a manifest. Logs documents that cannot be executed.
    pub(super) fn trust(&self, manifest: &Manifest) {
        let mut trusted = Trusted::default();
        for (id, text) in manifest.documents() {
            let text: Arc<str> = text.into();
            let read = self.parse(&text);
            let reason = match &read {
                Ok(document) => document.invalid.first().map(|error| &error.message),
                Err(error) => Some(&error.message),
            };
            if let Some(reason) = reason {
                tracing::warn!(id, reason, "a document of the manifest cannot be executed");
            }
            trusted.by_text.insert(Arc::clone(&text), id.to_owned());
            trusted.by_id.insert(format!("sha256:{}", sha256(&text)), read.clone());
            trusted.by_id.insert(id.to_owned(), read);
        }
        tracing::info!(documents = trusted.by_text.len(), "documents of the manifest are trusted");
        *self.trusted.write().unwrap_or_else(PoisonError::into_inner) = trusted;
    }

    /// The names of all operations in trusted documents.
    pub(super) fn trusted_names(&self) -> HashSet<String> {
        let trusted = self.trusted.read().unwrap_or_else(PoisonError::into_inner);
        let documents = trusted.by_id.values().flatten();
        let names = documents.flat_map(|document| document.operations.keys().flatten());
        names.map(|name| journal::shortened(name)).collect()
    }

    /// Finds the document that a request refers to.
    ///
    /// # Errors
    /// If it is unknown or not allowed, does not parse, or exceeds the limits.
    pub(super) fn find(&self, meant: &DocumentReference) -> Result<Arc<Document>, RequestError> {
        match meant {
            DocumentReference::Text(text) => self.of_text(text),
            DocumentReference::Id(id) => self.trusted(id).unwrap_or_else(|| {
                let message = "The server knows no document of this id. The manifest of the client has to be given to the \
                               server first, as DOCUMENTS_MANIFEST.";
                Err(RequestError::new(Code::PersistedQueryNotFound, message))
            }),
            DocumentReference::Hash { hash, text } => {
                if text.as_ref().is_some_and(|text| *hash != sha256(text)) {
                    let message = "`sha256Hash` is not the SHA-256 of `query`.";
                    return Err(RequestError::new(Code::BadRequest, message));
                }
                self.trusted(&format!("sha256:{hash}"))
                    .unwrap_or_else(|| self.registered(hash, text.as_deref()))
            }
        }
    }

    /// Finds the document registered under a hash, or registers it if the text is given.
    fn registered(&self, hash: &str, text: Option<&str>) -> Result<Arc<Document>, RequestError> {
        // Clients compare these messages.
        if self.trust == Trust::Only {
            // Clients then stop sending hashes.
            return Err(RequestError::new(Code::PersistedQueryNotSupported, "PersistedQueryNotSupported"));
        }
        let Some(text) = text else {
            // Clients then send the text.
            let missing = || RequestError::new(Code::PersistedQueryNotFound, "PersistedQueryNotFound");
            return self.of_text(&self.registered.get(hash).ok_or_else(missing)?);
        };
        let known = self.of_text(text)?;
        if !known.invalid.is_empty() {
            return Ok(known);
        }
        self.registered.insert(hash.to_owned(), Arc::clone(&known.text));
        Ok(known)
    }

    fn trusted(&self, id: &str) -> Option<Result<Arc<Document>, RequestError>> {
        self.trusted.read().unwrap_or_else(PoisonError::into_inner).by_id.get(id).cloned()
    }

    /// Compiles a text, if it may be executed.
    fn of_text(&self, text: &str) -> Result<Arc<Document>, RequestError> {
        if self.trust != Trust::Open {
            let trusted = self.trusted.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = trusted.by_text.get(text).and_then(|id| trusted.by_id.get(id)) {
                return known.clone();
            }
            if self.trust == Trust::Only {
                let message = "This server executes only documents that it was given beforehand: send the `documentId` of \
                               one of them.";
                return Err(RequestError::new(Code::Forbidden, message));
            }
        }
        if let Some(known) = self.known.get(text) {
            return Ok(known);
        }
        let known = self.parse(text)?;
        if self.trust == Trust::Prefer {
            // The text is not logged, as its literals may hold personal data.
            tracing::info!(hash = sha256(text), "a document is executed that is not in the manifest");
        }
        // A text with string literals is rarely sent twice, and may hold personal data.
        if text.len() <= MAX_KEPT && !text.contains('"') && known.invalid.is_empty() {
            self.known.insert(Arc::clone(&known.text), Arc::clone(&known));
        }
        Ok(known)
    }

    fn parse(&self, text: &str) -> Result<Arc<Document>, RequestError> {
        self.compiler.compile(text).map(Arc::new)
    }

    /// The compiler of documents.
    pub(super) fn compiler(&self) -> &Compiler {
        &self.compiler
    }
}
