//! The job that makes mails of the news of registrations.
//!
//! News is locked, its mail queued, and it is forgotten, all in one transaction: a program that is killed leaves both or
//! none, and no news is told twice. Whoever is erased is waited for at their news (see
//! [`forget_account`](super::write::forget_account)).

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::store;
use identity::Identity;
use identity::account::store as accounts;
use identity::mail::{self, EventNews, Mail, Template};
use identity::oidc::NO_ADDRESS;
use kernel::error::DomainError;
use kernel::value::{EmailAddress, Language, LanguagePreferences, LocalizedText};
use records::changes::heads::Sight;
use records::transact::transact;
use records::worker::{Job, Worker};

/// Duration of a lease that is not renewed.
const LEASE_TIME: Duration = Duration::from_secs(15);
/// News that is told in one transaction.
const BATCH: u64 = 50;

/// Tells news until `stop` is cancelled. Of several programs on one database one does it.
pub fn start(identity: &Identity, stop: CancellationToken) {
    let failure = "news of registrations could not be told; trying again";
    let worker = Worker { lease: Some(LEASE_TIME), ..Worker::new("registrations", failure) };
    let next = identity.heads.sight(&identity.db, store::NEXT_NEWS);
    worker.start(identity, stop, Telling { next });
}

struct Telling {
    /// When the earliest news was written.
    next: Sight,
}

impl Job<Identity> for Telling {
    type Error = DomainError;

    async fn run(&mut self, identity: &Identity) -> Result<(), DomainError> {
        while tell_some(identity).await? {}
        Ok(())
    }

    async fn woken(&mut self, _: &Identity) {
        self.next.seen(|earliest| earliest.is_some()).await;
    }
}

/// Queues the mails of some news. Answers whether there may be more.
async fn tell_some(identity: &Identity) -> Result<bool, DomainError> {
    transact(identity, |identity, tx| {
        Box::pin(async move {
            let all = store::news(tx, BATCH).await?;
            let (count, mut told) = (all.len() as u64, Vec::new());
            for notice in all {
                told.push(notice.id);
                let unknown = || DomainError::Stored(format!("no such news: {}", notice.news));
                let news = EventNews::named(&notice.news).ok_or_else(unknown)?;
                let Some(account) = accounts::by_id(tx, notice.account_id).await? else { continue };
                let stored = |error: &dyn std::fmt::Display| DomainError::Stored(error.to_string());
                let language: Language = account.language.parse().map_err(|error| stored(&error))?;
                let titles: Vec<LocalizedText> = notice.titles.read()?;
                let title = LanguagePreferences::default().choose(Some(language), &titles);
                let title = title.map(|served| served.text.text.clone()).unwrap_or_default();
                let to: EmailAddress = account.email.parse().map_err(|error| stored(&error))?;
                if to.domain() == NO_ADDRESS {
                    continue;
                }
                let template = Template::Event { news, title };
                mail::enqueue(tx, identity, Mail { to: Some(to), language, template, until: None }).await?;
            }
            store::told(tx, told).await?;
            Ok(count == BATCH)
        })
    })
    .await
}
