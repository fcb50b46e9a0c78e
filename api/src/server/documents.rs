//! Documents that were read before: clients send the same few again and again, with other variables.

use std::sync::Arc;

use async_graphql::ServerError;
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::parser::{Error as ParseError, parse_query};
use quick_cache::sync::Cache;

use super::limits;
use super::refusal::RequestError;
use crate::record::error::Code;

/// Documents that are kept.
const MAX_DOCUMENTS: usize = 500;
/// Bytes of a document that is kept; a longer one is read each time.
const MAX_KEPT: usize = 8 * 1024;

/// Parsed documents by their text, each within the limits.
#[derive(Debug)]
pub(super) struct Documents {
    known: Cache<String, Arc<ExecutableDocument>>,
    introspection: bool,
}

impl Documents {
    /// Nothing yet. `introspection` says whether documents may ask for types.
    pub(super) fn new(introspection: bool) -> Self {
        Self { known: Cache::new(MAX_DOCUMENTS), introspection }
    }

    /// The document of this text.
    ///
    /// # Errors
    /// Where it does not parse, or is beyond the limits.
    pub(super) fn read(&self, text: &str) -> Result<Arc<ExecutableDocument>, RequestError> {
        if let Some(known) = self.known.get(text) {
            return Ok(known);
        }
        let document = Arc::new(parse_query(text).map_err(unparsed)?);
        limits::check(&document, self.introspection)?;
        // A text with values written into it is rarely sent twice, and what it says may be about a person.
        if text.len() <= MAX_KEPT && !text.contains('"') {
            self.known.insert(text.to_owned(), Arc::clone(&document));
        }
        Ok(document)
    }
}

/// The error of a document that the parser refused.
fn unparsed(error: ParseError) -> RequestError {
    let code = match &error {
        ParseError::Syntax { .. } | ParseError::MissingOperation => Code::GraphqlParseFailed,
        ParseError::RecursionLimitExceeded => Code::QueryTooComplex,
        _ => Code::GraphqlValidationFailed,
    };
    let ServerError { message, locations, .. } = error.into();
    RequestError { code, message, locations }
}
