//! Applications to calls for projects: how they are written, submitted and decided, and who sees them.

use passerelle::kernel::id;
use passerelle::kernel::policy::Viewer;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::mutations::{admin, call, editor, made, member, studio};
use crate::support::server::TestServer;

mod awards;
mod deciding;
mod mails;
mod moving;
mod races;
mod seeing;
mod writing;

/// The fields that tests read of an application.
const FIELDS: &str = "id status revision genre { slug } projectTitle summary applicant { slug } partners { slug }
    requested { amount currency } projectBudget { amount currency } episodes minutes links { label url } awarded { amount currency }
    submittedAt decidedAt decisions { funder { slug } status amount { amount currency } note decidedAt }";

/// The instants of the call: it is open at the beginning of a test.
const OPENS: &str = "2026-11-20T00:00:00Z";
const CLOSES: &str = "2026-12-01T12:00:00Z";
const LAST: &str = "2026-12-01T12:00:00Z";
const AFTER: &str = "2026-12-01T12:00:01Z";

const ANIMATION: &str = "pilote-serie-animation";
const WEB: &str = "webdocumentaire";

fn euros(amount: &str) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

/// What an organization gives.
fn gives(organization: &str, amount: &str) -> Value {
    json!({"organization": organization, "amount": euros(amount)})
}

/// A call with its funders and its applicants. The funders are `w` and `w2` of Wallonia, `f` of Flanders and `n` of
/// Nord-Pas-de-Calais; `a` and `b` apply, and `p` is a partner.
struct Stage {
    call: String,
    /// A member of `a`.
    member: TestServer,
    /// A member of `b`.
    other: TestServer,
    wallonie: TestServer,
    flandre: TestServer,
    npdc: TestServer,
}

/// The account of the member of an applicant.
const MEMBER: u128 = 21;
const OTHER: u128 = 22;

/// A member of an organization.
fn member_of(account: u128, organization: &str) -> Viewer {
    let (_, organization) = id::decode_any("", organization).expect("an id");
    Viewer { owns: [organization].into(), ..member(account) }
}

/// The input of the call, with the fields of `more`.
fn input(more: Value) -> Value {
    let mut input = json!({
        "slug": "genres", "region": "wallonie", "titles": [{"language": "FR", "text": "Nouveaux genres"}], "timeZone": "Europe/Brussels",
        "opensAt": OPENS, "closesAt": CLOSES,
        "contributions": [gives("w", "600000"), gives("w2", "100000"), gives("f", "250000"), gives("n", "350000")],
        "lots": [
            {"genre": ANIMATION, "ceiling": euros("250000"), "funders": [gives("w", "250000"), gives("f", "250000")],
             "minEpisodes": 10, "maxEpisodes": 30, "minMinutes": "3", "maxMinutes": "5.5", "maxAidShare": "0.50",
             "eligibleRegions": ["wallonie", "flandre"]},
            {"genre": WEB},
        ],
    });
    if let (Value::Object(into), Value::Object(more)) = (&mut input, more) {
        into.extend(more);
    }
    input
}

async fn stage_with(server: &TestServer, more: Value) -> Stage {
    let all = server.beside(admin()).await;
    let mut ids = Vec::new();
    for (region, slug) in [
        ("wallonie", "w"),
        ("wallonie", "w2"),
        ("flandre", "f"),
        ("nord-pas-de-calais", "n"),
        ("wallonie", "a"),
        ("flandre", "b"),
        ("wallonie", "p"),
    ] {
        ids.push(made(&all, "organization", studio(region, slug)).await);
    }
    let call = made(&all, "callForProjects", input(more)).await;
    Stage {
        call,
        member: server.beside(member_of(MEMBER, &ids[4])).await,
        other: server.beside(member_of(OTHER, &ids[5])).await,
        wallonie: server.beside(editor(&["wallonie"])).await,
        flandre: server.beside(editor(&["flandre"])).await,
        npdc: server.beside(editor(&["nord-pas-de-calais"])).await,
    }
}

async fn stage(server: &TestServer) -> Stage {
    stage_with(server, json!({})).await
}

/// A whole application of `a` to the lot for animation.
fn animation() -> Value {
    json!({
        "genre": ANIMATION, "projectTitle": "Les Petits Pas", "applicant": "a", "requested": euros("200000"),
        "projectBudget": euros("400000"), "episodes": 26, "minutes": "5",
    })
}

/// A whole application to the lot that shares the fund.
fn web(applicant: &str, amount: &str) -> Value {
    json!({"genre": WEB, "projectTitle": "Le Canal", "applicant": applicant, "requested": euros(amount)})
}

async fn apply(by: &TestServer, to: &str, input: Value, key: Option<&str>) -> Value {
    let arguments = [
        ("call", "ID!", json!(to)),
        ("input", "ApplicationInput!", input),
        ("idempotencyKey", "String", json!(key)),
    ];
    call(by, "createApplication", &format!("application {{ {FIELDS} }}"), &arguments).await
}

async fn change(by: &TestServer, id: &str, base: Option<i32>, input: Value) -> Value {
    let arguments = [
        ("id", "ID!", json!(id)),
        ("baseRevision", "Int", json!(base)),
        ("input", "ApplicationInput!", input),
    ];
    call(by, "updateApplication", &format!("application {{ {FIELDS} }}"), &arguments).await
}

/// A mutation that takes the id alone: `submit`, `withdraw` or `shortlist`.
async fn tell(by: &TestServer, word: &str, id: &str) -> Value {
    let name = format!("{word}Application");
    call(by, &name, &format!("application {{ {FIELDS} }}"), &[("id", "ID!", json!(id))]).await
}

async fn remove(by: &TestServer, id: &str) -> Value {
    call(by, "deleteApplication", "deletedId", &[("id", "ID!", json!(id))]).await
}

async fn award(by: &TestServer, id: &str, amount: Value, funder: Option<&str>) -> Value {
    let arguments = [
        ("id", "ID!", json!(id)),
        ("amount", "MoneyInput!", amount),
        ("funder", "ID", json!(funder)),
        ("note", "String", json!("Good.")),
    ];
    call(by, "awardApplication", &format!("application {{ {FIELDS} }}"), &arguments).await
}

async fn reject(by: &TestServer, id: &str, funder: Option<&str>) -> Value {
    let arguments =
        [("id", "ID!", json!(id)), ("funder", "ID", json!(funder)), ("note", "String", json!("Not now."))];
    call(by, "rejectApplication", &format!("application {{ {FIELDS} }}"), &arguments).await
}

/// The id of an application that was made.
fn id_of(answer: &Value) -> String {
    assert_eq!(answer["userErrors"], json!([]), "{answer}");
    answer["application"]["id"].as_str().expect("an id").to_owned()
}

/// Makes an application and submits it.
async fn submitted(by: &TestServer, to: &str, input: Value) -> String {
    let id = id_of(&apply(by, to, input, None).await);
    assert_eq!(tell(by, "submit", &id).await["application"]["status"], "SUBMITTED");
    id
}

/// The status of the call, as everybody sees it.
async fn status(server: &TestServer, id: &str) -> String {
    let data = server.data(&format!("{{ callForProjects(by: {{id: \"{id}\"}}) {{ status }} }}")).await;
    data["callForProjects"]["status"].as_str().expect("a status").to_owned()
}

/// The path and the reason of each error.
fn reasons(answer: &Value) -> Vec<String> {
    let errors = answer["userErrors"].as_array().expect("a list of errors").iter();
    let shown = errors.map(|error| {
        let path: Vec<&str> = error["path"]
            .as_array()
            .expect("a path")
            .iter()
            .map(|part| part.as_str().expect("a part"))
            .collect();
        format!("{} {}", path.join("."), error["reason"].as_str().or(error["code"].as_str()).expect("a code"))
    });
    shown.collect()
}

/// An id that nothing has.
fn nothing() -> String {
    id::encode("application", Uuid::from_u128(7))
}
