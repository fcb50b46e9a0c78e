//! What can be wrong with a submission, at which field, and what would be right.

use async_graphql::Enum;

use super::RecordType;

/// The kinds of refusals of a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub enum UserErrorCode {
    /// The field must be given.
    Required,
    /// The value is not allowed.
    Invalid,
    /// The text is too long.
    TooLong,
    /// The list has too many entries.
    TooMany,
    /// What is referred to does not exist, or the caller may not see it.
    NotFound,
    /// Another record has this value.
    NotUnique,
    /// The caller may not do this.
    Forbidden,
    /// The record has changed since it was read.
    Conflict,
    /// The time for it is over.
    Closed,
    /// There is no place left.
    Full,
    /// Not possible in the state that the record is in.
    NotAllowedInState,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of refusal.
    pub code: UserErrorCode,
    /// A finer, stable code.
    pub reason: Option<&'static str>,
    /// What is wrong and what would be right, in English.
    pub message: String,
    /// The field, as a path: `parties.0.organization`.
    pub path: String,
}

impl Problem {
    fn new(code: UserErrorCode, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, reason: None, message: message.into(), path: path.into() }
    }

    /// The field must be given.
    pub fn required(path: &str) -> Self {
        Self::new(UserErrorCode::Required, path, "This field is required for a new record.")
    }

    /// The value is not allowed.
    pub fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(UserErrorCode::Invalid, path, message)
    }

    /// The text is too long.
    pub fn too_long(path: impl Into<String>, limit: usize) -> Self {
        Self::new(UserErrorCode::TooLong, path, format!("At most {limit} characters are allowed."))
    }

    /// The list has too many entries.
    pub fn too_many(path: impl Into<String>, limit: usize) -> Self {
        Self::new(UserErrorCode::TooMany, path, format!("At most {limit} entries are allowed."))
    }

    /// What is referred to does not exist.
    pub fn unknown_reference(path: impl Into<String>, to: RecordType, text: &str) -> Self {
        let shown: String = text.chars().take(80).flat_map(char::escape_debug).collect();
        let message =
            format!("There is no {} `{shown}`. Give an id, a slug, or `source:externalId`.", to.prefix());
        Self { reason: Some("REFERENCE_UNKNOWN"), ..Self::new(UserErrorCode::NotFound, path, message) }
    }

    /// Another record has this value.
    pub fn not_unique(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(UserErrorCode::NotUnique, path, message)
    }

    /// The source may not write records of this region.
    pub fn foreign_region(source: &str, own: &str, region: &str) -> Self {
        let message = format!("The source `{source}` writes records of `{own}`, not of `{region}`.");
        Self { reason: Some("FOREIGN_REGION"), ..Self::new(UserErrorCode::Forbidden, "region", message) }
    }

    /// Somebody else has changed the record.
    pub fn conflict(revision: i32) -> Self {
        let message = format!(
            "Somebody else has changed this record: it is at revision {revision}. Read it again, then send \
             `baseRevision: {revision}`, or `overwrite: true`."
        );
        Self::new(UserErrorCode::Conflict, "baseRevision", message)
    }

    /// The record whose revision somebody has seen is not here.
    pub fn no_revision() -> Self {
        let message = "There is no such record here. Leave `baseRevision` out to make it.";
        Self::new(UserErrorCode::Conflict, "baseRevision", message)
    }

    /// Other records refer to it.
    pub fn referred() -> Self {
        let message = "Other records refer to this one: change or delete these first.";
        Self { reason: Some("REFERRED_TO"), ..Self::new(UserErrorCode::NotAllowedInState, "delete", message) }
    }

    /// Whether it is about a reference to a record that is not there.
    pub fn is_unknown_reference(&self) -> bool {
        self.reason == Some("REFERENCE_UNKNOWN")
    }
}

/// All that is wrong with one submission.
#[derive(Clone, Debug, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds one.
    pub fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes them all.
    pub fn take(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.0)
    }
}
