//! Conformance to the GraphQL specification where the executing library differs: merged selections, `@skip` and
//! `@include`, empty objects, variables and custom scalars.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::mutations::{create, editor, logged, made, studio, told};
use crate::on_both_databases;
use crate::support::on_sqlite;
use crate::support::server::{Setup, TestServer};

/// The number of organizations.
async fn organizations(server: &TestServer) -> i64 {
    let data = server.data("{ statistics { organizationCount } }").await;
    data["statistics"]["organizationCount"].as_i64().expect("a number")
}

/// The cost of an operation.
async fn cost(server: &TestServer, query: &str, variables: Value) -> Value {
    let request = server.client.post(server.url("/graphql")).header("x-cost", "only");
    let request = request.json(&json!({"query": query, "variables": variables}));
    let answer: Value = request.send().await.expect("the server answers").json().await.expect("JSON");
    answer["extensions"]["cost"]["requestedQueryCost"].clone()
}

on_both_databases! {
    async fn a_mutation_that_is_selected_several_times_runs_once(server) {
        let editor = server.beside(editor(&["wallonie"])).await;
        let merged = [
            "createOrganization(input: $i) { organization { slug } } createOrganization(input: $i) { organization { name } }",
            "...A ...B } fragment A on Mutation { createOrganization(input: $i) { organization { slug } } }
                fragment B on Mutation { ...A createOrganization(input: $i) { organization { name } }",
            "... { createOrganization(input: $i) { ...P } } ... on Mutation { createOrganization(input: $i) { organization { name } } } }
                fragment P on OrganizationPayload { organization { slug }",
        ];
        for (number, set) in (1_i64..).zip(merged) {
            let query = format!("mutation($i: OrganizationInput!) {{ {set} }}");
            let input = studio("wallonie", &format!("studio-{number}"));
            let answer = editor.query_with(&query, json!({"i": input})).await;
            let keys = answer["data"]["createOrganization"]["organization"].as_object().map(|all| all.keys().cloned().collect::<Vec<_>>());
            assert_eq!(keys, Some(vec!["slug".to_owned(), "name".to_owned()]), "{answer}");
            assert_eq!(organizations(&editor).await, number, "{query}");
            assert_eq!(logged(&server).await, number);
        }
        // Two response keys run it twice.
        let query = "mutation($i: OrganizationInput!, $j: OrganizationInput!) {
            a: createOrganization(input: $i) { organization { slug } } b: createOrganization(input: $j) { organization { slug } } }";
        let answer = editor.query_with(query, json!({"i": studio("wallonie", "c"), "j": studio("wallonie", "d")})).await;
        assert_eq!(answer["data"], json!({"a": {"organization": {"slug": "c"}}, "b": {"organization": {"slug": "d"}}}), "{answer}");
    }
}

on_both_databases! {
    async fn a_default_of_a_variable_skips_a_mutation(server) {
        let editor = server.beside(editor(&["wallonie"])).await;
        let id = made(&editor, "organization", studio("wallonie", "halo")).await;
        let query = "mutation($id: ID!, $dryRun: Boolean = true) { deleteOrganization(id: $id) @skip(if: $dryRun) { deletedId } }";
        let answer = editor.query_with(query, json!({"id": id})).await;
        assert_eq!(answer, json!({"data": {}}));
        assert_eq!(organizations(&editor).await, 1);
        let answer = editor.query_with(query, json!({"id": id, "dryRun": null})).await;
        assert_eq!((&answer["errors"][0]["extensions"]["code"], answer.get("data")), (&json!("BAD_USER_INPUT"), None), "{answer}");
        assert_eq!(organizations(&editor).await, 1);
        let answer = editor.query_with(query, json!({"id": id, "dryRun": false})).await;
        assert_eq!(answer["data"]["deleteOrganization"]["deletedId"], json!(id), "{answer}");
    }
}

on_both_databases! {
    async fn a_wrong_variable_is_refused_before_anything_runs(server) {
        let editor = server.beside(editor(&["wallonie"])).await;
        let query = "mutation($i: OrganizationInput!, $j: OrganizationInput!) {
            a: createOrganization(input: $i) { userErrors { code } } b: createOrganization(input: $j) { userErrors { code } } }";
        let wrong = json!({"name": "B", "kind": "fund", "region": "wallonie", "employeeCount": "many"});
        let answer = editor.query_with(query, json!({"i": studio("wallonie", "a"), "j": wrong})).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"], json!({"code": "BAD_USER_INPUT", "argument": "input.employeeCount"}), "{answer}");
        assert_eq!(answer.get("data"), None, "{answer}");
        assert_eq!((organizations(&editor).await, logged(&server).await), (0, 0));
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn selections_are_merged_and_skipped(server) {
        for (query, variables, expected) in [
            ("{ __typename @skip(if: true) }", json!({}), json!({})),
            ("{ organization(by: {slug: \"ankama\"}) { slug @include(if: false) } }", json!({}), json!({"organization": {}})),
            ("{ organization(by: {slug: \"ankama\"}) { ... @skip(if: true) { slug } region { ... on Region @include(if: false) { slug } } } }",
                json!({}), json!({"organization": {"region": {}}})),
            ("{ organization(by: {slug: \"nobody\"}) { slug @include(if: false) } }", json!({}), json!({"organization": null})),
            ("{ sector(slug: \"cinema\") { parent { slug } } ...A sector(slug: \"cinema\") { slug } }
                fragment A on Query { region(slug: \"wallonie\") { slug } sector(slug: \"cinema\") { parent { id @skip(if: true) slug } name(language: EN) } }",
                json!({}), json!({"sector": {"parent": {"slug": "cinema-audiovisuel"}, "name": "Cinema", "slug": "cinema"}, "region": {"slug": "wallonie"}})),
            ("query($s: Boolean!) { __typename @include(if: $s) a: __typename @skip(if: $s) }", json!({"s": true}), json!({"__typename": "Query"})),
            ("query($s: Boolean!) { __typename @include(if: $s) a: __typename @skip(if: $s) }", json!({"s": false}), json!({"a": "Query"})),
            ("query($n: Int) { organizations(first: $n) { nodes { slug @skip(if: true) } } }", json!({"n": 2.0}),
                json!({"organizations": {"nodes": [{}, {}]}})),
            ("{ sector(slug: \"\\uD83D\\uDE00 \\u{1F600}\") { slug } }", json!({}), json!({"sector": null})),
            ("\"What it is for\" query Q(\"which\" $slug: String = \"wallonie\") { region(slug: $slug) { slug } }", json!({}),
                json!({"region": {"slug": "wallonie"}})),
            ("query,Q(,$slug,:,String!,){,region,(,slug,:,$slug,),{...,on,Region,{slug}},}", json!({"slug": "wallonie"}),
                json!({"region": {"slug": "wallonie"}})),
        ] {
            let answer = server.query_with(query, variables.clone()).await;
            // Compare text, so that the order counts.
            assert_eq!(answer.to_string(), json!({"data": expected}).to_string(), "{query} {variables}");
        }
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn fields_of_abstract_types_are_those_of_each_type_in_its_order(server) {
        let ids = server.data("{ organization(by: {slug: \"ankama\"}) { id } sector(slug: \"animation\") { id } region(slug: \"wallonie\") { id } }").await;
        let [organization, sector, region] = ["organization", "sector", "region"].map(|of| ids[of]["id"].clone());
        let query = "query($ids: [ID!]!) { nodes(ids: $ids) {
            ... on Organization { slug region { slug } } ... on Sector { children { slug @skip(if: true) } slug }
            ... on Record { __typename region { names: name(language: FR) } slug } } }";
        let answer = server.query_with(query, json!({"ids": [organization, sector, region]})).await;
        let nodes = answer["data"]["nodes"].as_array().expect("nodes");
        let text = nodes[0].to_string();
        assert!(text.starts_with("{\"slug\":\"ankama\",\"region\":{\"slug\":\"nord-pas-de-calais\",\"names\":"), "{text}");
        assert!(text.ends_with(",\"__typename\":\"Organization\"}"), "{text}");
        let text = nodes[1].to_string();
        assert!(text.starts_with("{\"children\":[{}") || text.starts_with("{\"children\":[]"), "{text}");
        assert!(text.ends_with(",\"slug\":\"animation\"}"), "{text}");
        assert_eq!(nodes[2], json!({}), "an object without matching fragments is empty");
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn what_is_executed_costs_and_nothing_else(server) {
        let page = "organizations(first: 100) { nodes { name } }";
        for (query, variables, expected) in [
            (format!("{{ {page} }}"), json!({}), 101),
            (format!("{{ {page} {page} ...F }} fragment F on Query {{ {page} }}"), json!({}), 101),
            (format!("{{ __typename ... @skip(if: true) {{ {page} }} }}"), json!({}), 0),
            (format!("query($b: Boolean = false) {{ __typename ... @include(if: $b) {{ {page} }} }}"), json!({}), 0),
            (format!("query($b: Boolean = true) {{ __typename ... @include(if: $b) {{ {page} }} }}"), json!({}), 101),
            (format!("query($b: Boolean = true) {{ __typename ... @include(if: $b) {{ {page} }} }}"), json!({"b": false}), 0),
            ("query($n: Int = 7) { organizations(first: $n) { nodes { name } } }".to_owned(), json!({}), 8),
            ("query($n: Int = 7) { organizations(first: $n) { nodes { name } } }".to_owned(), json!({"n": 2.0}), 3),
            ("query($n: Int) { organizations(first: $n) { nodes { name } } }".to_owned(), json!({}), 21),
        ] {
            assert_eq!(cost(&server, &query, variables.clone()).await, json!(expected), "{query} {variables}");
        }
        let many = "query($skip: Boolean = false) { ... @skip(if: $skip) { organizations(first: 100) { nodes { partnerships(first: 100) { nodes { id } } } } } }";
        assert_eq!(server.code(many).await, "QUERY_TOO_COMPLEX");
    }
}

on_both_databases! {
    async fn texts_of_scalars_are_told_with_all_that_is_wrong(server) {
        let editor = server.beside(editor(&["wallonie"])).await;
        let wrong = json!({"name": "", "kind": "nothing", "region": "wallonie", "website": "no address", "email": "nobody",
            "foundedOn": "July", "sources": [{"title": "T", "url": "x", "publishedOn": "y"}]});
        let answer = create(&editor, "organization", wrong, "id").await;
        let mut all = told(&answer);
        all.sort();
        let expected = ["INVALID input.email", "INVALID input.foundedOn", "INVALID input.sources.0.publishedOn", "INVALID input.sources.0.url", "INVALID input.website"];
        for one in expected {
            assert!(all.iter().any(|told| told == one), "{one} is not in {all:?}");
        }
        assert!(all.iter().any(|told| told.ends_with("input.kind")) && all.iter().any(|told| told.ends_with("input.name")), "{all:?}");
        let french = editor.client.post(editor.url("/graphql")).header("accept-language", "fr").json(&json!({
            "query": "mutation($i: TalentInput!) { createTalent(input: $i) { userErrors { path message } } }",
            "variables": {"i": {"displayName": "A", "region": "wallonie", "availableFrom": "x", "links": [{"label": "L", "url": "y"}]}}}));
        let answer: Value = french.send().await.expect("an answer").json().await.expect("JSON");
        let errors = answer["data"]["createTalent"]["userErrors"].to_string();
        assert!(errors.contains("availableFrom") && errors.contains("[\"input\",\"links\",\"0\",\"url\"]"), "{answer}");
        // Values of the wrong JSON type are errors of GraphQL itself.
        let answer = editor.query("mutation { createOrganization(input: {name: \"A\", foundedOn: 2009}) { userErrors { code } } }").await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED", "{answer}");
        assert_eq!(logged(&server).await, 0);
    }
}

#[test]
fn texts_of_scalars_in_arguments_of_queries_are_refused_at_their_place() {
    on_sqlite(Setup::default(), |server| async move {
        for (query, variables) in [
            ("{ organizations(filter: {updatedSince: \"x\"}) { totalCount } }", json!({})),
            (
                "query($d: DateTime) { organizations(filter: {updatedSince: $d}) { totalCount } }",
                json!({"d": "x"}),
            ),
            (
                "query($f: OrganizationFilter) { organizations(filter: $f) { totalCount } }",
                json!({"f": {"updatedSince": "x"}}),
            ),
            (
                "query($d: DateTime = \"x\") { organizations(filter: {updatedSince: $d}) { totalCount } }",
                json!({}),
            ),
        ] {
            let answer = server.query_with(query, variables).await;
            let error = &answer["errors"][0];
            assert_eq!(
                error["extensions"],
                json!({"code": "BAD_USER_INPUT", "argument": "filter.updatedSince"}),
                "{answer}"
            );
            assert_eq!(
                (error["locations"].as_array().map(Vec::len), answer.get("data")),
                (Some(1), None),
                "{answer}"
            );
        }
        for (mutation, path) in [
            ("signIn(input: {email: \"nobody\", password: \"p\"})", json!(["input", "email"])),
            ("requestPasswordReset(email: \"nobody\")", json!(["email"])),
        ] {
            let answer =
                server.query(&format!("mutation {{ m: {mutation} {{ userErrors {{ code path }} }} }}")).await;
            assert_eq!(
                answer["data"]["m"]["userErrors"],
                json!([{"code": "INVALID", "path": path}]),
                "{answer}"
            );
        }
        let skipped = "query($b: Boolean = true) { __typename organizations(filter: {updatedSince: \"x\"}) @skip(if: $b) { totalCount } }";
        assert_eq!(server.data(skipped).await, json!({"__typename": "Query"}));
    });
}

#[test]
fn the_types_of_introspection_are_those_that_are_answered() {
    on_sqlite(Setup::default(), |server| async move {
        let input = "{ name description defaultValue isDeprecated deprecationReason type { kind name } }";
        let query = format!(
            "{{ __schema {{ description queryType {{ name }} mutationType {{ name }} subscriptionType {{ name }}
                directives {{ name description locations isRepeatable args(includeDeprecated: true) {input} }}
                types {{ kind name description specifiedByURL isOneOf interfaces {{ name }} possibleTypes {{ name }}
                    enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }}
                    inputFields(includeDeprecated: true) {input}
                    fields(includeDeprecated: true) {{ name description isDeprecated deprecationReason args(includeDeprecated: true) {input} }} }} }} }}"
        );
        let data = server.data(&query).await;
        let types = data["__schema"]["types"].as_array().expect("types");
        let one = |name: &str| {
            types.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name} is not there"))
        };
        assert_eq!(one("OrganizationBy")["isOneOf"], true);
        for input in one("OrganizationInput")["inputFields"].as_array().expect("fields") {
            assert!(input["isDeprecated"].is_boolean() && input["type"]["kind"].is_string(), "{input}");
        }
        for field in one("Query")["fields"].as_array().expect("fields") {
            assert!(field["isDeprecated"].is_boolean() && field["args"].is_array(), "{field}");
        }
        assert!(
            data["__schema"]["directives"]
                .as_array()
                .is_some_and(|all| all.iter().all(|one| one["isRepeatable"].is_boolean()))
        );
        // Fields of a later edition.
        for query in [
            "{ __schema { directives { isDeprecated } } }",
            "{ __schema { directives(includeDeprecated: true) { name } } }",
        ] {
            assert_eq!(server.code(query).await, "GRAPHQL_VALIDATION_FAILED", "{query}");
        }
    });
}

#[test]
fn documents_that_are_dear_to_validate_stay_within_the_limits() {
    on_sqlite(Setup::default(), |server| async move {
        let many =
            |count: usize, one: &dyn Fn(usize) -> String| (0..count).map(one).collect::<Vec<_>>().join(" ");
        let mut nested = String::from("slug");
        for _ in 0..9 {
            nested = format!("children {{ slug }} parent {{ {nested} }} parent {{ {nested} }}");
            if nested.len() > 12_000 {
                break;
            }
        }
        let mut abstract_types = String::from("id");
        for level in 0..6 {
            abstract_types = format!(
                "... on Organization {{ a{level}: slug }} ... on Talent {{ a{level}: slug }} ... on Sector {{ children {{ {} }} }} {abstract_types}",
                "slug ".repeat(20)
            );
        }
        let mut object = String::from("{kinds: [\"a\"]}");
        for _ in 0..200 {
            object = format!("{{near: {object}}}");
        }
        let mut fragments = String::new();
        for number in 0..20 {
            let _ = write!(fragments, " fragment F{number} on Sector {{ ...F{} slug }}", (number + 1) % 20);
        }
        let hostile = [
            ("450 equal fields", format!("{{ {} }}", "regions { slug } ".repeat(450)), ""),
            (
                "150 fields that differ",
                format!("{{ {} }}", many(150, &|n| format!("region(slug: \"{n}\") {{ slug }}"))),
                "GRAPHQL_VALIDATION_FAILED",
            ),
            (
                "lists that differ at the end",
                format!("{{ {} }}", many(60, &|n| format!("nodes(ids: [{}]) {{ id }}", "1 ".repeat(n % 20)))),
                "GRAPHQL_VALIDATION_FAILED",
            ),
            ("overlaps within overlaps", format!("{{ sectors {{ {nested} }} }}"), "QUERY_TOO_COMPLEX"),
            ("abstract types", format!("{{ node(id: \"x\") {{ {abstract_types} }} }}"), "BAD_USER_INPUT"),
            (
                "objects within objects",
                format!("{{ organizations(filter: {object}) {{ totalCount }} }}"),
                "GRAPHQL_VALIDATION_FAILED",
            ),
            (
                "fragments in a ring",
                format!("{{ sectors {{ ...F0 }} }}{fragments}"),
                "GRAPHQL_VALIDATION_FAILED",
            ),
            (
                "variables by the hundred",
                format!("query({}) {{ __typename }}", many(400, &|n| format!("$v{n}: Int"))),
                "GRAPHQL_VALIDATION_FAILED",
            ),
            (
                "an object of many keys",
                format!(
                    "{{ organizations(filter: {{{}}}) {{ totalCount }} }}",
                    "kinds: [\"a\"], ".repeat(300)
                ),
                "GRAPHQL_VALIDATION_FAILED",
            ),
        ];
        for (name, query, code) in hostile {
            let answer = server.query(&query).await;
            let found = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
            assert_eq!(found, code, "{name}: {answer}");
            assert!(answer["errors"].as_array().is_none_or(|errors| errors.len() <= 20), "{name}");
        }
        assert_eq!(server.data("{ __typename }").await["__typename"], "Query");
    });
}
