//! The facts of the sample's calls and events, against the files that they were read from: `calls.json` and
//! `events.json`, beside this one, with their articles.
//!
//! Each value of a file is taken once, by the comparison with what the server answers, or by [`WITHOUT_FIELD`]. A value
//! that nothing takes fails the test, and so does an entry of the list that no file has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::server::{Setup, TestServer};

/// The facts without a field of their own: slug of the record, place of the value in its file, and the value.
const WITHOUT_FIELD: &[(&str, &str, &str)] = &[
    // What is not known of a call.
    (
        "appel-projets-nouveaux-genres-2009",
        "status_note",
        "Launched in 2009; closing date, applicants and results are not in the articles.",
    ),
    ("appel-projets-nouveaux-genres-2009", "funding_kind", "co-funded grant or co-production"),
    // `regulations` has the texts of a regulation, and none is known. The description names its kind.
    ("appel-projets-nouveaux-genres-2009", "regulation.kind", "single-simplified"),
    ("appel-projets-nouveaux-genres-2009", "regulation.shared_by_funders", "true"),
    ("appel-projets-nouveaux-genres-2009", "sub_funds.0.slug", "fonds-pilotes-animation"),
    // An example of a format is no criterion of its lot. The definition of the genre tells it.
    ("appel-projets-nouveaux-genres-2009", "format_examples.0.genre", "serie-courte-fiction"),
    ("appel-projets-nouveaux-genres-2009", "format_examples.0.episodes", "30"),
    ("appel-projets-nouveaux-genres-2009", "format_examples.0.minutes_min", "3"),
    ("appel-projets-nouveaux-genres-2009", "format_examples.0.minutes_max", "5"),
    // Sessions have ids, no slugs. What is discussed after them is of a type still to come.
    ("assises-image-2013", "sessions.0.slug", "conferences"),
    ("assises-image-2013", "sessions.1.slug", "ateliers"),
    ("rencontres-pro-arts-2", "sessions.0.slug", "diffuseurs-plateformes"),
    ("rencontres-pro-arts-2", "sessions.0.discussion", "marseille-territoire-de-creation"),
    ("rencontres-pro-arts-2", "sessions.1.slug", "financeurs"),
    ("rencontres-pro-arts-2", "sessions.1.discussion", "financement-transparence-recit-commun"),
    ("rencontres-pro-arts-2", "sessions.2.slug", "intelligence-artificielle"),
    ("rencontres-pro-arts-2", "sessions.2.discussion", "ia-humain-creation"),
    ("rencontres-pro-arts-2", "sessions.3.slug", "cocktail"),
    ("marche-imaginaires-numeriques-2024", "sessions.0.slug", "stands"),
    ("marche-imaginaires-numeriques-2024", "sessions.1.slug", "pavillons"),
    ("marche-imaginaires-numeriques-2024", "sessions.2.slug", "demonstrations"),
    ("marche-imaginaires-numeriques-2024", "sessions.3.slug", "tables-rondes"),
    ("cartoon-next-2022", "sessions.0.slug", "tables-rondes"),
    ("cartoon-next-2022", "sessions.1.slug", "pitchs"),
    // An event has one territory.
    ("marche-imaginaires-numeriques-2024", "extra_territories.0", "aix-en-provence"),
    // Why an editor keeps the event.
    ("petit-dejeuner-mogador-2025", "relevance", "context"),
];

/// The values of one item of a file, of which each is taken once.
struct Facts {
    slug: String,
    item: Value,
    left: BTreeMap<String, Value>,
}

impl Facts {
    fn new(item: &Value) -> Self {
        let mut left = BTreeMap::new();
        leaves(item, "", &mut left);
        Self { slug: item["slug"].as_str().unwrap().to_owned(), item: item.clone(), left }
    }

    /// Takes the value at a place with all below it; null where there is none.
    fn take(&mut self, place: &str) -> Value {
        let inside = format!("{place}.");
        self.left.retain(|one, _| one != place && !one.starts_with(&inside));
        self.item.pointer(&format!("/{}", place.replace('.', "/"))).cloned().unwrap_or_default()
    }

    /// Takes a text; an empty one where there is none.
    fn text(&mut self, place: &str) -> String {
        self.take(place).as_str().unwrap_or_default().to_owned()
    }

    /// Takes the list at a place, and an empty one where there is none.
    fn list(&mut self, place: &str) -> Vec<Value> {
        self.take(place).as_array().cloned().unwrap_or_default()
    }

    /// How many values the list at a place has.
    fn len(&self, place: &str) -> usize {
        self.item[place].as_array().map_or(0, Vec::len)
    }

    /// Compares the value at a place with an answer.
    fn is(&mut self, place: &str, answer: &Value) {
        let slug = self.slug.clone();
        assert_eq!(self.take(place), *answer, "{slug}: {place}");
    }

    /// Compares the slugs at a place with those of an answer.
    fn are(&mut self, place: &str, answer: &Value) {
        let slug = self.slug.clone();
        assert_eq!(self.list(place), slugs(answer), "{slug}: {place}");
    }

    /// Compares the texts by language at a place with those of an answer.
    fn texts(&mut self, place: &str, answer: &Value) {
        let slug = self.slug.clone();
        assert_eq!(self.take(place), by_language(answer), "{slug}: {place}");
    }

    /// What nothing has taken.
    fn end(self) -> Vec<(String, String, String)> {
        let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let left = self.left.into_iter();
        left.map(|(place, value)| (self.slug.clone(), place, text(value))).collect()
    }
}

/// Adds the values of an item by their places: texts, numbers, what is null, and empty lists.
fn leaves(value: &Value, place: &str, into: &mut BTreeMap<String, Value>) {
    let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| leaves(value, &below(name), into));
        }
        Value::Array(list) if !list.is_empty() => {
            list.iter().enumerate().for_each(|(at, value)| leaves(value, &below(&at.to_string()), into));
        }
        _ => {
            into.insert(place.to_owned(), value.clone());
        }
    }
}

fn items(text: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(text).unwrap();
    let items = file["items"].as_array().unwrap().clone();
    assert_eq!(file["count"], items.len());
    items
}

fn slugs(answer: &Value) -> Vec<Value> {
    answer.as_array().unwrap().iter().map(|one| one["slug"].clone()).collect()
}

fn by_language(answer: &Value) -> Value {
    let texts = answer.as_array().unwrap().iter();
    texts.map(|one| (one["language"].as_str().unwrap().to_lowercase(), one["text"].clone())).collect()
}

/// The source that a file names, as the schema answers it.
fn source(of: &Value) -> Value {
    let article = of.as_str().or(of["article"].as_str());
    let articles = items(include_str!("articles.json"));
    if let Some(article) = articles.iter().find(|one| Some(one["slug"].as_str().unwrap()) == article) {
        json!({"title": article["title"], "url": null, "publishedOn": article["published_on"]})
    } else {
        let url = of.as_str().or(of["url"].as_str()).unwrap();
        let host = url.split('/').nth(2).unwrap();
        json!({"title": host, "url": url, "publishedOn": null})
    }
}

fn sources(facts: &mut Facts, answer: &Value) {
    let stated: Vec<Value> = facts.list("sources").iter().map(source).collect();
    assert_eq!(json!(stated), answer["sources"], "{}: sources", facts.slug);
}

/// The claims of an answer on a field, in their order.
fn claims(answer: &Value, field: &str) -> Vec<Value> {
    let all = answer["claims"].as_array().unwrap().iter();
    all.filter(|claim| claim["field"] == field).cloned().collect()
}

fn claim(
    field: &str,
    value: &str,
    qualifier: &str,
    preferred: bool,
    of: &Value,
    note: Option<&str>,
) -> Value {
    json!({"field": field, "value": value, "qualifier": qualifier, "preferred": preferred, "source": source(of), "note": note})
}

/// An amount of a file, as the schema answers it.
fn money(of: &Value) -> Value {
    json!({"amount": format!("{}.00", of["amount"]), "currency": of["currency"]})
}

fn contributions(list: &[Value]) -> Value {
    list.iter()
        .map(|one| json!({"organization": {"slug": one["organization"]}, "amount": money(one)}))
        .collect()
}

const CLAIMS: &str = "sources { title url publishedOn } claims { field value qualifier preferred source { title url publishedOn } note }";

async fn call(server: &TestServer, item: &Value) -> Vec<(String, String, String)> {
    let mut facts = Facts::new(item);
    let slug = facts.text("slug");
    let data = server
        .data(&format!(
            "{{ callForProjects(by: {{slug: \"{slug}\"}}) {{ titles {{ language text }} descriptions {{ language text }}
            region {{ slug }} status opensAt closesAt timeZone organizers {{ slug }} fund {{ amount currency }}
            regulations {{ version url }} contributions {{ organization {{ slug region {{ slug }} }} amount {{ amount currency }} }}
            lots {{ genre {{ slug }} titles {{ language text }} budget {{ amount currency }} ceiling {{ amount }}
                funders {{ organization {{ slug }} amount {{ amount currency }} }} }} {CLAIMS} }} }}"
        ))
        .await;
    let answer = &data["callForProjects"];
    facts.texts("title", &answer["titles"]);
    assert_eq!(facts.text("status"), "closed");
    assert_eq!(answer["status"], "CLOSED");
    facts.is("closes_on", &answer["closesAt"]);
    facts.are_one("organizer", &answer["organizers"]);
    // Midnight where the call was made; the claim tells how the day is known.
    assert_eq!(
        (answer["opensAt"].as_str(), answer["timeZone"].as_str()),
        (Some("2009-06-30T22:00:00Z"), Some("Europe/Paris"))
    );
    let launch = json!("lancement-pole-images-2009");
    let (day, precision) = (facts.text("opened_on"), facts.text("opened_on_precision"));
    assert_eq!(claims(answer, "opensAt"), [claim("opensAt", &day, "EXACT", true, &launch, Some(&precision))]);
    facts.is("regulation.document", answer["regulations"].pointer("/0/url").unwrap_or(&Value::Null));
    // The regions of the file are those of the funders; the first one answers for the call.
    let regions = facts.list("regions");
    assert_eq!(answer["region"]["slug"], regions[0]);
    let funders = answer["contributions"].as_array().unwrap().iter();
    let of_funders: BTreeSet<&str> =
        funders.map(|one| one["organization"]["region"]["slug"].as_str().unwrap()).collect();
    assert_eq!(of_funders, regions.iter().map(|slug| slug.as_str().unwrap()).collect());
    let stated = facts.list("contributions");
    assert!(stated.iter().all(|one| one["source"] == launch));
    let answered: Vec<Value> = answer["contributions"].as_array().unwrap().clone();
    let answered: Value = answered
        .iter()
        .map(|one| json!({"organization": {"slug": one["organization"]["slug"]}, "amount": one["amount"]}))
        .collect();
    assert_eq!(contributions(&stated), answered);
    // The stated totals are claims, and the field answers the preferred one: the sum of the contributions.
    let totals = facts.list("total_claims");
    let expected: Vec<Value> = totals
        .iter()
        .map(|one| {
            let value = format!("{}.00 {}", one["amount"], one["currency"].as_str().unwrap());
            let preferred = one["preferred"].as_bool().unwrap();
            claim("fund", &value, "EXACT", preferred, &one["source"], one["reason"].as_str())
        })
        .collect();
    assert_eq!(claims(answer, "fund"), expected);
    assert_eq!(answer["fund"], money(totals.iter().find(|one| one["preferred"] == true).unwrap()));
    // A genre is a lot; a fund within the fund is the budget of its lot.
    let lots = answer["lots"].as_array().unwrap();
    let genres: Vec<Value> = lots.iter().map(|lot| lot["genre"]["slug"].clone()).collect();
    assert_eq!(facts.list("genres"), genres);
    let mut on_lots = Vec::new();
    for at in 0..facts.len("sub_funds") {
        let fund = |name: &str| format!("sub_funds.{at}.{name}");
        let genre = facts.text(&fund("genre"));
        let lot = lots.iter().find(|lot| lot["genre"]["slug"] == genre).unwrap();
        facts.texts(&fund("title"), &lot["titles"]);
        let budget =
            json!({"amount": facts.take(&fund("amount")), "currency": facts.take(&fund("currency"))});
        assert_eq!(lot["budget"], money(&budget));
        let funders = facts.list(&fund("contributions"));
        assert!(funders.iter().all(|one| one["source"] == launch));
        assert_eq!(lot["funders"], contributions(&funders));
        let value = format!("{genre}: {}.00 {}", budget["amount"], budget["currency"].as_str().unwrap());
        let note = facts.text(&fund("note"));
        on_lots.push(claim("lots", &value, "EXACT", true, &launch, Some(&note)));
    }
    let other = "genres_named_by_other_article";
    let named: Vec<String> = facts
        .list(&format!("{other}.genres"))
        .iter()
        .map(|genre| genre.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(facts.take(&format!("{other}.open_list")), true);
    let by = facts.take(&format!("{other}.source"));
    on_lots.push(claim("lots", &named.join(", "), "EXACT", false, &by, Some("open list")));
    assert_eq!(claims(answer, "lots"), on_lots);
    // The description is the summary, and the objectives as a list below it.
    let mut descriptions = facts.take("summary");
    for at in 0..facts.len("objectives") {
        let objective = facts.take(&format!("objectives.{at}"));
        for (language, text) in descriptions.as_object_mut().unwrap() {
            let gap = if at == 0 { "\n\n" } else { "\n" };
            *text =
                format!("{}{gap}- {}", text.as_str().unwrap(), objective[language].as_str().unwrap()).into();
        }
    }
    assert_eq!(by_language(&answer["descriptions"]), descriptions);
    sources(&mut facts, answer);
    facts.end()
}

impl Facts {
    /// Compares the one slug at a place with those of an answer.
    fn are_one(&mut self, place: &str, answer: &Value) {
        let slug = self.slug.clone();
        assert_eq!(vec![self.take(place)], slugs(answer), "{slug}: {place}");
    }
}

async fn event(server: &TestServer, item: &Value) -> Vec<(String, String, String)> {
    let mut facts = Facts::new(item);
    let slug = facts.text("slug");
    let data = server
        .data(&format!(
            "{{ event(by: {{slug: \"{slug}\"}}) {{ kind {{ slug }} mode status titles {{ language text }} descriptions {{ language text }}
            region {{ slug }} regions {{ slug }} territory {{ slug }} series edition parent {{ slug }} startsOn endsOn startsAt endsAt timeZone
            venue address {{ lines postalCode city }} venueOrganization {{ slug }} organizers {{ slug }} partners {{ slug }} speakers {{ slug }}
            programme {{ kind {{ slug }} titles {{ language text }} count room speakers {{ slug }} organizations {{ slug }} }}
            expectedAttendance attendance {CLAIMS} }} }}"
        ))
        .await;
    let answer = &data["event"];
    facts.is("kind", &answer["kind"]["slug"]);
    let status = match facts.text("status").as_str() {
        "held" => "SCHEDULED",
        "planned" | "announced" | "undated" => "ANNOUNCED",
        other => panic!("{slug}: {other}"),
    };
    assert_eq!(answer["status"], status, "{slug}");
    facts.texts("title", &answer["titles"]);
    assert_eq!(answer["region"]["slug"], item["regions"][0]);
    facts.are("regions", &answer["regions"]);
    for (place, field) in [
        ("territory", &answer["territory"]["slug"]),
        ("series", &answer["series"]),
        ("edition", &answer["edition"]),
        ("parent", &answer["parent"]["slug"]),
        ("start", &answer["startsOn"]),
        ("end", &answer["endsOn"]),
        ("time_zone", &answer["timeZone"]),
        ("venue.name", &answer["venue"]),
        ("venue.city", &answer["address"]["city"]),
        ("venue.organization", &answer["venueOrganization"]["slug"]),
    ] {
        facts.is(place, field);
    }
    let address = facts.take("venue.address");
    let lines = &answer["address"]["lines"];
    let answered = lines.pointer("/0").map(|line| {
        let part = |name: &str| answer["address"][name].as_str().unwrap().to_owned();
        json!(format!("{}, {} {}", line.as_str().unwrap(), part("postalCode"), part("city")))
    });
    assert_eq!(address, answered.unwrap_or_default(), "{slug}");
    if item["venue"].is_null() {
        facts.take("venue");
    }
    for list in ["organizers", "partners", "speakers"] {
        facts.are(list, &answer[list]);
    }
    let programme = answer["programme"].as_array().unwrap();
    assert_eq!(programme.len(), facts.len("sessions"), "{slug}");
    for (at, session) in programme.iter().enumerate() {
        let place = |name: &str| format!("sessions.{at}.{name}");
        facts.is(&place("kind"), &session["kind"]["slug"]);
        facts.texts(&place("title"), &session["titles"]);
        facts.is(&place("count"), &session["count"]);
        facts.are(&place("speakers"), &session["speakers"]);
        facts.is(&place("venue.name"), &session["room"]);
        let host = facts.take(&place("venue.organization"));
        let hosts: Vec<Value> = Some(host).filter(|host| !host.is_null()).into_iter().collect();
        assert_eq!(slugs(&session["organizations"]), hosts, "{slug}");
    }
    if programme.is_empty() {
        facts.take("sessions");
    }
    let note = facts.take("note");
    let told = answer["descriptions"].as_array().unwrap();
    assert_eq!(told.first().map_or(Value::Null, |one| one["text"].clone()), note, "{slug}");
    sources(&mut facts, answer);
    dates(&mut facts, answer);
    attendance(&mut facts, answer);
    facts.end()
}

/// Compares how precisely the dates of an event are known, and who states which.
fn dates(facts: &mut Facts, answer: &Value) {
    let slug = facts.slug.clone();
    let by = source_slug(&facts.item);
    let mut stated: Vec<Value> = facts
        .list("date_claims")
        .iter()
        .map(|one| {
            let preferred = one["preferred"].as_bool().unwrap();
            let reason = one["reason"].as_str().map(|reason| format!("; {reason}")).unwrap_or_default();
            let note = one["wording"].as_str().unwrap().to_owned() + &reason;
            claim("startsOn", one["date"].as_str().unwrap(), "EXACT", preferred, &one["source"], Some(&note))
        })
        .collect();
    match facts.text("date_precision").as_str() {
        "" => {}
        "year" => assert_eq!(answer["startsOn"].as_str().map(str::len), Some(4), "{slug}"),
        "announced at the launch" => {
            let day = answer["startsOn"].as_str().unwrap();
            stated.push(claim("startsOn", day, "EXACT", true, &by, Some("announced at the launch")));
        }
        // The day of the account is that of the source, and the event has none.
        "unknown day; account published on 2025-12-23" => {
            assert_eq!(answer["startsOn"], Value::Null);
            assert_eq!(answer["sources"][0]["publishedOn"], "2025-12-23");
        }
        other => panic!("{slug}: {other}"),
    }
    assert_eq!(claims(answer, "startsOn"), stated, "{slug}");
    let each_day = facts.take("daily_start");
    let expected: Vec<Value> = each_day
        .as_str()
        .map(|hour| claim("startsAt", hour, "EXACT", true, &by, Some("on each day")))
        .into_iter()
        .collect();
    assert_eq!(claims(answer, "startsAt"), expected, "{slug}");
    // Nine o'clock of a winter's day in Marseille.
    let first = each_day.as_str().map(|hour| {
        assert_eq!((hour, answer["timeZone"].as_str()), ("09:00", Some("Europe/Paris")));
        json!(format!("{}T08:00:00Z", answer["startsOn"].as_str().unwrap()))
    });
    assert_eq!(answer["startsAt"], first.unwrap_or_default(), "{slug}");
}

/// The article or the address of the first source of an item.
fn source_slug(item: &Value) -> Value {
    let first = &item["sources"][0];
    if first["article"].is_null() { first["url"].clone() } else { first["article"].clone() }
}

/// Compares how many came, or are expected: every statement is a claim, and the first is what the field answers.
fn attendance(facts: &mut Facts, answer: &Value) {
    let slug = facts.slug.clone();
    let stated = facts.list("attendance");
    let (expected, seen): (Vec<Value>, Vec<Value>) =
        stated.into_iter().partition(|one| one["qualifier"] == "expected");
    for (field, list) in [("expectedAttendance", expected), ("attendance", seen)] {
        let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
        let all: Vec<Value> = list
            .iter()
            .enumerate()
            .map(|(at, one)| {
                let note = format!("{}: {}", text(one, "unit"), text(one, "population"));
                let qualifier = text(one, "qualifier").to_uppercase();
                claim(field, &one["value"].to_string(), &qualifier, at == 0, &one["source"], Some(&note))
            })
            .collect();
        assert_eq!(claims(answer, field), all, "{slug}");
        assert_eq!(answer[field], list.first().map_or(Value::Null, |one| one["value"].clone()), "{slug}");
    }
}

on_both_databases! {
    with Setup::default().with_sample();
    async fn no_fact_of_calls_and_events_is_lost(server) {
        let (calls, events) = (items(include_str!("calls.json")), items(include_str!("events.json")));
        let mut left = Vec::new();
        for item in &calls {
            left.extend(call(&server, item).await);
        }
        for item in &events {
            left.extend(event(&server, item).await);
        }
        let left: BTreeSet<(&str, &str, &str)> =
            left.iter().map(|(slug, place, value)| (slug.as_str(), place.as_str(), value.as_str())).collect();
        let listed: BTreeSet<(&str, &str, &str)> = WITHOUT_FIELD.iter().copied().collect();
        assert_eq!(left.difference(&listed).collect::<Vec<_>>(), Vec::<&(&str, &str, &str)>::new(), "not listed");
        assert_eq!(listed.difference(&left).collect::<Vec<_>>(), Vec::<&(&str, &str, &str)>::new(), "listed for nothing");
        // Nothing was added either.
        let data = server.data("{ callsForProjects { totalCount } events { totalCount } }").await;
        assert_eq!(data["callsForProjects"]["totalCount"], calls.len());
        assert_eq!(data["events"]["totalCount"], events.len());
    }
}
