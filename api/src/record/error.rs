//! The one place where failures become GraphQL errors.

use std::sync::Arc;

use async_graphql::{Error, ErrorExtensions};
use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::record::error::fault::CursorFault;
use crate::record::read::Fault;

mod code;
pub mod fault;

pub use code::{Code, Described, Retry};

tokio::task_local! {
    /// Identity of the request being answered, for logs and for the client's report of an internal error.
    pub static REQUEST_ID: String;
}

/// What can go wrong in reading or writing the directory.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DomainError {
    /// An argument has a value that is not allowed; the message says what is.
    #[error("{message}")]
    BadUserInput {
        /// What is wrong and what would be right, in English.
        message: String,
        /// The argument, as a path: `filter.sectors`.
        argument: String,
    },
    /// The search index has not caught up with the change that the client asked to wait for.
    #[error("the search index has not caught up")]
    IndexLagging,
    /// The search engine does not answer, and the database cannot go on with the pages that it began.
    #[error("the search engine does not answer")]
    SearchUnavailable,
    /// A reader of the log cannot go on from its position.
    #[error("{0}")]
    Cursor(CursorFault),
    /// What a request showed to say who calls is good no more, or it shows nothing where it must.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// Somebody has tried too often, or asked for too much in a short time.
    #[error("too many attempts: again in {retry_after_ms} ms")]
    RateLimited {
        /// After how many milliseconds the next attempt is looked at.
        retry_after_ms: i64,
    },
    /// Whether a token is good is not known: its issuer cannot be reached.
    #[error("the issuer of a token cannot be reached")]
    IssuerUnavailable,
    /// The database failed.
    #[error("database: {0}")]
    Database(Arc<DbErr>),
    /// Others who read the same are waited for, and their statement does not come to its end in time.
    #[error("a statement of others was waited for too long")]
    Crowded,
    /// What was written is not there: a write was lost, or somebody else has taken the record away since.
    #[error("what was written is not there")]
    Unconfirmed,
    /// A stored value is not what this program writes.
    #[error("stored value: {0}")]
    Stored(String),
    /// A task of our own ended without an answer.
    #[error("task: {0}")]
    Task(String),
}

impl DomainError {
    /// A refusal of `argument` that says what is wrong and what would be right.
    pub fn bad_input(argument: impl Into<String>, message: impl Into<String>) -> Self {
        Self::BadUserInput { message: message.into(), argument: argument.into() }
    }

    /// The code that clients see.
    pub fn code(&self) -> Code {
        match self {
            Self::BadUserInput { .. } => Code::BadUserInput,
            Self::IndexLagging => Code::IndexLagging,
            Self::SearchUnavailable => Code::SearchUnavailable,
            Self::RateLimited { .. } => Code::RateLimited,
            Self::Cursor(fault) => fault.code(),
            Self::Unauthenticated(_) => Code::Unauthenticated,
            Self::IssuerUnavailable | Self::Crowded | Self::Unconfirmed => Code::Unavailable,
            Self::Database(error) if is_unavailable(error) => Code::Unavailable,
            Self::Database(_) | Self::Stored(_) | Self::Task(_) => Code::InternalServerError,
        }
    }
}

/// What clients are told where the database does not answer.
pub const UNAVAILABLE: &str = "The database cannot answer at the moment. Try again in a few seconds.";

/// What PostgreSQL says of a lock that was not there in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Whether the database could not be reached in time, or its connection was lost, or its disk is full or fails, or it
/// stops or has too much to do, or others have what a statement waits for, as opposed to having refused a statement.
fn is_unavailable(error: &DbErr) -> bool {
    if let Some(fault) = Fault::of(error) {
        // What is damaged stays so: another attempt helps nobody.
        return fault != Fault::Damaged;
    }
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            match error.as_ref() {
                sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
                // Classes of PostgreSQL: of connections, of resources that there are too few of, of its operator.
                sqlx::Error::Database(error) => {
                    let code = error.code().unwrap_or_default();
                    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
                        // Another program has the lock: SQLITE_BUSY and SQLITE_LOCKED, in the last byte of the code.
                        return code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 5 | 6));
                    }
                    code == LOCK_NOT_AVAILABLE
                        || ["08", "53", "57"].iter().any(|class| code.starts_with(class))
                }
                _ => false,
            }
        }
        _ => false,
    }
}

/// Whether the database does not take what was to be written, whenever it is tried: a value, or a constraint.
pub fn is_untaken(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    let sqlx::Error::Database(error) = error.as_ref() else { return false };
    let code = error.code().unwrap_or_default();
    match code.parse::<u32>() {
        // The extended codes of SQLite have the simple one in their last byte: too big, a constraint, a wrong type.
        Ok(code) if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() => {
            matches!(code & 0xff, 18..=20)
        }
        // Classes of PostgreSQL: of data, of constraints, of limits, of what functions raise.
        _ => ["22", "23", "54", "P0"].iter().any(|class| code.starts_with(class)),
    }
}

impl From<DbErr> for DomainError {
    fn from(error: DbErr) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl From<serde_json::Error> for DomainError {
    fn from(error: serde_json::Error) -> Self {
        Self::Stored(error.to_string())
    }
}

impl ErrorExtensions for DomainError {
    fn extend(&self) -> Error {
        let code = self.code();
        match self {
            Self::BadUserInput { message, argument } => Error::new(message.clone()).extend_with(|_, e| {
                e.set("code", code.as_str());
                e.set("argument", argument.as_str());
            }),
            Self::IndexLagging => {
                let message = "The search index has not caught up with this change yet. Ask again in a moment, or without \
                               `notBefore`.";
                Error::new(message).extend_with(|_, e| e.set("code", code.as_str()))
            }
            Self::SearchUnavailable => {
                let message = "The search engine does not answer, and the pages that it began cannot go on without it. \
                               Ask again in a moment, or begin anew without `after`.";
                Error::new(message).extend_with(|_, e| e.set("code", code.as_str()))
            }
            Self::RateLimited { retry_after_ms } => {
                let message = format!(
                    "Too many attempts or requests. Try again in {} s.",
                    retry_after_ms.max(&0) / 1000 + 1
                );
                Error::new(message).extend_with(|_, e| {
                    e.set("code", code.as_str());
                    e.set("retryAfterMs", *retry_after_ms);
                })
            }
            Self::Cursor(fault) => Error::new(fault.to_string()).extend_with(|_, e| {
                e.set("code", code.as_str());
                fault.extend(e);
            }),
            Self::Unauthenticated(message) => {
                Error::new(*message).extend_with(|_, e| e.set("code", code.as_str()))
            }
            Self::IssuerUnavailable => {
                let message = "The issuer of this token cannot be reached at the moment, so that nobody knows whether it is \
                               good. Keep it, and try again in a few seconds.";
                Error::new(message).extend_with(|_, e| e.set("code", code.as_str()))
            }
            _ => internal(code, self),
        }
    }
}

/// Logs the chain of an internal error and gives the client the request's id and nothing else.
fn internal(code: Code, error: &DomainError) -> Error {
    let request_id = REQUEST_ID.try_with(Clone::clone).unwrap_or_default();
    tracing::error!(%error, %request_id, "request failed");
    let message = match code {
        Code::Unavailable => UNAVAILABLE,
        _ => "Something went wrong on our side. Tell us the requestId if it happens again.",
    };
    Error::new(message).extend_with(|_, e| {
        e.set("code", code.as_str());
        e.set("requestId", request_id.as_str());
    })
}

/// A shorter name for what resolvers answer.
pub type GraphqlResult<T> = async_graphql::Result<T>;

/// Turns a result of the domain into one of GraphQL.
pub trait IntoGraphql<T> {
    /// # Errors
    /// The same error, as clients see it.
    fn graphql(self) -> GraphqlResult<T>;
}

impl<T> IntoGraphql<T> for Result<T, DomainError> {
    fn graphql(self) -> GraphqlResult<T> {
        self.map_err(|error| error.extend())
    }
}
