//! SQL of the figures about awards.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::{AwardSum, Part, run};
use crate::application::store::{SUM, sum};
use crate::call_for_projects::CallForProjectsNode;
use crate::organization::OrganizationNode;
use crate::region;
use kernel::error::DomainError;
use kernel::node::{Node as _, by_ids};
use kernel::read::Selection;
use kernel::reader::Reader;
use kernel::value::{Currency, Decimal, Money};
use kernel::vocabulary::graphql::TermNode;
use kernel::vocabulary::{Vocabulary, vocabularies};

/// Name of the type in the schema.
const TYPE: &str = "AwardSum";

/// A sum as the database has it.
struct Row {
    part: usize,
    funder: Option<Uuid>,
    region: Option<String>,
    genre: String,
    amount: Money,
    count: i64,
}

/// The sums of the awards of the calls of each part.
///
/// # Errors
/// [`DomainError::Database`].
pub(super) async fn awards(
    reader: &Reader,
    parts: &[Part],
    want: &Selection,
) -> Result<Vec<Vec<AwardSum>>, DomainError> {
    let rows = rows(reader, parts).await?;
    let mut funders: HashMap<Uuid, OrganizationNode> = HashMap::new();
    if let Some(below) = want.below(TYPE, "funder") {
        let ids: BTreeSet<Uuid> = rows.iter().filter_map(|row| row.funder).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        for (id, node) in ids.iter().zip(by_ids(reader, &ids, &below).await?) {
            funders.extend(node.map(|node| (*id, node)));
        }
    }
    let below = want.below(TYPE, "region").unwrap_or_default();
    let regions = region::read(reader, rows.iter().filter_map(|row| row.region.as_deref()), &below).await?;
    let genres = vocabularies().terms(Vocabulary::CallGenre);
    let mut all: Vec<Vec<AwardSum>> = parts.iter().map(|_| Vec::new()).collect();
    for row in rows {
        all[row.part].push(AwardSum {
            funder: row.funder.and_then(|id| funders.get(&id).cloned()),
            region: row.region.as_deref().and_then(|slug| regions.get(slug)),
            genre: genres.get(&row.genre).map(TermNode),
            amount: row.amount,
            count: row.count,
        });
    }
    Ok(all)
}

/// The sums, the greatest of each part first. Neither a funder nor the region of an applicant is told to who may not see it.
async fn rows(reader: &Reader, parts: &[Part]) -> Result<Vec<Row>, DomainError> {
    let (dialect, viewer, then) = (reader.dialect(), &reader.viewer, reader.dialect().join());
    let joins = format!(
        "{then} application_decision AS d ON d.call_id = o.id AND d.status = 'AWARDED' \
         {then} application AS a ON a.id = d.application_id {then} organization AS p ON p.id = a.applicant_id \
         {then} organization AS f ON f.id = d.funder_id"
    );
    let group = format!(
        "CASE WHEN {} THEN f.id END, CASE WHEN {} THEN p.region END, d.genre, d.currency",
        viewer.sees_record(dialect, "f"),
        viewer.sees_record(dialect, "p"),
    );
    let sees = format!("o.status = 'AWARDED' AND {}", CallForProjectsNode::sees(viewer, dialect, "o"));
    let select = format!("{group}, COUNT(*), {SUM}");
    let mut rows = Vec::new();
    for (part, mut row) in run(reader, parts, ("call_for_projects", &joins), &select, &sees, &group).await? {
        let (funder, region, genre) = (row.get()?, row.get()?, row.get()?);
        let currency: Option<Currency> = row.parsed()?;
        let count = row.get()?;
        let amount: Decimal = sum(&mut row)?;
        if let Some(amount) = currency.and_then(|currency| Money::new(amount, currency).ok()) {
            rows.push(Row { part, funder, region, genre, amount, count });
        }
    }
    rows.sort_by(|one: &Row, other: &Row| {
        let key =
            |row: &Row| (Reverse(row.amount.amount()), row.genre.clone(), row.region.clone(), row.funder);
        key(one).cmp(&key(other))
    });
    Ok(rows)
}
