//! Who sees an application, and who learns nothing of it.

use passerelle::kernel::policy::Viewer;
use serde_json::{Value, json};

use super::{
    AFTER, FIELDS, MEMBER, animation, apply, award, change, euros, id_of, nothing, reject, remove, stage,
    submitted, tell, web,
};
use crate::mutations::{admin, editor, member, number, reason, told, update};
use crate::on_both_databases;
use crate::support::records::each;
use crate::support::server::TestServer;

/// What a viewer sees of the applications to a call, and the number of statements.
async fn seen(by: &TestServer, call: &str, more: &str) -> (Vec<String>, u64) {
    let before = by.statements();
    let query = format!(
        "{{ callForProjects(by: {{id: \"{call}\"}}) {{ applications{more} {{ totalCount nodes {{ projectTitle status }} }} }} }}"
    );
    let data = by.data(&query).await;
    let list = &data["callForProjects"]["applications"];
    let mut found: Vec<String> = each(&list["nodes"], "/status").into_iter().map(str::to_owned).collect();
    // Those of one instant have no order that a test knows.
    found.sort();
    assert_eq!(list["totalCount"], json!(found.len()));
    (found, by.statements() - before)
}

on_both_databases! {
    async fn applicants_and_the_staff_of_the_funders_see_it_and_nobody_else(server) {
        let stage = stage(&server).await;
        let draft = id_of(&apply(&stage.member, &stage.call, animation(), None).await);
        let id = submitted(&stage.member, &stage.call, animation()).await;
        let theirs = submitted(&stage.other, &stage.call, web("b", "5")).await;
        let both = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        assert_eq!(seen(&stage.member, &stage.call, "").await.0, both(&["DRAFT", "SUBMITTED"]));
        assert_eq!(seen(&stage.member, &stage.call, "(statuses: [DRAFT])").await.0, both(&["DRAFT"]));
        assert_eq!(seen(&stage.other, &stage.call, "").await.0, both(&["SUBMITTED"]));
        let staff = server.beside(Viewer { staff_of: ["flandre".to_owned()].into(), ..member(8) }).await;
        for by in [&stage.wallonie, &stage.flandre, &stage.npdc, &staff, &server.beside(admin()).await] {
            assert_eq!(seen(by, &stage.call, "").await.0, both(&["SUBMITTED", "SUBMITTED"]));
            assert_eq!(seen(by, &stage.call, "(statuses: [DRAFT, AWARDED])").await.0, both(&[]));
            assert_eq!(seen(by, &stage.call, "(statuses: [])").await.0.len(), 2, "an empty list filters nothing");
            let data = by.data(&format!("{{ nodes(ids: [\"{id}\", \"{theirs}\", \"{draft}\"]) {{ id }} viewer {{ applications {{ totalCount }} }} }}")).await;
            assert_eq!((each(&data["nodes"], "/id").len(), &data["nodes"][2], &data["viewer"]["applications"]["totalCount"]), (2, &Value::Null, &json!(0)));
        }
        // For others they are absent: the same answers, errors and statements as for what is not there.
        let funder = server.data("{ organization(by: {slug: \"w\"}) { id } }").await["organization"]["id"].as_str().unwrap().to_owned();
        let others = [
            Viewer::anonymous(),
            member(9),
            editor(&["bruxelles-capitale"]),
            Viewer { writes: ["wallonie".to_owned()].into(), ..member(9) },
            crate::applications::member_of(9, &funder),
            Viewer { machine: true, ..member(9) },
        ];
        for viewer in others {
            let by = server.beside(viewer.clone()).await;
            let (found, statements) = seen(&by, &stage.call, "").await;
            assert_eq!(found, both(&[]), "{viewer:?}");
            assert_eq!(seen(&by, &stage.call, "").await.1, statements);
            for query in [
                format!("{{ node(id: \"ID\") {{ id ... on Application {{ {FIELDS} }} }} }}"),
                "{ history(id: \"ID\") { totalCount nodes { action } } }".to_owned(),
            ] {
                let mut answers = Vec::new();
                for one in [&id, &draft, &nothing()] {
                    let before = by.statements();
                    answers.push((by.query(&query.replace("ID", one)).await, by.statements() - before));
                }
                assert!(answers.iter().all(|answer| *answer == answers[2]), "{viewer:?} {answers:?}");
            }
            let code = if viewer == Viewer::anonymous() { "FORBIDDEN" } else { "NOT_FOUND" };
            for one in [&id, &draft, &nothing()] {
                let answers = [
                    change(&by, one, Some(7), json!({"requested": euros("-1")})).await, tell(&by, "submit", one).await, tell(&by, "withdraw", one).await, remove(&by, one).await,
                    tell(&by, "shortlist", one).await, award(&by, one, euros("-1"), Some("w")).await, reject(&by, one, Some("ghost")).await,
                ];
                for answer in answers {
                    assert_eq!(told(&answer), [format!("{code} id")], "{viewer:?}");
                }
            }
        }
        // Another applicant neither, and its own is not theirs to decide on.
        for answer in [change(&stage.other, &id, None, json!({"summary": "x"})).await, tell(&stage.other, "withdraw", &id).await, award(&stage.other, &id, euros("1"), None).await] {
            assert_eq!(told(&answer), ["NOT_FOUND id"]);
        }
        for answer in [tell(&stage.member, "shortlist", &id).await, award(&stage.member, &id, euros("1"), Some("w")).await, reject(&stage.member, &id, None).await] {
            assert_eq!((told(&answer), reason(&answer)), (vec!["FORBIDDEN id".to_owned()], "ONLY_FUNDERS_DECIDE"));
        }
        // Staff who may not write, and funders of other lots, see it and do not decide.
        for by in [&staff, &stage.npdc] {
            assert_eq!(reason(&award(by, &id, euros("1"), None).await), "ONLY_FUNDERS_DECIDE");
        }
        for answer in [change(&stage.wallonie, &id, None, json!({"summary": "x"})).await, tell(&stage.wallonie, "withdraw", &id).await, tell(&stage.wallonie, "submit", &id).await] {
            assert_eq!((told(&answer), reason(&answer)), (vec!["FORBIDDEN id".to_owned()], "NOT_OF_THE_APPLICANT"));
        }
        assert_eq!(number(&server, "SELECT COUNT(*) FROM application WHERE revision > 2").await, 0, "nothing was written");
    }
}

on_both_databases! {
    async fn only_members_apply_for_an_organization_to_a_call_that_they_see(server) {
        let stage = stage(&server).await;
        let owner = server.data("{ organization(by: {slug: \"a\"}) { id } }").await["organization"]["id"].as_str().unwrap().to_owned();
        let machine = Viewer { machine: true, ..crate::applications::member_of(9, &owner) };
        for viewer in [member(9), editor(&["wallonie"]), admin(), machine] {
            let by = server.beside(viewer).await;
            let answer = apply(&by, &stage.call, animation(), None).await;
            assert_eq!((told(&answer), reason(&answer)), (vec!["FORBIDDEN input.applicant".to_owned()], "NOT_OF_THE_APPLICANT"));
        }
        assert_eq!(reason(&apply(&server, &stage.call, animation(), None).await), "NOT_SIGNED_IN");
        assert_eq!(reason(&apply(&stage.other, &stage.call, animation(), None).await), "NOT_OF_THE_APPLICANT");
        // It is not handed over to an organization of others.
        let id = id_of(&apply(&stage.member, &stage.call, animation(), None).await);
        assert_eq!(told(&change(&stage.member, &id, None, json!({"applicant": "b"})).await), ["FORBIDDEN input.applicant"]);
        assert_eq!(told(&change(&stage.member, &id, None, json!({"applicant": null})).await), ["REQUIRED input.applicant"]);
        // A call that is hidden is like one that is not there.
        let absent = passerelle::kernel::id::encode("call_for_projects", uuid::Uuid::from_u128(7));
        assert_eq!(told(&update(&stage.wallonie, "callForProjects", &stage.call, None, json!({"visibility": "PRIVATE"}), "id").await), [""; 0]);
        let hidden = apply(&stage.member, &stage.call, animation(), None).await;
        let missing = apply(&stage.member, &absent, animation(), None).await;
        assert_eq!(hidden.to_string().replace(&stage.call, "ID"), missing.to_string().replace(&absent, "ID"));
        assert_eq!(told(&hidden), ["NOT_FOUND call"]);
        for answer in [tell(&stage.member, "submit", &id).await, change(&stage.member, &id, None, json!({"summary": "x"})).await] {
            assert_eq!(told(&answer), ["NOT_FOUND id"], "so is its application");
        }
        let data = stage.member.data(&format!("{{ node(id: \"{id}\") {{ id }} viewer {{ applications {{ totalCount nodes {{ id }} }} }} }}")).await;
        assert_eq!(data, json!({"node": null, "viewer": {"applications": {"totalCount": 0, "nodes": []}}}));
        assert_eq!(server.code(&format!("mutation {{ createApplication(call: \"{id}\", input: {{}}) {{ userErrors {{ code }} }} }}")).await, "BAD_USER_INPUT");
    }
}

on_both_databases! {
    async fn whoever_sees_an_application_sees_its_applicant_and_who_has_decided(server) {
        let stage = stage(&server).await;
        let all = server.beside(admin()).await;
        let id = submitted(&stage.member, &stage.call, {
            let mut input = animation();
            input["partners"] = json!(["p"]);
            input
        }).await;
        assert_eq!(told(&award(&stage.wallonie, &id, euros("1"), None).await), [""; 0]);
        for slug in ["a", "p", "w"] {
            let data = all.data(&format!("{{ organization(by: {{slug: \"{slug}\"}}) {{ id }} }}")).await;
            assert_eq!(told(&update(&all, "organization", data["organization"]["id"].as_str().unwrap(), None, json!({"visibility": "PRIVATE"}), "id").await), [""; 0]);
        }
        let query = format!("{{ node(id: \"{id}\") {{ ... on Application {{ applicant {{ slug }} partners {{ slug }} decisions {{ funder {{ slug }} }} }} }} }}");
        let whole = json!({"node": {"applicant": {"slug": "a"}, "partners": [], "decisions": [{"funder": {"slug": "w"}}]}});
        assert_eq!(stage.flandre.data(&query).await, whole, "partners have not shown themselves");
        assert_eq!(stage.member.data(&query).await, whole);
        assert_eq!(stage.wallonie.data(&query).await["node"]["partners"], json!([{"slug": "p"}]));
        // An award hides both, where they are hidden.
        server.set_clock(AFTER);
        assert_eq!(told(&reject(&stage.flandre, &id, None).await), [""; 0]);
        let awards = format!("{{ callForProjects(by: {{id: \"{}\"}}) {{ status awards {{ totalCount nodes {{ projectTitle applicant {{ slug }} partners {{ slug }} funder {{ slug }} }} }} }} statistics {{ awards {{ funder {{ slug }} region {{ slug }} amount {{ amount }} count }} }} }}", stage.call);
        let data = server.data(&awards).await;
        assert_eq!(data["callForProjects"], json!({"status": "AWARDED", "awards": {"totalCount": 1, "nodes": [{"projectTitle": "Les Petits Pas", "applicant": null, "partners": [], "funder": null}]}}));
        assert_eq!(data["statistics"]["awards"], json!([{"funder": null, "region": null, "amount": {"amount": "1.00"}, "count": 1}]));
        let data = all.data(&awards).await;
        assert_eq!(data["statistics"]["awards"], json!([{"funder": {"slug": "w"}, "region": {"slug": "wallonie"}, "amount": {"amount": "1.00"}, "count": 1}]));
    }
}

on_both_databases! {
    async fn a_list_takes_the_same_statements_whatever_its_length(server) {
        let stage = stage(&server).await;
        let below = "{ totalCount nodes { status call { slug } applicant { slug } partners { slug } awarded { amount } decisions { funder { slug } } } }";
        let queries = [
            format!("{{ callForProjects(by: {{id: \"{}\"}}) {{ applications {below} }} }}", stage.call),
            format!("{{ viewer {{ applications {below} }} }}"),
        ];
        let mut counts = Vec::new();
        for _ in 0..2 {
            for _ in 0..3 {
                let id = submitted(&stage.member, &stage.call, animation()).await;
                assert_eq!(told(&award(&stage.wallonie, &id, euros("1"), None).await), [""; 0]);
            }
            for query in &queries {
                let before = server.statements();
                stage.member.data(query).await;
                counts.push(server.statements() - before);
            }
        }
        // A level takes one statement for each relation that is selected, and one for its total: the call, the page, its total,
        // and four relations of its applications.
        assert_eq!(counts, [7, 6, 7, 6]);
        // Pages go on where they ended, in both directions.
        let query = |more: &str| format!("{{ viewer {{ applications({more}) {{ nodes {{ id }} pageInfo {{ hasNextPage hasPreviousPage endCursor startCursor }} }} }} }}");
        let all = stage.member.data(&query("first: 100")).await["viewer"]["applications"]["nodes"].clone();
        let first = stage.member.data(&query("first: 4")).await["viewer"]["applications"].clone();
        let rest = stage.member.data(&query(&format!("first: 4, after: {}", first["pageInfo"]["endCursor"]))).await["viewer"]["applications"].clone();
        assert_eq!([each(&first["nodes"], "/id"), each(&rest["nodes"], "/id")].concat(), each(&all, "/id"));
        assert_eq!((&first["pageInfo"]["hasNextPage"], &rest["pageInfo"]["hasNextPage"]), (&json!(true), &json!(false)));
        // A cursor is good in its own list only.
        let answer = stage.wallonie.query(&format!("{{ callForProjects(by: {{id: \"{}\"}}) {{ applications(after: {}) {{ totalCount }} }} }}", stage.call, first["pageInfo"]["endCursor"])).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
        assert_eq!(answer["errors"][0]["path"], json!(["callForProjects", "applications"]));
        let account = passerelle::kernel::id::encode("account", uuid::Uuid::from_u128(MEMBER));
        let id = each(&all, "/id")[0].to_owned();
        // The staff see what was done, and by whom; the applicant does not.
        let history = format!("{{ history(id: \"{id}\") {{ nodes {{ action revision fields actorId }} }} }}");
        assert_eq!(stage.member.data(&history).await["history"]["nodes"], json!([]));
        let nodes = stage.flandre.data(&history).await["history"]["nodes"].clone();
        assert_eq!(each(&nodes, "/action"), ["UPDATE", "UPDATE", "CREATE"]);
        assert_eq!(nodes[2], json!({"action": "CREATE", "revision": 1, "actorId": account,
            "fields": ["status", "genre", "projectTitle", "applicant", "requested", "projectBudget", "episodes", "minutes"]}));
        assert_eq!((&nodes[1]["fields"], &nodes[0]["fields"]), (&json!(["status"]), &json!(["status"])));
    }
}
