//! Talents in the schema.

use async_graphql::{Context, Enum, ID, InputObject, Object, OneofObject};

use super::consent::Consent;
use super::{
    Availability, FieldVisibility, LegalBasis, Link, SpokenLanguage, TalentFieldGroup, TalentNode, store,
};
use crate::connection;
use crate::directory::affiliation::graphql::AffiliationConnection;
use crate::directory::region::{RegionNode, TerritoryNode, known};
use crate::record::error::{DomainError, GraphqlResult, IntoGraphql};
use crate::record::id::{self, graphql_id};
use crate::record::input::IdentifierInput;
use crate::record::list::{OrderDirection, Sort, SortKey};
use crate::record::lookup::Key;
use crate::record::name_of;
use crate::record::node::{find, page};
use crate::record::page::PageArguments;
use crate::record::policy::Visibility;
use crate::record::provenance::{Claim, ExternalId, ExternalIdInput, Source};
use crate::record::read::Selection;
use crate::record::reader::{Reader, ShownContact};
use crate::record::value::{Date, DateTime, EmailAddress, Identifier, Language, LocalizedText, Url};
use crate::vocabulary::graphql::{OccupationNode, SectorNode};
use crate::vocabulary::vocabularies;

connection!(TalentConnection, TalentEdge, TalentNode, "TalentConnection", "TalentEdge", "talents");

/// Names one talent, in one of four ways.
#[derive(Clone, Debug, OneofObject)]
pub enum TalentBy {
    /// By its id, or that of a duplicate that was merged into it.
    Id(ID),
    /// By its slug, or a former one.
    Slug(String),
    /// By an official identifier, such as ORCID or ISNI.
    Identifier(IdentifierInput),
    /// By its id in the system that owns the record.
    ExternalId(ExternalIdInput),
}

impl TalentBy {
    fn key(self) -> Result<Key, DomainError> {
        Ok(match self {
            Self::Id(id) => Key::Id(id::decode("by.id", "talent", &id)?),
            Self::Slug(slug) => Key::slug(&slug),
            Self::Identifier(identifier) => identifier.key()?,
            Self::ExternalId(by) => Key::external_id(&by.source, &by.id),
        })
    }
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

/// What talents can be ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum TalentOrderField {
    /// The name shown, in the order that a reader of French or Dutch expects.
    #[default]
    Name,
    /// When the record was first written here.
    CreatedAt,
    /// When the record was last changed.
    UpdatedAt,
}

/// The order of talents.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub struct TalentOrder {
    /// What the list is ordered by.
    pub field: TalentOrderField,
    /// In which direction; ascending where it is not given.
    #[graphql(default_with = "OrderDirection::Asc")]
    pub direction: OrderDirection,
}

impl TalentOrder {
    /// The same for a list.
    pub(super) fn sort(self) -> Sort {
        let key = match self.field {
            TalentOrderField::Name => SortKey::Name,
            TalentOrderField::CreatedAt => SortKey::Number("created_at"),
            TalentOrderField::UpdatedAt => SortKey::Number("updated_at"),
        };
        Sort { name: name_of(self.field), key, descending: self.direction == OrderDirection::Desc }
    }
}

/// A person in a professional role. People decide themselves who sees what of them.
#[Object(name = "Talent")]
impl TalentNode {
    /// Opaque id, the same on every deployment.
    pub(crate) async fn id(&self) -> ID {
        graphql_id("talent", self.row.head.id)
    }

    /// Readable name for addresses. It may change; a former one still finds the talent.
    pub(crate) async fn slug(&self) -> &str {
        &self.row.slug
    }

    /// The region that answers for the record.
    pub(crate) async fn region(&self) -> GraphqlResult<RegionNode> {
        known(&self.region, &self.row.head.region)
    }

    /// Who may see the record.
    pub(crate) async fn visibility(&self) -> Visibility {
        self.row.head.visibility
    }

    /// Grows by one with each accepted change. Pass it as `baseRevision` to write only over what was read.
    pub(crate) async fn revision(&self) -> i32 {
        self.row.head.revision
    }

    /// When the record was first written here.
    pub(crate) async fn created_at(&self) -> DateTime {
        self.row.card.times.created_at
    }

    /// When the record was last changed.
    pub(crate) async fn updated_at(&self) -> DateTime {
        self.row.card.times.updated_at
    }

    /// Where the facts come from.
    pub(crate) async fn sources(&self) -> &[Source] {
        &self.row.details.sources
    }

    /// The id in the system that owns the record; null where it was made here.
    pub(crate) async fn external_id(&self) -> Option<&ExternalId> {
        self.row.details.external_id.as_ref()
    }

    /// Statements by source, where sources differ or are unsure, on fields that the viewer is shown.
    pub(crate) async fn claims(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those on this field, named as in the schema: `displayName`.")] field: Option<
            String,
        >,
    ) -> Vec<&Claim> {
        let claims = self.row.details.claims.iter();
        let claims = claims.filter(|claim| field.as_ref().is_none_or(|name| claim.field == *name));
        let claims: Vec<&Claim> = claims.collect();
        // A claim on how to reach somebody says how to.
        let says = |field: &str| claims.iter().any(|claim| claim.field == field);
        self.shows_contact(ctx, ShownContact { email: says("email"), phone: says("phone") });
        claims
    }

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
        TerritoryNode::new(self.row.card.territory.as_deref()?, &self.territory_regions)
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

    /// Roles in organizations, the latest first. Group AFFILIATIONS.
    async fn affiliations(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "At most so many from the beginning or after `after`: 20 if not given, 100 at most."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many from the end or before `before`: 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(
            desc = "`true`: only roles that last, with no known end or one in the future. `false`: only those that have ended. Roles known from a report alone (`asOf`) are neither."
        )]
        current: Option<bool>,
    ) -> GraphqlResult<&AffiliationConnection> {
        let _ = (first, after, last, before, current);
        self.affiliations.get(ctx)
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
        self.consents.as_deref()
    }

    /// Groups of fields that this viewer is not shown, whether or not anything is there.
    async fn withheld(&self) -> &[TalentFieldGroup] {
        &self.row.card.withheld
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
}

/// Queries of talents.
#[derive(Clone, Copy, Debug, Default)]
pub struct TalentQuery;

/// Queries of talents.
#[Object]
impl TalentQuery {
    /// One talent; null where there is none that this viewer may see.
    async fn talent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The one way in which you name it.")] by: TalentBy,
    ) -> GraphqlResult<Option<TalentNode>> {
        let key = by.key().graphql()?;
        Ok(find(Reader::of(ctx)?, vec![key], &Selection::of(ctx)).await.graphql()?.next().flatten())
    }

    /// Talents that this viewer may see.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn talents(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those that fit.")] filter: Option<TalentFilter>,
        #[graphql(desc = "Order of the list; by name where it is not given.")] order_by: Option<TalentOrder>,
        #[graphql(
            desc = "At most so many from the beginning or after `after`: 20 if not given, 100 at most."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many from the end or before `before`: 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> GraphqlResult<TalentConnection> {
        let (reader, arguments) = (Reader::of(ctx)?, PageArguments { first, after, last, before });
        let list = store::list(reader, &filter.unwrap_or_default(), order_by, None);
        page(reader, list, &arguments, &Selection::root(ctx)).await.graphql()
    }
}
