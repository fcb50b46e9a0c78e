//! The reasons why sockets end, with their close codes.

use axum::extract::ws::CloseFrame;

/// The maximum length of a reason in bytes (RFC 6455 section 5.5).
const MAX_REASON: usize = 123;

/// The reason why a socket ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The server closes it.
    Close {
        /// The close code.
        code: u16,
        /// The reason.
        reason: String,
    },
    /// The client closes it.
    Closed,
    /// The connection is lost.
    Gone,
}

impl Ending {
    fn close(code: u16, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        reason.truncate(reason.floor_char_boundary(MAX_REASON));
        Self::Close { code, reason }
    }

    /// The server stops.
    pub(super) fn going_away() -> Self {
        Self::close(1001, "The server stops: connect again in a moment")
    }

    /// The client has sent an invalid frame, or one that is too long to be read at all.
    pub(super) fn unreadable() -> Self {
        Self::close(1002, "What was sent is no message, or much too long")
    }

    /// A message is too long.
    pub(super) fn too_long(limit: usize) -> Self {
        Self::close(1009, format!("Messages may have {limit} bytes"))
    }

    /// The caller cannot be identified at the moment.
    pub(super) fn try_again() -> Self {
        Self::close(1013, "It cannot be found out at the moment who calls: connect again in a moment")
    }

    /// A message violates the GraphQL protocol.
    pub(super) fn invalid(why: &str) -> Self {
        Self::close(4400, why)
    }

    /// An operation was requested before `connection_ack`.
    pub(super) fn unauthorized() -> Self {
        Self::close(4401, "Unauthorized")
    }

    /// The access token is invalid or has expired.
    pub(super) fn forbidden() -> Self {
        Self::close(4403, "Forbidden")
    }

    /// The client does not offer the protocol.
    pub(super) fn unknown_protocol() -> Self {
        Self::close(4406, "Subprotocol not acceptable")
    }

    /// The client has not sent `connection_init` in time.
    pub(super) fn not_begun() -> Self {
        Self::close(4408, "Connection initialisation timeout")
    }

    /// The id of an operation is in use.
    pub(super) fn in_use(id: &str) -> Self {
        let id = id.get(..id.floor_char_boundary(MAX_REASON - 30)).unwrap_or_default();
        Self::close(4409, format!("Subscriber for {id} already exists"))
    }

    /// The client does not read what is sent to it.
    pub(super) fn not_drained() -> Self {
        Self::close(4413, "What was sent was not taken in time")
    }

    /// The client has sent `connection_init` twice.
    pub(super) fn begun_twice() -> Self {
        Self::close(4429, "Too many initialisation requests")
    }

    /// The close frame to send; `None` if the client has ended the socket.
    pub(super) fn frame(&self) -> Option<CloseFrame> {
        match self {
            Self::Close { code, reason } => Some(CloseFrame { code: *code, reason: reason.as_str().into() }),
            Self::Closed | Self::Gone => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_fit_into_a_frame() {
        for id in ["1", &"é".repeat(400), &"a".repeat(400)] {
            let Ending::Close { code: 4409, reason } = Ending::in_use(id) else { panic!("{id}") };
            assert!(reason.len() <= MAX_REASON && reason.ends_with(" already exists"), "{reason}");
        }
    }
}
