//! I15: the rights of a caller shrink while they follow, wait, page or copy. They get nothing that has become hidden.

use passerelle::identity::role::Role;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use crate::feed::somebody_waits;
use crate::on_both_databases;
use crate::support::accounts::{account, account_id, ask, mutate, refusals, sign_in};
use crate::support::records::{import, organization, talent};
use crate::support::server::TestServer;
use crate::support::socket::Socket;

/// A marker in data that only the staff of the region see.
const CANARY: &str = "kanarievogel";
const CHIEF: &str = "chief@example.org";
const ANA: &str = "ana@example.org";

const PAGE: &str = "query($after: ChangeCursor, $wait: Int) { changes(after: $after, waitSeconds: $wait) { cursor pending
    changes { recordId operation record { ... on Organization { name } ... on Talent { displayName email } } } } }";
const FOLLOW: &str = "subscription { changes { cursor recordId record { ... on Organization { name } ... on Talent { displayName } } } }";

/// Ana, an editor, and the administrator who grants and revokes her role.
struct Cast {
    ana: String,
    id: String,
    chief: String,
}

impl Cast {
    async fn new(server: &TestServer) -> Self {
        account(&server.app, CHIEF, &[(Role::RegionAdmin, "wallonie")]).await;
        let id = account_id(
            account(&server.app, ANA, &[(Role::Editor, "wallonie"), (Role::Member, "wallonie")]).await,
        );
        let (ana, chief) = (sign_in(server, ANA).await.access, sign_in(server, CHIEF).await.access);
        Self { ana, id, chief }
    }

    /// Grants or revokes the role.
    async fn set(&self, server: &TestServer, mutation: &str) {
        let query = format!(
            "mutation($input: RoleInput!) {{ {mutation}(input: $input) {{ userErrors {{ code reason path message }} }} }}"
        );
        let input = json!({"account": self.id, "role": "EDITOR", "region": "wallonie"});
        assert_eq!(
            refusals(&mutate(server, Some(&self.chief), &query, json!({ "input": input })).await),
            [""; 0]
        );
    }

    async fn page(&self, server: &TestServer, after: &Value, wait: u32) -> Value {
        ask(server, Some(&self.ana), PAGE, json!({"after": after, "wait": wait})).await
    }
}

fn secret(name: &str) -> Value {
    organization("wallonie", "secret", json!({"name": name, "visibility": "PRIVATE"}))
}

/// Checks that a response has only the error that the views have changed, and these removed views.
fn says_so(answer: &Value, removed: &Value) {
    assert_eq!(answer["data"], Value::Null, "{answer}");
    assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{answer}");
    let extensions = &answer["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "CURSOR_VIEWS_CHANGED", "{answer}");
    assert_eq!(extensions["removedViews"], *removed, "{answer}");
    assert!(extensions["resumeCursor"].is_string());
    assert!(!answer.to_string().contains(CANARY), "{answer}");
}

fn private_view() -> Value {
    json!([{"region": "wallonie", "visibility": "PRIVATE"}])
}

on_both_databases! {
    async fn a_stream_ends_when_less_may_be_seen(server) {
        import(&server, &[organization("wallonie", "seen", json!({})), secret(CANARY)]).await;
        let cast = Cast::new(&server).await;
        let mut socket = Socket::begin_with(server.address, &json!({"Authorization": format!("Bearer {}", cast.ana)})).await;
        socket.subscribe("1", FOLLOW).await;
        let mut names = Vec::new();
        for _ in 0..2 {
            names.push(socket.heard("next", "1").await["data"]["changes"]["record"]["name"].take());
        }
        assert!(names.contains(&json!(CANARY)), "{names:?}");
        cast.set(&server, "revokeRole").await;
        import(&server, &[secret(&format!("{CANARY} again")), organization("wallonie", "other", json!({}))]).await;
        says_so(&json!({"data": null, "errors": socket.heard("error", "1").await}), &private_view());
        // From the beginning, the feed has what her present roles show.
        socket.subscribe("2", FOLLOW).await;
        for expected in ["seen", "other"] {
            assert_eq!(socket.heard("next", "2").await["data"]["changes"]["record"]["name"], expected);
        }
        cast.set(&server, "grantRole").await;
        import(&server, &[organization("wallonie", "last", json!({}))]).await;
        let answer = json!({"data": null, "errors": socket.heard("error", "2").await});
        says_so(&answer, &json!([]));
        assert_eq!(answer["errors"][0]["extensions"]["addedViews"], private_view());
    }
}

on_both_databases! {
    async fn who_waits_is_answered_by_what_they_may_see_then(server) {
        import(&server, &[organization("wallonie", "seen", json!({})), secret("secret")]).await;
        let cast = Cast::new(&server).await;
        let first = cast.page(&server, &Value::Null, 0).await;
        assert_eq!(first["data"]["changes"]["changes"].as_array().map(Vec::len), Some(2), "{first}");
        let after = first["data"]["changes"]["cursor"].clone();
        let take = async {
            somebody_waits(&server).await;
            cast.set(&server, "revokeRole").await;
            import(&server, &[secret(CANARY)]).await;
        };
        let (waited, ()) = tokio::join!(cast.page(&server, &after, 20), take);
        says_so(&waited, &private_view());
        says_so(&cast.page(&server, &after, 0).await, &private_view());
        // From the resume cursor on, nothing hidden appears, not even in a count.
        let resumed = cast.page(&server, &waited["errors"][0]["extensions"]["resumeCursor"], 0).await;
        assert_eq!((&resumed["data"]["changes"]["changes"], &resumed["data"]["changes"]["pending"]), (&json!([]), &json!(0)));
        let fresh = cast.page(&server, &Value::Null, 0).await;
        assert_eq!(fresh["data"]["changes"]["changes"].as_array().map(Vec::len), Some(1), "{fresh}");
        for path in ["/sync/snapshot", "/sync/snapshot?regions=wallonie"] {
            let request = server.client.get(server.url(path)).bearer_auth(&cast.ana);
            let text = request.send().await.expect("an answer").text().await.expect("the snapshot is complete");
            assert!(text.contains("seen") && !text.contains(CANARY));
        }
    }
}

on_both_databases! {
    async fn a_field_that_is_hidden_is_on_no_later_page(server) {
        let ada = |level: &str| talent("wallonie", "ada", json!({"email": format!("{CANARY}@example.org"),
            "fieldVisibility": [{"group": "CONTACT", "visibility": level}]}));
        import(&server, &[ada("PUBLIC"), organization("wallonie", "a", json!({}))]).await;
        let page = async |after: &Value| ask(&server, None, PAGE, json!({"after": after, "wait": 0})).await["data"]["changes"].take();
        let first = page(&Value::Null).await;
        assert!(first.to_string().contains(CANARY));
        import(&server, &[ada("MEMBERS")]).await;
        // Neither from an older cursor nor from the beginning is the hidden field shown.
        for after in [&first["cursor"], &Value::Null] {
            let later = page(after).await;
            assert!(later.to_string().contains("ada") && !later.to_string().contains(CANARY), "{later}");
        }
    }
}

on_both_databases! {
    async fn a_copy_is_cut_when_less_may_be_seen(server) {
        // More data than the buffers between the server and an idle reader hold.
        let long = json!({"descriptions": [{"language": "FR", "text": "x".repeat(10_000)}]});
        let many: Vec<Value> = (0..900).map(|n| organization("wallonie", &format!("o{n}"), long.clone())).collect();
        import(&server, &many).await;
        import(&server, &[talent("wallonie", "hidden", json!({"displayName": CANARY, "visibility": "PRIVATE"}))]).await;
        let cast = Cast::new(&server).await;
        let talents = async || {
            let request = server.client.get(server.url("/sync/snapshot?types=TALENT")).bearer_auth(&cast.ana);
            request.send().await.expect("an answer").text().await.expect("the snapshot is complete")
        };
        let read = async |change: &str| {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.set_recv_buffer_size(4096).expect("a small buffer");
            let mut stream = socket.connect(server.address).await.expect("it listens");
            let request = format!("GET /sync/snapshot HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n", cast.ana);
            stream.write_all(request.as_bytes()).await.expect("it reads");
            let mut bytes = vec![0; 2000];
            stream.read_exact(&mut bytes).await.expect("a beginning");
            cast.set(&server, change).await;
            // A cut connection may end with an error.
            let _ = stream.read_to_end(&mut bytes).await;
            String::from_utf8_lossy(&bytes).into_owned()
        };
        assert!(talents().await.contains(CANARY), "talents come after the organizations");
        let cut = read("revokeRole").await;
        assert!(cut.contains("\"ORGANIZATION\"") && !cut.contains(CANARY) && !cut.contains("\"sha256\""), "{}", cut.len());
        let text = talents().await;
        assert!(!text.contains(CANARY) && text.contains("\"sha256\""));
    }
}
