//! The domain: a folder per concept with its rules, its SQL and its schema.

pub mod affiliation;
pub mod contact_read;
pub mod history;
pub mod node;
pub mod organization;
pub mod partnership;
pub mod proposal;
pub mod region;
pub mod statistics;
pub mod talent;
pub mod vocabulary;
