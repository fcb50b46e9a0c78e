//! Organizations in the schema.

use async_graphql::{Context, ID, InputObject, Object};

use super::{Address, OrganizationNode, OrganizationStatus};
use crate::affiliation::graphql::AffiliationConnection;
use crate::partnership::graphql::{PartnershipConnection, PartnershipFilter};
use crate::region::{RegionNode, TerritoryNode};
use crate::{order, record_by, record_object, record_queries, relations};
use kernel::connection;
use kernel::error::{DomainError, GraphqlResult};
use kernel::geo;
use kernel::list::{Conditions, SortKey};
use kernel::read::KeyValue;
use kernel::reader::Reader;
use kernel::value::{DateTime, EmailAddress, Identifier, Language, LocalizedText, PartialDate, Url};
use kernel::vocabulary::Vocabulary;
use kernel::vocabulary::graphql::{SectorNode, TermNode, term_node};

connection!(OrganizationConnection, OrganizationEdge, OrganizationNode, "organizations");

record_by! {
    /// Names one organization, in one of four ways.
    OrganizationBy,
    /// By an official identifier.
    Identifier
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

order! {
    /// The order of organizations.
    OrganizationOrder,
    /// What organizations can be ordered by.
    OrganizationOrderField {
        /// The name, as a reader of French or Dutch expects: accents and case count last.
        #[default]
        Name => SortKey::Name,
        /// When the record was first written here.
        CreatedAt => SortKey::Number("created_at"),
        /// When the record was last changed.
        UpdatedAt => SortKey::Number("updated_at"),
        /// When it was founded. What is not known comes last in both directions; `2009` comes before `2009-01`.
        FoundedOn => SortKey::PartialDate("founded_on"),
    }
}

record_object! {
    /// A company, school, laboratory, fund, public body, association or venue of the image industry.
    OrganizationNode named "Organization" of "organization" {
        /// Readable name for addresses. It may change; a former one still finds the organization.
        slug,
        /// Who may see the record.
        visibility,
        times in card,
        /// Statements by source, where sources differ or are unsure.
        claims("Only those on this field, named as in the schema: `foundedOn`."),
        rest OrganizationFields,
    }
}

/// The fields that only organizations have.
#[Object]
impl OrganizationFields<'_> {
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
        self.around.successor.as_deref()
    }

    /// Organizations that it continues, by name.
    async fn predecessors(&self) -> &[OrganizationNode] {
        &self.around.predecessors
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
        self.around.seat_region.get(self.row.card.seat_region.as_deref()?)
    }

    /// The territory of its seat.
    async fn territory(&self) -> Option<TerritoryNode> {
        TerritoryNode::new(self.row.card.territory.as_deref()?, &self.around.territory_regions)
    }

    /// Its postal address.
    async fn address(&self) -> Option<&Address> {
        self.row.details.address.as_ref()
    }

    /// Regions where it works, which need not be where it sits.
    async fn served_regions(&self) -> Vec<RegionNode> {
        self.row
            .details
            .served_regions
            .iter()
            .filter_map(|slug| self.around.served_regions.get(slug))
            .collect()
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
        SectorNode::all(&self.row.sectors.slugs)
    }

    /// Clusters and federations that it belongs to, by name.
    async fn member_of(&self) -> &[OrganizationNode] {
        &self.around.member_of
    }

    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "the schema's derive asks for it")]
    async fn relations(&self) -> OrganizationRelations<'_> {
        OrganizationRelations(self)
    }
}

relations! {
    /// The nested connections of an organization.
    OrganizationRelations of OrganizationNode {
        /// Its members, for a cluster or a federation, by name.
        members -> OrganizationConnection = |node| Ok(&node.around.members);
        /// People with a role in it, the latest first.
        affiliations as AffiliationsArguments {
            ..,
            current: bool = "`true`: only roles that last, with no known end or one in the future. `false`: only those that have ended. Roles known from a report alone (`asOf`) are neither."
        } -> AffiliationConnection = |node| Ok(&node.around.affiliations);
        /// Partnerships that it is a party of, by their start.
        partnerships as PartnershipsArguments {
            filter: PartnershipFilter = "Only those that fit.", ..
        } -> PartnershipConnection = |node| Ok(&node.around.partnerships);
    }
}

record_queries! {
    /// Queries of organizations.
    OrganizationQuery of OrganizationNode {
        /// One organization; null where there is none that this viewer may see.
        organization(OrganizationBy),
        /// Organizations that this viewer may see.
        organizations("Order of the list; by name where it is not given.") -> OrganizationConnection,
    }
}
