//! Secrets of random bits, and the hashes that are stored in their place.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use secrecy::SecretString;

use crate::read::keyed::hex;

/// The SHA-256 hash that is stored in place of a secret. A slower hash is not needed, because 256 random bits cannot
/// be guessed.
pub type Hash = [u8; SHA256_OUTPUT_LEN];

/// The hash of a secret.
pub fn hash(secret: &[u8]) -> Hash {
    let mut hash = [0; SHA256_OUTPUT_LEN];
    hash.copy_from_slice(digest(&SHA256, secret).as_ref());
    hash
}

/// Random bytes for secrets, from the generator that the operating system seeds.
pub fn random<const N: usize>() -> [u8; N] {
    rand::random()
}

/// Encodes bytes as base64url without padding (RFC 4648 section 5).
pub fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url; `None` if the text is malformed or has another length.
pub fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// A new password of 120 random bits, in letters and digits only, so that it is easily copied.
pub fn password() -> SecretString {
    hex(&random::<15>()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_reads_back_and_another_length_is_refused() {
        let secret = random::<48>();
        assert_eq!(bytes::<48>(&text(&secret)), Some(secret));
        assert_eq!(bytes::<32>(&text(&secret)), None);
        assert_eq!(bytes::<48>("é"), None);
        assert_eq!(bytes::<0>("A"), None);
    }
}
