//! The sample directory: facts from its source articles.

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::records::each;
use crate::support::server::Setup;

mod facts;

on_both_databases! {
    with Setup::default().with_sample();
    async fn a_merged_body_names_its_successor(server) {
        let data = server.data("{ organization(by: {slug: \"crrav\"}) { name acronym status successor { name } sectors { slug } } }").await;
        assert_eq!(data["organization"], json!({
            "name": "Centre régional de ressources audiovisuelles", "acronym": "CRRAV", "status": "MERGED",
            "successor": {"name": "Pictanovo"},
            "sectors": [{"slug": "soutien-filiere"}, {"slug": "financement"}],
        }));
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn conflicting_facts_are_all_kept(server) {
        let data = server.data("{ pole: organization(by: {slug: \"pole-images-nord-pas-de-calais\"}) {
            foundedOn claims(field: \"foundedOn\") { value preferred qualifier source { title } } other: claims(field: \"name\") { value } }
            dark: organization(by: {slug: \"dark-euphoria\"}) { foundedOn claims { value preferred source { title url } } } }").await;
        assert_eq!(data["pole"]["foundedOn"], "2009-07-01");
        assert_eq!(each(&data["pole"]["claims"], "/value"), ["2009-07-01", "2009-06-30"]);
        assert_eq!(data["pole"]["other"], json!([]));
        assert_eq!(data["dark"]["foundedOn"], Value::Null);
        assert_eq!(each(&data["dark"]["claims"], "/value"), ["2015", "2016"]);
        // A source without a title is named by the host of its URL.
        assert_eq!(data["dark"]["claims"][0]["source"]["title"], "gomet.net");
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn seat_and_answering_region_differ(server) {
        let data = server.data("{ organization(by: {slug: \"screen-brussels\"}) { region { slug } seatRegion { slug } } }").await;
        let organization = &data["organization"];
        assert_ne!(organization["region"]["slug"], organization["seatRegion"]["slug"], "{organization}");
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn a_role_without_an_organization_is_the_headline(server) {
        let data = server.data("{ talent(by: {slug: \"lea-sellam\"}) { headline(language: EN) legalBasis claimed
            affiliations { totalCount } occupations { slug } withheld email fieldVisibility { group } } }").await;
        assert_eq!(data["talent"], json!({
            "headline": "Director, speaker at the artificial intelligence round table", "legalBasis": "PUBLIC_ROLE",
            "claimed": false, "affiliations": {"totalCount": 0}, "occupations": [{"slug": "realisateur"}],
            "withheld": ["CONTACT", "AVAILABILITY"], "email": null, "fieldVisibility": null,
        }));
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn partnerships_know_what_follows_from_their_parties(server) {
        let data = server.data("{ partnership(by: {slug: \"fonds-commun-pilotes-animation\"}) {
            crossBorder totalContribution { amount currency } regions { slug } period { startsOn endsOn }
            parties { role contribution { amount } organization { slug } } } }").await;
        let partnership = &data["partnership"];
        assert_eq!(partnership["crossBorder"], true);
        assert_eq!(partnership["totalContribution"], json!({"amount": "750000.00", "currency": "EUR"}));
        assert_eq!(each(&partnership["regions"], "/slug"), ["flandre", "nord-pas-de-calais", "wallonie"]);
        assert_eq!(each(&partnership["parties"], "/organization/slug"), ["crrav", "wallimage", "vaf"]);
        assert_eq!(partnership["period"], json!({"startsOn": "2009", "endsOn": null}));
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn records_are_found_by_id_slug_and_identifier(server) {
        let data = server.data("{ a: organization(by: {slug: \"crrav\"}) { id } }").await;
        let id = data["a"]["id"].as_str().unwrap().to_owned();
        assert_eq!(id, "organization_01m7xpe602e65at721scg441b9", "ids of the sample are fixed");
        let again = server.data(&format!("{{ organization(by: {{id: \"{id}\"}}) {{ slug }} node(id: \"{id}\") {{ __typename id ... on Organization {{ slug }} }} }}")).await;
        assert_eq!(again["organization"]["slug"], "crrav");
        assert_eq!(again["node"], json!({"__typename": "Organization", "id": id, "slug": "crrav"}));
        // Identifiers may contain spaces.
        let data = server.data("{ organization(by: {identifier: {scheme: SIREN, value: \"200 093 201\"}}) { identifiers { scheme value url } } }").await;
        assert_eq!(data["organization"]["identifiers"][0]["value"], "200093201");
        assert_eq!(server.code("{ organization(by: {identifier: {scheme: SIREN, value: \"200093202\"}}) { id } }").await, "BAD_USER_INPUT");
        assert_eq!(server.code("{ organization(by: {id: \"talent_01m7xpe602e65at721scg441b9\"}) { id } }").await, "BAD_USER_INPUT");
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn a_second_load_changes_nothing(server) {
        assert_eq!(passerelle::exchange::import::sample::load(&server.app).await.unwrap(), None);
        let data = server.data("{ statistics { organizationCount talentCount partnershipCount crossBorderPartnershipCount } organization(by: {slug: \"crrav\"}) { revision } }").await;
        assert_eq!(data["statistics"], json!({"organizationCount": 132, "talentCount": 13, "partnershipCount": 24, "crossBorderPartnershipCount": 3}));
        assert_eq!(data["organization"]["revision"], 1);
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn regions_lead_to_their_records_wherever_they_are_met(server) {
        let data = server.data("{ organization(by: {slug: \"crrav\"}) {
            region { slug organizations(first: 2) { totalCount nodes { slug } } statistics { organizationCount } successor { slug statistics { organizationCount } } }
            territory { slug region { talents(first: 1) { totalCount } } parent { slug region { slug } } } } }").await;
        let region = &data["organization"]["region"];
        assert_eq!(region["slug"], "nord-pas-de-calais");
        assert_eq!(region["organizations"]["totalCount"], region["statistics"]["organizationCount"]);
        assert_eq!(region["successor"]["slug"], "hauts-de-france");
        assert!(region["successor"]["statistics"]["organizationCount"].is_number());
        assert_eq!(data["organization"]["territory"]["slug"], "tourcoing");
        assert!(data["organization"]["territory"]["region"]["talents"]["totalCount"].as_i64() >= Some(1));
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn the_network_is_ready_to_draw(server) {
        let data = server.data("{ partnershipGraph { truncated nodes { degree organization { id slug } } links { source target partnershipCount crossBorder } }
            small: partnershipGraph(maxNodes: 2) { truncated nodes { degree } links { source } }
            regionPairs { first { slug } second { slug } partnershipCount totalContribution { amount } } }").await;
        let graph = &data["partnershipGraph"];
        assert_eq!(graph["truncated"], false);
        let ids = each(&graph["nodes"], "/organization/id");
        for link in graph["links"].as_array().unwrap() {
            assert!(ids.contains(&link["source"].as_str().unwrap()) && ids.contains(&link["target"].as_str().unwrap()));
        }
        assert_eq!(data["small"]["truncated"], true);
        assert_eq!(data["small"]["nodes"].as_array().unwrap().len(), 2);
        let pair = data["regionPairs"].as_array().unwrap().iter()
            .find(|pair| pair["first"]["slug"] == "flandre" && pair["second"]["slug"] == "wallonie").unwrap();
        assert_eq!(pair["partnershipCount"], 3);
        assert_eq!(pair["totalContribution"]["amount"], "750000.00");
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn texts_come_in_the_asked_language(server) {
        let ask = async |accept: &str, query: &str| {
            let request = server.client.post(server.url("/graphql")).header("accept-language", accept);
            let answer: Value = request.json(&json!({"query": query})).send().await.unwrap().json().await.unwrap();
            answer
        };
        let query = "{ region(slug: \"flandre\") { name } sector(slug: \"cinema\") { name } }";
        assert_eq!(ask("nl-BE,nl;q=0.9,fr;q=0.5", query).await["data"], json!({"region": {"name": "Vlaanderen"}, "sector": {"name": "Film"}}));
        // Without a preference, texts are in the record's own language, and no substitution is reported.
        let own = server.query(query).await;
        assert_eq!(own["data"]["region"]["name"], "Vlaanderen");
        assert_eq!(own["data"]["sector"]["name"], "Cinéma");
        assert_eq!(own.get("extensions"), None);
        // The argument overrides the header, and substitutions are reported.
        let answer = ask("nl", "{ sector(slug: \"cinema\") { en: name(language: EN) de: name(language: DE) } }").await;
        assert_eq!(answer["data"]["sector"], json!({"en": "Cinema", "de": "Film"}));
        assert_eq!(answer["extensions"]["languages"], json!([{"path": ["sector", "de"], "language": "NL"}]));
    }
}
