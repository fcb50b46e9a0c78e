//! Resolves references to other records: ids, slugs, or `source:externalId`.

use std::collections::HashMap;

use uuid::Uuid;

use super::write::{Batch, Reference};
use kernel::error::DomainError;
use kernel::id;
use kernel::lookup::Key;
use kernel::policy::Viewer;
use kernel::read::{Dialect, KeyRow, KeyedStatement};

/// The lookup key of a reference: an id of its type, a source and an external id, or a slug.
fn key_of(reference: &Reference) -> Key {
    let text = reference.text.replace('\0', "");
    if let Ok(id) = id::decode("", reference.to.prefix(), &text) {
        return Key::Id(id);
    }
    match text.split_once(':') {
        Some((source, id)) => Key::ExternalId(source.to_owned(), id.to_owned()),
        None => Key::Slug(text),
    }
}

/// Finds the live records of references. With a `viewer`, only records that they see are found. With `keeps`, the
/// records are locked until the end of the transaction, so that they are not deleted meanwhile.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn resolve(
    batch: &Batch<'_>,
    references: &[Reference],
    viewer: Option<&Viewer>,
    keeps: bool,
) -> Result<HashMap<Reference, Uuid>, DomainError> {
    let keeps = keeps && batch.dialect == Dialect::Postgres;
    let mut found = resolve_once(batch, references, viewer, keeps).await?;
    let missing: Vec<Reference> =
        references.iter().filter(|reference| !found.contains_key(*reference)).cloned().collect();
    // A statement that waited for the merge of a duplicate does not find it any more. The second attempt finds its
    // survivor.
    if keeps && !missing.is_empty() {
        found.extend(resolve_once(batch, &missing, viewer, keeps).await?);
    }
    Ok(found)
}

async fn resolve_once(
    batch: &Batch<'_>,
    references: &[Reference],
    viewer: Option<&Viewer>,
    keeps: bool,
) -> Result<HashMap<Reference, Uuid>, DomainError> {
    let dialect = batch.dialect;
    // Keys of one kind and type go in one statement.
    let mut groups: HashMap<(&str, kernel::RecordType), Vec<(Reference, Key)>> = HashMap::new();
    for reference in references {
        let key = key_of(reference);
        let kind = match key {
            Key::Id(_) | Key::Own(_) => "id",
            Key::Slug(_) => "slug",
            Key::Identifier(..) => "identifier",
            Key::ExternalId(..) => "external",
        };
        let group = groups.entry((kind, reference.to)).or_default();
        group.push((reference.clone(), key));
    }
    let mut found = HashMap::new();
    for ((_, record_type), group) in groups {
        let Some((_, first)) = group.first() else { continue };
        let lookup = first.lookup(record_type, dialect);
        let (seen, condition) = match viewer {
            Some(viewer) => (
                format!("{} {} AS r ON r.id = v.record_id", dialect.join(), record_type.prefix()),
                format!("AND {}", batch.core.kinds.of(record_type).sees(viewer, dialect, "r")),
            ),
            None => Default::default(),
        };
        let keep = if keeps { "FOR SHARE OF v" } else { "" };
        let sql = format!(
            "SELECT k.n, v.record_id FROM {} {} {} sync_record AS v ON v.record_id = {} {seen} \
             WHERE v.state = 'LIVE' AND v.record_type = '{}' {condition} ORDER BY k.n {keep}",
            lookup.keys.source(dialect),
            lookup.join,
            dialect.join(),
            lookup.id,
            record_type.name(),
        );
        let (asked, keys): (Vec<Reference>, Vec<KeyRow>) =
            group.into_iter().map(|(reference, key)| (reference, key.into_row())).unzip();
        let statement = KeyedStatement { sql, keys: lookup.keys };
        for (position, mut row) in statement.query(batch.tx, dialect, keys).await? {
            found.insert(asked[position].clone(), row.get()?);
        }
    }
    Ok(found)
}
