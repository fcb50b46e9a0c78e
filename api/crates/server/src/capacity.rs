//! The limits of concurrent use: connections, sockets, request bodies that are being read, and copies.
//!
//! Each has a limit per client and a limit in all, a part of which is reserved for signed-in callers. Bodies longer
//! than [`SMALL_BODY`] are charged to a memory budget that all clients share, and of which one client can take only a
//! part.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use ipnet::IpNet;

use super::limits::Limits;
use super::pace::Pace;
use super::refusal::Refusal;
use kernel::read::LONG_READS;
use kernel::throttle::{Caller, ConcurrencyLimit, Full, Permit, network};

/// The bytes of a body that are not charged to the shared memory budget: almost every request is shorter.
const SMALL_BODY: usize = 64 * 1024;
/// The limits of bodies that are read at once: per client and in all.
const BODIES: (usize, usize) = (300, 1000);
/// The divisor for the part of the places and of the memory that is reserved for signed-in callers. One client can take
/// as large a part of the memory.
const KEPT: usize = 4;
/// The number of copies reserved for signed-in callers.
const KEPT_COPIES: usize = 2;
/// The time in milliseconds after which a refused client may retry.
const AGAIN: i64 = 5_000;
/// The time in milliseconds after which a refused copy may be retried.
const COPY_AGAIN: i64 = 30_000;

/// The limits of concurrent use, and the time-outs of connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Connections in all.
    pub connections: usize,
    /// Connections from one address.
    pub connections_per_address: usize,
    /// Open sockets in all.
    pub sockets: usize,
    /// Open sockets of one client.
    pub sockets_per_client: usize,
    /// The memory in bytes for all bodies that are being read or processed.
    pub body_memory: usize,
    /// The time-out for the head of a request, which also limits the idle time before it.
    pub header_time: Duration,
    /// The minimum speed at which a client must read responses.
    pub pace: Pace,
    /// The minimum speed at which a client must read a copy, which keeps a database transaction open.
    pub copy_pace: Pace,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            connections: 2000,
            connections_per_address: 500,
            sockets: 1000,
            sockets_per_client: 200,
            body_memory: 64 * 1024 * 1024,
            header_time: Duration::from_secs(30),
            // Longer than the `drain_time` of a socket, so that a slow socket ends first and reports why.
            pace: Pace { grace: Duration::from_secs(45), bytes_per_second: 8 * 1024 },
            copy_pace: Pace { grace: Duration::from_secs(30), bytes_per_second: 64 * 1024 },
        }
    }
}

/// The concurrency limits of a server.
#[derive(Debug)]
pub(super) struct ConcurrencyLimits {
    connections: Arc<ConcurrencyLimit>,
    sockets: Arc<ConcurrencyLimit>,
    bodies: Arc<ConcurrencyLimit>,
    memory: Arc<ConcurrencyLimit>,
    copies: Arc<ConcurrencyLimit>,
}

impl ConcurrencyLimits {
    /// The limits of a server with this capacity.
    pub(super) fn new(capacity: &Capacity, limits: &Limits) -> Self {
        // One body of the maximum length must fit for every caller.
        let memory = capacity.body_memory.max(limits.body);
        let memory_each = (memory / KEPT).max(limits.body);
        let memory_kept = (memory / KEPT).min(memory - limits.body);
        let Capacity { connections, connections_per_address, sockets, sockets_per_client, .. } = *capacity;
        Self {
            connections: ConcurrencyLimit::shared(connections_per_address, connections, 0),
            sockets: ConcurrencyLimit::shared(sockets_per_client, sockets, sockets / KEPT),
            bodies: ConcurrencyLimit::shared(BODIES.0, BODIES.1, BODIES.1 / KEPT),
            memory: ConcurrencyLimit::shared(memory_each, memory, memory_kept),
            copies: ConcurrencyLimit::shared(1, LONG_READS as usize, KEPT_COPIES),
        }
    }

    /// Takes a place for a connection. Connections of a trusted proxy count in all, but not per address, as they are
    /// those of its clients.
    ///
    /// # Errors
    /// [`Full`].
    pub(super) fn connection(&self, peer: SocketAddr, trusted: &[IpNet]) -> Result<Permit, Full> {
        let address = peer.ip().to_canonical();
        let key = if trusted.iter().any(|network| network.contains(&address)) {
            format!("proxy {peer}").into_bytes()
        } else {
            network(address)
        };
        self.connections.take_as(&Caller { key, known: false }, 1)
    }

    /// Takes a place for a socket.
    ///
    /// # Errors
    /// The refusal if a limit is reached.
    pub(super) fn socket(&self, caller: &Caller) -> Result<Permit, Refusal> {
        let none = |full| full_of("WebSockets are open", full, AGAIN);
        self.sockets.take_as(caller, 1).map_err(none)
    }

    /// Takes a place for a body.
    ///
    /// # Errors
    /// The refusal if a limit is reached.
    pub(super) fn body(&self, caller: &Caller) -> Result<BodyRoom, Refusal> {
        let place = self.bodies.take_as(caller, 1).map_err(body_refused)?;
        let memory = self.memory.take_as(caller, 0).map_err(body_refused)?;
        Ok(BodyRoom { _place: place, memory, bytes: SMALL_BODY })
    }

    /// Takes a place for a copy.
    ///
    /// # Errors
    /// The refusal if a limit is reached.
    pub(super) fn copy(&self, caller: &Caller) -> Result<Permit, Refusal> {
        self.copies.take_as(caller, 1).map_err(|full| full_of("copies are being made", full, COPY_AGAIN))
    }
}

/// The place and the memory of a body that is being read.
#[derive(Debug)]
pub(super) struct BodyRoom {
    _place: Permit,
    memory: Permit,
    bytes: usize,
}

impl BodyRoom {
    /// Reserves memory for a body of this length.
    ///
    /// # Errors
    /// The refusal if the memory is exhausted.
    pub(super) fn reach(&mut self, bytes: usize) -> Result<(), Refusal> {
        if bytes > self.bytes {
            self.memory.grow(bytes - self.bytes).map_err(body_refused)?;
            self.bytes = bytes;
        }
        Ok(())
    }

    /// Releases the place once the body is complete. Its memory stays reserved.
    pub(super) fn whole(self) -> Permit {
        self.memory
    }
}

fn body_refused(full: Full) -> Refusal {
    // The rest of the body is not read, so the connection cannot be reused.
    Refusal { close: true, ..full_of("requests are being sent", full, AGAIN) }
}

/// The refusal of a caller that a limit of concurrent use stops.
fn full_of(what: &str, full: Full, retry_after_ms: i64) -> Refusal {
    match full {
        Full::Own => {
            let refusal = Refusal::rate_limited(retry_after_ms);
            let message = format!("Too many {what} by this client at once. {}", refusal.message);
            Refusal { message, ..refusal }
        }
        Full::All => {
            let seconds = retry_after_ms / 1000;
            let message = format!("Too many {what} at the moment. Try again in {seconds} seconds.");
            let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message);
            Refusal { retry_after_ms: Some(retry_after_ms), ..refusal }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stranger(name: &str) -> Caller {
        Caller { key: name.as_bytes().to_vec(), known: false }
    }

    #[test]
    fn a_body_as_long_as_allowed_fits_whatever_the_memory_is() {
        let limits = Limits { body: 1_000_000, ..Limits::default() };
        for body_memory in [0, 1_000_000, 1_100_000, 100_000_000] {
            let rooms = ConcurrencyLimits::new(&Capacity { body_memory, ..Capacity::default() }, &limits);
            let mut room = rooms.body(&stranger("a")).unwrap();
            assert!(room.reach(1_000_000).is_ok(), "{body_memory}");
        }
    }

    #[test]
    fn one_client_leaves_memory_to_others_and_strangers_to_who_is_signed_in() {
        let megabyte = 1024 * 1024;
        let limits = Limits { body: 4 * megabyte, ..Limits::default() };
        let rooms = ConcurrencyLimits::new(&Capacity::default(), &limits);
        let mut taken = Vec::new();
        let mut fill = |caller: &Caller| {
            for count in 0.. {
                let mut room = rooms.body(caller).unwrap();
                if let Err(refusal) = room.reach(4 * megabyte) {
                    return (count, refusal.status.as_u16());
                }
                taken.push(room.whole());
            }
            (0, 0)
        };
        // The first 64 KiB of each body are not charged.
        assert_eq!(fill(&stranger("a")), (4, 429));
        assert_eq!(fill(&stranger("b")), (4, 429));
        assert_eq!(fill(&stranger("c")), (4, 429));
        assert_eq!(fill(&stranger("d")), (0, 503));
        assert_eq!(fill(&Caller { key: b"partner".to_vec(), known: true }), (4, 429));
        drop(taken);
        assert_eq!(rooms.memory.total(), 0);
    }

    #[test]
    fn connections_of_a_proxy_are_those_of_its_clients() {
        let capacity = Capacity { connections: 5, connections_per_address: 2, ..Capacity::default() };
        let rooms = ConcurrencyLimits::new(&capacity, &Limits::default());
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let from = |text: &str| rooms.connection(text.parse().unwrap(), &trusted);
        let taken = [from("192.0.2.1:1"), from("192.0.2.1:2"), from("10.0.0.1:1"), from("10.0.0.1:2")];
        assert!(taken.iter().all(Result::is_ok));
        assert_eq!(from("192.0.2.1:3").unwrap_err(), Full::Own);
        let last = from("10.0.0.1:3");
        assert!(last.is_ok());
        assert_eq!(from("192.0.2.2:1").unwrap_err(), Full::All);
    }
}
