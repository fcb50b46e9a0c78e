//! A proxy between the program and PostgreSQL that delays messages and cuts connections.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use url::Url;

use super::HOPELESS;

/// The point at which connections are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Nowhere.
    Never,
    /// One in `n` COMMITs is dropped. Only transactions with at least [`LONG`] messages count: those that write
    /// records.
    BeforeCommit(u32),
    /// One in `n` such COMMITs is executed, but its response is dropped.
    AfterCommit(u32),
    /// Before one in `n` messages of any kind.
    Anywhere(u32),
    /// Before the n-th message within a transaction, counted from 1 from now on. Happens once.
    At(u32),
}

/// The least number of messages of a transaction that writes records. Those of leases and the like have fewer.
const LONG: u32 = 8;

/// The decision about a message to the database.
enum Verdict {
    /// Forward it.
    Pass,
    /// Drop it, and cut the connection.
    Drop,
    /// Forward it, and cut the connection when the database responds.
    Last,
}

struct Faults {
    cut: Cut,
    delay: Duration,
    /// Messages within transactions since `cut` was set.
    messages: u32,
    random: StdRng,
}

struct Shared {
    faults: Mutex<Faults>,
    cuts: watch::Sender<u32>,
    /// The number of calls of [`Proxy::cut_all`].
    generation: watch::Sender<u32>,
}

impl Shared {
    fn faults(&self) -> std::sync::MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn delay(&self) {
        let wait = {
            let mut faults = self.faults();
            let most = u64::try_from(faults.delay.as_micros()).unwrap_or(u64::MAX);
            Duration::from_micros(faults.random.random_range(0..=most))
        };
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    fn judge(&self, message: &[u8], transaction: &mut Option<u32>) -> Verdict {
        let holds = |word: &[u8]| message.windows(word.len()).any(|window| window == word);
        let commits = message.len() < 64 && holds(b"COMMIT\0");
        if message.len() < 64 && holds(b"BEGIN\0") {
            *transaction = Some(0);
        }
        let in_transaction = transaction.is_some();
        let length = transaction.as_mut().map_or(0, |length| {
            *length += 1;
            *length
        });
        let writes = commits && length >= LONG;
        let mut faults = self.faults();
        let faults = &mut *faults;
        if in_transaction {
            faults.messages += 1;
        }
        let one_in = |random: &mut StdRng, many: u32| random.random_range(0..many) == 0;
        let verdict = match faults.cut {
            Cut::BeforeCommit(many) if writes && one_in(&mut faults.random, many) => Verdict::Drop,
            Cut::AfterCommit(many) if writes && one_in(&mut faults.random, many) => Verdict::Last,
            Cut::Anywhere(many) if one_in(&mut faults.random, many) => Verdict::Drop,
            Cut::At(number) if in_transaction && faults.messages == number => {
                faults.cut = Cut::Never;
                Verdict::Drop
            }
            _ => Verdict::Pass,
        };
        if commits || (message.len() < 64 && holds(b"ROLLBACK\0")) {
            *transaction = None;
        }
        verdict
    }

    fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

/// A proxy that runs until it is dropped.
pub(crate) struct Proxy {
    /// The URL of the database, through the proxy.
    pub(crate) url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A stream that can be read and written.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// The address on which the database listens.
enum Target {
    Socket(String),
    Address(String),
}

impl Target {
    fn of(url: &Url) -> Self {
        let host = url.host_str().expect("a host").replace("%2F", "/").replace("%2f", "/");
        let port = url.port().unwrap_or(5432);
        if host.starts_with('/') {
            Self::Socket(format!("{host}/.s.PGSQL.{port}"))
        } else {
            Self::Address(format!("{host}:{port}"))
        }
    }

    async fn connect(&self) -> std::io::Result<Box<dyn Duplex>> {
        Ok(match self {
            Self::Socket(path) => Box::new(UnixStream::connect(path).await?),
            Self::Address(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
        })
    }
}

#[allow(dead_code, reason = "what one module of tests does not use, another does")]
impl Proxy {
    /// Starts a proxy for this database, without faults at first. The seed determines all random faults.
    pub(crate) async fn start(database_url: &str, seed: u64) -> Self {
        let database = Url::parse(database_url).expect("the address of a database");
        let target = Arc::new(Target::of(&database));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let port = listener.local_addr().expect("an address").port();
        let faults = Faults {
            cut: Cut::Never,
            delay: Duration::ZERO,
            messages: 0,
            random: StdRng::seed_from_u64(seed),
        };
        let shared = Arc::new(Shared {
            faults: Mutex::new(faults),
            cuts: watch::Sender::new(0),
            generation: watch::Sender::new(0),
        });
        let own = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (target, shared) = (Arc::clone(&target), Arc::clone(&own));
                connections.spawn(async move {
                    // On any failure the connection ends.
                    if let Ok(server) = target.connect().await {
                        let _ = client.set_nodelay(true);
                        relay(client, server, &shared).await;
                    }
                });
                while connections.try_join_next().is_some() {}
            }
        });
        let user = match (database.username(), database.password()) {
            (name, Some(password)) => format!("{name}:{password}"),
            (name, None) => name.to_owned(),
        };
        // The proxy could not recognize encrypted messages.
        let url = format!("postgres://{user}@127.0.0.1:{port}{}?sslmode=disable", database.path());
        Self { url, shared, task }
    }

    /// Delays each message, in both directions, by a random time of at most this.
    pub(crate) fn delay(&self, at_most: Duration) {
        self.shared.faults().delay = at_most;
    }

    /// Sets the point at which connections are cut from now on.
    pub(crate) fn cut(&self, cut: Cut) {
        let mut faults = self.shared.faults();
        faults.cut = cut;
        faults.messages = 0;
    }

    /// Cuts all present connections.
    pub(crate) fn cut_all(&self) {
        self.shared.generation.send_modify(|generation| *generation += 1);
    }

    /// The number of connections cut by [`Proxy::cut`].
    pub(crate) fn cuts(&self) -> u32 {
        *self.shared.cuts.borrow()
    }

    /// Waits until there have been more than `cuts` cuts.
    pub(crate) async fn cut_after(&self, cuts: u32) {
        let mut made = self.shared.cuts.subscribe();
        let waited = tokio::time::timeout(HOPELESS, made.wait_for(|made| *made > cuts)).await;
        waited.expect("a connection is cut").expect("the proxy runs");
    }
}

/// Forwards messages until one side ends or the connection is cut.
async fn relay(client: TcpStream, server: Box<dyn Duplex>, shared: &Shared) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let deaf = watch::Sender::new(false);
    let mut generation = shared.generation.subscribe();
    let up = async {
        let (mut buffer, mut transaction) = (vec![0; 64 * 1024], None);
        loop {
            let Ok(length @ 1..) = from_client.read(&mut buffer).await else { return };
            shared.delay().await;
            let message = &buffer[..length];
            match shared.judge(message, &mut transaction) {
                Verdict::Pass => {
                    if to_server.write_all(message).await.is_err() {
                        return;
                    }
                }
                Verdict::Drop => {
                    shared.cut();
                    return;
                }
                Verdict::Last => {
                    deaf.send_replace(true);
                    let _ = to_server.write_all(message).await;
                    // `down` cuts the connection when the response arrives.
                    std::future::pending::<()>().await;
                }
            }
        }
    };
    let down = async {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let Ok(length @ 1..) = from_server.read(&mut buffer).await else { return };
            if *deaf.borrow() {
                shared.cut();
                return;
            }
            shared.delay().await;
            if to_client.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = up => {}
        () = down => {}
        _ = generation.changed() => {}
    }
}
