//! A minimal client of HTTP/1.1 for a closed loop: one connection that is kept alive, one request at a time.
//!
//! The client shares its processor with the server that it measures, so it builds no maps of headers and
//! parses no bodies. It reads `Content-Length` and chunked bodies, and connects again where the server
//! closes the connection between two requests.

use std::io::Write as _;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::failure::Failure;

/// Bytes of a response at most. Those of the measured operations are far smaller.
const LARGEST_ANSWER: usize = 64 << 20;

/// The address of a server.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Host and port to connect to.
    authority: String,
    /// The path of the address.
    path: String,
}

impl Target {
    /// Host and port.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The path.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Reads an address of the form `http://host[:port][/path]`.
    ///
    /// # Errors
    /// Fails where it has another form. TLS is not supported: it belongs to the proxy in front, which is not measured.
    pub(crate) fn parse(url: &str) -> Result<Self, Failure> {
        let rest = url
            .strip_prefix("http://")
            .ok_or_else(|| Failure::new(format!("{url}: an address that begins with http:// is needed")))?;
        let (host, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        if host.is_empty() || host.contains('@') {
            return Err(Failure::new(format!("{url}: no host, or a user name in it")));
        }
        let has_port = host
            .rsplit_once(':')
            .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
        let authority = if has_port { host.to_owned() } else { format!("{host}:80") };
        Ok(Self { authority, path: path.to_owned() })
    }
}

/// One connection.
pub(crate) struct Client {
    target: Target,
    stream: Option<TcpStream>,
    /// The header `Authorization` as a line; empty for an anonymous client.
    header: String,
    /// The head of every request up to the length of its body.
    head: String,
    sending: Vec<u8>,
    received: Vec<u8>,
    chunks: Vec<u8>,
}

/// The framing of a body.
enum Length {
    Bytes(usize),
    Chunked,
}

/// The head of a response.
struct Head {
    status: u16,
    /// The offset of the body.
    body: usize,
    length: Length,
    close: bool,
}

impl Client {
    /// An anonymous client, which connects when it first sends.
    pub(crate) fn new(target: &Target) -> Self {
        Self::with_header(target, "")
    }

    /// A client with this access token.
    pub(crate) fn with_token(target: &Target, token: &str) -> Self {
        Self::with_header(target, &format!("Authorization: Bearer {token}\r\n"))
    }

    fn with_header(target: &Target, header: &str) -> Self {
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\n{header}Content-Type: application/json\r\n\
             Accept: application/graphql-response+json\r\nContent-Length: ",
            target.path, target.authority
        );
        Self {
            target: target.clone(),
            stream: None,
            header: header.to_owned(),
            head,
            sending: Vec::new(),
            received: Vec::new(),
            chunks: Vec::new(),
        }
    }

    /// Sends a body. Returns the status and the body of the response.
    ///
    /// # Errors
    /// Fails where the server cannot be reached, hangs up in the middle, or does not speak HTTP/1.1.
    pub(crate) async fn post(&mut self, body: &[u8]) -> Result<(u16, &[u8]), Failure> {
        self.sending.clear();
        self.sending.extend_from_slice(self.head.as_bytes());
        // Writing to memory cannot fail.
        let _ = write!(self.sending, "{}\r\n\r\n", body.len());
        self.sending.extend_from_slice(body);

        let reused = self.stream.is_some();
        let mut answer = self.exchange().await?;
        if answer.is_none() && reused {
            // The server had closed the idle connection before it read the request.
            answer = self.exchange().await?;
        }
        let head =
            answer.ok_or_else(|| Failure::new("the server closed the connection without an answer"))?;
        if head.close {
            self.stream = None;
        }
        let body = match head.length {
            Length::Bytes(length) => &self.received[head.body..head.body + length],
            Length::Chunked => &self.chunks[..],
        };
        Ok((head.status, body))
    }

    /// Sends the request and reads the whole response; `None` where the connection was closed before the response.
    async fn exchange(&mut self) -> Result<Option<Head>, Failure> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect().await?,
        };
        self.received.clear();
        if stream.write_all(&self.sending).await.is_err() {
            return Ok(None);
        }
        let head = loop {
            match stream.read_buf(&mut self.received).await {
                Ok(0) | Err(_) if self.received.is_empty() => return Ok(None),
                Ok(0) => return Err(cut_off()),
                Ok(_) => {}
                Err(error) => return Err(Failure::during("reading the answer")(error)),
            }
            if let Some(head) = parse_head(&self.received)? {
                break head;
            }
            within_bounds(self.received.len())?;
        };
        match head.length {
            Length::Bytes(length) => {
                within_bounds(length)?;
                while self.received.len() < head.body + length {
                    fill(&mut stream, &mut self.received).await?;
                }
            }
            Length::Chunked => {
                self.chunks.clear();
                let mut at = head.body;
                while !take_chunks(&self.received, &mut at, &mut self.chunks)? {
                    within_bounds(self.received.len())?;
                    fill(&mut stream, &mut self.received).await?;
                }
            }
        }
        self.stream = Some(stream);
        Ok(Some(head))
    }

    /// Gets another path of the server on a connection of its own. Passes the body to `each` as it arrives, and
    /// returns the status.
    ///
    /// # Errors
    /// See [`Client::post`]; also where the body ends before its end.
    pub(crate) async fn get(&self, path: &str, mut each: impl FnMut(&[u8])) -> Result<u16, Failure> {
        let mut stream = self.connect().await?;
        let (host, header) = (&self.target.authority, &self.header);
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\n{header}Accept: */*\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.map_err(Failure::during("asking"))?;
        let mut received = Vec::new();
        let head = loop {
            fill(&mut stream, &mut received).await?;
            if let Some(head) = parse_head(&received)? {
                break head;
            }
            within_bounds(received.len())?;
        };
        received.drain(..head.body);
        match head.length {
            Length::Bytes(length) => {
                within_bounds(length)?;
                while received.len() < length {
                    fill(&mut stream, &mut received).await?;
                }
                each(&received[..length]);
            }
            Length::Chunked => {
                let mut whole = Vec::new();
                loop {
                    let mut at = 0;
                    let done = take_chunks(&received, &mut at, &mut whole)?;
                    each(&whole);
                    whole.clear();
                    received.drain(..at);
                    if done {
                        break;
                    }
                    fill(&mut stream, &mut received).await?;
                }
            }
        }
        Ok(head.status)
    }

    async fn connect(&self) -> Result<TcpStream, Failure> {
        let stream = TcpStream::connect(&self.target.authority)
            .await
            .map_err(Failure::during(format_args!("connecting to {}", self.target.authority)))?;
        stream.set_nodelay(true).map_err(Failure::during("setting up the connection"))?;
        Ok(stream)
    }
}

fn cut_off() -> Failure {
    Failure::new("the server closed the connection in the middle of an answer")
}

fn within_bounds(length: usize) -> Result<(), Failure> {
    if length > LARGEST_ANSWER { Err(Failure::new("the answer is larger than 64 MiB")) } else { Ok(()) }
}

async fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(), Failure> {
    match stream.read_buf(buffer).await {
        Ok(0) => Err(cut_off()),
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::during("reading the answer")(error)),
    }
}

/// Parses the head; `None` until all of it is there.
fn parse_head(bytes: &[u8]) -> Result<Option<Head>, Failure> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = str::from_utf8(&bytes[..end]).map_err(Failure::during("the head of the answer"))?;
    let mut lines = text.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.1 "))
        .and_then(|rest| rest.get(..3))
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| Failure::new("the answer is not HTTP/1.1"))?;
    let mut head = Head { status, body: end + 4, length: Length::Bytes(0), close: false };
    let mut known = false;
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            head.length = Length::Bytes(value.parse().map_err(Failure::during("Content-Length"))?);
            known = true;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.eq_ignore_ascii_case("chunked") {
                return Err(Failure::new(format!("Transfer-Encoding {value} is not understood here")));
            }
            head.length = Length::Chunked;
            known = true;
        } else if name.eq_ignore_ascii_case("content-encoding") && !value.eq_ignore_ascii_case("identity") {
            return Err(Failure::new(format!(
                "the answer is compressed ({value}) though nobody asked for it"
            )));
        } else if name.eq_ignore_ascii_case("connection") {
            head.close = value.eq_ignore_ascii_case("close");
        }
    }
    if known {
        Ok(Some(head))
    } else {
        Err(Failure::new(format!("an answer with status {status} has neither Content-Length nor chunks")))
    }
}

/// Decodes the complete chunks from `at` on. Returns true after the last one.
fn take_chunks(bytes: &[u8], at: &mut usize, into: &mut Vec<u8>) -> Result<bool, Failure> {
    loop {
        let rest = &bytes[*at..];
        let Some(line) = rest.windows(2).position(|two| two == b"\r\n") else {
            return Ok(false);
        };
        let size = str::from_utf8(&rest[..line])
            .ok()
            .and_then(|text| usize::from_str_radix(text.split(';').next().unwrap_or(text).trim(), 16).ok())
            .ok_or_else(|| Failure::new("a chunk without a size"))?;
        within_bounds(size)?;
        if size == 0 {
            // The trailer, if any, ends with an empty line.
            return Ok(rest[line..].windows(4).any(|four| four == b"\r\n\r\n"));
        }
        let end = line + 2 + size;
        if rest.len() < end + 2 {
            return Ok(false);
        }
        into.extend_from_slice(&rest[line + 2..end]);
        *at += end + 2;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Answers each request on its connections with the next of `answers`, byte by byte where `slowly`;
    /// hangs up after an answer that says close, and where an answer is empty.
    fn server(answers: &'static [&'static str], slowly: bool) -> Result<Target, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(Failure::during("bind"))?;
        let address = listener.local_addr().map_err(Failure::during("address"))?;
        thread::spawn(move || -> std::io::Result<()> {
            let mut answers = answers.iter();
            loop {
                let (mut stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                let mut request = [0; 4096];
                while stream.read(&mut request)? > 0 {
                    let Some(answer) = answers.next() else {
                        return Ok(());
                    };
                    let size = if slowly { 1 } else { answer.len().max(1) };
                    for part in answer.as_bytes().chunks(size) {
                        stream.write_all(part)?;
                    }
                    if answer.is_empty() || answer.contains("close") {
                        break;
                    }
                }
            }
        });
        Target::parse(&format!("http://{address}/graphql"))
    }

    const PLAIN: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nplain";
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nchun\r\n3\r\nked\r\n0\r\ntrailer: 1\r\n\r\n";
    const CLOSING: &str =
        "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 4\r\nConnection: close\r\n\r\nwait";

    async fn sees(client: &mut Client, status: u16, body: &str) -> Result<(), Failure> {
        let seen = client.post(b"{}").await?;
        assert_eq!((seen.0, String::from_utf8_lossy(seen.1).as_ref()), (status, body));
        Ok(())
    }

    #[tokio::test]
    async fn reads_answers_of_every_form() -> Result<(), Failure> {
        for slowly in [false, true] {
            let mut client = Client::new(&server(&[PLAIN, CHUNKED, CLOSING, PLAIN, CHUNKED], slowly)?);
            sees(&mut client, 200, "plain").await?;
            sees(&mut client, 200, "chunked").await?;
            sees(&mut client, 429, "wait").await?;
            sees(&mut client, 200, "plain").await?;
            sees(&mut client, 200, "chunked").await?;
        }
        Ok(())
    }

    #[tokio::test]
    async fn asks_again_where_an_idle_connection_was_closed() -> Result<(), Failure> {
        let mut client = Client::new(&server(&[PLAIN, "", PLAIN], false)?);
        sees(&mut client, 200, "plain").await?;
        sees(&mut client, 200, "plain").await
    }

    #[tokio::test]
    async fn says_what_is_wrong() -> Result<(), Failure> {
        for (answer, expected) in [
            (&["HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX: close\r\n\r\nshort"], "in the middle"),
            (&["HTTP/1.1 200 OK\r\n\r\n"], "neither Content-Length nor chunks"),
            (&["HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n"], "compressed"),
            (&["SSH-2.0\r\n\r\n"], "not HTTP/1.1"),
            (&[""], "without an answer"),
        ] {
            let mut client = Client::new(&server(answer, false)?);
            let failure =
                client.post(b"{}").await.err().map(|failure| failure.to_string()).unwrap_or_default();
            assert!(failure.contains(expected), "{failure}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn hands_on_what_comes() -> Result<(), Failure> {
        for (answer, status, body) in
            [(PLAIN, 200, "plain"), (CHUNKED, 200, "chunked"), (CLOSING, 429, "wait")]
        {
            for slowly in [false, true] {
                let client = Client::new(&server(Box::leak(Box::new([answer])), slowly)?);
                let mut seen = Vec::new();
                let told = client.get("/else", |part| seen.extend_from_slice(part)).await?;
                assert_eq!((told, String::from_utf8_lossy(&seen).as_ref()), (status, body));
            }
        }
        let cut = Client::new(&server(
            &["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;close\r\nchun\r\n"],
            false,
        )?);
        assert!(cut.get("/", |_| {}).await.is_err());
        Ok(())
    }

    #[test]
    fn reads_addresses() {
        assert!(
            Target::parse("http://localhost:8000/graphql")
                .is_ok_and(|t| t.authority == "localhost:8000" && t.path == "/graphql")
        );
        assert!(
            Target::parse("http://[::1]:8000").is_ok_and(|t| t.authority == "[::1]:8000" && t.path == "/")
        );
        assert!(Target::parse("http://localhost").is_ok_and(|t| t.authority == "localhost:80"));
        assert!(Target::parse("https://localhost/").is_err());
    }
}
