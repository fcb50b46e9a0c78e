//! Synchronization of partner systems with the directory: the feed, snapshots, digests, and the status of clients.

pub mod digest;
pub mod feed;
pub mod snapshot;
pub mod status;
