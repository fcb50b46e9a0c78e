//! Whether the process lives, and whether it can answer and write.
//!
//! Everybody is told `status`, which is what a balancer of load needs; what stands behind it is for administrators of the
//! instance, who show their token.

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
use crate::changes::lag::Lag;
use crate::identity::caller::Unidentified;
use crate::migrations::{self, Layout};
use crate::search::service::Search;

/// How long the database may take to say that it is there, or how far things are.
const TIME: Duration = Duration::from_secs(2);

/// Who asks how the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asker {
    /// Somebody who administers the instance.
    Admin,
    /// Somebody else, or nobody can say.
    Anybody,
    /// Somebody whose token is not good.
    Refused,
}

/// Who asks. While the database is away nobody is known, and this must be told all the same.
pub(super) async fn asker(shared: &Shared, parts: &Parts) -> Asker {
    if !parts.headers.contains_key(AUTHORIZATION) {
        return if shared.settings.viewer.admin { Asker::Admin } else { Asker::Anybody };
    }
    match tokio::time::timeout(TIME, graphql::call(shared, parts)).await {
        Ok(Ok(call)) if call.viewer().admin => Asker::Admin,
        Ok(Err(Unidentified::Refused)) => Asker::Refused,
        _ => Asker::Anybody,
    }
}

/// How far followers are behind, if the database says so in time.
pub(super) async fn lag(app: &App) -> Option<Lag> {
    match tokio::time::timeout(TIME, Lag::read(&app.db, app.clock.now())).await {
        Ok(Ok(lag)) => Some(lag),
        Ok(Err(error)) => {
            tracing::warn!(%error, "it cannot be said how far followers are");
            None
        }
        Err(_) => None,
    }
}

/// Entries of the log that the search index has not followed; nothing where there is no index.
pub(super) fn search_lag(search: &Search, lag: &Lag) -> Option<i64> {
    search.has_engine().then(|| match search.reached() {
        Some(reached) if reached.feed_id == lag.head.feed_id => (lag.head.seq - reached.seq).max(0),
        // It has followed another log, or nothing yet.
        _ => lag.head.seq,
    })
}

/// The process lives.
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

/// The process can answer: the database is there, in a layout that this program reads, and the last write did not fail.
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
        // Where another program holds the lock for writes, that takes longer, and says nothing of the disk.
        let _ = tokio::time::timeout(TIME / 2, db.check_writing()).await;
        Ok::<_, DbErr>(layout)
    };
    let (database, migrations) = match tokio::time::timeout(TIME, ask).await {
        Ok(Ok(Layout::Current)) => ("ok", "ok"),
        // Another replica has been renewed already; a step leaves those that still run the version before working.
        Ok(Ok(Layout::Newer(_))) => ("ok", "newer"),
        Ok(Ok(Layout::Older(_))) => ("ok", "pending"),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the database does not answer");
            ("unreachable", "unknown")
        }
        Err(_) => ("unreachable", "unknown"),
    };
    // Also where there was no time for another attempt.
    let fault = db.writing().fault();
    // It answers, but nothing that it answers can be relied on.
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

/// How the search is.
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
