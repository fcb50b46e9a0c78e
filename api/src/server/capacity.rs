//! How much of the server its clients may hold at once: connections, sockets, bodies that are being read, copies.
//!
//! Each has so many places for one client and so many in all, some of which strangers cannot take. Bodies that are
//! longer than [`SMALL_BODY`] are read into one memory that all of them share, and none of which one client can take
//! more than a part.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use ipnet::IpNet;

use super::limits::Limits;
use super::pace::Pace;
use super::refusal::Refusal;
use crate::record::read::LONG_READS;
use crate::throttle::{Caller, Full, Place, Places, network};

/// Bytes of a body that take nothing of the shared memory: almost every request is shorter.
const SMALL_BODY: usize = 64 * 1024;
/// Bodies that are being read at once, of one client and in all.
const BODIES: (usize, usize) = (300, 1000);
/// The part of the places and of the memory that strangers leave to who is signed in.
const KEPT: usize = 4;
/// Copies that strangers leave to who is signed in.
const KEPT_COPIES: usize = 2;
/// Milliseconds after which a client may try again that has taken all of its places.
const AGAIN: i64 = 5_000;
/// Milliseconds after which another copy may be tried.
const COPY_AGAIN: i64 = 30_000;

/// How much of the server clients may hold at once, and for how long.
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
    /// Bytes of memory for all bodies that are being read or worked on.
    pub body_memory: usize,
    /// How long a client may take to send the head of a request, or to begin with one.
    pub header_time: Duration,
    /// How slowly a client may take answers.
    pub pace: Pace,
    /// How slowly a client may take a copy, which keeps a transaction of the database open.
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
            // More than a socket is given (`drain_time`), which then says why it ends.
            pace: Pace { grace: Duration::from_secs(45), bytes_per_second: 8 * 1024 },
            copy_pace: Pace { grace: Duration::from_secs(30), bytes_per_second: 64 * 1024 },
        }
    }
}

/// The places of a server.
#[derive(Debug)]
pub(super) struct Rooms {
    connections: Arc<Places>,
    sockets: Arc<Places>,
    bodies: Arc<Places>,
    memory: Arc<Places>,
    copies: Arc<Places>,
}

impl Rooms {
    /// Those of a server with this capacity.
    pub(super) fn new(capacity: &Capacity, limits: &Limits) -> Self {
        // One body that is as long as it may be must fit, whoever sends it.
        let memory = capacity.body_memory.max(limits.body);
        let memory_each = (memory / KEPT).max(limits.body);
        let memory_kept = (memory / KEPT).min(memory - limits.body);
        let Capacity { connections, connections_per_address, sockets, sockets_per_client, .. } = *capacity;
        Self {
            connections: Places::shared(connections_per_address, connections, 0),
            sockets: Places::shared(sockets_per_client, sockets, sockets / KEPT),
            bodies: Places::shared(BODIES.0, BODIES.1, BODIES.1 / KEPT),
            memory: Places::shared(memory_each, memory, memory_kept),
            copies: Places::shared(1, LONG_READS as usize, KEPT_COPIES),
        }
    }

    /// A place for a connection. Those of a trusted proxy are of its clients: they count in all, and not for its address.
    ///
    /// # Errors
    /// [`Full`].
    pub(super) fn connection(&self, peer: SocketAddr, trusted: &[IpNet]) -> Result<Place, Full> {
        let address = peer.ip().to_canonical();
        let key = if trusted.iter().any(|network| network.contains(&address)) {
            format!("proxy {peer}").into_bytes()
        } else {
            network(address)
        };
        self.connections.take_as(&Caller { key, known: false }, 1)
    }

    /// A place for a socket.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn socket(&self, caller: &Caller) -> Result<Place, Refusal> {
        let none = |full| full_of("WebSockets are open", full, AGAIN);
        self.sockets.take_as(caller, 1).map_err(none)
    }

    /// A place for a body.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn body(&self, caller: &Caller) -> Result<BodyRoom, Refusal> {
        let place = self.bodies.take_as(caller, 1).map_err(body_refused)?;
        let memory = self.memory.take_as(caller, 0).map_err(body_refused)?;
        Ok(BodyRoom { _place: place, memory, bytes: SMALL_BODY })
    }

    /// A place for a copy.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn copy(&self, caller: &Caller) -> Result<Place, Refusal> {
        self.copies.take_as(caller, 1).map_err(|full| full_of("copies are being made", full, COPY_AGAIN))
    }
}

/// The place of a body that is being read.
#[derive(Debug)]
pub(super) struct BodyRoom {
    _place: Place,
    memory: Place,
    bytes: usize,
}

impl BodyRoom {
    /// Makes sure that there is memory for a body of this length.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn reach(&mut self, bytes: usize) -> Result<(), Refusal> {
        if bytes > self.bytes {
            self.memory.grow(bytes - self.bytes).map_err(body_refused)?;
            self.bytes = bytes;
        }
        Ok(())
    }

    /// The body is whole: what remains taken is its memory.
    pub(super) fn whole(self) -> Place {
        self.memory
    }
}

fn body_refused(full: Full) -> Refusal {
    // The rest of the body is not read.
    Refusal { close: true, ..full_of("requests are being sent", full, AGAIN) }
}

/// The refusal of who finds no place.
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
            let rooms = Rooms::new(&Capacity { body_memory, ..Capacity::default() }, &limits);
            let mut room = rooms.body(&stranger("a")).unwrap();
            assert!(room.reach(1_000_000).is_ok(), "{body_memory}");
        }
    }

    #[test]
    fn one_client_leaves_memory_to_others_and_strangers_to_who_is_signed_in() {
        let megabyte = 1024 * 1024;
        let limits = Limits { body: 4 * megabyte, ..Limits::default() };
        let rooms = Rooms::new(&Capacity::default(), &limits);
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
        // The first 64 kB of each are free.
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
        let rooms = Rooms::new(&capacity, &Limits::default());
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
