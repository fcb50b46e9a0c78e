//! Hidden data cannot be found, suggested, counted or highlighted.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use passerelle::kernel;
use passerelle::kernel::policy::Viewer;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::on_both_databases;
use crate::support::records::{each, import, organization, partnership, talent};
use crate::support::server::{Setup, TestServer};

const SEARCH: &str = "query($q: String!, $filter: SearchFilter) {
  search(query: $q, filter: $filter, facets: [TYPE, REGION, TERRITORY, SECTOR, KIND, OCCUPATION, SKILL, LANGUAGE,
      AVAILABILITY]) {
    estimatedTotalCount edges { highlights { snippet } }
    nodes { ... on Record { slug } }
    facets { facet values { value count } } }
  suggest(prefix: $q, filter: $filter) { text } }";

/// Whether a response has no hits, counts or suggestions.
fn is_empty(answer: &Value) -> bool {
    let found = &answer["data"]["search"];
    let none = |list: &Value| list.as_array().is_some_and(Vec::is_empty);
    let facets = found["facets"].as_array().map(Vec::as_slice).unwrap_or_default();
    found["estimatedTotalCount"] == 0
        && none(&found["nodes"])
        && none(&found["edges"])
        && facets.len() == 9
        && facets.iter().all(|facet| none(&facet["values"]))
        && none(&answer["data"]["suggest"])
}

fn text(language: &str, text: &str) -> Value {
    json!([{ "language": language, "text": text }])
}

/// Records with a unique word in every restricted field.
async fn fill(server: &TestServer) {
    let wallonie = |slug: &str, more: Value| talent("wallonie", slug, more);
    import(
        server,
        &[
            wallonie(
                "open",
                json!({"displayName": "Openia", "biographies": text("FR", "biozark pour tous"),
                    "email": "mailozark@canary.example", "phone": "+32 4 123 45 67",
                    "availability": "AVAILABLE", "identifiers": [{"scheme": "ISNI", "value": "0000000121032683"}],
                    "claims": [{"field": "headline", "value": "claimozark", "source": {"title": "sourceozark"}}]}),
            ),
            wallonie(
                "choosy",
                json!({"displayName": "Choosia", "biographies": text("FR", "biomemb pour les membres"),
                    "availability": "AVAILABLE", "fieldVisibility": [
                        {"group": "BIOGRAPHY", "visibility": "MEMBERS"},
                        {"group": "AVAILABILITY", "visibility": "PUBLIC"}]}),
            ),
            wallonie(
                "shy",
                json!({"displayName": "Shyla", "biographies": text("FR", "bioprivat pour personne"),
                    "availability": "AVAILABLE", "email": "mailopriv@canary.example", "fieldVisibility": [
                        {"group": "BIOGRAPHY", "visibility": "PRIVATE"},
                        {"group": "AVAILABILITY", "visibility": "PRIVATE"}]}),
            ),
            wallonie(
                "inside",
                json!({"displayName": "Membrova", "nameVariants": ["Membrovariant"], "skills": ["membroskill"],
                    "headlines": text("FR", "membrohead"), "visibility": "MEMBERS"}),
            ),
            wallonie(
                "hidden",
                json!({"displayName": "Privatova", "nameVariants": ["Privatovariant"], "skills": ["privatoskill"],
                    "headlines": text("FR", "privatohead"), "visibility": "PRIVATE"}),
            ),
            organization("wallonie", "org-open", json!({"name": "Opernorg", "email": "orgmail@canary.example",
                "phone": "+32 4 765 43 21"})),
            organization("wallonie", "org-inside", json!({"name": "Membrorg", "acronym": "MBXQ",
                "otherNames": ["Membrotherorg"], "descriptions": text("FR", "membrodesc"),
                "address": {"country": "BE", "city": "Membrocity"}, "visibility": "MEMBERS"})),
            organization("wallonie", "org-hidden", json!({"name": "Privatorg", "acronym": "PVXQ",
                "otherNames": ["Privatotherorg"], "descriptions": text("FR", "privatodesc"),
                "address": {"country": "BE", "city": "Privatocity"}, "visibility": "PRIVATE"})),
            partnership("wallonie", "pact-inside", &["org-open", "org-inside"],
                json!({"titles": text("EN", "Membropact"), "descriptions": text("EN", "membropactdesc")})),
            partnership("wallonie", "pact-hidden", &["org-open", "org-hidden"],
                json!({"titles": text("EN", "Privatopact"), "descriptions": text("EN", "privatopactdesc")})),
        ],
    )
    .await;
    server.indexed().await;
}

/// Words with the viewers who find something by them. Contact data and mere claims cannot be searched. Private
/// records are in no index and are found by name alone.
const WORDS: &[(&str, &[&str])] = &[
    ("openia", &["anonymous", "member", "staff", "neighbour", "owner", "admin"]),
    ("biozark", &["anonymous", "member", "staff", "neighbour", "owner", "admin"]),
    ("mailozark", &[]),
    ("mailopriv", &[]),
    ("canary.example", &[]),
    ("orgmail", &[]),
    ("4567", &[]),
    ("0000000121032683", &[]),
    ("claimozark", &[]),
    ("biomemb", &["member", "staff", "neighbour", "owner", "admin"]),
    ("bioprivat", &[]),
    ("membrova", &["member", "staff", "neighbour", "owner", "admin"]),
    ("membrovariant", &["member", "staff", "neighbour", "owner", "admin"]),
    ("membroskill", &["member", "staff", "neighbour", "owner", "admin"]),
    ("membrohead", &["member", "staff", "neighbour", "owner", "admin"]),
    ("membrorg", &["member", "staff", "neighbour", "owner", "admin"]),
    ("mbxq", &["member", "staff", "neighbour", "owner", "admin"]),
    ("membrotherorg", &["member", "staff", "neighbour", "owner", "admin"]),
    ("membrodesc", &["member", "staff", "neighbour", "owner", "admin"]),
    ("membrocity", &["member", "staff", "neighbour", "owner", "admin"]),
    ("membropact", &["member", "staff", "neighbour", "owner", "admin"]),
    ("membropactdesc", &["member", "staff", "neighbour", "owner", "admin"]),
    ("privatova", &["staff", "owner", "admin"]),
    ("priv", &["staff", "owner", "admin"]),
    ("privatovariant", &[]),
    ("privatoskill", &[]),
    ("privatohead", &[]),
    ("privatorg", &["staff", "admin"]),
    ("pvxq", &[]),
    ("privatotherorg", &[]),
    ("privatodesc", &[]),
    ("privatocity", &[]),
    ("privatopact", &["staff", "admin"]),
    ("privatopactdesc", &[]),
];

async fn viewers(server: &TestServer) -> Vec<(&'static str, Viewer)> {
    let admin = server.beside(Viewer { signed_in: true, admin: true, ..Viewer::anonymous() }).await;
    let answer = admin.data(r#"{ talent(by: {slug: "hidden"}) { id } }"#).await;
    let id = answer["talent"]["id"].as_str().expect("an id");
    let id = kernel::id::decode("id", "talent", id).expect("a TypeID");
    let member = Viewer { signed_in: true, ..Viewer::anonymous() };
    let staff = |region: &str| Viewer { staff_of: BTreeSet::from([region.to_owned()]), ..member.clone() };
    vec![
        ("anonymous", Viewer::anonymous()),
        ("member", member.clone()),
        ("staff", staff("wallonie")),
        ("neighbour", staff("flandre")),
        ("owner", Viewer { owns: BTreeSet::<Uuid>::from([id]), ..member.clone() }),
        ("admin", Viewer { admin: true, ..member }),
    ]
}

on_both_databases! {
    with Setup::default().with_search();
    async fn hidden_words_find_nothing(server) {
        fill(&server).await;
        let mut wrong = String::new();
        for (name, viewer) in viewers(&server).await {
            let beside = server.beside(viewer).await;
            for (word, finders) in WORDS {
                let answer = beside.query_with(SEARCH, json!({ "q": word })).await;
                if is_empty(&answer) == finders.contains(&name) {
                    let _ = write!(wrong, "\n{name}: {word}: {answer}");
                }
            }
            // A hidden availability is neither counted nor matched by a filter.
            let talents = json!({ "q": "", "filter": { "regions": ["wallonie"], "availability": ["AVAILABLE"] } });
            let answer = beside.query_with(SEARCH, talents).await;
            let expected: &[&str] = if name == "anonymous" { &["choosy"] } else { &["choosy", "open"] };
            if each(&answer["data"]["search"]["nodes"], "/slug") != expected
                || answer["data"]["search"]["estimatedTotalCount"] != expected.len()
            {
                let _ = write!(wrong, "\n{name}: availability: {answer}");
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
    }
}

on_both_databases! {
    with Setup::default().with_search();
    async fn an_index_that_lags_shows_no_hits(server) {
        let line = |visibility: &str| talent("wallonie", "leaver",
            json!({"displayName": "Leavelin", "visibility": visibility}));
        import(&server, &[line("PUBLIC")]).await;
        server.indexed().await;
        assert!(!is_empty(&server.query_with(SEARCH, json!({ "q": "leavelin" })).await));
        server.stop_following().await;
        import(&server, &[line("PRIVATE")]).await;
        let answer = server.query_with(SEARCH, json!({ "q": "leavelin" })).await;
        let found = &answer["data"]["search"];
        assert_eq!((&found["nodes"], &found["edges"], &answer["data"]["suggest"]), (&json!([]), &json!([]), &json!([])));
    }
}
