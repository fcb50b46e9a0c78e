//! Visibility: the policy's function and its SQL agree, and hidden records are like absent ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use passerelle::kernel::policy::{Facts, Viewer, Visibility, may_see};
use passerelle::kernel::reader::Reader;
use passerelle::kernel::value::LanguagePreferences;
use passerelle::schema::{Schema, schema};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::on_both_databases;
use crate::support::records::{affiliation, each, import, organization, partnership, talent};
use crate::support::server::TestServer;

const REGIONS: [&str; 2] = ["wallonie", "flandre"];
const LEVELS: [&str; 3] = ["PUBLIC", "MEMBERS", "PRIVATE"];

/// A small directory in which every record has its own visibility.
#[derive(Clone, Debug)]
struct Plan {
    organizations: Vec<(usize, usize)>,
    talents: Vec<(usize, usize, usize)>,
    affiliations: BTreeSet<(usize, usize)>,
    partnerships: Vec<(usize, usize, Vec<usize>)>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let organizations = prop::collection::vec((0..2usize, 0..3usize), 6);
    let talents = prop::collection::vec((0..2usize, 0..3usize, 0..3usize), 6);
    let affiliations = prop::collection::btree_set((0..6usize, 0..6usize), 10);
    let parties = prop::sample::subsequence((0..6usize).collect::<Vec<_>>(), 2..4);
    let partnerships = prop::collection::vec((0..2usize, 0..3usize, parties), 8);
    (organizations, talents, affiliations, partnerships).prop_map(
        |(organizations, talents, affiliations, partnerships)| Plan {
            organizations,
            talents,
            affiliations,
            partnerships,
        },
    )
}

impl Plan {
    fn lines(&self) -> Vec<Value> {
        let mut lines = Vec::new();
        for (i, (region, level)) in self.organizations.iter().enumerate() {
            lines.push(organization(
                REGIONS[*region],
                &format!("o{i}"),
                json!({"visibility": LEVELS[*level]}),
            ));
        }
        for (i, (region, level, group)) in self.talents.iter().enumerate() {
            let groups = json!([{"group": "AFFILIATIONS", "visibility": LEVELS[*group]}]);
            let more = json!({"visibility": LEVELS[*level], "fieldVisibility": groups});
            lines.push(talent(REGIONS[*region], &format!("t{i}"), more));
        }
        for (t, o) in &self.affiliations {
            let region = REGIONS[self.talents[*t].0];
            lines.push(affiliation(region, &format!("t{t}"), &format!("o{o}"), json!({})));
        }
        for (i, (region, level, parties)) in self.partnerships.iter().enumerate() {
            let parties: Vec<String> = parties.iter().map(|o| format!("o{o}")).collect();
            let parties: Vec<&str> = parties.iter().map(String::as_str).collect();
            lines.push(partnership(
                REGIONS[*region],
                &format!("p{i}"),
                &parties,
                json!({"visibility": LEVELS[*level]}),
            ));
        }
        lines
    }
}

/// Whether an affiliation of a plan is disputed.
fn is_disputed(t: usize, o: usize) -> bool {
    (t + o).is_multiple_of(4)
}

/// Marks these affiliations as disputed by the talents.
async fn dispute(server: &TestServer, plan: &Plan) {
    for (t, o) in plan.affiliations.iter().filter(|(t, o)| is_disputed(*t, *o)) {
        let sql = format!(
            "UPDATE affiliation SET disputed_by = 'TALENT', visibility = 2 WHERE id IN \
             (SELECT record_id FROM sync_record WHERE external_id = 'aff-t{t}-o{o}')"
        );
        server.app.db.writer().execute_unprepared(&sql).await.expect("a statement");
    }
}

fn facts(region: usize, level: usize, id: Uuid) -> Facts {
    let visibility = [Visibility::Public, Visibility::Members, Visibility::Private][level];
    Facts { visibility, region: REGIONS[region].to_owned(), id, parts: Vec::new() }
}

fn viewers(ids: &BTreeMap<String, Uuid>) -> Vec<Viewer> {
    let signed_in = Viewer { signed_in: true, ..Viewer::default() };
    let staff = |regions: &[&str]| Viewer {
        staff_of: regions.iter().map(|r| (*r).to_owned()).collect(),
        ..signed_in.clone()
    };
    let owner =
        |slugs: &[&str]| Viewer { owns: slugs.iter().map(|slug| ids[*slug]).collect(), ..signed_in.clone() };
    vec![
        Viewer::anonymous(),
        signed_in.clone(),
        staff(&["wallonie"]),
        staff(&["flandre"]),
        staff(&["wallonie", "flandre"]),
        owner(&["t0"]),
        owner(&["t1", "o1"]),
        owner(&["o0", "p0"]),
        Viewer { owns: [ids["o2"]].into(), ..staff(&["flandre"]) },
        Viewer { writes: ["wallonie".to_owned()].into(), ..signed_in.clone() },
        Viewer { writes: ["wallonie".to_owned()].into(), ..staff(&["flandre"]) },
        Viewer { admin: true, ..Viewer::default() },
    ]
}

/// The response for a viewer, executed without HTTP, where all requests have the same viewer.
async fn answer(server: &TestServer, schema: &Schema, viewer: &Viewer, query: &str) -> Value {
    let now = server.app.clock.now();
    let reader = Reader::new(Arc::clone(&server.app.db), viewer.clone(), LanguagePreferences::default(), now);
    let response = schema.execute(async_graphql::Request::new(query).data(reader)).await;
    assert_eq!(response.errors, [], "{query}");
    response.data.into_json().expect("an answer is JSON")
}

const EVERYTHING: &str = "{
    organizations(first: 100) { totalCount nodes { slug
        affiliations(first: 100) { totalCount nodes { role } } partnerships(first: 100) { totalCount nodes { slug parties { organization { slug } } } } } }
    talents(first: 100) { totalCount nodes { slug affiliations(first: 100) { totalCount nodes { role organization { slug } } } } }
    partnerships(first: 100) { totalCount nodes { slug } }
    created: organizations(first: 100, orderBy: {field: CREATED_AT}) { totalCount nodes { slug } }
    walloon: partnerships(first: 100, filter: {regions: [\"wallonie\"]}) { totalCount nodes { slug regions { slug } region { slug } } }
    statistics { organizationCount talentCount partnershipCount }
    partnershipGraph { nodes { organization { slug } } }
}";

async fn ids(server: &TestServer, schema: &Schema) -> BTreeMap<String, Uuid> {
    let admin = Viewer { admin: true, ..Viewer::default() };
    let query = "{ organizations(first: 100) { nodes { slug id } } talents(first: 100) { nodes { slug id } } partnerships(first: 100) { nodes { slug id } } }";
    let all = answer(server, schema, &admin, query).await;
    let mut ids = BTreeMap::new();
    for list in ["organizations", "talents", "partnerships"] {
        for node in all[list]["nodes"].as_array().unwrap() {
            let (_, id) = passerelle::kernel::id::decode_any("", node["id"].as_str().unwrap()).unwrap();
            ids.insert(node["slug"].as_str().unwrap().to_owned(), id);
        }
    }
    ids
}

/// Compares the response for a viewer with the policy function for every record.
fn check(plan: &Plan, ids: &BTreeMap<String, Uuid>, viewer: &Viewer, data: &Value) {
    let organization =
        |o: usize| facts(plan.organizations[o].0, plan.organizations[o].1, ids[&format!("o{o}")]);
    let talent = |t: usize| facts(plan.talents[t].0, plan.talents[t].1, ids[&format!("t{t}")]);
    let sees_affiliation = |t: usize, o: usize| {
        let group = facts(plan.talents[t].0, plan.talents[t].2, ids[&format!("t{t}")]);
        let whole = Facts { parts: vec![group, organization(o)], ..talent(t) };
        may_see(viewer, &whole) && (!is_disputed(t, o) || viewer.sees_disputed(&talent(t), &organization(o)))
    };
    let partnership = |p: usize| {
        let (region, level, parties) = &plan.partnerships[p];
        Facts {
            parts: parties.iter().map(|o| organization(*o)).collect(),
            ..facts(*region, *level, ids[&format!("p{p}")])
        }
    };
    let seen = |count: usize, prefix: &str, sees: &dyn Fn(usize) -> bool| -> Vec<String> {
        (0..count).filter(|i| sees(*i)).map(|i| format!("{prefix}{i}")).collect()
    };
    let organizations = seen(6, "o", &|o| may_see(viewer, &organization(o)));
    let talents = seen(6, "t", &|t| may_see(viewer, &talent(t)));
    let partnerships = seen(8, "p", &|p| may_see(viewer, &partnership(p)));
    for (list, expected) in
        [("organizations", &organizations), ("talents", &talents), ("partnerships", &partnerships)]
    {
        assert_eq!(each(&data[list]["nodes"], "/slug"), *expected, "{list} for {viewer:?}");
        assert_eq!(data[list]["totalCount"], expected.len(), "{list} for {viewer:?}");
    }
    let mut created = each(&data["created"]["nodes"], "/slug");
    created.sort_unstable();
    assert_eq!(created, organizations);
    assert_eq!(
        data["statistics"],
        json!({"organizationCount": organizations.len(), "talentCount": talents.len(), "partnershipCount": partnerships.len()})
    );
    for node in data["talents"]["nodes"].as_array().unwrap() {
        let t: usize = node["slug"].as_str().unwrap()[1..].parse().unwrap();
        let expected: BTreeSet<String> = plan
            .affiliations
            .iter()
            .filter(|(talent, o)| *talent == t && sees_affiliation(t, *o))
            .map(|(_, o)| format!("o{o}"))
            .collect();
        let found: BTreeSet<String> = each(&node["affiliations"]["nodes"], "/organization/slug")
            .into_iter()
            .map(str::to_owned)
            .collect();
        assert_eq!(found, expected, "affiliations of t{t} for {viewer:?}");
        assert_eq!(node["affiliations"]["totalCount"], expected.len());
    }
    for node in data["organizations"]["nodes"].as_array().unwrap() {
        let o: usize = node["slug"].as_str().unwrap()[1..].parse().unwrap();
        let expected = plan.affiliations.iter().filter(|(t, other)| *other == o && sees_affiliation(*t, o));
        assert_eq!(
            node["affiliations"]["totalCount"],
            expected.count(),
            "affiliations of o{o} for {viewer:?}"
        );
        let mut found = each(&node["partnerships"]["nodes"], "/slug");
        found.sort_unstable();
        let of = |p: &usize| plan.partnerships[*p].2.contains(&o) && may_see(viewer, &partnership(*p));
        let expected: Vec<String> = (0..8).filter(of).map(|p| format!("p{p}")).collect();
        assert_eq!(found, expected, "partnerships of o{o} for {viewer:?}");
        for partnership in node["partnerships"]["nodes"].as_array().unwrap() {
            let p: usize = partnership["slug"].as_str().unwrap()[1..].parse().unwrap();
            assert_eq!(partnership["parties"].as_array().unwrap().len(), plan.partnerships[p].2.len());
        }
    }
    let drawn: BTreeSet<String> = each(&data["partnershipGraph"]["nodes"], "/organization/slug")
        .into_iter()
        .map(str::to_owned)
        .collect();
    let parties =
        (0..8).filter(|p| may_see(viewer, &partnership(*p))).flat_map(|p| plan.partnerships[p].2.clone());
    assert_eq!(drawn, parties.map(|o| format!("o{o}")).collect());
}

on_both_databases! {
    async fn function_and_sql_agree_for_every_viewer(server) {
        let schema = schema();
        let mut runner = TestRunner::default();
        for round in 0..4 {
            let plan = plan().new_tree(&mut runner).expect("a plan").current();
            // Each round changes visibilities, so that records follow their parts into other views.
            import(&server, &gone(round)).await;
            import(&server, &plan.lines()).await;
            dispute(&server, &plan).await;
            let ids = ids(&server, &schema).await;
            for viewer in viewers(&ids) {
                let data = answer(&server, &schema, &viewer, EVERYTHING).await;
                check(&plan, &ids, &viewer, &data);
            }
        }
    }
}

/// Lines that delete the records of the last round.
fn gone(round: usize) -> Vec<Value> {
    if round == 0 {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for region in REGIONS {
        let source = crate::support::records::source(region);
        for t in 0..6 {
            for o in 0..6 {
                lines.push(json!({"source": source, "externalId": format!("aff-t{t}-o{o}"), "delete": true, "affiliation": {}}));
            }
        }
        for p in 0..8 {
            lines.push(json!({"source": source, "externalId": format!("par-p{p}"), "delete": true, "partnership": {}}));
        }
        for i in 0..6 {
            // Only its own source may change the region of a record, so it is recreated.
            lines.push(json!({"source": source, "externalId": format!("org-o{i}"), "delete": true, "organization": {}}));
            lines.push(
                json!({"source": source, "externalId": format!("tal-t{i}"), "delete": true, "talent": {}}),
            );
        }
    }
    lines
}

on_both_databases! {
    async fn records_follow_their_parts_into_another_view(server) {
        let schema = schema();
        import(&server, &[
            organization("wallonie", "a", json!({})), organization("flandre", "b", json!({})), talent("wallonie", "t", json!({})),
            affiliation("wallonie", "t", "a", json!({})), partnership("wallonie", "p", &["a", "b"], json!({})),
        ]).await;
        let query = "{ partnerships { nodes { slug visibility revision crossBorder } } talents { nodes { affiliations { nodes { visibility revision } } } } }";
        let before = answer(&server, &schema, &Viewer::anonymous(), query).await;
        assert_eq!(before["partnerships"]["nodes"], json!([{"slug": "p", "visibility": "PUBLIC", "revision": 1, "crossBorder": false}]));
        import(&server, &[organization("wallonie", "a", json!({"visibility": "MEMBERS", "address": {"country": "FR"}}))]).await;
        let hidden = answer(&server, &schema, &Viewer::anonymous(), query).await;
        assert_eq!(hidden["partnerships"]["nodes"], json!([]));
        assert_eq!(hidden["talents"]["nodes"][0]["affiliations"]["nodes"], json!([]));
        let member = Viewer { signed_in: true, ..Viewer::default() };
        let shown = answer(&server, &schema, &member, query).await;
        assert_eq!(shown["partnerships"]["nodes"], json!([{"slug": "p", "visibility": "MEMBERS", "revision": 2, "crossBorder": true}]));
        assert_eq!(shown["talents"]["nodes"][0]["affiliations"]["nodes"], json!([{"visibility": "MEMBERS", "revision": 2}]));
    }
}

on_both_databases! {
    async fn hidden_groups_are_empty_and_cannot_be_filtered_on(server) {
        let schema = schema();
        import(&server, &[talent("wallonie", "t", json!({"email": "t@example.org", "phone": "+32 1", "availability": "AVAILABLE",
            "biographies": [{"language": "FR", "text": "vie"}], "claims": [
                {"field": "email", "value": "old@example.org", "source": {"title": "a"}}, {"field": "biography", "value": "vie", "source": {"title": "a"}},
                {"field": "displayName", "value": "T", "source": {"title": "a"}}],
            "fieldVisibility": [{"group": "BIOGRAPHY", "visibility": "PRIVATE"}]})),
            organization("wallonie", "o", json!({"email": "o@example.org", "phone": "+32 2", "claims": [
                {"field": "email", "value": "old-o@example.org", "source": {"title": "a"}}, {"field": "name", "value": "O", "source": {"title": "a"}}]}))]).await;
        let query = "{ talent(by: {slug: \"t\"}) { email phone availability biography biographies { text } withheld fieldVisibility { group visibility } claims { field } }
            organization(by: {slug: \"o\"}) { email phone claims { field } }
            a: talents(filter: {availability: [AVAILABLE]}) { totalCount } b: talents(filter: {availableBy: \"2030-01-01\"}) { totalCount } }";
        let public = answer(&server, &schema, &Viewer::anonymous(), query).await;
        assert_eq!(public, json!({"talent": {"email": null, "phone": null, "availability": "UNKNOWN", "biography": null, "biographies": [],
            "withheld": ["CONTACT", "BIOGRAPHY", "AVAILABILITY"], "fieldVisibility": null, "claims": [{"field": "displayName"}]},
            "organization": {"email": null, "phone": null, "claims": [{"field": "name"}]}, "a": {"totalCount": 0}, "b": {"totalCount": 0}}));
        let member = Viewer { signed_in: true, ..Viewer::default() };
        let seen = answer(&server, &schema, &member, query).await;
        assert_eq!(seen["talent"]["availability"], "AVAILABLE");
        assert_eq!(seen["a"]["totalCount"], 1);
        assert_eq!(seen["organization"]["email"], "o@example.org");
        assert_eq!(seen["organization"]["claims"].as_array().unwrap().len(), 2);
        assert_eq!(seen["talent"]["email"], Value::Null);
        let staff = Viewer { staff_of: ["wallonie".to_owned()].into(), ..member };
        let all = answer(&server, &schema, &staff, query).await;
        assert_eq!(all["talent"]["email"], "t@example.org");
        assert_eq!(all["talent"]["withheld"], json!([]));
        assert_eq!(all["talent"]["fieldVisibility"].as_array().unwrap().len(), 4);
    }
}

on_both_databases! {
    async fn people_without_an_explicit_visibility_stay_private(server) {
        import(&server, &[json!({"source": "test-wallonie", "externalId": "1", "talent": {"displayName": "Someone", "region": "wallonie"}})]).await;
        let data = server.data("{ talents { totalCount nodes { id } } statistics { talentCount } talent(by: {slug: \"someone\"}) { id }
            other: talent(by: {externalId: {source: \"test-wallonie\", id: \"1\"}}) { id } }").await;
        assert_eq!(data, json!({"talents": {"totalCount": 0, "nodes": []}, "statistics": {"talentCount": 0}, "talent": null, "other": null}));
    }
}

on_both_databases! {
    async fn many_viewers_at_once_each_get_what_they_would_get_alone(server) {
        let schema = schema();
        let plan = plan().new_tree(&mut TestRunner::default()).expect("a plan").current();
        import(&server, &plan.lines()).await;
        let ids = ids(&server, &schema).await;
        let viewers = viewers(&ids);
        let mut queries: Vec<String> = ids.iter().map(|(slug, id)| {
            let kind = match &slug[..1] { "o" => "organization", "t" => "talent", _ => "partnership" };
            format!("{{ node(id: \"{}\") {{ __typename id ... on Record {{ slug }} }} {kind}(by: {{slug: \"{slug}\"}}) {{ id visibility }} }}", passerelle::kernel::id::encode(kind, *id))
        }).collect();
        queries.extend(["animation", "jeux-video"].map(|s| format!("{{ organizations(filter: {{sectors: [\"{s}\"]}}) {{ nodes {{ id }} }} }}")));
        queries.push(EVERYTHING.to_owned());
        let mut alone = Vec::new();
        for viewer in &viewers {
            for query in &queries {
                alone.push(answer(&server, &schema, viewer, query).await);
            }
        }
        for _ in 0..3 {
            let together = viewers.iter().flat_map(|viewer| queries.iter().map(|query| answer(&server, &schema, viewer, query)));
            assert_eq!(futures::future::join_all(together).await, alone);
        }
    }
}
