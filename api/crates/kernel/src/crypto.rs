//! The signatures of tokens, made and verified by `ring`, which TLS needs anyway.
//!
//! `jsonwebtoken` takes any implementation of its [`CryptoProvider`]. Those that come with it would add a second
//! library in C that takes half a minute to compile, or an implementation of RSA with an advisory (RUSTSEC-2023-0071).

use jsonwebtoken::crypto::{CryptoProvider, JwkUtils, JwtSigner, JwtVerifier};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{Error, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::signature::{self, Ed25519KeyPair, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| signer(*algorithm, key),
    verifier_factory: |algorithm, key| verifier(*algorithm, key),
    // Only for deriving JSON Web Keys from private keys, which is not done here.
    jwk_utils: JwkUtils::new_unimplemented(),
};

/// Installs the provider of `jsonwebtoken`. Must be called before the library is used; calling it again has no
/// effect.
pub fn install() {
    // Fails if it is already installed.
    let _ = PROVIDER.install_default();
}

/// Signs with Ed25519 (RFC 8037).
struct EdSigner(Ed25519KeyPair);

impl Signer<Vec<u8>> for EdSigner {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

impl JwtSigner for EdSigner {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

fn signer(algorithm: Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    if algorithm != Algorithm::EdDSA || key.family() != AlgorithmFamily::Ed {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    // Keys of earlier versions are stored without their public part.
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.inner());
    Ok(Box::new(EdSigner(pair.map_err(|_| ErrorKind::InvalidEddsaKey)?)))
}

/// How a signature is verified.
enum Scheme {
    /// With a key that is a point of a curve.
    Curve(&'static dyn signature::VerificationAlgorithm),
    /// With the modulus and the exponent of RSA.
    Rsa(&'static RsaParameters),
}

/// Verifies signatures of one algorithm with one key.
struct KeyVerifier {
    algorithm: Algorithm,
    scheme: Scheme,
    key: DecodingKey,
}

impl Verifier<Vec<u8>> for KeyVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let verified = match (&self.scheme, self.key.kind()) {
            (Scheme::Curve(scheme), DecodingKeyKind::SecretOrDer(key)) => {
                UnparsedPublicKey::new(*scheme, key).verify(message, signature)
            }
            (Scheme::Rsa(scheme), DecodingKeyKind::RsaModulusExponent { n, e }) => {
                RsaPublicKeyComponents { n, e }.verify(scheme, message, signature)
            }
            _ => return Err(Error::new()),
        };
        verified.map_err(|_| Error::new())
    }
}

impl JwtVerifier for KeyVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

fn verifier(algorithm: Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let scheme = match algorithm {
        Algorithm::EdDSA => Scheme::Curve(&signature::ED25519),
        Algorithm::ES256 => Scheme::Curve(&signature::ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => Scheme::Curve(&signature::ECDSA_P384_SHA384_FIXED),
        Algorithm::RS256 => Scheme::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => Scheme::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => Scheme::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => Scheme::Rsa(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => Scheme::Rsa(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => Scheme::Rsa(&signature::RSA_PSS_2048_8192_SHA512),
        // Algorithms with a shared secret are never accepted.
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => {
            return Err(ErrorKind::InvalidAlgorithm.into());
        }
    };
    if algorithm.family() != key.family() {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    Ok(Box::new(KeyVerifier { algorithm, scheme, key: key.clone() }))
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::crypto::{sign, verify};
    use ring::rand::SystemRandom;
    use ring::signature::KeyPair as _;

    use super::*;

    /// RFC 8037, appendix A.4 and A.5: the key, what is signed, and the signature.
    const PRIVATE: [u8; 32] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44,
        0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];
    const MESSAGE: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    const SIGNATURE: &str =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

    /// A private key in PKCS #8 without its public part (RFC 8410, section 7), as earlier versions stored it.
    fn without_public_part() -> Vec<u8> {
        let head =
            [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
        [&head[..], &PRIVATE].concat()
    }

    #[test]
    fn the_example_of_the_standard_is_signed_and_verified() {
        install();
        install();
        let private = EncodingKey::from_ed_der(&without_public_part());
        assert_eq!(sign(MESSAGE.as_bytes(), &private, Algorithm::EdDSA).unwrap(), SIGNATURE);
        let public = DecodingKey::from_ed_components("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert!(verify(SIGNATURE, MESSAGE.as_bytes(), &public, Algorithm::EdDSA).unwrap());
        assert!(!verify(SIGNATURE, &MESSAGE.as_bytes()[1..], &public, Algorithm::EdDSA).unwrap());
        // Algorithms of another key type, and one with a shared secret.
        for algorithm in [Algorithm::ES256, Algorithm::RS256, Algorithm::HS256] {
            assert!(verify(SIGNATURE, MESSAGE.as_bytes(), &public, algorithm).is_err(), "{algorithm:?}");
            assert!(sign(MESSAGE.as_bytes(), &private, algorithm).is_err(), "{algorithm:?}");
        }
    }

    #[test]
    fn a_new_key_signs_too() {
        install();
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        let (private, public) = (
            EncodingKey::from_ed_der(document.as_ref()),
            DecodingKey::from_ed_der(pair.public_key().as_ref()),
        );
        let signature = sign(b"text", &private, Algorithm::EdDSA).unwrap();
        assert!(verify(&signature, b"text", &public, Algorithm::EdDSA).unwrap());
        assert!(!verify(SIGNATURE, b"text", &public, Algorithm::EdDSA).unwrap());
    }
}
