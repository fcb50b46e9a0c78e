//! The one place where failures become GraphQL errors.

use std::sync::Arc;

use async_graphql::{Error, ErrorExtensions};
use sea_orm::{DbErr, RuntimeErr, sqlx};

use crate::error::fault::CursorFault;
use crate::read::Fault;

mod code;
pub mod fault;

pub use code::{Code, Described, Retry};

tokio::task_local! {
    /// Identity of the request being answered, for logs and for the client's report of an internal error.
    pub static REQUEST_ID: String;
}

/// An error of reading or writing the directory.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DomainError {
    /// An argument has a value that is not allowed; the message says what is.
    #[error("{message}")]
    BadUserInput {
        /// The message, in English: it says what would be right.
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
    /// A client cannot continue from its cursor in the change log.
    #[error("{0}")]
    Cursor(CursorFault),
    /// The credentials of the request are not valid any more, or are missing where they are required.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The caller has exceeded a rate limit.
    #[error("too many attempts: again in {retry_after_ms} ms")]
    RateLimited {
        /// Milliseconds after which the next attempt may succeed.
        retry_after_ms: i64,
    },
    /// A token cannot be verified, because its issuer cannot be reached.
    #[error("the issuer of a token cannot be reached")]
    IssuerUnavailable,
    /// The database failed.
    #[error("database: {0}")]
    Database(Arc<DbErr>),
    /// A read did not finish within the time-out: its own statement, or the shared one that it waited for.
    #[error("a statement of others was waited for too long")]
    ReadTimedOut,
    /// A record that was just written cannot be read back: the write was lost, or the record was removed since.
    #[error("what was written is not there")]
    Unconfirmed,
    /// A stored value is not what this program writes.
    #[error("stored value: {0}")]
    Stored(String),
    /// A spawned task ended without a result.
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
            Self::IssuerUnavailable | Self::ReadTimedOut | Self::Unconfirmed => Code::Unavailable,
            Self::Database(error) if is_unavailable(error) => Code::Unavailable,
            Self::Database(_) | Self::Stored(_) | Self::Task(_) => Code::InternalServerError,
        }
    }
}

/// The message for clients when the database does not answer.
pub const UNAVAILABLE: &str = "The database cannot answer at the moment. Try again in a few seconds.";

/// SQLSTATE of PostgreSQL for a lock that was not available in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Whether the error is temporary and no refusal of the statement: a lost connection, a time-out, a full or failing
/// disk, a database that stops or is overloaded, or a lock that was not available in time.
fn is_unavailable(error: &DbErr) -> bool {
    if let Some(fault) = Fault::of(error) {
        // Damage is permanent: a retry does not help.
        return fault != Fault::Damaged;
    }
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            match error.as_ref() {
                sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
                // SQLSTATE classes of PostgreSQL: 08 connection, 53 insufficient resources, 57 operator intervention.
                sqlx::Error::Database(error) => {
                    let code = error.code().unwrap_or_default();
                    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
                        // SQLITE_BUSY and SQLITE_LOCKED, in the last byte of the code: another connection has the lock.
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

/// Whether the database refuses the written data (a value or a constraint), so that a retry fails too.
pub fn is_permanent(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    let sqlx::Error::Database(error) = error.as_ref() else { return false };
    let code = error.code().unwrap_or_default();
    match code.parse::<u32>() {
        // SQLITE_TOOBIG, SQLITE_CONSTRAINT and SQLITE_MISMATCH, in the last byte of the extended code.
        Ok(code) if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() => {
            matches!(code & 0xff, 18..=20)
        }
        // SQLSTATE classes of PostgreSQL: 22 data, 23 constraint, 54 program limit, P0 raised by a function.
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

/// Logs an internal error. The client gets the id of the request, and no detail of the error.
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

/// The result of a resolver.
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
