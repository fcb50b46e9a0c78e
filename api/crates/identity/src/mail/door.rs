//! Delivery of mails: over SMTP, or as files if no mail server is set.

use std::fs::{OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use entity::mail_outbox::Model;
use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, SinglePart};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use kernel::private;
use kernel::read::keyed::hex;
use kernel::value::EmailAddress;

/// Time-out for each step of SMTP.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Extension of a complete file.
const WHOLE: &str = "eml";
/// Extension of a file that is being written.
const UNFINISHED: &str = "part";

/// The stored content of a mail.
#[derive(Deserialize, Serialize)]
pub(super) struct MailContent {
    /// The address; `None` for a decoy, which is not sent.
    pub(super) to: Option<EmailAddress>,
    /// The subject.
    pub(super) subject: String,
    /// The text.
    pub(super) text: String,
}

/// The reason why a mail was not sent. It contains nothing of the mail itself.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotSent {
    #[error("the mail server answered {0}")]
    Answered(String, bool),
    #[error("{0}")]
    NoAnswer(&'static str),
    #[error("the mail folder: {0}")]
    Folder(ErrorKind),
    #[error("the mail cannot be written: {0}")]
    Form(String),
}

impl NotSent {
    /// Whether an early retry would probably fail, too.
    pub(super) fn is_permanent(&self) -> bool {
        matches!(self, Self::Answered(_, true) | Self::Form(_))
    }
}

impl From<std::io::Error> for NotSent {
    fn from(error: std::io::Error) -> Self {
        Self::Folder(error.kind())
    }
}

impl From<lettre::transport::smtp::Error> for NotSent {
    // Texts of mail servers quote addresses, so only the code is kept.
    fn from(error: lettre::transport::smtp::Error) -> Self {
        if let Some(code) = error.status() {
            return Self::Answered(code.to_string(), error.is_permanent());
        }
        Self::NoAnswer(if error.is_timeout() {
            "the mail server does not answer in time"
        } else if error.is_tls() {
            "no encryption could be agreed on with the mail server"
        } else if error.is_client() {
            "the mail server cannot do what is needed"
        } else {
            "the mail server cannot be reached"
        })
    }
}

impl From<lettre::error::Error> for NotSent {
    fn from(error: lettre::error::Error) -> Self {
        Self::Form(error.to_string())
    }
}

/// A mail server.
pub(super) type Smtp = AsyncSmtpTransport<Tokio1Executor>;

/// Parses the setting `SMTP_URL`. Does not connect to the server.
///
/// # Errors
/// A description of the error, without the password.
pub(super) fn smtp(url: &SecretString, from: &Mailbox) -> Result<Smtp, String> {
    let text = url.expose_secret();
    let wrong = || {
        "SMTP_URL must be an address such as smtps://user:password@mail.example, or smtp://mail.example:587?tls=required; \
         letters such as @ : / in the password are written as %40 %3A %2F"
            .to_owned()
    };
    let url = Url::parse(text).map_err(|_| wrong())?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
    let required = url.scheme() == "smtps"
        || url.query_pairs().any(|(name, value)| name == "tls" && value == "required");
    if url.password().is_some() && !required && !is_this_machine(host) {
        return Err("SMTP_URL has a password, which would be sent unencrypted: begin it with smtps://, or end it with \
                    ?tls=required"
            .into());
    }
    let mut builder = Smtp::from_url(text).map_err(|_| wrong())?.timeout(Some(TIMEOUT));
    if url.path().len() <= 1 {
        // The name in EHLO, unless the path of the URL is another name.
        builder = builder.hello_name(ClientId::Domain(from.email.domain().to_owned()));
    }
    Ok(builder.build())
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The address for mail servers, with its domain in ASCII (IDNA).
fn address(email: &EmailAddress) -> Address {
    let domain = email.domain();
    let local =
        email.as_str().strip_suffix(domain).and_then(|text| text.strip_suffix('@')).unwrap_or_default();
    let ascii = match Host::parse(domain) {
        Ok(Host::Domain(ascii)) if !domain.is_ascii() => ascii,
        _ => domain.to_owned(),
    };
    // An `EmailAddress` follows the grammar of RFC 5321, which allows more than the check of lettre. It has no line
    // breaks.
    Address::new_dangerous(local, ascii)
}

/// The message with its envelope; `None` for a decoy. The same row always gives the same message, so that a mail that
/// is sent twice is recognized by its Message-Id.
fn message(
    row: &Model,
    letter: &MailContent,
    from: &Mailbox,
    as_it_is: bool,
) -> Result<Option<Message>, NotSent> {
    let Some(to) = letter.to.as_ref().map(address) else { return Ok(None) };
    let text = letter.text.clone();
    let body = if as_it_is {
        // The texts are ours: their lines are shorter than the 998 bytes that a line may have.
        Body::dangerous_pre_encoded(
            text.replace('\n', "\r\n").into_bytes(),
            ContentTransferEncoding::EightBit,
        )
    } else {
        Body::new(text)
    };
    let made_at = UNIX_EPOCH + Duration::from_micros(u64::try_from(row.created_at).unwrap_or(0));
    let automatic =
        HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into());
    let message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(letter.subject.clone())
        .date(made_at)
        .message_id(Some(format!("<{}@{}>", row.id.simple(), from.email.domain())))
        // Prevents automatic replies (RFC 3834).
        .raw_header(automatic)
        .envelope(Envelope::new(Some(from.email.clone()), vec![to])?)
        .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(body))?;
    Ok(Some(message))
}

/// Sends a mail to a mail server.
///
/// # Errors
/// [`NotSent`].
pub(super) async fn send(
    smtp: &Smtp,
    row: &Model,
    letter: &MailContent,
    from: &Mailbox,
) -> Result<(), NotSent> {
    if let Some(message) = message(row, letter, from, false)? {
        smtp.send(message).await?;
    }
    Ok(())
}

/// The prefix of the file names of an address.
fn prefix(address_hash: &[u8]) -> String {
    format!("{}-", hex(&address_hash[..address_hash.len().min(16)]))
}

/// Writes a mail into a file that only its owner can read. The file gets its final name when it is complete.
///
/// # Errors
/// [`NotSent`].
pub(super) fn write(folder: &Path, row: &Model, letter: &MailContent, from: &Mailbox) -> Result<(), NotSent> {
    // People read these files as they are.
    let Some(message) = message(row, letter, from, true)? else {
        return Ok(());
    };
    private::make_folder(folder)?;
    std::fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    let name = format!("{}{}", prefix(&row.address_hash), row.id);
    let path = |end: &str| folder.join(format!("{name}.{end}"));
    // A crash may have left an unfinished file behind.
    match std::fs::remove_file(path(UNFINISHED)) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path(UNFINISHED))?;
    file.write_all(&message.formatted())?;
    file.sync_all()?;
    Ok(std::fs::rename(path(UNFINISHED), path(WHOLE))?)
}

/// Deletes the files of an address.
///
/// # Errors
/// [`NotSent::Folder`].
pub(super) fn delete_files(folder: &Path, address_hash: &[u8]) -> Result<(), NotSent> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let prefix = prefix(address_hash);
    let paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    for path in paths {
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)) {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn row() -> Model {
        Model {
            id: Uuid::from_u128(7),
            address_hash: vec![0xab; 32],
            sealed: None,
            attempts: 0,
            next_at: 0,
            give_up_at: 0,
            created_at: 1_795_341_600_000_000,
        }
    }

    fn letter(to: &str) -> MailContent {
        MailContent {
            to: Some(to.parse().unwrap()),
            subject: "Objet été\r\nBcc: x@example.org".into(),
            text: "Un lien :\n\nhttps://directory.example/#invitation=abc\n".into(),
        }
    }

    #[test]
    fn a_file_is_read_by_its_owner_only_and_deleted_with_its_address() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("mail");
        let from: Mailbox = "Pôle <noreply@directory.example>".parse().unwrap();
        for _ in 0..2 {
            write(&folder, &row(), &letter("ana@example.org"), &from).unwrap();
        }
        let other = Model { address_hash: vec![0xcd; 32], ..row() };
        write(&folder, &other, &letter("ben@example.org"), &from).unwrap();
        let path = folder.join(format!("{}-{}.eml", "ab".repeat(16), row().id));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.contains("Message-ID: <00000000000000000000000000000007@directory.example>\r\n"),
            "{text}"
        );
        assert!(text.contains("\r\nTo: ana@example.org\r\n"), "{text}");
        assert!(
            text.contains("\r\n\r\nUn lien :\r\n\r\nhttps://directory.example/#invitation=abc\r\n"),
            "{text}"
        );
        assert!(!text.lines().any(|line| line.starts_with("Bcc")), "{text}");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
        delete_files(&folder, &row().address_hash).unwrap();
        assert!(!path.exists());
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        delete_files(&folder.join("missing"), &row().address_hash).unwrap();
    }

    #[test]
    fn odd_but_legal_addresses_are_written_as_they_are() {
        let from: Mailbox = "noreply@directory.example".parse().unwrap();
        for (given, written) in [
            ("\"a\\\"b c\"@example.org", "\"a\\\"b c\"@example.org"),
            ("o'brien+tag@[IPv6:2001:db8::1]", "o'brien+tag@[IPv6:2001:db8::1]"),
            ("user@m\u{fc}nchen.example", "user@xn--mnchen-3ya.example"),
            ("\"a@b\"@Example.org", "\"a@b\"@Example.org"),
        ] {
            let made = message(&row(), &letter(given), &from, false).unwrap().unwrap();
            assert_eq!(made.envelope().to()[0].to_string(), written);
            let text = String::from_utf8(made.formatted()).unwrap();
            assert!(text.contains(&format!("\r\nTo: {written}\r\n")), "{text}");
        }
    }

    #[test]
    fn a_password_does_not_travel_unencrypted() {
        let from: Mailbox = "noreply@directory.example".parse().unwrap();
        let parsed = |url: &str| smtp(&url.to_owned().into(), &from);
        for right in [
            "smtp://mail.example",
            "smtp://localhost:2525",
            "smtp://me:pw@127.0.0.1:2525",
            "smtps://me:pw@mail.example",
            "smtp://me:p%40w@mail.example:587?tls=required",
            "smtp://mail.example/helo.example",
        ] {
            assert!(parsed(right).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "mail.example",
            "http://mail.example",
            "smtp://",
            "smtp://x?tls=maybe",
            "smtp://me:pw@mail.example",
        ] {
            let message = parsed(wrong).unwrap_err();
            assert!(message.starts_with("SMTP_URL") && !message.contains("pw"), "{wrong}: {message}");
        }
    }
}
