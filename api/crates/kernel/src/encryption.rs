//! The key that protects secrets in the database: AES-256-GCM (NIST SP 800-38D) for encryption, and HMAC-SHA-256 (RFC
//! 2104) for values that are only compared.

use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::{error, hmac};
use secrecy::{ExposeSecret as _, SecretString};

use super::secret;

/// Name of the key file in the data folder, for when no key is set.
const FILE: &str = "encryption.key";

/// A key for encryption and keyed hashes. Its `Debug` output is the type name only.
pub struct EncryptionKey {
    cipher: LessSafeKey,
    digest: hmac::Key,
}

impl std::fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EncryptionKey")
    }
}

/// The reason why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum NoKey {
    /// The text is not a key.
    #[error("{0} is not 32 bytes in base 64: make one with `openssl rand -base64 32`")]
    Malformed(String),
    /// The file cannot be read or made.
    #[error("the encryption key in `{path}` cannot be used: {error}", path = .0.display(), error = .1)]
    File(PathBuf, std::io::Error),
}

impl EncryptionKey {
    /// Reads a key: 32 bytes in base 64. `name` names the text in error messages.
    ///
    /// # Errors
    /// [`NoKey::Malformed`].
    pub fn parse(name: &str, text: &SecretString) -> Result<Self, NoKey> {
        let malformed = || NoKey::Malformed(name.to_owned());
        let bytes = STANDARD.decode(text.expose_secret().trim()).map_err(|_| malformed())?;
        if bytes.len() != AES_256_GCM.key_len() {
            return Err(malformed());
        }
        // The digests use a derived key, because one key must not have two uses (NIST SP 800-108).
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &bytes), b"digest");
        let digest = hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref());
        let cipher = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| malformed())?;
        Ok(Self { cipher: LessSafeKey::new(cipher), digest })
    }

    /// Reads the key in the data folder, or creates it there, readable by its owner only. Programs that start at once
    /// in an empty folder get the same key.
    ///
    /// # Errors
    /// [`NoKey`] where the file is not a key, or cannot be read or created.
    pub fn of_folder(folder: &Path) -> Result<Self, NoKey> {
        let path = folder.join(FILE);
        let failed = |error| NoKey::File(path.clone(), error);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let mode = std::fs::metadata(&path).map_err(failed)?.permissions().mode();
                if mode & 0o077 != 0 {
                    tracing::warn!(path = %path.display(), "others can read the encryption key: chmod 600");
                }
                Self::parse(&format!("`{}`", path.display()), &text.into())
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let text = STANDARD.encode(secret::random::<32>()) + "\n";
                // A temporary file is readable by its owner only. It is renamed when it is complete.
                let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
                file.write_all(text.as_bytes()).map_err(failed)?;
                file.as_file().sync_all().map_err(failed)?;
                match file.persist_noclobber(&path) {
                    Ok(_) => Self::parse("the new key", &text.into()),
                    Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Self::of_folder(folder),
                    Err(error) => Err(failed(error.error)),
                }
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Encrypts a text for a purpose. Decryption needs the same purpose.
    ///
    /// # Errors
    /// Only where the text has more than 64 GB.
    pub fn seal(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, error::Unspecified> {
        let mut text = plain.to_vec();
        // Random: of 2^32 texts under one key, two have the same with a chance of 2^-32 (NIST SP 800-38D, section 8.3).
        let nonce: [u8; NONCE_LEN] = secret::random();
        let unique = Nonce::assume_unique_for_key(nonce);
        self.cipher.seal_in_place_append_tag(unique, Aad::from(purpose.as_bytes()), &mut text)?;
        Ok([nonce.as_ref(), text.as_slice()].concat())
    }

    /// Decrypts a text of this purpose; `None` where it has another purpose or key, or was changed.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let plain = self.cipher.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut text).ok()?;
        Some(plain.to_vec())
    }

    /// The keyed hash of a text for a purpose, by which the holder of this key can recognize the text.
    pub fn digest(&self, purpose: &str, text: &[u8]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.digest);
        context.update(purpose.as_bytes());
        context.update(&[0]);
        context.update(text);
        context.sign().as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_purpose_open() {
        let folder = tempfile::tempdir().unwrap();
        let key = EncryptionKey::of_folder(folder.path()).unwrap();
        let sealed = key.seal("a", b"secret").unwrap();
        assert_eq!(key.open("a", &sealed).as_deref(), Some(&b"secret"[..]));
        assert_eq!(key.open("b", &sealed), None);
        let mut changed = sealed.clone();
        changed[NONCE_LEN] ^= 1;
        assert_eq!(key.open("a", &changed), None);
        assert_eq!(key.open("a", b"short"), None);
        let again = EncryptionKey::of_folder(folder.path()).unwrap();
        assert_eq!(again.open("a", &sealed).as_deref(), Some(&b"secret"[..]));
        let other = EncryptionKey::of_folder(tempfile::tempdir().unwrap().path()).unwrap();
        assert_eq!(other.open("a", &sealed), None);
        assert_eq!(key.digest("a", b"text"), again.digest("a", b"text"));
        for different in [key.digest("b", b"text"), key.digest("a", b"texts"), other.digest("a", b"text")] {
            assert_ne!(key.digest("a", b"text"), different);
        }
        let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(format!("{key:?}"), "EncryptionKey");
    }

    #[test]
    fn what_is_no_key_is_named() {
        for text in ["", "abc", "AAAA", &STANDARD.encode([0; 31]), &STANDARD.encode([0; 33])] {
            let error = EncryptionKey::parse("ENCRYPTION_KEY", &text.to_owned().into()).unwrap_err();
            let message = error.to_string();
            assert!(message.starts_with("ENCRYPTION_KEY is not 32 bytes"), "{message}");
        }
    }
}
