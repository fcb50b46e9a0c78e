//! The outcomes of the records of a batch, and the part that is stored with its idempotency key: statuses, ids,
//! revisions and codes. Neither the pushed data nor any text of it is stored.

use async_graphql::Enum;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use kernel::error::DomainError;
use kernel::messages::{self, FilledMessage, pushing};
use kernel::problem::{Problem, UserErrorCode};
use kernel::user_error::UserError;
use kernel::value::LanguagePreferences;
use kernel::{name_of, value_of};
use records::write::Status;

/// What becomes of the good records of a batch in which others are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum PushMode {
    /// They are written.
    #[default]
    PerItem,
    /// Nothing is written.
    AllOrNothing,
}

/// The reason why a record was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A refusal of this request.
    Now(Problem),
    /// A refusal from when the same batch was first sent: code, reason, and path joined by dots.
    Before(UserErrorCode, Option<String>, String),
}

impl Refusal {
    /// The more specific code.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Now(problem) => problem.reason,
            Self::Before(_, reason, _) => reason.as_deref(),
        }
    }

    /// The refusal as a user error in the reader's language.
    pub fn told(&self, reader: &LanguagePreferences) -> UserError {
        match self {
            Self::Now(problem) => UserError::new(problem, reader),
            Self::Before(code, reason, path) => {
                let name = reason.clone().unwrap_or_else(|| name_of(*code).to_owned());
                let said = FilledMessage::new(&pushing::REFUSED_BEFORE).with("code", name);
                let told = UserError::new(&Problem::beside(path.as_str(), said), reader);
                UserError { code: *code, reason: reason.clone(), ..told }
            }
        }
    }
}

/// The two sides of a conflict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conflict {
    /// The revision that the source has seen.
    pub base_revision: Option<i32>,
    /// The present revision; 0 if there is no record.
    pub current_revision: i32,
    /// The fields in which the pushed record differs from the present one.
    pub differing: Vec<String>,
}

/// The outcome of a record of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordOutcome {
    /// The status.
    pub status: Status,
    /// The id of the record, if there is one.
    pub id: Option<Uuid>,
    /// The present revision of the record, or that of its tombstone if it was removed.
    pub revision: Option<i32>,
    /// The reasons why it was refused.
    pub refusals: Vec<Refusal>,
    /// The two sides, if the status is a conflict.
    pub conflict: Option<Conflict>,
    /// Values that were taken, and are worth a look.
    pub warnings: Vec<Problem>,
}

impl RecordOutcome {
    /// The outcome of a refused record.
    pub fn refused(problem: Problem) -> Self {
        let refusals = vec![Refusal::Now(problem)];
        let (id, revision, conflict, warnings) = (None, None, None, Vec::new());
        Self { status: Status::Rejected, id, revision, refusals, conflict, warnings }
    }

    /// Whether the record now has the state that its source wants.
    pub fn is_good(&self) -> bool {
        matches!(self.status, Status::Created | Status::Updated | Status::Unchanged)
    }
}

/// The stored outcome of a record: status, id, revision, code, reason and path of each refusal, and reason and path of each
/// warning. Outcomes that were stored before there were warnings have none.
#[derive(Debug, Serialize, Deserialize)]
struct Kept(
    String,
    Option<Uuid>,
    Option<i32>,
    Vec<(String, Option<String>, String)>,
    #[serde(default)] Vec<(String, String)>,
);

/// Encodes the outcome of a batch to be stored.
///
/// # Errors
/// [`DomainError::Stored`].
pub(super) fn encode(all: &[RecordOutcome]) -> Result<String, DomainError> {
    let kept = all.iter().map(|told| {
        let codes = told.refusals.iter().map(|refusal| match refusal {
            Refusal::Now(problem) => {
                let reason = problem.reason.map(str::to_owned);
                (name_of(problem.code).to_owned(), reason, problem.path.clone())
            }
            Refusal::Before(code, reason, path) => (name_of(*code).to_owned(), reason.clone(), path.clone()),
        });
        let warnings = told.warnings.iter();
        let warnings = warnings.map(|one| (one.reason.unwrap_or_default().to_owned(), one.path.clone()));
        Kept(name_of(told.status).to_owned(), told.id, told.revision, codes.collect(), warnings.collect())
    });
    Ok(serde_json::to_string(&kept.collect::<Vec<_>>())?)
}

/// Decodes the stored outcome of a batch.
///
/// # Errors
/// [`DomainError::Stored`] if the text is malformed.
pub(super) fn decode(text: &str) -> Result<Vec<RecordOutcome>, DomainError> {
    let kept: Vec<Kept> = serde_json::from_str(text)?;
    let wrong = |name: &str| DomainError::Stored(format!("the outcome of a batch has `{name}`"));
    let told = kept.into_iter().map(|Kept(status, id, revision, codes, warnings)| {
        let refusals = codes.into_iter().map(|(code, reason, path)| {
            let known = value_of(&code).ok_or_else(|| wrong(&code))?;
            Ok(Refusal::Before(known, reason, path))
        });
        let status = value_of(&status).ok_or_else(|| wrong(&status))?;
        let warnings = warnings.into_iter().map(|(reason, path)| {
            let known = messages::WARNINGS.iter().find(|message| message.reason == Some(reason.as_str()));
            known.map(|message| Problem::new("", message).with_argument(path)).ok_or_else(|| wrong(&reason))
        });
        Ok(RecordOutcome {
            status,
            id,
            revision,
            refusals: refusals.collect::<Result<_, DomainError>>()?,
            conflict: None,
            warnings: warnings.collect::<Result<_, DomainError>>()?,
        })
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_stored_and_no_words() {
        let canary = FilledMessage::new(&messages::SLUG_TAKEN).with("slug", "canary");
        let refused =
            RecordOutcome::refused(Problem::at("slug", canary).with_argument("input.records.0.talent.slug"));
        let id = Some(Uuid::from_u128(7));
        let made = RecordOutcome {
            status: Status::Created,
            id,
            revision: Some(1),
            refusals: Vec::new(),
            conflict: None,
            warnings: vec![
                Problem::new("", &messages::events::TIME_TWICE).with_argument("input.records.1.event"),
            ],
        };
        let text = encode(&[refused, made.clone()]).unwrap();
        assert!(!text.contains("canary"), "{text}");
        let again = decode(&text).unwrap();
        let path = "input.records.0.talent.slug".to_owned();
        let kept = Refusal::Before(UserErrorCode::NotUnique, Some("SLUG_TAKEN".to_owned()), path);
        assert_eq!((again[0].status, &again[0].refusals, &again[1]), (Status::Rejected, &vec![kept], &made));
        assert_eq!(encode(&again).unwrap(), text);
        let before = r#"[["CREATED",null,1,[]]]"#;
        assert!(decode(before).unwrap()[0].warnings.is_empty());
        let told = again[0].refusals[0].told(&LanguagePreferences::parse("en"));
        assert_eq!((told.code, told.path.len()), (UserErrorCode::NotUnique, 5));
    }
}
