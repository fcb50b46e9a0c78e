//! Sends queued mails: one program at a time, each mail at least once.
//!
//! A mail is deleted after it was sent. If the program is killed in between, the mail is sent again with the same
//! Message-Id. A mail that cannot be sent is retried with an increasing back-off until it is given up.

use std::sync::Arc;
use std::time::Duration;

use entity::mail_outbox::Model;
use tokio_util::sync::CancellationToken;

use super::door::{self, MailContent, NotSent};
use super::{Door, Mailer, Parts, purpose, store};
use kernel::error::DomainError;
use kernel::value::DateTime;
use records::changes::heads::Sight;
use records::handle::Core;
use records::worker::{Job, Worker};

/// Duration of a lease that is not renewed.
const LEASE_TIME: Duration = Duration::from_secs(15);
/// Mails that are read at once.
const BATCH: u64 = 20;
/// Microseconds of a second.
const SECOND: i64 = 1_000_000;
/// The delay before the first retry of a mail, in microseconds. It doubles with each retry.
const FIRST_DELAY: i64 = 30 * SECOND;
/// The longest delay before a retry, in microseconds.
const LONGEST_DELAY: i64 = 15 * 60 * SECOND;
/// The longest delay before a retry of a mail that the server has refused, in microseconds.
const LONGEST_DELAY_OF_REFUSED: i64 = 4 * 3600 * SECOND;

impl Mailer {
    /// Sends queued mails until `stop` is cancelled. Failures only delay them.
    pub fn start(&self, core: &Core, stop: CancellationToken) {
        let Some(parts) = self.0.clone() else { return };
        let worker =
            Worker { lease: Some(LEASE_TIME), ..Worker::new("mail", "mails cannot be sent; trying again") };
        let next = core.heads.sight(&core.db, store::NEXT);
        worker.start(core, stop, Sending { parts, next });
    }
}

/// The job that sends.
struct Sending {
    parts: Arc<Parts>,
    /// When the next mail is due.
    next: Sight,
}

impl Job for Sending {
    type Error = DomainError;

    async fn run(&mut self, core: &Core) -> Result<(), DomainError> {
        send_due(core, &self.parts).await
    }

    async fn woken(&mut self, core: &Core) {
        self.next.due(&core.clock).await;
    }
}

async fn send_due(core: &Core, parts: &Parts) -> Result<(), DomainError> {
    loop {
        let rows = store::due(core.db.writer(), core.clock.now(), BATCH).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            let (id, attempts) = (row.id, row.attempts + 1);
            let now = core.clock.now();
            if row.sealed.is_some() && row.give_up_at <= now.micros() {
                tracing::warn!(%id, attempts = row.attempts, "a mail is given up: it has expired");
                store::delete(core.db.writer(), id).await?;
                continue;
            }
            match deliver(core, parts, row).await {
                Ok(()) => store::delete(core.db.writer(), id).await?,
                Err(error) => {
                    tracing::warn!(%id, attempts, %error, "a mail could not be sent; it will be retried");
                    let delay = delay(attempts, error.is_permanent(), rand::random());
                    let next_at = DateTime::from_micros(now.micros() + delay);
                    store::put_off(core.db.writer(), id, attempts, next_at).await?;
                }
            }
        }
    }
}

/// Sends the mail of a row, or deletes the files of its address.
async fn deliver(core: &Core, parts: &Parts, row: Model) -> Result<(), NotSent> {
    let Some(sealed) = &row.sealed else {
        let folder = parts.folder.clone();
        return blocking(move || door::delete_files(&folder, &row.address_hash)).await;
    };
    let opened = core.encryption().ok().and_then(|key| key.open(&purpose(row.id), sealed));
    let letter: Option<MailContent> = opened.and_then(|plain| serde_json::from_slice(&plain).ok());
    let letter =
        letter.ok_or_else(|| NotSent::Form("it was encrypted with another ENCRYPTION_KEY".into()))?;
    match &parts.door {
        Door::Smtp(smtp) => door::send(smtp, &row, &letter, &parts.from).await,
        Door::Folder => {
            let (folder, from) = (parts.folder.clone(), parts.from.clone());
            blocking(move || door::write(&folder, &row, &letter, &from)).await
        }
    }
}

async fn blocking(work: impl FnOnce() -> Result<(), NotSent> + Send + 'static) -> Result<(), NotSent> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(NotSent::Form("the task that writes it ended".into())))
}

/// The delay before the next attempt, in microseconds. Half of it is random, so that mails that failed together are
/// not retried together.
fn delay(attempts: i32, refused: bool, chance: u16) -> i64 {
    let longest = if refused { LONGEST_DELAY_OF_REFUSED } else { LONGEST_DELAY };
    let doubled = u32::try_from(attempts - 1).unwrap_or(0).min(20);
    let delay = (FIRST_DELAY << doubled).min(longest);
    delay / 2 + (delay / 2) * i64::from(chance) / i64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_limit_and_differ_by_chance() {
        assert_eq!(delay(1, false, u16::MAX), FIRST_DELAY);
        assert_eq!(delay(1, false, 0), FIRST_DELAY / 2);
        assert_eq!(delay(3, false, u16::MAX), 4 * FIRST_DELAY);
        assert_eq!(delay(30, false, u16::MAX), LONGEST_DELAY);
        assert_eq!(delay(30, true, u16::MAX), LONGEST_DELAY_OF_REFUSED);
        assert_eq!(delay(i32::MAX, true, 0), LONGEST_DELAY_OF_REFUSED / 2);
    }
}
