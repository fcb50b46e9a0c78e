//! Calls for projects: how they are written, confirmed and listed, and how their status turns with the clock.

use serde_json::{Value, json};

use crate::mutations::{admin, call, made, studio};
use crate::support::server::TestServer;

mod clock;
mod comparing;
mod confirming;
mod finding;
mod sharing;
mod writing;

/// The type's name in arguments of [`crate::mutations`].
const OF: &str = "callForProjects";

/// The fields that tests of the money read.
const MONEY: &str = "id slug revision fund { amount currency } contributions { organization { slug } amount { amount } confirmed confirmedAt declinedAt }
    lots { genre { slug } ceiling { amount } budget { amount } funders { organization { slug } amount { amount } } }";

/// Organizations `w` and `w2` of Wallonia, `f` of Flanders and `n` of Nord-Pas-de-Calais, by their slugs.
async fn funders(server: &TestServer) -> Vec<String> {
    let all = server.beside(admin()).await;
    let mut ids = Vec::new();
    for (region, slug) in
        [("wallonie", "w"), ("flandre", "f"), ("nord-pas-de-calais", "n"), ("wallonie", "w2")]
    {
        ids.push(made(&all, "organization", studio(region, slug)).await);
    }
    ids
}

fn euros(amount: &str) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

/// What an organization gives.
fn gives(organization: &str, amount: &str) -> Value {
    json!({"organization": organization, "amount": euros(amount)})
}

/// The input of a call of Wallonia, with the fields of `more`.
fn input(more: Value) -> Value {
    let mut input = json!({"region": "wallonie", "titles": [{"language": "FR", "text": "Nouveaux genres"}]});
    if let (Value::Object(into), Value::Object(more)) = (&mut input, more) {
        into.extend(more);
    }
    input
}

/// Confirms or declines for a funder.
async fn says(server: &TestServer, word: &str, id: &str, organization: &str) -> Value {
    let arguments = [("id", "ID!", json!(id)), ("organization", "ID!", json!(organization))];
    call(server, &format!("{word}Contribution"), &format!("callForProjects {{ {MONEY} }}"), &arguments).await
}

/// The contributions of a call, each with its organization, amount and `+` where it counts or `-` where it was declined,
/// and the fund.
fn money(call: &Value) -> String {
    let each = call["contributions"].as_array().expect("contributions").iter().map(|one| {
        let mark = match (one["confirmed"] == true, one["declinedAt"].is_null()) {
            (true, true) => "+",
            (false, false) => "-",
            (false, true) => "",
            (true, false) => panic!("{one}"),
        };
        let slug = one["organization"]["slug"].as_str().expect("a slug");
        format!("{slug}{mark} {}", one["amount"]["amount"].as_str().expect("an amount"))
    });
    let fund = call["fund"]["amount"].as_str().unwrap_or("nothing");
    format!("{} = {fund}", each.collect::<Vec<_>>().join(", "))
}

/// A call as the viewer of a server sees it.
async fn seen(server: &TestServer, id: &str, fields: &str) -> Value {
    let data = server.data(&format!("{{ callForProjects(by: {{id: \"{id}\"}}) {{ {fields} }} }}")).await;
    data["callForProjects"].clone()
}

/// The slugs of the calls that fit a filter, as it is written in a query.
async fn listed(server: &TestServer, filter: &str) -> Vec<String> {
    let query = format!("{{ callsForProjects(first: 100{filter}) {{ totalCount nodes {{ slug }} }} }}");
    let data = server.data(&query).await;
    let list = &data["callsForProjects"];
    let slugs: Vec<String> =
        crate::support::records::each(&list["nodes"], "/slug").into_iter().map(str::to_owned).collect();
    assert_eq!(list["totalCount"], json!(slugs.len()), "{query}");
    slugs
}
