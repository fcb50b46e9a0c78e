//! Two profiles of one person: what the duplicate has goes over to the survivor.
//!
//! Merging shows nothing to anybody who has not been shown it: where fewer see the duplicate, or one of its groups of
//! fields, than the survivor, what is in it does not go over. What the person has decided of the survivor stays.

use entity::talent::Model;
use sea_orm::{ConnectionTrait, Statement};

use super::write::{Talents, derive};
use super::{Availability, Link, SpokenLanguage, TalentFieldGroup, erasing};
use crate::affiliation::{self, Side};
use crate::event;
use identity::invited;
use kernel::error::DomainError;
use kernel::messages::{self, FilledMessage, Message};
use kernel::problem::{Problem, Problems};
use kernel::provenance::{Claim, Source};
use kernel::value::Identifier;
use kernel::{RecordType, name_of};
use records::write::{Batch, Mergeable, Pair, Rewritten, union_of, unite, unite_claims, unite_texts};

/// The level of a group of fields of a row; without a group, that of the row itself.
fn level(row: &Model, group: Option<TalentFieldGroup>) -> i16 {
    let of_group = match group {
        None => row.visibility,
        Some(TalentFieldGroup::Contact) => row.contact_visibility,
        Some(TalentFieldGroup::Biography) => row.biography_visibility,
        Some(TalentFieldGroup::Availability) => row.availability_visibility,
        Some(TalentFieldGroup::Affiliations) => row.affiliations_visibility,
    };
    of_group.max(row.visibility)
}

/// Whether somebody has a profile for their own: they have claimed it, or their account belongs to it.
async fn is_claimed(batch: &Batch<'_>, row: &Model) -> Result<bool, DomainError> {
    let sql = "SELECT COUNT(*) FROM account WHERE talent_id = $1";
    let statement = Statement::from_sql_and_values(batch.dialect.backend(), sql, [row.id.into()]);
    let accounts: Option<i64> =
        batch.tx.query_one_raw(statement).await?.map(|row| row.try_get_by_index(0)).transpose()?;
    Ok(row.claimed || accounts.is_some_and(|count| count > 0))
}

impl Mergeable for Talents {
    async fn unmergeable(
        batch: &Batch<'_>,
        survivor: &Model,
        duplicate: &Model,
    ) -> Result<Option<Problem>, DomainError> {
        let refused = |path: &str, message: &'static Message| {
            Ok(Some(Problem::beside(path, FilledMessage::new(message))))
        };
        let waiting =
            erasing::store::scheduled(batch.tx, batch.dialect, &[survivor.id, duplicate.id]).await?;
        for (path, row) in [("survivor", survivor), ("duplicate", duplicate)] {
            if waiting.contains(&row.id) {
                return refused(path, &messages::ERASURE_SCHEDULED);
            }
        }
        match (is_claimed(batch, survivor).await?, is_claimed(batch, duplicate).await?) {
            (_, false) => Ok(None),
            (false, true) => refused("duplicate", &messages::CLAIMED_SURVIVES),
            (true, true) => refused("duplicate", &messages::BOTH_CLAIMED),
        }
    }

    fn absorb(row: &mut Model, other: &Model, problems: &mut Problems) -> Result<(), DomainError> {
        let goes = |group| level(other, group) <= level(row, group);
        let [plain, contact, biography, availability] = [
            goes(None),
            goes(Some(TalentFieldGroup::Contact)),
            goes(Some(TalentFieldGroup::Biography)),
            goes(Some(TalentFieldGroup::Availability)),
        ];
        let mut filled: Vec<&'static str> = Vec::new();
        let mut fill = |goes: bool, name: &'static str, into: &mut Option<String>, other: &Option<String>| {
            if goes && into.is_none() && other.is_some() {
                into.clone_from(other);
                filled.push(name);
            }
        };
        fill(plain, "givenName", &mut row.given_name, &other.given_name);
        fill(plain, "familyName", &mut row.family_name, &other.family_name);
        fill(plain, "territory", &mut row.territory, &other.territory);
        fill(plain, "website", &mut row.website, &other.website);
        fill(contact, "email", &mut row.email, &other.email);
        fill(contact, "phone", &mut row.phone, &other.phone);
        if availability && row.availability == name_of(Availability::Unknown) {
            row.availability.clone_from(&other.availability);
            row.available_from.clone_from(&other.available_from);
            filled.extend(["availability", "availableFrom"]);
        }
        if biography {
            unite_texts("biographies", &mut row.biographies, &other.biographies, problems)?;
        }
        let shown = |claim: &Claim| match TalentFieldGroup::of_field(&claim.field) {
            Some(TalentFieldGroup::Contact) => contact,
            Some(TalentFieldGroup::Biography) => biography,
            Some(TalentFieldGroup::Availability) => availability,
            Some(TalentFieldGroup::Affiliations) | None => plain,
        };
        let mut claims: Vec<Claim> = other.claims.read()?;
        claims.retain(shown);
        unite_claims(&mut row.claims, claims, &filled, problems)?;
        if plain {
            let mut names: Vec<String> = other.name_variants.read()?;
            names.insert(0, other.display_name.clone());
            names.retain(|name| *name != row.display_name);
            union_of("nameVariants", &mut row.name_variants, names, |one, other| one == other, problems)?;
            unite::<Identifier>("identifiers", &mut row.identifiers, &other.identifiers, problems)?;
            unite::<String>("occupations", &mut row.occupations, &other.occupations, problems)?;
            unite::<String>("sectors", &mut row.sectors, &other.sectors, problems)?;
            unite::<String>("skills", &mut row.skills, &other.skills, problems)?;
            let same = |one: &SpokenLanguage, other: &SpokenLanguage| one.language == other.language;
            union_of("languages", &mut row.languages, other.languages.read()?, same, problems)?;
            unite::<Link>("links", &mut row.links, &other.links, problems)?;
            unite::<Source>("sources", &mut row.sources, &other.sources, problems)?;
            unite_texts("headlines", &mut row.headlines, &other.headlines, problems)?;
        }
        derive(row);
        Ok(())
    }

    async fn hand_over(
        written: &mut Rewritten<'_, '_>,
        pair: Pair,
        survivor: &mut Model,
    ) -> Result<(), DomainError> {
        let claimed = is_claimed(written.batch, survivor).await?;
        affiliation::merging::move_to(written, Side::Talent, pair, claimed).await?;
        event::merging::move_to(written, RecordType::Talent, pair).await?;
        // Reads of the contact data go over to the survivor.
        let sql = "UPDATE contact_read SET talent_id = $1 WHERE talent_id = $2 AND NOT EXISTS (SELECT 1 FROM contact_read \
                   AS o WHERE o.talent_id = $1 AND o.at = contact_read.at AND o.reader_id = contact_read.reader_id)";
        written.execute(sql, pair).await?;
        written.execute("DELETE FROM contact_read WHERE talent_id = $2 AND talent_id <> $1", pair).await?;
        // Consents go over to the survivor. Invitations to the duplicate end; the people must be invited anew.
        written.execute("UPDATE consent SET talent_id = $1 WHERE talent_id = $2", pair).await?;
        invited::purge_talent(written.batch.tx, pair.duplicate).await
    }
}
