//! Organizations in the schema.

use async_graphql::{Context, Enum, ID, InputObject, Object, OneofObject};

use super::store;
use super::{Address, OrganizationNode, OrganizationStatus};
use crate::connection;
use crate::directory::affiliation::graphql::AffiliationConnection;
use crate::directory::partnership::graphql::{PartnershipConnection, PartnershipFilter};
use crate::directory::region::{RegionNode, TerritoryNode, known};
use crate::record::error::{DomainError, GraphqlResult, IntoGraphql};
use crate::record::geo;
use crate::record::id::{self, graphql_id};
use crate::record::input::IdentifierInput;
use crate::record::list::{Conditions, OrderDirection, Sort, SortKey};
use crate::record::lookup::Key;
use crate::record::name_of;
use crate::record::node::{find, page};
use crate::record::page::PageArguments;
use crate::record::policy::Visibility;
use crate::record::provenance::{Claim, ExternalId, ExternalIdInput, Source};
use crate::record::read::{KeyValue, Selection};
use crate::record::reader::Reader;
use crate::record::value::{DateTime, EmailAddress, Identifier, Language, LocalizedText, PartialDate, Url};
use crate::vocabulary::Vocabulary;
use crate::vocabulary::graphql::{SectorNode, TermNode, term_node};

connection!(
    OrganizationConnection,
    OrganizationEdge,
    OrganizationNode,
    "OrganizationConnection",
    "OrganizationEdge",
    "organizations"
);

/// Names one organization, in one of four ways.
#[derive(Clone, Debug, OneofObject)]
pub enum OrganizationBy {
    /// By its id, or that of a duplicate that was merged into it.
    Id(ID),
    /// By its slug, or a former one.
    Slug(String),
    /// By an official identifier.
    Identifier(IdentifierInput),
    /// By its id in the system that owns the record.
    ExternalId(ExternalIdInput),
}

impl OrganizationBy {
    fn key(self) -> Result<Key, DomainError> {
        Ok(match self {
            Self::Id(id) => Key::Id(id::decode("by.id", "organization", &id)?),
            Self::Slug(slug) => Key::slug(&slug),
            Self::Identifier(identifier) => identifier.key()?,
            Self::ExternalId(by) => Key::external_id(&by.source, &by.id),
        })
    }
}

/// A circle on the map.
#[derive(Clone, Debug, InputObject)]
pub struct NearInput {
    /// Degrees north of the centre, from -90 to 90.
    pub latitude: f64,
    /// Degrees east of the centre, from -180 to 180.
    pub longitude: f64,
    /// Radius in kilometres.
    pub radius_km: f64,
}

impl NearInput {
    /// The condition that the row `o` lies in the circle.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for a number out of range.
    pub fn condition(&self, conditions: &mut Conditions) -> Result<(), DomainError> {
        geo::check_circle("filter.near", self.latitude, self.longitude, self.radius_km)?;
        let [x, y, z] = geo::unit_vector(self.latitude, self.longitude);
        for (name, value) in
            [("near_x", x), ("near_y", y), ("near_z", z), ("near_chord", geo::chord_squared(self.radius_km))]
        {
            conditions.bind(name, KeyValue::Float(value));
        }
        conditions.push(
            "(o.geo_x - k.near_x) * (o.geo_x - k.near_x) + (o.geo_y - k.near_y) * (o.geo_y - k.near_y) \
             + (o.geo_z - k.near_z) * (o.geo_z - k.near_z) <= k.near_chord",
        );
        Ok(())
    }
}

/// Which organizations. Fields combine with AND, the values of one list with OR; an empty list filters nothing.
#[derive(Clone, Debug, Default, InputObject)]
pub struct OrganizationFilter {
    /// Slugs of kinds (`terms(vocabulary: ORGANIZATION_KIND)`): as main or as other kind.
    pub kinds: Option<Vec<String>>,
    /// Whether it still exists.
    pub statuses: Option<Vec<OrganizationStatus>>,
    /// Slugs of regions: those that answer for it, or that it serves.
    pub regions: Option<Vec<String>>,
    /// Slugs of territories; each stands for those within it as well.
    pub territories: Option<Vec<String>>,
    /// Slugs of sectors; each stands for those below it as well.
    pub sectors: Option<Vec<String>>,
    /// Working languages.
    pub languages: Option<Vec<Language>>,
    /// Ids of clusters or federations that it belongs to.
    pub member_of: Option<Vec<ID>>,
    /// Within this circle. Where an address has no point, the middle of its territory counts.
    pub near: Option<NearInput>,
    /// Changed at this time or later.
    pub updated_since: Option<DateTime>,
}

/// What organizations can be ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum OrganizationOrderField {
    /// The name, as a reader of French or Dutch expects: accents and case count last.
    #[default]
    Name,
    /// When the record was first written here.
    CreatedAt,
    /// When the record was last changed.
    UpdatedAt,
    /// When it was founded. What is not known comes last in both directions; `2009` comes before `2009-01`.
    FoundedOn,
}

/// The order of organizations.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub struct OrganizationOrder {
    /// What the list is ordered by.
    pub field: OrganizationOrderField,
    /// In which direction; ascending where it is not given.
    #[graphql(default_with = "OrderDirection::Asc")]
    pub direction: OrderDirection,
}

impl OrganizationOrder {
    /// The same for a list.
    pub(super) fn sort(self) -> Sort {
        let key = match self.field {
            OrganizationOrderField::Name => SortKey::Name,
            OrganizationOrderField::CreatedAt => SortKey::Number("created_at"),
            OrganizationOrderField::UpdatedAt => SortKey::Number("updated_at"),
            OrganizationOrderField::FoundedOn => SortKey::PartialDate("founded_on"),
        };
        Sort { name: name_of(self.field), key, descending: self.direction == OrderDirection::Desc }
    }
}

/// A company, school, laboratory, fund, public body, association or venue of the image industry.
#[Object(name = "Organization")]
impl OrganizationNode {
    /// Opaque id, the same on every deployment.
    pub(crate) async fn id(&self) -> ID {
        graphql_id("organization", self.row.head.id)
    }

    /// Readable name for addresses. It may change; a former one still finds the organization.
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

    /// Statements by source, where sources differ or are unsure.
    pub(crate) async fn claims(
        &self,
        #[graphql(desc = "Only those on this field, named as in the schema: `foundedOn`.")] field: Option<
            String,
        >,
    ) -> Vec<&Claim> {
        let claims = self.row.details.claims.iter();
        claims.filter(|claim| field.as_ref().is_none_or(|name| claim.field == *name)).collect()
    }

    /// Its main kind.
    async fn kind(&self) -> GraphqlResult<TermNode> {
        term_node(Vocabulary::OrganizationKind, &self.row.card.kind)
    }

    /// Other kinds that it also is.
    async fn other_kinds(&self) -> GraphqlResult<Vec<TermNode>> {
        let kinds = self.row.details.other_kinds.iter();
        kinds.map(|slug| term_node(Vocabulary::OrganizationKind, slug)).collect()
    }

    /// Whether it still exists.
    async fn status(&self) -> OrganizationStatus {
        self.row.card.status
    }

    /// The organization that it merged into or that continues it.
    async fn successor(&self) -> Option<&OrganizationNode> {
        self.successor.as_deref()
    }

    /// Organizations that it continues, by name.
    async fn predecessors(&self) -> &[OrganizationNode] {
        &self.predecessors
    }

    /// Its name, as it writes it.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// The short form of its name.
    async fn acronym(&self) -> Option<&str> {
        self.row.card.acronym.as_deref()
    }

    /// Former names, names in other languages, other spellings.
    async fn other_names(&self) -> &[String] {
        &self.row.details.other_names
    }

    /// What it does, in the asked language or the nearest that there is.
    async fn description(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Language of the answer; else the request's, else the record's own.")]
        language: Option<Language>,
    ) -> GraphqlResult<Option<&str>> {
        Ok(Reader::of(ctx)?.text(ctx, language, &self.row.details.descriptions))
    }

    /// What it does, in every language that there is, the original first.
    async fn descriptions(&self) -> &[LocalizedText] {
        &self.row.details.descriptions
    }

    /// The region in which it sits; null where that is not known. It need not be the one that answers for it.
    async fn seat_region(&self) -> Option<RegionNode> {
        self.seat_region.get(self.row.card.seat_region.as_deref()?)
    }

    /// The territory of its seat.
    async fn territory(&self) -> Option<TerritoryNode> {
        TerritoryNode::new(self.row.card.territory.as_deref()?, &self.territory_regions)
    }

    /// Its postal address.
    async fn address(&self) -> Option<&Address> {
        self.row.details.address.as_ref()
    }

    /// Regions where it works, which need not be where it sits.
    async fn served_regions(&self) -> Vec<RegionNode> {
        self.row.details.served_regions.iter().filter_map(|slug| self.served_regions.get(slug)).collect()
    }

    /// Its website.
    async fn website(&self) -> Option<&Url> {
        self.row.details.website.as_ref()
    }

    /// Its e-mail address; null unless the viewer is signed in.
    async fn email(&self) -> Option<&EmailAddress> {
        self.row.contact.email.as_ref()
    }

    /// Its phone number; null unless the viewer is signed in.
    async fn phone(&self) -> Option<&str> {
        self.row.contact.phone.as_deref()
    }

    /// When it was founded, as precisely as known; null where sources differ and none is preferred (see `claims`).
    async fn founded_on(&self) -> Option<PartialDate> {
        self.row.card.founded_on
    }

    /// When it ended.
    async fn dissolved_on(&self) -> Option<PartialDate> {
        self.row.card.dissolved_on
    }

    /// Number of people that it employs.
    async fn employee_count(&self) -> Option<i32> {
        self.row.details.employee_count
    }

    /// Number of students, for a school.
    async fn student_count(&self) -> Option<i32> {
        self.row.details.student_count
    }

    /// Languages in which it works.
    async fn languages(&self) -> &[Language] {
        &self.row.details.languages
    }

    /// Its identifiers in official registers.
    async fn identifiers(&self) -> &[Identifier] {
        &self.row.details.identifiers
    }

    /// Its sectors.
    async fn sectors(&self) -> Vec<SectorNode> {
        SectorNode::all(&self.row.sectors)
    }

    /// Clusters and federations that it belongs to, by name.
    async fn member_of(&self) -> &[OrganizationNode] {
        &self.member_of
    }

    /// Its members, for a cluster or a federation, by name.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "At most so many from the beginning or after `after`: 20 if not given, 100 at most."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many from the end or before `before`: 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> GraphqlResult<&OrganizationConnection> {
        let _ = (first, after, last, before);
        self.members.get(ctx)
    }

    /// People with a role in it, the latest first.
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

    /// Partnerships that it is a party of, by their start.
    async fn partnerships(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those that fit.")] filter: Option<PartnershipFilter>,
        #[graphql(
            desc = "At most so many from the beginning or after `after`: 20 if not given, 100 at most."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many from the end or before `before`: 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> GraphqlResult<&PartnershipConnection> {
        let _ = (filter, first, after, last, before);
        self.partnerships.get(ctx)
    }
}

/// Queries of organizations.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrganizationQuery;

/// Queries of organizations.
#[Object]
impl OrganizationQuery {
    /// One organization; null where there is none that this viewer may see.
    async fn organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The one way in which you name it.")] by: OrganizationBy,
    ) -> GraphqlResult<Option<OrganizationNode>> {
        let key = by.key().graphql()?;
        Ok(find(Reader::of(ctx)?, vec![key], &Selection::of(ctx)).await.graphql()?.next().flatten())
    }

    /// Organizations that this viewer may see.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn organizations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those that fit.")] filter: Option<OrganizationFilter>,
        #[graphql(desc = "Order of the list; by name where it is not given.")] order_by: Option<
            OrganizationOrder,
        >,
        #[graphql(
            desc = "At most so many from the beginning or after `after`: 20 if not given, 100 at most."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many from the end or before `before`: 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> GraphqlResult<OrganizationConnection> {
        let (reader, arguments) = (Reader::of(ctx)?, PageArguments { first, after, last, before });
        let list = store::list(reader, &filter.unwrap_or_default(), order_by, None);
        page(reader, list, &arguments, &Selection::root(ctx)).await.graphql()
    }
}
