//! Tests of sockets and event streams with a small schema. Its streams count, fail, hang or flood, and report when they
//! are dropped.

#![expect(clippy::unused_async, reason = "the library wants every resolver to be `async`")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_graphql::{EmptyMutation, Object, Result, Schema, SimpleObject, Subscription};
use futures::stream::{self, Stream};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Contract, Limits, Server, Settings, Shared, SocketSettings};
use crate::app::App;
use kernel::clock::Clock;
use kernel::error::DomainError;
use kernel::read::Database;
use records::changes::Resumption;

#[path = "../../../../../tests/support/socket.rs"]
mod client;
mod events;
mod panics;
mod socket;

/// The counters of streams and fields, and the signal that ends `waits`.
#[derive(Debug, Default)]
struct Told {
    /// The number of streams and fields not yet dropped.
    alive: AtomicUsize,
    /// The number of items that were polled from streams.
    polled: AtomicUsize,
    /// Lets the field `waits` end.
    go: Notify,
}

/// A guard that is counted until it is dropped.
struct Alive(Arc<Told>);

impl Alive {
    fn new(told: &Arc<Told>) -> Self {
        told.alive.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(told))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

fn refused<T>() -> Result<T> {
    use async_graphql::ErrorExtensions;
    Err(DomainError::bad_input("to", "It cannot be so.").extend())
}

fn panics() -> i32 {
    panic!("as it is told")
}

struct Query(Arc<Told>);

#[Object]
impl Query {
    async fn hello(&self) -> &'static str {
        "world"
    }

    async fn fails(&self) -> Result<Option<i32>> {
        refused()
    }

    async fn panics(&self) -> i32 {
        panics()
    }

    async fn waits(&self) -> i32 {
        let alive = Alive::new(&self.0);
        self.0.go.notified().await;
        drop(alive);
        1
    }
}

#[derive(SimpleObject)]
#[graphql(complex)]
struct Item {
    number: i32,
}

#[async_graphql::ComplexObject]
impl Item {
    /// Fails where the number is odd.
    async fn even(&self) -> Result<i32> {
        if self.number % 2 == 0 { Ok(self.number) } else { refused() }
    }
}

struct Streams(Arc<Told>);

#[Subscription(name = "Subscription")]
impl Streams {
    async fn count(&self, to: i32) -> impl Stream<Item = Item> {
        stream::iter((1..=to).map(|number| Item { number }))
    }

    /// Numbers with their place, after the one that was reached.
    async fn places(&self, ctx: &async_graphql::Context<'_>, to: i32) -> Result<impl Stream<Item = i32>> {
        let resumption = Arc::clone(ctx.data::<Arc<Resumption>>()?);
        let last: i32 = resumption.last().map_or(Ok(0), str::parse)?;
        Ok(stream::unfold(last, move |last| {
            let next = (last < to).then(|| (last + 1, last + 1));
            if let Some((number, _)) = next {
                resumption.reach(number.to_string());
            }
            std::future::ready(next)
        }))
    }

    async fn refuses(&self) -> Result<impl Stream<Item = i32>> {
        refused::<stream::Empty<i32>>()
    }

    async fn breaks(&self) -> impl Stream<Item = Result<i32>> {
        stream::iter([Ok(1), refused(), Ok(3)])
    }

    async fn panics(&self) -> impl Stream<Item = i32> {
        stream::unfold((), |()| async { Some((panics(), ())) })
    }

    async fn hangs(&self) -> impl Stream<Item = i32> {
        let alive = Alive::new(&self.0);
        stream::unfold(alive, |alive| async move {
            std::future::pending::<()>().await;
            Some((0, alive))
        })
    }

    /// One number, and then nothing more.
    async fn lives(&self) -> impl Stream<Item = i32> {
        let alive = Alive::new(&self.0);
        stream::unfold((alive, 0), |(alive, number)| async move {
            if number > 0 {
                std::future::pending::<()>().await;
            }
            Some((number, (alive, number + 1)))
        })
    }

    async fn floods(&self) -> impl Stream<Item = String> {
        let alive = Alive::new(&self.0);
        stream::unfold(alive, |alive| async move {
            alive.0.polled.fetch_add(1, Ordering::SeqCst);
            Some(("x".repeat(256 * 1024), alive))
        })
    }
}

/// A server of the small schema.
struct Small {
    address: SocketAddr,
    told: Arc<Told>,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
    _folder: TempDir,
}

impl Small {
    async fn start(socket: SocketSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db =
            Database::open(&format!("sqlite://{}", folder.path().join("test.db").display())).await.unwrap();
        let told = Arc::new(Told::default());
        let schema =
            Schema::build(Query(Arc::clone(&told)), EmptyMutation, Streams(Arc::clone(&told))).finish();
        let sdl = schema.sdl();
        // These tests are not about the time-out of queries.
        let limits = Limits { time: Duration::from_mins(1), ..Limits::default() };
        let settings = Settings { limits, socket, ..Settings::default() };
        let contract = Arc::new(Contract::new(sdl));
        let shared =
            Shared::new(App::new(db, Clock::default()), settings, crate::Schema::new(schema, contract));
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let server = Server { listener, shared: Arc::new(shared) };
        let (address, stop) = (server.address().unwrap(), CancellationToken::new());
        let serving = tokio::spawn(server.serve(stop.clone()));
        Self { address, told, stop, serving, _folder: folder }
    }

    /// Waits until the number of streams and fields is `alive`.
    async fn wait_for(&self, alive: usize) {
        while self.told.alive.load(Ordering::SeqCst) != alive {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Settings with time-outs and intervals that no test reaches.
fn patient() -> SocketSettings {
    let long = Duration::from_mins(10);
    SocketSettings {
        begin_time: long,
        ping_interval: long,
        check_interval: long,
        drain_time: long,
        close_time: long,
        ..SocketSettings::default()
    }
}
