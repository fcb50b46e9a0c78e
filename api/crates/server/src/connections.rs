//! Connections: each is accepted within the limits and served over HTTP/1.1. It is closed if the client is too slow to
//! send a request or to read a response.

use std::io::{Error, ErrorKind, Write as _};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use super::Shared;
use super::pace::Paced;
use kernel::throttle::Permit;

/// The maximum size of the read buffer of a connection in bytes. The URI of a request has at most 64 kB.
const MAX_BUFFER: usize = 96 * 1024;
/// The pause after a system error of `accept`, for example when no more files may be opened.
const PAUSE: Duration = Duration::from_secs(1);

/// The response to a connection beyond the limits.
const FULL: &str = concat!(
    "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json; charset=utf-8\r\nretry-after: 5\r\n",
    "connection: close\r\ncontent-length: 116\r\n\r\n",
    r#"{"errors":[{"message":"Too many connections are open. Try again in a moment.","extensions":{"code":"UNAVAILABLE"}}]}"#,
);

/// Accepts and serves connections until the server stops. Then waits until all requests are answered.
pub(super) async fn serve(listener: TcpListener, router: Router, shared: Arc<Shared>) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.stopping.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        match shared.rooms.connection(peer, &shared.settings.trusted_proxies) {
            Ok(place) => {
                connections.spawn(connection(stream, peer, router.clone(), Arc::clone(&shared), place));
            }
            Err(full) => {
                tracing::debug!(?full, "a connection is refused");
                refuse(stream);
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// Pauses after an error of `accept` that does not concern one connection alone.
async fn pause_after(error: &Error) {
    let of_one = matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    );
    if !of_one {
        tracing::error!(%error, "no connection can be accepted");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Sends the refusal if it can be written at once, and closes the connection.
fn refuse(stream: TcpStream) {
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write_all(FULL.as_bytes());
    }
}

/// Serves one connection.
fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    shared: Arc<Shared>,
    place: Permit,
) -> impl Future<Output = ()> + Send {
    // Disables Nagle's algorithm: responses are written whole, so waiting to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let capacity = &shared.settings.capacity;
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(capacity.header_time)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(Paced::new(stream, capacity.pace)), service)
        .with_upgrades();
    async move {
        let mut served = pin!(served);
        let mut stops = false;
        loop {
            tokio::select! {
                ended = served.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ends early");
                    }
                    break;
                }
                () = shared.stopping.cancelled(), if !stops => {
                    stops = true;
                    served.as_mut().graceful_shutdown();
                }
            }
        }
        drop(place);
    }
}
