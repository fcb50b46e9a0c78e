//! `/healthz` and `/readyz`: whether the process is alive, and whether it can answer and write.
//!
//! Everybody gets `status`, which is all that a load balancer needs. Details are only for administrators of the
//! instance, who send their token.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Response, StatusCode};
use sea_orm::DbErr;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::request::Media;
use super::{Shared, graphql};
use crate::app::App;
use identity::caller::IdentifyError;
use identity::lag::Lag;
use records::migrations::{self, Layout};
use search::service::Search;

/// The time-out of the database for each check.
const TIME: Duration = Duration::from_secs(2);

/// The kind of caller of a health check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// An administrator of the instance.
    Admin,
    /// Another caller, or one that cannot be identified now.
    Anybody,
    /// A caller with an invalid token.
    Refused,
}

/// Identifies the caller. If the database is down, the caller stays unknown but still gets the status.
pub(super) async fn asker(shared: &Shared, parts: &Parts) -> Asker {
    if !parts.headers.contains_key(AUTHORIZATION) {
        return if shared.settings.viewer.admin { Asker::Admin } else { Asker::Anybody };
    }
    match tokio::time::timeout(TIME, graphql::call(shared, parts)).await {
        Ok(Ok(call)) if call.viewer().admin => Asker::Admin,
        Ok(Err(IdentifyError::Refused)) => Asker::Refused,
        _ => Asker::Anybody,
    }
}

/// Reads the lag of followers; `None` if the database fails or is too slow.
pub(super) async fn lag(app: &App) -> Option<Lag> {
    match tokio::time::timeout(TIME, Lag::read(&app.db, app.clock.now())).await {
        Ok(Ok(lag)) => Some(lag),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the lag of followers cannot be read");
            None
        }
        Err(_) => None,
    }
}

/// The number of log entries that the search index has not followed; `None` if there is no index.
pub(super) fn search_lag(search: &Search, lag: &Lag) -> Option<i64> {
    search.has_engine().then(|| match search.reached() {
        Some(reached) if reached.feed_id == lag.head.feed_id => (lag.head.seq - reached.seq).max(0),
        // The index has followed another feed, or nothing yet.
        _ => lag.head.seq,
    })
}

/// Answers `/healthz`: the process is alive.
pub(super) async fn live(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let mut body = json!({ "status": "ok" });
    match asker(&shared, &parts).await {
        Asker::Refused => return Refusal::unauthenticated().respond(Media::Json),
        Asker::Anybody => {}
        Asker::Admin => {
            body["version"] = env!("CARGO_PKG_VERSION").into();
            body["uptimeSeconds"] = shared.begun.elapsed().as_secs().into();
        }
    }
    respond(StatusCode::OK, &body)
}

/// Answers `/readyz`: the database is reachable, its schema version is readable by this program, and the last write has
/// not failed.
pub(super) async fn ready(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let asker = asker(&shared, &parts).await;
    if asker == Asker::Refused {
        return Refusal::unauthenticated().respond(Media::Json);
    }
    let db = &shared.app.db;
    let ask = async {
        db.ping().await?;
        let layout = migrations::layout(db).await?;
        // A time-out here is ignored: another process may hold the write lock, which is not a fault of the disk.
        let _ = tokio::time::timeout(TIME / 2, db.check_writing()).await;
        Ok::<_, DbErr>(layout)
    };
    let (database, migrations) = match tokio::time::timeout(TIME, ask).await {
        Ok(Ok(Layout::Current)) => ("ok", "ok"),
        // Another replica has been upgraded already. Each migration keeps the previous version of the program working.
        Ok(Ok(Layout::Newer(_))) => ("ok", "newer"),
        Ok(Ok(Layout::Older(_))) => ("ok", "pending"),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database does not answer");
            ("unreachable", "unknown")
        }
        Err(_) => ("unreachable", "unknown"),
    };
    // The last known fault counts even if the check above timed out.
    let fault = db.writing().fault();
    // A damaged database answers, but its answers are unreliable.
    let database = if database == "ok" && db.is_damaged() { "damaged" } else { database };
    let ready = database == "ok" && matches!(migrations, "ok" | "newer") && fault.is_none();
    let (status, word) =
        if ready { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "unavailable") };
    let mut body = json!({ "status": word });
    if asker == Asker::Admin {
        body["database"] = database.into();
        body["migrations"] = migrations.into();
        if let Some(fault) = fault {
            body["writing"] = fault.to_string().into();
        }
        let lag = if database == "ok" { lag(&shared.app).await } else { None };
        body["search"] = search(&shared.app.search, lag.as_ref());
        if let Some(lag) = lag {
            body["mail"] = json!({ "waiting": lag.mails, "oldestSeconds": lag.oldest_mail / 1_000_000 });
            body["feed"] =
                json!({ "entries": lag.head.seq, "clients": lag.clients, "behindEntries": lag.feed });
        }
    }
    respond(status, &body)
}

/// The status of the search.
fn search(search: &Search, lag: Option<&Lag>) -> Value {
    let Some(engine) = search.engine_name() else { return Value::Null };
    let status = match search.reached() {
        _ if search.is_spared() => "unreachable",
        None => "building",
        Some(_) => "ok",
    };
    json!({ "engine": engine, "status": status, "behindEntries": lag.and_then(|lag| search_lag(search, lag)) })
}

fn respond(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
