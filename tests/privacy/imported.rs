//! Profiles of people who did not register themselves.

use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};

use super::{claim_for, uuid_of};
use crate::mutations::{editor, made, member, reason, told, update};
use crate::on_both_databases;
use crate::support::accounts::{account, query_as, sign_in};
use crate::support::records::{each, import, import_text, ndjson, options, source, talent};
use crate::support::server::{Setup, TestServer};

/// A line with a talent of whom only the name is known.
fn unasked(slug: &str) -> Value {
    json!({"source": source("wallonie"), "externalId": format!("tal-{slug}"),
        "talent": {"slug": slug, "displayName": slug, "region": "wallonie"}})
}

async fn seen(server: &TestServer) -> Vec<String> {
    let data = server.data("{ talents { nodes { slug } } }").await;
    each(&data["talents"]["nodes"], "/slug").into_iter().map(str::to_owned).collect()
}

on_both_databases! {
    with Setup::default().with_search();
    async fn without_a_visibility_they_are_private_until_they_claim_their_profile(server) {
        import(&server, &[unasked("ana")]).await;
        let members = server.beside(member(5)).await;
        let staff = server.beside(editor(&["wallonie"])).await;
        let strangers = server.beside(editor(&["flandre"])).await;
        let nobody: [&str; 0] = [];
        for server in [&server, &members, &strangers] {
            assert_eq!(seen(server).await, nobody);
        }
        assert_eq!(seen(&staff).await, ["ana"]);
        // Further imports without a visibility change nothing.
        import(&server, &[unasked("ana")]).await;
        let mut changed = unasked("ana");
        changed["talent"]["skills"] = json!(["montage"]);
        import(&server, &[changed]).await;
        assert_eq!(seen(&members).await, nobody);
        server.indexed().await;
        let found = members.data("{ search(query: \"ana\") { totalCount: estimatedTotalCount } }").await;
        assert_eq!(found["search"]["totalCount"], 0);
        // Claiming alone shows nothing. Then the person alone decides.
        let id = staff.data("{ talents { nodes { id } } }").await["talents"]["nodes"][0]["id"].as_str().unwrap().to_owned();
        let ana = account(&server.app, "ana@example.org", &[]).await;
        assert_eq!(claim_for(&server, ana, &id, Some(1)).await, nobody);
        assert_eq!(seen(&members).await, nobody);
        let mut shown = unasked("ana");
        shown["talent"]["visibility"] = json!("PUBLIC");
        shown["overwrite"] = json!(true);
        let (_, bad) = import_text(&server, &ndjson(&[shown]), &options()).await;
        assert_eq!(bad.bad.iter().map(|(_, path, _)| path.as_str()).collect::<Vec<_>>(), ["visibility"]);
        let token = sign_in(&server, "ana@example.org").await.access;
        let query = format!("mutation {{ updateTalent(id: \"{id}\", input: {{visibility: PUBLIC}}, consent: {{version: 1, language: FR}}) {{ userErrors {{ reason }} }} }}");
        assert_eq!(query_as(&server, &token, &query).await["data"]["updateTalent"]["userErrors"], json!([]));
        assert_eq!(seen(&server).await, ["ana"]);
    }
}

on_both_databases! {
    async fn whoever_shows_them_says_why_the_directory_may(server) {
        // Both for new profiles and for those that leave PRIVATE.
        import(&server, &[unasked("ana")]).await;
        let mut shown = unasked("ana");
        shown["talent"]["visibility"] = json!("MEMBERS");
        let mut new = unasked("ben");
        new["talent"]["visibility"] = json!("PUBLIC");
        for line in [&shown, &new] {
            let (_, told) = import_text(&server, &ndjson(std::slice::from_ref(line)), &options()).await;
            assert_eq!(told.bad.iter().map(|(_, path, _)| path.as_str()).collect::<Vec<_>>(), ["legalBasis"]);
        }
        shown["talent"]["legalBasis"] = json!("PUBLIC_ROLE");
        new["talent"]["legalBasis"] = json!("CONSENT");
        import(&server, &[shown, new]).await;
        let staff = server.beside(editor(&["wallonie"])).await;
        let data = staff.data("{ talents { nodes { slug legalBasis visibility claimed } } }").await;
        assert_eq!(data["talents"]["nodes"], json!([
            {"slug": "ana", "legalBasis": "PUBLIC_ROLE", "visibility": "MEMBERS", "claimed": false},
            {"slug": "ben", "legalBasis": "CONSENT", "visibility": "PUBLIC", "claimed": false},
        ]));
        // The same by mutation.
        let id = made(&staff, "talent", json!({"displayName": "Carla", "region": "wallonie"})).await;
        let answer = update(&staff, "talent", &id, None, json!({"visibility": "PUBLIC"}), "id").await;
        assert_eq!(told(&answer), ["REQUIRED input.legalBasis"]);
        let answer = update(&staff, "talent", &id, None, json!({"visibility": "PUBLIC", "legalBasis": "PUBLIC_ROLE"}), "legalBasis").await;
        assert_eq!(answer["talent"], json!({"legalBasis": "PUBLIC_ROLE"}));
        // A visible profile needs no legal basis to stay visible, or to be shown to fewer viewers.
        for visibility in ["MEMBERS", "PUBLIC", "PRIVATE"] {
            let answer = update(&staff, "talent", &id, None, json!({"visibility": visibility}), "id").await;
            assert_eq!(told(&answer), [""; 0], "{visibility}");
        }
    }
}

on_both_databases! {
    async fn groups_of_fields_have_the_levels_of_the_design_unless_said_otherwise(server) {
        let line = talent("wallonie", "ana", json!({"email": "ana@example.org", "phone": "+32 2 000", "availability": "AVAILABLE",
            "biographies": [{"language": "FR", "text": "Monteuse."}]}));
        import(&server, &[line]).await;
        let query = "{ talent(by: {slug: \"ana\"}) { email phone biography availability withheld fieldVisibility { group visibility } confirmedAt consents { at } } }";
        let shown = |email: Value, phone: Value, availability: &str, withheld: Value| json!({"email": email, "phone": phone, "biography": "Monteuse.",
            "availability": availability, "withheld": withheld, "fieldVisibility": null, "confirmedAt": null, "consents": null});
        assert_eq!(server.data(query).await["talent"], shown(Value::Null, Value::Null, "UNKNOWN", json!(["CONTACT", "AVAILABILITY"])));
        let members = server.beside(member(5)).await;
        assert_eq!(members.data(query).await["talent"], shown(Value::Null, Value::Null, "AVAILABLE", json!(["CONTACT"])));
        let staff = server.beside(editor(&["wallonie"])).await;
        let seen = staff.data(query).await["talent"].clone();
        assert_eq!((seen["email"].as_str(), seen["withheld"].as_array().map(Vec::len)), (Some("ana@example.org"), Some(0)));
        assert_eq!(seen["fieldVisibility"], json!([{"group": "CONTACT", "visibility": "PRIVATE"}, {"group": "BIOGRAPHY", "visibility": "PUBLIC"},
            {"group": "AVAILABILITY", "visibility": "MEMBERS"}, {"group": "AFFILIATIONS", "visibility": "PUBLIC"}]));
        assert_eq!((&seen["consents"], &seen["confirmedAt"]), (&json!([]), &Value::Null));
    }
}

on_both_databases! {
    async fn a_profile_is_claimed_once_and_by_one_account_each(server) {
        let staff = server.beside(editor(&["wallonie"])).await;
        let person = |name: &str| json!({"displayName": name, "region": "wallonie"});
        let (first, second, third) = (made(&staff, "talent", person("a")).await, made(&staff, "talent", person("b")).await, made(&staff, "talent", person("c")).await);
        let (ana, ben) = (account(&server.app, "ana@example.org", &[]).await, account(&server.app, "ben@example.org", &[]).await);
        // Consent to the present text is required. All errors are reported at once.
        assert_eq!(claim_for(&server, ana, &first, None).await, ["CONSENT_REQUIRED"]);
        assert_eq!(claim_for(&server, ana, &first, Some(2)).await, ["CONSENT_OUTDATED"]);
        assert_eq!(claim_for(&server, ana, &first, Some(1)).await, [""; 0]);
        let seen = staff.data(&format!("{{ talent(by: {{id: \"{first}\"}}) {{ claimed legalBasis revision visibility confirmedAt consents {{ act purpose version language at }} }} }}")).await;
        assert_eq!(seen["talent"], json!({"claimed": true, "legalBasis": "CONSENT", "revision": 2, "visibility": "PRIVATE", "confirmedAt": "2026-11-22T10:00:00Z",
            "consents": [{"act": "GIVEN", "purpose": "CLAIM", "version": 1, "language": "NL", "at": "2026-11-22T10:00:00Z"}]}));
        assert_eq!(claim_for(&server, ben, &first, None).await, ["CONSENT_REQUIRED", "ALREADY_CLAIMED"]);
        assert_eq!(claim_for(&server, ana, &first, Some(1)).await, ["ALREADY_CLAIMED"]);
        assert_eq!(claim_for(&server, ana, &second, Some(1)).await, ["HAS_PROFILE"]);
        // A deleted profile, and one that was merged into another.
        assert_eq!(told(&crate::mutations::delete(&staff, "talent", &second, None).await), [""; 0]);
        assert_eq!(claim_for(&server, ben, &second, Some(1)).await, ["PROFILE_GONE"]);
        let redirect = entity::record_redirect::Model { id: uuid_of(&third), target_id: uuid_of(&first) };
        entity::record_redirect::Entity::insert(redirect.into_active_model().reset_all()).exec_without_returning(server.app.db.writer()).await.unwrap();
        assert_eq!(claim_for(&server, ben, &third, Some(1)).await, ["PROFILE_MERGED"]);
        // An account that has deleted its profile may claim another.
        let (theirs, another) = (made(&staff, "talent", person("d")).await, made(&staff, "talent", person("e")).await);
        assert_eq!(claim_for(&server, ben, &theirs, Some(1)).await, [""; 0]);
        assert_eq!(told(&crate::mutations::delete(&staff, "talent", &theirs, None).await), [""; 0]);
        assert_eq!(claim_for(&server, ben, &another, Some(1)).await, [""; 0]);
        // The account is linked from the next request on.
        let token = sign_in(&server, "ana@example.org").await.access;
        let data = query_as(&server, &token, "{ viewer { account { talent { id claimed } } } }").await;
        assert_eq!(data["data"]["viewer"]["account"]["talent"], json!({"id": first, "claimed": true}));
        let answer = update(&staff, "talent", &first, None, json!({"legalBasis": "PUBLIC_ROLE"}), "id").await;
        assert_eq!(reason(&answer), "TALENT_DECIDES");
    }
}
