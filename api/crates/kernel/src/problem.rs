//! Problems of a submission: code, field and message.

use async_graphql::Enum;

use super::RecordType;
use super::error::DomainError;
use super::messages::{self, FilledMessage, Filling, Message};
use super::value::{Language, ValueError};
use super::vocabulary::{Entries, Named, Near, shown};

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

/// The part of the request that a problem is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// A field of the record.
    Field,
    /// An argument beside the record: its id, the base revision, an idempotency key.
    Beside,
}

/// A problem of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The kind of refusal.
    pub code: UserErrorCode,
    /// A finer, stable code.
    pub reason: Option<&'static str>,
    /// The field, as a path: `parties.0.organization`.
    pub path: String,
    /// Milliseconds after which a retry may succeed; none where a retry does not help.
    pub retry_after_ms: Option<i32>,
    about: About,
    said: FilledMessage,
}

impl Problem {
    /// A problem with a field.
    pub fn at(path: impl Into<String>, said: FilledMessage) -> Self {
        let Message { code, reason, .. } = *said.message();
        Self { code, reason, path: path.into(), retry_after_ms: None, about: About::Field, said }
    }

    /// A problem with a field, whose message has no values.
    pub fn new(path: impl Into<String>, message: &'static Message) -> Self {
        Self::at(path, FilledMessage::new(message))
    }

    /// A problem with an argument beside the record.
    pub fn beside(path: impl Into<String>, said: FilledMessage) -> Self {
        Self { about: About::Beside, ..Self::at(path, said) }
    }

    /// The same problem, as one with an argument beside the record.
    #[must_use]
    pub fn not_of_the_input(self) -> Self {
        Self { about: About::Beside, ..self }
    }

    /// The same problem with another field.
    #[must_use]
    pub fn with_field(self, path: impl Into<String>) -> Self {
        Self { about: About::Field, path: path.into(), ..self }
    }

    /// The same problem with another argument beside the record.
    #[must_use]
    pub fn with_argument(self, path: impl Into<String>) -> Self {
        Self { about: About::Beside, path: path.into(), ..self }
    }

    /// The same problem, with the milliseconds after which a retry may succeed.
    #[must_use]
    pub fn again_after(self, millis: i64) -> Self {
        Self { retry_after_ms: Some(i32::try_from(millis.max(1)).unwrap_or(i32::MAX)), ..self }
    }

    /// Whether it is a problem with a field of the record.
    pub fn is_of_the_input(&self) -> bool {
        self.about == About::Field
    }

    /// The same problem, as one with a field of the record.
    #[must_use]
    pub fn of_the_input(self) -> Self {
        Self { about: About::Field, ..self }
    }

    /// The message in a language.
    pub fn message(&self, language: Language) -> String {
        self.said.text(language)
    }

    /// The path in a mutation, from the argument inwards: `input`, `parties`, `0`, `organization`.
    pub fn arguments(&self) -> Vec<String> {
        let before = (self.about == About::Field).then_some("input");
        let path = self.path.split('.').filter(|part| !part.is_empty());
        before.into_iter().chain(path).map(str::to_owned).collect()
    }

    /// The field must be given.
    pub fn required(path: &str) -> Self {
        Self::new(path, &messages::REQUIRED)
    }

    /// The text is too long.
    pub fn too_long(path: impl Into<String>, limit: usize) -> Self {
        Self::at(path, FilledMessage::new(&messages::TOO_LONG).with("limit", limit.to_string()))
    }

    /// The list has too many entries.
    pub fn too_many(path: impl Into<String>, limit: usize) -> Self {
        Self::at(path, FilledMessage::new(&messages::TOO_MANY).with("limit", limit.to_string()))
    }

    /// The vocabulary has no such slug or label.
    pub fn unknown_term<T: Named>(path: impl Into<String>, entries: &Entries<T>, text: &str) -> Self {
        let near = entries.near(text);
        let message = match near {
            Near::Every(_) => &messages::UNKNOWN_TERM_OF_FEW,
            Near::Some(_) => &messages::UNKNOWN_TERM_NEAR,
            Near::None => &messages::UNKNOWN_TERM,
        };
        let listed = Language::ALL.map(|language| {
            let named = near.all().iter().map(|term| {
                let label = term.label(language);
                format!("`{}` ({label})", term.slug)
            });
            named.collect::<Vec<_>>().join(", ")
        });
        let said = FilledMessage::new(message).with("text", shown(text));
        Self::at(path, said.with("near", Filling::ByLanguage(listed)))
    }

    /// The text is not valid for its scalar type.
    pub fn value(path: impl Into<String>, error: &ValueError) -> Self {
        Self::at(path, Self::of_value(&messages::VALUE, error))
    }

    /// The identifier is not valid for its scheme.
    pub fn identifier(path: impl Into<String>, error: &ValueError) -> Self {
        Self::at(path, Self::of_value(&messages::IDENTIFIER, error))
    }

    fn of_value(message: &'static Message, error: &ValueError) -> FilledMessage {
        match error {
            ValueError::Unexpected { expected, found } => {
                FilledMessage::new(message).with("expected", *expected).with("found", found.to_string())
            }
            ValueError::Withheld { expected } => {
                FilledMessage::new(&messages::VALUE_WITHHELD).with("expected", *expected)
            }
            ValueError::CurrenciesDiffer { left, right } => {
                let said = FilledMessage::new(&messages::CURRENCIES_DIFFER).with("left", left.to_string());
                said.with("right", right.to_string())
            }
        }
    }

    /// A number of the input is out of its range.
    pub fn out_of_range(path: impl Into<String>, from: f64, to: f64) -> Self {
        let said = FilledMessage::new(&messages::OUT_OF_RANGE).with("from", from.to_string());
        Self::at(path, said.with("to", to.to_string()))
    }

    /// The record that is referred to does not exist.
    pub fn unknown_reference(path: impl Into<String>, to: RecordType, text: &str) -> Self {
        let shown: String = text.chars().take(80).flat_map(char::escape_debug).collect();
        let message = match to {
            RecordType::Organization => &messages::UNKNOWN_ORGANIZATION,
            RecordType::Talent => &messages::UNKNOWN_TALENT,
            _ => &messages::UNKNOWN_RECORD,
        };
        Self::at(path, FilledMessage::new(message).with("text", shown))
    }

    /// The caller may not write records of this region.
    pub fn foreign_region(region: &str) -> Self {
        Self::at("region", FilledMessage::new(&messages::FOREIGN_REGION).with("region", region))
    }

    /// The source may not write records of this region.
    pub fn foreign_source(source: &str, own: &str, region: &str) -> Self {
        let said = FilledMessage::new(&messages::FOREIGN_SOURCE).with("source", source);
        Self::at("region", said.with("own", own).with("region", region))
    }

    /// Somebody else has changed the record that a system owns.
    pub fn conflict_of_sources(revision: i32) -> Self {
        let said = FilledMessage::new(&messages::CONFLICT_OF_SOURCES).with("revision", revision.to_string());
        Self::beside("baseRevision", said)
    }

    /// Somebody else has changed the record.
    pub fn conflict(revision: i32) -> Self {
        Self::beside(
            "baseRevision",
            FilledMessage::new(&messages::CONFLICT).with("revision", revision.to_string()),
        )
    }

    /// There is no record for the given base revision.
    pub fn no_revision() -> Self {
        Self::beside("baseRevision", FilledMessage::new(&messages::NO_REVISION))
    }

    /// There is no such record, or none that the caller may know of.
    pub fn no_record() -> Self {
        Self::beside("id", FilledMessage::new(&messages::NO_RECORD))
    }

    /// The caller may see the record, but may not do this with it.
    pub fn forbidden(message: &'static Message) -> Self {
        Self::beside("id", FilledMessage::new(message))
    }

    /// Other records refer to it. `who` are the ids of those that the caller sees.
    pub fn referred(path: &str, who: &[String]) -> Self {
        let who = if who.is_empty() { String::new() } else { format!("({})", who.join(", ")) };
        Self::beside(path, FilledMessage::new(&messages::REFERRED_TO).with("who", who))
    }

    /// Whether it is about a reference to a record that does not exist.
    pub fn is_unknown_reference(&self) -> bool {
        self.reason == Some("REFERENCE_UNKNOWN")
    }
}

/// The problems of one submission, and what was taken although it is worth a look.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Problems {
    /// Adds one.
    pub fn add(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Returns the value, or adds the problem.
    pub fn note<T>(&mut self, found: Result<T, Problem>) -> Option<T> {
        found.map_err(|problem| self.add(problem)).ok()
    }

    /// Adds all of these.
    pub fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        self.problems.extend(problems);
    }

    /// Returns `Ok` where there is no problem.
    ///
    /// # Errors
    /// [`OperationError::Refused`] with all problems.
    pub fn none_or_refused(self) -> Result<(), OperationError> {
        if self.is_empty() { Ok(()) } else { Err(OperationError::Refused(self.problems)) }
    }

    /// Whether there is no problem.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// Whether a problem is about a field, or a path below it.
    pub fn concern(&self, field: &str) -> bool {
        self.problems.iter().any(|problem| problem.path.split('.').next() == Some(field))
    }

    /// Takes all problems.
    pub fn take(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.problems)
    }

    /// Adds a warning: the value is taken, and worth a look. Its message is one of [`messages::WARNINGS`].
    pub fn warn(&mut self, path: impl Into<String>, message: &'static Message) {
        self.warnings.push(Problem::new(path, message));
    }

    /// Takes all warnings, each once.
    pub fn take_warnings(&mut self) -> Vec<Problem> {
        let mut all: Vec<Problem> = Vec::new();
        for warning in std::mem::take(&mut self.warnings) {
            if !all.contains(&warning) {
                all.push(warning);
            }
        }
        all
    }
}

/// The reason for which an operation was not done.
#[derive(Clone, Debug)]
pub enum OperationError {
    /// The input was refused, with these problems.
    Refused(Vec<Problem>),
    /// The program failed, or cannot answer now.
    Failed(DomainError),
}

impl From<DomainError> for OperationError {
    fn from(error: DomainError) -> Self {
        Self::Failed(error)
    }
}

impl From<Problem> for OperationError {
    fn from(problem: Problem) -> Self {
        Self::Refused(vec![problem])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_with_their_argument() {
        let field = Problem::required("parties.0.organization");
        assert_eq!(field.arguments(), ["input", "parties", "0", "organization"]);
        assert_eq!(Problem::conflict(3).arguments(), ["baseRevision"]);
        assert_eq!(Problem::new("", &messages::NOT_SIGNED_IN).arguments(), ["input"]);
    }
}
