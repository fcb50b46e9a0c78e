//! The example of the README has the response shown there.

use crate::support::run;
use crate::support::server::{Backend, Setup, TestServer};

const README: &str = include_str!("../README.md");

/// The text between the first occurrences of two markers.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let start = text.find(from).expect("the README has the marker") + from.len();
    let end = text[start..].find(to).expect("it ends") + start;
    &text[start..end]
}

#[test]
fn the_first_query_is_answered_as_the_readme_says() {
    run(async {
        let setup = Setup::default().with_sample();
        let server = TestServer::with(Backend::Sqlite, setup).await.expect("SQLite is always there");
        let body = between(README, "-H 'accept-language: nl' -d '", "'\n```");
        let request = server.client.post(server.url("/graphql")).header("content-type", "application/json");
        let answer = request.header("accept-language", "nl").body(body).send().await.expect("an answer");
        let answer = answer.text().await.expect("a text");
        assert_eq!(answer, between(README, "```json\n", "\n```"));
    });
}
