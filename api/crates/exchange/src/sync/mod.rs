//! Synchronization of partner systems with the directory: the feed, snapshots, digests, and the status of clients.
//!
//! - **The feed** (`feed/`) reads each page in a spawned task. The newest entries are an index range of `view_head` for
//!   each followed view, and the records come from the same keyed reads as `nodes`. Statements within a snapshot are
//!   not batched with others.
//! - **Views** are those that roles grant (`Viewer::granted_level`, `insider_regions`). Own records form no view. A
//!   record made of others is in the strictest view of its parts. A private one is in the view of its private parts'
//!   region, or only in that of administrators if these are of several regions (`policy::view_region`). So a follower
//!   of a view may see everything in it, and each change of visibility is a change of view, with an entry. Otherwise a
//!   reader would miss a record that becomes visible because one of its parts has moved. The test `feed::history` finds
//!   such errors: `SEED=.. ROUNDS=1000 cargo test -p passerelle --test integration feed::history`.
//! - **Waiting**: the feed waits with `Heads` like everything else. A request that waits gets that time added to its
//!   time-out (`kernel/src/patience.rs`), and identifies its caller again before each page (`Call::again`).
//! - **Copies** (`snapshot.rs`): a walk through each table in one long snapshot yields the ids (`digest.rs`), on a
//!   connection pool of its own. The schema itself yields the records: its document has a fragment from the folder of
//!   each type (`snapshot.graphql`). So visibility is decided in one place. A test fails if a field is missing there.
//!   Digests use the same walk.
//! - **Erasures** (`status/`): `view_head` has the operation ERASE for each view that the record was in. Where
//!   retention prunes it, `erasure_view` keeps the fact. A client's row lists its `types` and `views`, so a statement
//!   finds the clients that have not applied an erasure. The housekeeping warns of late ones, without ids.
//! - **Limits** (`identity/src/traffic.rs`) are by API key or account, else by address (`Call::counted_as`).

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
