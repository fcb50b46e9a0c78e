//! Mails: queued in the transaction of the change that they report, and sent afterwards.
//!
//! A mail waits in a table, encrypted as a whole, until it is sent. An unreachable mail server neither loses mails
//! nor blocks requests. Mails are sent over SMTP, or written as files if no server is set. Their texts come from
//! [`Template`], in the reader's language. They contain no user input except the address, and titles of records.
//!
//! [`enqueue`] inserts a rendered mail in the transaction of the change that it reports, under a keyed hash of its
//! address. The job `mail` (`follower.rs`) is woken when a mail is due. It takes the lease `mail`, sends, and deletes
//! the row.
//!
//! A failed mail is retried after 30 seconds, then after twice as long each time: up to 15 minutes, or 4 hours if the
//! server refuses it. Up to half of the delay is random. The mail is given up at its `give_up_at`. Log lines have the
//! row's id and the code of the server, and never its text, which may quote addresses.
//!
//! [`purge`] deletes the queued mails of an address. It also queues a row that makes the job delete the files of that
//! address. Only this job writes mail files, so none can appear after the deletion.
//!
//! Tokens are in the fragment of links, which browsers do not send to servers.

use std::path::PathBuf;
use std::sync::Arc;

use entity::mail_outbox::Model;
use lettre::message::Mailbox;
use sea_orm::ConnectionTrait;
use secrecy::SecretString;
use url::Url;
use uuid::Uuid;

use crate::Identity;
use crate::account::email_key;
use kernel::error::DomainError;
use kernel::value::{DateTime, EmailAddress, Language};
use records::handle::Core;

mod door;
mod follower;
mod store;
mod text;

pub use text::{EventNews, Template};

use door::{MailContent, Smtp};

/// Microseconds after which an unsent mail is given up: three days.
pub const GIVE_UP: i64 = 3 * 24 * 3600 * 1_000_000;

/// Name of the folder in the data folder for mails that are written as files.
const FOLDER: &str = "mail";
/// The page of the frontend that takes tokens, below `PUBLIC_URL`.
const PAGE: &str = "account";

/// The settings of mails.
#[derive(Clone, Debug)]
pub struct Options {
    /// The mail server; without one, mails are written as files.
    pub smtp_url: Option<SecretString>,
    /// The sender; required with a mail server.
    pub from: Option<Mailbox>,
    /// The page of the frontend that takes tokens; without one, it is derived from `public_url`.
    pub link_url: Option<Url>,
    /// Public URL of this instance.
    pub public_url: Url,
    /// Folder for what the program keeps in files.
    pub data_dir: PathBuf,
}

/// The transport of mails.
enum Door {
    Smtp(Smtp),
    Folder,
}

/// The parts of a mailer.
struct Parts {
    door: Door,
    from: Mailbox,
    page: Url,
    folder: PathBuf,
}

/// Queues and sends mails. Cheap to clone. The default mailer cannot queue mails.
#[derive(Clone, Default)]
pub struct Mailer(Option<Arc<Parts>>);

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mailer")
    }
}

impl Mailer {
    /// Creates a mailer with these settings. Does not connect to the mail server.
    ///
    /// # Errors
    /// A description of the wrong setting, for the operator.
    pub fn new(options: Options) -> Result<Self, String> {
        let Options { smtp_url, from, link_url, public_url, data_dir } = options;
        let (door, from) = match (smtp_url, from) {
            (Some(_), None) => {
                return Err("SMTP_URL needs MAIL_FROM: the address that mails come from".into());
            }
            (Some(url), Some(from)) => (Door::Smtp(door::smtp(&url, &from)?), from),
            (None, Some(from)) => (Door::Folder, from),
            (None, None) => {
                // A reserved domain (RFC 2606).
                let nobody = lettre::Address::new_dangerous("noreply", "passerelle.invalid");
                (Door::Folder, Mailbox::new(Some("Passerelle".into()), nobody))
            }
        };
        let page = link_url.unwrap_or_else(|| {
            let mut page = public_url;
            let path = format!("{}/{PAGE}", page.path().trim_end_matches('/'));
            page.set_path(&path);
            page
        });
        let folder = data_dir.join(FOLDER);
        Ok(Self(Some(Arc::new(Parts { door, from, page, folder }))))
    }

    fn parts(&self) -> Result<&Parts, DomainError> {
        self.0.as_deref().ok_or_else(|| DomainError::Stored("this program sends no mails".into()))
    }
}

/// A mail to be queued.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The recipient. `None` makes a decoy: it is queued like any other mail and dropped by the sender, so that
    /// clients see no difference.
    pub to: Option<EmailAddress>,
    /// The language of the text.
    pub language: Language,
    /// The template of the text.
    pub template: Template,
    /// When it is given up; three days from now at the latest.
    pub until: Option<DateTime>,
}

/// The purpose under which a mail is encrypted.
fn purpose(id: Uuid) -> String {
    format!("mail/{id}")
}

/// The keyed hash under which the mails of an address are found.
fn address_hash(core: &Core, address: &EmailAddress) -> Result<Vec<u8>, DomainError> {
    Ok(core.encryption()?.digest("mail address", email_key(address).as_bytes()))
}

/// Queues a mail, to be sent after the transaction is committed.
///
/// # Errors
/// [`DomainError::Database`]; [`DomainError::Stored`] in a program without a mailer.
pub async fn enqueue(on: &impl ConnectionTrait, identity: &Identity, mail: Mail) -> Result<(), DomainError> {
    let (id, now) = (identity.new_id(), identity.clock.now().micros());
    let (subject, text) = mail.template.render(mail.language, &identity.mail.parts()?.page);
    let address_hash = match &mail.to {
        Some(address) => address_hash(identity, address)?,
        None => kernel::secret::random::<32>().to_vec(),
    };
    let letter = serde_json::to_vec(&MailContent { to: mail.to, subject, text })?;
    let sealed = identity.encryption()?.seal(&purpose(id), &letter);
    let sealed = sealed.map_err(|_| DomainError::Task("a mail could not be encrypted".into()))?;
    let give_up_at = mail.until.map_or(now + GIVE_UP, |until| until.micros().min(now + GIVE_UP));
    let row = Model {
        id,
        address_hash,
        sealed: Some(sealed),
        attempts: 0,
        next_at: now,
        give_up_at,
        created_at: now,
    };
    store::insert(on, row).await
}

/// The times at which the queued mails to an address were written.
///
/// # Errors
/// [`DomainError::Database`]; [`DomainError::Stored`] in a program without an encryption key.
pub async fn waiting(core: &Core, address: &EmailAddress) -> Result<Vec<DateTime>, DomainError> {
    store::waiting(&core.db, &address_hash(core, address)?).await
}

/// Deletes all queued mails to an address, and queues the deletion of its files. That happens soon after the
/// transaction is committed, even after a crash. A mail to the address that is queued later in the same transaction
/// is sent.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn purge(
    on: &impl ConnectionTrait,
    core: &Core,
    address: &EmailAddress,
) -> Result<(), DomainError> {
    let hash = address_hash(core, address)?;
    store::delete_of(on, &hash).await?;
    let row = Model {
        id: core.new_id(),
        address_hash: hash,
        sealed: None,
        attempts: 0,
        // Due before all mails.
        next_at: 0,
        give_up_at: i64::MAX,
        created_at: core.clock.now().micros(),
    };
    store::insert(on, row).await
}
