//! Whether the process lives, and whether it can answer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use super::Shared;
use crate::migrations::{self, Layout};

/// How long the database may take to say that it is there.
const TIME: Duration = Duration::from_secs(2);

/// The process lives.
pub(super) async fn live() -> Response<Body> {
    respond(StatusCode::OK, &json!({ "status": "ok" }))
}

/// The process can answer: the database is there, in a layout that this program reads.
pub(super) async fn ready(State(shared): State<Arc<Shared>>) -> Response<Body> {
    let db = &shared.app.db;
    let ask = async {
        db.ping().await?;
        migrations::layout(db).await
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
    let ready = matches!(migrations, "ok" | "newer");
    let (status, word) =
        if ready { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "unavailable") };
    respond(status, &json!({ "status": word, "database": database, "migrations": migrations }))
}

fn respond(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
