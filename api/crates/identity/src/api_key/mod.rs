//! API keys, with which programs of a region call.
//!
//! A key is shown once; only its hash is stored. It has roles in one region, and expires.

use std::sync::Arc;

use entity::api_key::Model;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::account::MAX_NAME;
use super::caller::{Credential, IdentifiedCaller};
use super::role::Role;
use crate::Identity;
use kernel::error::DomainError;
use kernel::input::check_line;
use kernel::messages::{self, accounts as said};
use kernel::problem::{OperationError, Problem, Problems};
use kernel::secret;
use kernel::value::{DateTime, Given};
use kernel::vocabulary::vocabularies;
use records::audit::{self, Action, Actor, Subject};
use records::changes::acknowledged;
use records::transact::transact;

pub mod store;

/// Prefix of keys, by which people and secret scanners recognize one.
const PREFIX: &str = "passerelle_key_";
/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;
/// Microseconds of a day.
const DAY: i64 = 24 * 60 * MINUTE;
/// Default number of days until a key expires.
pub const DEFAULT_DAYS: i64 = 365;
/// Maximum number of days until a key expires.
pub const MAX_DAYS: i64 = 3 * 366;

/// An API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Identity.
    pub id: Uuid,
    /// Purpose of the key, as text.
    pub name: String,
    /// Slug of the region of its roles.
    pub region: String,
    /// Its roles.
    pub roles: Vec<Role>,
    /// When it was made.
    pub created_at: DateTime,
    /// When it expires.
    pub expires_at: DateTime,
    /// The minute of its last use.
    pub last_used_at: Option<DateTime>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime>,
}

/// An API key to be created.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Purpose of the key, as text.
    pub name: String,
    /// Slug of the region of its roles.
    pub region: String,
    /// Its roles.
    pub roles: Vec<Role>,
    /// When it expires.
    pub expires_at: Option<Given<DateTime>>,
}

/// Whether a bearer token is a key, rather than an access token.
pub fn is_one(token: &str) -> bool {
    token.starts_with(PREFIX)
}

/// The actor who creates and revokes keys, and registers the sources of a region.
#[derive(Clone, Copy, Debug)]
pub enum Maker<'a> {
    /// The operator at the command line.
    Operator,
    /// The caller, if identified.
    Caller(Option<&'a IdentifiedCaller>),
}

impl Maker<'_> {
    /// The account that creates a key. An API key has none and creates no keys: a stolen key must not give lasting
    /// access.
    fn account(self) -> Option<Uuid> {
        match self {
            Self::Operator => None,
            Self::Caller(known) => known?.account().map(|account| account.id),
        }
    }

    /// The actor in the history.
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

/// Returns the problems of a key to be created.
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

/// Creates a key. Returns it with its secret, which is not shown again.
///
/// # Errors
/// [`OperationError::Refused`] with all problems; [`DomainError::Database`].
pub async fn create(
    identity: &Identity,
    new: NewKey,
    maker: Maker<'_>,
) -> Result<(ApiKey, SecretString), OperationError> {
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
/// [`OperationError::Refused`] where the maker sees no key with this id; [`DomainError::Database`].
pub async fn revoke(identity: &Identity, id: Uuid, maker: Maker<'_>) -> Result<ApiKey, OperationError> {
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

/// Returns the keys that the maker sees, the newest first. `region` limits them to one region.
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

/// Records the use of a key, at most once a minute, in a task that the request does not wait for.
pub fn note_use(identity: &Identity, known: &Arc<IdentifiedCaller>) {
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
    use crate::role::Grant;
    use kernel::name_of;

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
        let machine = IdentifiedCaller::with_key(Uuid::nil(), None, grants, DateTime::from_micros(0));
        assert_eq!(wrong(&key(), Maker::Caller(Some(&machine))), forbidden);
    }
}
