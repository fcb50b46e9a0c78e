//! Where a stream is taken up again, by ways that keep this apart from the document.

use std::sync::{Mutex, PoisonError};

/// The place from which a stream goes on, and the one that it has reached: what event streams carry as
/// `Last-Event-ID` and `id`. Part of the data of each request.
///
/// A stream that can be taken up again begins after [`Resumption::last`], which is later than what its arguments say,
/// and tells [`Resumption::reach`] the place of each entry just before it answers it.
#[derive(Debug, Default)]
pub struct Resumption {
    last: Option<String>,
    reached: Mutex<Option<String>>,
}

impl Resumption {
    /// Goes on after this place.
    pub fn after(last: Option<String>) -> Self {
        Self { last, reached: Mutex::default() }
    }

    /// The place after which to go on; nothing where the client has none.
    pub fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// Notes the place of the entry that is answered next.
    pub fn reach(&self, place: String) {
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
    }

    /// The place of the entry that was answered.
    pub fn take(&self) -> Option<String> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
