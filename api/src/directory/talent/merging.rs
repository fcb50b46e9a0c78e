//! Two profiles of one person: what the duplicate has goes over to the survivor.
//!
//! Merging shows nothing to anybody who has not been shown it: where fewer see the duplicate, or one of its groups of
//! fields, than the survivor, what is in it does not go over. What the person has decided of the survivor stays.

use entity::talent::Model;
use sea_orm::{ConnectionTrait, Statement};

use super::write::{Talents, derive};
use super::{Availability, Link, SpokenLanguage, TalentFieldGroup, erasing};
use crate::directory::affiliation::{self, Side};
use crate::directory::organization::merging::{unite_claims, unite_texts};
use crate::identity::invited;
use crate::record::error::DomainError;
use crate::record::messages::{self, Message, Said};
use crate::record::name_of;
use crate::record::problem::{Problem, Problems};
use crate::record::provenance::{Claim, Source};
use crate::record::value::Identifier;
use crate::record::write::{Batch, Mergeable, Pair, Rewritten, union_of};

/// Who sees a group of fields of a row, as the number of the level; of no group, the row itself.
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
        let refused =
            |path: &str, message: &'static Message| Ok(Some(Problem::beside(path, Said::new(message))));
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
        let mut claims: Vec<Claim> = serde_json::from_str(&other.claims)?;
        claims.retain(shown);
        unite_claims(&mut row.claims, claims, &filled, problems)?;
        if plain {
            let mut names: Vec<String> = serde_json::from_str(&other.name_variants)?;
            names.insert(0, other.display_name.clone());
            names.retain(|name| *name != row.display_name);
            union_of("nameVariants", &mut row.name_variants, names, |one, other| one == other, problems)?;
            union_of::<Identifier>(
                "identifiers",
                &mut row.identifiers,
                serde_json::from_str(&other.identifiers)?,
                PartialEq::eq,
                problems,
            )?;
            union_of::<String>(
                "occupations",
                &mut row.occupations,
                serde_json::from_str(&other.occupations)?,
                PartialEq::eq,
                problems,
            )?;
            union_of::<String>(
                "sectors",
                &mut row.sectors,
                serde_json::from_str(&other.sectors)?,
                PartialEq::eq,
                problems,
            )?;
            union_of::<String>(
                "skills",
                &mut row.skills,
                serde_json::from_str(&other.skills)?,
                PartialEq::eq,
                problems,
            )?;
            let same = |one: &SpokenLanguage, other: &SpokenLanguage| one.language == other.language;
            union_of(
                "languages",
                &mut row.languages,
                serde_json::from_str(&other.languages)?,
                same,
                problems,
            )?;
            union_of::<Link>(
                "links",
                &mut row.links,
                serde_json::from_str(&other.links)?,
                PartialEq::eq,
                problems,
            )?;
            union_of::<Source>(
                "sources",
                &mut row.sources,
                serde_json::from_str(&other.sources)?,
                PartialEq::eq,
                problems,
            )?;
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
        // Who was shown how to reach the person has been shown it.
        let sql = "UPDATE contact_read SET talent_id = $1 WHERE talent_id = $2 AND NOT EXISTS (SELECT 1 FROM contact_read \
                   AS o WHERE o.talent_id = $1 AND o.at = contact_read.at AND o.reader_id = contact_read.reader_id)";
        written.execute(sql, pair).await?;
        written.execute("DELETE FROM contact_read WHERE talent_id = $2 AND talent_id <> $1", pair).await?;
        // What was agreed to is kept with the profile that stays; who was invited to the other must be invited to it.
        written.execute("UPDATE consent SET talent_id = $1 WHERE talent_id = $2", pair).await?;
        invited::purge_talent(written.batch.tx, pair.duplicate).await
    }
}
