//! Sessions in the schema.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object, SimpleObject};
use secrecy::ExposeSecret as _;

use crate::viewer::ViewerNode;
use identity::caller::Call;
use identity::session::{Opened, refresh, sign_in, sign_out};
use kernel::error::{GraphqlResult, IntoGraphql};
use kernel::problem::OperationError;
use kernel::read::Selection;
use kernel::reader::Reader;
use kernel::user_error::{UserError, outcome};
use kernel::value::{DateTime, EmailAddress, Given};

/// What somebody signs in with.
#[derive(InputObject)]
pub struct SignInInput {
    /// The e-mail address of the account. Case does not matter.
    pub email: Given<EmailAddress>,
    /// The password, as it was set: 256 characters at most.
    pub password: String,
}

/// Somebody who is signed in now, or why not.
#[derive(Default, SimpleObject)]
pub struct SessionPayload {
    /// Sent with each request, in the header `Authorization: Bearer <token>`, until it expires; null where nobody
    /// was signed in.
    pub access_token: Option<String>,
    /// Sent with `refreshSession` to get the next pair of tokens, within 30 days. Parallel requests may send the same
    /// one: for 30 seconds after its first use it is accepted again, and answered with the same next token. When it
    /// comes later than that, the session ends, because somebody may have copied it. Keep it where no script of another
    /// site can read it.
    pub refresh_token: Option<String>,
    /// When the access token expires: 10 minutes from now.
    pub expires_at: Option<DateTime>,
    /// Who is signed in now.
    pub viewer: Option<ViewerNode>,
    /// Why nobody was signed in; empty where somebody was.
    pub user_errors: Vec<UserError>,
}

/// That nobody is signed in any more.
#[derive(Default, SimpleObject)]
pub struct SignOutPayload {
    /// Always empty: a token that is not known opens no session either way.
    pub user_errors: Vec<UserError>,
}

/// The payload of `signIn`, `refreshSession` and `acceptInvitation`: tokens, or why none were issued.
///
/// # Errors
/// Failures other than a refused input.
pub async fn payload(
    ctx: &Context<'_>,
    opened: Result<Opened, OperationError>,
) -> GraphqlResult<SessionPayload> {
    let reader = Reader::of(ctx)?;
    let opened = match outcome(opened, &reader.languages).graphql()? {
        Ok(opened) => opened,
        Err(user_errors) => return Ok(SessionPayload { user_errors, ..SessionPayload::default() }),
    };
    let viewer = match Selection::of(ctx).below("SessionPayload", "viewer") {
        Some(want) => {
            // The request had no viewer of its own yet; the payload is read with the rights of the session.
            let own = Reader::new(
                Arc::clone(&reader.db),
                opened.known.viewer.clone(),
                reader.languages.clone(),
                reader.now,
            );
            Some(ViewerNode::read(&own, Some(&opened.known), &want).await.graphql()?)
        }
        None => None,
    };
    Ok(SessionPayload {
        access_token: Some(opened.access_token.expose_secret().to_owned()),
        refresh_token: Some(opened.refresh_token.expose_secret().to_owned()),
        expires_at: Some(opened.expires_at),
        viewer,
        user_errors: Vec::new(),
    })
}

/// Signing in and out.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionMutation;

/// Signing in and out.
#[Object]
impl SessionMutation {
    /// Signs somebody in. What it answers, and how long it takes, does not tell whether there is an account with
    /// this e-mail address. Too many attempts that fail are refused with `RATE_LIMITED` and `retryAfterMs`.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "E-mail address and password.")] input: SignInInput,
    ) -> GraphqlResult<SessionPayload> {
        let call = Call::of(ctx)?;
        let opened = match input.email.read("email") {
            Ok(email) => sign_in(&call.identity, email, input.password.into(), call.from).await,
            Err(problem) => Err(problem.into()),
        };
        payload(ctx, opened).await
    }

    /// Goes on with a session: a new access token, and the refresh token for the next time. Send it without the
    /// header `Authorization`: an access token that has expired would be refused.
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refresh token that was received last.")] refresh_token: String,
    ) -> GraphqlResult<SessionPayload> {
        let call = Call::of(ctx)?;
        let opened = refresh(&call.identity, &refresh_token.into(), call.from).await;
        payload(ctx, opened).await
    }

    /// Ends a session: its refresh token and its access tokens are good no more.
    async fn sign_out(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A refresh token of the session.")] refresh_token: String,
    ) -> GraphqlResult<SignOutPayload> {
        let call = Call::of(ctx)?;
        sign_out(&call.identity, &refresh_token.into(), call.from).await.graphql()?;
        Ok(SignOutPayload::default())
    }
}
