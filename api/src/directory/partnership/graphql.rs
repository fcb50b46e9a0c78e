//! Partnerships in the schema.

use async_graphql::{Context, Enum, ID, InputObject, Object};

use super::{PartnershipNode, PartnershipStatus, PartyNode, PartyRole, store};
use crate::connection;
use crate::directory::affiliation::Period;
use crate::directory::organization::OrganizationNode;
use crate::directory::region::{RegionNode, known};
use crate::record::error::{DomainError, GraphqlResult, IntoGraphql};
use crate::record::id::graphql_id;
use crate::record::list::{OrderDirection, Sort, SortKey};
use crate::record::lookup::RecordBy;
use crate::record::name_of;
use crate::record::node::{find, page};
use crate::record::page::PageArguments;
use crate::record::policy::Visibility;
use crate::record::provenance::{Claim, ExternalId, Source};
use crate::record::read::Selection;
use crate::record::reader::Reader;
use crate::record::value::{Date, DateTime, Language, LocalizedText, Money};
use crate::vocabulary::Vocabulary;
use crate::vocabulary::graphql::{SectorNode, TermNode, term_node};

connection!(
    PartnershipConnection,
    PartnershipEdge,
    PartnershipNode,
    "PartnershipConnection",
    "PartnershipEdge",
    "partnerships"
);

/// Which partnerships. Fields combine with AND, the values of one list with OR; an empty list filters nothing.
#[derive(Clone, Debug, Default, InputObject)]
pub struct PartnershipFilter {
    /// Slugs of kinds (`terms(vocabulary: PARTNERSHIP_KIND)`).
    pub kinds: Option<Vec<String>>,
    /// Where it stands.
    pub statuses: Option<Vec<PartnershipStatus>>,
    /// Slugs of regions: those that answer for it, or for one of its parties.
    pub regions: Option<Vec<String>>,
    /// Slugs of sectors; each stands for those below it as well.
    pub sectors: Option<Vec<String>>,
    /// Ids of organizations, one of which is a party.
    pub organizations: Option<Vec<ID>>,
    /// Whether its parties are of two countries or more.
    pub cross_border: Option<bool>,
    /// Begun by this day, as far as known, and either ACTIVE or ended not before it.
    pub active_on: Option<Date>,
    /// Changed at this time or later.
    pub updated_since: Option<DateTime>,
}

/// What partnerships can be ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum PartnershipOrderField {
    /// The original title, as a reader of French or Dutch expects.
    #[default]
    Title,
    /// The beginning. What is not known comes last in both directions; `2009` comes before `2009-01`.
    StartsOn,
    /// When the record was first written here.
    CreatedAt,
    /// When the record was last changed.
    UpdatedAt,
}

/// The order of partnerships.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub struct PartnershipOrder {
    /// What the list is ordered by.
    pub field: PartnershipOrderField,
    /// In which direction; ascending where it is not given.
    #[graphql(default_with = "OrderDirection::Asc")]
    pub direction: OrderDirection,
}

impl PartnershipOrder {
    /// The same for a list.
    pub(super) fn sort(self) -> Sort {
        let key = match self.field {
            PartnershipOrderField::Title => SortKey::Name,
            PartnershipOrderField::StartsOn => SortKey::PartialDate("starts_on"),
            PartnershipOrderField::CreatedAt => SortKey::Number("created_at"),
            PartnershipOrderField::UpdatedAt => SortKey::Number("updated_at"),
        };
        Sort { name: name_of(self.field), key, descending: self.direction == OrderDirection::Desc }
    }
}

/// Organizations that work together. It is seen by those who see all of its parties.
#[Object(name = "Partnership")]
impl PartnershipNode {
    /// Opaque id, the same on every deployment.
    pub(crate) async fn id(&self) -> ID {
        graphql_id("partnership", self.row.head.id)
    }

    /// Readable name for addresses. It may change; a former one still finds the partnership.
    pub(crate) async fn slug(&self) -> &str {
        &self.row.slug
    }

    /// The region that answers for the record.
    pub(crate) async fn region(&self) -> GraphqlResult<RegionNode> {
        known(&self.region, &self.row.head.region)
    }

    /// Who may see the record: the strictest of its own and its parties' visibility.
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
        #[graphql(desc = "Only those on this field, named as in the schema: `period`.")] field: Option<
            String,
        >,
    ) -> Vec<&Claim> {
        let claims = self.row.details.claims.iter();
        claims.filter(|claim| field.as_ref().is_none_or(|name| claim.field == *name)).collect()
    }

    /// Its kind.
    async fn kind(&self) -> GraphqlResult<TermNode> {
        term_node(Vocabulary::PartnershipKind, &self.row.card.kind)
    }

    /// Where it stands.
    async fn status(&self) -> PartnershipStatus {
        self.row.card.status
    }

    /// Its title, in the asked language or the nearest that there is.
    async fn title(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Language of the answer; else the request's, else the record's own.")]
        language: Option<Language>,
    ) -> GraphqlResult<&str> {
        let missing = || DomainError::Stored("a partnership without a title".into());
        Reader::of(ctx)?.text(ctx, language, &self.row.titles).ok_or_else(missing).graphql()
    }

    /// Its title, in every language that there is, the original first.
    async fn titles(&self) -> &[LocalizedText] {
        &self.row.titles
    }

    /// What it is about, in the asked language or the nearest that there is.
    async fn description(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Language of the answer; else the request's, else the record's own.")]
        language: Option<Language>,
    ) -> GraphqlResult<Option<&str>> {
        Ok(Reader::of(ctx)?.text(ctx, language, &self.row.details.descriptions))
    }

    /// What it is about, in every language that there is, the original first.
    async fn descriptions(&self) -> &[LocalizedText] {
        &self.row.details.descriptions
    }

    /// From when to when.
    async fn period(&self) -> Period {
        self.row.card.period
    }

    /// The organizations that take part, in the order in which they were written.
    async fn parties(&self) -> &[PartyNode] {
        &self.parties
    }

    /// The regions that answer for its parties.
    async fn regions(&self) -> Vec<RegionNode> {
        self.row.card.party_regions.iter().filter_map(|slug| self.regions.get(slug)).collect()
    }

    /// Whether its parties are of two countries or more: of the seat's address, else of the answering region.
    async fn cross_border(&self) -> bool {
        self.row.card.cross_border
    }

    /// Its sectors.
    async fn sectors(&self) -> Vec<SectorNode> {
        SectorNode::all(&self.row.card.sectors)
    }

    /// The sum of what the parties contribute; null where none states an amount, or in several currencies.
    async fn total_contribution(&self) -> Option<&Money> {
        self.row.card.total_contribution.as_ref()
    }
}

/// An organization in a partnership.
#[Object(name = "PartnershipParty")]
impl PartyNode {
    /// The organization.
    async fn organization(&self) -> &OrganizationNode {
        &self.organization
    }

    /// What it does.
    async fn role(&self) -> PartyRole {
        self.role
    }

    /// How the source words it.
    async fn title(&self) -> Option<&str> {
        self.terms.title.as_deref()
    }

    /// What it gives.
    async fn contribution(&self) -> Option<&Money> {
        self.terms.contribution.as_ref()
    }

    /// When it confirmed that it takes part.
    async fn confirmed_at(&self) -> Option<DateTime> {
        self.terms.confirmed_at
    }

    /// When it declined to take part; null where it has not, or has confirmed since.
    async fn declined_at(&self) -> Option<DateTime> {
        self.terms.declined_at
    }
}

/// Queries of partnerships.
#[derive(Clone, Copy, Debug, Default)]
pub struct PartnershipQuery;

/// Queries of partnerships.
#[Object]
impl PartnershipQuery {
    /// One partnership; null where there is none that this viewer may see.
    async fn partnership(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The one way in which you name it.")] by: RecordBy,
    ) -> GraphqlResult<Option<PartnershipNode>> {
        let key = by.key("partnership").graphql()?;
        Ok(find(Reader::of(ctx)?, vec![key], &Selection::of(ctx)).await.graphql()?.next().flatten())
    }

    /// Partnerships that this viewer may see.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn partnerships(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only those that fit.")] filter: Option<PartnershipFilter>,
        #[graphql(desc = "Order of the list; by title where it is not given.")] order_by: Option<
            PartnershipOrder,
        >,
        #[graphql(
            desc = "At most so many from the beginning or after `after`: 20 if not given, 100 at most."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many from the end or before `before`: 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> GraphqlResult<PartnershipConnection> {
        let (reader, arguments) = (Reader::of(ctx)?, PageArguments { first, after, last, before });
        let list = store::list(reader, &filter.unwrap_or_default(), order_by);
        page(reader, list, &arguments, &Selection::root(ctx)).await.graphql()
    }
}
