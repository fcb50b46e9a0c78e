//! Addresses of people's own calendars in the schema.

use async_graphql::{Context, Object, SimpleObject};
use secrecy::ExposeSecret as _;

use crate::viewer::ViewerNode;
use identity::calendar_address::{create, revoke};
use identity::caller::{Call, IdentifiedCaller};
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::messages::{self, accounts as said};
use kernel::problem::{OperationError, Problem};
use kernel::read::Selection;
use kernel::reader::Reader;
use kernel::user_error::{UserError, outcome};
use kernel::value::Url;

/// The new address, or why there is none.
#[derive(Default, SimpleObject)]
pub struct CalendarAddressPayload {
    /// The address of the calendar, for a program that subscribes to calendars. Whoever has it reads the viewer's
    /// registrations, so it is shown now and never again.
    pub url: Option<Url>,
    /// Why no address was made; empty where one was.
    pub user_errors: Vec<UserError>,
}

/// Who sent the request, or why nothing was changed for them.
#[derive(Default, SimpleObject)]
pub struct ViewerPayload {
    /// Who sent the request; null where nothing was changed.
    pub viewer: Option<ViewerNode>,
    /// Why nothing was changed; empty where something was.
    pub user_errors: Vec<UserError>,
}

/// Making and revoking addresses of calendars.
#[derive(Clone, Copy, Debug, Default)]
pub struct CalendarMutation;

/// Making and revoking addresses of calendars.
#[Object]
impl CalendarMutation {
    /// Makes the secret address of a calendar with the events for which the viewer has registered, for programs that
    /// cannot sign in. It takes the place of the address before. Only accounts have one: an API key is refused with
    /// FORBIDDEN. More than 20 in an hour are refused with `RATE_LIMITED` and `retryAfterMs`.
    async fn create_calendar_address(&self, ctx: &Context<'_>) -> GraphqlResult<CalendarAddressPayload> {
        let (call, reader) = (Call::of(ctx)?, Reader::of(ctx)?);
        match outcome(address(call).await, &reader.languages).graphql()? {
            Ok(url) => Ok(CalendarAddressPayload { url: Some(url), user_errors: Vec::new() }),
            Err(user_errors) => Ok(CalendarAddressPayload { url: None, user_errors }),
        }
    }

    /// Revokes the address of the viewer's calendar: it opens nothing from now on. Without an address, nothing is
    /// changed.
    async fn revoke_calendar_address(&self, ctx: &Context<'_>) -> GraphqlResult<ViewerPayload> {
        let (call, reader) = (Call::of(ctx)?, Reader::of(ctx)?);
        let revoked = async {
            let account = account(call)?;
            revoke(&call.identity, account).await.map_err(OperationError::from)
        };
        match outcome(revoked.await, &reader.languages).graphql()? {
            Ok(()) => {
                let want = Selection::of(ctx).below("ViewerPayload", "viewer").unwrap_or_default();
                let viewer = ViewerNode::read(reader, Call::known(ctx), &want).await.graphql()?;
                Ok(ViewerPayload { viewer: Some(viewer), user_errors: Vec::new() })
            }
            Err(user_errors) => Ok(ViewerPayload { viewer: None, user_errors }),
        }
    }
}

/// The account that calls.
fn account(call: &Call) -> Result<uuid::Uuid, Problem> {
    let known = call.known.as_deref();
    match known.and_then(IdentifiedCaller::account) {
        Some(account) => Ok(account.id),
        None if call.viewer().machine => Err(Problem::forbidden(&said::CALENDARS_OF_PEOPLE)),
        None => Err(Problem::forbidden(&messages::NOT_SIGNED_IN)),
    }
}

async fn address(call: &Call) -> Result<Url, OperationError> {
    let account = account(call)?;
    call.identity.traffic.calendar_address(call)?;
    let secret = create(&call.identity, account).await?;
    let secret = secret.ok_or_else(|| Problem::forbidden(&messages::NOT_SIGNED_IN))?;
    let unknown = || DomainError::Stored("this program does not know its address".into());
    let mut url = call.identity.public_url.clone().ok_or_else(unknown)?;
    let path = format!("{}/export/registrations.ics", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.query_pairs_mut().append_pair("address", secret.expose_secret());
    let wrong = |error| DomainError::Stored(format!("PUBLIC_URL makes no address: {error}"));
    Ok(url.as_str().parse().map_err(wrong)?)
}
