//! Who calls: signing in, tokens, keys, roles.

mod api_key;
mod command;
mod key;
mod mail;
mod session;
mod throttle;
mod token;
mod viewer;
