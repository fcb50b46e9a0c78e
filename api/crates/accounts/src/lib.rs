//! Accounts in the schema: sign-in, API keys, invitations, administration, and the export of one's own data.

pub mod account;
pub mod administration;
pub mod api_key;
pub mod calendar_address;
pub mod demo;
pub mod export;
pub mod invitation;
pub mod recovery;
pub mod session;
pub mod viewer;
