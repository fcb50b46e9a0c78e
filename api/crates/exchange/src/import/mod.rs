//! Imports from files: the sample directory, and files that regions hand over.

pub mod csv;
pub mod file;
pub mod line;
pub mod sample;
pub mod snapshot;
pub mod source;
