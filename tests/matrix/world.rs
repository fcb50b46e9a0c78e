//! The records, one of each type in each state, and a dump of the database.

use std::fmt::Write as _;

use passerelle::kernel::id;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use super::viewers::{AWAY, Of};
use crate::support::records::{
    affiliation, call_for_projects, import, organization, partnership, source, talent,
};
use crate::support::server::TestServer;

/// The region of the records.
pub(super) const HOME: &str = "wallonie";

/// The state of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Public,
    Members,
    Private,
    Deleted,
    /// The talent is erased, the others are deleted.
    Erased,
    /// The record never existed.
    Never,
}

impl State {
    /// The prefix of its slugs.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Public => "pub",
            Self::Members => "mem",
            Self::Private => "hid",
            Self::Deleted => "del",
            Self::Erased => "era",
            Self::Never => "nil",
        }
    }

    const fn level(self) -> &'static str {
        match self {
            Self::Members => "MEMBERS",
            Self::Private => "PRIVATE",
            Self::Public | Self::Deleted | Self::Erased | Self::Never => "PUBLIC",
        }
    }

    /// The official identifiers of its organization and its talent.
    pub(super) const fn identifiers(self) -> (&'static str, &'static str) {
        match self {
            Self::Public => ("552008443", "0000000121032683"),
            Self::Members => ("732829320", "0000000218250097"),
            Self::Private => ("404833048", "0000000109409505"),
            Self::Deleted => ("784671695", "0000000073669144"),
            Self::Erased => ("380129866", "0000000148563126"),
            Self::Never => ("542107651", "0000000122816957"),
        }
    }
}

fn text(text: &str) -> Value {
    json!([{ "language": "FR", "text": text }])
}

/// The records of a state. Those that are not PUBLIC have unique values where values are counted.
pub(super) fn records(state: State) -> Vec<Value> {
    let (name, level) = (state.prefix(), state.level());
    let (siren, isni) = state.identifiers();
    let (o, t, p) = (format!("{name}-o"), format!("{name}-t"), format!("{name}-p"));
    let rare = state != State::Public;
    let sectors = if rare { json!(["jeux-video"]) } else { json!(["animation"]) };
    let mut lines = vec![
        organization(
            HOME,
            &o,
            json!({"visibility": level, "name": format!("{name}orum"), "acronym": format!("{name}ac"),
            "kind": if rare { "fund" } else { "animation-studio" }, "sectors": sectors, "servedRegions": [HOME, AWAY],
            "territory": if rare { "namur" } else { "liege" }, "seatRegion": HOME, "languages": ["DE"], "status": "ACTIVE",
            "descriptions": text(&format!("{name}descr")), "otherNames": [format!("{name}other")], "foundedOn": "1987",
            "email": format!("{o}@example.org"), "phone": "+32 4 765 43 21", "website": "https://example.org/",
            "address": {"country": "BE", "city": format!("{name}ville"), "latitude": 50.2, "longitude": 5.2},
            "identifiers": [{"scheme": "SIREN", "value": siren}], "employeeCount": 12,
            "memberOf": if rare { json!(["pub-o"]) } else { json!([]) },
            "claims": [{"field": "name", "value": format!("{name}claim"), "source": {"title": "a"}}]}),
        ),
        talent(
            HOME,
            &t,
            json!({"visibility": level, "displayName": format!("{name}ana"), "skills": [format!("{name}skill")],
            "occupations": if rare { json!(["monteur"]) } else { json!([]) }, "sectors": sectors, "territory": if rare { "namur" } else { "liege" },
            "languages": [{"language": if rare { "de" } else { "fr" }, "level": "FLUENT"}], "headlines": text(&format!("{name}head")),
            "biographies": text(&format!("{name}bio")), "availability": "AVAILABLE", "email": format!("{t}@example.org"), "phone": "+32 1",
            "identifiers": [{"scheme": "ISNI", "value": isni}]}),
        ),
        affiliation(HOME, &t, "pub-o", json!({"occupation": "monteur", "startsOn": "2001"})),
    ];
    let parties: &[&str] = if rare { &[&o, "pub-o", "away-o"] } else { &["pub-o", "away-o"] };
    lines.push(partnership(
        HOME,
        &p,
        parties,
        json!({"visibility": level, "titles": text(&format!("{name}pact")), "sectors": sectors,
        "kind": if rare { "coproduction" } else { "co-funding" }, "startsOn": "1999", "endsOn": "2030"}),
    ));
    let give = |organization: &str, amount: &str| json!({"organization": organization, "amount": {"amount": amount, "currency": "EUR"}});
    let (mut contributions, mut funders) =
        (vec![give("pub-o", "400"), give("away-o", "200")], vec![give("away-o", "150")]);
    if rare {
        contributions = vec![give(&o, "100"), give("pub-o", "300"), give("away-o", "200")];
        funders.push(give(&o, "50"));
    }
    lines.push(call_for_projects(
        HOME,
        &format!("{name}-c"),
        json!({"visibility": level, "titles": text(&format!("{name}call")), "descriptions": text(&format!("{name}aim")), "sectors": sectors,
        "opensAt": "1999-01-01T00:00:00Z", "contributions": contributions, "organizers": if rare { json!([o]) } else { json!(["pub-o"]) },
        "regulations": [{"language": "FR", "url": format!("https://example.org/{name}")}],
        "lots": [{"genre": if rare { "serious-game" } else { "webdocumentaire" }, "funders": funders, "ceiling": {"amount": "20", "currency": "EUR"},
            "minEpisodes": 1, "maxEpisodes": 3, "minMinutes": "2.5", "maxMinutes": "5", "maxAidShare": "0.50", "eligibleRegions": [HOME],
            "territorialSpendShare": "1"}]}),
    ));
    lines
}

/// The initial records.
pub(super) fn ground() -> Vec<Value> {
    let closed = ["CONTACT", "BIOGRAPHY", "AVAILABILITY", "AFFILIATIONS"]
        .map(|group| json!({"group": group, "visibility": "PRIVATE"}));
    let claims = ["email", "biography", "availability"]
        .map(|field| json!({"field": field, "value": format!("claim-of-{field}"), "source": {"title": "a"}}));
    let mut lines = vec![organization(AWAY, "away-o", json!({})), talent(AWAY, "away-t", json!({}))];
    lines.extend(records(State::Public));
    lines.extend([
        talent(HOME, "closed-t", json!({"fieldVisibility": closed, "email": "canary-contact@example.org", "phone": "+32 4 canary",
            "biographies": text("canary-biography"), "availability": "FROM_DATE", "availableFrom": "2031-05-06", "claims": claims})),
        talent(HOME, "bare-t", json!({})),
        // Targets of merges.
        organization(HOME, "twin-o", json!({})),
        talent(HOME, "twin-t", json!({})),
        affiliation(HOME, "closed-t", "pub-o", json!({})),
        affiliation(AWAY, "away-t", "away-o", json!({})),
    ]);
    lines
}

/// Lines that delete the records of a state. Without the talent and the affiliation if these are erased.
pub(super) fn deletions(state: State) -> Vec<Value> {
    let name = state.prefix();
    // The mutations may have changed some records, so the lines overwrite.
    let gone = |external: String, of: &str| json!({"source": source(HOME), "externalId": external, "delete": true, "overwrite": true, of: {}});
    let mut lines =
        vec![gone(format!("par-{name}-p"), "partnership"), gone(format!("cal-{name}-c"), "callForProjects")];
    if state != State::Erased {
        lines.push(gone(format!("aff-{name}-t-pub-o"), "affiliation"));
        lines.push(gone(format!("tal-{name}-t"), "talent"));
    }
    lines.push(gone(format!("org-{name}-o"), "organization"));
    lines
}

/// Creates a talent of a state for a single call, and returns its id.
pub(super) async fn passing(server: &TestServer, state: State, number: usize) -> String {
    let slug = format!("passing-{}-{number}", state.prefix());
    import(server, &[talent(HOME, &slug, json!({"visibility": state.level()}))]).await;
    found(server, "talent", &format!("tal-{slug}"), 0).await
}

pub(super) async fn bring(server: &TestServer, lines: &[Value]) {
    import(server, lines).await;
    server.indexed().await;
}

/// The ids of the records of a state.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    pub(super) organization: String,
    pub(super) talent: String,
    pub(super) affiliation: String,
    pub(super) partnership: String,
    pub(super) call: String,
}

impl Ids {
    /// The ids of existing records. Unused ids for [`State::Never`].
    pub(super) async fn of(server: &TestServer, state: State) -> Self {
        let name = state.prefix();
        Self {
            organization: found(server, "organization", &format!("org-{name}-o"), 1).await,
            talent: found(server, "talent", &format!("tal-{name}-t"), 2).await,
            affiliation: found(server, "affiliation", &format!("aff-{name}-t-pub-o"), 3).await,
            partnership: found(server, "partnership", &format!("par-{name}-p"), 4).await,
            call: found(server, "call_for_projects", &format!("cal-{name}-c"), 5).await,
        }
    }

    pub(super) fn get(&self, of: Of) -> &str {
        match of {
            Of::Organization => &self.organization,
            Of::Talent => &self.talent,
            Of::Affiliation => &self.affiliation,
            Of::Partnership => &self.partnership,
            Of::Call => &self.call,
        }
    }

    /// A document with its placeholders replaced by these ids, and by the slugs and identifiers of the state.
    pub(super) fn fill(&self, state: State, document: &str) -> String {
        let (siren, isni) = state.identifiers();
        let words = [
            ("{organization}", self.organization.as_str()),
            ("{talent}", &self.talent),
            ("{affiliation}", &self.affiliation),
            ("{partnership}", &self.partnership),
            ("{call}", &self.call),
            ("{name}", state.prefix()),
            ("{siren}", siren),
            ("{isni}", isni),
        ];
        words.iter().fold(document.to_owned(), |text, (word, value)| text.replace(word, value))
    }

    /// A response with names of the state's records replaced by placeholders, so that states can be compared.
    pub(super) fn strip(&self, state: State, answer: &str) -> String {
        let (siren, isni) = state.identifiers();
        let name = state.prefix();
        let words = [
            (self.organization.as_str(), "{organization}"),
            (&self.talent, "{talent}"),
            (&self.affiliation, "{affiliation}"),
            (&self.partnership, "{partnership}"),
            (&self.call, "{call}"),
            (siren, "{siren}"),
            (isni, "{isni}"),
        ];
        let text = words.iter().fold(answer.to_owned(), |text, (word, shown)| text.replace(word, shown));
        ["-o", "-t", "-p", "-c"]
            .iter()
            .fold(text, |text, of| text.replace(&format!("{name}{of}"), &format!("{{name}}{of}")))
    }
}

/// The id of the record with an external id, as clients see it.
pub(super) async fn found(server: &TestServer, of: &str, external: &str, number: u128) -> String {
    let sql = format!("SELECT record_id FROM sync_record WHERE external_id = '{external}'");
    let db = server.app.db.writer();
    let row = db.query_one_raw(Statement::from_string(server.app.db.dialect().backend(), sql)).await;
    let found: Option<Uuid> = row.expect("a statement").map(|row| row.try_get_by_index(0).expect("an id"));
    // An unused id of version 7.
    let never = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + number);
    id::encode(of, found.unwrap_or(never))
}

pub(super) fn uuid(id: &str) -> Uuid {
    id::decode_any("", id).expect("an id").1
}

/// Tables that requests may change without a mutation's effect: credentials, sessions and reads.
const APART: [&str; 5] = ["seaql_migrations", "api_key", "session", "account_network", "contact_read"];

/// The whole database, one line for each row.
pub(crate) async fn dump(server: &TestServer) -> String {
    use passerelle::kernel::read::Dialect;
    let (db, dialect) = (server.app.db.writer(), server.app.db.dialect());
    let texts = async |sql: &str| -> Vec<String> {
        let rows = db.query_all_raw(Statement::from_string(dialect.backend(), sql)).await.expect(sql);
        rows.iter().map(|row| row.try_get_by_index(0).expect("a text")).collect()
    };
    let mut whole = String::new();
    let tables = match dialect {
        Dialect::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        }
        Dialect::Postgres => {
            "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"
        }
    };
    for table in texts(tables).await.iter().filter(|table| !APART.contains(&table.as_str())) {
        let row = match dialect {
            Dialect::Postgres => "to_jsonb(t)::text".to_owned(),
            Dialect::Sqlite => {
                let columns = texts(&format!("SELECT name FROM pragma_table_info('{table}')")).await;
                columns
                    .iter()
                    .map(|column| format!("quote({column})"))
                    .collect::<Vec<_>>()
                    .join(" || ',' || ")
            }
        };
        let mut rows = texts(&format!("SELECT {row} FROM {table} AS t")).await;
        rows.sort_unstable();
        let _ = writeln!(whole, "{table}\n{}", rows.join("\n"));
    }
    whole
}
