//! Profiles that nobody confirms do not stay for ever.

pub mod store;
