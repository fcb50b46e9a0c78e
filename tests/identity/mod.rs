//! Who calls: signing in, tokens, keys, roles.

mod api_key;
mod command;
mod key;
mod oidc;
mod session;
mod throttle;
mod token;
mod viewer;
