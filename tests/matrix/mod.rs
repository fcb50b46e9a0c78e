//! The access matrix: every field, argument and mutation of the schema, for every kind of viewer, over records in
//! every state.
//!
//! `table.rs` has a row of rights for each part of the schema. A part without a row fails, and so does a row without
//! a part. `viewers.rs` has the viewers, `world.rs` the records. A new state of records is another [`State`], with
//! the lines that create such records.
//!
//! Hidden records are compared with absent ones in two ways. Responses before and after hidden records are created
//! must be equal, byte for byte. Responses about a hidden record must equal those about one that never existed,
//! except for names. Both include the number of statements.
//!
//! A refused mutation must leave no trace in any table (`writes.rs`). A new mutation is another row of `table.rs`, with
//! a call that writes nothing where it is permitted, or with the call that undoes it.

use std::collections::{BTreeMap, BTreeSet};

use passerelle::identity::role::Role;
use passerelle::kernel::read::Dialect;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::on_both_databases;
use crate::support::server::{Setup, TestServer};
use shape::Shape;
use table::{FIELDS, MUTATIONS, ORDERS, PROBES, REFERENCES, Shown};
use viewers::{AWAY, Asker, Of, Who, asker, everybody, give_organization, give_talent};
use world::{HOME, Ids, State, bring, deletions, ground, records, uuid};

mod shape;
mod table;
mod viewers;
pub(crate) mod world;
mod writes;

/// The text of a response, and the number of statements.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    text: String,
    statements: u64,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("an answer is JSON")
    }

    fn data(&self, pointer: &str) -> Value {
        self.json().pointer(&format!("/data{pointer}")).cloned().unwrap_or_default()
    }
}

/// The state of a run on one server.
struct Matrix {
    server: TestServer,
    shape: Shape,
    askers: Vec<Asker>,
    /// The deviations from the table.
    wrong: Vec<String>,
}

impl Matrix {
    async fn ask(&self, asker: &Asker, query: &str) -> Answer {
        let request = self.server.client.post(self.server.url("/graphql")).json(&json!({ "query": query }));
        let request = asker.token.iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        let before = self.server.statements();
        let response = request.send().await.expect("the server answers");
        let text = response.text().await.expect("a text");
        Answer { text, statements: self.server.statements() - before }
    }

    fn asker(&self, who: Who) -> &Asker {
        self.askers.iter().find(|asker| asker.who == who).expect("every viewer has an asker")
    }

    /// Fills the cache of callers, so that identifying them costs no statements later.
    async fn greet(&self) {
        for asker in &self.askers {
            self.ask(asker, "{ viewer { authenticated } }").await;
        }
    }

    fn expect(&mut self, right: bool, what: impl FnOnce() -> String) {
        if !right {
            self.wrong.push(what());
        }
    }

    /// Compares the parts of the schema with the rows of the table.
    fn same(&mut self, what: &str, schema: &BTreeSet<String>, table: &BTreeSet<String>) {
        for name in schema.difference(table) {
            self.wrong.push(format!("{what} {name} has no row in tests/matrix/table.rs: who may?"));
        }
        for name in table.difference(schema) {
            self.wrong
                .push(format!("{what} {name} has a row in tests/matrix/table.rs and is not in the schema"));
        }
    }

    /// Checks that the table and the schema have the same parts.
    fn table_is_whole(&mut self) {
        let objects = self.shape.0.iter().filter(|(name, of)| of.kind == "OBJECT" && *name != "Mutation");
        let fields = objects
            .flat_map(|(name, of)| of.fields.iter().map(move |field| format!("{name}.{}", field.name)));
        let fields: BTreeSet<String> = fields.collect();
        let rows = FIELDS
            .iter()
            .flat_map(|(of, _, names)| names.split_whitespace().map(move |name| format!("{of}.{name}")));
        self.same("the field", &fields, &rows.collect());

        let mutations: BTreeSet<String> =
            self.shape.fields("Mutation").iter().map(|field| format!("Mutation.{}", field.name)).collect();
        let rows = MUTATIONS.iter().map(|(name, ..)| format!("Mutation.{name}"));
        self.same("the mutation", &mutations, &rows.collect());

        let asked = self.shape.0.iter().filter(|(name, _)| name.ends_with("Filter") || name.ends_with("By"));
        let mut inputs: BTreeSet<String> = asked
            .flat_map(|(name, of)| of.inputs.iter().map(move |one| format!("{name}.{}", one.name)))
            .collect();
        for field in self.roots() {
            let own = field.arguments.iter().filter(|one| !MECHANICS.contains(&one.name.as_str()));
            inputs.extend(own.map(|one| format!("Query.{}({})", field.name, one.name)));
        }
        self.same("what is asked by", &inputs, &PROBES.iter().map(|(name, _)| (*name).to_owned()).collect());

        let names_others = |of: &str, name: &str| of == "ID" || of == "IdentifierInput" || name == "slug";
        let written =
            self.shape.0.iter().filter(|(name, _)| name.ends_with("Input") && !name.ends_with("MatchInput"));
        let references = written.flat_map(|(name, of)| {
            let fitting = of.inputs.iter().filter(|one| names_others(&one.of, &one.name));
            fitting.map(move |one| format!("{name}.{}", one.name))
        });
        let references: BTreeSet<String> = references.collect();
        self.same(
            "what names a record",
            &references,
            &REFERENCES.iter().map(|(name, _)| (*name).to_owned()).collect(),
        );

        let orders = self.shape.0.iter().filter(|(name, _)| name.ends_with("OrderField"));
        let orders =
            orders.flat_map(|(name, of)| of.values.iter().map(move |value| format!("{name}.{value}")));
        let orders: BTreeSet<String> = orders.collect();
        let rows = ORDERS
            .iter()
            .flat_map(|(of, names)| names.split_whitespace().map(move |name| format!("{of}.{name}")));
        self.same("the order", &orders, &rows.collect());
    }

    /// The fields of `Query` that return records.
    fn roots(&self) -> Vec<shape::Part> {
        let row = |name: &str| {
            FIELDS.iter().any(|(of, shown, names)| {
                *of == "Query" && *shown == Shown::Related && names.split_whitespace().any(|one| one == name)
            })
        };
        self.shape.fields("Query").iter().filter(|field| row(&field.name)).cloned().collect()
    }

    /// Every query of records by every argument: a label, and a field with its selection. Words in braces are
    /// placeholders for names of records.
    fn battery(&self) -> Vec<(String, String)> {
        // Paths from public records to others.
        let from = [
            ("organization(by: {slug: \"pub-o\"})", "Organization", 3),
            ("talent(by: {slug: \"pub-t\"})", "Talent", 3),
            ("partnership(by: {slug: \"pub-p\"})", "Partnership", 2),
            ("callForProjects(by: {slug: \"pub-c\"})", "CallForProjects", 2),
            ("event(by: {slug: \"pub-e\"})", "Event", 2),
            ("region(slug: \"wallonie\")", "Region", 2),
        ];
        let from = from.iter().map(|(field, of, depth)| {
            ((*field).to_owned(), format!("{field} {{ {} }}", self.shape.selection(of, *depth)))
        });
        let mut all: Vec<(String, String)> = from.collect();
        for field in self.roots() {
            let name = field.name.as_str();
            let document = |arguments: &[String], below: &str| {
                let given =
                    if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
                format!("{name}{given} {{ {below} }}")
            };
            let (whole, brief) = (self.shape.selection(&field.of, 2), self.shape.brief(&field.of));
            // Its required arguments.
            let base: Vec<String> = match name {
                "search" => {
                    let facets = self.shape.0["SearchFacet"].values.join(", ");
                    vec![format!("facets: [{facets}]")]
                }
                _ => Vec::new(),
            };
            let with = |more: &str| base.iter().cloned().chain([more.to_owned()]).collect::<Vec<_>>();
            let must: Vec<String> = match name {
                "search" => with("query: \"\""),
                "suggest" => with("prefix: \"pub\""),
                _ => base.clone(),
            };
            let free = field.arguments.iter().filter(|one| one.needs).count()
                == usize::from(must.len() > base.len());
            if free {
                all.push((format!("{name} whole"), document(&must, &whole)));
            }
            for argument in &field.arguments {
                let inputs = &self.shape.0[&argument.of].inputs;
                let own = format!("Query.{name}({})", argument.name);
                for (of, values) in PROBES {
                    let (input, is_own) = (of.split_once('.').unwrap_or_default(), *of == own);
                    let is_part = input.0 == argument.of && inputs.iter().any(|one| one.name == input.1);
                    for value in values.iter().filter(|_| is_own || is_part) {
                        let given = if is_own {
                            format!("{}: {value}", argument.name)
                        } else {
                            format!("{}: {{{}: {value}}}", argument.name, input.1)
                        };
                        let mut arguments = if is_own { base.clone() } else { must.clone() };
                        arguments.push(given.clone());
                        all.push((format!("{name} {given}"), document(&arguments, &brief)));
                    }
                }
                if argument.name == "orderBy" {
                    for value in &self.shape.0[&format!("{}Field", argument.of)].values {
                        for direction in
                            ["first: 2, orderBy: {direction: ASC", "last: 2, orderBy: {direction: DESC"]
                        {
                            let given = format!("{direction}, field: {value}}}");
                            all.push((
                                format!("{name} {given}"),
                                document(std::slice::from_ref(&given), &brief),
                            ));
                        }
                    }
                }
            }
        }
        all
    }

    /// The responses to these fields by label, and the number of statements.
    async fn ask_all(&self, asker: &Asker, fields: &[(String, String)]) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for together in fields.chunks(TOGETHER) {
            let aliased = together.iter().enumerate().map(|(at, (_, field))| format!("a{at}: {field}"));
            let answer = self.ask(asker, &format!("{{ {} }}", aliased.collect::<Vec<_>>().join("\n"))).await;
            let json = answer.json();
            for (at, (name, _)) in together.iter().enumerate() {
                all.insert(name.clone(), json["data"][format!("a{at}")].to_string());
            }
            let first = &together[0].0;
            all.insert(format!("errors from {first} on"), json["errors"].to_string());
            // On PostgreSQL, fields of one document with equal statements may share one, depending on timing.
            if self.server.app.db.dialect() == Dialect::Sqlite {
                all.insert(format!("statements from {first} on"), answer.statements.to_string());
            }
        }
        all
    }

    /// The responses to everything that names no record by id, with the pages around visible records.
    async fn answers(&self, asker: &Asker, battery: &[(String, String)]) -> BTreeMap<String, String> {
        let mut fields: Vec<(String, String)> =
            battery.iter().filter(|(_, field)| !names_one(field)).cloned().collect();
        // The names of hidden records, before and after these exist.
        for state in [State::Members, State::Private] {
            let by_name = battery.iter().filter(|(_, field)| names_one(field) && !names_by_id(field));
            let filled = |field: &str| {
                field
                    .replace("{name}", state.prefix())
                    .replace("{siren}", state.identifiers().0)
                    .replace("{isni}", state.identifiers().1)
            };
            fields.extend(by_name.map(|(name, field)| (format!("{name} of {state:?}"), filled(field))));
        }
        let mut all = self.ask_all(asker, &fields).await;
        let mut cursors: BTreeMap<&str, String> = BTreeMap::new();
        for number in 0..4 {
            let mut pages = Vec::new();
            for root in ["organizations", "talents", "partnerships", "callsForProjects", "events"] {
                let page = |more: String| {
                    format!(
                        "{root}({more}) {{ totalCount nodes {{ id }} pageInfo {{ startCursor endCursor hasNextPage hasPreviousPage }} }}"
                    )
                };
                let after =
                    cursors.get(root).map_or_else(String::new, |cursor| format!(", after: \"{cursor}\""));
                pages.push((format!("{root} page {number}"), page(format!("first: 1{after}"))));
                if let Some(cursor) = cursors.get(root) {
                    pages.push((
                        format!("{root} before {number}"),
                        page(format!("last: 2, before: \"{cursor}\"")),
                    ));
                }
            }
            let answers = self.ask_all(asker, &pages).await;
            for root in ["organizations", "talents", "partnerships", "callsForProjects", "events"] {
                let page: Value =
                    serde_json::from_str(&answers[&format!("{root} page {number}")]).expect("JSON");
                cursors
                    .extend(page["pageInfo"]["endCursor"].as_str().map(|cursor| (root, cursor.to_owned())));
            }
            all.extend(answers);
        }
        all
    }

    /// Compares responses with those from before hidden records were created.
    fn compare(
        &mut self,
        who: Who,
        when: &str,
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
    ) {
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            let (one, other) = (before.get(name), after.get(name));
            self.expect(one == other, || format!("{who:?}, {when}: {name}\n  {one:?}\n  {other:?}"));
        }
    }

    /// Checks that a hidden record, asked for by name, equals one that never existed.
    async fn hidden_is_absent(&mut self, battery: &[(String, String)], ids: &BTreeMap<&'static str, Ids>) {
        let never = &ids[State::Never.prefix()];
        let public = &ids[State::Public.prefix()];
        let named: Vec<(String, String)> = battery
            .iter()
            .filter(|(_, document)| names_one(document))
            .map(|(name, document)| (name.clone(), with_public(document, public)))
            .collect();
        let fill = |ids: &Ids, state: State| -> Vec<(String, String)> {
            named.iter().map(|(name, field)| (name.clone(), ids.fill(state, field))).collect()
        };
        let absent_fields = fill(never, State::Never);
        for at in 0..self.askers.len() {
            let who = self.askers[at].who;
            let absent = self.ask_all(&self.askers[at], &absent_fields).await;
            for state in [State::Members, State::Private, State::Deleted, State::Erased] {
                let own = &ids[state.prefix()];
                let of =
                    [Of::Organization, Of::Talent, Of::Affiliation, Of::Partnership, Of::Call, Of::Event];
                if of.iter().any(|of| who.sees(*of, state)) || !asks_for(who, state) {
                    continue;
                }
                let hidden = self.ask_all(&self.askers[at], &fill(own, state)).await;
                for (name, text) in &hidden {
                    let same = own.strip(state, text) == never.strip(State::Never, &absent[name]);
                    self.expect(same, || format!("{who:?}, {state:?}: {name}\n  {text}\n  {}", absent[name]));
                }
            }
        }
    }

    /// Checks that each viewer sees the expected records by id.
    async fn records_are_seen(&mut self, ids: &BTreeMap<&'static str, Ids>) {
        let all =
            [State::Public, State::Members, State::Private, State::Deleted, State::Erased, State::Never];
        let all = all.iter().flat_map(|state| {
            let of = [Of::Organization, Of::Talent, Of::Affiliation, Of::Partnership, Of::Call, Of::Event];
            of.map(|of| (format!("{of:?} {state:?}"), *state, of, ids[state.prefix()].get(of).to_owned()))
        });
        let all: Vec<(String, State, Of, String)> = all.collect();
        let fields: Vec<(String, String)> = all
            .iter()
            .map(|(name, _, _, id)| (name.clone(), format!("node(id: \"{id}\") {{ id }}")))
            .collect();
        for at in 0..self.askers.len() {
            let who = self.askers[at].who;
            let answers = self.ask_all(&self.askers[at], &fields).await;
            for (name, state, of, id) in &all {
                let seen = answers[name].contains(id.as_str());
                self.expect(seen == who.sees(*of, *state), || format!("{who:?} sees {name}: {seen}"));
            }
        }
    }

    /// Checks that each field of a visible record is shown to the viewers in the table.
    async fn fields_are_shown(&mut self, ids: &BTreeMap<&'static str, Ids>) {
        let affiliation = &ids[State::Public.prefix()].affiliation;
        let node = format!("node(id: \"{affiliation}\") {{ ... on Affiliation {{ {{}} }} }}");
        let places = [
            ("Organization", "organization(by: {slug: \"pub-o\"}) { {} }", "/organization"),
            ("Talent", "talent(by: {slug: \"closed-t\"}) { {} }", "/talent"),
            ("Partnership", "partnership(by: {slug: \"pub-p\"}) { {} }", "/partnership"),
            (
                "PartnershipParty",
                "partnership(by: {slug: \"pub-p\"}) { parties { {} } }",
                "/partnership/parties/0",
            ),
            ("CallForProjects", "callForProjects(by: {slug: \"pub-c\"}) { {} }", "/callForProjects"),
            (
                "Contribution",
                "callForProjects(by: {slug: \"pub-c\"}) { contributions { {} } }",
                "/callForProjects/contributions/0",
            ),
            ("CallLot", "callForProjects(by: {slug: \"pub-c\"}) { lots { {} } }", "/callForProjects/lots/0"),
            ("Affiliation", node.as_str(), "/node"),
            ("Event", "event(by: {slug: \"pub-e\"}) { {} }", "/event"),
            ("EventSession", "event(by: {slug: \"pub-e\"}) { programme { {} } }", "/event/programme/0"),
        ];
        // Fields of regions and other records are checked there. A group is checked with its content.
        let row = |of: &str, name: &str| {
            let rows = FIELDS.iter().filter(|(one, ..)| *one == of);
            rows.clone()
                .find(|(.., names)| names.split_whitespace().any(|one| one == name))
                .map(|(_, shown, _)| *shown)
        };
        let depth = |of: &str, field: &shape::Part| match row(of, &field.name) {
            Some(Shown::Group(_)) => 2,
            _ => 1,
        };
        for (of, place, pointer) in places {
            let fields: Vec<shape::Part> = self
                .shape
                .fields(of)
                .iter()
                .filter(|field| self.shape.select(field, depth(of, field)).is_some())
                .cloned()
                .collect();
            let selections: Vec<String> =
                fields.iter().filter_map(|field| self.shape.select(field, depth(of, field))).collect();
            let document = format!("{{ {} }}", place.replace("{}", &selections.join(" ")));
            let bare = document.replace("closed-t", "bare-t");
            let all = self.ask(self.asker(Who::Admin), &document).await.data(pointer);
            self.expect(all.is_object(), || format!("{of}: {document}"));
            for at in 0..self.askers.len() {
                let who = self.askers[at].who;
                let seen = self.ask(&self.askers[at], &document).await.data(pointer);
                // Only viewers with hidden groups need the comparison.
                let nothing = if of == "Talent" && !who.is_inside() {
                    self.ask(&self.askers[at], &bare).await.data(pointer)
                } else {
                    Value::Null
                };
                for field in &fields {
                    let name = field.name.as_str();
                    let Some(shown) = row(of, name) else { continue };
                    let (value, whole) = (&seen[name], &all[name]);
                    let right = match shown {
                        Shown::All => value == whole,
                        Shown::Group(word) if who.is_inside() => value.to_string().contains(word),
                        Shown::Group(_) => *value == nothing[name],
                        Shown::SignedIn if who.is_signed_in() => value == whole && !value.is_null(),
                        Shown::Insiders if who.is_inside() => value == whole && !value.is_null(),
                        Shown::Participants if who.writes() || who.owns(Of::Organization, State::Public) => {
                            value == whole && !value.is_null()
                        }
                        Shown::SignedIn | Shown::Insiders | Shown::Participants => value.is_null(),
                        Shown::Related
                        | Shown::Staff
                        | Shown::Administrators
                        | Shown::Oneself
                        | Shown::Free => true,
                    };
                    self.expect(right, || {
                        format!("{who:?}: {of}.{name} is not {shown:?}: {value} of {whole}")
                    });
                }
            }
        }
    }

    /// Checks that the history of a record is visible only to the staff of its region, even after deletion.
    async fn history_is_for_staff(&mut self, ids: &BTreeMap<&'static str, Ids>) {
        let all = [State::Public, State::Members, State::Private, State::Deleted];
        let fields = |state: State, ids: &Ids| -> Vec<(String, String)> {
            let of = [Of::Organization, Of::Talent, Of::Affiliation, Of::Partnership, Of::Call, Of::Event];
            let history = |id: &str| {
                format!("history(id: \"{id}\") {{ totalCount nodes {{ action actorId fields }} }}")
            };
            of.iter().map(|of| (format!("{of:?} {state:?}"), history(ids.get(*of)))).collect()
        };
        let nothing = r#"{"totalCount":0,"nodes":[]}"#;
        for at in 0..self.askers.len() {
            let who = self.askers[at].who;
            let never =
                self.ask_all(&self.askers[at], &fields(State::Never, &ids[State::Never.prefix()])).await;
            for state in all {
                // The person may read the history of their own profile.
                if who == Who::Person && state == State::Private {
                    continue;
                }
                let seen = self.ask_all(&self.askers[at], &fields(state, &ids[state.prefix()])).await;
                for (name, text) in &seen {
                    let name_of_never = name.replace(&format!("{state:?}"), "Never");
                    let right = if who.is_staff() && !name.contains(" from ") {
                        text != nothing
                    } else {
                        who.is_staff() || *text == never[&name_of_never]
                    };
                    self.expect(right, || format!("{who:?}: history of {name}: {text}"));
                }
            }
        }
    }

    /// Checks that a hidden group of fields cannot be searched by, and that accounts and keys are shown only to their
    /// owners.
    async fn what_is_not_shown_is_not_found(&mut self) {
        for at in 0..self.askers.len() {
            let who = self.askers[at].who;
            for filter in
                ["availability: [FROM_DATE]", "availableBy: \"2032-01-01\"", "organization: \"{id}\""]
            {
                let id = Ids::of(&self.server, State::Public).await.organization;
                let filter = filter.replace("{id}", &id);
                let query = format!("{{ talents(first: 100, filter: {{{filter}}}) {{ nodes {{ slug }} }} }}");
                let answer = self.ask(&self.askers[at], &query).await;
                let found = answer.text.contains("closed-t");
                self.expect(found == who.is_inside(), || format!("{who:?}: {filter}: {answer:?}"));
            }
            for word in ["canary", "biography", "example.org"] {
                let query = format!(
                    "{{ search(query: \"{word}\") {{ estimatedTotalCount nodes {{ ... on Talent {{ slug }} }} }} suggest(prefix: \"{word}\") {{ text }} }}"
                );
                let answer = self.ask(&self.askers[at], &query).await;
                let none =
                    json!({"data": {"search": {"estimatedTotalCount": 0, "nodes": []}, "suggest": []}});
                self.expect(answer.json() == none, || format!("{who:?}: {word}: {answer:?}"));
            }
            let query = "{ viewer { authenticated account { email displayName } roles { role region { slug } } } apiKeys { region { slug } name }
                accounts(first: 1) { totalCount } invitations(first: 1) { totalCount } myDataExport { generatedAt } }";
            let answer = self.ask(&self.askers[at], query).await;
            let keys: BTreeSet<String> = answer
                .data("/apiKeys")
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|key| key["region"]["slug"].as_str().map(str::to_owned))
                .collect();
            let expected: &[&str] = match who {
                Who::Admin => &[AWAY, HOME],
                Who::Role(Role::RegionAdmin, region) => &[region],
                _ => &[],
            };
            let right = keys.iter().map(String::as_str).eq(expected.iter().copied());
            self.expect(right, || format!("{who:?}: apiKeys: {answer:?}"));
            let is_person = who.is_signed_in() && !matches!(who, Who::Key(_));
            let knows_accounts = answer.data("/accounts/totalCount") != json!(0);
            let has_export = answer.data("/myDataExport").is_object();
            let right = knows_accounts != expected.is_empty() && has_export == is_person;
            self.expect(right, || format!("{who:?}: accounts: {answer:?}"));
            let viewer = answer.data("/viewer");
            self.expect(
                viewer["account"].is_object() == is_person && viewer["authenticated"] == who.is_signed_in(),
                || format!("{who:?}: viewer: {answer:?}"),
            );
        }
    }
}

/// The number of fields of one document.
const TOGETHER: usize = 12;

/// Arguments that choose the amount and form of a response, not its records.
const MECHANICS: &[&str] = &[
    "first",
    "last",
    "after",
    "before",
    "maxNodes",
    "language",
    "notBefore",
    "types",
    "facets",
    "orderBy",
    "filter",
    "by",
];

/// Whether a document names one record.
fn names_one(document: &str) -> bool {
    document.contains("{name}")
        || document.contains("{siren}")
        || document.contains("{isni}")
        || names_by_id(document)
}

fn names_by_id(document: &str) -> bool {
    ["{organization}", "{talent}", "{affiliation}", "{partnership}", "{call}", "{event}", "{public}"]
        .iter()
        .any(|word| document.contains(word))
}

/// A document with the ids of public records in place of their placeholders.
fn with_public(document: &str, public: &Ids) -> String {
    document.replace("{public}", &public.organization).replace("{public-call}", &public.call)
}

/// The viewers of the longest part of the matrix: one for each way in which the policy hides the records, and two
/// that see them, for the state after deletion.
fn goes_through_all(who: Who) -> bool {
    match who {
        Who::Role(Role::Editor, _) => true,
        Who::Role(Role::Moderator | Role::SyncPartner, region) => region == AWAY,
        _ => matches!(who, Who::Anonymous | Who::Account | Who::Admin),
    }
}

/// Whether a viewer asks for records of a state. For deleted records, which are hidden from all, one viewer of each
/// kind is enough.
fn asks_for(who: Who, state: State) -> bool {
    !matches!(state, State::Deleted | State::Erased) || goes_through_all(who)
}

async fn run(noisy: TestServer) {
    let server = noisy.quiet().await;
    bring(&server, &ground()).await;
    bring(&server, &records(State::Deleted)).await;
    bring(&server, &deletions(State::Deleted)).await;
    bring(&server, &records(State::Erased)).await;
    let erased = Ids::of(&server, State::Erased).await;
    let mut askers = Vec::new();
    for who in everybody() {
        askers.push(asker(&server, who).await);
    }
    let shape = Shape::of(&server).await;
    let mut matrix = Matrix { server, shape, askers, wrong: Vec::new() };
    matrix.table_is_whole();
    assert!(matrix.wrong.is_empty(), "{}", matrix.wrong.join("\n"));
    let battery = matrix.battery();
    let erase = format!("mutation {{ eraseTalent(id: \"{}\") {{ deletedId }} }}", erased.talent);
    let answer = matrix.ask(matrix.asker(Who::Admin), &erase).await;
    assert_eq!(answer.data("/eraseTalent/deletedId"), json!(erased.talent));
    bring(&matrix.server, &deletions(State::Erased)).await;
    matrix.greet().await;

    // Before any hidden records exist.
    let mut before = Vec::new();
    for asker in matrix.askers.iter().filter(|asker| goes_through_all(asker.who)) {
        before.push((asker.who, matrix.answers(asker, &battery).await));
    }
    bring(&matrix.server, &records(State::Private)).await;
    let private = Ids::of(&matrix.server, State::Private).await;
    give_talent(&matrix.server, uuid(&private.talent)).await;
    let public = Ids::of(&matrix.server, State::Public).await;
    give_organization(&matrix.server, uuid(&private.organization)).await;
    give_organization(&matrix.server, uuid(&public.organization)).await;
    matrix.greet().await;
    matrix.propose(&private.organization).await;
    // A draft, which nobody else sees.
    matrix.apply(&private.organization, &public).await;
    for (who, answers) in &before {
        if !who.is_inside() {
            let after = matrix.answers(matrix.asker(*who), &battery).await;
            matrix.compare(*who, "with PRIVATE records", answers, &after);
        }
    }
    bring(&matrix.server, &records(State::Members)).await;
    for (who, answers) in &before {
        if !who.is_signed_in() {
            let after = matrix.answers(matrix.asker(*who), &battery).await;
            matrix.compare(*who, "with MEMBERS records", answers, &after);
        }
    }

    // With records in every state.
    let mut ids = BTreeMap::new();
    for state in [State::Public, State::Members, State::Private, State::Deleted, State::Never] {
        ids.insert(state.prefix(), Ids::of(&matrix.server, state).await);
    }
    ids.insert(State::Erased.prefix(), erased);
    matrix.records_are_seen(&ids).await;
    matrix.fields_are_shown(&ids).await;
    matrix.what_is_not_shown_is_not_found().await;
    matrix.history_is_for_staff(&ids).await;
    matrix.hidden_is_absent(&battery, &ids).await;
    Box::pin(matrix.mutations_are_for_those_who_may(&ids)).await;
    matrix.names_of_hidden_records_are_free(&ids).await;

    // After the deletion of all hidden records.
    for table in [
        "proposal",
        "application",
        "application_decision",
        "event_registration",
        "event_seats",
        "event_notice",
    ] {
        let emptied = format!("DELETE FROM {table}");
        matrix.server.app.db.writer().execute_unprepared(&emptied).await.expect("a statement");
    }
    for state in [State::Members, State::Private] {
        bring(&matrix.server, &deletions(state)).await;
    }
    for (who, answers) in &before {
        if who.is_signed_in() && !who.is_inside() && *who != Who::Account {
            continue;
        }
        let after = matrix.answers(matrix.asker(*who), &battery).await;
        matrix.compare(*who, "with deleted records", answers, &after);
    }
    let (count, shown) = (matrix.wrong.len(), matrix.wrong.iter().take(30).cloned().collect::<Vec<_>>());
    assert!(count == 0, "{count} are wrong, such as:\n{}", shown.join("\n"));
}

on_both_databases! {
    with Setup::default().with_search().without_rate_limit().with_huge_documents().erasing_at_once();
    async fn everybody_may_what_the_table_says(server) {
        Box::pin(run(server)).await;
    }
}
