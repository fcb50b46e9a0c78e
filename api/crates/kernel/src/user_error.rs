//! The errors that payloads of mutations carry.

use async_graphql::SimpleObject;

use super::error::DomainError;
use super::messages::language_of;
use super::problem::{OperationError, Problem, UserErrorCode};
use super::value::LanguagePreferences;

/// One thing that is wrong with the input of a mutation, for those who filled it in. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub struct UserError {
    /// What kind of refusal.
    pub code: UserErrorCode,
    /// A finer code, which is stable: programs may depend on it.
    pub reason: Option<String>,
    /// What is wrong and what would be right, in the reader's language (`Accept-Language`), in English where it is
    /// none of the directory's.
    pub message: String,
    /// The field, from the argument inwards: `["input", "parties", "0", "organization"]`. Empty where the whole is
    /// meant.
    pub path: Vec<String>,
    /// After how many milliseconds the same may be tried again; null where time changes nothing.
    pub retry_after_ms: Option<i32>,
}

impl UserError {
    /// A problem, in the language of this reader.
    pub fn new(problem: &Problem, reader: &LanguagePreferences) -> Self {
        Self {
            code: problem.code,
            reason: problem.reason.map(str::to_owned),
            message: problem.message(language_of(reader)),
            path: problem.arguments(),
            retry_after_ms: problem.retry_after_ms,
        }
    }
}

/// A value that was taken, and is worth a look by those who gave it.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub struct Warning {
    /// What it is about: a stable code, on which programs may depend.
    pub code: String,
    /// What was made of the value, in the reader's language (`Accept-Language`), in English where it is none of the
    /// directory's.
    pub message: String,
    /// The field, from the argument inwards: `["input", "openingHours", "0", "opens"]`.
    pub path: Vec<String>,
}

impl Warning {
    /// A warning, in the language of this reader.
    pub fn new(warning: &Problem, reader: &LanguagePreferences) -> Self {
        Self {
            code: warning.reason.unwrap_or_default().to_owned(),
            message: warning.message(language_of(reader)),
            path: warning.arguments(),
        }
    }
}

/// Separates errors for the payload from errors that fail the whole field.
///
/// # Errors
/// The error of [`OperationError::Failed`].
pub fn outcome<T>(
    done: Result<T, OperationError>,
    reader: &LanguagePreferences,
) -> Result<Result<T, Vec<UserError>>, DomainError> {
    match done {
        Ok(done) => Ok(Ok(done)),
        Err(OperationError::Refused(all)) => {
            Ok(Err(all.iter().map(|problem| UserError::new(problem, reader)).collect()))
        }
        Err(OperationError::Failed(error)) => Err(error),
    }
}
