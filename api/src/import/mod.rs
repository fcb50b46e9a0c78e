//! What comes in from files: the sample directory, and what regions hand over.

pub mod csv;
pub mod file;
pub mod line;
pub mod sample;
pub mod snapshot;
pub mod source;
