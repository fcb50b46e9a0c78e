//! Invitations in the schema.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use super::talent::{NewTalentInvitation, claim_with, invite as invite_to_profile};
use super::{Acceptance, Invitation, NewInvitation, accept, invite, page, revoke};
use crate::session::{SessionPayload, payload as session_payload};
use directory::organization::OrganizationNode;
use directory::region::{self, RegionNode, Regions};
use directory::talent::consent::ConsentInput;
use directory::talent::mutation::TalentPayload;
use directory::talent::{TalentNode, own};
use identity::caller::Call;
use identity::role::Role;
use kernel::connection;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id::{self, graphql_id};
use kernel::node::by_ids;
use kernel::page::{PageArguments, PageOf};
use kernel::problem::OperationError;
use kernel::read::Selection;
use kernel::reader::{Reader, nodes_wanted, total_wanted};
use kernel::user_error::{UserError, outcome};
use kernel::value::{DateTime, EmailAddress, Given, Language};
use kernel::vocabulary::vocabularies;

/// The type prefix of ids of invitations.
const TYPE: &str = "invitation";

/// An invitation in a response, with the selected relations.
#[derive(Clone, Debug)]
pub struct InvitationNode {
    invitation: Invitation,
    regions: Regions,
    organization: Option<OrganizationNode>,
    talent: Option<Box<TalentNode>>,
}

impl InvitationNode {
    async fn read(
        reader: &Reader,
        invitations: Vec<Invitation>,
        want: &Selection,
    ) -> Result<Vec<Self>, DomainError> {
        let below = want.below("Invitation", "region").unwrap_or_default();
        let regions = region::read(reader, invitations.iter().map(|one| one.region.as_str()), &below).await?;
        let mut organizations: HashMap<Uuid, OrganizationNode> = HashMap::new();
        if let Some(below) = want.below("Invitation", "organization") {
            let ids: Vec<Uuid> = invitations.iter().filter_map(|one| one.organization).collect();
            let found = by_ids(reader, &ids, &below).await?;
            organizations = ids.into_iter().zip(found).filter_map(|(id, node)| Some((id, node?))).collect();
        }
        let mut talents: HashMap<Uuid, TalentNode> = HashMap::new();
        if let Some(below) = want.below("Invitation", "talent") {
            let ids: Vec<Uuid> = invitations.iter().filter_map(|one| one.talent).collect();
            let found = by_ids(reader, &ids, &below).await?;
            talents = ids.into_iter().zip(found).filter_map(|(id, node)| Some((id, node?))).collect();
        }
        let nodes = invitations.into_iter().map(|invitation| Self {
            regions: regions.clone(),
            talent: invitation.talent.and_then(|id| talents.get(&id)).cloned().map(Box::new),
            organization: invitation.organization.and_then(|id| organizations.get(&id)).cloned(),
            invitation,
        });
        Ok(nodes.collect())
    }
}

/// Somebody who was asked to take part, and has not answered yet.
#[Object(name = "Invitation")]
impl InvitationNode {
    /// Opaque id; it opens nothing.
    async fn id(&self) -> ID {
        graphql_id(TYPE, self.invitation.id)
    }

    /// The e-mail address that was invited.
    async fn email(&self) -> &EmailAddress {
        &self.invitation.email
    }

    /// The language of the mail.
    async fn language(&self) -> Language {
        self.invitation.language
    }

    /// The region that invites.
    async fn region(&self) -> GraphqlResult<RegionNode> {
        let unknown = || DomainError::Stored(format!("unknown region {}", self.invitation.region));
        self.regions.get(&self.invitation.region).ok_or_else(unknown).graphql()
    }

    /// What they will be able to do there.
    async fn roles(&self) -> &[Role] {
        &self.invitation.roles
    }

    /// The organization that they will belong to; null where it is none.
    async fn organization(&self) -> Option<&OrganizationNode> {
        self.organization.as_ref()
    }

    /// The profile that they are asked to take over; null where it is none.
    async fn talent(&self) -> Option<&TalentNode> {
        self.talent.as_deref()
    }

    /// When they were invited.
    async fn created_at(&self) -> DateTime {
        self.invitation.created_at
    }

    /// When the link of the mail is good no more.
    async fn expires_at(&self) -> DateTime {
        self.invitation.expires_at
    }
}

connection!(InvitationConnection, InvitationEdge, InvitationNode, "invitations");

/// Somebody who is to be invited.
#[derive(Clone, Debug, InputObject)]
pub struct InviteAccountInput {
    /// The e-mail address. An account is not needed; whether there is one is not told.
    pub email: Given<EmailAddress>,
    /// Slug of the region, which you administer.
    pub region: String,
    /// What they will be able to do there: MEMBER if you do not say.
    pub roles: Option<Vec<Role>>,
    /// Id of an organization of the region that they will belong to.
    pub organization: Option<ID>,
    /// The language of the mail: the region's first if you do not say.
    pub language: Option<Language>,
}

/// The invitation, or why there is none.
#[derive(Default, SimpleObject)]
pub struct InvitationPayload {
    /// The invitation; null where nobody was invited, or none was withdrawn.
    pub invitation: Option<InvitationNode>,
    /// All that is wrong with the input, at once; empty where all went well.
    pub user_errors: Vec<UserError>,
}

/// What an invitation is accepted with.
#[derive(InputObject)]
pub struct AcceptInvitationInput {
    /// What stood behind `#invitation=` in the link of the mail. It is good once, for 14 days.
    pub token: String,
    /// The password of the new account: 12 to 256 characters. Not looked at where the account is there already.
    pub password: Option<String>,
    /// The name of the new account, as it is shown: 100 characters at most. Not looked at where the account is there
    /// already.
    pub display_name: Option<String>,
    /// The language of messages to the new account: that of the invitation if you do not say. Not looked at where the
    /// account is there already.
    pub language: Option<Language>,
    /// The text that is agreed to; required where the invitation is to take a profile over.
    pub consent: Option<ConsentInput>,
}

async fn payload(
    ctx: &Context<'_>,
    done: Result<Invitation, OperationError>,
) -> GraphqlResult<InvitationPayload> {
    let reader = Reader::of(ctx)?;
    match outcome(done, &reader.languages).graphql()? {
        Ok(invitation) => {
            let want = Selection::of(ctx).below("InvitationPayload", "invitation").unwrap_or_default();
            let read = InvitationNode::read(reader, vec![invitation], &want).await.graphql()?.pop();
            Ok(InvitationPayload { invitation: read, user_errors: Vec::new() })
        }
        Err(user_errors) => Ok(InvitationPayload { invitation: None, user_errors }),
    }
}

/// Queries of invitations.
#[derive(Clone, Copy, Debug, Default)]
pub struct InvitationQuery;

/// Queries of invitations.
#[Object]
impl InvitationQuery {
    /// The invitations that wait for an answer, of the regions that the viewer administers, the newest first; none for
    /// who administers nothing.
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Slug of a region: only its invitations.")] region: Option<String>,
        #[graphql(
            desc = "At most so many from the beginning or after `after`: 20 if not given, 100 at most."
        )]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "At most so many from the end or before `before`: 100 at most.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> GraphqlResult<InvitationConnection> {
        let (call, reader, field) = (Call::of(ctx)?, Reader::of(ctx)?, Selection::root(ctx));
        if let Some(slug) = &region {
            vocabularies().regions.find("region", "region", slug).graphql()?;
        }
        let arguments = PageArguments { first, after, last, before };
        let want_total = total_wanted(&field, "InvitationConnection");
        let known = call.known.as_deref();
        let page = page(&call.identity, known, region.as_deref(), &arguments, want_total).await.graphql()?;
        let (pages, all) = PageOf::apart(vec![page]);
        let want = nodes_wanted(&field, "InvitationConnection", "InvitationEdge");
        let nodes = InvitationNode::read(reader, all, &want).await.graphql()?;
        let page = PageOf::together(pages, nodes).pop();
        let page = page.ok_or_else(|| DomainError::Stored("no page".into())).graphql()?;
        Ok(InvitationConnection::new(page))
    }
}

/// Inviting people.
#[derive(Clone, Copy, Debug, Default)]
pub struct InvitationMutation;

/// Inviting people.
#[Object]
impl InvitationMutation {
    /// Sends somebody a link with which they make an account, or take roles with the one they have. Only administrators of
    /// the region may, signed in with their account. An earlier invitation of the region to this address is withdrawn. Too
    /// many invitations are refused with `RATE_LIMITED` and `retryAfterMs`.
    async fn invite_account(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who is invited, and to what.")] input: InviteAccountInput,
    ) -> GraphqlResult<InvitationPayload> {
        let call = Call::of(ctx)?;
        let organization = input.organization.as_ref();
        let organization = organization
            .map(|text| id::decode("organization", "organization", text))
            .transpose()
            .graphql()?;
        let new = NewInvitation {
            email: input.email,
            region: input.region,
            roles: input.roles.unwrap_or_else(|| vec![Role::Member]),
            organization,
            language: input.language,
        };
        payload(ctx, invite(&call.identity, call.known.as_deref(), new).await).await
    }

    /// Sends the person whom a profile is about a link with which they take it over: with `claimTalent` where they are
    /// signed in, with `acceptInvitation` where they have no account. Those who write the records of the profile's
    /// region may, signed in with their account. An earlier invitation to the profile is withdrawn. Too many
    /// invitations are refused with `RATE_LIMITED` and `retryAfterMs`.
    async fn invite_talent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the profile, which nobody has claimed.")] talent: ID,
        #[graphql(
            desc = "The person's e-mail address. An account is not needed; whether there is one is not told."
        )]
        email: Given<EmailAddress>,
        #[graphql(desc = "The language of the mail: the region's first if you do not say.")] language: Option<
            Language,
        >,
    ) -> GraphqlResult<InvitationPayload> {
        let (call, reader) = (Call::of(ctx)?, Reader::of(ctx)?);
        let talent = id::decode("talent", "talent", &talent).graphql()?;
        let invited = match email.read("email") {
            Ok(email) => {
                let new = NewTalentInvitation { talent, email: email.clone(), language };
                invite_to_profile(&call.identity, reader, call.known.as_deref(), new).await
            }
            Err(problem) => Err(problem.not_of_the_input().into()),
        };
        payload(ctx, invited).await
    }

    /// Takes a profile over, with the token of an invitation to it. Whoever is signed in may who has the token and no
    /// profile yet. From then on they alone decide who sees it; it stays as visible as it is.
    async fn claim_talent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What stood behind `#invitation=` in the link of the mail. It is good once.")]
        token: String,
        #[graphql(desc = "The text that is agreed to; required.")] consent: Option<ConsentInput>,
    ) -> GraphqlResult<TalentPayload> {
        let (call, reader) = (Call::of(ctx)?, Reader::of(ctx)?);
        let done = claim_with(&call.identity, call.known.as_deref(), token.into(), consent, call.from).await;
        let done = match done {
            Ok(id) => Ok(id),
            Err(OperationError::Refused(problems)) => Err(problems),
            Err(OperationError::Failed(error)) => return Err(error).graphql(),
        };
        // The viewer of the request does not own the profile yet; the payload is read as its owner.
        let mut viewer = reader.viewer.clone();
        viewer.owns.extend(done.as_ref().ok());
        let own_reader = Reader::new(Arc::clone(&reader.db), viewer, reader.languages.clone(), reader.now);
        own::payload(ctx, &own_reader, done).await.graphql()
    }

    /// Withdraws an invitation that was not accepted yet: its link is good no more. Only administrators of its region
    /// may.
    async fn revoke_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the invitation.")] id: ID,
    ) -> GraphqlResult<InvitationPayload> {
        let call = Call::of(ctx)?;
        let id = id::decode("id", TYPE, &id).graphql()?;
        payload(ctx, revoke(&call.identity, call.known.as_deref(), id).await).await
    }

    /// Accepts an invitation with the token of its mail, and signs in. Without the header `Authorization` it makes an
    /// account with the invited address; where there is one already, the answer says so (`SIGN_IN_FIRST`), and it is
    /// accepted by who is signed in with it.
    async fn accept_invitation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token, and what the new account needs.")] input: AcceptInvitationInput,
    ) -> GraphqlResult<SessionPayload> {
        let call = Call::of(ctx)?;
        let given = Acceptance {
            token: input.token.into(),
            password: input.password.map(Into::into),
            display_name: input.display_name,
            language: input.language,
            consent: input.consent,
        };
        session_payload(ctx, accept(&call.identity, call.known.as_deref(), given, call.from).await).await
    }
}
