//! Events as calendars: `/export/events.ics`. `tests/clients/run calendar` reads them with a library of others.

use passerelle::identity::traffic::Limits;
use passerelle::kernel::policy::Viewer;
use reqwest::Response;
use reqwest::header::{ACCEPT_LANGUAGE, AUTHORIZATION, IF_NONE_MATCH};
use serde_json::{Value, json};

use crate::mutations::{call, editor, member};
use crate::on_both_databases;
use crate::support::accounts::{account, sign_in};
use crate::support::records::{import, source};
use crate::support::server::{Setup, TestServer};
use passerelle::identity::role::Role;
use sea_orm::EntityTrait as _;

/// A line with an event, with the fields of `more` merged in.
fn event(region: &str, slug: &str, more: &Value) -> Value {
    let mut record = json!({"slug": slug, "region": region, "kind": "market", "status": "SCHEDULED", "timeZone": "Europe/Paris",
        "titles": [{"language": "FR", "text": slug}, {"language": "NL", "text": format!("{slug} in het Nederlands")}]});
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"source": source(region), "externalId": format!("event-{slug}"), "event": record})
}

async fn get(server: &TestServer, query: &str, headers: &[(&str, &str)]) -> Response {
    let request = server.client.get(server.url(&format!("/export/events.ics{query}")));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.send().await.unwrap()
}

/// The unfolded lines of a calendar.
async fn lines(response: Response) -> Vec<String> {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/calendar; charset=utf-8");
    let text = response.text().await.unwrap();
    assert!(
        text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n") && text.ends_with("\r\nEND:VCALENDAR\r\n"),
        "{text}"
    );
    text.replace("\r\n ", "").lines().map(str::to_owned).collect()
}

/// The values of a property, in the order of the calendar.
fn values(lines: &[String], property: &str) -> Vec<String> {
    let values = lines.iter().filter_map(|line| line.strip_prefix(property));
    values
        .filter_map(|line| line.strip_prefix(':').or(line.starts_with(';').then_some(line)))
        .map(str::to_owned)
        .collect()
}

/// The titles of the events of a calendar.
async fn titles(server: &TestServer, query: &str) -> Vec<String> {
    values(&lines(get(server, query, &[]).await).await, "SUMMARY")
}

async fn refusal(response: Response) -> (u16, String, Value) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (
        status,
        body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned(),
        body["errors"][0]["message"].clone(),
    )
}

fn some() -> Vec<Value> {
    vec![
        event(
            "wallonie",
            "winter",
            &json!({"startsAt": "2026-12-01T08:00:00Z", "endsAt": "2026-12-01T17:00:00Z", "timeZone": "Europe/Brussels",
            "regions": ["wallonie", "flandre"], "sectors": ["animation"]}),
        ),
        event(
            "wallonie",
            "summer",
            &json!({"startsAt": "2026-07-01T07:00:00Z", "kind": "festival", "series": "summers", "edition": 1}),
        ),
        event(
            "flandre",
            "back",
            &json!({"startsAt": "2026-10-25T00:30:00Z", "endsAt": "2026-10-25T01:30:00Z"}),
        ),
        event("flandre", "days", &json!({"startsOn": "2026-05-01", "endsOn": "2026-05-03"})),
        event("flandre", "month", &json!({"startsOn": "2026-05"})),
        event("flandre", "undated", &json!({"status": "ANNOUNCED"})),
        event("flandre", "off", &json!({"startsOn": "2026-06-01", "status": "CANCELLED"})),
        event("flandre", "inside", &json!({"startsOn": "2026-05-02", "visibility": "MEMBERS"})),
    ]
}

on_both_databases! {
    async fn events_are_a_calendar_of_what_the_reader_may_see(server) {
        import(&server, &some()).await;
        let all = lines(get(&server, "", &[]).await).await;
        assert_eq!(values(&all, "SUMMARY"), ["days", "off", "summer", "back", "winter"], "by their beginning, without what has no day");
        assert_eq!(
            values(&all, "DTSTART").into_iter().filter(|line| line.starts_with(';')).collect::<Vec<_>>(),
            [";VALUE=DATE:20260501", ";VALUE=DATE:20260601", ";TZID=Europe/Paris:20260701T090000", ";TZID=Europe/Paris:20261025T023000",
                ";TZID=Europe/Brussels:20261201T090000"]
        );
        assert_eq!(values(&all, "DTEND"), [";VALUE=DATE:20260504", "20261025T013000Z", ";TZID=Europe/Brussels:20261201T180000"]);
        assert_eq!(values(&all, "STATUS"), ["CONFIRMED", "CANCELLED", "CONFIRMED", "CONFIRMED", "CONFIRMED"]);
        assert_eq!(values(&all, "SEQUENCE"), ["1", "1", "1", "1", "1"]);
        // A zone stands before the first event that names it.
        let place = |line: &str| all.iter().position(|one| one == line).unwrap();
        assert_eq!(values(&all, "TZID"), ["Europe/Paris", "Europe/Brussels"]);
        assert!(place("TZID:Europe/Brussels") < place("SUMMARY:winter") && place("SUMMARY:back") < place("TZID:Europe/Brussels"));
        // The id of an event is its UID, and its own address is a calendar too.
        let data = server.data("{ event(by: {slug: \"summer\"}) { id updatedAt } }").await;
        let id = data["event"]["id"].as_str().unwrap();
        assert_eq!(values(&all, "UID")[2], id);
        let one = lines(get(&server, &format!("?id={id}"), &[]).await).await;
        assert_eq!(values(&one, "UID"), [id]);
        let changed: String = data["event"]["updatedAt"].as_str().unwrap().chars().filter(|c| !matches!(c, '-' | ':')).take(15).collect();
        assert_eq!(values(&one, "LAST-MODIFIED"), [format!("{changed}Z")]);
        assert_eq!(values(&one, "DTSTAMP"), values(&one, "LAST-MODIFIED"));
        // Members see more.
        let members = server.beside(member(1)).await;
        assert_eq!(titles(&members, "?region=flandre").await, ["days", "inside", "off", "back", "winter"]);
        // What is hidden is answered as what is absent.
        let hidden = members.data("{ event(by: {slug: \"inside\"}) { id } }").await["event"]["id"].as_str().unwrap().to_owned();
        assert_eq!(titles(&members, &format!("?id={hidden}")).await, ["inside"]);
        let absent = refusal(get(&server, "?id=event_01h455vb4pex5vsknk084sn02q", &[]).await).await;
        assert_eq!(absent.0, 404);
        assert_eq!(refusal(get(&server, &format!("?id={hidden}"), &[]).await).await, absent);
    }
}

on_both_databases! {
    async fn calendars_have_the_filters_of_events(server) {
        import(&server, &some()).await;
        for (query, expected) in [
            ("?region=wallonie", vec!["summer", "winter"]),
            ("?region=flandre&kind=market&sector=animation", vec!["winter"]),
            ("?kind=festival,market&region=wallonie", vec!["summer", "winter"]),
            ("?kind=festival", vec!["summer"]),
            ("?series=summers", vec!["summer"]),
            ("?series=winters", vec![]),
            ("?sector=animation&region=", vec!["winter"]),
        ] {
            assert_eq!(titles(&server, query).await, expected, "{query}");
        }
        for (query, word) in [("?region=walonie", "wallonie"), ("?kind=fair", "fair"), ("?sector=x", "x"), ("?id=x", "id"), ("?regions=wallonie", "`region`")] {
            let (status, code, message) = refusal(get(&server, query, &[]).await).await;
            assert_eq!((status, code.as_str()), (400, "BAD_USER_INPUT"), "{query}");
            assert!(message.as_str().unwrap().contains(word), "{query}: {message}");
        }
        // The language of the reader, or of the address, for calendars whose program asks for none.
        for (query, headers) in [("?series=summers&language=nl", vec![]), ("?series=summers", vec![(ACCEPT_LANGUAGE.as_str(), "nl-BE")])] {
            let found = lines(get(&server, query, &headers).await).await;
            assert_eq!(values(&found, "SUMMARY"), ["summer in het Nederlands"]);
            assert_eq!(values(&found, "CATEGORIES"), ["Festival"]);
        }
    }
}

on_both_databases! {
    async fn a_calendar_is_good_until_an_event_changes(server) {
        import(&server, &some()).await;
        let tag = async |query: &str, headers: &[(&str, &str)]| {
            let response = get(&server, query, headers).await;
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["cache-control"], "public, no-cache");
            response.headers()["etag"].to_str().unwrap().to_owned()
        };
        let first = tag("", &[]).await;
        let before = server.statements();
        let known = get(&server, "", &[(IF_NONE_MATCH.as_str(), &first)]).await;
        assert_eq!((known.status().as_u16(), known.bytes().await.unwrap().len()), (304, 0));
        assert_eq!(server.statements() - before, 1, "only the end of the log is read");
        assert_ne!(tag("?region=wallonie", &[]).await, first);
        assert_ne!(tag("", &[(ACCEPT_LANGUAGE.as_str(), "nl")]).await, first);
        assert_eq!(tag("", &[]).await, first);
        // A write raises the sequence and ends what was kept.
        import(&server, &[event("wallonie", "summer", &json!({"startsAt": "2026-07-02T07:00:00Z", "kind": "festival", "series": "summers", "edition": 1}))]).await;
        let changed = get(&server, "?series=summers", &[(IF_NONE_MATCH.as_str(), &first)]).await;
        let changed = lines(changed).await;
        assert_eq!(values(&changed, "SEQUENCE"), ["2"]);
        assert!(values(&changed, "DTSTART").contains(&";TZID=Europe/Paris:20260702T090000".to_owned()), "{changed:?}");
        assert_ne!(tag("", &[]).await, first);
        // Calendars of others are not kept.
        account(&server.app, "ana@example.org", &[(Role::Member, "wallonie")]).await;
        let token = format!("Bearer {}", sign_in(&server, "ana@example.org").await.access);
        let own = get(&server, "", &[(AUTHORIZATION.as_str(), &token)]).await;
        assert_eq!(own.headers()["cache-control"], "no-store");
        assert!(!own.headers().contains_key("etag"));
        assert!(values(&lines(own).await, "SUMMARY").contains(&"inside".to_owned()));
        assert_eq!(get(&server, "", &[(AUTHORIZATION.as_str(), "Bearer x")]).await.status(), 401);
    }
}

on_both_databases! {
    async fn a_long_calendar_comes_page_by_page(server) {
        let many: Vec<Value> = (0..250)
            .map(|n| {
                let day = format!("{}-{:02}-01", 2010 + n / 12, 1 + n % 12);
                event("wallonie", &format!("e{n:03}"), &json!({"startsAt": format!("{day}T07:00:00Z"), "endsAt": format!("{day}T08:00:00Z")}))
            })
            .collect();
        import(&server, &many).await;
        let quiet = server.quiet().await;
        let before = quiet.app.db.statements();
        let all = lines(get(&quiet, "", &[]).await).await;
        assert_eq!(values(&all, "SUMMARY"), (0..250).map(|n| format!("e{n:03}")).collect::<Vec<_>>());
        assert_eq!(values(&all, "TZID"), ["Europe/Paris"]);
        let uids: std::collections::BTreeSet<String> = values(&all, "UID").into_iter().collect();
        assert_eq!(uids.len(), 250);
        let statements = quiet.app.db.statements() - before;
        assert!(statements <= 1 + 3 * 2, "the end of the log, and for each page its events and their parents: {statements}");
    }
}

on_both_databases! {
    with Setup::default().with_limits(Limits { calendars: 2, ..Limits::default() });
    async fn calendars_in_an_hour_are_counted_by_client(server) {
        for _ in 0..2 {
            assert_eq!(get(&server, "", &[]).await.status(), 200);
        }
        let refused = get(&server, "", &[]).await;
        assert_eq!(refused.headers()["retry-after"], "1800");
        assert_eq!(refusal(refused).await.1, "RATE_LIMITED");
        server.pass(1_800_000_000);
        assert_eq!(get(&server, "", &[]).await.status(), 200);
    }
}

on_both_databases! {
    async fn parts_name_the_event_that_they_belong_to(server) {
        let staff = server.beside(Viewer { ..editor(&["wallonie"]) }).await;
        let input = |more: Value| {
            let mut input = json!({"region": "wallonie", "kind": "market", "timeZone": "Europe/Paris", "titles": [{"language": "EN", "text": "T"}],
                "startsOn": "2026-05-01", "address": {"lines": ["1, rue X"], "city": "Namur", "country": "BE", "latitude": 50.46, "longitude": 4.86}});
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            input
        };
        let make = async |more: Value| {
            let made = call(&staff, "createEvent", "event { id }", &[("input", "EventInput!", input(more))]).await;
            assert_eq!(made["userErrors"], json!([]), "{made}");
            made["event"]["id"].as_str().unwrap().to_owned()
        };
        let parent = make(json!({"visibility": "PRIVATE"})).await;
        let part = make(json!({"parent": parent, "venue": "Hall 1", "website": "https://example.org/part", "mode": "HYBRID", "onlineUrl": "https://example.org/secret"})).await;
        // The parent is named to who may see it, and the address online to who takes part.
        let own = lines(get(&staff, &format!("?id={part}"), &[]).await).await;
        assert_eq!(values(&own, "RELATED-TO"), [parent]);
        assert_eq!(values(&own, "CONFERENCE"), [";VALUE=URI:https://example.org/secret"]);
        let anyone = lines(get(&server, &format!("?id={part}"), &[]).await).await;
        assert_eq!(values(&anyone, "RELATED-TO"), [""; 0]);
        assert_eq!(values(&anyone, "CONFERENCE"), [""; 0]);
        assert_eq!(values(&anyone, "LOCATION"), [r"Hall 1\, 1\, rue X\, Namur\, BE"]);
        assert_eq!(values(&anyone, "GEO"), ["50.46;4.86"]);
        assert_eq!(values(&anyone, "URL"), ["https://example.org/part"]);
    }
}

/// The payload of a mutation without arguments, as whom the token belongs to.
async fn mutate(server: &TestServer, token: Option<&str>, mutation: &str) -> Value {
    let request = server
        .client
        .post(server.url("/graphql"))
        .json(&json!({ "query": format!("mutation {{ {mutation} }}") }));
    let request = token.iter().fold(request, reqwest::RequestBuilder::bearer_auth);
    let mut answer: Value = request.send().await.unwrap().json().await.unwrap();
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"].as_object_mut().unwrap().values_mut().next().unwrap().take()
}

const CREATE: &str = "createCalendarAddress { url userErrors { code message } }";
const REVOKE: &str = "revokeCalendarAddress { viewer { account { email } } userErrors { code } }";

/// The query of the calendar whose address an account makes.
async fn address(server: &TestServer, token: &str) -> String {
    let made = mutate(server, Some(token), CREATE).await;
    assert_eq!(made["userErrors"], json!([]));
    let url: url::Url = made["url"].as_str().unwrap().parse().unwrap();
    assert_eq!((url.host_str(), url.path()), (Some("directory.example"), "/export/registrations.ics"));
    url.query().unwrap().to_owned()
}

async fn own(server: &TestServer, query: &str, headers: &[(&str, &str)]) -> Response {
    let request = server.client.get(server.url(&format!("/export/registrations.ics?{query}")));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.send().await.unwrap()
}

async fn register(server: &TestServer, token: &str, slug: &str) -> Value {
    let data = server.data(&format!("{{ event(by: {{slug: \"{slug}\"}}) {{ id }} }}")).await;
    let id = data["event"]["id"].as_str().unwrap();
    let made = mutate(server, Some(token), &format!("registerForEvent(input: {{event: \"{id}\"}}) {{ registration {{ id status }} userErrors {{ code message }} }}")).await;
    assert_eq!(made["userErrors"], json!([]), "{made}");
    made["registration"].clone()
}

on_both_databases! {
    async fn a_secret_address_opens_ones_own_registrations(server) {
        import(&server, &[
            event("wallonie", "open", &json!({"startsAt": "2026-12-01T08:00:00Z", "registrationMode": "OPEN", "capacity": 1, "mode": "HYBRID", "onlineUrl": "https://example.org/live"})),
            event("wallonie", "mission", &json!({"startsOn": "2027-01-15", "registrationMode": "ON_APPROVAL", "visibility": "PUBLIC"})),
            event("wallonie", "other", &json!({"startsOn": "2027-01-16", "registrationMode": "OPEN"})),
        ]).await;
        let ana = account(&server.app, "ana@example.org", &[(Role::Member, "wallonie")]).await;
        account(&server.app, "bob@example.org", &[(Role::Member, "wallonie")]).await;
        let (ana_token, bob_token) = (sign_in(&server, "ana@example.org").await.access, sign_in(&server, "bob@example.org").await.access);
        let first = address(&server, &ana_token).await;
        assert_eq!(values(&lines(own(&server, &first, &[]).await).await, "UID"), [""; 0]);
        let confirmed = register(&server, &ana_token, "open").await;
        assert_eq!(confirmed["status"], "CONFIRMED");
        assert_eq!(register(&server, &ana_token, "mission").await["status"], "REQUESTED");
        assert_eq!(register(&server, &bob_token, "open").await["status"], "WAITLISTED");
        let calendar = lines(own(&server, &first, &[]).await).await;
        let mut found: Vec<(String, String)> = values(&calendar, "SUMMARY").into_iter().zip(values(&calendar, "STATUS")).collect();
        found.sort();
        assert_eq!(found, [("mission".to_owned(), "TENTATIVE".to_owned()), ("open".into(), "CONFIRMED".into())]);
        assert_eq!(values(&calendar, "CONFERENCE"), [";VALUE=URI:https://example.org/live"], "who has a place is told where");
        let other = address(&server, &bob_token).await;
        let waiting = lines(own(&server, &other, &[]).await).await;
        assert_eq!((values(&waiting, "SUMMARY"), values(&waiting, "STATUS")), (vec!["open".to_owned()], vec!["TENTATIVE".to_owned()]));
        assert_eq!(values(&waiting, "CONFERENCE"), [""; 0]);

        // The calendar is kept until something changes, which a cancellation does. The caller's token means nothing here.
        let response = own(&server, &first, &[]).await;
        assert_eq!(response.headers()["cache-control"], "private, no-cache");
        let tag = response.headers()["etag"].to_str().unwrap().to_owned();
        let bearer = format!("Bearer {bob_token}");
        let known = own(&server, &first, &[(IF_NONE_MATCH.as_str(), &tag), (AUTHORIZATION.as_str(), &bearer)]).await;
        assert_eq!(known.status(), 304);
        assert_eq!(known.headers()["cache-control"], "private, no-cache");
        let cancel = format!("cancelRegistration(id: {}) {{ userErrors {{ code }} }}", confirmed["id"]);
        assert_eq!(mutate(&server, Some(&ana_token), &cancel).await["userErrors"], json!([]));
        let after = own(&server, &first, &[(IF_NONE_MATCH.as_str(), &tag)]).await;
        assert_eq!(values(&lines(after).await, "SUMMARY"), ["mission"]);

        // A new address ends the one before, and only the hash of either is in the database.
        let second = address(&server, &ana_token).await;
        assert_ne!(first, second);
        let gone = refusal(own(&server, &first, &[]).await).await;
        assert_eq!(gone.0, 404);
        assert_eq!(refusal(own(&server, "address=passerelle_calendar_x", &[]).await).await, gone);
        assert_eq!(refusal(own(&server, "", &[]).await).await, gone);
        assert_eq!(own(&server, &second, &[]).await.status(), 200);
        let rows = entity::calendar_address::Entity::find().all(server.app.db.writer()).await.unwrap();
        assert_eq!(rows.len(), 2, "one for each account");
        let secret = second.split('=').nth(1).unwrap();
        assert!(rows.iter().all(|row| row.address_hash.len() == 32 && !secret.as_bytes().windows(32).any(|part| part == row.address_hash)));
        assert!(rows.iter().any(|row| row.account_id == ana));
        let revoked = mutate(&server, Some(&ana_token), REVOKE).await;
        assert_eq!(revoked, json!({"viewer": {"account": {"email": "ana@example.org"}}, "userErrors": []}));
        assert_eq!(refusal(own(&server, &second, &[]).await).await, gone);
        assert_eq!(own(&server, &other, &[]).await.status(), 200);
    }
}

on_both_databases! {
    with Setup::default().with_limits(Limits::default());
    async fn only_accounts_have_a_calendar(server) {
        let key = crate::feed::clients::key(&server, "CRM", "wallonie").await.1;
        for token in [None, Some(key.as_str())] {
            for mutation in [CREATE, REVOKE] {
                assert_eq!(mutate(&server, token, mutation).await["userErrors"][0]["code"], "FORBIDDEN", "{token:?} {mutation}");
            }
        }
        account(&server.app, "ana@example.org", &[(Role::Member, "wallonie")]).await;
        let token = sign_in(&server, "ana@example.org").await.access;
        for _ in 0..20 {
            address(&server, &token).await;
        }
        let answer: Value = server.client.post(server.url("/graphql")).bearer_auth(&token)
            .json(&json!({ "query": format!("mutation {{ {CREATE} }}") })).send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], "RATE_LIMITED", "{answer}");
        assert_eq!(answer["errors"][0]["extensions"]["retryAfterMs"], 180_000);
    }
}
