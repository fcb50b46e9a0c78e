//! API keys in the schema.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use secrecy::ExposeSecret as _;

use directory::region::{self, RegionNode, Regions};
use identity::api_key::{ApiKey, Maker, NewKey, all, create, revoke};
use identity::caller::Call;
use identity::role::Role;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id::{self, graphql_id};
use kernel::read::Selection;
use kernel::reader::Reader;
use kernel::user_error::{UserError, outcome};
use kernel::value::{DateTime, Given};
use kernel::vocabulary::vocabularies;

/// The type prefix of ids of keys.
const TYPE: &str = "api_key";

/// A key in a response, with the selected region.
#[derive(Clone, Debug)]
pub struct ApiKeyNode {
    key: ApiKey,
    regions: Regions,
}

impl ApiKeyNode {
    async fn read(reader: &Reader, keys: Vec<ApiKey>, want: &Selection) -> Result<Vec<Self>, DomainError> {
        let below = want.below("ApiKey", "region").unwrap_or_default();
        let regions = region::read(reader, keys.iter().map(|key| key.region.as_str()), &below).await?;
        Ok(keys.into_iter().map(|key| Self { key, regions: regions.clone() }).collect())
    }
}

/// A key with which the machines of a region call. The key itself is shown once, when it is made.
#[Object(name = "ApiKey")]
impl ApiKeyNode {
    /// Opaque id; it opens nothing.
    async fn id(&self) -> ID {
        graphql_id(TYPE, self.key.id)
    }

    /// What it is for, in the words of who made it.
    async fn name(&self) -> &str {
        &self.key.name
    }

    /// The region of its roles.
    async fn region(&self) -> GraphqlResult<RegionNode> {
        let unknown = || DomainError::Stored(format!("unknown region {}", self.key.region));
        self.regions.get(&self.key.region).ok_or_else(unknown).graphql()
    }

    /// What it may do in its region.
    async fn roles(&self) -> &[Role] {
        &self.key.roles
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.key.created_at
    }

    /// When it ends.
    async fn expires_at(&self) -> DateTime {
        self.key.expires_at
    }

    /// The minute in which it was last used; null where it never was.
    async fn last_used_at(&self) -> Option<DateTime> {
        self.key.last_used_at
    }

    /// When it was revoked; null where it was not.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.key.revoked_at
    }
}

/// A key that is to be made.
#[derive(Clone, Debug, InputObject)]
pub struct CreateApiKeyInput {
    /// What it is for, in words: 100 characters at most.
    pub name: String,
    /// Slug of the region of its roles.
    pub region: String,
    /// What it may do there. A key does not administer the whole instance.
    pub roles: Vec<Role>,
    /// When it ends: in three years at most, in one year if you do not say.
    pub expires_at: Option<Given<DateTime>>,
}

/// The new key, or why there is none.
#[derive(Default, SimpleObject)]
pub struct CreateApiKeyPayload {
    /// The key, without what opens anything.
    pub api_key: Option<ApiKeyNode>,
    /// The key itself, sent with each request in the header `Authorization: Bearer <secret>`. It is shown now and
    /// never again.
    pub secret: Option<String>,
    /// Why no key was made; empty where one was.
    pub user_errors: Vec<UserError>,
}

/// The key that was revoked, or why none was.
#[derive(Default, SimpleObject)]
pub struct RevokeApiKeyPayload {
    /// The key.
    pub api_key: Option<ApiKeyNode>,
    /// Why no key was revoked; empty where one was.
    pub user_errors: Vec<UserError>,
}

/// Queries of API keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApiKeyQuery;

/// Queries of API keys.
#[Object]
impl ApiKeyQuery {
    /// The API keys of the regions that the viewer administers, the newest first; empty for who administers none.
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Slug of a region: only its keys.")] region: Option<String>,
    ) -> GraphqlResult<Vec<ApiKeyNode>> {
        let call = Call::of(ctx)?;
        if let Some(slug) = &region {
            vocabularies().regions.find("region", "region", slug).graphql()?;
        }
        let maker = Maker::Caller(call.known.as_deref());
        let keys = all(&call.identity, region.as_deref(), maker).await.graphql()?;
        ApiKeyNode::read(Reader::of(ctx)?, keys, &Selection::of(ctx)).await.graphql()
    }
}

/// Making and revoking API keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApiKeyMutation;

/// Making and revoking API keys.
#[Object]
impl ApiKeyMutation {
    /// Makes an API key for the machines of a region. Only the administrators of the region may, signed in with
    /// their account.
    async fn create_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The key that is wanted.")] input: CreateApiKeyInput,
    ) -> GraphqlResult<CreateApiKeyPayload> {
        let (call, reader) = (Call::of(ctx)?, Reader::of(ctx)?);
        let CreateApiKeyInput { name, region, roles, expires_at } = input;
        let new = NewKey { name, region, roles, expires_at };
        let made = create(&call.identity, new, Maker::Caller(call.known.as_deref())).await;
        match outcome(made, &reader.languages).graphql()? {
            Ok((key, secret)) => {
                let want = Selection::of(ctx).below("CreateApiKeyPayload", "apiKey").unwrap_or_default();
                let api_key = ApiKeyNode::read(reader, vec![key], &want).await.graphql()?.pop();
                let secret = Some(secret.expose_secret().to_owned());
                Ok(CreateApiKeyPayload { api_key, secret, user_errors: Vec::new() })
            }
            Err(user_errors) => Ok(CreateApiKeyPayload { user_errors, ..CreateApiKeyPayload::default() }),
        }
    }

    /// Revokes an API key: the next request with it is refused. A key that was revoked stays listed.
    async fn revoke_api_key(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the key, not the key itself.")] id: ID,
    ) -> GraphqlResult<RevokeApiKeyPayload> {
        let (call, reader) = (Call::of(ctx)?, Reader::of(ctx)?);
        let id = id::decode("id", TYPE, &id).graphql()?;
        let revoked = revoke(&call.identity, id, Maker::Caller(call.known.as_deref())).await;
        match outcome(revoked, &reader.languages).graphql()? {
            Ok(key) => {
                let want = Selection::of(ctx).below("RevokeApiKeyPayload", "apiKey").unwrap_or_default();
                let api_key = ApiKeyNode::read(reader, vec![key], &want).await.graphql()?.pop();
                Ok(RevokeApiKeyPayload { api_key, user_errors: Vec::new() })
            }
            Err(user_errors) => Ok(RevokeApiKeyPayload { user_errors, ..RevokeApiKeyPayload::default() }),
        }
    }
}
