//! Sent mails, read from files and from a mail server.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::server::TestServer;
use super::{found, until};

/// A mail after decoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) message_id: String,
    /// Every header, unfolded: one entry each.
    pub(crate) headers: Vec<String>,
    pub(crate) text: String,
}

impl Letter {
    /// Reads a message (RFC 5322).
    pub(crate) fn read(message: &str) -> Self {
        let (head, body) = message.split_once("\r\n\r\n").expect("a head and a body");
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let headers: Vec<String> = unfolded.split("\r\n").map(str::to_owned).collect();
        let header = |name: &str| {
            let all: Vec<&str> = headers
                .iter()
                .filter_map(|line| line.split_once(": "))
                .filter(|(n, _)| n.eq_ignore_ascii_case(name))
                .map(|(_, v)| v)
                .collect();
            assert!(all.len() == 1, "{name}: {head}");
            decoded_words(all[0])
        };
        assert!(header("Content-Type").to_lowercase().starts_with("text/plain; charset=utf-8"), "{head}");
        let text = match header("Content-Transfer-Encoding").as_str() {
            "quoted-printable" => quoted_printable(body),
            "base64" => {
                let bytes = STANDARD.decode(body.replace("\r\n", "")).expect("base 64");
                String::from_utf8(bytes).expect("UTF-8")
            }
            _ => body.to_owned(),
        };
        Self {
            from: header("From"),
            to: header("To"),
            subject: header("Subject"),
            message_id: header("Message-ID"),
            text: text.replace("\r\n", "\n"),
            headers,
        }
    }

    /// The token after `#<name>=` in the link of the mail.
    pub(crate) fn token(&self, name: &str) -> String {
        let start = format!("https://directory.example/account#{name}=");
        let lines: Vec<&str> = self.text.lines().filter_map(|line| line.strip_prefix(&start)).collect();
        assert_eq!(lines.len(), 1, "{}", self.text);
        lines[0].to_owned()
    }
}

/// The text of a header with its encoded words (RFC 2047).
fn decoded_words(value: &str) -> String {
    let mut text = String::new();
    let mut was_encoded = false;
    for word in value.split(' ') {
        let inner = word.strip_prefix("=?utf-8?b?").and_then(|word| word.strip_suffix("?="));
        let joined = was_encoded && inner.is_some();
        if !text.is_empty() && !joined {
            text.push(' ');
        }
        was_encoded = inner.is_some();
        match inner {
            Some(inner) => {
                text += &String::from_utf8(STANDARD.decode(inner).expect("base 64")).expect("UTF-8");
            }
            None => text += word,
        }
    }
    text
}

fn quoted_printable(body: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = body.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'=', [b'\r', b'\n', after @ ..]) => rest = after,
            (b'=', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).expect("digits");
                bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal digits"));
                rest = after;
            }
            (other, _) => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

/// The mails in a data folder, in no particular order.
pub(crate) fn written(data_dir: &Path) -> Vec<Letter> {
    let Ok(entries) = std::fs::read_dir(data_dir.join("mail")) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let whole = paths.filter(|path| path.extension().is_some_and(|end| end == "eml"));
    whole.filter_map(|path| std::fs::read_to_string(path).ok()).map(|text| Letter::read(&text)).collect()
}

impl TestServer {
    /// The mails written so far.
    pub(crate) fn mails(&self) -> Vec<Letter> {
        written(self.data_dir.as_ref().expect("a folder").path())
    }

    /// Waits until the outbox is empty, and returns the mails to an address.
    pub(crate) async fn mails_to(&self, address: &str) -> Vec<Letter> {
        until("all mails sent", async || waiting(self).await == 0).await;
        self.mails().into_iter().filter(|mail| mail.to == address).collect()
    }

    /// The only mail to an address.
    pub(crate) async fn mail_to(&self, address: &str) -> Letter {
        let mut mails = self.mails_to(address).await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        mails.remove(0)
    }

    /// Waits until the outbox is empty, and deletes the mails written so far.
    pub(crate) async fn forget_mails(&self) {
        until("all mails sent", async || waiting(self).await == 0).await;
        let _ = std::fs::remove_dir_all(self.data_dir.as_ref().expect("a folder").path().join("mail"));
    }
}

/// The integer that a statement returns.
pub(crate) async fn number(server: &TestServer, sql: &str) -> i64 {
    use sea_orm::{ConnectionTrait as _, Statement};
    let statement = Statement::from_string(server.app.db.dialect().backend(), sql);
    let row = server.app.db.writer().query_one_raw(statement).await.expect("an answer").expect("a row");
    row.try_get_by_index(0).expect("a number")
}

/// The number of rows in the outbox, with the news of which a mail is still to be made.
pub(crate) async fn waiting(server: &TestServer) -> i64 {
    number(server, "SELECT (SELECT COUNT(*) FROM mail_outbox) + (SELECT COUNT(*) FROM event_notice)").await
}

/// The behaviour of a test mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Accepts mails.
    Accepts,
    /// Accepts mails, but never acknowledges them.
    HangsUpSilently,
    /// Rejects every recipient, and quotes the address in the reply.
    Refuses,
}

/// A mail as the mail server received it.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) letter: Letter,
}

/// A small mail server (RFC 5321).
pub(crate) struct MailServer {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    serving: JoinHandle<()>,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl MailServer {
    /// Starts a server on a free port.
    pub(crate) async fn start(manner: Manner) -> Self {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0)), manner).await
    }

    /// Starts a server on this address.
    pub(crate) async fn start_on(address: SocketAddr, manner: Manner) -> Self {
        let listener = TcpListener::bind(address).await.expect("the port is free");
        let address = listener.local_addr().expect("an address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&received);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, manner, Arc::clone(&into)));
            }
        });
        Self { address, received, serving }
    }

    /// The setting `SMTP_URL`.
    pub(crate) fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    /// The mails received so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().expect("no panic").clone()
    }

    /// Waits until at least `count` mails have arrived.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Received> {
        found("a mail at the mail server", async || Some(self.received()).filter(|all| all.len() >= count))
            .await
    }
}

async fn talk(stream: TcpStream, manner: Manner, into: Arc<Mutex<Vec<Received>>>) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let (mut from, mut to) = (String::new(), String::new());
    write.write_all(b"220 mail.example\r\n").await.ok()?;
    while let Some(line) = lines.next_line().await.ok()? {
        let command = line.to_uppercase();
        let answer = if command.starts_with("EHLO") {
            "250-mail.example\r\n250 8BITMIME\r\n".to_owned()
        } else if command.starts_with("MAIL FROM:") {
            from = line[10..].to_owned();
            "250 OK\r\n".into()
        } else if command.starts_with("RCPT TO:") {
            to = line[8..].to_owned();
            if manner == Manner::Refuses {
                format!("550 {to} is nobody here\r\n")
            } else {
                "250 OK\r\n".into()
            }
        } else if command == "DATA" {
            write.write_all(b"354 go on\r\n").await.ok()?;
            let mut message = String::new();
            while let Some(line) = lines.next_line().await.ok()?.filter(|line| line != ".") {
                message += line.strip_prefix('.').unwrap_or(&line);
                message += "\r\n";
            }
            let letter = Letter::read(&message);
            into.lock().expect("no panic").push(Received { from: from.clone(), to: to.clone(), letter });
            if manner == Manner::HangsUpSilently {
                return std::future::pending().await;
            }
            "250 OK\r\n".into()
        } else if command == "QUIT" {
            write.write_all(b"221 bye\r\n").await.ok()?;
            return None;
        } else {
            "250 OK\r\n".into()
        };
        write.write_all(answer.as_bytes()).await.ok()?;
    }
    None
}
