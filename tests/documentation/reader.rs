//! Runs a page: sends its requests, runs its commands, and compares the results with those shown.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};

use super::compare::{compare, fits};
use super::page::{Block, blocks};
use super::shell::{Command, Variables, commands};
use crate::support::HOPELESS;
use crate::support::program::{Running, folder, program};
use crate::support::socket::Socket;

/// The server address that pages show.
const SHOWN: &str = "http://127.0.0.1:8000";
/// Commands that `.ci/run` runs, so this test does not.
const RUN_ELSEWHERE: [&str; 2] = ["cargo test --workspace", "tests/clients/run"];

/// The result of the last request or command.
#[derive(Debug, Default)]
struct Came {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

/// Runs one page against its own server.
pub(crate) struct Reader {
    folder: PathBuf,
    server: String,
    client: reqwest::Client,
    variables: Variables,
    /// Passwords by e-mail address.
    passwords: BTreeMap<String, String>,
    tokens: BTreeMap<String, String>,
    came: Option<Came>,
}

impl Reader {
    /// A reader for the server at this address, with its data folder below `folder`.
    pub(crate) fn new(folder: &Path, server: &str) -> Self {
        let accounts = std::fs::read(folder.join("data/demo-accounts.json")).expect("accounts");
        let accounts: Value = serde_json::from_slice(&accounts).expect("a list of accounts");
        let text = |of: &Value| of.as_str().expect("a text").to_owned();
        let passwords = accounts.as_array().expect("a list").iter();
        let other = folder.join("other.db");
        Self {
            passwords: passwords.map(|one| (text(&one["email"]), text(&one["password"]))).collect(),
            variables: Variables::from([(
                "OTHER_DATABASE".to_owned(),
                format!("sqlite://{}", other.display()),
            )]),
            client: reqwest::Client::builder().no_proxy().build().expect("a client"),
            folder: folder.to_owned(),
            server: server.to_owned(),
            tokens: BTreeMap::new(),
            came: None,
        }
    }

    /// Runs the examples of a page in order, and returns the number of examples checked.
    ///
    /// # Errors
    /// The line of the example, and the difference.
    pub(crate) async fn read(&mut self, page: &str) -> Result<usize, String> {
        let all = blocks(page)?;
        let mut rest = all.as_slice();
        let mut looked = 0;
        while let Some((block, after)) = rest.split_first() {
            let (variables, after) = match after.split_first() {
                Some((next, after)) if next.language == "json" && next.is("variables") => (Some(next), after),
                _ => (None, after),
            };
            let shows = after.first().filter(|next| {
                next.language == "http"
                    || (next.language == "json" && next.value("file").is_none() && !next.is("variables"))
            });
            let end = Instant::now() + HOPELESS;
            let mut done = self.example(block, variables, shows).await;
            while done.is_err() && block.is("wait") && Instant::now() < end {
                tokio::time::sleep(Duration::from_millis(200)).await;
                done = self.example(block, variables, shows).await;
            }
            done.map_err(|problem| format!("line {}: {problem}", block.line))?;
            looked += usize::from(block.language != "text");
            rest = if shows.is_some() { &after[1..] } else { after };
        }
        Ok(looked)
    }

    async fn example(
        &mut self,
        block: &Block,
        variables: Option<&Block>,
        expected: Option<&Block>,
    ) -> Result<(), String> {
        if variables.is_some() && block.language != "graphql" {
            return Err("variables are for `graphql` alone".into());
        }
        if let Some(file) = block.value("file") {
            if !matches!(block.language.as_str(), "json" | "ndjson") {
                return Err(format!("a file of `{}` is not known", block.language));
            }
            for line in block.text.lines().filter(|_| block.language == "ndjson") {
                json_of(line)?;
            }
            if block.language == "json" {
                json_of(&block.text)?;
            }
            return std::fs::write(self.folder.join(file), &block.text).map_err(|error| error.to_string());
        }
        self.came = None;
        match block.language.as_str() {
            "text" if expected.is_none() => return Ok(()),
            "graphql" => self.ask(block, variables).await?,
            "sh" => {
                for command in commands(&block.text, &self.variables)? {
                    self.run(&command).await?;
                }
            }
            "ws" => return self.talk(block).await,
            other => {
                return Err(format!("nobody knows how to run `{other}`: mark as `text` what is no example"));
            }
        }
        let came = self.came.as_ref();
        match expected {
            Some(shown) => self.look(shown, came.ok_or("nothing has answered")?)?,
            None if block.language == "graphql" => {
                let answer = json_of(&came.ok_or("nothing has answered")?.body)?;
                if answer.get("errors").is_some() || is_refused(&answer) {
                    return Err(format!("it is refused: {answer}"));
                }
            }
            None => {}
        }
        for kept in block.values("keep") {
            let (name, pointer) = kept.split_once(':').ok_or("`keep` is NAME:/pointer")?;
            let came = self.came.as_ref().ok_or("nothing has answered")?;
            if let Some(header) = pointer.strip_prefix("header/") {
                let value = came.headers.get(header).and_then(|value| value.to_str().ok());
                let value = value.ok_or_else(|| format!("the header `{header}` is not there"))?.to_owned();
                self.variables.insert(name.to_owned(), value);
                continue;
            }
            let answer = json_of(&came.body)?;
            let value =
                answer.pointer(pointer).ok_or_else(|| format!("`{pointer}` is not there: {answer}"))?;
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.variables.insert(name.to_owned(), value);
        }
        Ok(())
    }

    /// Compares the last result with the shown one.
    fn look(&self, shown: &Block, came: &Came) -> Result<(), String> {
        let body = &came.body;
        if shown.language == "json" {
            return compare(&self.filled(json_of(&shown.text)?)?, &json_of(body)?, "");
        }
        let (head, shown) = shown.text.split_once("\n\n").unwrap_or((&shown.text, ""));
        let mut lines = head.lines();
        let status = lines.next().unwrap_or_default();
        if status != format!("HTTP/1.1 {}", came.status) {
            return Err(format!("the status is {} and not {status}: {body}", came.status));
        }
        for line in lines {
            let (name, value) = line.split_once(": ").ok_or("a header has a name")?;
            let found =
                came.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            if !found.as_deref().is_some_and(|found| fits(value, found)) {
                return Err(format!("the header `{name}` is {found:?} and not {value}"));
            }
        }
        if shown.trim().is_empty() {
            return Ok(());
        }
        if let (Ok(shown), Ok(body)) = (json_of(shown), json_of(body)) {
            return compare(&shown, &body, "");
        }
        // Keep-alive comments of an event stream are ignored.
        let body = body.replace(":\n\n", "");
        if fits(shown.trim(), body.trim()) {
            Ok(())
        } else {
            Err(format!("the body is {body} and not {shown}"))
        }
    }

    /// A value with `$NAME` replaced by the variables.
    fn filled(&self, mut value: Value) -> Result<Value, String> {
        match &mut value {
            Value::String(text) => {
                if let Some(name) = text.strip_prefix('$') {
                    let known = self.variables.get(name);
                    *text = known.ok_or_else(|| format!("the variable `${name}` has no value here"))?.clone();
                }
            }
            Value::Array(entries) => {
                for entry in entries {
                    *entry = self.filled(entry.take())?;
                }
            }
            Value::Object(members) => {
                let email = members.get("email").and_then(Value::as_str);
                let password = email.and_then(|email| self.passwords.get(email)).cloned();
                for (_, member) in members {
                    *member = match (&password, &*member) {
                        (Some(password), Value::String(text)) if text == "$PASSWORD" => json!(password),
                        _ => self.filled(member.take())?,
                    };
                }
            }
            _ => {}
        }
        Ok(value)
    }

    /// The access token of a demo account, such as `editor.wallonie`.
    async fn token(&mut self, who: &str) -> Result<String, String> {
        if let Some(token) = self.tokens.get(who) {
            return Ok(token.clone());
        }
        let email = format!("{who}@demo.example");
        let password = self.passwords.get(&email).ok_or_else(|| format!("there is no `{email}`"))?;
        let query = "mutation($input: SignInInput!) { signIn(input: $input) { accessToken } }";
        let body = json!({"query": query, "variables": {"input": {"email": email, "password": password}}});
        let request = self.client.post(format!("{}/graphql", self.server)).json(&body);
        let answer: Value =
            request.send().await.map_err(|e| e.to_string())?.json().await.map_err(|e| e.to_string())?;
        let token =
            answer["data"]["signIn"]["accessToken"].as_str().ok_or_else(|| answer.to_string())?.to_owned();
        self.tokens.insert(who.to_owned(), token.clone());
        Ok(token)
    }

    /// Sends a GraphQL document.
    async fn ask(&mut self, block: &Block, variables: Option<&Block>) -> Result<(), String> {
        let variables = match variables {
            Some(given) => self.filled(json_of(&given.text)?)?,
            None => json!({}),
        };
        let token = match block.value("as") {
            Some("$TOKEN") => Some(self.variables.get("TOKEN").cloned().ok_or("there is no token")?),
            Some(who) => Some(self.token(who).await?),
            None => None,
        };
        let body = json!({"query": block.text, "variables": variables});
        if block.text.trim_start().starts_with("subscription") {
            let payload =
                token.map_or(json!({}), |token| json!({"Authorization": format!("Bearer {token}")}));
            let mut socket = Socket::begin_with(self.address(), &payload).await;
            socket.say(json!({"type": "subscribe", "id": "1", "payload": body})).await;
            let body = socket.hear().await["payload"].to_string();
            self.came = Some(Came { body, ..Came::default() });
            return Ok(());
        }
        let mut request = self.client.post(format!("{}/graphql", self.server)).json(&body);
        request = request.header("accept", "application/graphql-response+json");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(languages) = block.value("language") {
            request = request.header("accept-language", languages);
        }
        self.send(request, None).await
    }

    fn address(&self) -> SocketAddr {
        self.server.trim_start_matches("http://").parse().expect("an address")
    }

    async fn send(&mut self, request: reqwest::RequestBuilder, time: Option<Duration>) -> Result<(), String> {
        let mut response = request.send().await.map_err(|error| error.to_string())?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        let reading = async {
            while let Some(part) = response.chunk().await.map_err(|error| error.to_string())? {
                body.extend_from_slice(&part);
            }
            Ok::<_, String>(())
        };
        // An endless response is read for the time given by the example.
        match time {
            Some(time) => tokio::time::timeout(time, reading).await.unwrap_or(Ok(()))?,
            None => reading.await?,
        }
        self.came =
            Some(Came { status, headers, body: String::from_utf8(body).map_err(|error| error.to_string())? });
        Ok(())
    }

    /// Runs a command.
    async fn run(&mut self, command: &Command) -> Result<(), String> {
        let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [] => self.variables.extend(command.variables.iter().cloned()),
            ["curl", arguments @ ..] => return self.curl(arguments).await,
            ["cargo", "run", "--release", "--", arguments @ ..] | ["passerelle", arguments @ ..] => {
                return self.passerelle(arguments, &command.variables);
            }
            all if RUN_ELSEWHERE.contains(&all.join(" ").as_str()) => {
                let runs = std::fs::read_to_string(root().join(".ci/run")).unwrap_or_default();
                if !runs.contains(&all.join(" ")) {
                    return Err(format!("`.ci/run` does not run `{}`", all.join(" ")));
                }
            }
            ["pip", "install", "-r", file] => {
                if !root().join(file).is_file() {
                    return Err(format!("there is no `{file}`"));
                }
            }
            ["python", script, arguments @ ..] => self.python(script, arguments)?,
            other => return Err(format!("nobody knows how to run `{}`", other.join(" "))),
        }
        Ok(())
    }

    fn python(&self, script: &str, arguments: &[&str]) -> Result<(), String> {
        let script = root().join(script);
        if !script.is_file() {
            return Err(format!("there is no `{}`", script.display()));
        }
        let can = std::process::Command::new("python3").args(["-c", "import sqlite3"]).output();
        if !can.is_ok_and(|can| can.status.success()) {
            eprintln!("SKIPPED: {} needs python3 with sqlite3", script.display());
            return Ok(());
        }
        let arguments = arguments.iter().map(|argument| argument.replace(SHOWN, &self.server));
        let mut command = std::process::Command::new("python3");
        command.arg(script).args(arguments).current_dir(&self.folder);
        succeeds(command)
    }

    fn passerelle(&self, arguments: &[&str], variables: &[(String, String)]) -> Result<(), String> {
        let variables = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        match arguments {
            // The server of this page was started like this.
            ["serve", "--demo"] if variables.len() == 0 => Ok(()),
            ["serve", ..] => {
                let place = folder();
                for entry in std::fs::read_dir(&self.folder).map_err(|error| error.to_string())? {
                    let entry = entry.map_err(|error| error.to_string())?;
                    if entry.path().is_file() {
                        let _ = std::fs::copy(entry.path(), place.path().join(entry.file_name()));
                    }
                }
                let mut command = program(place.path());
                drop(Running::start(command.args(arguments).envs(variables)));
                Ok(())
            }
            _ => {
                let mut command = program(&self.folder);
                command.args(arguments).envs(variables);
                succeeds(command)
            }
        }
    }

    /// Sends the request that `curl` would send.
    async fn curl(&mut self, arguments: &[&str]) -> Result<(), String> {
        let (mut method, mut headers, mut data, mut address) = (None, Vec::new(), Vec::new(), None);
        let (mut get, mut encoded, mut time, mut file) = (false, false, None, None);
        let mut rest = arguments.iter().copied();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| format!("`{argument}` wants a value"));
            match argument {
                "-s" | "-i" | "-N" | "-si" | "-sN" | "-siN" => {}
                "-X" => method = Some(value()?),
                "-H" => headers.push(value()?),
                "-d" => data.push(value()?.to_owned()),
                "-G" => get = true,
                "-o" => file = Some(value()?),
                "--data-urlencode" => {
                    encoded = true;
                    let (name, text) = value()?.split_once('=').ok_or("`--data-urlencode` is name=text")?;
                    let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
                    data.push(format!("{name}={text}"));
                }
                "--max-time" => {
                    time = Some(Duration::from_secs_f32(value()?.parse().map_err(|_| "seconds")?));
                }
                other if other.starts_with('-') => {
                    return Err(format!("`{other}` of curl is not known here"));
                }
                other => address = Some(other),
            }
        }
        let address = address.ok_or("curl asks nobody")?;
        let path = address.strip_prefix(SHOWN).ok_or_else(|| format!("`{address}` is not {SHOWN}"))?;
        let data = data.join("&");
        if encoded && !get {
            return Err("`--data-urlencode` is for `-G`".into());
        }
        let mut target = format!("{}{path}", self.server);
        if get && !data.is_empty() {
            target = format!("{target}{}{data}", if target.contains('?') { '&' } else { '?' });
        }
        let sends = !get && !data.is_empty();
        let method = method.unwrap_or(if sends { "POST" } else { "GET" });
        let method: Method = method.parse().map_err(|_| "a method")?;
        let mut request = self.client.request(method, target);
        let mut has_type = false;
        for header in headers {
            let (name, value) = header.split_once(':').ok_or("a header is name: value")?;
            has_type |= name.eq_ignore_ascii_case("content-type");
            request = request.header(name, value.trim());
        }
        if sends && !has_type {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        if sends {
            request = request.body(data);
        }
        self.send(request, time).await?;
        if let (Some(file), Some(came)) = (file, &self.came) {
            std::fs::write(self.folder.join(file), &came.body).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Runs a WebSocket dialogue: lines with `>` are sent, those with `<` are expected.
    async fn talk(&self, block: &Block) -> Result<(), String> {
        let mut socket = Socket::open(self.address(), &[]).await.map_err(|status| format!("{status}"))?;
        for line in block.text.lines() {
            match line.split_at_checked(2) {
                Some(("> ", said)) => socket.say(self.filled(json_of(said)?)?).await,
                Some(("< ", heard)) => match heard.strip_prefix("closed ") {
                    Some(code) => {
                        let found = socket.code().await;
                        if found.to_string() != code {
                            return Err(format!("it is closed with {found} and not {code}"));
                        }
                    }
                    None => compare(&json_of(heard)?, &socket.hear().await, "")?,
                },
                _ => return Err(format!("`{line}` is neither said nor heard")),
            }
        }
        Ok(())
    }
}

/// The root folder of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn json_of(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))
}

/// Whether a mutation payload has user errors.
fn is_refused(answer: &Value) -> bool {
    match answer {
        Value::Object(members) => members.iter().any(|(name, value)| {
            (name == "userErrors" && value.as_array().is_some_and(|all| !all.is_empty())) || is_refused(value)
        }),
        Value::Array(entries) => entries.iter().any(is_refused),
        _ => false,
    }
}

fn succeeds(mut command: std::process::Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let told = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{command:?} has failed: {told}")) }
}
