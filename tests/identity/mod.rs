//! Identity: signing in, tokens, keys and roles.

mod administration;
mod api_key;
mod command;
mod invitation;
mod key;
mod mail;
mod oidc;
mod recovery;
mod session;
mod throttle;
mod token;
mod viewer;
