//! Signing in, refreshing and signing out.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use passerelle::identity::role::Role;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::accounts::{
    PASSWORD, SIGN_IN, account, is_good, query_as, refresh, sign_in, sign_out, try_sign_in,
};
use crate::support::server::{Setup, TestServer};

const ANA: &str = "ana@example.org";

on_both_databases! {
    async fn somebody_signs_in(server) {
        account(&server.app, "Ana.Exemple@Example.org", &[(Role::Editor, "wallonie"), (Role::Member, "flandre")]).await;
        let document = SIGN_IN.replace("expiresAt", "expiresAt viewer { authenticated
            account { id email displayName language talent { id } organizations { id } } roles { role region { slug name } } }");
        for email in ["Ana.Exemple@Example.org", "ana.exemple@example.org", "ANA.EXEMPLE@EXAMPLE.ORG"] {
            let answer = server.query_with(&document, json!({"email": email, "password": PASSWORD})).await;
            let payload = &answer["data"]["signIn"];
            assert_eq!(payload["userErrors"], json!([]), "{answer}");
            assert_eq!(payload["expiresAt"], "2026-11-22T10:10:00Z");
            let viewer = &payload["viewer"];
            assert_eq!(viewer["authenticated"], true);
            assert_eq!(viewer["roles"], json!([
                {"role": "EDITOR", "region": {"slug": "wallonie", "name": "Wallonie"}},
                {"role": "MEMBER", "region": {"slug": "flandre", "name": "Vlaanderen"}},
            ]));
            assert_eq!(viewer["account"]["email"], "Ana.Exemple@Example.org");
            assert_eq!(viewer["account"]["language"], "FR");
            assert_eq!((&viewer["account"]["talent"], &viewer["account"]["organizations"]), (&Value::Null, &json!([])));
            let token = payload["accessToken"].as_str().unwrap();
            let again = query_as(&server, token, "{ viewer { authenticated account { id email displayName language talent { id } organizations { id } } roles { role region { slug name } } } }").await;
            assert_eq!(again["data"]["viewer"], *viewer);
        }
        assert_eq!(server.data("{ viewer { authenticated account { id } roles { role } } }").await,
            json!({"viewer": {"authenticated": false, "account": null, "roles": []}}));
    }
}

on_both_databases! {
    async fn a_session_goes_on_and_ends(server) {
        account(&server.app, ANA, &[(Role::Member, "wallonie")]).await;
        let first = sign_in(&server, ANA).await;
        let other = sign_in(&server, ANA).await;
        let second = refresh(&server, &first.refresh).await.expect("a second pair");
        let third = refresh(&server, &second.refresh).await.expect("a third pair");
        assert!(first.access != second.access && second.refresh != third.refresh);
        // An access token is valid until it expires or its session ends.
        for token in [&first.access, &second.access, &third.access] {
            assert!(is_good(&server, token).await);
        }
        sign_out(&server, &third.refresh).await;
        for token in [&first.access, &second.access, &third.access] {
            assert!(!is_good(&server, token).await);
        }
        assert_eq!(refresh(&server, &third.refresh).await, None);
        // Signing out again, or with an invalid token, has the same response.
        for token in [third.refresh.as_str(), "", "nonsense", "passerelle_refresh_"] {
            sign_out(&server, token).await;
        }
        // The other session of the account continues.
        assert!(is_good(&server, &other.access).await);
        assert!(refresh(&server, &other.refresh).await.is_some());
    }
}

on_both_databases! {
    async fn a_used_token_ends_its_session(server) {
        account(&server.app, ANA, &[]).await;
        let first = sign_in(&server, ANA).await;
        let second = refresh(&server, &first.refresh).await.expect("a second pair");
        let third = refresh(&server, &second.refresh).await.expect("a third pair");
        assert!(is_good(&server, &third.access).await);
        // A grandparent: its child has been used.
        assert_eq!(refresh(&server, &first.refresh).await, None);
        for token in [&first, &second, &third] {
            assert!(!is_good(&server, &token.access).await);
            assert_eq!(refresh(&server, &token.refresh).await, None);
        }
    }
}

on_both_databases! {
    async fn a_parent_is_accepted_for_thirty_seconds(server) {
        account(&server.app, ANA, &[]).await;
        let first = sign_in(&server, ANA).await;
        let second = refresh(&server, &first.refresh).await.expect("a second pair");
        // A lost response can be repeated: it has the same token, so it does not matter which one arrives.
        for time in ["2026-11-22T10:00:00Z", "2026-11-22T10:00:15Z", "2026-11-22T10:00:29Z"] {
            server.set_clock(time);
            let again = refresh(&server, &first.refresh).await.expect("the response is repeated");
            assert_eq!(again.refresh, second.refresh, "{time}");
            assert!(is_good(&server, &again.access).await);
        }
        // The time counts from the first use, so repetitions do not prolong it.
        server.set_clock("2026-11-22T10:00:30Z");
        assert_eq!(refresh(&server, &first.refresh).await, None, "somebody may have copied it");
        assert!(!is_good(&server, &second.access).await);
        assert_eq!(refresh(&server, &second.refresh).await, None);
    }
}

on_both_databases! {
    async fn parallel_requests_of_one_page_go_on_with_one_session(server) {
        account(&server.app, ANA, &[]).await;
        let first = sign_in(&server, ANA).await;
        let mut last = first.clone();
        let mut now: passerelle::kernel::value::DateTime = crate::support::server::NOW.parse().unwrap();
        for _ in 0..5 {
            let answers = join_all((0..8).map(|_| refresh(&server, &last.refresh))).await;
            let answers: Vec<_> = answers.into_iter().map(|answer| answer.expect("all succeed")).collect();
            for answer in &answers {
                assert_eq!(answer.refresh, answers[0].refresh, "all get the same token");
                assert!(answer.refresh != last.refresh && is_good(&server, &answer.access).await);
            }
            now = passerelle::kernel::value::DateTime::from_micros(now.micros() + 600_000_000);
            server.set_clock(&now.to_string());
            last = answers.into_iter().next_back().expect("there are eight");
        }
        let count = Statement::from_string(server.app.db.dialect().backend(), "SELECT count(*) FROM session");
        let count = server.app.db.writer().query_one_raw(count).await.unwrap().unwrap();
        assert_eq!(count.try_get_by_index::<i64>(0).unwrap(), 1, "one family");
        // A token of the family used long ago still ends the session.
        let next = refresh(&server, &last.refresh).await.expect("the next pair");
        assert_eq!(refresh(&server, &first.refresh).await, None);
        assert_eq!(refresh(&server, &next.refresh).await, None);
    }
}

on_both_databases! {
    async fn tokens_expire_by_the_clock(server) {
        account(&server.app, ANA, &[]).await;
        let first = sign_in(&server, ANA).await;
        server.set_clock("2026-11-22T10:09:59Z");
        assert!(is_good(&server, &first.access).await);
        server.set_clock("2026-11-22T10:10:00Z");
        assert!(!is_good(&server, &first.access).await);
        // Thirty days without a refresh end a session. Each refresh restarts the period.
        server.set_clock("2026-12-22T09:59:59Z");
        let second = refresh(&server, &first.refresh).await.expect("within thirty days");
        server.set_clock("2027-01-21T09:59:58Z");
        let third = refresh(&server, &second.refresh).await.expect("within thirty days");
        assert!(is_good(&server, &third.access).await);
        server.set_clock("2027-02-20T09:59:58Z");
        assert_eq!(refresh(&server, &third.refresh).await, None);
        // Expired sessions are deleted.
        sign_in(&server, ANA).await;
        let count = Statement::from_string(server.app.db.dialect().backend(), "SELECT count(*) FROM session");
        let count = server.app.db.writer().query_one_raw(count).await.unwrap().unwrap();
        assert_eq!(count.try_get_by_index::<i64>(0).unwrap(), 1);
    }
}

on_both_databases! {
    async fn nothing_in_the_database_opens_anything(server) {
        account(&server.app, ANA, &[]).await;
        let tokens = sign_in(&server, ANA).await;
        let own = tokens.refresh.strip_prefix("passerelle_refresh_").unwrap();
        let dialect = server.app.db.dialect().backend();
        for (table, columns) in [("account", "password_hash"), ("session", "family_hash || token_hash")] {
            let all = Statement::from_string(dialect, format!("SELECT {columns} AS found FROM {table}"));
            for row in server.app.db.writer().query_all_raw(all).await.unwrap() {
                let found = row.try_get::<Vec<u8>>("", "found").or_else(|_| row.try_get::<String>("", "found").map(String::into_bytes)).unwrap();
                let text = String::from_utf8_lossy(&found);
                assert!(!text.contains(PASSWORD) && !text.contains(own), "{text}");
            }
        }
    }
}

/// The response to a sign-in in these languages.
async fn attempt(server: &TestServer, email: &str, password: &str, languages: &str) -> Value {
    let body = json!({"query": SIGN_IN, "variables": {"email": email, "password": password}});
    let request = server.client.post(server.url("/graphql")).json(&body).header("accept-language", languages);
    request.send().await.expect("the server answers").json().await.expect("an answer is JSON")
}

on_both_databases! {
    with Setup::default().without_rate_limit();
    async fn nobody_learns_whether_there_is_an_account(server) {
        account(&server.app, ANA, &[]).await;
        for (languages, message) in [
            ("fr-BE,nl;q=0.5", "L’adresse e-mail ou le mot de passe n’est pas correct."),
            ("nl", "Het e-mailadres of het wachtwoord is niet juist."),
            ("de", "Die E-Mail-Adresse oder das Passwort stimmt nicht."),
            ("en", "The e-mail address or the password is not right."),
            ("xx, tlh;q=0.5", "The e-mail address or the password is not right."),
        ] {
            let wrong = attempt(&server, ANA, "another password", languages).await;
            assert_eq!(wrong, json!({"data": {"signIn": {"accessToken": null, "refreshToken": null, "expiresAt": null,
                "userErrors": [{"code": "INVALID", "reason": "WRONG_CREDENTIALS", "message": message, "path": ["input"],
                    "retryAfterMs": null}]}}}));
            assert_eq!(attempt(&server, "nobody@example.org", PASSWORD, languages).await, wrong);
            assert_eq!(attempt(&server, "nobody@example.org", "x", languages).await, wrong);
        }
        // The cost is the same: one hash, and the same number of statements.
        let mut costs = Vec::new();
        for email in [ANA, "nobody@example.org"] {
            let before = (server.app.identity.hashing().computed(), server.statements());
            try_sign_in(&server, email, "another password").await;
            costs.push((server.app.identity.hashing().computed() - before.0, server.statements() - before.1));
        }
        assert_eq!((costs[0], costs[0].0), (costs[1], 1));
    }
}

on_both_databases! {
    async fn odd_input_is_answered_clearly(server) {
        let odd = "\"first last\"@m\u{fc}nchen.example";
        account(&server.app, odd, &[]).await;
        let errors = |answer: &Value| {
            let error = answer["data"]["signIn"]["userErrors"][0].clone();
            (error["code"].as_str().unwrap_or_default().to_owned(), error["path"].clone())
        };
        let invalid = ("INVALID".to_owned(), json!(["input"]));
        let long = "a".repeat(1000);
        for (email, password, expected) in [
            (ANA, "x", invalid.clone()),
            (ANA, long.as_str(), ("TOO_LONG".to_owned(), json!(["input", "password"]))),
            (odd, &long, ("TOO_LONG".to_owned(), json!(["input", "password"]))),
            (ANA, "", ("REQUIRED".to_owned(), json!(["input", "password"]))),
            (ANA, "\u{0}\u{7}\n", invalid.clone()),
            ("o'brien+tag@[IPv6:2001:db8::1]", PASSWORD, invalid.clone()),
            ("!#$%&'*+-/=?^_`{|}~@example.org", PASSWORD, invalid),
        ] {
            let answer = try_sign_in(&server, email, password).await;
            assert_eq!(errors(&answer), expected, "{email}: {answer}");
        }
        // The same address with its domain in Punycode.
        sign_in(&server, "\"First Last\"@xn--mnchen-3ya.example").await;
        let answer = try_sign_in(&server, "no address", PASSWORD).await;
        assert_eq!(errors(&answer), ("INVALID".to_owned(), json!(["input", "email"])), "{answer}");
        assert!(!answer.to_string().contains(PASSWORD));
    }
}

on_both_databases! {
    with Setup::default().without_rate_limit().time_limit(Duration::from_mins(1));
    async fn reads_go_on_while_fifty_sign_in(server) {
        for n in 0..5 {
            account(&server.app, &format!("client{n}@example.org"), &[]).await;
        }
        server.data("{ organizations { nodes { name } } }").await;
        let signed_in = AtomicUsize::new(0);
        let signing_in = join_all((0..50).map(|n| {
            let (server, signed_in) = (&server, &signed_in);
            async move {
                sign_in(server, &format!("client{}@example.org", n % 5)).await;
                signed_in.fetch_add(1, Ordering::Relaxed);
            }
        }));
        let reading = async {
            for _ in 0..10 {
                server.data("{ organizations { nodes { name } } }").await;
            }
            signed_in.load(Ordering::Relaxed)
        };
        let (_, meanwhile) = tokio::join!(signing_in, reading);
        assert!(meanwhile < 50, "reads waited until all had signed in");
    }
}
