//! The caller in the schema.

use async_graphql::{Context, Object};

use crate::account::AccountNode;
use directory::application;
use directory::application::graphql::ApplicationConnection;
use directory::contact_read::graphql::{ContactReadConnection, page as contact_reads};
use directory::region::{self, RegionNode, Regions};
use directory::registration::graphql::{EventRegistrationConnection, of_viewer as registrations};
use directory::relations;
use identity::caller::{Call, IdentifiedCaller};
use identity::role::{Grant, Role};
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::read::Selection;
use kernel::reader::{ByKey, Reader};

/// The caller in a response, with the selected relations.
#[derive(Clone, Debug, Default)]
pub struct ViewerNode {
    authenticated: bool,
    account: Option<AccountNode>,
    roles: Vec<RoleGrantNode>,
    contact_reads: ByKey<ContactReadConnection>,
    registrations: ByKey<EventRegistrationConnection>,
    applications: ByKey<ApplicationConnection>,
}

impl ViewerNode {
    /// Reads the selected relations of the caller.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn read(
        reader: &Reader,
        known: Option<&IdentifiedCaller>,
        want: &Selection,
    ) -> Result<Self, DomainError> {
        let authenticated = reader.viewer.signed_in || reader.viewer.admin;
        let talent = known.and_then(IdentifiedCaller::account).and_then(|account| account.talent);
        let mut reads = ByKey::default();
        for field in want.each("Viewer", "contactReads") {
            reads.put(&field, contact_reads(reader, talent, &field).await?);
        }
        let mut registered = ByKey::default();
        for field in want.each("Viewer", "registrations") {
            registered.put(&field, registrations(reader, &field).await?);
        }
        let mut applications = ByKey::default();
        for field in want.each("Viewer", "applications") {
            applications.put(&field, application::of_viewer(reader, &field).await?);
        }
        let own = Self {
            authenticated,
            contact_reads: reads,
            registrations: registered,
            applications,
            ..Self::default()
        };
        let Some(known) = known else { return Ok(own) };
        let account = match (want.below("Viewer", "account"), known.account()) {
            (Some(below), Some(account)) => Some(AccountNode::read(reader, account, &below).await?),
            _ => None,
        };
        let below = want.below("Viewer", "roles").unwrap_or_default();
        let regions = RoleGrantNode::regions(reader, &known.grants, &below).await?;
        let roles = RoleGrantNode::of(&known.grants, &regions);
        Ok(Self { account, roles, ..own })
    }
}

/// Who sends the request, as the server knows it.
#[Object(name = "Viewer")]
impl ViewerNode {
    /// Whether the request carries an access token or an API key. Without one, everything is answered as to
    /// anybody.
    async fn authenticated(&self) -> bool {
        self.authenticated
    }

    /// The account that is signed in; null for an API key, and for who is not signed in.
    async fn account(&self) -> Option<&AccountNode> {
        self.account.as_ref()
    }

    /// What the account or the API key may do.
    async fn roles(&self) -> &[RoleGrantNode] {
        &self.roles
    }

    #[graphql(flatten)]
    #[expect(clippy::unused_async, reason = "the schema's derive asks for it")]
    async fn relations(&self) -> ViewerRelations<'_> {
        ViewerRelations(self)
    }
}

relations! {
    /// The nested connections of who sends the request.
    ViewerRelations of ViewerNode {
        /// Who was shown the e-mail address or phone number in the viewer's own profile, the latest first, without the viewer
        /// and without those who need not sign in for it. It is noted shortly after the answer. Empty for who has no profile.
        contact_reads -> ContactReadConnection = |node| Ok(&node.contact_reads);
        /// The viewer's own registrations for events, the latest first, as long as they may see the event. Empty for an API
        /// key, and for who is not signed in.
        registrations -> EventRegistrationConnection = |node| Ok(&node.registrations);
        /// The applications to calls for projects of the organizations of which the viewer is a member, the newest first.
        /// Empty for who is a member of none.
        applications -> ApplicationConnection = |node| Ok(&node.applications);
    }
}

/// A role in a response.
#[derive(Clone, Debug)]
pub struct RoleGrantNode {
    role: Role,
    region: Option<String>,
    regions: Regions,
}

impl RoleGrantNode {
    /// Reads the selected fields of the regions of roles.
    ///
    /// # Errors
    /// [`DomainError::Database`].
    pub async fn regions(
        reader: &Reader,
        grants: &[Grant],
        want: &Selection,
    ) -> Result<Regions, DomainError> {
        let below = want.below("RoleGrant", "region").unwrap_or_default();
        let slugs = grants.iter().filter_map(|grant| grant.region.as_deref());
        region::read(reader, slugs, &below).await
    }

    /// Roles with their regions, as they were read.
    pub fn of(grants: &[Grant], regions: &Regions) -> Vec<Self> {
        let node =
            |grant: &Grant| Self { role: grant.role, region: grant.region.clone(), regions: regions.clone() };
        grants.iter().map(node).collect()
    }
}

/// Something that somebody may do, and where.
#[Object(name = "RoleGrant")]
impl RoleGrantNode {
    /// What they may do.
    async fn role(&self) -> Role {
        self.role
    }

    /// The region where; null where it is the whole instance.
    async fn region(&self) -> GraphqlResult<Option<RegionNode>> {
        let Some(slug) = &self.region else { return Ok(None) };
        let known = self.regions.get(slug);
        known.map(Some).ok_or_else(|| DomainError::Stored(format!("unknown region {slug}"))).graphql()
    }
}

/// Queries of who calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct ViewerQuery;

/// Queries of who calls.
#[Object]
impl ViewerQuery {
    /// Who sends this request. A request without the header `Authorization` comes from nobody in particular; one
    /// with a token that is not good is refused with UNAUTHENTICATED.
    async fn viewer(&self, ctx: &Context<'_>) -> GraphqlResult<ViewerNode> {
        ViewerNode::read(Reader::of(ctx)?, Call::known(ctx), &Selection::of(ctx)).await.graphql()
    }
}
