//! The export in the schema.

use async_graphql::{Context, Object, SimpleObject};

use super::export;
use identity::caller::Call;
use kernel::error::{GraphqlResult, IntoGraphql};
use kernel::reader::Reader;
use kernel::value::DateTime;

/// Everything that the directory holds about who calls.
#[derive(Clone, Debug, SimpleObject)]
pub struct DataExport {
    /// All of it, as a JSON text: account, roles, memberships, times of sessions, API keys that they made, their profile
    /// with its claims and sources, who sees what of it, affiliations, consents, registrations for events. The names of
    /// fields are those of the schema.
    pub json: String,
    /// What fits it, as a vCard 4.0 (RFC 6350).
    pub vcard: String,
    /// When it was read.
    pub generated_at: DateTime,
}

/// Queries of one's own data.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExportQuery;

/// Queries of one's own data.
#[Object]
impl ExportQuery {
    /// Everything that the directory holds about the account that is signed in and its profile; null for an API
    /// key, and for who is not signed in. Nothing of it is about other people. More than 10 in an hour, unless the operator
    /// has said another number, are refused with `RATE_LIMITED` and `retryAfterMs`.
    async fn my_data_export(&self, ctx: &Context<'_>) -> GraphqlResult<Option<DataExport>> {
        let Some(known) = Call::known(ctx) else { return Ok(None) };
        let Some(account) = known.account() else { return Ok(None) };
        let call = Call::of(ctx)?;
        call.identity.traffic.export(call).graphql()?;
        let done = export(&call.identity, Reader::of(ctx)?, account).await.graphql()?;
        Ok(Some(DataExport { json: done.json, vcard: done.vcard, generated_at: done.generated_at }))
    }
}
