//! Passwords: limits of their length, and their hashes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;

use argon2::password_hash::{Error, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use icu_normalizer::ComposingNormalizer;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use kernel::error::DomainError;
use kernel::secret;

/// Minimum length of a new password, in characters.
pub const MIN_LENGTH: usize = 12;
/// Maximum length of a password, in characters.
pub const MAX_LENGTH: usize = 256;

/// Memory in KiB, passes and lanes of Argon2id: the first choice of OWASP's Password Storage Cheat Sheet.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// The hash that is verified where there is no account, so that the response takes the same time. Its password is
/// unknown.
const DUMMY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$Tm8gYWNjb3VudCBoZXJlIQ$Bf7FkPTV1UY0rzjW9vhvPQoZAYxKqM0DSyJTmUQZ3aA";

/// Whether a text is too long for a password; it is refused before anything is hashed.
pub fn is_too_long(password: &SecretString) -> bool {
    password.expose_secret().chars().nth(MAX_LENGTH).is_some()
}

/// Whether a text is too short for a new password.
pub fn is_too_short(password: &SecretString) -> bool {
    password.expose_secret().chars().nth(MIN_LENGTH - 1).is_none()
}

/// Hashes passwords on blocking threads, a few at a time, so that requests that read are not delayed.
#[derive(Debug)]
pub struct Hashing {
    permits: Arc<Semaphore>,
    computed: AtomicU64,
}

impl Default for Hashing {
    /// Allows half as many concurrent hashes as there are cores.
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self { permits: Arc::new(Semaphore::new((cores / 2).max(1))), computed: AtomicU64::new(0) }
    }
}

impl Hashing {
    /// The hash of a new password, in PHC form.
    ///
    /// # Errors
    /// [`DomainError::Task`] where memory is exhausted.
    pub async fn hash(&self, password: SecretString) -> Result<String, DomainError> {
        self.run(move || {
            let salt = secret::random::<16>();
            let hash = hasher()?.hash_password_with_salt(&prepared(&password), &salt);
            hash.map(|hash| hash.to_string()).map_err(|error| DomainError::Task(error.to_string()))
        })
        .await
    }

    /// Whether this is the password of a hash. Without a hash it is false, after the same time.
    ///
    /// # Errors
    /// [`DomainError::Task`] where memory is exhausted.
    pub async fn verify(&self, password: SecretString, hash: Option<String>) -> Result<bool, DomainError> {
        self.run(move || {
            match hasher()?.verify_password(&prepared(&password), hash.as_deref().unwrap_or(DUMMY)) {
                Ok(()) => Ok(hash.is_some()),
                Err(error @ Error::OutOfMemory) => Err(DomainError::Task(error.to_string())),
                Err(_) => Ok(false),
            }
        })
        .await
    }

    /// Number of hashes computed since the start, for new passwords and for comparisons.
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, DomainError> + Send + 'static,
    ) -> Result<T, DomainError> {
        let failed = |error: &dyn std::fmt::Display| DomainError::Task(error.to_string());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|error| failed(&error))?;
        // The permit moves into the task: a client that disconnects does not free it early.
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        let result = task.await.map_err(|error| failed(&error))?;
        self.computed.fetch_add(1, Ordering::Relaxed);
        result
    }
}

fn hasher() -> Result<Argon2<'static>, DomainError> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None);
    let params = params.map_err(|error| DomainError::Task(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The bytes to hash, normalized by RFC 8265 section 4.2, so that an accented letter is the same from every keyboard.
fn prepared(password: &SecretString) -> Vec<u8> {
    ComposingNormalizer::new_nfc().normalize(password.expose_secret()).as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_recognized_whatever_the_keyboard() {
        let hashing = Hashing::default();
        let hash = hashing.hash("caf\u{e9} noir 2009".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(hashing.verify("cafe\u{301} noir 2009".into(), Some(hash.clone())).await.unwrap());
        assert!(!hashing.verify("cafe noir 2009".into(), Some(hash)).await.unwrap());
        assert!(!hashing.verify("x".into(), Some("no hash".into())).await.unwrap());
    }

    #[tokio::test]
    async fn where_there_is_no_account_a_hash_of_the_same_cost_is_verified() {
        let hash = Hashing::default().hash("twelve letters".into()).await.unwrap();
        let form = |hash: &str| {
            let parts: Vec<&str> = hash.split('$').collect();
            (parts[1].to_owned(), parts[2].to_owned(), parts[3].to_owned(), parts[4].len(), parts[5].len())
        };
        assert_eq!(form(&hash), form(DUMMY));
        let verified = hasher().unwrap().verify_password(b"x", DUMMY);
        assert_eq!(verified, Err(Error::PasswordInvalid));
        assert!(!Hashing::default().verify("x".into(), None).await.unwrap());
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        assert!(is_too_short(&"é".repeat(11).into()) && !is_too_short(&"é".repeat(12).into()));
        assert!(!is_too_long(&"é".repeat(256).into()) && is_too_long(&"é".repeat(257).into()));
    }
}
