//! How the mutations of accounts say no.

use crate::record::error::DomainError;
use crate::record::problem::UserErrorCode;
use crate::record::user_error::UserError;
use crate::record::value::LanguagePreferences;

use super::messages::{self, Message};

/// One thing that is wrong with an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of refusal.
    pub code: UserErrorCode,
    /// A finer, stable code.
    pub reason: Option<&'static str>,
    /// What is wrong.
    pub message: Message,
    /// The field: `input.password`.
    pub path: &'static str,
}

impl Refusal {
    /// A refusal of a field.
    pub const fn new(code: UserErrorCode, message: Message, path: &'static str) -> Self {
        Self { code, reason: None, message, path }
    }

    /// The e-mail address and the password do not belong together. It has the path of their input: which of them
    /// is wrong is not said.
    pub const CREDENTIALS: Self = Self {
        code: UserErrorCode::Invalid,
        reason: Some("WRONG_CREDENTIALS"),
        message: messages::CREDENTIALS,
        path: "input",
    };

    /// The refresh token opens no session: it is no token, was used before, has expired, or was signed out.
    pub const SESSION: Self = Self {
        code: UserErrorCode::Invalid,
        reason: Some("SESSION_ENDED"),
        message: messages::SESSION,
        path: "refreshToken",
    };

    /// The same for a reader.
    pub fn for_reader(&self, preferences: &LanguagePreferences) -> UserError {
        UserError {
            code: self.code,
            reason: self.reason.map(str::to_owned),
            message: self.message.for_reader(preferences).to_owned(),
            path: self.path.split('.').map(str::to_owned).collect(),
            retry_after_ms: None,
        }
    }
}

/// Why something was not done.
#[derive(Clone, Debug)]
pub enum Undone {
    /// The input is not right: all that is wrong with it.
    Refused(Vec<Refusal>),
    /// The program failed, or will not answer now.
    Failed(DomainError),
}

impl From<DomainError> for Undone {
    fn from(error: DomainError) -> Self {
        Self::Failed(error)
    }
}

impl From<Refusal> for Undone {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(vec![refusal])
    }
}

/// Parts what a payload says from what fails the whole field.
///
/// # Errors
/// Those that are no refusals.
pub fn outcome<T>(
    done: Result<T, Undone>,
    preferences: &LanguagePreferences,
) -> Result<Result<T, Vec<UserError>>, DomainError> {
    match done {
        Ok(done) => Ok(Ok(done)),
        Err(Undone::Refused(all)) => {
            Ok(Err(all.iter().map(|refusal| refusal.for_reader(preferences)).collect()))
        }
        Err(Undone::Failed(error)) => Err(error),
    }
}
