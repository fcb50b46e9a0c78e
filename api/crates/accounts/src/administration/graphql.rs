//! Administration of accounts in the schema.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};

use super::{Entry, page, set_membership, set_role, store};
use crate::account::AccountNode;
use crate::viewer::RoleGrantNode;
use directory::region::Regions;
use identity::caller::{Call, IdentifiedCaller};
use identity::role::{Grant, Role};
use kernel::connection;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id;
use kernel::page::{PageArguments, PageOf};
use kernel::problem::OperationError;
use kernel::read::Selection;
use kernel::reader::{Reader, nodes_wanted, total_wanted};
use kernel::user_error::{UserError, outcome};
use kernel::value::DateTime;
use kernel::vocabulary::vocabularies;

/// An account in a response, as the administrators of its region see it.
#[derive(Clone, Debug)]
pub struct AccountEntryNode {
    account: AccountNode,
    grants: Vec<Grant>,
    regions: Regions,
    created_at: DateTime,
}

impl AccountEntryNode {
    /// Reads the selected relations of accounts, with one statement for each relation.
    async fn read(
        reader: &Reader,
        known: Option<&IdentifiedCaller>,
        mut entries: Vec<Entry>,
        want: &Selection,
    ) -> Result<Vec<Self>, DomainError> {
        let db = Arc::clone(&reader.db);
        let roles = want.below("AccountEntry", "roles");
        if roles.is_some() {
            let mut found = store::grants(&db, &entries).await?;
            for (place, entry) in entries.iter_mut().enumerate() {
                // Roles in other regions are hidden from administrators of a region.
                let shown = |grant: &Grant| match (&grant.region, known) {
                    (Some(region), Some(known)) => known.administers(region),
                    (None, Some(known)) => known.viewer.admin,
                    (_, None) => false,
                };
                entry.grants = found.remove(&place).unwrap_or_default().into_iter().filter(shown).collect();
            }
        }
        let below = want.below("AccountEntry", "account").unwrap_or_default();
        if below.below("Account", "organizations").is_some() {
            let mut found = store::organizations(&db, &entries).await?;
            for (place, entry) in entries.iter_mut().enumerate() {
                entry.account.organizations = found.remove(&place).unwrap_or_default();
            }
        }
        let all: Vec<Grant> = entries.iter().flat_map(|entry| &entry.grants).cloned().collect();
        let regions = RoleGrantNode::regions(reader, &all, &roles.unwrap_or_default()).await?;
        let accounts = entries.iter().map(|entry| entry.account.clone()).collect();
        let accounts = AccountNode::read_all(reader, accounts, &below).await?;
        let nodes = entries.into_iter().zip(accounts).map(|(entry, account)| Self {
            account,
            grants: entry.grants,
            regions: regions.clone(),
            created_at: entry.created_at,
        });
        Ok(nodes.collect())
    }
}

/// An account, as those who administer its region see it.
#[Object(name = "AccountEntry")]
impl AccountEntryNode {
    /// The account.
    async fn account(&self) -> &AccountNode {
        &self.account
    }

    /// What it may do in the regions that the viewer administers.
    async fn roles(&self) -> Vec<RoleGrantNode> {
        RoleGrantNode::of(&self.grants, &self.regions)
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.created_at
    }
}

connection!(AccountConnection, AccountEdge, AccountEntryNode, "accounts");

/// A role that an account is to have, or to have no more.
#[derive(Clone, Debug, InputObject)]
pub struct RoleInput {
    /// Id of the account: of one that has a role in a region that you administer, or belongs to one of its
    /// organizations. Others are invited (`inviteAccount`).
    pub account: ID,
    /// The role.
    pub role: Role,
    /// Slug of the region where; left out for ADMIN alone.
    pub region: Option<String>,
}

/// An organization that an account is to belong to, or to belong to no more.
#[derive(Clone, Debug, InputObject)]
pub struct MembershipInput {
    /// Id of the account: of one that has a role in a region that you administer, or belongs to one of its
    /// organizations. Others are invited (`inviteAccount`).
    pub account: ID,
    /// Id of the organization, of a region that you administer.
    pub organization: ID,
}

/// The account as it is now, or why nothing was changed.
#[derive(Default, SimpleObject)]
pub struct AccountEntryPayload {
    /// The account; null where nothing was changed.
    pub entry: Option<AccountEntryNode>,
    /// All that is wrong with the input, at once; empty where all went well.
    pub user_errors: Vec<UserError>,
}

async fn payload(
    ctx: &Context<'_>,
    done: Result<Entry, OperationError>,
) -> GraphqlResult<AccountEntryPayload> {
    let (call, reader) = (Call::of(ctx)?, Reader::of(ctx)?);
    match outcome(done, &reader.languages).graphql()? {
        Ok(entry) => {
            let want = Selection::of(ctx).below("AccountEntryPayload", "entry").unwrap_or_default();
            let read = AccountEntryNode::read(reader, call.known.as_deref(), vec![entry], &want).await;
            Ok(AccountEntryPayload { entry: read.graphql()?.pop(), user_errors: Vec::new() })
        }
        Err(user_errors) => Ok(AccountEntryPayload { entry: None, user_errors }),
    }
}

/// Queries of accounts.
#[derive(Clone, Copy, Debug, Default)]
pub struct AdministrationQuery;

/// Queries of accounts.
#[Object]
impl AdministrationQuery {
    /// The accounts that have a role in a region that the viewer administers, or belong to one of its organizations, the
    /// newest first; all for who administers the instance, none for who administers nothing.
    async fn accounts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Slug of a region: only its accounts.")] region: Option<String>,
        #[graphql(
            desc = "At most so many from the beginning or after `after`: 20 if not given, 100 at most."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many from the end or before `before`: 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> GraphqlResult<AccountConnection> {
        let (call, reader, field) = (Call::of(ctx)?, Reader::of(ctx)?, Selection::root(ctx));
        let known = call.known.as_deref();
        if let Some(slug) = &region {
            vocabularies().regions.find("region", "region", slug).graphql()?;
        }
        let arguments = PageArguments { first, after, last, before };
        let want_total = total_wanted(&field, "AccountConnection");
        let page = page(&reader.db, known, region.as_deref(), &arguments, want_total).await.graphql()?;
        let (pages, entries) = PageOf::apart(vec![page]);
        let want = nodes_wanted(&field, "AccountConnection", "AccountEdge");
        let nodes = AccountEntryNode::read(reader, known, entries, &want).await.graphql()?;
        let page = PageOf::together(pages, nodes).pop();
        let page = page.ok_or_else(|| DomainError::Stored("no page".into())).graphql()?;
        Ok(AccountConnection::new(page))
    }
}

/// Giving and taking roles and memberships.
#[derive(Clone, Copy, Debug, Default)]
pub struct AdministrationMutation;

impl AdministrationMutation {
    async fn role(ctx: &Context<'_>, input: RoleInput, given: bool) -> GraphqlResult<AccountEntryPayload> {
        let call = Call::of(ctx)?;
        let account = id::decode("account", "account", &input.account).graphql()?;
        let grant = Grant { role: input.role, region: input.region };
        payload(ctx, set_role(&call.identity, call.known.as_deref(), account, grant, given).await).await
    }

    async fn membership(
        ctx: &Context<'_>,
        input: MembershipInput,
        belongs: bool,
    ) -> GraphqlResult<AccountEntryPayload> {
        let call = Call::of(ctx)?;
        let account = id::decode("account", "account", &input.account).graphql()?;
        let organization = id::decode("organization", "organization", &input.organization).graphql()?;
        let known = call.known.as_deref();
        payload(ctx, set_membership(&call.identity, known, account, organization, belongs).await).await
    }
}

/// Giving and taking roles and memberships.
#[Object]
impl AdministrationMutation {
    /// Gives an account a role, from the next request on. Only administrators of the region may, signed in with their
    /// account; ADMIN is given by who has it. A role that the account has stays.
    async fn grant_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account and the role.")] input: RoleInput,
    ) -> GraphqlResult<AccountEntryPayload> {
        Self::role(ctx, input, true).await
    }

    /// Takes a role away from an account, from the next request on. Only administrators of the region may, signed in
    /// with their account; ADMIN is taken by who has it, and never from the last one.
    async fn revoke_role(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account and the role.")] input: RoleInput,
    ) -> GraphqlResult<AccountEntryPayload> {
        Self::role(ctx, input, false).await
    }

    /// Makes an account belong to an organization: it sees what is private about it, and speaks for it. Only
    /// administrators of the organization's region may, signed in with their account.
    async fn add_organization_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account and the organization.")] input: MembershipInput,
    ) -> GraphqlResult<AccountEntryPayload> {
        Self::membership(ctx, input, true).await
    }

    /// Makes an account belong to an organization no more. Only administrators of the organization's region may, signed
    /// in with their account.
    async fn remove_organization_member(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account and the organization.")] input: MembershipInput,
    ) -> GraphqlResult<AccountEntryPayload> {
        Self::membership(ctx, input, false).await
    }
}
