//! The write path of talents: from an input to a row, and the rows that belong to it.

use async_graphql::{InputObject, MaybeUndefined};
use entity::JsonText;
use entity::talent::Model;
use serde::Deserialize;
use uuid::Uuid;

use super::consent::{self, Agreement, ConsentPurpose, Step};
use super::{
    Availability, LanguageLevel, LegalBasis, Link, SpokenLanguage, TalentFieldGroup, TalentNode, erasing,
    replica, upkeep,
};
use crate::{affiliation, event, proposal};
use identity::invited;
use identity::mail;
use kernel::error::DomainError;
use kernel::input::{Fields, IdentifierInput, LocalizedTextInput, MAX_NAME, MAX_TEXT};
use kernel::policy::{Viewer, Visibility};
use kernel::problem::{Problem, Problems};
use kernel::provenance::{ClaimInput, SourceInput};
use kernel::value::{Date, EmailAddress, Given, Identifier, Url, fold, sort_key};
use kernel::vocabulary::{facets, list_regions, vocabularies};
use kernel::{RecordType, messages, name_of};
use records::input_fields;
use records::write::replica::Received;
use records::write::{
    Batch, Draft, InputFields, Kind, Numbered, RecordRow as _, ReferredBy, Submission, Written,
};

/// A language that somebody speaks, as it is written.
#[derive(Clone, Debug, Deserialize, InputObject)]
#[serde(deny_unknown_fields)]
pub struct SpokenLanguageInput {
    /// ISO 639-1 code, else ISO 639-3.
    pub language: String,
    /// How well.
    pub level: LanguageLevel,
}

/// A page about somebody's work, as it is written.
#[derive(Clone, Debug, Deserialize, InputObject)]
#[serde(deny_unknown_fields)]
pub struct LinkInput {
    /// What it leads to.
    pub label: String,
    /// Its address.
    pub url: Given<Url>,
}

/// Who may see a group of fields, as it is written.
#[derive(Clone, Copy, Debug, Deserialize, InputObject)]
#[serde(deny_unknown_fields)]
pub struct FieldVisibilityInput {
    /// The group.
    pub group: TalentFieldGroup,
    /// Who may see it.
    pub visibility: Visibility,
}

/// A talent, as it is written. An absent field keeps, null clears, a list replaces.
#[derive(Clone, Debug, Default, Deserialize, InputObject)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TalentInput {
    /// Readable name for addresses; made from the name where it is not given. Digits are added to one that is not free, where
    /// you cannot see which record has it.
    pub slug: MaybeUndefined<String>,
    /// The name to show; given name and family name where it is not given.
    pub display_name: MaybeUndefined<String>,
    /// Given name.
    pub given_name: MaybeUndefined<String>,
    /// Family name.
    pub family_name: MaybeUndefined<String>,
    /// One line about the person, the original first.
    pub headlines: MaybeUndefined<Vec<LocalizedTextInput>>,
    /// The person's biography, the original first.
    pub biographies: MaybeUndefined<Vec<LocalizedTextInput>>,
    /// Slug of the region that answers for the record.
    pub region: MaybeUndefined<String>,
    /// Slug of the territory that the person works from.
    pub territory: MaybeUndefined<String>,
    /// Slugs of occupations.
    pub occupations: MaybeUndefined<Vec<String>>,
    /// Slugs of sectors.
    pub sectors: MaybeUndefined<Vec<String>>,
    /// Skills, as the person words them.
    pub skills: MaybeUndefined<Vec<String>>,
    /// Languages that the person speaks.
    pub languages: MaybeUndefined<Vec<SpokenLanguageInput>>,
    /// Whether the person can take on work.
    pub availability: MaybeUndefined<Availability>,
    /// From which day; goes with `FROM_DATE`.
    pub available_from: MaybeUndefined<Given<Date>>,
    /// Website.
    pub website: MaybeUndefined<Given<Url>>,
    /// Portfolio, showreel, filmography.
    pub links: MaybeUndefined<Vec<LinkInput>>,
    /// E-mail address.
    pub email: MaybeUndefined<Given<EmailAddress>>,
    /// Phone number.
    pub phone: MaybeUndefined<String>,
    /// Who may see the record; PRIVATE where it is not given.
    pub visibility: MaybeUndefined<Visibility>,
    /// Who may see groups of fields; those not named keep theirs.
    pub field_visibility: MaybeUndefined<Vec<FieldVisibilityInput>>,
    /// Other spellings, stage names, former names.
    pub name_variants: MaybeUndefined<Vec<String>>,
    /// Identifiers in public registers.
    pub identifiers: MaybeUndefined<Vec<IdentifierInput>>,
    /// Why the directory may show the person; required where others than the region's staff may see the record.
    pub legal_basis: MaybeUndefined<LegalBasis>,
    /// Where the facts come from.
    pub sources: MaybeUndefined<Vec<SourceInput>>,
    /// Statements by source, where sources differ or are unsure.
    pub claims: MaybeUndefined<Vec<ClaimInput>>,
}

impl InputFields for TalentInput {
    input_fields!(slug identifiers region);
}

/// The write path of talents.
#[derive(Debug)]
pub struct Talents;

/// Facts that follow from others.
pub(super) fn derive(row: &mut Model) {
    let list = |column: &JsonText| column.read::<Vec<String>>().unwrap_or_default();
    row.name_key = sort_key(&row.display_name);
    row.facets = facets(&list(&row.sectors), &list(&row.occupations));
    row.list_regions = list_regions([row.region.as_str()]);
    let skill_keys: Vec<String> = list(&row.skills).iter().map(|skill| fold(skill)).collect();
    row.skill_keys = JsonText::of(&skill_keys);
}

/// Sets the links of a field `links`.
pub(crate) fn links(given: &MaybeUndefined<Vec<LinkInput>>, into: &mut JsonText, fields: &mut Fields<'_>) {
    let links = given.clone().map_value(|list| {
        let checked = list.into_iter().enumerate().filter_map(|(place, link)| {
            let mut label = None;
            let given = MaybeUndefined::Value(link.label);
            fields.text(&format!("links.{place}.label"), &given, MAX_NAME, &mut label);
            let url = fields.read(&format!("links.{place}.url"), &link.url)?;
            Some(Link { label: label.unwrap_or_else(|| url.host()), url: url.clone() })
        });
        checked.collect::<Vec<_>>()
    });
    fields.values("links", &links, into);
}

/// Sets languages, links and who may see which group.
fn particulars(fields: &mut Fields<'_>, row: &mut Model, input: &TalentInput) {
    let spoken = input.languages.clone().map_value(|list| {
        let known = list.iter().enumerate().filter_map(|(place, spoken)| {
            let path = format!("languages.{place}.language");
            let language = fields.term(&path, &spoken.language, &vocabularies().languages)?;
            Some(SpokenLanguage { language, level: spoken.level })
        });
        known.collect::<Vec<_>>()
    });
    fields.values("languages", &spoken, &mut row.languages);
    links(&input.links, &mut row.links, fields);
    for choice in input.field_visibility.as_opt_ref().flatten().into_iter().flatten() {
        *level_of(row, choice.group) = choice.visibility.code();
    }
}

/// The column with the level of a group.
pub(super) fn level_of(row: &mut Model, group: TalentFieldGroup) -> &mut i16 {
    match group {
        TalentFieldGroup::Contact => &mut row.contact_visibility,
        TalentFieldGroup::Biography => &mut row.biography_visibility,
        TalentFieldGroup::Availability => &mut row.availability_visibility,
        TalentFieldGroup::Affiliations => &mut row.affiliations_visibility,
    }
}

/// The name to show: the one given, else the parts.
fn shown_name(input: &TalentInput, row: &Model) -> MaybeUndefined<String> {
    let parts = [row.given_name.as_deref(), row.family_name.as_deref()];
    let parts = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    match &input.display_name {
        MaybeUndefined::Undefined if row.display_name.is_empty() && !parts.is_empty() => {
            MaybeUndefined::Value(parts)
        }
        given => given.clone(),
    }
}

/// The fields in which a row differs from what the person has decided: who sees the profile, and why.
fn decided_otherwise<'a>(before: &Model, row: &Model) -> Vec<&'a str> {
    let decided = [
        ("visibility", before.visibility == row.visibility),
        ("fieldVisibility", levels(before)[1..] == levels(row)[1..]),
        ("legalBasis", before.legal_basis == row.legal_basis),
    ];
    decided.into_iter().filter(|(_, same)| !same).map(|(field, _)| field).collect()
}

/// The levels of a row: that of the record, then those of the groups.
pub(super) fn levels(row: &Model) -> [i16; 5] {
    [
        row.visibility,
        row.contact_visibility,
        row.biography_visibility,
        row.availability_visibility,
        row.affiliations_visibility,
    ]
}

/// Whether the record or a group of its fields is shown to more people than before, by its own level: a group that
/// opens while the record is private counts, as the person decides it now.
fn shows_more(before: &Model, row: &Model) -> bool {
    levels(before).iter().zip(levels(row)).any(|(before, now)| now < *before)
}

/// Whether a profile that only its region saw, or that was not there, is shown to others.
fn is_shown_first(before: Option<&Model>, row: &Model) -> bool {
    let private = Visibility::Private.code();
    before.is_none_or(|before| before.visibility == private) && row.visibility != private
}

/// A profile that was hidden because nobody confirmed it is not shown again by others on the ground of a consent
/// that nobody gave: the person shows it again, when they have claimed it.
async fn keep_hidden(
    batch: &Batch<'_>,
    drafts: &Numbered<Draft<Model>>,
    problems: &mut [Problems],
) -> Result<(), DomainError> {
    let consent = name_of(LegalBasis::Consent);
    let shown = drafts.iter().filter(|(_, Draft { row, before, .. })| {
        let again = before.is_some() && is_shown_first(before.as_ref(), row);
        again && !row.claimed && row.legal_basis == consent
    });
    let shown: Vec<(usize, Uuid)> = shown.map(|(index, draft)| (*index, draft.row.id)).collect();
    let ids: Vec<Uuid> = shown.iter().map(|(_, id)| *id).collect();
    let hidden = upkeep::store::hidden(batch.tx, batch.dialect, &ids).await?;
    for (index, _) in shown.iter().filter(|(_, id)| hidden.contains(id)) {
        problems[*index].add(Problem::new("visibility", &messages::CONSENT_LAPSED));
    }
    Ok(())
}

/// A profile whose erasure is scheduled stays hidden until the erasure runs or is stopped, whoever writes it.
async fn keep_awaiting(
    batch: &Batch<'_>,
    drafts: &Numbered<Draft<Model>>,
    problems: &mut [Problems],
) -> Result<(), DomainError> {
    if matches!(batch.step_of(), Some(Step::Keep { .. })) {
        return Ok(());
    }
    let shown = drafts
        .iter()
        .filter(|(_, Draft { row, before, .. })| before.is_some() && is_shown_first(before.as_ref(), row));
    let shown: Vec<(usize, Uuid)> = shown.map(|(index, draft)| (*index, draft.row.id)).collect();
    let ids: Vec<Uuid> = shown.iter().map(|(_, id)| *id).collect();
    let waiting = erasing::store::scheduled(batch.tx, batch.dialect, &ids).await?;
    for (index, _) in shown.iter().filter(|(_, id)| waiting.contains(id)) {
        problems[*index].add(Problem::new("visibility", &messages::ERASURE_SCHEDULED));
    }
    Ok(())
}

/// Keeps what happened to profiles beside what their fields say.
async fn record_step(batch: &Batch<'_>, rows: &[(Model, Option<Model>)]) -> Result<(), DomainError> {
    let ids: Vec<Uuid> = rows.iter().map(|(row, _)| row.id).collect();
    match batch.step_of().copied() {
        Some(Step::Claim(agreement)) => {
            consent::store::give(batch.tx, &ids, agreement, ConsentPurpose::Claim, batch.now).await?;
            // Claiming a profile cancels its erasure.
            erasing::forget(batch.tx, &ids).await?;
            upkeep::store::confirm(batch.tx, &ids, batch.now).await
        }
        Some(Step::Agree(agreement)) => {
            let more = rows.iter().filter(|(row, before)| {
                before.as_ref().is_some_and(|before| before.claimed && shows_more(before, row))
            });
            let more: Vec<Uuid> = more.map(|(row, _)| row.id).collect();
            consent::store::give(batch.tx, &more, agreement, ConsentPurpose::Visibility, batch.now).await?;
            upkeep::store::confirm(batch.tx, &more, batch.now).await
        }
        Some(Step::Lapse) => upkeep::store::hide(batch.tx, &ids, batch.now).await,
        Some(Step::Withdraw(_) | Step::AwaitErasure | Step::Keep { .. }) | None => Ok(()),
    }
}

impl Kind for Talents {
    const REFERRED_BY: &'static [ReferredBy] = &[
        ReferredBy::column(RecordType::Affiliation, "talent_id").most(10),
        ReferredBy::table(RecordType::Event, "event_speaker", "talent_id", "event_id"),
        ReferredBy::table(RecordType::Event, "event_session_speaker", "talent_id", "event_id"),
    ];
    // Consents are kept: they prove that the profile was shown rightly.
    const PARTS: &'static [(&'static str, &'static str)] = &[("talent_upkeep", "talent_id")];
    type Node = TalentNode;
    type Input = TalentInput;
    type Row = Model;
    type Replicated = replica::Fields;

    fn blank(id: Uuid) -> Model {
        Model {
            id,
            visibility: Visibility::Private.code(),
            legal_basis: name_of(LegalBasis::Consent).to_owned(),
            availability: name_of(Availability::Unknown).to_owned(),
            contact_visibility: TalentFieldGroup::Contact.default_visibility().code(),
            biography_visibility: TalentFieldGroup::Biography.default_visibility().code(),
            availability_visibility: TalentFieldGroup::Availability.default_visibility().code(),
            affiliations_visibility: TalentFieldGroup::Affiliations.default_visibility().code(),
            ..Model::default()
        }
    }

    fn slug(row: &mut Model) -> Option<&mut String> {
        Some(&mut row.slug)
    }

    fn identifiers(row: &Model) -> Result<Vec<Identifier>, DomainError> {
        Ok(row.identifiers.read()?)
    }

    /// The decisions of the person were checked where they were made.
    async fn place(
        _: &Batch<'_>,
        _: &mut Numbered<Draft<Model>>,
        _: &mut [Problems],
    ) -> Result<(), DomainError> {
        Ok(())
    }

    async fn arrive(batch: &Batch<'_>, received: &Received) -> Result<(), DomainError> {
        match received.confirmed_at {
            Some(at) => upkeep::store::confirm(batch.tx, &[received.id], at).await,
            None => Ok(()),
        }
    }

    fn merge(
        _: &Batch<'_>,
        row: &mut Model,
        before: Option<&Model>,
        input: &TalentInput,
        fields: &mut Fields<'_>,
    ) {
        let all = vocabularies();
        let region = &all.regions;
        let territory = &all.territories;
        let sector = &all.sectors;
        let occupation = &all.occupations;
        fields.text("givenName", &input.given_name, MAX_NAME, &mut row.given_name);
        fields.text("familyName", &input.family_name, MAX_NAME, &mut row.family_name);
        let name = shown_name(input, row);
        fields.required_text("displayName", &name, MAX_NAME, &mut row.display_name);
        fields.record_slug(&input.slug, &row.display_name, &mut row.slug);
        fields.text_list("nameVariants", &input.name_variants, &mut row.name_variants);
        fields.texts("headlines", &input.headlines, MAX_NAME, &mut row.headlines);
        fields.texts("biographies", &input.biographies, MAX_TEXT, &mut row.biographies);
        fields.required_slug("region", &input.region, region, &mut row.region);
        fields.slug("territory", &input.territory, territory, &mut row.territory);
        fields.slugs("occupations", &input.occupations, occupation, &mut row.occupations);
        fields.slugs("sectors", &input.sectors, sector, &mut row.sectors);
        fields.text_list("skills", &input.skills, &mut row.skills);
        fields.identifiers("identifiers", &input.identifiers, &mut row.identifiers);
        fields.name(&input.availability, Availability::Unknown, &mut row.availability);
        fields.scalar("availableFrom", &input.available_from, &mut row.available_from);
        if row.availability == name_of(Availability::FromDate)
            && row.available_from.is_none()
            && !fields.problems.concern("availableFrom")
        {
            fields.problems.add(Problem::required("availableFrom"));
        }
        fields.scalar("website", &input.website, &mut row.website);
        fields.scalar("email", &input.email, &mut row.email);
        fields.text("phone", &input.phone, MAX_NAME, &mut row.phone);
        fields.visibility(&input.visibility, Visibility::Private, &mut row.visibility);
        match &input.legal_basis {
            MaybeUndefined::Value(basis) => name_of(*basis).clone_into(&mut row.legal_basis),
            // Whoever takes a profile out of PRIVATE says why the directory may show it. A claimed one has its basis.
            _ if is_shown_first(before, row) && !row.claimed => {
                fields.problems.add(Problem::required("legalBasis"));
            }
            _ => {}
        }
        particulars(fields, row, input);
        fields.sources("sources", &input.sources, &mut row.sources);
        fields.claims("claims", &input.claims, &mut row.claims);
        derive(row);
    }

    async fn refusal(
        _: &Batch<'_>,
        viewer: &Viewer,
        before: &Model,
        _: &Submission,
    ) -> Result<Option<Problem>, DomainError> {
        let refused = !viewer.writes_talent(&before.region, before.id);
        Ok(refused.then(|| Problem::forbidden(&messages::NOT_YOURS)))
    }

    async fn complete(
        batch: &Batch<'_>,
        drafts: &mut Numbered<Draft<Model>>,
        problems: &mut [Problems],
    ) -> Result<(), DomainError> {
        for (index, Draft { row, before, viewer, .. }) in drafts.iter_mut() {
            let Some(before) = before else { continue };
            let agreement = match batch.step_of().copied() {
                Some(Step::Claim(_)) => {
                    row.claimed = true;
                    name_of(LegalBasis::Consent).clone_into(&mut row.legal_basis);
                    continue;
                }
                Some(Step::Withdraw(_) | Step::Lapse | Step::AwaitErasure) => {
                    row.visibility = Visibility::Private.code();
                    continue;
                }
                Some(Step::Keep { visibility, .. }) => {
                    row.visibility = visibility.code();
                    continue;
                }
                Some(Step::Agree(agreement)) => agreement,
                None => Agreement { account: None, text: None },
            };
            let nobody = Viewer::anonymous();
            let writer = viewer.as_deref().unwrap_or(&nobody);
            if !writer.decides_for(before.claimed, before.id) {
                for field in decided_otherwise(before, row) {
                    problems[*index].add(Problem::new(field, &messages::TALENT_DECIDES));
                }
            } else if before.claimed && shows_more(before, row) {
                agreement.problem().into_iter().for_each(|problem| problems[*index].add(problem));
            }
        }
        keep_awaiting(batch, drafts, problems).await?;
        keep_hidden(batch, drafts, problems).await
    }

    async fn save(batch: &Batch<'_>, rows: &[(Model, Option<Model>)]) -> Result<Vec<Written>, DomainError> {
        Model::store(batch, Self::IS_LISTED, rows).await?;
        record_step(batch, rows).await?;
        let moved = |(row, before): &&(Model, Option<Model>)| {
            let same = |b: &Model| {
                (b.visibility, &b.region, b.affiliations_visibility)
                    == (row.visibility, &row.region, row.affiliations_visibility)
            };
            before.as_ref().is_some_and(|before| !same(before))
        };
        let moved: Vec<Uuid> = rows.iter().filter(moved).map(|(row, _)| row.id).collect();
        affiliation::write::follow(batch, "talent_id", &moved).await
    }

    async fn erase(batch: &Batch<'_>, ids: &[Uuid]) -> Result<Vec<Written>, DomainError> {
        for talent in ids {
            proposal::store::purge_talent(batch.tx, batch.dialect, *talent).await?;
        }
        super::erasing::holder::of_talents(batch, ids).await?;
        consent::store::forget(batch.tx, ids).await?;
        erasing::forget(batch.tx, ids).await?;
        // Those who could be written to without an account: warned, or invited.
        for row in Model::load(batch, ids).await?.into_values() {
            invited::purge_talent(batch.tx, row.id).await?;
            if let Some(address) = row.email.and_then(|email| email.parse().ok()) {
                mail::purge(batch.tx, batch.core, &address).await?;
            }
        }
        let mut touched = event::write::forget_speakers(batch, ids).await?;
        touched.extend(affiliation::write::erase(batch, ids).await?);
        Ok(touched)
    }

    async fn delete(batch: &Batch<'_>, ids: &[Uuid]) -> Result<(), DomainError> {
        batch.delete_records::<Self>(ids).await?;
        // After the row, which the note of a read locks: all notes are visible now, and none is added later.
        batch.delete_where("contact_read", "talent_id", ids).await
    }
}
