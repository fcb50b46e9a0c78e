//! Starts servers with databases of their own, and sends requests to them.
//!
//! **Faults.** The tests of `tests/invariants/` run the real program and kill it with -9 (`place.rs`, `program.rs`). A
//! proxy between the program and PostgreSQL delays messages, and cuts connections before or after COMMIT or before any
//! message (`proxy.rs`). Other faults are statements that time out, restored backups, and a standby that takes over
//! (`postgres.rs`). A full disk is a limit on the size of files, set with `prlimit` (util-linux) while the program
//! runs.
//!
//! **Waits.** A test waits for the expected state (`until`, `found`) and does not assert how long that took: machines
//! are slow and share their processors. The exceptions are `tests/operators/dropped.rs` and `a_stop_lets_requests_end`,
//! where the unwanted event would come seconds later. Each test ends after 15 minutes (times `ROUNDS`), with its name
//! (`run`). Requests have a time-out of a minute (`server::PATIENCE`), unless a test is about that. Servers log into
//! files, because an unread pipe fills up and blocks them.

pub(crate) mod accounts;
pub(crate) mod mail;
pub(crate) mod meilisearch;
pub(crate) mod observer;
pub(crate) mod place;
pub(crate) mod postgres;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod records;
pub(crate) mod server;
pub(crate) mod socket;
pub(crate) mod template;

use std::time::{Duration, Instant};

use server::{Backend, Setup, TestServer};
use tokio::runtime::Runtime;

/// The time-out of all waits, long enough for any machine.
pub(crate) const HOPELESS: Duration = Duration::from_mins(5);

/// Lets a transaction of PostgreSQL hold its locks for as long as a test takes. Otherwise an idle transaction would
/// be ended after ten seconds.
pub(crate) const FOR_LONG: &str = "SET LOCAL idle_in_transaction_session_timeout = 0";

/// The time-out of a test: it fails with its name instead of blocking all others. It is multiplied by [`rounds`].
const HALTED: Duration = Duration::from_mins(15);

/// A runtime that is shut down without waiting for its tasks, even if a test fails.
struct Unawaited(Option<Runtime>);

impl Drop for Unawaited {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Runs a test in a runtime like that of the program: several threads with the same stack size.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .thread_stack_size(8 * 1024 * 1024)
        .build();
    let runtime = Unawaited(Some(runtime.expect("a runtime")));
    // The log of the program is shown with a failing test.
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
    let runtime_of_test = runtime.0.as_ref().expect("until it is dropped");
    let ended = runtime_of_test.block_on(async { tokio::time::timeout(HALTED * rounds(), test).await });
    ended.expect("the test comes to its end");
}

/// The factor by which repeated tests run longer: the variable `ROUNDS`.
pub(crate) fn rounds() -> u32 {
    std::env::var("ROUNDS").map_or(1, |rounds| rounds.parse().expect("ROUNDS is a number"))
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    found(what, async || is_so().await.then_some(())).await;
}

/// Waits until `look` returns a value.
pub(crate) async fn found<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let hopeless = Instant::now() + HOPELESS;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < hopeless, "timed out waiting: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Runs a test on SQLite only: for tests of requests that do not depend on the database.
pub(crate) fn on_sqlite<F: Future<Output = ()>>(setup: Setup, test: impl FnOnce(TestServer) -> F) {
    run(async {
        test(TestServer::with(Backend::Sqlite, setup).await.expect("SQLite is always there")).await;
    });
}

/// Makes two tests of one: `name::sqlite` and `name::postgres`. Each gets a server with its own database. The one on
/// PostgreSQL passes where there is no PostgreSQL, unless it is required.
///
/// ```ignore
/// on_both_databases! {
///     async fn regions_are_there(server) { .. }
/// }
/// on_both_databases! {
///     async fn the_program_stops(place: Place) { .. }
/// }
/// on_both_databases! {
///     with Setup::default().with_sample();
///     async fn organizations_are_there(server) { .. }
/// }
/// ```
#[macro_export]
macro_rules! on_both_databases {
    (async fn $name:ident($server:ident) $body:block) => {
        $crate::on_both_databases! {
            with $crate::support::server::Setup::default();
            async fn $name($server) $body
        }
    };
    (with $setup:expr; async fn $name:ident($server:ident) $body:block) => {
        $crate::on_both_databases! {
            made by |backend| $crate::support::server::TestServer::with(backend, $setup);
            async fn $name($server: $crate::support::server::TestServer) $body
        }
    };
    (async fn $name:ident($place:ident: Place) $body:block) => {
        $crate::on_both_databases! {
            made by $crate::support::place::Place::new;
            async fn $name($place: $crate::support::place::Place) $body
        }
    };
    (made by $make:expr; async fn $name:ident($given:ident: $type:ty) $body:block) => {
        mod $name {
            #[allow(unused_imports, reason = "some bodies use nothing of their module")]
            use super::*;
            use $crate::support::server::Backend;

            async fn body($given: $type) $body

            #[test]
            fn sqlite() {
                $crate::support::run(async {
                    body($make(Backend::Sqlite).await.expect("SQLite is always there")).await;
                });
            }

            #[test]
            fn postgres() {
                $crate::support::run(async {
                    if let Some(given) = $make(Backend::Postgres).await {
                        body(given).await;
                    }
                });
            }
        }
    };
}
