//! Partnerships in the schema.

use async_graphql::{Context, ID, InputObject, Object};

use super::{PartnershipNode, PartnershipStatus, PartyNode, PartyRole};
use crate::affiliation::Period;
use crate::call_for_projects::CallForProjectsNode;
use crate::event::EventNode;
use crate::organization::OrganizationNode;
use crate::region::RegionNode;
use crate::{order, record_object, record_queries};
use kernel::connection;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::list::SortKey;
use kernel::lookup::RecordBy;
use kernel::reader::Reader;
use kernel::value::{Date, DateTime, Language, LocalizedText, Money};
use kernel::vocabulary::Vocabulary;
use kernel::vocabulary::graphql::{SectorNode, TermNode, term_node};

connection!(PartnershipConnection, PartnershipEdge, PartnershipNode, "partnerships");

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

order! {
    /// The order of partnerships.
    PartnershipOrder,
    /// What partnerships can be ordered by.
    PartnershipOrderField {
        /// The original title, as a reader of French or Dutch expects.
        #[default]
        Title => SortKey::Name,
        /// The beginning. What is not known comes last in both directions; `2009` comes before `2009-01`.
        StartsOn => SortKey::PartialDate("starts_on"),
        /// When the record was first written here.
        CreatedAt => SortKey::Number("created_at"),
        /// When the record was last changed.
        UpdatedAt => SortKey::Number("updated_at"),
    }
}

record_object! {
    /// Organizations that work together. It is seen by those who see all of its parties.
    PartnershipNode named "Partnership" of "partnership" {
        /// Readable name for addresses. It may change; a former one still finds the partnership.
        slug,
        /// Who may see the record: the strictest of its own and its parties' visibility.
        visibility,
        times in card,
        /// Statements by source, where sources differ or are unsure.
        claims("Only those on this field, named as in the schema: `period`."),
        rest PartnershipFields,
    }
}

/// The fields that only partnerships have.
#[Object]
impl PartnershipFields<'_> {
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

    /// The call for projects that it is about; null where it is about none that this viewer may see.
    async fn call(&self) -> Option<&CallForProjectsNode> {
        self.around.call.as_deref()
    }

    /// The event that it is about; null where it is about none that this viewer may see.
    async fn event(&self) -> Option<&EventNode> {
        self.around.event.as_deref()
    }

    /// From when to when.
    async fn period(&self) -> Period {
        self.row.card.period
    }

    /// The organizations that take part, in the order in which they were written.
    async fn parties(&self) -> &[PartyNode] {
        &self.around.parties
    }

    /// The regions that answer for its parties.
    async fn regions(&self) -> Vec<RegionNode> {
        self.row.card.party_regions.iter().filter_map(|slug| self.around.regions.get(slug)).collect()
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

record_queries! {
    /// Queries of partnerships.
    PartnershipQuery of PartnershipNode {
        /// One partnership; null where there is none that this viewer may see.
        partnership(RecordBy),
        /// Partnerships that this viewer may see.
        partnerships("Order of the list; by title where it is not given.") -> PartnershipConnection,
    }
}
