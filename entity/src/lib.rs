//! The tables as they are: one file each, columns and nothing else.

pub mod affiliation;
pub mod change_log;
pub mod feed_history;
pub mod feed_meta;
pub mod idempotency;
pub mod instance;
pub mod lease;
pub mod organization;
pub mod organization_list;
pub mod organization_member;
pub mod organization_name;
pub mod partnership;
pub mod partnership_list;
pub mod partnership_party;
pub mod record_identifier;
pub mod record_redirect;
pub mod record_slug;
pub mod search_dead_letter;
pub mod search_job;
pub mod source;
pub mod sync_record;
pub mod talent;
pub mod talent_list;
pub mod view_head;
