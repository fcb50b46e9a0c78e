//! Awards: public once the call is AWARDED, as a list, a table and sums.

use serde_json::{Value, json};

use super::{AFTER, ANIMATION, WEB, animation, award, euros, reject, stage, submitted, web};
use crate::mutations::told;
use crate::on_both_databases;
use crate::support::records::each;
use crate::support::server::TestServer;

const AWARDS: &str = "awards { totalCount nodes { id projectTitle genre { slug } amount { amount currency } decidedOn applicant { slug } partners { slug } funder { slug } } }";

async fn awards(by: &TestServer, call: &str) -> Value {
    let data = by.data(&format!("{{ callForProjects(by: {{id: \"{call}\"}}) {{ {AWARDS} lots {{ genre {{ slug }} awarded {{ amount currency }} }} }} }}")).await;
    data["callForProjects"].clone()
}

fn lots(call: &Value) -> Vec<&str> {
    each(&call["lots"], "/awarded/amount")
}

async fn table(by: &TestServer, call: &str) -> (u16, String, String) {
    let response = by.get(&format!("/export/awards.csv?call={call}")).await;
    let header = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), header.unwrap_or_default(), response.text().await.unwrap())
}

const SUMS: &str = "{ statistics { awards { funder { slug } region { slug } genre { slug } amount { amount currency } count } } }";

on_both_databases! {
    async fn awards_are_public_once_the_call_is_awarded(server) {
        let stage = stage(&server).await;
        let mut input = animation();
        input["partners"] = json!(["p", "b"]);
        input["projectTitle"] = json!("=Les \"Petits\", Pas");
        let id = submitted(&stage.member, &stage.call, input).await;
        let theirs = submitted(&stage.other, &stage.call, web("b", "100")).await;
        // The last hour of the day in UTC is the next day in Brussels.
        server.set_clock("2026-11-23T23:30:00Z");
        assert_eq!(told(&award(&stage.wallonie, &id, euros("150000.5"), None).await), [""; 0]);
        server.set_clock("2026-11-24T10:00:00Z");
        assert_eq!(told(&award(&stage.npdc, &theirs, euros("99.9999"), None).await), [""; 0]);
        // Before, each sees the awards of the applications that they see.
        let nothing = json!({"totalCount": 0, "nodes": []});
        for by in [&server, &server.beside(crate::mutations::member(9)).await] {
            let seen = awards(by, &stage.call).await;
            assert_eq!((&seen["awards"], lots(&seen)), (&nothing, vec!["0.00", "0.00"]));
            assert_eq!(by.data(SUMS).await["statistics"]["awards"], json!([]));
        }
        assert_eq!(lots(&awards(&stage.member, &stage.call).await), ["150000.50", "0.00"]);
        assert_eq!(lots(&awards(&stage.other, &stage.call).await), ["0.00", "99.9999"]);
        let seen = awards(&stage.flandre, &stage.call).await;
        assert_eq!((&seen["awards"]["totalCount"], lots(&seen)), (&json!(2), vec!["150000.50", "99.9999"]));
        let first = seen["awards"]["nodes"][0]["id"].as_str().unwrap().to_owned();
        let node = format!("{{ node(id: \"{first}\") {{ ... on Award {{ projectTitle }} }} }}");
        assert_eq!(server.data(&node).await["node"], Value::Null);
        let (_, _, empty) = table(&server, &stage.call).await;
        assert_eq!(empty.lines().count(), 1);
        server.set_clock(AFTER);
        assert_eq!(told(&reject(&stage.flandre, &id, None).await), [""; 0]);
        let seen = awards(&server, &stage.call).await;
        let second = seen["awards"]["nodes"][1]["id"].as_str().unwrap().to_owned();
        assert_eq!(seen["awards"], json!({"totalCount": 2, "nodes": [
            {"id": first, "projectTitle": "=Les \"Petits\", Pas", "genre": {"slug": ANIMATION}, "amount": {"amount": "150000.50", "currency": "EUR"}, "decidedOn": "2026-11-24",
             "applicant": {"slug": "a"}, "partners": [{"slug": "p"}, {"slug": "b"}], "funder": {"slug": "w"}},
            {"id": second, "projectTitle": "Le Canal", "genre": {"slug": WEB}, "amount": {"amount": "99.9999", "currency": "EUR"}, "decidedOn": "2026-11-24",
             "applicant": {"slug": "b"}, "partners": [], "funder": {"slug": "n"}},
        ]}));
        assert_eq!(lots(&seen), ["150000.50", "99.9999"]);
        assert_eq!(server.data(&node).await["node"]["projectTitle"], "=Les \"Petits\", Pas");
        let slug_of = async |slug: &str| server.data(&format!("{{ organization(by: {{slug: \"{slug}\"}}) {{ id }} }}")).await["organization"]["id"].as_str().unwrap().to_owned();
        let [a, b, w, n] = [slug_of("a").await, slug_of("b").await, slug_of("w").await, slug_of("n").await];
        let expected = format!(
            "id,projectTitle,genre,applicantId,applicant,partners,funderId,funder,amount,currency,decidedOn\r\n\
             {first},\"'=Les \"\"Petits\"\", Pas\",{ANIMATION},{a},a,p; b,{w},w,150000.50,EUR,2026-11-24\r\n\
             {second},Le Canal,{WEB},{b},b,,{n},n,99.9999,EUR,2026-11-24\r\n"
        );
        for name in [stage.call.as_str(), "genres"] {
            assert_eq!(table(&server, name).await, (200, "text/csv; charset=utf-8; header=present".to_owned(), expected.clone()));
        }
        let sums = json!([
            {"funder": {"slug": "w"}, "region": {"slug": "wallonie"}, "genre": {"slug": ANIMATION}, "amount": {"amount": "150000.50", "currency": "EUR"}, "count": 1},
            {"funder": {"slug": "n"}, "region": {"slug": "flandre"}, "genre": {"slug": WEB}, "amount": {"amount": "99.9999", "currency": "EUR"}, "count": 1},
        ]);
        assert_eq!(server.data(SUMS).await["statistics"]["awards"], sums);
    }
}

on_both_databases! {
    async fn the_table_is_of_a_call_that_one_sees(server) {
        let stage = stage(&server).await;
        let absent = passerelle::kernel::id::encode("call_for_projects", uuid::Uuid::from_u128(7));
        let missing = table(&server, &absent).await;
        assert_eq!(missing.0, 404);
        let text = |answer: &(u16, String, String)| {
            let mut body: Value = serde_json::from_str(&answer.2).unwrap();
            body["errors"][0]["extensions"]["requestId"] = Value::Null;
            (answer.0, body)
        };
        for name in ["nobody", "%00", "organization_01h455vb4pex5vsknk084sn02q"] {
            assert_eq!(text(&table(&server, name).await), text(&missing), "{name}");
        }
        let hidden = crate::mutations::update(&stage.wallonie, "callForProjects", &stage.call, None, json!({"visibility": "PRIVATE"}), "id").await;
        assert_eq!(told(&hidden), [""; 0]);
        assert_eq!(text(&table(&server, &stage.call).await), text(&missing));
        assert_eq!(table(&stage.wallonie, &stage.call).await.0, 200);
        for path in ["/export/awards.csv", "/export/awards.csv?call="] {
            let response = server.get(path).await;
            assert_eq!(response.status().as_u16(), 400);
        }
        let response = server.client.get(server.url("/export/awards.csv?call=genres")).header("authorization", "Bearer wrong").send().await.unwrap();
        assert_eq!(response.status().as_u16(), 401);
    }
}

on_both_databases! {
    async fn sums_follow_the_regions_and_sectors_of_the_calls(server) {
        let stage = crate::applications::stage_with(&server, json!({"sectors": ["animation"]})).await;
        for _ in 0..3 {
            let id = submitted(&stage.member, &stage.call, web("a", "1000")).await;
            assert_eq!(told(&award(&stage.npdc, &id, euros("333.3333"), None).await), [""; 0]);
        }
        server.set_clock(AFTER);
        let last = submitted_late(&stage).await;
        assert_eq!(last, "CLOSED");
        assert_eq!(passerelle::directory::call_for_projects::turn::run_due(&server.app).await.unwrap(), 1);
        let query = |arguments: &str| format!("{{ statistics{arguments} {{ awards {{ amount {{ amount }} count }} }} }}");
        let whole = json!([{"amount": {"amount": "999.9999"}, "count": 3}]);
        for arguments in ["", "(regions: [\"flandre\"])", "(sectors: [\"animation\"])", "(regions: [\"wallonie\", \"bruxelles-capitale\"])"] {
            assert_eq!(server.data(&query(arguments)).await["statistics"]["awards"], whole, "{arguments}");
        }
        for arguments in ["(regions: [\"bruxelles-capitale\"])", "(sectors: [\"serious-game\"])"] {
            assert_eq!(server.data(&query(arguments)).await["statistics"]["awards"], json!([]), "{arguments}");
        }
        let data = server.data("{ regions { slug statistics { awards { count } } } }").await;
        let of = |slug: &str| data["regions"].as_array().unwrap().iter().find(|region| region["slug"] == slug).unwrap()["statistics"]["awards"].clone();
        assert_eq!((of("flandre"), of("bruxelles-capitale")), (json!([{"count": 3}]), json!([])));
    }
}

/// The code of a submission that comes too late.
async fn submitted_late(stage: &crate::applications::Stage) -> String {
    let answer = crate::applications::apply(&stage.member, &stage.call, animation(), None).await;
    answer["userErrors"][0]["code"].as_str().unwrap().to_owned()
}
