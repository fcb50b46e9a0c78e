//! The codes of top-level errors: one table with the meaning, the HTTP status and the remedy of each.

/// Whether the same request may succeed when it is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// No: something in the request has to change first.
    No,
    /// Yes, with a back-off.
    Later,
    /// Yes, after the time that the response names.
    AfterWaiting,
}

/// The description of a code. The table of `docs/errors.md` is generated from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described {
    /// The text in `extensions.code`.
    pub name: &'static str,
    /// The meaning, in a sentence.
    pub meaning: &'static str,
    /// The remedy for the client.
    pub action: &'static str,
    /// Whether to send the request again.
    pub retry: Retry,
    /// HTTP status of a response without data, for clients that accept `application/graphql-response+json`. The error
    /// of a field comes with data, and with 200.
    pub status: u16,
    /// The same for clients that accept only `application/json`.
    pub status_json: u16,
    /// Further statuses of the code, for errors of the HTTP request itself.
    pub others: &'static [u16],
    /// Further entries of `extensions`.
    pub extensions: &'static [&'static str],
}

/// Expands to the given expression, else to the default after `or`.
macro_rules! either {
    (or $default:expr) => {
        $default
    };
    ($given:expr, or $default:expr) => {
        $given
    };
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal {
        status: $status:literal $(or $json:literal)?, $(others: $others:tt,)? $(extensions: $extensions:tt,)?
        retry: $retry:ident, action: $action:literal
    })+) => {
        /// Every code that a top-level error carries in `extensions.code`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The description of the code.
            pub const fn described(self) -> &'static Described {
                match self {
                    $(Self::$variant => &Described {
                        name: $name,
                        meaning: concat!($($doc),+),
                        action: $action,
                        retry: Retry::$retry,
                        status: $status,
                        status_json: either!($($json,)? or $status),
                        others: either!($(&$others,)? or &[]),
                        extensions: either!($(&$extensions,)? or &[]),
                    },)+
                }
            }
        }
    };
}

codes! {
    /// The request itself is refused: its method, address, media type or form.
    BadRequest = "BAD_REQUEST" {
        status: 422 or 200, others: [400, 404, 405, 406, 408, 415, 422],
        retry: No, action: "Mend the client: the message says what would be right."
    }
    /// The body is longer than the limit.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE" {
        status: 413,
        retry: No, action: "Send less at once, in several requests."
    }
    /// The text is not GraphQL.
    GraphqlParseFailed = "GRAPHQL_PARSE_FAILED" {
        status: 400 or 200,
        retry: No, action: "Mend the document at the line and column of `locations`."
    }
    /// The document does not fit the schema.
    GraphqlValidationFailed = "GRAPHQL_VALIDATION_FAILED" {
        status: 422 or 200,
        retry: No, action: "Check the document against the present schema, best when the client is built."
    }
    /// No operation of the document has the given name, or there are several and none is named.
    OperationResolutionFailure = "OPERATION_RESOLUTION_FAILURE" {
        status: 422 or 200,
        retry: No, action: "Send the `operationName` of one of the operations."
    }
    /// The document is deeper, longer or costlier than the limits.
    QueryTooComplex = "QUERY_TOO_COMPLEX" {
        status: 422 or 200,
        retry: No, action: "Ask for less at once: shorter pages, fewer levels, several requests. The message names the limit."
    }
    /// An argument or variable has a value that is not allowed.
    BadUserInput = "BAD_USER_INPUT" {
        status: 422 or 200, others: [400], extensions: ["argument"],
        retry: No, action: "Send another value: the message says which are right."
    }
    /// The request carries a token that is not good, or none where one is needed.
    Unauthenticated = "UNAUTHENTICATED" {
        status: 401,
        retry: No, action: "Refresh the session or sign in again, then send it once more."
    }
    /// What is asked for is not allowed here, whoever asks: a document that the operator does not trust, or a WebSocket of a
    /// page of another site.
    Forbidden = "FORBIDDEN" {
        status: 403 or 200, others: [403],
        retry: No, action: "Send a document of the manifest, or from a page of a site that the operator has named."
    }
    /// Somebody asks too often, or for too much at once.
    RateLimited = "RATE_LIMITED" {
        status: 429, extensions: ["retryAfterMs"],
        retry: AfterWaiting, action: "Wait for `retryAfterMs`, then send it again."
    }
    /// The server knows no document of this id or hash.
    PersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND" {
        status: 422 or 200,
        retry: No, action: "Of a hash: send it once more with the text as `query`. Of a `documentId`: give the manifest to the operator first."
    }
    /// The server keeps no documents that clients register: it knows those that its operator trusts.
    PersistedQueryNotSupported = "PERSISTED_QUERY_NOT_SUPPORTED" {
        status: 422 or 200,
        retry: No, action: "Send a `documentId` of the manifest, or the text as `query`."
    }
    /// The answer was not ready within the time limit.
    Timeout = "TIMEOUT" {
        status: 504,
        retry: Later, action: "Ask for less at once. Whether a mutation was done is not known: send it again with its `idempotencyKey` or `baseRevision`."
    }
    /// The database cannot answer or write at the moment, or the issuer of a token cannot be asked for its keys.
    Unavailable = "UNAVAILABLE" {
        status: 503, extensions: ["requestId"],
        retry: Later, action: "Try again in a few seconds, with the same token."
    }
    /// The search engine does not answer, and the database cannot go on with the pages that it began.
    SearchUnavailable = "SEARCH_UNAVAILABLE" {
        status: 200,
        retry: Later, action: "Try again in a moment, or begin anew without `after`."
    }
    /// The search index has not caught up with the change that the client asked to wait for.
    IndexLagging = "INDEX_LAGGING" {
        status: 200,
        retry: Later, action: "Ask again in a moment, or without `notBefore`."
    }
    /// A position in the log is none that this instance has given out.
    CursorInvalid = "CURSOR_INVALID" {
        status: 200, extensions: ["recovery"],
        retry: No, action: "Load a snapshot, and follow from its cursor."
    }
    /// The log began anew after this position, as after a restore.
    CursorFeedChanged = "CURSOR_FEED_CHANGED" {
        status: 200, extensions: ["recovery"],
        retry: No, action: "Load a snapshot and keep your ids: those of the records are the same."
    }
    /// A position in the log is behind its end.
    CursorAhead = "CURSOR_AHEAD" {
        status: 200, extensions: ["recovery"],
        retry: No, action: "Load a snapshot, and tell the operators of both systems."
    }
    /// Another change stands at this position of the log than the reader has seen.
    CursorForked = "CURSOR_FORKED" {
        status: 200, extensions: ["recovery"],
        retry: No, action: "Load a snapshot, and tell the operators of both systems."
    }
    /// What was deleted since this position is no longer known.
    CursorExpired = "CURSOR_EXPIRED" {
        status: 200, extensions: ["recovery"],
        retry: No, action: "Load a snapshot, and follow from its cursor."
    }
    /// The reader asks for other records than before, or may see others.
    CursorViewsChanged = "CURSOR_VIEWS_CHANGED" {
        status: 200,
        extensions: ["recovery", "addedViews", "removedViews", "addedTypes", "removedTypes", "resumeCursor"],
        retry: No, action: "Drop what was removed, load a snapshot of what was added, go on from `resumeCursor`."
    }
    /// A fault of the server; the client gets the request's id and nothing else.
    InternalServerError = "INTERNAL_SERVER_ERROR" {
        status: 500, extensions: ["requestId"],
        retry: Later, action: "Try once more; if it fails again, tell the operator the `requestId`."
    }
}

impl Code {
    /// The text in `extensions.code`.
    pub const fn as_str(self) -> &'static str {
        self.described().name
    }
}
