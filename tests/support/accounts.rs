//! Accounts for tests, and requests with their tokens.

use entity::session;
use passerelle::identity::account::{self, NewAccount, email_key, store};
use passerelle::identity::role::{Grant, Role};
use passerelle::kernel::value::{EmailAddress, Language};
use passerelle::server::app::App;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};
use uuid::Uuid;

use super::server::TestServer;

/// The password of every account of the tests.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// The tokens of one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// Creates an account with these roles. An empty region means a role without a region.
pub(crate) async fn account(app: &App, email: &str, grants: &[(Role, &str)]) -> uuid::Uuid {
    let email: EmailAddress = email.parse().expect("an address");
    let hash = app.identity.hashing().hash(PASSWORD.into()).await.expect("a hash");
    let grants = grants.iter().map(|(role, region)| Grant {
        role: *role,
        region: Some((*region).to_owned()).filter(|region| !region.is_empty()),
    });
    let new = NewAccount {
        display_name: email_key(&email),
        language: Language::Fr,
        password_hash: hash,
        grants: grants.collect(),
        email,
    };
    account::create(app, new).await.expect("an account")
}

/// A person with an account and an endless session: no password is hashed for them.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: Uuid,
    session: Uuid,
}

impl Person {
    /// A person whose address is `<name>@example.org`.
    pub(crate) async fn new(server: &TestServer, name: &str, language: Language, grants: Vec<Grant>) -> Self {
        Self::on(&server.app, name, language, grants).await
    }

    /// The same, on the database of a program.
    pub(crate) async fn on(app: &App, name: &str, language: Language, grants: Vec<Grant>) -> Self {
        let (id, now) = (app.new_id(), app.clock.now());
        let new = NewAccount {
            email: format!("{name}@example.org").parse().expect("an address"),
            display_name: name.to_owned(),
            language,
            password_hash: "nobody signs in with a password here".into(),
            grants,
        };
        store::insert(app.db.writer(), id, new, now).await.expect("an account");
        let hash = |part: u8| id.as_bytes().iter().copied().chain([part; 16]).collect::<Vec<u8>>();
        let row = session::Model {
            id: app.new_id(),
            account_id: id,
            family_hash: hash(1),
            token_hash: hash(2),
            parent_hash: None,
            parent_again: false,
            created_at: now.micros(),
            refreshed_at: now.micros(),
            expires_at: i64::MAX,
        };
        let session = row.id;
        let insert = session::Entity::insert(row.into_active_model().reset_all());
        insert.exec_without_returning(app.db.writer()).await.expect("a session");
        Self { id, session }
    }

    /// An access token, good from now on.
    pub(crate) async fn token(&self, server: &TestServer) -> String {
        self.token_on(&server.app).await
    }

    /// The same, on the database of a program.
    pub(crate) async fn token_on(&self, app: &App) -> String {
        let signing = app.identity.signing().expect("keys to sign with");
        signing.sign(app, self.id, self.session).await.expect("a token").0
    }

    /// Makes them a member of an organization.
    pub(crate) async fn join(&self, server: &TestServer, organization: Uuid) {
        store::join(server.app.db.writer(), self.id, organization).await.expect("a row");
        server.app.identity.callers().forget_account(self.id);
    }
}

/// The document of `signIn`.
pub(crate) const SIGN_IN: &str = "mutation($email: EmailAddress!, $password: String!) {
    signIn(input: {email: $email, password: $password}) {
        accessToken refreshToken expiresAt userErrors { code reason message path retryAfterMs } } }";

/// The document of `refreshSession`.
pub(crate) const REFRESH: &str = "mutation($token: String!) { refreshSession(refreshToken: $token) {
    accessToken refreshToken expiresAt viewer { authenticated account { email } }
    userErrors { code reason message path retryAfterMs } } }";

/// The document of `signOut`.
pub(crate) const SIGN_OUT: &str =
    "mutation($token: String!) { signOut(refreshToken: $token) { userErrors { code } } }";

fn tokens(payload: &Value) -> Option<Tokens> {
    let text = |name: &str| payload[name].as_str().map(str::to_owned);
    Some(Tokens { access: text("accessToken")?, refresh: text("refreshToken")? })
}

/// The response to `signIn` with this address and password.
pub(crate) async fn try_sign_in(server: &TestServer, email: &str, password: &str) -> Value {
    server.query_with(SIGN_IN, json!({"email": email, "password": password})).await
}

/// Signs in to an account made by [`account`].
pub(crate) async fn sign_in(server: &TestServer, email: &str) -> Tokens {
    let answer = try_sign_in(server, email, PASSWORD).await;
    tokens(&answer["data"]["signIn"]).unwrap_or_else(|| panic!("{answer}"))
}

/// The tokens of the next refresh, or `None` if the session has ended.
pub(crate) async fn refresh(server: &TestServer, refresh: &str) -> Option<Tokens> {
    let answer = server.query_with(REFRESH, json!({"token": refresh})).await;
    let payload = &answer["data"]["refreshSession"];
    let tokens = tokens(payload);
    if tokens.is_none() {
        assert_eq!(payload["userErrors"][0]["reason"], "SESSION_ENDED", "{answer}");
        assert_eq!(payload["userErrors"][0]["path"], json!(["refreshToken"]), "{answer}");
        assert_eq!(payload["viewer"], Value::Null);
    }
    tokens
}

/// Signs out.
pub(crate) async fn sign_out(server: &TestServer, refresh: &str) {
    let answer = server.query_with(SIGN_OUT, json!({"token": refresh})).await;
    assert_eq!(answer, json!({"data": {"signOut": {"userErrors": []}}}));
}

/// The response to a document sent with this `Authorization` header.
pub(crate) async fn respond(server: &TestServer, header: &str, query: &str) -> reqwest::Response {
    let request = server.client.post(server.url("/graphql")).json(&json!({ "query": query }));
    let request =
        request.header("authorization", header).header("accept", "application/graphql-response+json");
    request.send().await.expect("the server answers")
}

/// The body of the response to a document sent with this access token, valid or not.
pub(crate) async fn query_as(server: &TestServer, token: &str, query: &str) -> Value {
    respond(server, &format!("Bearer {token}"), query).await.json().await.expect("an answer is JSON")
}

/// The data of a document that must succeed without errors.
pub(crate) async fn data_as(server: &TestServer, token: &str, query: &str) -> Value {
    let mut answer = query_as(server, token, query).await;
    assert_eq!(answer.get("errors"), None, "{query}");
    answer["data"].take()
}

/// Whether a request with this token succeeds. A failure must be a correct 401.
pub(crate) async fn is_good(server: &TestServer, token: &str) -> bool {
    is_good_header(server, &format!("Bearer {token}")).await
}

/// Whether a request with this header succeeds. A failure must be a correct 401.
pub(crate) async fn is_good_header(server: &TestServer, header: &str) -> bool {
    let response = respond(server, header, "{ viewer { authenticated } }").await;
    let status = response.status().as_u16();
    let challenge = response.headers().get("www-authenticate").cloned();
    let answer: Value = response.json().await.expect("an answer is JSON");
    if status == 200 {
        assert_eq!(answer, json!({"data": {"viewer": {"authenticated": true}}}));
        return true;
    }
    assert_eq!(status, 401, "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert_eq!(answer.get("data"), None);
    assert_eq!(challenge.expect("a challenge"), "Bearer error=\"invalid_token\"");
    false
}

/// The body of the response to a document with variables, with an access token or anonymous.
pub(crate) async fn ask(server: &TestServer, token: Option<&str>, query: &str, variables: Value) -> Value {
    let request = server.client.post(server.url("/graphql"));
    let request = request.json(&json!({ "query": query, "variables": variables }));
    let request = match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    };
    request.send().await.expect("the server answers").json().await.expect("an answer is JSON")
}

/// The payload of the only mutation of a document.
pub(crate) async fn mutate(server: &TestServer, token: Option<&str>, query: &str, variables: Value) -> Value {
    let mut answer = ask(server, token, query, variables).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    let data = answer["data"].as_object_mut().expect("data");
    data.values_mut().next().expect("a payload").take()
}

/// The code, reason and path of each user error of a payload.
pub(crate) fn refusals(payload: &Value) -> Vec<String> {
    let errors = payload["userErrors"].as_array().expect("errors");
    let said = errors.iter().map(|error| {
        let path: Vec<&str> =
            error["path"].as_array().expect("a path").iter().filter_map(Value::as_str).collect();
        let reason = error["reason"].as_str().map_or_else(String::new, |reason| format!("/{reason}"));
        assert!(!error["message"].as_str().expect("a message").is_empty());
        format!("{}{reason} {}", error["code"].as_str().expect("a code"), path.join("."))
    });
    said.collect()
}

/// The id of an account as the API exposes it.
pub(crate) fn account_id(id: uuid::Uuid) -> String {
    passerelle::kernel::id::encode("account", id)
}
