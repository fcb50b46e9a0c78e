//! The signing keys of access tokens: publication, rotation and encryption.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::signing_key;
use passerelle::identity::{self, Options};
use passerelle::kernel::encryption::EncryptionKey;
use passerelle::kernel::read::Database;
use passerelle::server::app::App;
use ring::signature::{ED25519, UnparsedPublicKey};
use sea_orm::EntityTrait;
use serde_json::Value;

use crate::on_both_databases;
use crate::support::accounts::{account, is_good, refresh, sign_in};
use crate::support::server::TestServer;

const ANA: &str = "ana@example.org";

async fn published(server: &TestServer) -> Vec<Value> {
    let response = server.get("/.well-known/jwks.json").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/jwk-set+json");
    let mut keys: Value = response.json().await.unwrap();
    serde_json::from_value(keys["keys"].take()).unwrap()
}

/// Whether one of these keys has signed a token, checked with another library than the server's.
fn verifies(keys: &[Value], token: &str) -> bool {
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let header: Value = serde_json::from_slice(&decode(token.split('.').next().unwrap())).unwrap();
    let key = keys.iter().find(|key| key["kid"] == header["kid"]);
    key.is_some_and(|key| {
        assert_eq!((&key["kty"], &key["crv"]), (&"OKP".into(), &"Ed25519".into()));
        assert_eq!((&key["alg"], &key["use"]), (&"EdDSA".into(), &"sig".into()));
        let key = UnparsedPublicKey::new(&ED25519, decode(key["x"].as_str().unwrap()));
        key.verify(message.as_bytes(), &decode(signature)).is_ok()
    })
}

on_both_databases! {
    async fn the_published_keys_verify(server) {
        account(&server.app, ANA, &[]).await;
        let token = sign_in(&server, ANA).await.access;
        let keys = published(&server).await;
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0].as_object().unwrap().len(), 6, "nothing private: {}", keys[0]);
        assert!(verifies(&keys, &token));
        // The signature of another token does not verify.
        let other = sign_in(&server, ANA).await.access;
        let (message, _) = token.rsplit_once('.').unwrap();
        let (_, signature) = other.rsplit_once('.').unwrap();
        assert!(!verifies(&keys, &format!("{message}.{signature}")));
    }
}

on_both_databases! {
    async fn a_rotation_signs_nobody_out(server) {
        account(&server.app, ANA, &[]).await;
        let before = sign_in(&server, ANA).await;
        assert!(is_good(&server, &before.access).await);
        // Rotation in another program, as the command does it.
        let other = server.replica().await;
        let id = other.identity.signing().unwrap().rotate(&other).await.unwrap();
        server.set_clock("2026-11-22T10:00:06Z");
        let after = refresh(&server, &before.refresh).await.expect("the session continues");
        let keys = published(&server).await;
        assert_eq!(keys.len(), 2);
        assert_eq!(keys[0]["kid"], id);
        for token in [&before.access, &after.access] {
            assert!(verifies(&keys, token));
            assert!(is_good(&server, token).await);
        }
        assert!(verifies(&keys[..1], &after.access) && !verifies(&keys[..1], &before.access));
        // The retired key has no valid tokens left, and is not published.
        server.set_clock("2026-11-22T10:12:00Z");
        assert_eq!(published(&server).await.len(), 1);
        // The next rotation deletes it.
        other.identity.signing().unwrap().rotate(&other).await.unwrap();
        let rows = signing_key::Entity::find().all(server.app.db.writer()).await.unwrap();
        assert_eq!(rows.len(), 2);
        // A new key is read as soon as a token signed with it arrives.
        server.set_clock("2026-11-22T10:12:02Z");
        let elsewhere = other.identity.signing().unwrap();
        let session = sign_in(&server, ANA).await;
        let sid: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(session.access.split('.').nth(1).unwrap()).unwrap()).unwrap();
        let (account, session) = (
            passerelle::kernel::id::decode("sub", "account", sid["sub"].as_str().unwrap()).unwrap(),
            passerelle::kernel::id::decode("sid", "session", sid["sid"].as_str().unwrap()).unwrap(),
        );
        let (token, _) = elsewhere.sign(&other, account, session).await.unwrap();
        server.set_clock("2026-11-22T10:12:04Z");
        assert!(is_good(&server, &token).await);
        other.db.close().await;
    }
}

on_both_databases! {
    async fn replicas_share_their_keys_and_another_encryption_key_opens_none(server) {
        account(&server.app, ANA, &[]).await;
        let token = sign_in(&server, ANA).await.access;
        let replica = server.replica().await;
        assert!(replica.identity.signing().unwrap().verify(&replica, &token).await.unwrap().is_some());
        replica.db.close().await;

        let db = Database::open(&server.database_url).await.unwrap();
        let app = App::new(db, server.app.clock.clone());
        let encryption_key = EncryptionKey::parse("x", &"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".into()).unwrap();
        let opened = identity::open(app.identity, Options { encryption_key, public_url: None, rate_limit: true, issuers: identity::oidc::Issuers::default() }).await;
        let error = opened.unwrap_err().to_string();
        assert!(error.contains("ENCRYPTION_KEY"), "{error}");

        let row = signing_key::Entity::find().one(server.app.db.writer()).await.unwrap().unwrap();
        // The beginning of every PKCS #8 key, which encryption must hide.
        assert!(!row.private_key.windows(4).any(|bytes| bytes == [0x06, 0x03, 0x2b, 0x65]));
    }
}
