//! Synchronization of partner systems with the directory: the feed, snapshots, digests, and the status of clients.

pub mod digest;
pub mod feed;
pub mod snapshot;
pub mod status;

/// Hours within which all who follow must have taken what was erased, where nothing else is set.
pub const ERASURE_HOURS: u32 = 24;

/// The settings for those who follow the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncSettings {
    /// Hours within which all who follow must have taken what was erased.
    pub erasure_hours: u32,
}

impl Default for SyncSettings {
    fn default() -> Self {
        Self { erasure_hours: ERASURE_HOURS }
    }
}
