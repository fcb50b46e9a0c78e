//! Mutations of applications.

use async_graphql::{Context, ID, Object, SimpleObject};
use serde_json::json;
use uuid::Uuid;

use super::act::{ApplicationOutcome, Deed, act};
use super::decide::{Judgement, judge};
use super::write::ApplicationInput;
use super::{ApplicationNode, PREFIX, find};
use crate::partnership::write::MoneyInput;
use identity::caller::Call;
use kernel::RecordType;
use kernel::error::{GraphqlResult, IntoGraphql};
use kernel::id::{self, graphql_id};
use kernel::messages::{self, FilledMessage};
use kernel::problem::Problem;
use kernel::read::Selection;
use kernel::user_error::UserError;
use records::mutation::{DeletePayload, Mutator, confirmed, sent};
use records::write::{IdempotencyKey, MAX_KEY};

/// An application as it was written, or why nothing was.
#[derive(Clone, Debug, SimpleObject)]
pub struct ApplicationPayload {
    /// The application as it is now. Where somebody else has changed it meanwhile (CONFLICT), as they have left it; null
    /// where nothing was written for another reason.
    pub application: Option<ApplicationNode>,
    /// All that is wrong, at once. Nothing was written then; empty where all went well.
    pub user_errors: Vec<UserError>,
}

async fn payload(ctx: &Context<'_>, outcome: ApplicationOutcome) -> GraphqlResult<ApplicationPayload> {
    let reader = Mutator::of(ctx)?.reader();
    let below = Selection::of(ctx).below("ApplicationPayload", "application");
    let is_done = outcome.problems.is_empty();
    confirmed(is_done, outcome.application).graphql()?;
    let mut problems = outcome.problems;
    let application = match outcome.application.zip(below) {
        Some((id, below)) => {
            let found = find(reader, &[id], &below).await.graphql()?.pop().flatten();
            if outcome.before && found.is_none() {
                // Deleted since, or of an organization that the caller has left.
                let said = FilledMessage::new(&messages::KEY_WITHOUT_RECORD);
                problems.push(Problem::beside("idempotencyKey", said));
            }
            confirmed(problems.is_empty(), found).graphql()?
        }
        None => None,
    };
    let user_errors = problems.iter().map(|problem| UserError::new(problem, &reader.languages)).collect();
    Ok(ApplicationPayload { application, user_errors })
}

/// What somebody does with an application, in the name of its applicant.
async fn done(ctx: &Context<'_>, id: &ID, deed: Deed) -> GraphqlResult<ApplicationOutcome> {
    let mutator = Mutator::of(ctx)?;
    let id = id::decode("id", PREFIX, id).graphql()?;
    if let Some(message) = mutator.nobody() {
        return Ok(ApplicationOutcome::refused(Problem::forbidden(message)));
    }
    let viewer = mutator.reader().viewer.clone();
    act(&Call::of(ctx)?.identity, viewer, id, deed).await.graphql()
}

/// What somebody decides on an application, in the name of a funder.
async fn judged(ctx: &Context<'_>, id: &ID, judgement: Judgement) -> GraphqlResult<ApplicationPayload> {
    let mutator = Mutator::of(ctx)?;
    let id = id::decode("id", PREFIX, id).graphql()?;
    let outcome = if let Some(message) = mutator.nobody() {
        ApplicationOutcome::refused(Problem::forbidden(message))
    } else {
        let viewer = mutator.reader().viewer.clone();
        judge(&Call::of(ctx)?.identity, viewer, id, judgement).await.graphql()?
    };
    payload(ctx, outcome).await
}

async fn created(
    ctx: &Context<'_>,
    call: Uuid,
    input: ApplicationInput,
    key: Option<String>,
) -> GraphqlResult<ApplicationOutcome> {
    let mutator = Mutator::of(ctx)?;
    if let Some(message) = mutator.nobody() {
        return Ok(ApplicationOutcome::refused(Problem::new("", message)));
    }
    let viewer = mutator.reader().viewer.clone();
    let once = match key {
        None => None,
        Some(key) if key.is_empty() || key.chars().count() > MAX_KEY => {
            let said = FilledMessage::new(&messages::KEY_FORM).with("limit", MAX_KEY.to_string());
            return Ok(ApplicationOutcome::refused(Problem::beside("idempotencyKey", said)));
        }
        Some(key) => {
            let input = json!({"call": call, "input": sent(ctx, "input").graphql()?});
            Some(IdempotencyKey::new(&viewer, &key, "createApplication", &input).graphql()?)
        }
    };
    let deed = Deed::Create { call, input: Box::new(input), once };
    act(&Call::of(ctx)?.identity, viewer, mutator.core().new_id(), deed).await.graphql()
}

/// Mutations of applications.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApplicationMutation;

/// Mutations of applications.
#[Object]
impl ApplicationMutation {
    /// Makes a draft of an application to a call that has not closed: it needs the organization that applies and the title
    /// of the project. Members of that organization may, with an account. Nobody else sees the draft; the staff of the
    /// funders learn by mail how many drafts there are.
    async fn create_application(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the call.")] call: ID,
        #[graphql(desc = "What is known of it.")] input: ApplicationInput,
        #[graphql(
            desc = "A text of your choice, 255 characters at most, that makes it safe to send the same again: for a week it answers the application that it made first. With another input it is a CONFLICT."
        )]
        idempotency_key: Option<String>,
    ) -> GraphqlResult<ApplicationPayload> {
        let call = id::decode("call", RecordType::Call.prefix(), &call).graphql()?;
        let outcome = created(ctx, call, input, idempotency_key).await?;
        payload(ctx, outcome).await
    }

    /// Changes an application until its call closes: an absent field keeps, null clears, a list replaces. Members of the
    /// applicant may, as long as it is a DRAFT, or SUBMITTED and no funder has decided on it. One that is SUBMITTED is
    /// checked at once, and stays SUBMITTED. After the call has closed it is CLOSED.
    async fn update_application(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the application.")] id: ID,
        #[graphql(
            desc = "The revision that you have read. Where another is present, nothing is written: CONFLICT, with the application as it is. Without it you write over what others have changed."
        )]
        base_revision: Option<i32>,
        #[graphql(desc = "What changes.")] input: ApplicationInput,
    ) -> GraphqlResult<ApplicationPayload> {
        let outcome = done(ctx, &id, Deed::Update { input: Box::new(input), base_revision }).await?;
        payload(ctx, outcome).await
    }

    /// Deletes an application that is a DRAFT. Members of the applicant may. One that was submitted is withdrawn instead.
    async fn delete_application(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the application.")] id: ID,
    ) -> GraphqlResult<DeletePayload> {
        let outcome = done(ctx, &id, Deed::Delete).await?;
        let languages = &Mutator::of(ctx)?.reader().languages;
        let user_errors = outcome.problems.iter().map(|problem| UserError::new(problem, languages)).collect();
        Ok(DeletePayload {
            deleted_id: outcome.application.map(|id| graphql_id(PREFIX, id)),
            user_errors,
            ..DeletePayload::default()
        })
    }

    /// Submits an application that is a DRAFT, while its call is open. Members of the applicant may. It is checked against
    /// the criteria of its lot, and all that is wrong is said at once. Before the call opens it is `NOT_ALLOWED_IN_STATE`,
    /// after it has closed CLOSED. The members of the applicant get a mail.
    async fn submit_application(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the application.")] id: ID,
    ) -> GraphqlResult<ApplicationPayload> {
        let outcome = done(ctx, &id, Deed::Submit).await?;
        payload(ctx, outcome).await
    }

    /// Takes back an application that is SUBMITTED or SHORTLISTED, also after the call has closed. Members of the applicant
    /// may. It cannot be submitted again: make another one.
    async fn withdraw_application(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the application.")] id: ID,
    ) -> GraphqlResult<ApplicationPayload> {
        let outcome = done(ctx, &id, Deed::Withdraw).await?;
        payload(ctx, outcome).await
    }

    /// Puts an application that is SUBMITTED on the short list. Those who decide on it for one of its funders may.
    async fn shortlist_application(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the application.")] id: ID,
    ) -> GraphqlResult<ApplicationPayload> {
        judged(ctx, &id, Judgement::Shortlist).await
    }

    /// Awards money to an application that was submitted, in the name of one funder of its lot, or of the fund where the
    /// lot has no funders. The staff of that funder's region who write its records may. A funder decides once. The first
    /// award makes the application AWARDED; other funders may still decide. An award exceeds neither what was asked for,
    /// nor what the funder, the lot and the fund have left. The members of the applicant get a mail.
    async fn award_application(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the application.")] id: ID,
        #[graphql(desc = "How much the funder gives, in the currency of the call.")] amount: MoneyInput,
        #[graphql(
            desc = "The organization that gives it: by its id, its slug, or `source:externalId`. Left out by those who decide for one funder only."
        )]
        funder: Option<ID>,
        #[graphql(desc = "Why, in words for the applicant: 20,000 characters at most.")] note: Option<String>,
    ) -> GraphqlResult<ApplicationPayload> {
        let funder = funder.map(|id| id.0);
        judged(ctx, &id, Judgement::Decide { amount: Some(amount), funder, note }).await
    }

    /// Rejects an application that was submitted, in the name of one funder of its lot, or of the fund where the lot has no
    /// funders. The staff of that funder's region who write its records may. A funder decides once. Once all of them have
    /// rejected it, the application is REJECTED, and the members of the applicant get a mail.
    async fn reject_application(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the application.")] id: ID,
        #[graphql(
            desc = "The organization that rejects it: by its id, its slug, or `source:externalId`. Left out by those who decide for one funder only."
        )]
        funder: Option<ID>,
        #[graphql(desc = "Why, in words for the applicant: 20,000 characters at most.")] note: Option<String>,
    ) -> GraphqlResult<ApplicationPayload> {
        let funder = funder.map(|id| id.0);
        judged(ctx, &id, Judgement::Decide { amount: None, funder, note }).await
    }
}
