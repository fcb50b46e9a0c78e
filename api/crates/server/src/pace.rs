//! The minimum speed at which a client must read what is sent to it.
//!
//! While a write is blocked by the client, the wait is charged to an [`Allowance`]. Each byte that it reads earns some
//! time back. A client that reads nothing has the grace period; one that is slower than the minimum speed has somewhat
//! longer.

use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// The minimum speed of a client that reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The longest time in which it may read nothing.
    pub grace: Duration,
    /// The minimum number of bytes per second.
    pub bytes_per_second: u32,
}

/// The time for which the server still waits for a client.
#[derive(Debug)]
pub(super) struct Allowance {
    pace: Pace,
    left: Duration,
}

impl Allowance {
    /// The whole grace period.
    pub(super) fn new(pace: Pace) -> Self {
        Self { pace, left: pace.grace }
    }

    /// The remaining time.
    pub(super) fn left(&self) -> Duration {
        self.left
    }

    /// Charges a wait for the client.
    pub(super) fn waited(&mut self, time: Duration) {
        self.left = self.left.saturating_sub(time);
    }

    /// Credits the bytes that the client has read, up to the grace period.
    pub(super) fn took(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let earned = Duration::from_secs_f64(f64::from(bytes) / f64::from(self.pace.bytes_per_second.max(1)));
        self.left = self.left.saturating_add(earned).min(self.pace.grace);
    }
}

/// A connection that enforces the minimum speed: writing to a client that is too slow fails with
/// [`ErrorKind::TimedOut`].
#[derive(Debug)]
pub(super) struct Paced<S> {
    stream: S,
    allowance: Allowance,
    blocked: Option<Blocked>,
}

/// A write that waits for the client.
#[derive(Debug)]
struct Blocked {
    since: Instant,
    end: Pin<Box<Sleep>>,
}

impl<S> Paced<S> {
    /// Wraps a connection with this minimum speed.
    pub(super) fn new(stream: S, pace: Pace) -> Self {
        Self { stream, allowance: Allowance::new(pace), blocked: None }
    }

    /// Passes on the result of a write, or fails if the client is too slow.
    fn judge(&mut self, cx: &mut Context<'_>, written: Poll<Result<usize>>) -> Poll<Result<usize>> {
        if let Poll::Ready(written) = written {
            if let Some(blocked) = self.blocked.take() {
                self.allowance.waited(blocked.since.elapsed());
            }
            self.allowance.took(written.as_ref().copied().unwrap_or_default());
            return Poll::Ready(written);
        }
        let left = self.allowance.left();
        let blocked =
            self.blocked.get_or_insert_with(|| Blocked { since: Instant::now(), end: Box::pin(sleep(left)) });
        ready!(blocked.end.as_mut().poll(cx));
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the client does not take what is sent to it")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.judge(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const PACE: Pace = Pace { grace: Duration::from_secs(10), bytes_per_second: 1000 };

    #[test]
    fn what_is_taken_earns_time_and_waiting_costs_it() {
        let mut allowance = Allowance::new(PACE);
        allowance.waited(Duration::from_secs(4));
        assert_eq!(allowance.left(), Duration::from_secs(6));
        allowance.took(2000);
        assert_eq!(allowance.left(), Duration::from_secs(8));
        allowance.took(1_000_000);
        assert_eq!(allowance.left(), PACE.grace, "credit is capped at the grace period");
        allowance.waited(Duration::from_secs(11));
        assert_eq!(allowance.left(), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_ends_the_connection() {
        let (client, server) = duplex(100);
        let pace = Pace { grace: Duration::from_millis(20), ..PACE };
        let error = Paced::new(server, pace).write_all(&[0; 1000]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        drop(client);
    }

    #[tokio::test]
    async fn one_that_reads_gets_everything() {
        let (mut client, server) = duplex(100);
        let mut paced = Paced::new(server, Pace { grace: Duration::from_mins(5), bytes_per_second: 1 });
        let reader = tokio::spawn(async move {
            let mut read = Vec::new();
            client.read_to_end(&mut read).await.unwrap();
            read.len()
        });
        paced.write_all(&[0; 10_000]).await.unwrap();
        drop(paced);
        assert_eq!(reader.await.unwrap(), 10_000);
    }
}
