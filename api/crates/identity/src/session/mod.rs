//! Sessions: signing in, staying signed in, signing out.
//!
//! A session is a family of refresh tokens, of which one is unused (RFC 9700 section 4.14.2). A refresh token
//! consists of the prefix of its family and 256 bits of its own. The database has the hashes of the prefix, of the
//! unused token and of its parent. Any other token of the family was used before: it may have been stolen, and the
//! session ends.
//!
//! Parallel requests of a page send the same token, and a response can get lost. So the parent is accepted again for
//! a short time after its first use ([`REUSE_SECONDS`]), and exchanged for the same child. The server does not store
//! tokens. It derives the child from the parent with its own key: it can repeat the response, and nobody else can
//! predict it.

use std::net::IpAddr;

use entity::session::Model;
use sea_orm::ConnectionTrait;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use super::account::{email_key, network, store as accounts};
use super::caller::IdentifiedCaller;
use super::{caller, password};
use crate::Identity;
use kernel::encryption::EncryptionKey;
use kernel::error::DomainError;
use kernel::messages::{FilledMessage, accounts as said};
use kernel::problem::{OperationError, Problem};
use kernel::secret::{self, Hash};
use kernel::value::{DateTime, EmailAddress};
use records::transact::transact;

pub mod store;

/// Prefix of refresh tokens, by which people and secret scanners recognize one.
const PREFIX: &str = "passerelle_refresh_";
/// Bytes of the prefix that all tokens of a family share.
const FAMILY: usize = 16;
/// Bytes that are a token's own.
const OWN: usize = 32;
/// Microseconds for which an unused refresh token is valid: 30 days.
const LIFETIME: i64 = 30 * 24 * 3600 * 1_000_000;
/// Seconds after its first use in which a refresh token is accepted again, unless set otherwise.
pub const REUSE_SECONDS: u32 = 30;
/// Purpose of the keyed hash that derives a refresh token from its parent.
const DERIVATION: &str = "refresh token";
/// Maximum number of sessions of an account. When it is exceeded, the sessions that were idle the longest end.
pub const MAX_SESSIONS: u64 = 100;

/// A refresh token in the clear: sent to the client, and not stored.
struct RefreshToken {
    family: [u8; FAMILY],
    own: [u8; OWN],
}

impl RefreshToken {
    fn new(family: [u8; FAMILY]) -> Self {
        Self { family, own: secret::random() }
    }

    /// The token that this one is exchanged for: always the same, so that parallel requests get the same token.
    fn child(&self, key: &EncryptionKey) -> Self {
        let derived = key.digest(DERIVATION, &[&self.family[..], &self.own[..]].concat());
        let mut own = [0; OWN];
        own.copy_from_slice(&derived[..OWN]);
        Self { family: self.family, own }
    }

    fn parse(text: &SecretString) -> Option<Self> {
        let bytes: [u8; FAMILY + OWN] = secret::bytes(text.expose_secret().strip_prefix(PREFIX)?)?;
        let (family, own) = bytes.split_at_checked(FAMILY)?;
        Some(Self { family: family.try_into().ok()?, own: own.try_into().ok()? })
    }

    fn text(&self) -> SecretString {
        format!("{PREFIX}{}", secret::text(&[&self.family[..], &self.own[..]].concat())).into()
    }

    fn family_hash(&self) -> Hash {
        secret::hash(&self.family)
    }

    fn hash(&self) -> Hash {
        secret::hash(&[&self.family[..], &self.own[..]].concat())
    }
}

/// The state of a token within its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// The unused token.
    Unused,
    /// The parent of the unused token, shortly after its first use: a parallel request, or a retry after a lost
    /// response.
    Again,
    /// A token that was used before.
    Used,
}

/// The state of the token with this hash. `reuse` is the time after its first use in which the parent is accepted
/// again, in microseconds.
fn standing(session: &Model, hash: &Hash, now: DateTime, reuse: i64) -> Standing {
    // Several servers share the session, and their clocks differ: a time slightly in the future counts as recent.
    let since_use = now.micros().abs_diff(session.refreshed_at);
    if session.token_hash == hash {
        Standing::Unused
    } else if session.parent_hash.as_deref() == Some(&hash[..]) && since_use < reuse.unsigned_abs() {
        Standing::Again
    } else {
        Standing::Used
    }
}

/// An open session, with its tokens.
#[derive(Debug)]
pub struct Opened {
    /// For the header `Authorization`.
    pub access_token: SecretString,
    /// For the next refresh.
    pub refresh_token: SecretString,
    /// When the access token expires.
    pub expires_at: DateTime,
    /// The caller that the session identifies.
    pub known: IdentifiedCaller,
}

/// The problem of a refresh token without a session.
fn ended() -> Problem {
    Problem::beside("refreshToken", FilledMessage::new(&said::SESSION))
}

/// Opens a session for an address and its password.
///
/// A missing account and a wrong password give the same result after the same time.
///
/// # Errors
/// [`OperationError::Refused`] for wrong credentials; [`DomainError::RateLimited`] after too many attempts.
pub async fn sign_in(
    identity: &Identity,
    email: &EmailAddress,
    password: SecretString,
    from: IpAddr,
) -> Result<Opened, OperationError> {
    if password.expose_secret().is_empty() {
        return Err(Problem::required("password").into());
    }
    if password::is_too_long(&password) {
        return Err(Problem::too_long("password", password::MAX_LENGTH).into());
    }
    let key = email_key(email);
    let is_known = async {
        let account = accounts::credentials(&identity.db, &key).await?;
        network::is_known(identity, account.map(|(id, _)| id), from).await
    };
    let attempt = identity.throttles().sign_in(&key, from, identity.clock.now(), is_known).await?;
    let account = accounts::credentials(&identity.db, &key).await?;
    let (id, hash) = account.map_or((None, None), |(id, hash)| (Some(id), hash));
    let right = identity.hashing().verify(password, hash).await?;
    let Some(account) = id.filter(|_| right) else {
        // The message does not say whether the address or the password is wrong.
        return Err(Problem::new("", &said::CREDENTIALS).into());
    };
    identity.throttles().signed_in(&key, from, attempt);
    let begun = transact(identity, move |identity, tx| {
        Box::pin(async move {
            network::note(tx, identity, account, from).await?;
            begin(tx, identity, account).await
        })
    });
    let begun = begun.await?;
    opened(identity, begun).await
}

/// A new session whose tokens are not issued yet.
pub struct Begun {
    account: Uuid,
    session: Uuid,
    token: RefreshToken,
}

impl Begun {
    /// The account of the session.
    pub fn account(&self) -> Uuid {
        self.account
    }
}

/// Writes a new session of an account.
///
/// # Errors
/// [`DomainError::Database`].
pub async fn begin(
    on: &impl ConnectionTrait,
    identity: &Identity,
    account: Uuid,
) -> Result<Begun, DomainError> {
    let token = RefreshToken::new(secret::random());
    let (session, now) = (identity.new_id(), identity.clock.now().micros());
    let row = Model {
        id: session,
        account_id: account,
        family_hash: token.family_hash().to_vec(),
        token_hash: token.hash().to_vec(),
        parent_hash: None,
        parent_again: false,
        created_at: now,
        refreshed_at: now,
        expires_at: now + LIFETIME,
    };
    store::insert(on, row).await?;
    Ok(Begun { account, session, token })
}

/// Issues the tokens of a committed session.
///
/// # Errors
/// [`said::SESSION`] where it has ended in the meantime; [`DomainError::Database`].
pub async fn opened(identity: &Identity, begun: Begun) -> Result<Opened, OperationError> {
    tidy(identity, begun.account);
    tokens(identity, begun).await
}

/// Deletes expired sessions, and the excess sessions of an account, in a task that the request does not wait for.
fn tidy(identity: &Identity, account: Uuid) {
    let own = identity.clone();
    identity.tasks.spawn(async move {
        if let Err(error) = store::tidy(own.db.writer(), account, own.clock.now()).await {
            tracing::warn!(%error, "old sessions were not deleted");
        }
    });
}

async fn tokens(
    identity: &Identity,
    Begun { account, session, token }: Begun,
) -> Result<Opened, OperationError> {
    let (access_token, expires_at) = identity.signing()?.sign(identity, account, session).await?;
    let known = caller::store::by_session(&identity.db, session, identity.clock.now()).await?;
    // The session has ended in the meantime.
    let known = known.ok_or_else(ended)?;
    Ok(Opened { access_token: access_token.into(), refresh_token: token.text(), expires_at, known })
}

/// The outcome of a refresh.
enum Refreshed {
    No,
    /// The session has ended.
    Ended(Uuid),
    Yes {
        session: Uuid,
        account: Uuid,
    },
}

/// Continues a session: exchanges a refresh token that is unused, or was first used a moment ago.
///
/// # Errors
/// [`said::SESSION`] for any other token; [`DomainError::RateLimited`] after too many attempts.
pub async fn refresh(
    identity: &Identity,
    token: &SecretString,
    from: IpAddr,
) -> Result<Opened, OperationError> {
    identity.throttles().refresh_from(from, identity.clock.now())?;
    let token = RefreshToken::parse(token).ok_or_else(ended)?;
    let next = token.child(identity.encryption()?);
    let (family, hash, next_hash) = (token.family_hash(), token.hash(), next.hash());
    let refreshed = transact(identity, move |identity, tx| {
        Box::pin(async move {
            let now = identity.clock.now();
            let Some(session) = store::lock(tx, &family).await? else { return Ok(Refreshed::No) };
            let (id, account) = (session.id, session.account_id);
            if session.expires_at <= now.micros() {
                store::delete(tx, id).await?;
                return Ok(Refreshed::Ended(id));
            }
            let standing = standing(&session, &hash, now, identity.refresh_reuse_micros());
            if standing == Standing::Used {
                // Two clients have used the token, and one of them may have stolen it.
                tracing::warn!(account = %account, session = %id, "a used refresh token came again: the session ends");
                store::delete(tx, id).await?;
                return Ok(Refreshed::Ended(id));
            }
            identity.throttles().refresh_of(account, now)?;
            let after = match standing {
                // The time of the first use stays, so that reuse does not extend the time for reuse.
                Standing::Again => {
                    Model { parent_again: true, token_hash: next_hash.to_vec(), ..session.clone() }
                }
                Standing::Unused | Standing::Used => Model {
                    parent_hash: Some(hash.to_vec()),
                    parent_again: false,
                    token_hash: next_hash.to_vec(),
                    refreshed_at: now.micros(),
                    expires_at: now.micros() + LIFETIME,
                    ..session.clone()
                },
            };
            if after != session {
                store::update(tx, after).await?;
            }
            Ok(Refreshed::Yes { session: id, account })
        })
    });
    match refreshed.await? {
        Refreshed::No => Err(ended().into()),
        Refreshed::Ended(session) => {
            identity.callers().forget_session(session);
            Err(ended().into())
        }
        Refreshed::Yes { session, account } => {
            tokens(identity, Begun { account, session, token: next }).await
        }
    }
}

/// Ends the session of a refresh token, even if the token is no longer valid. A token without a session is not an
/// error: it opens no session either way.
///
/// # Errors
/// [`DomainError::Database`]; [`DomainError::RateLimited`] after too many attempts.
pub async fn sign_out(identity: &Identity, token: &SecretString, from: IpAddr) -> Result<(), DomainError> {
    identity.throttles().refresh_from(from, identity.clock.now())?;
    let Some(token) = RefreshToken::parse(token) else { return Ok(()) };
    let family = token.family_hash();
    let ended = transact(identity, move |_, tx| {
        Box::pin(async move {
            let Some(session) = store::lock(tx, &family).await? else { return Ok(None) };
            store::delete(tx, session.id).await?;
            Ok(Some(session.id))
        })
    })
    .await?;
    if let Some(session) = ended {
        identity.callers().forget_session(session);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_nothing_else_is_one() {
        let token = RefreshToken::new(secret::random());
        let text = token.text();
        let read = RefreshToken::parse(&text).unwrap();
        assert_eq!((read.family, read.own), (token.family, token.own));
        assert_ne!(RefreshToken::new(token.family).hash(), token.hash());
        for wrong in ["", PREFIX, "passerelle_refresh_AAAA", &text.expose_secret()[1..], "é"] {
            assert!(RefreshToken::parse(&wrong.to_owned().into()).is_none(), "{wrong}");
        }
        let longer = format!("{}A", text.expose_secret());
        assert!(RefreshToken::parse(&longer.into()).is_none());
    }

    #[test]
    fn a_parent_is_accepted_for_a_short_time() {
        let family = secret::random();
        let [parent, child, stranger] = [(); 3].map(|()| RefreshToken::new(family));
        let mut session = Model {
            id: Uuid::nil(),
            account_id: Uuid::nil(),
            family_hash: parent.family_hash().to_vec(),
            token_hash: child.hash().to_vec(),
            parent_hash: Some(parent.hash().to_vec()),
            parent_again: false,
            created_at: 0,
            refreshed_at: 100_000_000,
            expires_at: i64::MAX,
        };
        let reuse = 30_000_000;
        let at = |session: &Model, token: &RefreshToken, seconds: i64| {
            standing(session, &token.hash(), DateTime::from_micros(seconds * 1_000_000), reuse)
        };
        for seconds in [71, 100, 129] {
            assert_eq!(at(&session, &parent, seconds), Standing::Again, "{seconds}");
        }
        for seconds in [0, 70, 130, 1000] {
            assert_eq!(at(&session, &parent, seconds), Standing::Used, "{seconds}");
        }
        for seconds in [0, 100, 1000] {
            assert_eq!(at(&session, &child, seconds), Standing::Unused);
            assert_eq!(at(&session, &stranger, seconds), Standing::Used);
        }
        assert_eq!(standing(&session, &parent.hash(), DateTime::from_micros(100_000_000), 0), Standing::Used);
        session.parent_hash = None;
        assert_eq!(at(&session, &parent, 100), Standing::Used);
    }

    #[test]
    fn a_child_is_derived_and_cannot_be_foreseen() {
        let key = |letter: &str| {
            EncryptionKey::parse("key", &format!("{}=", letter.repeat(43)).into()).expect("32 bytes")
        };
        let token = RefreshToken::new(secret::random());
        let (child, again) = (token.child(&key("A")), token.child(&key("A")));
        assert_eq!(child.hash(), again.hash());
        assert_eq!(child.family_hash(), token.family_hash());
        assert_ne!(child.hash(), token.child(&key("E")).hash());
        assert_ne!(child.child(&key("A")).hash(), child.hash());
    }
}
