//! Talents as instances tell of them: replicated fields to a row, and back.

use entity::talent::Model;

use super::write::{derive, level_of, levels};
use super::{Availability, LegalBasis, Link, SpokenLanguage, TalentFieldGroup};
use crate::replicated::{Json, Level, Named, Slug, Text, known, replicated};
use kernel::error::DomainError;
use kernel::provenance::{Claim, Source};
use kernel::value::{Date, EmailAddress, Identifier, LocalizedText, Url};
use kernel::vocabulary::vocabularies;
use records::write::replica::{self, InvalidRevision, Replicated};

replicated! {
    /// The replicated fields of a talent.
    pub struct Fields of Model {
        slug: Slug,
        region: String,
        visibility: Level,
        display_name: String,
        given_name: Option<String>,
        family_name: Option<String>,
        name_variants: Json<Vec<String>>,
        identifiers: Json<Vec<Identifier>>,
        claimed: bool,
        legal_basis: Named<LegalBasis>,
        territory: Option<String>,
        occupations: Json<Vec<String>>,
        sectors: Json<Vec<String>>,
        skills: Json<Vec<String>>,
        languages: Json<Vec<SpokenLanguage>>,
        availability: Named<Availability>,
        available_from: Option<Text<Date>>,
        website: Option<Text<Url>>,
        links: Json<Vec<Link>>,
        email: Option<Text<EmailAddress>>,
        phone: Option<String>,
        /// Of the groups CONTACT, BIOGRAPHY, AVAILABILITY and AFFILIATIONS.
        field_visibility: [i16; 4] = by_hand,
        headlines: Json<Vec<LocalizedText>>,
        biographies: Json<Vec<LocalizedText>>,
        sources: Json<Vec<Source>>,
        claims: Json<Vec<Claim>>,
    }
}

impl Replicated for Fields {
    type Row = Model;

    fn of(row: &Model) -> Result<Self, DomainError> {
        let [_, groups @ ..] = levels(row);
        Ok(Self::of_columns(row, groups))
    }

    fn fill(&self, row: &mut Model) -> Result<(), InvalidRevision> {
        let all = vocabularies();
        known("region", "region", &all.regions, [&self.region])?;
        known("territory", "territory", &all.territories, &self.territory)?;
        known("sectors", "sector", &all.sectors, self.sectors.entries())?;
        known("occupations", "occupation", &all.occupations, self.occupations.entries())?;
        let spoken = self.languages.entries().map(|spoken| &spoken.language);
        known("languages", "language code", &all.languages, spoken)?;
        for (group, level) in TalentFieldGroup::ALL.into_iter().zip(self.field_visibility) {
            *level_of(row, group) = replica::level("fieldVisibility", level)?;
        }
        self.fill_columns(row);
        derive(row);
        Ok(())
    }
}
