//! Talents: people in a professional role.
//!
//! - **Claims** (`claim.rs`) are the one way to take a profile over, in the transaction that uses up an invitation. The
//!   account is locked before the record; all code that locks both must keep this order.
//! - **Consents** (`consent/`) are rows that are only ever added, each with date, purpose, version and language of the
//!   text. An erasure deletes them; a plain deletion keeps them as proof. The texts in `api/data/consent` are never
//!   edited: a test holds their hashes. Consent to the present text is required for a claim, and where the person
//!   lowers `visibility` or a level of `fieldVisibility` of a claimed profile. A group that opens while the record is
//!   private counts too.
//! - **Confirmations**: `talent_upkeep` has the time at which the person last confirmed the profile (by confirming,
//!   agreeing or claiming; otherwise the creation counts), and the warnings since. It is not part of the record: a
//!   confirmation makes no revision and is not replicated.
//! - **Upkeep** (`upkeep/`; lease `profiles`, hourly) warns, hides and erases. Each step of a profile is one
//!   transaction under the lock on the record, with the mail in it. A warning is also stored where nobody can be
//!   warned, and always gives its full time. A clock that has jumped ahead erases nobody. Only profiles with the basis
//!   CONSENT are concerned. A profile of a person in a public role rests on a public report instead, and its region
//!   answers for it; a claim makes it rest on consent. A hidden profile is shown again on the basis of consent only by
//!   the person.
//! - **Requested erasures** (`erasing/`) wait for `ERASURE_DELAY`. A row of `scheduled_erasure` is written in the
//!   transaction that hides the profile and queues the mail. The job is woken when one is due, in every program, and
//!   locks the row before the record. Any erasure of a profile deletes its row. `identity/src/presence.rs` demands the
//!   password or a fresh sign-in.
//! - **The export of one's own data** (`accounts/src/export/`) is a list of sections. A new table about people needs a
//!   new line there.
//! - **Contact data** (`contact_read`): each part that returns it notes it with the `Reader` of the request: the
//!   resolvers of e-mail, phone and claims, and the `canonical` fields of the feed. Copies note it as well.

use async_graphql::{Enum, SimpleObject};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::affiliation;
use crate::affiliation::graphql::AffiliationConnection;
use crate::region::{self, Regions, Slugs};
use kernel::error::DomainError;
use kernel::group;
use kernel::node::{Around, Node as _};
use kernel::policy::{Viewer, Visibility};
use kernel::provenance::{Claim, ExternalId, Source};
use kernel::read::{Group, KeyRow, KeyValue, Row, Selection};
use kernel::reader::{ByKey, Reader, put_each};
use kernel::value::{Date, DateTime, EmailAddress, Identifier, LocalizedText, Url};
use kernel::{Head, Times};

pub mod claim;
pub mod consent;
pub mod document;
pub mod erasing;
pub mod graphql;
pub mod merging;
pub mod mutation;
pub mod own;
mod replica;
pub mod store;
pub mod upkeep;
pub mod write;

use consent::Consent;
use graphql::AffiliationsArguments;

/// Whether a talent can take on work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Availability {
    /// Now.
    Available,
    /// From the day in `availableFrom`.
    FromDate,
    /// Not at present.
    Unavailable,
    /// Not said, or not shown to this viewer.
    #[default]
    Unknown,
}

/// How well somebody speaks a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LanguageLevel {
    /// A few words.
    Basic,
    /// Everyday talk.
    Conversational,
    /// Work without effort.
    Fluent,
    /// First language.
    Native,
}

/// Why the directory may show a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LegalBasis {
    /// The person has agreed.
    Consent,
    /// The person acted in a public professional role, reported in public.
    PublicRole,
}

/// Groups of a talent's fields that have a visibility of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TalentFieldGroup {
    /// `email` and `phone`.
    Contact,
    /// `biography` and `biographies`.
    Biography,
    /// `availability` and `availableFrom`.
    Availability,
    /// `affiliations`.
    Affiliations,
}

impl TalentFieldGroup {
    /// All groups, in the order of the schema.
    pub const ALL: [Self; 4] = [Self::Contact, Self::Biography, Self::Availability, Self::Affiliations];

    /// The group's level where nobody has chosen one.
    pub const fn default_visibility(self) -> Visibility {
        match self {
            Self::Contact => Visibility::Private,
            Self::Availability => Visibility::Members,
            Self::Biography | Self::Affiliations => Visibility::Public,
        }
    }

    /// The group of a field of the schema, if it is in one.
    pub fn of_field(field: &str) -> Option<Self> {
        match field {
            "email" | "phone" => Some(Self::Contact),
            "biography" | "biographies" => Some(Self::Biography),
            "availability" | "availableFrom" => Some(Self::Availability),
            "affiliations" => Some(Self::Affiliations),
            _ => None,
        }
    }
}

/// A language that somebody speaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, SimpleObject)]
pub struct SpokenLanguage {
    /// ISO 639-1 code, else ISO 639-3: `fr`, `vgt`.
    pub language: String,
    /// How well.
    pub level: LanguageLevel,
}

/// A page about somebody's work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, SimpleObject)]
pub struct Link {
    /// What it leads to: portfolio, showreel, filmography.
    pub label: String,
    /// Its address.
    pub url: Url,
}

/// Who may see a group of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, SimpleObject)]
pub struct FieldVisibility {
    /// The group.
    pub group: TalentFieldGroup,
    /// Who may see it.
    pub visibility: Visibility,
}

/// A talent as the database has it, without what the viewer may not see, with the groups of columns that
/// were asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Talent {
    /// The columns that every record has.
    pub head: Head,
    /// Readable name in addresses.
    pub slug: String,
    /// The name that is shown.
    pub display_name: String,
    /// The columns that a card about them shows.
    pub card: Group<Card>,
    /// The columns that only detailed views ask for.
    pub details: Group<Details>,
    /// How to reach them; empty where the viewer may not see it.
    pub contact: Group<Contact>,
    /// When they said that it is right; empty where the viewer may not see it.
    pub upkeep: Group<Upkeep>,
}

group! {
    /// The columns that a card about a talent shows.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Card {
        /// When it was written.
        times: Times = Times::read [created_at updated_at] => createdAt updatedAt;
        /// Given name.
        given_name: Option<String> = Row::get [given_name] => givenName;
        /// Family name.
        family_name: Option<String> = Row::get [family_name] => familyName;
        /// Whether the person has taken the profile over.
        claimed: bool = Row::get [claimed] => claimed;
        /// Why the directory may show the person.
        legal_basis: LegalBasis = Row::name [legal_basis] => legalBasis;
        /// Slug of the territory.
        territory: Option<String> = Row::get [territory] => territory;
        /// Slugs of the occupations.
        occupations: Vec<String> = Row::json [occupations] => occupations;
        /// Slugs of the sectors.
        sectors: Vec<String> = Row::json [sectors] => sectors;
        /// Skills, as the person words them.
        skills: Vec<String> = Row::json [skills] => skills;
        /// Languages with level.
        languages: Vec<SpokenLanguage> = Row::json [languages] => languages;
        /// Whether the person can take on work.
        availability: Availability = Row::name [availability] => availability;
        /// From which day.
        available_from: Option<Date> = Row::parsed [available_from] => availableFrom;
        /// The level of each group, in the order of [`TalentFieldGroup::ALL`].
        field_visibility: [Visibility; 4] = levels
            [contact_visibility biography_visibility availability_visibility affiliations_visibility]
            => fieldVisibility;
        /// Groups that are withheld from the viewer.
        withheld: Vec<TalentFieldGroup> = nothing_yet [] => withheld;
        /// Whether the viewer sees the person's private data.
        sees_private: bool = nothing_yet [] => consents;
    }
}

/// Reads the levels of the groups.
fn levels(row: &mut Row) -> Result<[Visibility; 4], DomainError> {
    let mut level = || Ok::<_, DomainError>(Visibility::from_code(row.get()?));
    Ok([level()?, level()?, level()?, level()?])
}

/// A value that [`Talent::withhold`] sets.
#[expect(clippy::unnecessary_wraps, reason = "the form of a reader of columns")]
fn nothing_yet<T: Default>(_: &mut Row) -> Result<T, DomainError> {
    Ok(T::default())
}

group! {
    /// How to reach a talent.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct Contact {
        /// E-mail address.
        email: Option<EmailAddress> = Row::parsed [email] => email;
        /// Phone number.
        phone: Option<String> = Row::get [phone] => phone;
    }
}

group! {
    /// When a person said that their profile is right. The column is joined to the row.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Upkeep {
        /// The last time.
        confirmed_at: Option<DateTime> = Row::optional_time [] joined by confirmed_at => confirmedAt;
    }
}

/// Adds the column `confirmed_at`, and joins its table.
fn confirmed_at(alias: &str, columns: &mut Vec<String>, joins: &mut Vec<String>) {
    columns.push(format!("{alias}_upkeep.confirmed_at"));
    joins.push(format!("LEFT JOIN talent_upkeep AS {alias}_upkeep ON {alias}_upkeep.talent_id = {alias}.id"));
}

group! {
    /// The columns that only detailed views of a talent ask for.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Details {
        /// Other spellings of the name.
        name_variants: Vec<String> = Row::json [name_variants] => nameVariants;
        /// Headlines, the original first.
        headlines: Vec<LocalizedText> = Row::json [headlines] => headline headlines;
        /// Biographies, the original first.
        biographies: Vec<LocalizedText> = Row::json [biographies] => biography biographies;
        /// Official identifiers.
        identifiers: Vec<Identifier> = Row::json [identifiers] => identifiers;
        /// Website.
        website: Option<Url> = Row::parsed [website] => website;
        /// Pages about the person's work.
        links: Vec<Link> = Row::json [links] => links;
        /// Where the facts come from.
        sources: Vec<Source> = Row::json [sources] => sources;
        /// Statements by source.
        claims: Vec<Claim> = Row::json [claims] => claims;
        /// The id in the system that owns it, which is joined to the row.
        external_id: Option<ExternalId> = ExternalId::read [] joined by ExternalId::fetch => externalId;
    }
}

impl Talent {
    /// Whether the viewer is shown a group of fields.
    fn shows(&self, viewer: &Viewer, group: TalentFieldGroup) -> bool {
        viewer.sees(self.group_visibility(group), &self.head.region, self.head.id)
    }

    fn group_visibility(&self, group: TalentFieldGroup) -> Visibility {
        let place = TalentFieldGroup::ALL.iter().position(|each| *each == group).unwrap_or(0);
        self.card.field_visibility[place]
    }

    /// Takes away what the viewer may not see: fields of hidden groups, and claims on them. Notes what was taken:
    /// the reader of a request that signs somebody in is not who reads the profile.
    fn withhold(&mut self, viewer: &Viewer) {
        if self.card.get().is_none() {
            return;
        }
        let levels = TalentFieldGroup::ALL.map(|group| (group, self.shows(viewer, group)));
        let shows = |group| levels.iter().any(|(each, shown)| *each == group && *shown);
        if !shows(TalentFieldGroup::Contact)
            && let Some(contact) = self.contact.get_mut()
        {
            *contact = Contact::default();
        }
        if let Some(details) = self.details.get_mut() {
            if !shows(TalentFieldGroup::Biography) {
                details.biographies.clear();
            }
            details.claims.retain(|claim| TalentFieldGroup::of_field(&claim.field).is_none_or(shows));
        }
        let sees_private = viewer.sees(Visibility::Private, &self.head.region, self.head.id);
        if !sees_private && let Some(upkeep) = self.upkeep.get_mut() {
            *upkeep = Upkeep::default();
        }
        if let Some(card) = self.card.get_mut() {
            if !shows(TalentFieldGroup::Availability) {
                card.availability = Availability::Unknown;
                card.available_from = None;
            }
            card.withheld = TalentFieldGroup::ALL.into_iter().filter(|group| !shows(*group)).collect();
            card.sees_private = sees_private;
        }
    }
}

/// A talent in an answer, with what was read around it.
#[derive(Clone, Debug)]
pub struct TalentNode {
    /// The row, as far as it was read.
    pub row: Talent,
    around: Relations,
}

/// The records that were read around a talent.
#[derive(Clone, Debug, Default)]
struct Relations {
    region: Regions,
    territory_regions: Regions,
    affiliations: ByKey<AffiliationConnection>,
    consents: Option<Vec<Consent>>,
}

/// Name of the type in the schema.
const TYPE: &str = TalentNode::NAME;

impl Around for TalentNode {
    async fn around(reader: &Reader, nodes: &mut [Self], want: &Selection) -> Result<(), DomainError> {
        let own: Slugs<Self> = |node| vec![node.row.head.region.as_str()];
        region::fill(reader, nodes, (want, "region"), own, |node| &mut node.around.region).await?;
        let territory: Slugs<Self> = |node| node.row.card.territory.as_deref().into_iter().collect();
        region::fill_territories(reader, nodes, want, territory, |node| &mut node.around.territory_regions)
            .await?;
        if want.has(TYPE, &["consents"]) {
            let shown = nodes.iter().filter(|node| node.row.card.sees_private);
            let ids: Vec<Uuid> = shown.map(|node| node.row.head.id).collect();
            let mut all = consent::store::of(&reader.db, &ids).await?;
            for node in nodes.iter_mut().filter(|node| node.row.card.sees_private) {
                node.around.consents = Some(all.remove(&node.row.head.id).unwrap_or_default());
            }
        }
        let parents: Vec<KeyRow> = nodes.iter().map(|node| vec![KeyValue::Id(node.row.head.id)]).collect();
        for field in want.each(TYPE, "affiliations") {
            let AffiliationsArguments { page, current } = AffiliationsArguments::of(&field);
            let (side, parents) = (affiliation::Side::Talent, parents.clone());
            let answers = affiliation::of(reader, side, parents, current, (&page, &field)).await?;
            put_each(nodes, &field, answers, |node| &mut node.around.affiliations);
        }
        Ok(())
    }
}
