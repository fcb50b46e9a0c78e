//! Registrations for events: places, waiting lists, approval, and who sees them.

use passerelle::identity::role::{Grant, Role};
use passerelle::kernel::id;
use passerelle::kernel::value::Language;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::mutations::number;
use crate::support::accounts::{Person, ask, mutate, refusals};
use crate::support::records::{import, source};
use crate::support::server::TestServer;

mod erased;
mod life;
mod mails;
mod races;
mod refused;
mod seen;

/// The fields of a registration that tests compare.
const FIELDS: &str = "registration { id status place listed message name email organization { slug } event { slug seatsLeft } }
    userErrors { code reason path message }";

/// A line with an event of Wallonia in ten days, for which anybody registers.
fn event(slug: &str, more: Value) -> Value {
    let mut record = json!({"slug": slug, "region": "wallonie", "kind": "assises", "titles": [{"language": "FR", "text": slug}],
        "startsAt": "2026-12-02T09:00:00Z", "endsAt": "2026-12-02T17:00:00Z", "timeZone": "Europe/Brussels",
        "registrationMode": "OPEN"});
    if let (Value::Object(record), Value::Object(more)) = (&mut record, more) {
        record.extend(more);
    }
    json!({"source": source("wallonie"), "externalId": format!("evt-{slug}"), "overwrite": true, "event": record})
}

/// Writes an event, and returns its id.
async fn made(server: &TestServer, slug: &str, more: Value) -> String {
    import(server, &[event(slug, more)]).await;
    let data = server
        .beside(crate::mutations::admin())
        .await
        .data(&format!("{{ event(by: {{slug: \"{slug}\"}}) {{ id }} }}"))
        .await;
    data["event"]["id"].as_str().expect("an id").to_owned()
}

/// Somebody who acts in a test, with an access token.
struct Actor {
    person: Person,
    token: String,
}

impl Actor {
    /// A person without roles, who reads French.
    async fn new(server: &TestServer, name: &str) -> Self {
        Self::with(server, name, Language::Fr, &[]).await
    }

    /// A person with roles. An empty region means a role without a region.
    async fn with(server: &TestServer, name: &str, language: Language, roles: &[(Role, &str)]) -> Self {
        let region = |region: &str| Some(region.to_owned()).filter(|region| !region.is_empty());
        let grants = roles.iter().map(|(role, of)| Grant { role: *role, region: region(of) }).collect();
        let person = Person::new(server, name, language, grants).await;
        let token = person.token(server).await;
        Self { person, token }
    }

    /// A new access token, where the clock was moved.
    async fn again(&mut self, server: &TestServer) {
        self.token = self.person.token(server).await;
    }

    /// The payload of a mutation, of which `arguments` is a text.
    async fn call(&self, server: &TestServer, call: &str, arguments: &str) -> Value {
        mutate(
            server,
            Some(&self.token),
            &format!("mutation {{ {call}({arguments}) {{ {FIELDS} }} }}"),
            json!({}),
        )
        .await
    }

    async fn try_register(&self, server: &TestServer, event: &str, more: &str) -> Value {
        self.call(server, "registerForEvent", &format!("input: {{event: \"{event}\" {more}}}")).await
    }

    /// Registers, which must succeed.
    async fn register(&self, server: &TestServer, event: &str) -> Value {
        let payload = self.try_register(server, event, "").await;
        assert_eq!(refusals(&payload), [""; 0]);
        payload["registration"].clone()
    }

    /// A mutation with the id of a registration alone.
    async fn on(&self, server: &TestServer, call: &str, registration: &Value) -> Value {
        let id = registration["id"].as_str().expect("an id");
        self.call(server, call, &format!("id: \"{id}\"")).await
    }

    /// The data of a document.
    async fn data(&self, server: &TestServer, query: &str) -> Value {
        let mut answer = ask(server, Some(&self.token), query, json!({})).await;
        assert_eq!(answer.get("errors"), None, "{query}");
        answer["data"].take()
    }
}

/// Whoever writes the records of Wallonia.
async fn editor(server: &TestServer) -> Actor {
    Actor::with(server, "editor", Language::En, &[(Role::Editor, "wallonie")]).await
}

/// The status and the place in the waiting list of each registration for an event, in their order, as its editor sees them.
async fn standings(server: &TestServer, editor: &Actor, event: &str) -> Vec<String> {
    let query = format!(
        "{{ event(by: {{id: \"{event}\"}}) {{ registrations(first: 100) {{ nodes {{ name status place }} }} }} }}"
    );
    let data = editor.data(server, &query).await;
    let nodes = data["event"]["registrations"]["nodes"].as_array().expect("a list").iter();
    let line = |node: &Value| {
        let place = node["place"].as_i64().map_or_else(String::new, |place| format!(" {place}"));
        format!(
            "{} {}{place}",
            node["name"].as_str().expect("a name"),
            node["status"].as_str().expect("a status")
        )
    };
    nodes.map(line).collect()
}

/// The places that are left at an event, as everybody sees them.
async fn seats_left(server: &TestServer, event: &str) -> Value {
    let data = server.data(&format!("{{ event(by: {{id: \"{event}\"}}) {{ seatsLeft }} }}")).await;
    data["event"]["seatsLeft"].clone()
}

/// Checks that the counts of taken places are those of the registrations.
async fn counts_are_right(server: &TestServer) {
    let wrong = "SELECT COUNT(*) FROM event_seats AS s WHERE s.confirmed <> (SELECT COUNT(*) FROM event_registration AS g \
                 WHERE g.event_id = s.event_id AND g.status = 'CONFIRMED')";
    let uncounted = "SELECT COUNT(*) FROM event_registration AS g WHERE NOT EXISTS \
                     (SELECT 1 FROM event_seats AS s WHERE s.event_id = g.event_id AND s.last_at >= g.registered_at)";
    assert_eq!((number(server, wrong).await, number(server, uncounted).await), (0, 0));
}

/// The id in the database.
fn uuid(id: &str) -> Uuid {
    id::decode_any("", id).expect("an id").1
}
