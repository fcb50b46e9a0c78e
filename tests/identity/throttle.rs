//! How often somebody may try.

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::accounts::{PASSWORD, REFRESH, account, refresh, sign_in, try_sign_in};
use crate::support::server::Setup;

const ANA: &str = "ana@example.org";

/// Milliseconds to wait, where an answer is that refusal and nothing else.
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
            // In another case it is the same account; the right password is not looked at either.
            for (email, password) in [(email, "wrong"), (&email.to_uppercase(), "wrong"), (email, PASSWORD)] {
                assert_eq!(retry_after(&try_sign_in(&server, email, password).await), Some(30_000), "{email}");
            }
        }
        sign_in(&server, "ben@example.org").await;
        server.set_clock("2026-11-22T10:00:29Z");
        assert_eq!(retry_after(&try_sign_in(&server, ANA, PASSWORD).await), Some(1000));
        server.set_clock("2026-11-22T10:00:30Z");
        // What is right is not counted.
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
        // The refusal has used nothing up.
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
