//! A small token issuer: its OpenID configuration, its keys, and faults on demand.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use passerelle::identity::oidc::{Issuers, settings};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair as RsaKeyPair, PublicKeyComponents};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256,
};
use serde_json::{Value, json};
use tokio::sync::Notify;

/// The audience of the tokens.
pub(super) const AUDIENCE: &str = "passerelle";

/// The time of the tests in seconds since 1970: `NOW` of the servers.
pub(super) const NOW: i64 = 1_795_341_600;

/// A key pair that signs.
enum Pair {
    Ed(Ed25519KeyPair),
    Ec(EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>, bool),
}

/// A key of an issuer.
pub(super) struct Key {
    pub(super) algorithm: &'static str,
    pub(super) jwk: Value,
    pair: Pair,
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The value with these members set. Members that are null are removed.
pub(super) fn with(value: &Value, more: Value) -> Value {
    let mut value = value.clone();
    if let (Value::Object(into), Value::Object(more)) = (&mut value, more) {
        for (member, to) in more {
            if to == Value::Null {
                into.shift_remove(&member);
            } else {
                into.insert(member, to);
            }
        }
    }
    value
}

impl Key {
    pub(super) fn ed(id: &str) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("a key");
        let jwk =
            json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "use": "sig", "x": encode(pair.public_key())});
        Self { algorithm: "EdDSA", jwk, pair: Pair::Ed(pair) }
    }

    pub(super) fn ec(id: &str) -> Self {
        let (rng, scheme) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let document = EcdsaKeyPair::generate_pkcs8(scheme, &rng).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(scheme, document.as_ref(), &rng).expect("a key");
        let point = pair.public_key().as_ref();
        let jwk = json!({"kty": "EC", "crv": "P-256", "kid": id, "x": encode(&point[1..33]), "y": encode(&point[33..])});
        Self { algorithm: "ES256", jwk, pair: Pair::Ec(pair) }
    }

    /// A key for `RS256` or `PS256`. All share one private key, as generating one takes long. It is used only here.
    pub(super) fn rsa(id: &str, pss: bool) -> Self {
        let pair = RsaKeyPair::from_pkcs8(include_bytes!("rsa.der")).expect("a key");
        let parts = PublicKeyComponents::<Vec<u8>>::from(pair.public());
        let algorithm = if pss { "PS256" } else { "RS256" };
        let jwk =
            json!({"kty": "RSA", "kid": id, "alg": algorithm, "n": encode(&parts.n), "e": encode(&parts.e)});
        Self { algorithm, jwk, pair: Pair::Rsa(Box::new(pair), pss) }
    }

    pub(super) fn id(&self) -> &Value {
        &self.jwk["kid"]
    }

    /// The public key, which an attacker may try as an HMAC secret.
    pub(super) fn public(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Ed(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Ec(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Rsa(pair, _) => pair.public_key().as_ref().to_vec(),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let rng = SystemRandom::new();
        match &self.pair {
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Ec(pair) => pair.sign(&rng, message).expect("a signature").as_ref().to_vec(),
            Pair::Rsa(pair, pss) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let done = if *pss {
                    pair.sign(&RSA_PSS_SHA256, &rng, message, &mut signature)
                } else {
                    pair.sign(&RSA_PKCS1_SHA256, &rng, message, &mut signature)
                };
                done.expect("a signature");
                signature
            }
        }
    }

    /// The header of tokens signed with this key.
    pub(super) fn header(&self) -> Value {
        json!({"alg": self.algorithm, "typ": "JWT", "kid": self.id()})
    }

    pub(super) fn token(&self, header: &Value, claims: &Value) -> String {
        self.token_of_text(&header.to_string(), &claims.to_string())
    }

    pub(super) fn token_of_text(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        format!("{message}.{}", encode(self.sign(message.as_bytes())))
    }
}

/// A fault of the issuer's responses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fault {
    #[default]
    None,
    /// Status 404.
    Missing,
    /// No response until [`Issuer::wake`].
    Silent,
    /// A key set of ten million bytes.
    Endless,
    /// A redirect.
    Moved,
    /// Not JSON.
    Garbage,
    /// The key set is not a JSON object.
    NoSet,
}

#[derive(Default)]
pub(super) struct Store {
    pub(super) keys: Vec<Value>,
    /// Overrides of members of the configuration.
    pub(super) configuration: Value,
    pub(super) fault: Fault,
    /// The number of reads of the configuration.
    pub(super) configurations: usize,
    /// The number of reads of the keys.
    pub(super) reads: usize,
}

/// An issuer that runs until it is dropped.
pub(super) struct Issuer {
    shared: Arc<Shared>,
    /// Its `iss`.
    pub(super) url: String,
    serving: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    store: Mutex<Store>,
    /// Notified when `Fault::Silent` ends.
    awake: Notify,
    url: Mutex<String>,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Issuer {
    /// Starts an issuer with these keys.
    pub(super) async fn start(keys: &[&Key]) -> Self {
        let shared = Arc::new(Shared::default());
        let app = Router::new().fallback(route).with_state(Arc::clone(&shared));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/realms/a", listener.local_addr().expect("an address"));
        shared.url.lock().expect("no panic").clone_from(&url);
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, app).await;
        });
        let issuer = Self { shared, url, serving };
        issuer.publish(keys);
        issuer
    }

    /// Its keys, faults and counters.
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.shared.store.lock().expect("no panic")
    }

    pub(super) fn publish(&self, keys: &[&Key]) {
        self.store().keys = keys.iter().map(|key| key.jwk.clone()).collect();
    }

    /// The number of reads of its keys.
    pub(super) fn reads(&self) -> usize {
        self.store().reads
    }

    /// The number of reads of its configuration and of its keys.
    pub(super) fn asked(&self) -> (usize, usize) {
        let store = self.store();
        (store.configurations, store.reads)
    }

    /// Responds to the requests held back by `Fault::Silent`.
    pub(super) fn wake(&self) {
        self.store().fault = Fault::None;
        self.shared.awake.notify_waiters();
    }

    /// The settings of a server for this issuer.
    pub(super) fn settings(&self) -> Value {
        json!({"issuer": self.url, "audience": AUDIENCE, "region": "wallonie", "role_claim": "realm_access.roles",
            "roles": {"editors": "EDITOR", "members": "MEMBER", "admins": "REGION_ADMIN"}})
    }

    /// The claims of a token for an editor.
    pub(super) fn claims(&self) -> Value {
        json!({"iss": self.url, "aud": AUDIENCE, "sub": "subject-1", "iat": NOW, "nbf": NOW, "exp": NOW + 300,
            "name": "Ana Exemple", "realm_access": {"roles": ["editors"]}})
    }
}

/// A server's list of issuers. `time` is the time-out for their responses.
pub(super) fn issuers(settings: &[Value], time: Duration) -> Issuers {
    let all = settings::parse(&json!(settings).to_string(), None).expect("the settings are valid");
    Issuers::new(all, time).expect("a client")
}

async fn route(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let is_configuration = request.uri().path() == "/realms/a/.well-known/openid-configuration";
    let fault = {
        let mut store = shared.store.lock().expect("no panic");
        if is_configuration {
            store.configurations += 1;
        } else {
            store.reads += 1;
        }
        store.fault
    };
    if fault == Fault::Silent {
        shared.awake.notified().await;
    }
    let store = shared.store.lock().expect("no panic");
    let url = shared.url.lock().expect("no panic").clone();
    let json =
        |value: &Value| ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response();
    match fault {
        Fault::Missing => StatusCode::NOT_FOUND.into_response(),
        Fault::Moved => {
            (StatusCode::FOUND, [(header::LOCATION, format!("{url}/keys?again"))]).into_response()
        }
        Fault::Garbage => "<html>".into_response(),
        _ if is_configuration => {
            let right = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
            json(&with(&right, store.configuration.clone()))
        }
        Fault::Endless => json(&json!({"keys": store.keys, "more": "x".repeat(10_000_000)})),
        Fault::NoSet => json(&json!([])),
        _ => json(&json!({"keys": store.keys})),
    }
}
