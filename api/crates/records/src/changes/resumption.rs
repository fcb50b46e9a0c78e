//! The position from which a subscription resumes, for transports that send it outside the GraphQL document.

use std::sync::{Mutex, PoisonError};

/// The position from which a subscription resumes, and the one that it has reached: the `Last-Event-ID` and `id` of
/// server-sent events. Part of the data of each request.
///
/// A resumable subscription starts after [`Resumption::last`] if there is one, which is later than its arguments say.
/// It calls [`Resumption::reach`] with the position of each entry just before it yields the entry.
#[derive(Debug, Default)]
pub struct Resumption {
    last: Option<String>,
    reached: Mutex<Option<String>>,
}

impl Resumption {
    /// A resumption after this position.
    pub fn after(last: Option<String>) -> Self {
        Self { last, reached: Mutex::default() }
    }

    /// The position after which to resume; `None` if the client sent none.
    pub fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// Sets the position of the entry that is yielded next.
    pub fn reach(&self, place: String) {
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
    }

    /// Takes the position of the entry that was yielded.
    pub fn take(&self) -> Option<String> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
