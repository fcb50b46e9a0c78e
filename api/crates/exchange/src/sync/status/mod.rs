//! The status of clients: their positions in the log, and whether they have taken the erasures.
//!
//! | who | sees |
//! |---|---|
//! | administrators of the instance | everything |
//! | administrators of regions | the keys of their regions, the accounts with a role there, what was erased there |
//! | the systems of a region (`SYNC_PARTNER`) | themselves, and the erasures that they have not taken |
//! | the staff of a region | the clients that have taken an erasure in the region (`erasureStatus`) |
//!
//! All others see nothing.

use std::sync::Arc;

use uuid::Uuid;

use crate::sync::SyncSettings;
use identity::caller::{Call, IdentifiedCaller};
use kernel::error::DomainError;
use kernel::value::DateTime;
use kernel::vocabulary::vocabularies;
use records::handle::Core;
use search::service::Search;

pub mod graphql;
mod store;

/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;

/// The part of the status that a caller may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct StatusScope {
    /// Everything.
    all: bool,
    /// The regions that the caller administers.
    regions: Vec<String>,
    /// The caller itself, where it is a system of a region.
    own: Option<Uuid>,
}

impl StatusScope {
    /// Returns the part that a caller may see; `None` where there is none.
    fn of(call: &Call) -> Option<Self> {
        let viewer = call.viewer();
        let administers = |known: &Arc<IdentifiedCaller>| {
            let regions = vocabularies().regions.all.iter().map(|region| region.term.slug.as_str());
            regions.filter(|slug| known.administers(slug)).map(str::to_owned).collect()
        };
        let told = Self {
            all: viewer.admin,
            regions: if viewer.admin {
                Vec::new()
            } else {
                call.known.as_ref().map(administers).unwrap_or_default()
            },
            own: viewer.account.filter(|_| viewer.pushes_anything()),
        };
        (told.all || !told.regions.is_empty() || told.own.is_some()).then_some(told)
    }

    /// Whether the caller sees itself alone.
    fn only_own(&self) -> bool {
        !self.all && self.regions.is_empty()
    }
}

/// The time limit of erasures: those from before this time should have been taken by all clients.
fn due(core: &Core, settings: SyncSettings) -> DateTime {
    DateTime::from_micros(core.clock.now().micros() - i64::from(settings.erasure_hours) * HOUR)
}

/// The number of the last entry that the index has followed; `i64::MAX` where there is no index, or its position is not
/// known yet.
fn indexed(search: &Search) -> i64 {
    search.reached().map_or(i64::MAX, |reached| reached.seq)
}

/// Counts the erased records that a client which has followed them, or the search index, has not taken in time.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn overdue(core: &Core, search: &Search, settings: SyncSettings) -> Result<i64, DomainError> {
    let told = StatusScope { all: true, ..StatusScope::default() };
    Ok(store::outstanding(&core.db, &told, indexed(search), due(core, settings)).await?.overdue)
}
