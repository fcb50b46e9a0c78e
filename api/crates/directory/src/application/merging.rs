//! Applications, partners and decisions of an organization that is merged into another.

use kernel::error::DomainError;
use records::write::{Pair, Rewritten};

/// What moves to the survivor. A partner that is there twice, or has become the applicant, is there once. Where both have
/// decided on an application, the survivor has decided once: awards add up, and an award counts more than a rejection.
const STEPS: [&str; 8] = [
    "UPDATE application SET applicant_id = $1 WHERE applicant_id = $2",
    "DELETE FROM application_partner WHERE organization_id = $2 AND application_id IN \
     (SELECT p.application_id FROM application_partner AS p WHERE p.organization_id = $1)",
    "UPDATE application_partner SET organization_id = $1 WHERE organization_id = $2",
    "DELETE FROM application_partner WHERE organization_id = $1 AND application_id IN \
     (SELECT a.id FROM application AS a WHERE a.applicant_id = $1)",
    "DELETE FROM application_decision WHERE funder_id = $1 AND status = 'REJECTED' AND application_id IN \
     (SELECT d.application_id FROM application_decision AS d WHERE d.funder_id = $2 AND d.status = 'AWARDED')",
    "UPDATE application_decision SET amount_whole = amount_whole + \
     (SELECT d.amount_whole + (d.amount_part + application_decision.amount_part) / 10000 \
     FROM application_decision AS d WHERE d.application_id = application_decision.application_id AND d.funder_id = $2), \
     amount_part = (SELECT (d.amount_part + application_decision.amount_part) % 10000 \
     FROM application_decision AS d WHERE d.application_id = application_decision.application_id AND d.funder_id = $2) \
     WHERE funder_id = $1 AND status = 'AWARDED' AND application_id IN \
     (SELECT d.application_id FROM application_decision AS d WHERE d.funder_id = $2 AND d.status = 'AWARDED')",
    "DELETE FROM application_decision WHERE funder_id = $2 AND application_id IN \
     (SELECT d.application_id FROM application_decision AS d WHERE d.funder_id = $1)",
    "UPDATE application_decision SET funder_id = $1 WHERE funder_id = $2",
];

/// Lets the survivor be the applicant, the partner and the funder where the duplicate was. The calls that it funds are
/// locked and rewritten before, so that nobody decides for the duplicate meanwhile.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn move_to(written: &Rewritten<'_, '_>, pair: Pair) -> Result<(), DomainError> {
    for sql in STEPS {
        written.execute(sql, pair).await?;
    }
    Ok(())
}
