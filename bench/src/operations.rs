//! The measured operations and their variables.
//!
//! The documents never change during a run, only their variables do: so a server can cache what it knows of a
//! document. The keys in the variables are read from the server before the load.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use crate::client::Client;
use crate::failure::Failure;
use crate::random::Random;

/// Rows of a page while keys are collected: the most that the server allows.
const PAGE: usize = 100;
/// Pages of organizations read at most.
const ORGANIZATION_PAGES: usize = 250;
/// Pages of talents read at most: a sample is enough to find the occupations.
const TALENT_PAGES: usize = 60;
/// Rows that Q2 to Q5 ask for.
const ROWS: usize = 20;

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    /// One organization by id or slug, with region and sectors.
    Q1,
    /// Twenty organizations of a region and sector by name, with sectors.
    Q2,
    /// The same with their first five partnerships, the parties, and the parties' names.
    Q3,
    /// Twenty talents of a region and occupation with their affiliations.
    Q4,
    /// Twenty organizations by name, deep in the list.
    Q5,
    /// A search by one or two words of a name, the last one unfinished, with two facets.
    Search,
    /// Suggestions for the first letters of a name.
    Suggest,
    /// One of Q1 to Q5, all with the same frequency.
    Mixed,
}

/// The five that `mixed` is made of.
pub(crate) const SINGLE: [Operation; 5] =
    [Operation::Q1, Operation::Q2, Operation::Q3, Operation::Q4, Operation::Q5];

/// All but `mixed`.
const EACH: [Operation; 7] = [
    Operation::Q1,
    Operation::Q2,
    Operation::Q3,
    Operation::Q4,
    Operation::Q5,
    Operation::Search,
    Operation::Suggest,
];

impl Operation {
    /// Its name in the table and on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Q1 => "Q1",
            Self::Q2 => "Q2",
            Self::Q3 => "Q3",
            Self::Q4 => "Q4",
            Self::Q5 => "Q5",
            Self::Search => "search",
            Self::Suggest => "suggest",
            Self::Mixed => "mixed",
        }
    }

    /// Its GraphQL document.
    const fn document(self) -> &'static str {
        match self {
            Self::Q1 => {
                "query Q1($by: OrganizationBy!) { organization(by: $by) \
                 { id slug name region { slug name } sectors { slug name } } }"
            }
            Self::Q2 => {
                "query Q2($filter: OrganizationFilter) { organizations(filter: $filter, first: 20) \
                 { nodes { id slug name sectors { slug name } } pageInfo { hasNextPage endCursor } } }"
            }
            Self::Q3 => {
                "query Q3($filter: OrganizationFilter) { organizations(filter: $filter, first: 20) \
                 { nodes { id slug name sectors { slug name } partnerships(first: 5) { nodes { id title \
                 parties { role organization { id name } } } } } pageInfo { hasNextPage endCursor } } }"
            }
            Self::Q4 => {
                "query Q4($filter: TalentFilter) { talents(filter: $filter, first: 20) \
                 { nodes { id slug displayName affiliations(first: 10) { nodes { role organization \
                 { id name } } } } pageInfo { hasNextPage endCursor } } }"
            }
            Self::Search => {
                "query S($query: String!) { search(query: $query, facets: [SECTOR, REGION]) \
                 { degraded estimatedTotalCount facets { facet values { value count } } nodes \
                 { __typename ... on Organization { id slug name } ... on Talent { id slug displayName } \
                 ... on Partnership { id title } } } }"
            }
            Self::Suggest => "query T($prefix: String!) { suggest(prefix: $prefix) { text type } }",
            Self::Q5 | Self::Mixed => {
                "query Q5($after: String) { organizations(first: 20, after: $after) \
                 { nodes { id slug name } pageInfo { hasNextPage endCursor } } }"
            }
        }
    }

    /// The first bytes of a valid response, from a server that writes no spaces.
    const fn good_beginning(self) -> &'static [u8] {
        match self {
            Self::Q1 => b"{\"data\":{\"organization\":{\"id\":",
            Self::Q4 => b"{\"data\":{\"talents\":{\"nodes\":[{",
            // Answers of the database instead of the search engine are not measured.
            Self::Search => b"{\"data\":{\"search\":{\"degraded\":false,",
            Self::Suggest => b"{\"data\":{\"suggest\":[{",
            _ => b"{\"data\":{\"organizations\":{\"nodes\":[{",
        }
    }

    /// Checks that a response has the status 200, no errors, and some data.
    ///
    /// Most valid responses are recognized by their bytes; the others are parsed.
    ///
    /// # Errors
    /// Fails where it is not valid; the message has the beginning of the response.
    pub(crate) fn check(self, status: u16, body: &[u8]) -> Result<(), Failure> {
        const ERRORS: &[u8] = b"\"errors\"";
        if status == 200
            && body.starts_with(self.good_beginning())
            && !body.windows(ERRORS.len()).any(|part| part == ERRORS)
        {
            return Ok(());
        }
        let wrong = |what: &str| {
            let beginning: String = String::from_utf8_lossy(body).chars().take(600).collect();
            Failure::new(format!("{}: {what}: status {status}, {beginning}", self.name()))
        };
        if status != 200 {
            return Err(wrong("refused"));
        }
        let answer: Value = serde_json::from_slice(body).map_err(|_| wrong("not JSON"))?;
        if answer.get("errors").is_some() {
            return Err(wrong("errors"));
        }
        let filled = match self {
            Self::Q1 => answer.pointer("/data/organization").is_some_and(Value::is_object),
            Self::Q4 => nodes(&answer, "talents").next().is_some(),
            Self::Search => answer.pointer("/data/search/degraded") == Some(&Value::Bool(false)),
            Self::Suggest => answer.pointer("/data/suggest/0").is_some(),
            _ => nodes(&answer, "organizations").next().is_some(),
        };
        if filled { Ok(()) } else { Err(wrong("empty data")) }
    }
}

impl FromStr for Operation {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        EACH.into_iter()
            .chain([Self::Mixed])
            .find(|operation| operation.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| "one of Q1, Q2, Q3, Q4, Q5, search, suggest, mixed is needed".to_owned())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

fn nodes<'a>(answer: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    answer
        .get("data")
        .and_then(|data| data.get(field))
        .and_then(|list| list.get("nodes"))
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// The bodies of requests: the text before the variables, and the variables to choose from.
pub(crate) struct Requests {
    operations: Vec<(Operation, Vec<u8>, Vec<String>)>,
}

impl Requests {
    /// Reads ids, slugs, filters and cursors for the variables from the server.
    ///
    /// # Errors
    /// Fails where the server answers wrongly, or has no records to ask for.
    pub(crate) async fn collect(client: &mut Client, wanted: &[Operation]) -> Result<Self, Failure> {
        let needs = |operation| {
            wanted.contains(&operation) || (wanted.contains(&Operation::Mixed) && SINGLE.contains(&operation))
        };
        let mut found = Keys::default();
        if EACH.into_iter().any(|operation| operation != Operation::Q4 && needs(operation)) {
            found.organizations(client).await?;
        }
        if needs(Operation::Q4) {
            found.talents(client).await?;
        }
        let mut operations = Vec::new();
        for operation in EACH.into_iter().filter(|&operation| needs(operation)) {
            let variables = found.variables(operation);
            if variables.is_empty() {
                return Err(Failure::new(format!(
                    "{operation}: the server has no records that it could ask for"
                )));
            }
            let document = Value::from(operation.document());
            let beginning = format!("{{\"query\":{document},\"variables\":").into_bytes();
            operations.push((operation, beginning, variables));
        }
        Ok(Self { operations })
    }

    /// The operations, with the number of sets of variables of each.
    pub(crate) fn summary(&self) -> String {
        let parts: Vec<String> = self
            .operations
            .iter()
            .map(|(operation, _, variables)| format!("{operation} {}", variables.len()))
            .collect();
        parts.join(", ")
    }

    /// Writes the body of one request into `body`. Returns its operation.
    pub(crate) fn write(&self, asked: Operation, random: &mut Random, body: &mut Vec<u8>) -> Operation {
        let chosen = self.operations.iter().find(|(operation, ..)| *operation == asked);
        // `mixed` picks any of them.
        let (operation, beginning, variables) = chosen.unwrap_or_else(|| random.pick(&self.operations));
        body.clear();
        body.extend_from_slice(beginning);
        body.extend_from_slice(random.pick(variables).as_bytes());
        body.push(b'}');
        *operation
    }
}

/// The keys that were read from the server.
#[derive(Default)]
struct Keys {
    names: Vec<Value>,
    /// Names of organizations.
    titles: Vec<String>,
    /// Organizations of a region and sector, counted.
    organization_filters: BTreeMap<(String, String), usize>,
    /// Talents of a region and occupation, counted in a sample.
    talent_filters: BTreeMap<(String, String), usize>,
    cursors: Vec<String>,
}

impl Keys {
    async fn organizations(&mut self, client: &mut Client) -> Result<(), Failure> {
        let document = "query Keys($after: String) { organizations(first: 100, after: $after) { edges { cursor node \
                        { id slug name region { slug } sectors { slug } } } pageInfo { hasNextPage endCursor } } }";
        let mut after = Value::Null;
        for _ in 0..ORGANIZATION_PAGES {
            let page = ask(client, document, &after).await?;
            for edge in entries(&page, "/data/organizations/edges") {
                let node = &edge["node"];
                self.names.push(json!({ "by": { "slug": node["slug"] } }));
                self.names.push(json!({ "by": { "id": node["id"] } }));
                self.titles.extend(node["name"].as_str().map(str::to_owned));
                count(&mut self.organization_filters, node, "sectors");
                self.cursors.extend(edge["cursor"].as_str().map(str::to_owned));
            }
            let Some(next) = next_page(&page, "/data/organizations/pageInfo") else {
                break;
            };
            after = next;
        }
        Ok(())
    }

    async fn talents(&mut self, client: &mut Client) -> Result<(), Failure> {
        let document = "query Keys($after: String) { talents(first: 100, after: $after) { nodes \
                        { region { slug } occupations { slug } } pageInfo { hasNextPage endCursor } } }";
        let mut after = Value::Null;
        for _ in 0..TALENT_PAGES {
            let page = ask(client, document, &after).await?;
            for node in entries(&page, "/data/talents/nodes") {
                count(&mut self.talent_filters, node, "occupations");
            }
            let Some(next) = next_page(&page, "/data/talents/pageInfo") else {
                break;
            };
            after = next;
        }
        Ok(())
    }

    /// The variables that requests of an operation choose from, as JSON.
    fn variables(&self, operation: Operation) -> Vec<String> {
        match operation {
            Operation::Q1 => self.names.iter().map(Value::to_string).collect(),
            Operation::Q2 | Operation::Q3 => filters(&self.organization_filters, ROWS, "sectors"),
            // Two in the sample are many more in the whole directory.
            Operation::Q4 => filters(&self.talent_filters, 2, "occupations"),
            Operation::Search => {
                let typed = self.titles.iter().filter_map(|title| unfinished(title));
                typed.map(|query| json!({ "query": query }).to_string()).collect()
            }
            Operation::Suggest => {
                // Three letters, four or five.
                let lengths = (3..=5).cycle();
                let typed = self
                    .titles
                    .iter()
                    .zip(lengths)
                    .map(|(title, length)| -> String { title.chars().take(length).collect() });
                typed.map(|prefix| json!({ "prefix": prefix }).to_string()).collect()
            }
            Operation::Q5 | Operation::Mixed => {
                // Not the first tenth, and a full page must follow.
                let end = self.cursors.len().saturating_sub(ROWS);
                let deep = self.cursors.get(self.cursors.len() / 10..end).unwrap_or_default();
                deep.iter().map(|cursor| json!({ "after": cursor }).to_string()).collect()
            }
        }
    }
}

/// A query as it is typed to find a name: up to two words, the last one unfinished.
fn unfinished(name: &str) -> Option<String> {
    let mut words = name.split_whitespace().filter(|word| word.chars().count() > 3);
    let (first, second) = (words.next()?, words.next());
    let beginning = |word: &str| word.chars().take(4).collect::<String>();
    Some(second.map_or_else(|| beginning(first), |second| format!("{first} {}", beginning(second))))
}

/// Filters by the pairs that occur at least `enough` times, or by all pairs where none does.
fn filters(counted: &BTreeMap<(String, String), usize>, enough: usize, list: &str) -> Vec<String> {
    let least = if counted.values().any(|&times| times >= enough) { enough } else { 1 };
    counted
        .iter()
        .filter(|&(_, &times)| times >= least)
        .map(|((region, term), _)| json!({ "filter": { "regions": [region], list: [term] } }).to_string())
        .collect()
}

/// Counts a record under its region and each entry of one of its lists.
fn count(into: &mut BTreeMap<(String, String), usize>, node: &Value, list: &str) {
    let Some(region) = node["region"]["slug"].as_str() else {
        return;
    };
    for term in node[list].as_array().into_iter().flatten().filter_map(|term| term["slug"].as_str()) {
        *into.entry((region.to_owned(), term.to_owned())).or_default() += 1;
    }
}

fn entries<'a>(page: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    page.pointer(pointer).and_then(Value::as_array).into_iter().flatten().take(PAGE)
}

/// The cursor of the next page, if there is one.
fn next_page(page: &Value, pointer: &str) -> Option<Value> {
    let info = page.pointer(pointer)?;
    (info["hasNextPage"] == true && info["endCursor"].is_string()).then(|| info["endCursor"].clone())
}

async fn ask(client: &mut Client, document: &str, after: &Value) -> Result<Value, Failure> {
    let body = json!({ "query": document, "variables": { "after": after } }).to_string();
    let (status, answer) = client.post(body.as_bytes()).await?;
    let value: Value = serde_json::from_slice(answer).unwrap_or_default();
    if status == 200 && value.get("errors").is_none() && value.get("data").is_some_and(Value::is_object) {
        return Ok(value);
    }
    let beginning: String = String::from_utf8_lossy(answer).chars().take(600).collect();
    Err(Failure::new(format!("collecting keys: status {status}, {beginning}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_answers_pass_however_they_are_written() {
        assert!(Operation::Q1.check(200, br#"{"data":{"organization":{"id":"organization_1"}}}"#).is_ok());
        assert!(
            Operation::Q1.check(200, br#"{ "data": { "organization": { "name": "\"errors\"" } } }"#).is_ok()
        );
        assert!(Operation::Q2.check(200, br#"{"data":{"organizations":{"nodes":[{}]}}}"#).is_ok());
        assert!(Operation::Q4.check(200, br#"{"data":{"talents":{"nodes":[{}]}}}"#).is_ok());
    }

    #[test]
    fn wrong_answers_do_not() {
        for (operation, status, body) in [
            (Operation::Q1, 200, r#"{"data":{"organization":null}}"#),
            (Operation::Q1, 500, r#"{"data":{"organization":{"id":"organization_1"}}}"#),
            (Operation::Q2, 200, r#"{"data":{"organizations":{"nodes":[]}}}"#),
            (Operation::Q3, 200, r#"{"data":{"organizations":{"nodes":[{}]}},"errors":[{"message":"no"}]}"#),
            (Operation::Q4, 200, r#"{"data":null}"#),
            (Operation::Q5, 200, "<html>"),
            (Operation::Q5, 429, r#"{"errors":[]}"#),
        ] {
            assert!(operation.check(status, body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for operation in EACH.into_iter().chain([Operation::Mixed]) {
            assert_eq!(operation.name().to_lowercase().parse(), Ok(operation));
        }
        assert!("Q6".parse::<Operation>().is_err());
    }
}
