//! Mails about applications: to the members of the applicant, and to the staff of the funders.

use sea_orm::DatabaseTransaction;

use super::ApplicationStatus;
use super::write::{Written, shown_id};
use identity::Identity;
use identity::mail::{self, Mail, Template};
use kernel::error::DomainError;
use store::{Recipient, accounts_of_organization};

pub mod reminder;
mod store;

/// Tells the members of the applicant that their application was received.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn received(
    identity: &Identity,
    tx: &DatabaseTransaction,
    application: &Written,
) -> Result<(), DomainError> {
    let template = Template::ApplicationReceived { application: shown_id(application.model.id) };
    tell(identity, tx, application, &template).await
}

/// Tells the members of the applicant that a funder has awarded money to their application, or that all have rejected it.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn decided(
    identity: &Identity,
    tx: &DatabaseTransaction,
    application: &Written,
) -> Result<(), DomainError> {
    let awarded = application.status() == ApplicationStatus::Awarded;
    let template = Template::ApplicationDecided { application: shown_id(application.model.id), awarded };
    tell(identity, tx, application, &template).await
}

async fn tell(
    identity: &Identity,
    tx: &DatabaseTransaction,
    application: &Written,
    template: &Template,
) -> Result<(), DomainError> {
    for Recipient { to, language } in
        accounts_of_organization(tx, identity.db.dialect(), application.model.applicant_id).await?
    {
        let mail = Mail { to: Some(to), language, template: template.clone(), until: None };
        mail::enqueue(tx, identity, mail).await?;
    }
    Ok(())
}
