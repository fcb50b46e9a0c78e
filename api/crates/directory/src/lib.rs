//! The domain: a folder per concept with its rules, its SQL and its schema.

pub mod affiliation;
pub mod application;
pub mod call_for_projects;
pub mod contact_read;
pub mod declare;
pub mod event;
pub mod history;
pub mod organization;
pub mod partnership;
pub mod proposal;
pub mod region;
pub mod registration;
mod replicated;
pub mod statistics;
pub mod talent;

use futures::future::BoxFuture;
use sea_orm::DatabaseTransaction;

use kernel::RecordType;
use kernel::error::DomainError;
use kernel::read::Dialect;
use kernel::records;
use records::write::{AnyKind, Kinds};

macro_rules! make_kinds {
    ($(
        $(#[$doc:meta])*
        $name:ident $module:ident {
            is $is:tt, write($kind:ident, $input:ident, $described:literal), $($rest:tt)*
        }
    )*) => {
        fn kind_of(record_type: RecordType) -> &'static dyn AnyKind {
            match record_type {
                $(RecordType::$name => &$module::write::$kind,)*
            }
        }
    };
}

records!(make_kinds);

/// The registry of record types.
pub const KINDS: Kinds = Kinds::new(kind_of, &[identity::PERSONAL, PERSONAL]);

/// The tables of this layer that have personal data.
const PERSONAL: &[&str] = &[
    "talent",
    "talent_list",
    "affiliation",
    "application",
    "application_decision",
    "proposal",
    "contact_read",
    "consent",
    "scheduled_erasure",
    "event_speaker",
    "event_session_speaker",
    "event_registration",
    "event_notice",
];

/// Fills the columns of earlier layouts whose values the program computes: what [`records::migrations::run`] ends with.
///
/// # Errors
/// [`DomainError::Database`].
pub fn finish(on: &DatabaseTransaction, dialect: Dialect) -> BoxFuture<'_, Result<(), DomainError>> {
    Box::pin(organization::write::name_all(on, dialect))
}

#[cfg(test)]
mod tests {
    use kernel::all_of;

    use super::*;

    #[test]
    fn the_space_of_every_personal_type_is_cleaned() {
        let tables: Vec<&str> = KINDS.personal().collect();
        for of in all_of::<RecordType>().filter(|of| of.is_personal()) {
            assert!(tables.contains(&of.prefix()), "PERSONAL does not name the table {}", of.prefix());
        }
    }
}
