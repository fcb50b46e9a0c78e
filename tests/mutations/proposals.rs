//! Change proposals by members of organizations, and their review by writers of the region.

use passerelle::directory::proposal::{MAX_PENDING, store};
use passerelle::housekeeping;
use passerelle::kernel::id;
use passerelle::kernel::policy::Viewer;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    admin, call, delete, editor, logged, made, member, number, owner, person, reason, studio, told, update,
};
use crate::on_both_databases;
use crate::support::server::TestServer;

const FIELDS: &str = "proposal { id state own comment decision baseRevision changes { field value } organization { name } decidedAt } organization { name revision }";

/// Proposes a change.
async fn propose(by: &TestServer, organization: &str, change: Value, more: Value) -> Value {
    let mut input = json!({"organization": organization, "change": change});
    input.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    call(by, "proposeChange", FIELDS, &[("input", "ProposeChangeInput!", input)]).await
}

/// Proposes a change, which must succeed, and returns the proposal's id.
async fn proposed(by: &TestServer, organization: &str, change: Value) -> String {
    let answer = propose(by, organization, change, json!({})).await;
    assert_eq!(answer["userErrors"], json!([]));
    answer["proposal"]["id"].as_str().unwrap().to_owned()
}

async fn review(by: &TestServer, id: &str, accept: bool, base: Option<i32>) -> Value {
    let arguments = [
        ("id", "ID!", json!(id)),
        ("accept", "Boolean!", json!(accept)),
        ("comment", "String", json!("Why.")),
        ("baseRevision", "Int", json!(base)),
    ];
    call(by, "reviewProposal", FIELDS, &arguments).await
}

async fn withdraw(by: &TestServer, id: &str) -> Value {
    call(by, "withdrawProposal", FIELDS, &[("id", "ID!", json!(id))]).await
}

/// Another member of the same organization.
fn colleague(id: &str) -> Viewer {
    Viewer { account: Some(Uuid::from_u128(7)), ..owner(id) }
}

/// A Walloon organization, its editor, and a member of it.
async fn studio_with_member(server: &TestServer) -> (String, TestServer, TestServer) {
    let editor = server.beside(editor(&["wallonie"])).await;
    let id = made(&editor, "organization", studio("wallonie", "a")).await;
    let member = server.beside(owner(&id)).await;
    (id, editor, member)
}

const COUNT: &str = "SELECT COUNT(*) FROM proposal";

on_both_databases! {
    async fn a_member_proposes_and_an_editor_accepts_or_refuses(server) {
        let (id, editor, member) = studio_with_member(&server).await;
        let before = logged(&server).await;
        let change = json!({"name": "B", "acronym": null, "sectors": ["animation"]});
        let answer = propose(&member, &id, change, json!({"comment": "A new name.", "baseRevision": 1})).await;
        assert_eq!(answer["userErrors"], json!([]));
        let shown = answer["proposal"].clone();
        assert_eq!(shown["changes"], json!([{"field": "name", "value": "\"B\""}, {"field": "acronym", "value": "null"}, {"field": "sectors", "value": "[\"animation\"]"}]));
        assert_eq!(([&shown["state"], &shown["own"], &shown["comment"], &shown["baseRevision"], &shown["organization"]["name"]], &answer["organization"]),
            ([&json!("PENDING"), &json!(true), &json!("A new name."), &json!(1), &json!("a")], &Value::Null), "the organization is unchanged");
        assert_eq!(logged(&server).await, before);
        let answer = review(&editor, shown["id"].as_str().unwrap(), true, Some(1)).await;
        assert_eq!(answer["userErrors"], json!([]));
        assert_eq!(answer["organization"], json!({"name": "B", "revision": 2}));
        assert_eq!([&answer["proposal"]["state"], &answer["proposal"]["decision"], &answer["proposal"]["own"], &answer["proposal"]["decidedAt"]],
            [&json!("ACCEPTED"), &json!("Why."), &json!(false), &json!("2026-11-22T10:00:00Z")]);
        assert_eq!(logged(&server).await, before + 1);
        let second = proposed(&member, &id, json!({"name": "C"})).await;
        let answer = review(&editor, &second, false, None).await;
        assert_eq!((&answer["proposal"]["state"], &answer["organization"], told(&answer)), (&json!("REFUSED"), &Value::Null, vec![]));
        let third = proposed(&member, &id, json!({"name": "D"})).await;
        assert_eq!(withdraw(&member, &third).await["proposal"]["state"], "WITHDRAWN");
        // Decisions are final.
        for decided in [&second, &third] {
            for answer in [review(&editor, decided, true, None).await, withdraw(&member, decided).await] {
                assert_eq!((told(&answer), reason(&answer)), (vec!["NOT_ALLOWED_IN_STATE id".to_owned()], "PROPOSAL_DECIDED"));
            }
        }
        assert_eq!(logged(&server).await, before + 1);
        let data = editor.data(&format!("{{ history(id: \"{id}\") {{ nodes {{ action revision fields actorId }} }} }}")).await;
        let actions: Vec<&str> = data["history"]["nodes"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["WITHDRAW_PROPOSAL", "PROPOSE", "REFUSE_PROPOSAL", "PROPOSE", "ACCEPT_PROPOSAL", "UPDATE", "PROPOSE", "CREATE"]);
        let entry = &data["history"]["nodes"][4];
        assert_eq!((&entry["revision"], &entry["fields"], &entry["actorId"]), (&json!(2), &json!(["name", "acronym", "sectors"]), &json!(id::encode("account", Uuid::from_u128(1)))));
    }
}

on_both_databases! {
    async fn all_that_is_wrong_is_said_when_it_is_proposed(server) {
        let (id, editor, member) = studio_with_member(&server).await;
        let wrong = json!({"name": "", "kind": "wrong", "slug": "É", "memberOf": ["nobody"], "descriptions": [{"language": "FR", "text": "<b>"}]});
        let answer = propose(&member, &id, wrong, json!({"comment": "x".repeat(2001)})).await;
        assert_eq!(told(&answer), ["REQUIRED input.change.name", "INVALID input.change.slug", "INVALID input.change.kind", "INVALID input.change.descriptions.0.text", "NOT_FOUND input.change.memberOf.0", "TOO_LONG input.comment"]);
        let answer = propose(&member, &id, json!({"name": "a"}), json!({})).await;
        assert_eq!((told(&answer), reason(&answer)), (vec!["INVALID input.change".to_owned()], "NOTHING_PROPOSED"));
        let answer = propose(&member, &id, json!({"name": "b"}), json!({"baseRevision": 9})).await;
        assert_eq!((told(&answer), &answer["organization"]["revision"]), (vec!["CONFLICT input.baseRevision".to_owned()], &json!(1)));
        let texts: Vec<Value> = ["FR", "NL", "EN", "DE"].map(|language| json!({"language": language, "text": "x".repeat(20_000)})).to_vec();
        let claims: Vec<Value> = (0..2).map(|_| json!({"field": "name", "value": "x".repeat(15_000), "source": {"title": "t"}})).collect();
        assert_eq!(told(&propose(&member, &id, json!({"descriptions": texts, "claims": claims}), json!({})).await), ["TOO_LONG input.change"]);
        // A change of region may be proposed. Only an editor of both regions can accept it.
        let moved = proposed(&member, &id, json!({"region": "flandre"})).await;
        assert_eq!(told(&review(&editor, &moved, true, None).await), ["FORBIDDEN change.region"]);
        let both = server.beside(super::editor(&["wallonie", "flandre"])).await;
        assert_eq!(review(&both, &moved, true, None).await["organization"]["revision"], 2);
        // Members of organizations cannot propose changes of talents.
        let talent = made(&both, "talent", person("flandre", "t")).await;
        let query = format!("mutation {{ proposeChange(input: {{organization: \"{talent}\", change: {{name: \"x\"}}}}) {{ userErrors {{ code }} }} }}");
        assert_eq!(member.code(&query).await, "BAD_USER_INPUT");
    }
}

on_both_databases! {
    async fn only_members_propose_and_nobody_else_hears_of_it(server) {
        let (id, wallonie, member) = studio_with_member(&server).await;
        let list = "{ proposals { totalCount nodes { id organization { slug } } } }";
        let proposal = proposed(&member, &id, json!({"name": "b"})).await;
        let (before, nothing) = (logged(&server).await, "proposal_7zzzzzzzzzzzzzzzzzzzzzzzzz");
        let others = [
            (Viewer::anonymous(), "NOT_SIGNED_IN"),
            (super::member(9), "NOT_A_MEMBER"),
            (editor(&["flandre"]), "NOT_A_MEMBER"),
            (colleague(&id), ""),
            (Viewer { staff_of: ["wallonie".to_owned()].into(), ..super::member(9) }, "NOT_A_MEMBER"),
            (Viewer { machine: true, ..owner(&id) }, "NOT_A_MEMBER"),
        ];
        for (viewer, why) in others {
            let (by, anonymous) = (server.beside(viewer.clone()).await, viewer == Viewer::anonymous());
            let seen = server.statements();
            assert_eq!(by.data(list).await["proposals"], json!({"totalCount": 0, "nodes": []}));
            assert_eq!(server.statements() - seen, 2, "as many as with visible proposals");
            for id in [proposal.as_str(), nothing] {
                let answers = [review(&by, id, true, None).await, review(&by, id, false, Some(7)).await, withdraw(&by, id).await];
                for answer in answers {
                    assert_eq!(told(&answer), [if anonymous { "FORBIDDEN id" } else { "NOT_FOUND id" }], "{viewer:?}");
                    assert_eq!(answer["proposal"], Value::Null);
                }
            }
            if !why.is_empty() {
                let answer = propose(&by, &id, json!({"name": "", "kind": "wrong"}), json!({"baseRevision": 7})).await;
                assert_eq!((told(&answer), reason(&answer)), (vec!["FORBIDDEN input.organization".to_owned()], why));
            }
        }
        let seen = server.statements();
        assert_eq!(wallonie.data("{ proposals { totalCount nodes { id } } }").await["proposals"]["totalCount"], 1);
        assert_eq!(server.statements() - seen, 2);
        for by in [&wallonie, &member, &server.beside(admin()).await] {
            assert_eq!(by.data(list).await["proposals"], json!({"totalCount": 1, "nodes": [{"id": proposal, "organization": {"slug": "a"}}]}));
        }
        assert_eq!(reason(&review(&member, &proposal, true, None).await), "OTHERS_REVIEW");
        assert_eq!(reason(&withdraw(&wallonie, &proposal).await), "NOT_YOUR_PROPOSAL");
        // Without membership, hidden and absent organizations give the same response.
        let mut private = studio("wallonie", "p");
        private["visibility"] = json!("PRIVATE");
        let hidden = made(&wallonie, "organization", private).await;
        let stranger = server.beside(super::member(9)).await;
        let answers = [propose(&stranger, &hidden, json!({"name": "x"}), json!({})).await, propose(&stranger, "organization_7zzzzzzzzzzzzzzzzzzzzzzzzz", json!({"name": "x"}), json!({})).await];
        assert_eq!((told(&answers[0]), &answers[0]), (vec!["NOT_FOUND input.organization".to_owned()], &answers[1]));
        // A proposal to join a hidden organization does not reveal it.
        assert_eq!(told(&propose(&member, &id, json!({"memberOf": ["p"]}), json!({})).await), ["NOT_FOUND input.change.memberOf.0"]);
        assert_eq!((logged(&server).await, number(&server, COUNT).await), (before + 1, 1));
    }
}

on_both_databases! {
    async fn what_has_moved_on_is_a_conflict_only_where_it_matters(server) {
        let (id, editor, member) = studio_with_member(&server).await;
        let name = proposed(&member, &id, json!({"name": "b"})).await;
        let place = proposed(&member, &id, json!({"territory": "namur"})).await;
        let sectors = proposed(&member, &id, json!({"sectors": ["animation"]})).await;
        assert_eq!(told(&update(&editor, "organization", &id, None, json!({"name": "c", "seatRegion": "flandre", "website": "https://a.example/"}), "id").await), [""; 0]);
        let before = logged(&server).await;
        let answer = review(&editor, &name, true, None).await;
        assert_eq!((told(&answer), reason(&answer), &answer["organization"], &answer["proposal"]["state"]),
            (vec!["CONFLICT id".to_owned()], "CHANGED_SINCE", &json!({"name": "c", "revision": 2}), &json!("PENDING")));
        assert_eq!(reason(&review(&editor, &place, true, None).await), "CHANGED_SINCE", "the region of the seat follows the territory");
        let answer = review(&editor, &sectors, true, Some(1)).await;
        assert_eq!((told(&answer), &answer["organization"]["revision"]), (vec!["CONFLICT baseRevision".to_owned()], &json!(2)));
        assert_eq!(logged(&server).await, before);
        assert_eq!(review(&editor, &sectors, true, Some(2)).await["organization"]["revision"], 3);
        // A field changed and changed back counts as unchanged.
        assert_eq!(told(&update(&editor, "organization", &id, None, json!({"name": "a"}), "id").await), [""; 0]);
        assert_eq!(review(&editor, &name, true, None).await["organization"], json!({"name": "b", "revision": 5}));
        assert_eq!(told(&review(&editor, &place, false, None).await), [""; 0]);
        // A proposal that cannot be applied any more is refused with the usual errors, and stays pending.
        made(&editor, "organization", studio("wallonie", "free")).await;
        let slug = proposed(&member, &id, json!({"slug": "wanted"})).await;
        made(&editor, "organization", studio("wallonie", "wanted")).await;
        let answer = review(&editor, &slug, true, None).await;
        assert_eq!((told(&answer), &answer["proposal"]["state"]), (vec!["NOT_UNIQUE change.slug".to_owned()], &json!("PENDING")));
    }
}

on_both_databases! {
    async fn of_several_reviewers_at_once_one_decides(server) {
        let (id, editor, member) = studio_with_member(&server).await;
        for round in 0..4 {
            let proposal = proposed(&member, &id, json!({"name": format!("n{round}")})).await;
            let calls = (0..6).map(|n| review(&editor, &proposal, n % 2 == 0, None));
            let answers = futures::future::join_all(calls).await;
            let (good, late): (Vec<&Value>, Vec<&Value>) = answers.iter().partition(|answer| answer["userErrors"] == json!([]));
            assert_eq!(good.len(), 1, "{answers:?}");
            assert!(late.iter().all(|answer| reason(answer) == "PROPOSAL_DECIDED"));
            let data = editor.data(&format!("{{ node(id: \"{id}\") {{ ... on Organization {{ name }} }} }}")).await;
            assert_eq!(data["node"]["name"] == json!(format!("n{round}")), good[0]["proposal"]["state"] == "ACCEPTED");
        }
    }
}

on_both_databases! {
    async fn so_many_wait_for_an_answer_and_no_more(server) {
        let (id, editor, member) = studio_with_member(&server).await;
        let limit = usize::try_from(MAX_PENDING).unwrap();
        let names: Vec<String> = (0..limit + 5).map(|n| format!("n{n}")).collect();
        let calls = names.iter().map(|name| propose(&member, &id, json!({"name": name}), json!({})));
        let answers = futures::future::join_all(calls).await;
        let refused: Vec<&Value> = answers.iter().filter(|answer| answer["userErrors"] != json!([])).collect();
        assert_eq!(refused.len(), 5);
        for answer in refused {
            assert_eq!((told(answer), reason(answer)), (vec!["TOO_MANY input.organization".to_owned()], "TOO_MANY_PROPOSALS"));
        }
        // The list is paged, newest first, and can be filtered.
        let data = editor.data("{ proposals(first: 15) { nodes { id } pageInfo { hasNextPage endCursor } totalCount } }").await;
        let first = &data["proposals"];
        assert_eq!((first["nodes"].as_array().map(Vec::len), &first["pageInfo"]["hasNextPage"], &first["totalCount"]), (Some(15), &json!(true), &json!(limit)));
        let last = first["nodes"][14]["id"].as_str().unwrap();
        assert_eq!(withdraw(&member, last).await["userErrors"], json!([]));
        let query = format!("{{ proposals(after: {}, filter: {{states: [PENDING], organization: \"{id}\"}}) {{ nodes {{ id }} totalCount pageInfo {{ hasNextPage }} }} }}", first["pageInfo"]["endCursor"]);
        let rest = &editor.data(&query).await["proposals"];
        assert_eq!((rest["nodes"].as_array().map(Vec::len), &rest["totalCount"], &rest["pageInfo"]["hasNextPage"]), (Some(limit - 15), &json!(limit - 1), &json!(false)));
        proposed(&member, &id, json!({"name": "there is room again"})).await;
    }
}

on_both_databases! {
    async fn proposals_go_when_they_are_not_needed_any_more(server) {
        let (id, editor, member) = studio_with_member(&server).await;
        let other = server.beside(colleague(&id)).await;
        let names = |name: &str| json!({"descriptions": [{"language": "FR", "text": format!("By {name} \"quoted\"")}]});
        let talent = made(&editor, "talent", person("wallonie", "ana-canary")).await;
        proposed(&member, &id, names("ana-canary")).await;
        propose(&other, &id, json!({"name": "z"}), json!({"comment": format!("see {talent}")})).await;
        let kept = proposed(&other, &id, names("somebody")).await;
        assert_eq!(number(&server, COUNT).await, 3);
        let db = &server.app.db;
        let uuid = |text: &str| id::decode_any("", text).unwrap().1;
        store::purge_talent(db.writer(), db.dialect(), uuid(&talent)).await.unwrap();
        assert_eq!(number(&server, COUNT).await, 1, "proposals that name the talent are gone");
        store::purge_mentions(db.writer(), db.dialect(), &["By somebody else".into()]).await.unwrap();
        assert_eq!(number(&server, COUNT).await, 1);
        let mine = proposed(&member, &id, json!({"name": "y"})).await;
        assert_eq!(told(&review(&editor, &mine, false, None).await), [""; 0]);
        store::purge_account(db.writer(), db.dialect(), Uuid::from_u128(7)).await.unwrap();
        assert_eq!(number(&server, COUNT).await, 1, "proposals of the account are gone");
        assert_eq!(told(&withdraw(&other, &kept).await), ["NOT_FOUND id"]);
        store::purge_account(db.writer(), db.dialect(), Uuid::from_u128(1)).await.unwrap();
        assert_eq!(number(&server, "SELECT COUNT(*) FROM proposal WHERE decided_by IS NULL").await, 1, "the reviewer is removed");
        // Decided proposals are kept for 90 days.
        let waiting = proposed(&member, &id, json!({"name": "x"})).await;
        server.set_clock("2027-02-20T10:00:00Z");
        assert_eq!(housekeeping::sweep(&server.app).await.unwrap().proposals, 0);
        server.set_clock("2027-02-20T10:00:01Z");
        assert_eq!(housekeeping::sweep(&server.app).await.unwrap().proposals, 1);
        // A merge moves the proposals to the survivor. Deleting the organization deletes them.
        let survivor = made(&editor, "organization", studio("wallonie", "s")).await;
        let arguments = [("survivor", "ID!", json!(survivor)), ("duplicate", "ID!", json!(id))];
        assert_eq!(told(&call(&editor, "mergeOrganizations", "organization { id }", &arguments).await), [""; 0]);
        let data = editor.data(&format!("{{ proposals(filter: {{organization: \"{id}\"}}) {{ nodes {{ id organization {{ id }} }} }} }}")).await;
        assert_eq!(data["proposals"]["nodes"], json!([{"id": waiting, "organization": {"id": survivor}}]));
        assert_eq!(reason(&review(&editor, &waiting, true, None).await), "CHANGED_SINCE");
        assert_eq!(told(&delete(&editor, "organization", &survivor, None).await), [""; 0]);
        assert_eq!(number(&server, COUNT).await, 0);
    }
}

on_both_databases! {
    async fn nobody_of_no_organization_proposes(server) {
        let (id, ..) = studio_with_member(&server).await;
        let answer = propose(&server.beside(member(3)).await, &id, json!({"name": "b"}), json!({})).await;
        assert_eq!(reason(&answer), "NOT_A_MEMBER");
        assert_eq!(number(&server, "SELECT COUNT(*) FROM proposal").await, 0);
    }
}
