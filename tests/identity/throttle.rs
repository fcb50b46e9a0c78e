//! Rate limits of sign-in attempts.

use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::accounts::{PASSWORD, REFRESH, SIGN_IN, account, refresh, sign_in, try_sign_in};
use crate::support::server::{Setup, TestServer};

const ANA: &str = "ana@example.org";

/// The milliseconds until a retry, if the response is a rate limit error.
fn retry_after(answer: &Value) -> Option<i64> {
    let error = &answer["errors"][0];
    if error.is_null() {
        return None;
    }
    assert_eq!(error["extensions"]["code"], "RATE_LIMITED", "{answer}");
    assert_eq!(answer["data"], Value::Null);
    error["extensions"]["retryAfterMs"].as_i64()
}

on_both_databases! {
    async fn guessing_is_slow_whether_or_not_there_is_an_account(server) {
        account(&server.app, ANA, &[]).await;
        account(&server.app, "ben@example.org", &[]).await;
        for email in [ANA, "nobody@example.org"] {
            for _ in 0..10 {
                assert_eq!(retry_after(&try_sign_in(&server, email, "wrong").await), None);
            }
            // The address is compared without case. Even the right password is not checked.
            for (email, password) in [(email, "wrong"), (&email.to_uppercase(), "wrong"), (email, PASSWORD)] {
                assert_eq!(retry_after(&try_sign_in(&server, email, password).await), Some(30_000), "{email}");
            }
        }
        sign_in(&server, "ben@example.org").await;
        server.set_clock("2026-11-22T10:00:29Z");
        assert_eq!(retry_after(&try_sign_in(&server, ANA, PASSWORD).await), Some(1000));
        server.set_clock("2026-11-22T10:00:30Z");
        // Successful attempts are not counted.
        for _ in 0..3 {
            sign_in(&server, ANA).await;
        }
        assert_eq!(retry_after(&try_sign_in(&server, ANA, "wrong").await), None);
        assert_eq!(retry_after(&try_sign_in(&server, ANA, PASSWORD).await), Some(30_000));
    }
}

on_both_databases! {
    async fn many_attempts_in_one_request_are_counted_each(server) {
        account(&server.app, ANA, &[]).await;
        let attempt = |n| format!("a{n}: signIn(input: {{email: \"{ANA}\", password: \"wrong\"}}) {{ userErrors {{ code }} }}");
        let attempts = (0..12).map(attempt).collect::<Vec<_>>().join(" ");
        let answer = server.query(&format!("mutation {{ {attempts} }}")).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "RATE_LIMITED");
        assert_eq!(answer["errors"][0]["path"], json!(["a10"]));
    }
}

on_both_databases! {
    async fn an_address_has_a_limit_too(server) {
        let mut limited = 0;
        for n in 0..110 {
            let answer = try_sign_in(&server, &format!("nobody{n}@example.org"), "x").await;
            if let Some(after) = retry_after(&answer) {
                assert_eq!(after, 1000);
                limited += 1;
            }
        }
        assert_eq!(limited, 10);
    }
}

on_both_databases! {
    async fn refreshing_has_limits(server) {
        account(&server.app, ANA, &[]).await;
        let mut tokens = sign_in(&server, ANA).await;
        for _ in 0..60 {
            tokens = refresh(&server, &tokens.refresh).await.expect("the next pair");
        }
        let answer = server.query_with(REFRESH, json!({"token": tokens.refresh})).await;
        assert_eq!(retry_after(&answer), Some(1000));
        // The refusal has not used up the refresh token.
        server.set_clock("2026-11-22T10:00:01Z");
        assert!(refresh(&server, &tokens.refresh).await.is_some());
    }
}

on_both_databases! {
    with Setup::default().without_rate_limit();
    async fn limits_can_be_switched_off(server) {
        for _ in 0..15 {
            assert_eq!(retry_after(&try_sign_in(&server, ANA, "wrong").await), None);
        }
    }
}

/// The response to a sign-in from an address.
async fn from(server: &TestServer, address: &str, password: &str) -> Value {
    let body = json!({"query": SIGN_IN, "variables": {"email": ANA, "password": password}});
    let request = server.client.post(server.url("/graphql")).header("x-forwarded-for", address);
    request.json(&body).send().await.expect("an answer").json().await.expect("JSON")
}

/// Whether a sign-in with the right password from an address succeeds.
async fn enters(server: &TestServer, address: &str) -> bool {
    let answer = from(server, address, PASSWORD).await;
    assert!(
        retry_after(&answer).is_some() || answer["data"]["signIn"]["accessToken"].is_string(),
        "{answer}"
    );
    retry_after(&answer).is_none()
}

on_both_databases! {
    with Setup::default().behind_a_proxy();
    async fn guessing_from_elsewhere_locks_nobody_out(server) {
        account(&server.app, ANA, &[]).await;
        assert!(enters(&server, "192.0.2.1").await);
        // An attacker in one network is locked out there, without effect on others.
        for _ in 0..10 {
            assert_eq!(retry_after(&from(&server, "198.51.100.1", "wrong").await), None);
        }
        assert!(!enters(&server, "198.51.100.1").await);
        assert!(enters(&server, "192.0.2.1").await && enters(&server, "203.0.113.5").await);
        // Attackers in many networks share the limit of the account.
        let mut guesses = 10;
        'networks: for network in 2..20 {
            for _ in 0..10 {
                let answer = from(&server, &format!("198.51.100.{network}"), "wrong").await;
                if let Some(after) = retry_after(&answer) {
                    assert_eq!(after, 30_000);
                    break 'networks;
                }
                guesses += 1;
            }
        }
        assert_eq!(guesses, 100);
        // Then the account can sign in only from networks where it has before.
        assert!(!enters(&server, "203.0.113.6").await);
        for address in ["192.0.2.1", "203.0.113.5", "192.0.2.1"] {
            assert!(enters(&server, address).await, "{address}");
        }
        // An attacker in such a network is locked out there.
        for _ in 0..10 {
            assert_eq!(retry_after(&from(&server, "192.0.2.1", "wrong").await), None);
        }
        assert!(!enters(&server, "192.0.2.1").await);
        assert!(enters(&server, "203.0.113.5").await);
    }
}

on_both_databases! {
    with Setup::default().behind_a_proxy();
    async fn networks_are_kept_as_hashes_and_not_for_ever(server) {
        let id = account(&server.app, ANA, &[]).await;
        let other = account(&server.app, "ben@example.org", &[]).await;
        let db = &server.app.db;
        let hashes = async |account: uuid::Uuid| -> Vec<Vec<u8>> {
            let sql = "SELECT network_hash FROM account_network WHERE account_id = $1 ORDER BY last_at, network_hash";
            let statement = Statement::from_sql_and_values(db.dialect().backend(), sql, [account.into()]);
            let rows = db.writer().query_all_raw(statement).await.expect("it is SQL");
            rows.iter().map(|row| row.try_get_by_index(0).expect("bytes")).collect()
        };
        assert!(enters(&server, "192.0.2.1").await && enters(&server, "192.0.2.1").await);
        let body = json!({"query": SIGN_IN, "variables": {"email": "ben@example.org", "password": PASSWORD}});
        let request = server.client.post(server.url("/graphql")).header("x-forwarded-for", "192.0.2.1");
        assert_eq!(request.json(&body).send().await.expect("an answer").status(), 200);
        let (own, others) = (hashes(id).await, hashes(other).await);
        assert_eq!((own.len(), others.len()), (1, 1));
        assert!(own[0].len() == 32 && own != others, "equal networks have different hashes");
        assert!(!own[0].windows(4).any(|bytes| bytes == [192, 0, 2, 1]));
        // The latest twenty networks are kept, each for a year.
        for network in 1..=22 {
            server.pass(1_000_000);
            assert!(enters(&server, &format!("203.0.113.{network}")).await);
        }
        assert_eq!(hashes(id).await.len(), 20);
        assert!(!hashes(id).await.contains(&own[0]));
        server.set_clock("2027-11-22T10:00:10Z");
        assert_eq!(passerelle::housekeeping::sweep(&server.app).await.expect("it sweeps").networks, 8);
        assert_eq!((hashes(id).await.len(), hashes(other).await.len()), (13, 0));
    }
}
