//! How the systems of partner regions stay in step with the directory.

pub mod digest;
pub mod feed;
pub mod snapshot;
pub mod status;
