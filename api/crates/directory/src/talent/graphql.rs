//! Talents in the schema.

use async_graphql::{Context, ID, InputObject, Object};

use super::consent::Consent;
use super::{Availability, FieldVisibility, LegalBasis, Link, SpokenLanguage, TalentFieldGroup, TalentNode};
use crate::affiliation::graphql::AffiliationConnection;
use crate::region::TerritoryNode;
use crate::{order, record_by, record_object, record_queries, relations};
use kernel::connection;
use kernel::error::GraphqlResult;
use kernel::list::SortKey;
use kernel::provenance::Claim;
use kernel::reader::{Reader, ShownContact};
use kernel::value::{Date, DateTime, EmailAddress, Identifier, Language, LocalizedText, Url};
use kernel::vocabulary::graphql::{OccupationNode, SectorNode};
use kernel::vocabulary::vocabularies;

connection!(TalentConnection, TalentEdge, TalentNode, "talents");

record_by! {
    /// Names one talent, in one of four ways.
    TalentBy,
    /// By an official identifier, such as ORCID or ISNI.
    Identifier
}

/// Which talents. Fields combine with AND, the values of one list with OR; an empty list filters nothing. What a
/// talent does not show to the viewer cannot be filtered on.
#[derive(Clone, Debug, Default, InputObject)]
pub struct TalentFilter {
    /// Slugs of the regions that answer for them.
    pub regions: Option<Vec<String>>,
    /// Slugs of territories; each stands for those within it as well.
    pub territories: Option<Vec<String>>,
    /// Slugs of sectors; each stands for those below it as well.
    pub sectors: Option<Vec<String>>,
    /// Slugs of occupations.
    pub occupations: Option<Vec<String>>,
    /// Skills; accents and case do not matter.
    pub skills: Option<Vec<String>>,
    /// Languages that they speak, as ISO 639-1 codes, else ISO 639-3.
    pub languages: Option<Vec<String>>,
    /// Whether they can take on work, as far as they show it.
    pub availability: Option<Vec<Availability>>,
    /// Available on this day, as far as they show it.
    pub available_by: Option<Date>,
    /// Id of an organization in which they have or had a role.
    pub organization: Option<ID>,
    /// Changed at this time or later.
    pub updated_since: Option<DateTime>,
}

order! {
    /// The order of talents.
    TalentOrder,
    /// What talents can be ordered by.
    TalentOrderField {
        /// The name shown, in the order that a reader of French or Dutch expects.
        #[default]
        Name => SortKey::Name,
        /// When the record was first written here.
        CreatedAt => SortKey::Number("created_at"),
        /// When the record was last changed.
        UpdatedAt => SortKey::Number("updated_at"),
    }
}

record_object! {
    /// A person in a professional role. People decide themselves who sees what of them.
    TalentNode named "Talent" of "talent" {
        /// Readable name for addresses. It may change; a former one still finds the talent.
        slug,
        /// Who may see the record.
        visibility,
        times in card,
        /// Statements by source, where sources differ or are unsure, on fields that the viewer is shown.
        claims("Only those on this field, named as in the schema: `displayName`.") noted by shows_claims,
        rest TalentFields,
    }
}

/// The fields that only talents have.
#[Object]
impl TalentFields<'_> {
    /// The name to show.
    async fn display_name(&self) -> &str {
        &self.row.display_name
    }

    /// Given name, where it is known apart.
    async fn given_name(&self) -> Option<&str> {
        self.row.card.given_name.as_deref()
    }

    /// Family name, where it is known apart.
    async fn family_name(&self) -> Option<&str> {
        self.row.card.family_name.as_deref()
    }

    /// Other spellings, stage names, former names.
    async fn name_variants(&self) -> &[String] {
        &self.row.details.name_variants
    }

    /// One line about the person, in the asked language or the nearest that there is.
    async fn headline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Language of the answer; else the request's, else the record's own.")]
        language: Option<Language>,
    ) -> GraphqlResult<Option<&str>> {
        Ok(Reader::of(ctx)?.text(ctx, language, &self.row.details.headlines))
    }

    /// One line about the person, in every language that there is, the original first.
    async fn headlines(&self) -> &[LocalizedText] {
        &self.row.details.headlines
    }

    /// The person's biography, in the asked language or the nearest that there is. Group BIOGRAPHY.
    async fn biography(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Language of the answer; else the request's, else the record's own.")]
        language: Option<Language>,
    ) -> GraphqlResult<Option<&str>> {
        Ok(Reader::of(ctx)?.text(ctx, language, &self.row.details.biographies))
    }

    /// The person's biography, in every language that there is, the original first. Group BIOGRAPHY.
    async fn biographies(&self) -> &[LocalizedText] {
        &self.row.details.biographies
    }

    /// Identifiers in public registers.
    async fn identifiers(&self) -> &[Identifier] {
        &self.row.details.identifiers
    }

    /// Whether the person has taken the profile over.
    async fn claimed(&self) -> bool {
        self.row.card.claimed
    }

    /// Why the directory may show the person.
    async fn legal_basis(&self) -> LegalBasis {
        self.row.card.legal_basis
    }

    /// Where the person works from.
    async fn territory(&self) -> Option<TerritoryNode> {
        TerritoryNode::new(self.row.card.territory.as_deref()?, &self.around.territory_regions)
    }

    /// Occupations.
    async fn occupations(&self) -> Vec<OccupationNode> {
        let known = self.row.card.occupations.iter().filter_map(|slug| vocabularies().occupations.get(slug));
        known.map(OccupationNode).collect()
    }

    /// Sectors in which the person works.
    async fn sectors(&self) -> Vec<SectorNode> {
        SectorNode::all(&self.row.card.sectors)
    }

    /// Skills, as the person words them.
    async fn skills(&self) -> &[String] {
        &self.row.card.skills
    }

    /// Languages that the person speaks.
    async fn languages(&self) -> &[SpokenLanguage] {
        &self.row.card.languages
    }

    /// Whether the person can take on work. UNKNOWN where it is not said or not shown. Group AVAILABILITY.
    async fn availability(&self) -> Availability {
        self.row.card.availability
    }

    /// The day from which the person can take on work. Group AVAILABILITY.
    async fn available_from(&self) -> Option<Date> {
        self.row.card.available_from
    }

    /// Website.
    async fn website(&self) -> Option<&Url> {
        self.row.details.website.as_ref()
    }

    /// Portfolio, showreel, filmography.
    async fn links(&self) -> &[Link] {
        &self.row.details.links
    }

    /// E-mail address; null unless the viewer is shown it. That a signed-in viewer is shown it is noted for the person.
    /// Group CONTACT.
    async fn email(&self, ctx: &Context<'_>) -> Option<&EmailAddress> {
        let email = self.row.contact.email.as_ref();
        self.shows_contact(ctx, ShownContact { email: email.is_some(), phone: false });
        email
    }

    /// Phone number; null unless the viewer is shown it. That a signed-in viewer is shown it is noted for the person. Group
    /// CONTACT.
    async fn phone(&self, ctx: &Context<'_>) -> Option<&str> {
        let phone = self.row.contact.phone.as_deref();
        self.shows_contact(ctx, ShownContact { email: false, phone: phone.is_some() });
        phone
    }

    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "the schema's derive asks for it")]
    async fn relations(&self) -> TalentRelations<'_> {
        TalentRelations(self)
    }

    /// Which group of fields is shown to whom; only the person and the staff of the region see this.
    async fn field_visibility(&self) -> Option<Vec<FieldVisibility>> {
        let card = &self.row.card;
        let groups = TalentFieldGroup::ALL.into_iter().zip(card.field_visibility);
        let groups = groups.map(|(group, visibility)| FieldVisibility { group, visibility });
        card.sees_private.then(|| groups.collect())
    }

    /// When the person last said that the profile is right: by confirming it, by agreeing, or by claiming it; null
    /// where they never did. Only the person and the staff of the region see this.
    async fn confirmed_at(&self) -> Option<DateTime> {
        self.row.upkeep.confirmed_at
    }

    /// What the person has agreed to, and taken back, the latest first; only the person and the staff of the region
    /// see this.
    async fn consents(&self) -> Option<&[Consent]> {
        self.around.consents.as_deref()
    }

    /// Groups of fields that this viewer is not shown, whether or not anything is there.
    async fn withheld(&self) -> &[TalentFieldGroup] {
        &self.row.card.withheld
    }
}

relations! {
    /// The nested connections of a talent.
    TalentRelations of TalentNode {
        /// Roles in organizations, the latest first. Group AFFILIATIONS.
        affiliations as AffiliationsArguments {
            ..,
            current: bool = "`true`: only roles that last, with no known end or one in the future. `false`: only those that have ended. Roles known from a report alone (`asOf`) are neither."
        } -> AffiliationConnection = |node| Ok(&node.around.affiliations);
    }
}

impl TalentNode {
    /// Notes for the person that the answer shows how to reach them: the one place where that is answered.
    fn shows_contact(&self, ctx: &Context<'_>, shown: ShownContact) {
        // There is always a reader: without one nothing could have been read.
        if let (true, Ok(reader)) = (shown != ShownContact::default(), Reader::of(ctx)) {
            reader.shows_contact(self.row.head.id, shown);
        }
    }

    /// Notes claims on how to reach the person: they say it too.
    fn shows_claims(&self, ctx: &Context<'_>, claims: &[&Claim]) {
        let says = |field: &str| claims.iter().any(|claim| claim.field == field);
        self.shows_contact(ctx, ShownContact { email: says("email"), phone: says("phone") });
    }
}

record_queries! {
    /// Queries of talents.
    TalentQuery of TalentNode {
        /// One talent; null where there is none that this viewer may see.
        talent(TalentBy),
        /// Talents that this viewer may see.
        talents("Order of the list; by name where it is not given.") -> TalentConnection,
    }
}
