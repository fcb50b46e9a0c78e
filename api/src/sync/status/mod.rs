//! How those who follow are getting on: how far they are, and whether they have taken what was erased.
//!
//! | who | sees |
//! |---|---|
//! | administrators of the instance | everything |
//! | administrators of regions | the keys of their regions, the accounts with a role there, what was erased there |
//! | the systems of a region (`SYNC_PARTNER`) | themselves, and what they have not taken |
//! | the staff of a region | of what was erased there, who has taken it (`erasureStatus`) |
//!
//! For all others there is nothing.

use std::sync::Arc;

use uuid::Uuid;

use crate::identity::caller::{Call, Known};
use crate::record::core::Core;
use crate::record::error::DomainError;
use crate::record::value::DateTime;
use crate::search::service::Search;
use crate::sync::SyncSettings;
use crate::vocabulary::vocabularies;

pub mod graphql;
mod store;

/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;

/// Of whom and what somebody is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    /// Of everything.
    all: bool,
    /// Regions that they administer.
    regions: Vec<String>,
    /// Themselves.
    own: Option<Uuid>,
}

impl Told {
    /// Of what a caller is told; nothing where there is nothing.
    fn of(call: &Call) -> Option<Self> {
        let viewer = call.viewer();
        let administers = |known: &Arc<Known>| {
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

    /// Whether they are told of nobody but themselves.
    fn only_own(&self) -> bool {
        !self.all && self.regions.is_empty()
    }
}

/// Before when something must have been erased for everybody to have taken it by now.
fn due(core: &Core, settings: SyncSettings) -> DateTime {
    DateTime::from_micros(core.clock.now().micros() - i64::from(settings.erasure_hours) * HOUR)
}

/// How far the index has followed; the end of all numbers where there is none, or it is not known, as just after the start.
fn indexed(search: &Search) -> i64 {
    search.reached().map_or(i64::MAX, |reached| reached.seq)
}

/// How many erased records somebody who has followed them, or the search index, has not taken in time.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn overdue(core: &Core, search: &Search, settings: SyncSettings) -> Result<i64, DomainError> {
    let told = Told { all: true, ..Told::default() };
    Ok(store::outstanding(&core.db, &told, indexed(search), due(core, settings)).await?.overdue)
}
