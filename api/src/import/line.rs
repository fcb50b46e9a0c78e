//! One line of an import: a `PushRecordInput` with the `source` that owns the record.

use serde::Deserialize;

use crate::directory::affiliation::write::AffiliationInput;
use crate::directory::organization::write::OrganizationInput;
use crate::directory::partnership::write::PartnershipInput;
use crate::directory::talent::write::TalentInput;
use crate::record::write::RecordInput;

/// A line as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Line {
    /// Name of the system that owns the record.
    pub source: Option<String>,
    /// The record's id in that system.
    pub external_id: Option<String>,
    /// The revision that the line was made from.
    pub base_revision: Option<i32>,
    /// Whether to write over what others have changed.
    pub overwrite: bool,
    /// Whether the record is to be deleted.
    pub delete: bool,
    /// Whether all that is known of the person is to be erased; not possible by file.
    pub erase: bool,
    organization: Option<OrganizationInput>,
    talent: Option<TalentInput>,
    affiliation: Option<AffiliationInput>,
    partnership: Option<PartnershipInput>,
}

/// What is wrong with a line, at which field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field, as a path; empty for the whole line.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Fault {
    /// A fault at a field.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// The field that is wrong, and why.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.starts_with('[') {
            return Err(Fault::new("", "A line is one JSON object, not a list."));
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        let line: Self = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            Fault::new(if path == "." || path == "?" { "" } else { &path }, error.inner().to_string())
        })?;
        reader.end().map_err(|error| Fault::new("", error.to_string()))?;
        if line.erase {
            let message =
                "Erasing a person is not possible by file: it must be asked for by name, one at a time.";
            return Err(Fault::new("erase", message));
        }
        Ok(line)
    }

    /// The record of the line.
    ///
    /// # Errors
    /// Where there is none, or more than one.
    pub fn take_input(&mut self) -> Result<RecordInput, Fault> {
        let (organization, talent) = (self.organization.take(), self.talent.take());
        let only = RecordInput::only(organization, talent, self.affiliation.take(), self.partnership.take());
        let message = "A line has exactly one of `organization`, `talent`, `affiliation`, `partnership`.";
        only.ok_or_else(|| Fault::new("", message))
    }

    /// The region that the line names, where it names one.
    pub fn region(&self) -> Option<&str> {
        let organization = self.organization.as_ref().map(|input| &input.region);
        let talent = self.talent.as_ref().map(|input| &input.region);
        let partnership = self.partnership.as_ref().map(|input| &input.region);
        let region = organization.or(talent).or(partnership)?;
        region.as_opt_deref().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_its_field() {
        let text = r#"{"externalId":"1","organization":{"name":"A","foundedOn":"2009-13"}}"#;
        assert_eq!(Line::parse(text).unwrap_err().path, "organization.foundedOn");
        let text = r#"{"externalId":"1","organization":{"nme":"A"}}"#;
        assert!(Line::parse(text).unwrap_err().message.contains("nme"));
    }

    #[test]
    fn a_line_has_one_record() {
        let mut none = Line::parse(r#"{"externalId":"1"}"#).unwrap();
        assert!(none.take_input().is_err());
        let mut two = Line::parse(r#"{"externalId":"1","organization":{},"talent":{}}"#).unwrap();
        assert!(two.take_input().is_err());
    }
}
