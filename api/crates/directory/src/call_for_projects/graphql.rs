//! Calls for projects in the schema.

use async_graphql::{Context, ID, InputObject, Object};

use super::status::CallStatus;
use super::{CallForProjectsNode, ContributionNode, LotNode, Regulation};
use crate::application::ApplicationStatus;
use crate::application::award::AwardConnection;
use crate::application::graphql::ApplicationConnection;
use crate::organization::OrganizationNode;
use crate::region::RegionNode;
use crate::{order, record_object, record_queries, relations};
use kernel::connection;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::list::SortKey;
use kernel::lookup::RecordBy;
use kernel::reader::Reader;
use kernel::value::{Currency, Date, DateTime, Decimal, Language, LocalizedText, Money, PartialDate, Url};
use kernel::vocabulary::Vocabulary;
use kernel::vocabulary::graphql::{SectorNode, TermNode, term_node};

connection!(CallForProjectsConnection, CallForProjectsEdge, CallForProjectsNode, "calls for projects");

/// Which calls for projects. Fields combine with AND, the values of one list with OR; an empty list filters nothing.
#[derive(Clone, Debug, Default, InputObject)]
pub struct CallForProjectsFilter {
    /// Where they stand now.
    pub statuses: Option<Vec<CallStatus>>,
    /// Slugs of genres (`terms(vocabulary: CALL_GENRE)`) for which they have a lot.
    pub genres: Option<Vec<String>>,
    /// Slugs of sectors; each stands for those below it as well.
    pub sectors: Option<Vec<String>>,
    /// Slugs of regions: those that answer for it, or for an organization whose contribution counts.
    pub regions: Option<Vec<String>>,
    /// Ids of organizations, one of which contributes.
    pub funders: Option<Vec<ID>>,
    /// Open on this day in their own time zone, if only for a part of it.
    pub open_on: Option<Date>,
    /// Changed at this time or later.
    pub updated_since: Option<DateTime>,
}

order! {
    /// The order of calls for projects.
    CallForProjectsOrder,
    /// What calls for projects can be ordered by.
    CallForProjectsOrderField {
        /// When they open. What has no such instant comes last in both directions.
        OpensAt => SortKey::Time("opens_at"),
        /// When they close. What has no such instant comes last in both directions.
        ClosesAt => SortKey::Time("closes_at"),
        /// The original title, as a reader of French or Dutch expects.
        #[default]
        Title => SortKey::Name,
        /// When the record was last changed.
        UpdatedAt => SortKey::Number("updated_at"),
    }
}

record_object! {
    /// What several funders give together for projects of certain genres: by one regulation, and until a certain instant.
    CallForProjectsNode named "CallForProjects" of "call_for_projects" {
        /// Readable name for addresses. It may change; a former one still finds the call.
        slug,
        /// Who may see the record. That of a DRAFT is PRIVATE, whatever it will be.
        visibility,
        times in card,
        /// Statements by source, where sources differ or are unsure.
        claims("Only those on this field, named as in the schema: `fund`."),
        rest CallForProjectsFields,
    }
}

/// The fields that only calls for projects have.
#[Object]
impl CallForProjectsFields<'_> {
    /// Its title, in the asked language or the nearest that there is.
    async fn title(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Language of the answer; else the request's, else the record's own.")]
        language: Option<Language>,
    ) -> GraphqlResult<&str> {
        let missing = || DomainError::Stored("a call without a title".into());
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

    /// Where it stands at this instant: it follows from `opensAt` and `closesAt`, to the second.
    async fn status(&self, ctx: &Context<'_>) -> GraphqlResult<CallStatus> {
        Ok(self.row.card.schedule.status(Reader::of(ctx)?.now))
    }

    /// The first instant at which it takes applications; null where that is not known.
    async fn opens_at(&self) -> Option<DateTime> {
        self.row.card.schedule.opens_at
    }

    /// The last instant at which it takes applications; null where it has none, or where that is not known.
    async fn closes_at(&self) -> Option<DateTime> {
        self.row.card.schedule.closes_at
    }

    /// IANA name of the time zone that the regulation means.
    async fn time_zone(&self) -> &str {
        &self.row.details.time_zone
    }

    /// The sum of the contributions that count; null where none does. Other totals that sources state are claims on
    /// `fund`.
    async fn fund(&self) -> Option<&Money> {
        self.row.card.fund.as_ref()
    }

    /// What each organization gives, in the order in which they were written. Those who write the call, and the side of
    /// the organization, also see contributions that do not count yet.
    async fn contributions(&self) -> &[ContributionNode] {
        &self.around.contributions
    }

    /// Its lots, one for each genre, in the order in which they were written.
    async fn lots(&self) -> &[LotNode] {
        &self.around.lots
    }

    /// The regulation that all funders share, in its languages and versions.
    async fn regulations(&self) -> &[Regulation] {
        &self.row.details.regulations
    }

    /// The organizations that organize it.
    async fn organizers(&self) -> &[OrganizationNode] {
        &self.around.organizers
    }

    /// Its sectors.
    async fn sectors(&self) -> Vec<SectorNode> {
        SectorNode::all(&self.row.card.sectors)
    }

    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "the schema's derive asks for it")]
    async fn relations(&self) -> CallForProjectsRelations<'_> {
        CallForProjectsRelations(self)
    }
}

relations! {
    /// The nested connections of a call for projects.
    CallForProjectsRelations of CallForProjectsNode {
        /// The applications to it that this viewer sees, the newest first: those of the viewer's own organizations, and for
        /// the staff of the funding regions those that were submitted. Others see none, and no number of them.
        applications as ApplicationsArguments {
            .., statuses: Vec<ApplicationStatus> = "Only those that stand so; an empty list filters nothing."
        } -> ApplicationConnection = |node| Ok(&node.around.applications);
        /// The money that its funders have given to projects, in the order in which they decided. It is public once the call
        /// is AWARDED; before, those who see an application see its awards. The table `/export/awards.csv?call=…` has the
        /// same.
        awards -> AwardConnection = |node| Ok(&node.around.awards);
    }
}

/// What an organization gives to a call, or to a lot of it.
#[Object(name = "Contribution")]
impl ContributionNode {
    /// The organization.
    async fn organization(&self) -> &OrganizationNode {
        &self.organization
    }

    /// What it gives.
    async fn amount(&self) -> &Money {
        &self.amount
    }

    /// Whether it counts: the organization's side has confirmed it, or a source has reported it.
    async fn confirmed(&self) -> bool {
        self.confirmed
    }

    /// When the organization's side confirmed it; null where it has not, and for what a source has reported.
    async fn confirmed_at(&self) -> Option<DateTime> {
        self.confirmed_at
    }

    /// When the organization's side declined it; null where it has not, or has confirmed it since.
    async fn declined_at(&self) -> Option<DateTime> {
        self.declined_at
    }
}

/// The part of a call for one genre, with criteria of its own. A criterion that is null does not exist.
#[Object(name = "CallLot")]
impl LotNode {
    /// The genre.
    async fn genre(&self) -> GraphqlResult<TermNode> {
        term_node(Vocabulary::CallGenre, &self.lot.genre)
    }

    /// Its title, in the asked language or the nearest that there is; null where it has none beside its genre.
    async fn title(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Language of the answer; else the request's, else the record's own.")]
        language: Option<Language>,
    ) -> GraphqlResult<Option<&str>> {
        Ok(Reader::of(ctx)?.text(ctx, language, &self.lot.titles))
    }

    /// Its title, in every language that there is, the original first.
    async fn titles(&self) -> &[LocalizedText] {
        &self.lot.titles
    }

    /// What one project may get at most.
    async fn ceiling(&self) -> Option<&Money> {
        self.lot.criteria.ceiling.as_ref()
    }

    /// The sum of what its funders give, as far as their contributions count; null where it shares the fund.
    async fn budget(&self) -> Option<&Money> {
        self.lot.budget.as_ref()
    }

    /// What was awarded to projects of it so far. Before the call is AWARDED it counts the awards of applications that this
    /// viewer sees.
    async fn awarded(&self) -> GraphqlResult<Money> {
        let currency = self.lot.currency.unwrap_or(Currency::EUR);
        Money::new(self.awarded, currency).map_err(|error| DomainError::Stored(error.to_string())).graphql()
    }

    /// Who funds it, each with a share of its contribution to the call.
    async fn funders(&self) -> &[ContributionNode] {
        &self.funders
    }

    /// Least number of episodes.
    async fn min_episodes(&self) -> Option<i32> {
        self.lot.criteria.min_episodes
    }

    /// Greatest number of episodes.
    async fn max_episodes(&self) -> Option<i32> {
        self.lot.criteria.max_episodes
    }

    /// Least minutes of one episode.
    async fn min_minutes(&self) -> Option<Decimal> {
        self.lot.criteria.min_minutes
    }

    /// Greatest minutes of one episode.
    async fn max_minutes(&self) -> Option<Decimal> {
        self.lot.criteria.max_minutes
    }

    /// The share of a project's budget that aid may reach, from 0 to 1: "0.50".
    async fn max_aid_share(&self) -> Option<Decimal> {
        self.lot.criteria.max_aid_share
    }

    /// The regions whose organizations may apply; empty where those of all may.
    async fn eligible_regions(&self) -> Vec<RegionNode> {
        let slugs = self.lot.criteria.eligible_regions.iter();
        slugs.filter_map(|slug| self.eligible_regions.get(slug)).collect()
    }

    /// The share of the aid that is to be spent in the funders' territories, from 0 to 1.
    async fn territorial_spend_share(&self) -> Option<Decimal> {
        self.lot.criteria.territorial_spend_share
    }
}

/// A regulation in one language and version.
#[Object]
impl Regulation {
    /// The language that it is written in.
    async fn language(&self) -> Language {
        self.language
    }

    /// The name of the version.
    async fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Where it can be read.
    async fn url(&self) -> Option<&Url> {
        self.url.as_ref()
    }

    /// The day from which it holds, as precisely as known.
    async fn valid_from(&self) -> Option<PartialDate> {
        self.valid_from
    }
}

record_queries! {
    /// Queries of calls for projects.
    CallForProjectsQuery of CallForProjectsNode {
        /// One call for projects; null where there is none that this viewer may see.
        call_for_projects(RecordBy),
        /// Calls for projects that this viewer may see.
        calls_for_projects("Order of the list; by title where it is not given.") -> CallForProjectsConnection,
    }
}
