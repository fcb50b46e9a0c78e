//! Documents that were read before: clients send the same few again and again, with other variables.

use std::sync::Arc;

use async_graphql::ServerError;
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::parser::{Error as ParseError, parse_query};
use quick_cache::sync::Cache;

use super::cost::Prices;
use super::limits::{self, Limits, Measured};
use super::refusal::RequestError;
use crate::record::error::Code;

/// Documents that are kept.
const MAX_DOCUMENTS: usize = 500;
/// Bytes of a document that is kept; a longer one is read each time.
const MAX_KEPT: usize = 8 * 1024;

/// A document within the limits, with what does not depend on the values of its variables.
#[derive(Debug)]
pub(super) struct Known {
    /// The document.
    pub document: ExecutableDocument,
    /// What was found out about it.
    pub measured: Measured,
}

/// Parsed documents by their text, each within the limits.
#[derive(Debug)]
pub(super) struct Documents {
    known: Cache<String, Arc<Known>>,
    limits: Limits,
    introspection: bool,
    prices: Prices,
}

impl Documents {
    /// Nothing yet. `introspection` says whether documents may ask for types, `prices` what everything costs.
    pub(super) fn new(limits: Limits, introspection: bool, prices: Prices) -> Self {
        Self { known: Cache::new(MAX_DOCUMENTS), limits, introspection, prices }
    }

    /// The document of this text.
    ///
    /// # Errors
    /// Where it does not parse, or is beyond the limits.
    pub(super) fn read(&self, text: &str) -> Result<Arc<Known>, RequestError> {
        if let Some(known) = self.known.get(text) {
            return Ok(known);
        }
        limits::check_text(text, &self.limits)?;
        let document = parse_query(text).map_err(unparsed)?;
        let measured = limits::check(&document, &self.limits, self.introspection, &self.prices)?;
        let known = Arc::new(Known { document, measured });
        // A text with values written into it is rarely sent twice, and what it says may be about a person.
        if text.len() <= MAX_KEPT && !text.contains('"') {
            self.known.insert(text.to_owned(), Arc::clone(&known));
        }
        Ok(known)
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
