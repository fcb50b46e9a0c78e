//! The tests of the whole program, over HTTP and on its command line: a module per capability.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and says where"
)]

mod applications;
mod audit;
mod browsers;
mod calendar;
mod calls;
mod changes;
mod command;
mod conditional;
mod documentation;
mod documents;
mod erasure;
mod errors;
mod events;
mod exchange;
mod feed;
mod hostile;
mod http;
mod identity;
mod import;
mod invariants;
mod layers;
mod lists;
mod matrix;
mod mutations;
mod operators;
mod privacy;
mod push;
mod rates;
mod readme;
mod registrations;
mod sample;
mod schema;
mod search;
mod selection;
mod socket;
mod specification;
mod statements;
mod strangers;
mod stream;
mod support;
mod visibility;
