//! `/export/events.ics` and `/export/registrations.ics`: events as calendars, for the programs that people have (see
//! [`exchange::calendar`]).
//!
//! A calendar of an anonymous reader has an `ETag`, as their answers to GET have (see [`super::conditional`]): it depends on
//! the public views of the log, the address, the languages and the program. The calendar of one's own registrations is read
//! whole before it is sent, and its `ETag` is the hash of its text.

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::{Request as GraphqlRequest, Response as GraphqlResponse};
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};
use secrecy::SecretString;
use url::form_urlencoded;

use super::conditional::Tag;
use super::graphql::call;
use super::refusal::{Refusal, RequestError, vary};
use super::request::Media;
use super::{Shared, address, execution, journal};
use exchange::calendar::{Calendar, Failure, Which};
use exchange::sync::feed::store::public_state;
use identity::calendar_address;
use identity::caller::{BearerToken, Call, IdentifiedCaller, IdentifyError};
use kernel::error::{Code, DomainError};
use kernel::name_of;
use kernel::policy::Viewer;
use kernel::value::LanguagePreferences;

/// How long the calendar of one's own registrations may be kept: by nobody else, and never without asking.
const PRIVATE: &str = "private, no-cache";

/// Answers a request to `/export/events.ics`.
pub(super) async fn events(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let call = match call(&shared, &parts).await {
        Ok(call) => call,
        Err(IdentifyError::Refused) => return Refusal::unauthenticated().respond(Media::Json),
        Err(IdentifyError::Failed(error)) => return RequestError::from(&error).respond(Media::Json),
    };
    if let Err(error) = shared.app.traffic.calendar(&call) {
        return refused(&error);
    }
    let query = parts.uri.query().unwrap_or_default();
    let asked = match Parameters::read(query) {
        Ok(asked) => asked,
        Err(error) => return refused(&error),
    };
    let languages = asked.language.as_deref().map(LanguagePreferences::parse);
    let languages = languages.unwrap_or_else(|| execution::languages(&parts.headers));
    let tag = tag(&shared, &call, query, &languages).await;
    if let Some(tag) = tag.as_ref().filter(|tag| tag.is_known(&parts.headers)) {
        return tag.clone().not_modified();
    }
    respond(&shared, call, languages, asked.which, tag).await
}

/// Answers a request to `/export/registrations.ics`: the registrations of whom the secret address belongs to. An address that
/// opens nothing is answered as one that does not exist, and counted by network.
pub(super) async fn registrations(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let pairs: Vec<(Cow<str>, Cow<str>)> = pairs.collect();
    let value = |name: &str| pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1.clone().into_owned());
    let secret = SecretString::from(value("address").unwrap_or_default());
    let known = match calendar_address::caller_of(&shared.app.identity, &secret).await {
        Ok(known) => known.map(Arc::new),
        Err(error) => return RequestError::from(&error).respond(Media::Json),
    };
    // Nothing else that identifies a caller counts here: the address has the rights of its account, and no other.
    let call = Call {
        identity: shared.app.identity.clone(),
        presented: BearerToken::default(),
        known,
        nobody: Viewer::anonymous(),
        from: address::of(&shared, &parts),
    };
    if let Err(error) = shared.app.traffic.calendar(&call) {
        return refused(&error);
    }
    let Some(account) = call.known.as_deref().and_then(IdentifiedCaller::account) else {
        return Refusal::new(StatusCode::NOT_FOUND, "There is no calendar at this address.")
            .respond(Media::Json);
    };
    let languages = value("language").unwrap_or_else(|| name_of(account.language).to_lowercase());
    let text = match own(&shared, call, LanguagePreferences::parse(&languages)).await {
        Ok(text) => text,
        Err(failure) => return failed(failure),
    };
    let tag = Tag::of_text(&text);
    if let Some(tag) = tag.as_ref().filter(|tag| tag.is_known(&parts.headers)) {
        let mut response = tag.clone().not_modified();
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(PRIVATE));
        return response;
    }
    let mut response = Response::new(Body::from(text));
    close(response.headers_mut(), tag);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static(PRIVATE));
    response
}

/// The calendar of one's own registrations.
async fn own(shared: &Arc<Shared>, call: Call, languages: LanguagePreferences) -> Result<String, Failure> {
    let mut calendar = Calendar::new(call, languages, Which::Own, run(shared))?;
    let mut text = String::new();
    while let Some(part) = calendar.next().await? {
        text += &part;
    }
    Ok(text)
}

/// Runs operations of the schema with the services of the program.
fn run(
    shared: &Arc<Shared>,
) -> impl Fn(GraphqlRequest) -> BoxFuture<'static, GraphqlResponse> + Send + Sync + 'static {
    let own = Arc::clone(shared);
    move |request| {
        let own = Arc::clone(&own);
        async move { own.schema.once(own.app.given_to(request)).await }.boxed()
    }
}

/// The calendar, from its first page on. A query that is refused is told before anything of the calendar is sent.
async fn respond(
    shared: &Arc<Shared>,
    call: Call,
    languages: LanguagePreferences,
    which: Which,
    tag: Option<Tag>,
) -> Response<Body> {
    let begun = async {
        let mut calendar = Calendar::new(call, languages, which, run(shared))?;
        let first = calendar.next().await?;
        Ok((calendar, first))
    };
    let (calendar, first) = match begun.await {
        Ok(begun) => begun,
        Err(failure) => return failed(failure),
    };
    let first = stream::iter(first.map(|text| Ok::<_, std::io::Error>(Bytes::from(text))));
    let others = stream::try_unfold(calendar, async |mut calendar| {
        let next =
            calendar.next().await.inspect_err(|error| tracing::error!(%error, "a calendar is not whole"));
        // An error aborts the response, so that the client does not take it for the whole calendar.
        let next = next.map_err(std::io::Error::other)?;
        Ok(next.map(|text| (Bytes::from(text), calendar)))
    });
    let mut response = Response::new(Body::from_stream(first.chain(others)));
    close(response.headers_mut(), tag);
    response
}

/// Sets the headers that say what the response is, and how long it may be kept.
fn close(headers: &mut HeaderMap, tag: Option<Tag>) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/calendar; charset=utf-8"));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"events.ics\""));
    vary(headers);
    match tag {
        Some(tag) => tag.tell(headers),
        None => {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}

/// The `ETag` of an anonymous calendar. Read before anything else, so that concurrent writes belong to the next one.
async fn tag(shared: &Shared, call: &Call, query: &str, languages: &LanguagePreferences) -> Option<Tag> {
    if *call.viewer() != Viewer::anonymous() {
        return None;
    }
    let head = public_state(&shared.app.db, shared.app.clock.now()).await.ok()?.head;
    Tag::new(head, &[&shared.edition, "events.ics", query, &format!("{languages:?}")])
}

/// The response to a request that is invalid or exceeds a limit.
fn refused(error: &DomainError) -> Response<Body> {
    match error {
        DomainError::BadUserInput { message, .. } => invalid(message.clone()),
        DomainError::RateLimited { retry_after_ms } => {
            Refusal::rate_limited(*retry_after_ms).respond(Media::Json)
        }
        _ => RequestError::from(error).respond(Media::Json),
    }
}

fn invalid(message: String) -> Response<Body> {
    Refusal { code: Code::BadUserInput, ..Refusal::new(StatusCode::BAD_REQUEST, message) }
        .respond(Media::Json)
}

/// The response where the first page of a calendar cannot be read.
fn failed(failure: Failure) -> Response<Body> {
    match failure {
        Failure::Absent => {
            Refusal::new(StatusCode::NOT_FOUND, "There is no such event.").respond(Media::Json)
        }
        Failure::Failed(error) => RequestError::from(&error).respond(Media::Json),
        Failure::Refused(error) => match journal::code_of(&error) {
            code if code == Code::BadUserInput.as_str() => invalid(error.message),
            code if code == Code::Unavailable.as_str() => RequestError::unavailable().respond(Media::Json),
            _ => {
                tracing::error!(error = error.message, "a calendar cannot be read");
                RequestError::fault().respond(Media::Json)
            }
        },
    }
}

/// The parameters of the address. Lists are repeated, or separated by commas.
#[derive(Debug, PartialEq, Eq)]
struct Parameters {
    which: Which,
    language: Option<String>,
}

impl Parameters {
    fn read(query: &str) -> Result<Self, DomainError> {
        let (mut regions, mut sectors, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
        let (mut series, mut id, mut language) = (None, None, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let words = value.split(',').filter(|word| !word.is_empty()).map(str::to_owned);
            let value = Some(value.clone().into_owned()).filter(|value| !value.is_empty());
            match name.as_ref() {
                "region" => regions.extend(words),
                "sector" => sectors.extend(words),
                "kind" => kinds.extend(words),
                "series" => series = value,
                "id" => id = value,
                "language" => language = value,
                // A misspelt filter would make a calendar of more events than were asked for.
                other => {
                    let message = format!(
                        "There is no parameter `{}`: known are `region`, `sector`, `kind`, `series`, `id` and `language`.",
                        other.chars().take(60).flat_map(char::escape_debug).collect::<String>()
                    );
                    return Err(DomainError::bad_input("address", message));
                }
            }
        }
        let which = match id {
            Some(id) => Which::One(id),
            None => Which::Filtered { regions, sectors, kinds, series },
        };
        Ok(Self { which, language })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_lists_and_none_is_unknown() {
        let filtered = |regions: &[&str], kinds: &[&str], series: Option<&str>| Which::Filtered {
            regions: regions.iter().map(|&slug| slug.to_owned()).collect(),
            sectors: Vec::new(),
            kinds: kinds.iter().map(|&slug| slug.to_owned()).collect(),
            series: series.map(str::to_owned),
        };
        let which = |query: &str| Parameters::read(query).map(|asked| asked.which).ok();
        assert_eq!(which(""), Some(filtered(&[], &[], None)));
        let query = "region=wallonie,flandre&region=ile-de-france&kind=market&series=a%20b&sector=";
        assert_eq!(
            which(query),
            Some(filtered(&["wallonie", "flandre", "ile-de-france"], &["market"], Some("a b")))
        );
        assert_eq!(which("id=event_1&region=wallonie"), Some(Which::One("event_1".into())));
        assert_eq!(which("regions=wallonie"), None);
        assert_eq!(Parameters::read("language=nl").unwrap().language.as_deref(), Some("nl"));
    }
}
