//! New passwords in the schema.

use async_graphql::{Context, InputObject, Object, SimpleObject};

use identity::caller::Call;
use identity::recovery::{change, request, reset};
use kernel::error::{GraphqlResult, IntoGraphql};
use kernel::problem::OperationError;
use kernel::reader::Reader;
use kernel::user_error::{UserError, outcome};
use kernel::value::{EmailAddress, Given};

/// That a link was asked for.
#[derive(Default, SimpleObject)]
pub struct RequestPasswordResetPayload {
    /// Only what is no address is told: whether there is an account with this one is not.
    pub user_errors: Vec<UserError>,
}

/// What a new password is set with.
#[derive(InputObject)]
pub struct ResetPasswordInput {
    /// What stood behind `#password-reset=` in the link of the mail. It is good once, for an hour.
    pub token: String,
    /// The new password: 12 to 256 characters.
    pub password: String,
}

/// What a password is changed with.
#[derive(InputObject)]
pub struct ChangePasswordInput {
    /// The present password.
    pub current_password: String,
    /// The new one: 12 to 256 characters.
    pub new_password: String,
}

/// Whether the password is another one now.
#[derive(Default, SimpleObject)]
pub struct PasswordPayload {
    /// Why it is not; empty where it is.
    pub user_errors: Vec<UserError>,
}

fn payload(ctx: &Context<'_>, done: Result<(), OperationError>) -> GraphqlResult<PasswordPayload> {
    let done = outcome(done, &Reader::of(ctx)?.languages).graphql()?;
    Ok(PasswordPayload { user_errors: done.err().unwrap_or_default() })
}

/// New passwords.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecoveryMutation;

/// New passwords.
#[Object]
impl RecoveryMutation {
    /// Sends a link to choose a new password, if there is an account with this e-mail address; what is answered does
    /// not tell. Too many requests are refused with `RATE_LIMITED` and `retryAfterMs`.
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The e-mail address of the account.")] email: Given<EmailAddress>,
    ) -> GraphqlResult<RequestPasswordResetPayload> {
        let call = Call::of(ctx)?;
        let email = match email.read("email") {
            Ok(email) => email,
            Err(problem) => {
                let error = UserError::new(&problem.not_of_the_input(), &Reader::of(ctx)?.languages);
                return Ok(RequestPasswordResetPayload { user_errors: vec![error] });
            }
        };
        request(&call.identity, email, call.from).await.graphql()?;
        Ok(RequestPasswordResetPayload::default())
    }

    /// Sets a new password with the token of a mail. All sessions of the account end: sign in with the new password.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token and the new password.")] input: ResetPasswordInput,
    ) -> GraphqlResult<PasswordPayload> {
        let call = Call::of(ctx)?;
        payload(ctx, reset(&call.identity, input.token.into(), input.password.into(), call.from).await)
    }

    /// Sets another password of the account that is signed in. Its other sessions end; this one goes on.
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The present password and the new one.")] input: ChangePasswordInput,
    ) -> GraphqlResult<PasswordPayload> {
        let call = Call::of(ctx)?;
        let (current, new) = (input.current_password.into(), input.new_password.into());
        payload(ctx, change(&call.identity, call.known.as_deref(), current, new, call.from).await)
    }
}
