//! The attacks of RFC 8725 on access tokens, made with the server's own key where needed.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use entity::signing_key;
use passerelle::kernel::id;
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::accounts::{account, is_good, is_good_header, sign_in};
use crate::support::server::{TestServer, encryption_key};

/// The parts of a valid token, and the server's key to sign variants.
struct Forge {
    header: Value,
    claims: Value,
    token: String,
    key: Ed25519KeyPair,
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn part(token: &str, at: usize) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(at).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// The value with this member set, or removed if null.
fn with(value: &Value, member: &str, to: Value) -> Value {
    let mut value = value.clone();
    let members = value.as_object_mut().unwrap();
    if to == Value::Null {
        members.shift_remove(member);
    } else {
        members.insert(member.to_owned(), to);
    }
    value
}

impl Forge {
    async fn of(server: &TestServer) -> Self {
        account(&server.app, "ana@example.org", &[]).await;
        let token = sign_in(server, "ana@example.org").await.access;
        let row = signing_key::Entity::find().one(server.app.db.writer()).await.unwrap().unwrap();
        let private = encryption_key().open(&format!("signing_key/{}", row.id), &row.private_key).unwrap();
        let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&private).unwrap();
        Self { header: part(&token, 0), claims: part(&token, 1), token, key }
    }

    /// A token signed with the server's key.
    fn signed(&self, header: &Value, claims: &Value) -> String {
        self.signed_text(&header.to_string(), &claims.to_string())
    }

    fn signed_text(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self.key.sign(message.as_bytes());
        format!("{message}.{}", encode(signature))
    }
}

on_both_databases! {
    async fn a_token_says_what_it_must(server) {
        let forge = Forge::of(&server).await;
        let instance = entity::instance::Entity::find().one(server.app.db.writer()).await.unwrap().unwrap().instance_id;
        assert_eq!(forge.header["alg"], "EdDSA");
        assert_eq!(forge.header["typ"], "at+jwt");
        assert_eq!(forge.header.as_object().unwrap().len(), 3);
        let claims = &forge.claims;
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!(format!("urn:uuid:{instance}")), &json!(instance)));
        let now = claims["iat"].as_i64().unwrap();
        assert_eq!((&claims["nbf"], &claims["exp"]), (&json!(now), &json!(now + 600)));
        assert_eq!(chrono::DateTime::from_timestamp(now, 0).unwrap().to_rfc3339(), "2026-11-22T10:00:00+00:00");
        for (member, prefix) in [("sub", "account"), ("sid", "session")] {
            id::decode(member, prefix, claims[member].as_str().unwrap()).unwrap();
        }
        assert!(claims["jti"].is_string());
        // A token signed by the forge is valid, so the refusals below are due to the changes.
        assert!(is_good(&server, &forge.signed(&forge.header, claims)).await);
    }
}

on_both_databases! {
    async fn the_algorithm_is_that_of_the_key(server) {
        let forge = Forge::of(&server).await;
        let unsigned = |alg: &str| {
            let header = with(&forge.header, "alg", json!(alg));
            format!("{}.{}.", encode(header.to_string()), encode(forge.claims.to_string()))
        };
        for alg in ["none", "None", "NONE", "nOnE", ""] {
            assert!(!is_good(&server, &unsigned(alg)).await, "{alg}");
            assert!(!is_good(&server, &forge.signed(&with(&forge.header, "alg", json!(alg)), &forge.claims)).await, "{alg}");
        }
        // The public key as an HMAC secret, in every encoding.
        let public = forge.key.public_key().as_ref().to_vec();
        let mut der = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        der.extend_from_slice(&public);
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der));
        let secrets = [public.clone(), encode(&public).into_bytes(), der, pem.into_bytes()];
        for (alg, hash) in [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
            for secret in &secrets {
                for named in [alg, "EdDSA"] {
                    let header = with(&forge.header, "alg", json!(named));
                    let message = format!("{}.{}", encode(header.to_string()), encode(forge.claims.to_string()));
                    let signature = hmac::sign(&hmac::Key::new(hash, secret), message.as_bytes());
                    assert!(!is_good(&server, &format!("{message}.{}", encode(signature))).await, "{alg}");
                }
            }
        }
        for alg in ["ES256", "RS256", "PS512", "Ed25519", "eddsa"] {
            let header = with(&forge.header, "alg", json!(alg));
            assert!(!is_good(&server, &forge.signed(&header, &forge.claims)).await, "{alg}");
        }
    }
}

on_both_databases! {
    async fn headers_bring_no_keys(server) {
        let forge = Forge::of(&server).await;
        let rng = ring::rand::SystemRandom::new();
        let own = Ed25519KeyPair::generate_pkcs8(&rng).unwrap();
        let own = Ed25519KeyPair::from_pkcs8(own.as_ref()).unwrap();
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": encode(own.public_key().as_ref())});
        let other = Forge { key: own, header: forge.header.clone(), claims: forge.claims.clone(), token: String::new() };
        assert!(!is_good(&server, &other.signed(&forge.header, &forge.claims)).await);
        for (member, value) in [
            ("jwk", jwk),
            ("jku", json!("https://attacker.example/jwks.json")),
            ("jku", json!(server.url("/.well-known/jwks.json"))),
            ("x5u", json!("https://attacker.example/certificate.pem")),
            ("x5c", json!(["MIIB"])),
            ("x5t", json!("AAAA")),
            ("crit", json!(["exp"])),
            ("b64", json!(false)),
            ("cty", json!("JWT")),
            ("zip", json!("DEF")),
            ("enc", json!("A256GCM")),
            ("anything", json!("else")),
        ] {
            let header = with(&forge.header, member, value);
            for forge in [&forge, &other] {
                assert!(!is_good(&server, &forge.signed(&header, &forge.claims)).await, "{header}");
            }
        }
        for kid in [json!("unknown"), json!(""), json!("../../etc/passwd"), json!("' OR 1=1 --"), json!(1), json!("é\u{0}"), Value::Null] {
            let header = with(&forge.header, "kid", kid);
            assert!(!is_good(&server, &forge.signed(&header, &forge.claims)).await, "{header}");
        }
    }
}

on_both_databases! {
    async fn types_issuers_audiences_and_times_are_checked(server) {
        let forge = Forge::of(&server).await;
        for typ in [json!("JWT"), json!("jwt"), json!("dpop+jwt"), json!("refresh"), json!(""), json!(["at+jwt"]), Value::Null] {
            let header = with(&forge.header, "typ", typ);
            assert!(!is_good(&server, &forge.signed(&header, &forge.claims)).await, "{header}");
        }
        let now = forge.claims["iat"].as_i64().unwrap();
        let aud = forge.claims["aud"].clone();
        for (claim, value) in [
            ("iss", json!("https://attacker.example")), ("iss", json!("")), ("iss", Value::Null), ("iss", json!([forge.claims["iss"]])),
            ("aud", json!("018f0000-0000-7000-8000-000000000000")), ("aud", json!([])), ("aud", Value::Null), ("aud", json!("")),
            ("aud", json!([aud, "another"])),
            ("exp", json!(now)), ("exp", json!(now - 1)), ("exp", json!(0)), ("exp", Value::Null), ("exp", json!("tomorrow")),
            ("exp", json!((now + 600).to_string())), ("exp", json!(f64::MAX)), ("exp", json!(-1)),
            ("nbf", json!(now + 60)), ("nbf", json!(i64::MAX)), ("nbf", Value::Null), ("nbf", json!("now")),
            ("sub", json!("account_00000000000000000000000000")), ("sub", json!("nobody")), ("sub", Value::Null), ("sub", json!(1)),
            ("sid", json!("session_00000000000000000000000000")), ("sid", json!("")), ("sid", Value::Null),
        ] {
            let claims = with(&forge.claims, claim, value);
            assert!(!is_good(&server, &forge.signed(&forge.header, &claims)).await, "{claims}");
        }
        // The session of another account is refused.
        let other = account(&server.app, "other@example.org", &[]).await;
        let claims = with(&forge.claims, "sub", json!(id::encode("account", other)));
        assert!(!is_good(&server, &forge.signed(&forge.header, &claims)).await);
    }
}

on_both_databases! {
    async fn what_was_changed_or_is_no_token_is_refused(server) {
        let forge = Forge::of(&server).await;
        let token = &forge.token;
        assert!(is_good(&server, token).await);
        // One letter of each part.
        let parts: Vec<&str> = token.split('.').collect();
        for at in 0..3 {
            let mut changed: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
            let letter = if changed[at].as_bytes()[5] == b'A' { "B" } else { "A" };
            changed[at].replace_range(5..6, letter);
            assert!(!is_good(&server, &changed.join(".")).await, "part {at}");
        }
        // Other claims under the same signature.
        let claims = with(&forge.claims, "exp", json!(i64::from(u32::MAX)));
        assert!(!is_good(&server, &format!("{}.{}.{}", parts[0], encode(claims.to_string()), parts[2])).await);
        // A malformed signature, or further data after it.
        for wrong in [
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}", parts[0], parts[1]),
            format!("{token}."),
            format!("{token}.{}", parts[2]),
            format!("{token}="),
            format!("{token}AA"),
            format!(".{token}"),
            format!("{}.{}.{}", parts[0], parts[1], encode([0; 64])),
            forge.signed_text("{}", "{}"),
            forge.signed_text("", ""),
            forge.signed_text("null", "null"),
            forge.signed_text(&forge.header.to_string(), "[]"),
            // Duplicate members, which parsers read differently.
            forge.signed_text(&forge.header.to_string().replacen('{', "{\"alg\":\"none\",", 1), &forge.claims.to_string()),
            forge.signed_text(&forge.header.to_string(), &forge.claims.to_string().replacen('{', "{\"sub\":\"x\",", 1)),
            "a".into(),
            "...".into(),
            "passerelle_key_".into(),
            format!("passerelle_key_{}", encode([0; 32])),
        ] {
            assert!(!is_good(&server, &wrong).await, "{wrong}");
        }
        let long = format!("Bearer {}", "a".repeat(20_000));
        let two = format!("Bearer {token}, Bearer {token}");
        for header in ["Bearer", "Bearer  ", "Basic YW5hOng=", "Digest x", token.as_str(), "Bearer\u{a0}x", "Bearer é", &long, &two] {
            assert!(!is_good_header(&server, header).await, "{header}");
        }
        assert!(is_good_header(&server, &format!("bearer {token}")).await);
    }
}

on_both_databases! {
    async fn a_bad_token_is_refused_before_anything_else(server) {
        for (method, accept, content_type, body) in [
            ("POST", "application/json", "application/json", "{\"query\": \"{ regions { slug } }\"}"),
            ("POST", "application/json", "application/json", "{"),
            ("POST", "application/graphql-response+json", "text/plain", "x"),
            ("GET", "application/json", "", ""),
            ("PUT", "application/json", "", ""),
        ] {
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let request = server.client.request(method.clone(), server.url("/graphql?query=%7Bregions%7Bslug%7D%7D"));
            let request = request.header("accept", accept).header("content-type", content_type).body(body);
            let response = request.header("authorization", "Bearer nonsense").send().await.unwrap();
            assert_eq!(response.status(), 401, "{method} {body}");
            let answer: Value = response.json().await.unwrap();
            assert_eq!(answer["errors"][0]["extensions"], json!({"code": "UNAUTHENTICATED"}));
        }
        // Two headers.
        let request = server.client.post(server.url("/graphql")).json(&json!({"query": "{ regions { slug } }"}));
        let request = request.header("authorization", "Bearer a").header("authorization", "Bearer b");
        assert_eq!(request.send().await.unwrap().status(), 401);
    }
}
