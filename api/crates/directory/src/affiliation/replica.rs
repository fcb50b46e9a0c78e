//! Affiliations as instances tell of them: replicated fields to a row, and back.

use entity::affiliation::Model;

use super::AssertedBy;
use super::assertion::SideOf;
use super::write::derive;
use crate::replicated::{Json, Named, Text, known, replicated};
use kernel::error::DomainError;
use kernel::provenance::Source;
use kernel::value::{LocalizedText, PartialDate};
use kernel::vocabulary::vocabularies;
use kernel::{RecordType, id as ids};
use records::write::replica::{self, InvalidRevision, Refers, Replicated};

replicated! {
    /// The replicated fields of an affiliation.
    pub struct Fields of Model {
        talent: String = by_hand,
        organization: String = by_hand,
        roles: Json<Vec<LocalizedText>>,
        occupation: Option<String>,
        starts_on: Option<Text<PartialDate>>,
        ends_on: Option<Text<PartialDate>>,
        as_of: Option<Text<PartialDate>>,
        asserted_by: Named<AssertedBy>,
        sources: Json<Vec<Source>>,
        // Only where there is one: records keep the hash that they had before this could be said.
        #[serde(skip_serializing_if = "Option::is_none")]
        disputed_by: Option<String>,
    }
}

impl Replicated for Fields {
    type Row = Model;

    fn of(row: &Model) -> Result<Self, DomainError> {
        let talent = ids::encode("talent", row.talent_id);
        Ok(Self::of_columns(row, talent, ids::encode("organization", row.organization_id)))
    }

    /// The time since which it is disputed is not told: it is the time of the last change that is known.
    fn fill(&self, row: &mut Model) -> Result<(), InvalidRevision> {
        known("occupation", "occupation", &vocabularies().occupations, &self.occupation)?;
        if let Some(side) = self.disputed_by.as_deref().filter(|side| SideOf::of_name(side).is_none()) {
            return Err(InvalidRevision::new(
                "disputedBy",
                format!("there is no side `{}`", replica::shown(side)),
            ));
        }
        row.talent_id = replica::id("talent", RecordType::Talent, &self.talent)?;
        row.organization_id = replica::id("organization", RecordType::Organization, &self.organization)?;
        self.fill_columns(row);
        derive(row);
        row.disputed_at = row.disputed_by.as_ref().map(|_| row.updated_at);
        Ok(())
    }

    /// The talent and the organization.
    fn refers(row: &Model) -> Result<Vec<Refers>, DomainError> {
        Ok(vec![
            Refers { path: "talent", to: RecordType::Talent, id: row.talent_id },
            Refers { path: "organization", to: RecordType::Organization, id: row.organization_id },
        ])
    }
}
