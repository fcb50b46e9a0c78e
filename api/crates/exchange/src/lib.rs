//! Records on their way in and out: files, calendars, batches that systems push, the feed and its copies, and what is found by an id
//! of any type.

pub mod calendar;
pub mod import;
pub mod node;
pub mod push;
pub mod sync;
