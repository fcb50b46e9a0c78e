//! Writing of records: the one write path, the change log, erasure, and the audit trail.
//!
//! The write path knows no record type. It finds them in the registry ([`write::Kinds`]) that the layer above gives to
//! [`handle::Core`].

pub mod audit;
pub mod changes;
pub mod erasure;
pub mod handle;
pub mod migrations;
pub mod mutation;
pub mod reference;
pub mod slug;
pub mod transact;
pub mod worker;
pub mod write;
