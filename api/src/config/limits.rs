//! Settings that limit requests.

use std::time::Duration;

use clap::{Args, value_parser};

use kernel::page::{DEFAULT_PAGE, MAX_PAGE};
use server::{Capacity, Limits, SocketSettings};

/// The settings of what is checked before a request is executed. Each error names the limit.
#[derive(Clone, Debug, Args)]
pub struct RequestLimits {
    /// Bytes of the body of a request at most
    #[arg(long, env, default_value_t = Limits::default().body, value_name = "BYTES")]
    pub max_body_bytes: usize,

    /// Bytes of a GraphQL document at most
    #[arg(long, env, default_value_t = Limits::default().document, value_name = "BYTES")]
    pub max_document_bytes: usize,

    /// Tokens of a document at most: names, values and signs
    #[arg(long, env, default_value_t = Limits::default().tokens, value_name = "NUMBER")]
    pub max_tokens: usize,

    /// Aliases of a document at most
    #[arg(long, env, default_value_t = Limits::default().aliases, value_name = "NUMBER")]
    pub max_aliases: usize,

    /// Directives of a document at most
    #[arg(long, env, default_value_t = Limits::default().directives, value_name = "NUMBER")]
    pub max_directives: usize,

    /// Fields within fields at most; introspection is counted apart
    #[arg(long, env, default_value_t = Limits::default().depth, value_name = "NUMBER")]
    pub max_depth: usize,

    /// Operations of a document at most
    #[arg(long, env, default_value_t = Limits::default().operations, value_name = "NUMBER")]
    pub max_operations: usize,

    /// Fragments of a document at most
    #[arg(long, env, default_value_t = Limits::default().fragments, value_name = "NUMBER")]
    pub max_fragments: usize,

    /// Spreads of fragments at most, in a document with its fragments written out
    #[arg(long, env, default_value_t = Limits::default().spreads, value_name = "NUMBER")]
    pub max_spreads: u64,

    /// Points that an operation may cost, by `@cost` and `@listSize` of the schema
    #[arg(long, env, default_value_t = Limits::default().cost, value_name = "POINTS")]
    pub max_cost: u64,

    /// Items on a page at most, 100 at most
    #[arg(long, env, default_value_t = Limits::default().page, value_name = "NUMBER", value_parser = value_parser!(u32).range(PAGES))]
    pub max_page: u32,

    /// Errors in an answer at most; further ones are left out
    #[arg(long, env, default_value_t = 20, value_name = "NUMBER", value_parser = value_parser!(u32).range(1..))]
    pub max_errors: u32,

    /// Seconds that a request may take, beside what it asks to wait
    #[arg(long, env, default_value_t = 10, value_name = "SECONDS", value_parser = value_parser!(u32).range(1..))]
    pub max_seconds: u32,

    /// Operations that run on a WebSocket at once at most
    #[arg(long, env, default_value_t = SocketSettings::default().max_operations, value_name = "NUMBER")]
    pub max_socket_operations: usize,

    /// Connections at once at most
    #[arg(long, env, default_value_t = Capacity::default().connections, value_name = "NUMBER")]
    pub max_connections: usize,

    /// Connections at once from one address, unless it is one of `TRUSTED_PROXIES`
    #[arg(long, env, default_value_t = Capacity::default().connections_per_address, value_name = "NUMBER")]
    pub max_connections_per_address: usize,

    /// WebSocket connections at once at most; a quarter is for who shows a token when they open one
    #[arg(long, env, default_value_t = Capacity::default().sockets, value_name = "NUMBER")]
    pub max_sockets: usize,

    /// WebSocket connections of one client at once
    #[arg(long, env, default_value_t = Capacity::default().sockets_per_client, value_name = "NUMBER")]
    pub max_sockets_per_client: usize,

    /// Bytes of memory that bodies longer than 64 kB take together: one client gets a quarter, strangers three
    #[arg(long, env, default_value_t = Capacity::default().body_memory, value_name = "BYTES")]
    pub max_body_memory: usize,

    /// Seconds within which the head of a request must come, also where none is sent over a connection that is open
    #[arg(long, env, default_value_t = 30, value_name = "SECONDS", value_parser = value_parser!(u32).range(1..))]
    pub max_header_seconds: u32,
}

/// The allowed range of `MAX_PAGE`: a page of the default size must fit.
const PAGES: std::ops::RangeInclusive<i64> = DEFAULT_PAGE as i64..=MAX_PAGE as i64;

impl RequestLimits {
    /// The limits of a request.
    pub fn limits(&self) -> Limits {
        Limits {
            body: self.max_body_bytes,
            document: self.max_document_bytes,
            tokens: self.max_tokens,
            aliases: self.max_aliases,
            directives: self.max_directives,
            depth: self.max_depth,
            operations: self.max_operations,
            fragments: self.max_fragments,
            spreads: self.max_spreads,
            cost: self.max_cost,
            page: self.max_page,
            errors: self.max_errors as usize,
            time: Duration::from_secs(self.max_seconds.into()),
        }
    }

    /// The limits of what clients hold at once.
    pub fn capacity(&self) -> Capacity {
        Capacity {
            connections: self.max_connections,
            connections_per_address: self.max_connections_per_address,
            sockets: self.max_sockets,
            sockets_per_client: self.max_sockets_per_client,
            body_memory: self.max_body_memory,
            header_time: Duration::from_secs(self.max_header_seconds.into()),
            ..Capacity::default()
        }
    }

    /// The settings of sockets.
    pub fn socket(&self) -> SocketSettings {
        SocketSettings { max_operations: self.max_socket_operations, ..SocketSettings::default() }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        limits: RequestLimits,
    }

    fn parsed(arguments: &[&str]) -> Result<RequestLimits, clap::Error> {
        let arguments = ["passerelle"].iter().chain(arguments);
        Only::try_parse_from(arguments).map(|only| only.limits)
    }

    #[test]
    fn what_is_not_set_is_as_the_server_has_it() {
        assert_eq!(parsed(&[]).unwrap().limits(), Limits::default());
        assert_eq!(parsed(&[]).unwrap().capacity(), Capacity::default());
        let set = parsed(&["--max-cost", "7", "--max-seconds", "3", "--max-page", "20"]).unwrap().limits();
        assert_eq!((set.cost, set.time, set.page), (7, Duration::from_secs(3), 20));
    }

    #[test]
    fn a_page_is_not_longer_than_the_schema_says() {
        for wrong in ["0", "19", "101"] {
            assert!(parsed(&["--max-page", wrong]).is_err(), "{wrong}");
        }
    }
}
