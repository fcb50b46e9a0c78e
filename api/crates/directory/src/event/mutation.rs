//! Mutations of events.

use super::EventNode;
use super::write::Events;
use crate::record_mutations;

record_mutations! {
    /// Mutations of events.
    EventMutation of Events,
    /// An event as it was written, or why nothing was.
    EventPayload {
        /// The event as it is now. Where somebody else has changed it meanwhile (CONFLICT), as they have left it; null
        /// where nothing was written for another reason.
        event: EventNode
    }
    with warnings
    create {
        /// Makes an event: it needs a kind, a region and a title. Those who write the records of that region may.
        create_event
    }
    update {
        /// Changes an event: an absent field keeps, null clears, a list replaces. Those who write the records of its region
        /// may.
        update_event("Id of the event.")
    }
    delete {
        /// Deletes an event. Those who write the records of its region may. One that has parts stays until they are gone.
        delete_event("Id of the event.")
    }
}
