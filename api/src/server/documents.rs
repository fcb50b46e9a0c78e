//! Documents that are known: those that the operator trusts, those that clients have registered, and those that were
//! read before, because clients send the same few again and again, with other variables.
//!
//! | what a request has | where the document is looked for |
//! |---|---|
//! | `documentId` | the [`Manifest`] |
//! | `extensions.persistedQuery` | the manifest, and else what clients have registered (the protocol of Apollo) |
//! | `query` | it is the document |
//!
//! What clients register is no guard, as anybody may: it saves bytes, and is forgotten when there is too much of it or
//! the program ends.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::compile::{Compiler, Document};
use super::journal;
use super::manifest::{Manifest, sha256};
use super::refusal::RequestError;
use super::request::Meant;
use crate::record::error::Code;

/// Documents that are kept are about so many at most.
const MAX_DOCUMENTS: usize = 500;
/// Bytes of memory that they take at most, all together, about.
const MAX_DOCUMENT_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes of a document that is kept; a longer one is read each time.
const MAX_KEPT: usize = 8 * 1024;
/// Texts that clients register are about so many at most.
const MAX_REGISTERED: usize = 1000;
/// Bytes of texts that clients register at most, all together.
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

/// The documents of a manifest.
#[derive(Debug, Default)]
struct Trusted {
    by_id: HashMap<String, Result<Arc<Document>, RequestError>>,
    /// The ids of texts, for clients that send those.
    by_text: HashMap<Arc<str>, String>,
}

/// Weighs what is kept by its bytes.
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

/// All documents that are known, each within the limits.
#[derive(Debug)]
pub(super) struct Documents {
    known: Cache<Arc<str>, Arc<Document>, Bytes>,
    registered: Cache<String, Arc<str>, Bytes>,
    trusted: RwLock<Trusted>,
    trust: Trust,
    compiler: Compiler,
}

impl Documents {
    /// Nothing yet.
    pub(super) fn new(compiler: Compiler, trust: Trust) -> Self {
        Self {
            known: Cache::with_weighter(MAX_DOCUMENTS, MAX_DOCUMENT_BYTES, Bytes),
            registered: Cache::with_weighter(MAX_REGISTERED, MAX_REGISTERED_BYTES, Bytes),
            trusted: RwLock::default(),
            trust,
            compiler,
        }
    }

    /// Trusts the documents of a manifest, and no others any more. Those that cannot be executed are told in the log.
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

    /// The names of the operations in documents that are trusted.
    pub(super) fn trusted_names(&self) -> HashSet<String> {
        let trusted = self.trusted.read().unwrap_or_else(PoisonError::into_inner);
        let documents = trusted.by_id.values().flatten();
        let names = documents.flat_map(|document| document.operations.keys().flatten());
        names.map(|name| journal::shortened(name)).collect()
    }

    /// The document that is meant.
    ///
    /// # Errors
    /// Where it is not known or not allowed, does not parse, or is beyond the limits.
    pub(super) fn find(&self, meant: &Meant) -> Result<Arc<Document>, RequestError> {
        match meant {
            Meant::Text(text) => self.of_text(text),
            Meant::Id(id) => self.trusted(id).unwrap_or_else(|| {
                let message = "The server knows no document of this id. The manifest of the client has to be given to the \
                               server first, as DOCUMENTS_MANIFEST.";
                Err(RequestError::new(Code::PersistedQueryNotFound, message))
            }),
            Meant::Hash { hash, text } => {
                if text.as_ref().is_some_and(|text| *hash != sha256(text)) {
                    let message = "`sha256Hash` is not the SHA-256 of `query`.";
                    return Err(RequestError::new(Code::BadRequest, message));
                }
                self.trusted(&format!("sha256:{hash}"))
                    .unwrap_or_else(|| self.registered(hash, text.as_deref()))
            }
        }
    }

    /// The document that clients have registered under a hash, or register now with its text.
    fn registered(&self, hash: &str, text: Option<&str>) -> Result<Arc<Document>, RequestError> {
        // The messages are what clients look for.
        if self.trust == Trust::Only {
            // They stop to send hashes.
            return Err(RequestError::new(Code::PersistedQueryNotSupported, "PersistedQueryNotSupported"));
        }
        let Some(text) = text else {
            // They send the text.
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

    /// The document of this text, if it may be executed.
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
            // Not the text: somebody may have written what is about a person into it.
            tracing::info!(hash = sha256(text), "a document is executed that is not in the manifest");
        }
        // A text with values written into it is rarely sent twice, and what it says may be about a person.
        if text.len() <= MAX_KEPT && !text.contains('"') && known.invalid.is_empty() {
            self.known.insert(Arc::clone(&known.text), Arc::clone(&known));
        }
        Ok(known)
    }

    fn parse(&self, text: &str) -> Result<Arc<Document>, RequestError> {
        self.compiler.compile(text).map(Arc::new)
    }

    /// Compiles the operations of documents.
    pub(super) fn compiler(&self) -> &Compiler {
        &self.compiler
    }
}
