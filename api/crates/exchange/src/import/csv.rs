//! Organizations from a CSV file: one row each, with columns named as in the schema.
//!
//! The entries of a list are separated by `;`. An empty cell leaves the field out. Texts by language have a
//! column for each: `description_fr`. Identifiers have a column for each scheme: `siren`.

use serde_json::{Map, Value, json};

use super::line::Fault;

/// Columns with one value, as they are in `OrganizationInput`.
const PLAIN: &[&str] = &[
    "slug",
    "kind",
    "status",
    "name",
    "acronym",
    "region",
    "seatRegion",
    "territory",
    "website",
    "email",
    "phone",
    "foundedOn",
    "dissolvedOn",
    "successor",
    "visibility",
];
/// Columns with a whole number.
const NUMBERS: &[&str] = &["employeeCount", "studentCount"];
/// Columns with a list.
const LISTS: &[&str] = &["otherKinds", "otherNames", "servedRegions", "languages", "sectors", "memberOf"];
/// Columns of the address.
const ADDRESS: &[&str] = &["lines", "postalCode", "city", "country", "latitude", "longitude"];
/// Columns with a text in one language.
const TEXTS: &[(&str, &str)] =
    &[("description_fr", "FR"), ("description_nl", "NL"), ("description_en", "EN"), ("description_de", "DE")];
/// Columns with an identifier.
const IDENTIFIERS: &[&str] =
    &["siren", "siret", "bce", "vat", "lei", "isni", "ror", "rna", "wikidata", "eidr"];
/// Columns of `sources`: where the facts were published.
const SOURCE: &[&str] = &["sourceTitle", "sourceUrl"];

/// Checks the first row.
///
/// # Errors
/// An unknown column (the message lists the known ones), or a required column that is missing.
pub fn check_header(header: &csv::StringRecord) -> Result<(), Fault> {
    let known = || {
        ["source", "externalId"]
            .iter()
            .chain(PLAIN)
            .chain(NUMBERS)
            .chain(LISTS)
            .chain(ADDRESS)
            .copied()
            .chain(TEXTS.iter().map(|(column, _)| *column))
            .chain(IDENTIFIERS.iter().copied())
            .chain(SOURCE.iter().copied())
    };
    for column in header {
        if !known().any(|name| name == column.trim()) {
            let all = known().collect::<Vec<_>>().join(", ");
            let shown: String = column.chars().take(60).flat_map(char::escape_debug).collect();
            return Err(Fault::new(shown, format!("There is no such column. Known are: {all}.")));
        }
    }
    for needed in ["externalId", "name"] {
        if !header.iter().any(|column| column.trim() == needed) {
            return Err(Fault::new(needed, "The table needs this column."));
        }
    }
    Ok(())
}

/// Converts a row to an import line, as JSON.
///
/// # Errors
/// A cell that is not a number where one is needed.
pub fn line(header: &csv::StringRecord, row: &csv::StringRecord) -> Result<Value, Fault> {
    let mut line = Map::new();
    let mut organization = Map::new();
    let mut address = Map::new();
    let mut texts = Vec::new();
    let mut identifiers = Vec::new();
    let mut source = Map::new();
    let cells =
        header.iter().map(str::trim).zip(row.iter().map(str::trim)).filter(|(_, cell)| !cell.is_empty());
    for (column, cell) in cells {
        let entries = || cell.split(';').map(str::trim).filter(|entry| !entry.is_empty()).collect::<Vec<_>>();
        let number = || {
            let number = cell.parse::<f64>().ok().filter(|number| number.is_finite());
            number.ok_or_else(|| Fault::new(column, "This is not a number."))
        };
        match column {
            "source" | "externalId" => _ = line.insert(column.to_owned(), json!(cell)),
            "lines" => _ = address.insert(column.to_owned(), json!(entries())),
            "latitude" | "longitude" => _ = address.insert(column.to_owned(), json!(number()?)),
            "sourceTitle" => _ = source.insert("title".to_owned(), json!(cell)),
            "sourceUrl" => _ = source.insert("url".to_owned(), json!(cell)),
            _ if ADDRESS.contains(&column) => _ = address.insert(column.to_owned(), json!(cell)),
            _ if NUMBERS.contains(&column) => {
                let whole: i32 =
                    cell.parse().map_err(|_| Fault::new(column, "This is not a whole number."))?;
                organization.insert(column.to_owned(), json!(whole));
            }
            _ if LISTS.contains(&column) => _ = organization.insert(column.to_owned(), json!(entries())),
            _ if IDENTIFIERS.contains(&column) => {
                identifiers.push(json!({"scheme": column.to_ascii_uppercase(), "value": cell}));
            }
            _ => match TEXTS.iter().find(|(name, _)| *name == column) {
                Some((_, language)) => texts.push(json!({"language": language, "text": cell})),
                None => _ = organization.insert(column.to_owned(), json!(cell)),
            },
        }
    }
    if !address.is_empty() {
        organization.insert("address".to_owned(), address.into());
    }
    if !texts.is_empty() {
        organization.insert("descriptions".to_owned(), texts.into());
    }
    if !identifiers.is_empty() {
        organization.insert("identifiers".to_owned(), identifiers.into());
    }
    if !source.is_empty() {
        organization.insert("sources".to_owned(), json!([source]));
    }
    line.insert("organization".to_owned(), organization.into());
    Ok(line.into())
}
