//! Background jobs: when they run, which program runs them, and what follows a failure.
//!
//! A [`Job`] says what is done; a [`Worker`] says when. Every job of the program runs through [`Worker::start`]. A job that
//! waits for another program's rows waits for a [`Sight`](crate::changes::heads::Sight); none polls the database itself.

use std::convert::Infallible;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::changes::lease::Lease;
use crate::handle::Core;

pub mod backlog;

/// The time in which the database has to take a lease back when the program stops.
const GIVE_BACK_TIME: Duration = Duration::from_secs(1);

/// The job of a worker, with a handle of the layer that it belongs to.
pub trait Job<C = Core>: Send + 'static {
    /// Why a run fails.
    type Error: Display + Send;

    /// Does what there is to do. It is dropped where the program stops or the lease is lost.
    fn run(&mut self, handle: &C) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Waits for something to do before the period is over.
    fn woken(&mut self, handle: &C) -> impl Future<Output = ()> + Send {
        let _ = handle;
        std::future::pending()
    }

    /// Releases what a run holds; called after each run, however it has ended.
    fn let_go(&mut self, handle: &C) -> impl Future<Output = ()> + Send {
        let _ = handle;
        std::future::ready(())
    }
}

/// When a job runs.
#[derive(Clone, Copy, Debug)]
pub struct Worker {
    /// The name of the job, and of its lease.
    pub name: &'static str,
    /// The text for the log of a run that has failed.
    pub failure: &'static str,
    /// The time between two runs, of which the first begins at once. A job without it runs when it is woken.
    pub every: Option<Duration>,
    /// The time after a run in which the job is not woken.
    pub rest: Duration,
    /// The pause after a failure, and the longest: it doubles with each failure that follows at once.
    pub retry: (Duration, Duration),
    /// How long the lease lasts that is not kept, where one program at a time does the job. A job with a period keeps its
    /// lease from run to run, another gives it back after each run.
    pub lease: Option<Duration>,
}

impl Worker {
    /// A job that runs when it is woken, and again a second to half a minute after a failure.
    pub const fn new(name: &'static str, failure: &'static str) -> Self {
        let retry = (Duration::from_secs(1), Duration::from_secs(30));
        Self { name, failure, every: None, rest: Duration::ZERO, retry, lease: None }
    }

    /// Does the job until `stop` is cancelled. The end of the program waits for it to let go.
    pub fn start<C, J>(self, handle: &C, stop: CancellationToken, job: J)
    where
        C: AsRef<Core> + Clone + Send + Sync + 'static,
        J: Job<C>,
    {
        let mut working =
            Working { worker: self, handle: handle.clone(), job, pause: self.retry.0, held: None };
        handle.as_ref().tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                never = working.go_on() => match never {},
            }
            working.job.let_go(&working.handle).await;
            working.give_back().await;
        });
    }
}

/// A job with its worker.
struct Working<C, J> {
    worker: Worker,
    handle: C,
    job: J,
    /// The pause after the next failure.
    pause: Duration,
    held: Option<Lease>,
}

/// The next step after a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Wait for the next one.
    Wait,
    /// Try it again.
    Again,
}

impl<C: AsRef<Core> + Send + Sync, J: Job<C>> Working<C, J> {
    async fn go_on(&mut self) -> Infallible {
        let mut then = if self.worker.every.is_some() { Then::Again } else { Then::Wait };
        loop {
            if then == Then::Wait {
                self.wait().await;
            }
            let pause;
            (then, pause) = match self.worker.lease {
                Some(time) => self.leased(time).await,
                None => self.run().await,
            };
            sleep(pause).await;
        }
    }

    /// Waits for the period to be over, or for something to do.
    async fn wait(&mut self) {
        let every = self.worker.every;
        let period = async {
            match every {
                Some(every) => sleep(every).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = period => {}
            () = self.job.woken(&self.handle) => {}
        }
    }

    /// Runs once.
    async fn run(&mut self) -> (Then, Duration) {
        let began = Instant::now();
        let ended = self.job.run(&self.handle).await;
        self.job.let_go(&self.handle).await;
        match ended {
            Ok(()) => {
                self.pause = self.worker.retry.0;
                (Then::Wait, self.worker.rest)
            }
            Err(error) => (Then::Again, self.failed(&error, began)),
        }
    }

    /// Runs under the lease; without it, another program does.
    async fn leased(&mut self, time: Duration) -> (Then, Duration) {
        let began = Instant::now();
        let lease = match Lease::take(&self.handle.as_ref().db, self.worker.name, time).await {
            Ok(Some(lease)) => lease,
            Ok(None) if self.worker.every.is_some() => return (Then::Again, time),
            Ok(None) => return (Then::Wait, Duration::ZERO),
            Err(error) => return (Then::Again, self.failed(&error, began)),
        };
        self.held = Some(lease.clone());
        let db = Arc::clone(&self.handle.as_ref().db);
        let next = tokio::select! {
            next = self.runs() => next,
            () = lease.keep_on(&db, time) => (Then::Again, self.worker.retry.0),
        };
        self.job.let_go(&self.handle).await;
        self.give_back().await;
        next
    }

    /// Runs as long as the lease is kept: again and again, or once where the job has no period.
    async fn runs(&mut self) -> (Then, Duration) {
        loop {
            let (then, pause) = self.run().await;
            if self.worker.every.is_none() {
                return (then, pause);
            }
            sleep(pause).await;
            if then == Then::Wait {
                self.wait().await;
            }
        }
    }

    async fn give_back(&mut self) {
        if let Some(lease) = self.held.take() {
            lease.give_back_within(&self.handle.as_ref().db, GIVE_BACK_TIME).await;
        }
    }

    /// Tells of a failure; answers the pause. A run that took longer than the longest pause has worked before.
    fn failed(&mut self, error: &dyn Display, began: Instant) -> Duration {
        let (shortest, longest) = self.worker.retry;
        tracing::warn!(%error, "{}", self.worker.failure);
        if began.elapsed() > longest {
            self.pause = shortest;
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(longest);
        pause
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::Notify;

    use super::*;
    use crate::write::Kinds;
    use kernel::clock::Clock;
    use kernel::read::Database;

    /// The record of a job of a test.
    #[derive(Debug, Default)]
    struct Seen {
        runs: AtomicU32,
        let_go: AtomicU32,
        changed: Notify,
        wake: Notify,
    }

    impl Seen {
        async fn until(&self, is_so: impl Fn(u32, u32) -> bool) {
            while !is_so(self.runs.load(Ordering::SeqCst), self.let_go.load(Ordering::SeqCst)) {
                self.changed.notified().await;
            }
        }
    }

    /// A job that fails in its first runs, and does not end in its last.
    struct Counting {
        seen: Arc<Seen>,
        fails: u32,
        last: u32,
    }

    impl Job for Counting {
        type Error = &'static str;

        async fn run(&mut self, _: &Core) -> Result<(), &'static str> {
            let run = self.seen.runs.fetch_add(1, Ordering::SeqCst) + 1;
            self.seen.changed.notify_one();
            if run == self.last {
                std::future::pending::<()>().await;
            }
            if run <= self.fails { Err("it fails") } else { Ok(()) }
        }

        async fn woken(&mut self, _: &Core) {
            self.seen.wake.notified().await;
        }

        fn let_go(&mut self, _: &Core) -> impl Future<Output = ()> + Send {
            self.seen.let_go.fetch_add(1, Ordering::SeqCst);
            self.seen.changed.notify_one();
            std::future::ready(())
        }
    }

    async fn core(folder: &tempfile::TempDir) -> Core {
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let kinds = Kinds::new(|_| unreachable!("no record is written here"), &[]);
        Core::new(Database::open(&url).await.unwrap(), Clock::default(), kinds)
    }

    fn worker() -> Worker {
        let moment = Duration::from_millis(1);
        Worker { retry: (moment, moment), ..Worker::new("test", "a job of a test has failed") }
    }

    #[tokio::test]
    async fn a_job_that_fails_is_tried_again_and_then_waits_to_be_woken() {
        let folder = tempfile::tempdir().unwrap();
        let (core, stop, seen) = (core(&folder).await, CancellationToken::new(), Arc::new(Seen::default()));
        worker().start(&core, stop.clone(), Counting { seen: Arc::clone(&seen), fails: 2, last: 0 });
        seen.wake.notify_one();
        seen.until(|runs, let_go| (runs, let_go) == (3, 3)).await;
        seen.wake.notify_one();
        seen.until(|runs, let_go| (runs, let_go) == (4, 4)).await;
        stop.cancel();
        core.tasks.close();
        core.tasks.wait().await;
        assert_eq!(seen.runs.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn a_stop_ends_a_run_and_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let (core, stop, seen) = (core(&folder).await, CancellationToken::new(), Arc::new(Seen::default()));
        let worker = Worker { every: Some(Duration::ZERO), ..worker() };
        worker.start(&core, stop.clone(), Counting { seen: Arc::clone(&seen), fails: 0, last: 3 });
        seen.until(|runs, _| runs == 3).await;
        stop.cancel();
        core.tasks.close();
        core.tasks.wait().await;
        assert_eq!((seen.runs.load(Ordering::SeqCst), seen.let_go.load(Ordering::SeqCst)), (3, 3));
    }
}
