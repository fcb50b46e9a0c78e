//! API keys: with which the machines of a region call.
//!
//! A key is shown once; what is kept is its hash. It has roles for one region, and ends.

use std::sync::Arc;

use entity::api_key::Model;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::account::MAX_NAME;
use super::caller::{Credential, Known};
use super::role::Role;
use crate::changes::acknowledged;
use crate::identity::Identity;
use crate::record::audit::{self, Action, Actor, Subject};
use crate::record::error::DomainError;
use crate::record::input::check_line;
use crate::record::messages::{self, accounts as said};
use crate::record::problem::{Problem, Problems, Undone};
use crate::record::transact::transact;
use crate::record::value::{DateTime, Given};
use crate::secret;
use crate::vocabulary::vocabularies;

pub mod graphql;
pub mod store;

/// What keys begin with, so that people and scanners recognize one.
const PREFIX: &str = "passerelle_key_";
/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;
/// Microseconds of a day.
const DAY: i64 = 24 * 60 * MINUTE;
/// Days after which a key ends where nobody has said when.
pub const DEFAULT_DAYS: i64 = 365;
/// Days after which a key ends at the latest.
pub const MAX_DAYS: i64 = 3 * 366;

/// A key, without what opens anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Identity.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// Slug of the region of its roles.
    pub region: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// When it was made.
    pub created_at: DateTime,
    /// When it ends.
    pub expires_at: DateTime,
    /// The minute of its last use.
    pub last_used_at: Option<DateTime>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime>,
}

/// A key that is to be made.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// Slug of the region of its roles.
    pub region: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// When it ends.
    pub expires_at: Option<Given<DateTime>>,
}

/// Whether a bearer token is a key, rather than an access token.
pub fn is_one(token: &str) -> bool {
    token.starts_with(PREFIX)
}

/// Who makes and revokes keys, and registers the sources of a region.
#[derive(Clone, Copy, Debug)]
pub enum Maker<'a> {
    /// Whoever has the command line.
    Operator,
    /// Who calls, if anybody is known.
    Caller(Option<&'a Known>),
}

impl Maker<'_> {
    /// The account, for the notes. A key makes no keys: whoever finds one must not be able to stay.
    fn account(self) -> Option<Uuid> {
        match self {
            Self::Operator => None,
            Self::Caller(known) => known?.account().map(|account| account.id),
        }
    }

    /// The same, for the history of what they make.
    pub fn actor(self) -> Actor {
        match self {
            Self::Operator => Actor::CommandLine,
            Self::Caller(known) => Actor::of(known.map(|known| &known.viewer)),
        }
    }

    /// Whether they administer a region.
    pub fn may(self, region: &str) -> bool {
        match self {
            Self::Operator => true,
            Self::Caller(known) => known.is_some_and(|known| known.administers(region)),
        }
    }
}

/// What is wrong with a key that is to be made.
fn check(new: &NewKey, maker: Maker<'_>, now: DateTime) -> Problems {
    let mut wrong = Problems::default();
    check_line("name", &new.name, MAX_NAME, &mut wrong);
    if vocabularies().regions.get(&new.region).is_none() {
        wrong.add(Problem::new("region", &said::NO_REGION));
    } else if !maker.may(&new.region) {
        wrong.add(Problem::new("region", &said::NOT_YOUR_KEYS));
    }
    if new.roles.is_empty() {
        wrong.add(Problem::new("roles", &messages::REQUIRED));
    } else if new.roles.iter().any(|role| !role.has_region()) {
        wrong.add(Problem::new("roles", &said::NO_ROLE_OF_KEYS));
    }
    match new.expires_at.as_ref().map(|at| at.read("expiresAt")) {
        Some(Ok(at)) if !(0..MAX_DAYS).contains(&(at.micros() - now.micros()).div_euclid(DAY)) => {
            wrong.add(Problem::new("expiresAt", &said::EXPIRY));
        }
        Some(Err(problem)) => wrong.add(problem),
        _ => {}
    }
    wrong
}

/// Makes a key: what is kept of it, and the key itself, which is not shown again.
///
/// # Errors
/// [`Undone::Refused`] with all that is wrong; [`DomainError::Database`].
pub async fn create(
    identity: &Identity,
    new: NewKey,
    maker: Maker<'_>,
) -> Result<(ApiKey, SecretString), Undone> {
    let now = identity.clock.now();
    check(&new, maker, now).none_or_refused()?;
    let key: SecretString = format!("{PREFIX}{}", secret::text(&secret::random::<32>())).into();
    let mut roles = new.roles;
    roles.sort_unstable();
    roles.dedup();
    let expires_at = new.expires_at.and_then(Given::ok);
    let expires_at = expires_at.map_or(now.micros() + DEFAULT_DAYS * DAY, DateTime::micros);
    let row = Model {
        id: identity.new_id(),
        name: new.name.trim().to_owned(),
        key_hash: secret::hash(key.expose_secret().as_bytes()).to_vec(),
        region: new.region,
        roles: store::roles_text(&roles),
        created_by: maker.account(),
        created_at: now.micros(),
        expires_at,
        last_used_at: None,
        revoked_at: None,
    };
    let made = store::read(row.clone())?;
    let entry = audit::Entry {
        region: Some(made.region.clone()),
        fields: ["name", "region", "roles", "expiresAt"].map(str::to_owned).to_vec(),
        ..audit::Entry::new(maker.actor(), Action::Create, Subject::ApiKey(made.id))
    };
    transact(identity, move |identity, tx| {
        Box::pin(async move {
            audit::record(tx, identity.db.dialect(), vec![entry], now).await?;
            store::insert(tx, row).await
        })
    })
    .await?;
    Ok((made, key))
}

/// Revokes a key: the next request with it is refused. Revoking it again changes nothing.
///
/// # Errors
/// [`Undone::Refused`] where there is none of this id that the maker may know of; [`DomainError::Database`].
pub async fn revoke(identity: &Identity, id: Uuid, maker: Maker<'_>) -> Result<ApiKey, Undone> {
    let unknown = Problem::forbidden(&said::NO_KEY);
    let found = store::by_id(&identity.db, id).await?.filter(|key| maker.may(&key.region));
    let found = found.ok_or(unknown)?;
    let now = identity.clock.now();
    let entry = audit::Entry {
        region: Some(found.region.clone()),
        ..audit::Entry::new(maker.actor(), Action::Revoke, Subject::ApiKey(id))
    };
    transact(identity, move |identity, tx| {
        Box::pin(async move {
            if store::revoke(tx, id, now).await? {
                acknowledged::forget(tx, identity.db.dialect(), id).await?;
                audit::record(tx, identity.db.dialect(), vec![entry], now).await?;
            }
            Ok(())
        })
    })
    .await?;
    identity.callers().forget_key(id);
    Ok(ApiKey { revoked_at: found.revoked_at.or(Some(now)), ..found })
}

/// The keys that somebody may know of, the newest first; of a region, if one is named.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn all(
    identity: &Identity,
    region: Option<&str>,
    maker: Maker<'_>,
) -> Result<Vec<ApiKey>, DomainError> {
    let regions = vocabularies().regions.all.iter().map(|entry| entry.term.slug.as_str());
    let may = |slug: &&str| region.is_none_or(|region| region == *slug) && maker.may(slug);
    store::of_regions(&identity.db, regions.filter(may)).await
}

/// Notes that a key is being used: once a minute, and without the request waiting.
pub fn note_use(identity: &Identity, known: &Arc<Known>) {
    let Credential::ApiKey { key, noted } = &known.credential else { return };
    let minute = identity.clock.now().micros().div_euclid(MINUTE) * MINUTE;
    if !noted.advance(minute) {
        return;
    }
    let (own, key) = (identity.clone(), *key);
    identity.tasks.spawn(async move {
        if let Err(error) = store::note_use(own.db.writer(), key, minute).await {
            tracing::warn!(%error, %key, "the last use of an API key was not noted");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::role::Grant;
    use crate::record::name_of;

    fn wrong(new: &NewKey, maker: Maker<'_>) -> Vec<String> {
        let now = DateTime::from_micros(1_000_000 * MINUTE);
        let problems = check(new, maker, now).take().into_iter();
        problems.map(|problem| format!("{} {}", name_of(problem.code), problem.path)).collect()
    }

    fn key() -> NewKey {
        NewKey {
            name: "CRM".into(),
            region: "wallonie".into(),
            roles: vec![Role::SyncPartner],
            expires_at: None,
        }
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        assert!(wrong(&key(), Maker::Operator).is_empty());
        let bad = NewKey {
            name: " ".into(),
            region: "nowhere".into(),
            roles: vec![Role::Editor, Role::Admin],
            expires_at: Some(DateTime::from_micros(0).into()),
        };
        let expected = ["REQUIRED name", "NOT_FOUND region", "INVALID roles", "INVALID expiresAt"];
        assert_eq!(wrong(&bad, Maker::Operator), expected);
        let long = NewKey { name: "x".repeat(101), roles: Vec::new(), ..key() };
        assert_eq!(wrong(&long, Maker::Operator), ["TOO_LONG name", "REQUIRED roles"]);
        let late = DateTime::from_micros((1_000_000 + MAX_DAYS * 24 * 60 + 1) * MINUTE);
        let late = NewKey { name: "a\u{7}".into(), expires_at: Some(late.into()), ..key() };
        assert_eq!(wrong(&late, Maker::Operator), ["INVALID name", "INVALID expiresAt"]);
    }

    #[test]
    fn machines_make_no_keys() {
        let forbidden = ["FORBIDDEN region"];
        assert_eq!(wrong(&key(), Maker::Caller(None)), forbidden);
        let grants = vec![Grant { role: Role::RegionAdmin, region: Some("wallonie".into()) }];
        let machine = Known::with_key(Uuid::nil(), None, grants, DateTime::from_micros(0));
        assert_eq!(wrong(&key(), Maker::Caller(Some(&machine))), forbidden);
    }
}
