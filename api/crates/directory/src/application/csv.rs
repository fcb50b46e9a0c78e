//! The awards of a call as a table: comma-separated values (RFC 4180).

use uuid::Uuid;

use super::award::store::{self, NamedAward};
use super::award::{self, AwardNode};
use crate::call_for_projects::CallForProjectsNode;
use kernel::error::DomainError;
use kernel::lookup::Key;
use kernel::node::{Node as _, rows};
use kernel::read::Selection;
use kernel::reader::Reader;
use kernel::{RecordType, id};

/// The names of the columns.
const HEADER: [&str; 11] = [
    "id",
    "projectTitle",
    "genre",
    "applicantId",
    "applicant",
    "partners",
    "funderId",
    "funder",
    "amount",
    "currency",
    "decidedOn",
];

/// The awards of a call, which is named by its id or its slug, as far as the viewer sees them, in the order in which they
/// were decided. None where the viewer sees no such call.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn of(reader: &Reader, call: &str) -> Result<Option<String>, DomainError> {
    let key = match id::decode("call", RecordType::Call.prefix(), call) {
        Ok(id) => Key::Id(id),
        Err(_) => Key::slug(call),
    };
    let columns = CallForProjectsNode::columns(&Selection::default());
    let found = rows::<CallForProjectsNode>(reader, vec![key], columns).await?.pop().flatten();
    match found {
        Some(node) => of_call(reader, node.row.head.id).await.map(Some),
        None => Ok(None),
    }
}

async fn of_call(reader: &Reader, call: Uuid) -> Result<String, DomainError> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let failed = |error: csv::Error| DomainError::Stored(error.to_string());
    writer.write_record(HEADER).map_err(failed)?;
    for named in store::named_awards(reader, call).await? {
        writer.write_record(cells(named)?).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| DomainError::Stored(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| DomainError::Stored(error.to_string()))
}

fn cells(named: NamedAward) -> Result<[String; 11], DomainError> {
    let NamedAward { award, applicant, funder, partners } = named;
    // The id of an organization that the viewer does not see is hidden with its name.
    let organization = |id: Uuid, name: &Option<String>| {
        name.as_ref().map(|_| id::encode("organization", id)).unwrap_or_default()
    };
    let (applicant_id, funder_id) =
        (organization(award.applicant, &applicant), organization(award.funder, &funder));
    let node = AwardNode::bare(award);
    let award = &node.row;
    Ok([
        id::encode(award::PREFIX, award.id),
        plain(&award.project_title),
        award.genre.clone(),
        applicant_id,
        plain(&applicant.unwrap_or_default()),
        plain(&partners.join("; ")),
        funder_id,
        plain(&funder.unwrap_or_default()),
        award.amount.amount().to_string(),
        award.amount.currency().to_string(),
        node.day()?.to_string(),
    ])
}

/// A text that no spreadsheet takes for a formula: one that begins like a formula gets an apostrophe before it.
fn plain(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula() {
        assert_eq!(plain("=HYPERLINK(\"https://example.org\")"), "'=HYPERLINK(\"https://example.org\")");
        assert_eq!((plain("-1"), plain("+1"), plain("@a")), ("'-1".into(), "'+1".into(), "'@a".into()));
        assert_eq!(plain("L’été = 1"), "L’été = 1");
    }
}
