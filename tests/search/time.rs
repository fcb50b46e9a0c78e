//! How much time this side adds to Meilisearch's own. Measured by hand, where `MEILI_URL` names one:
//! `cargo test --release -p passerelle --test integration -- --ignored --nocapture on_top_of_meilisearch`.

use std::time::{Duration, Instant};

use passerelle::search::document::{Document, Text};
use passerelle::search::engine::{Batch, Position, Query, Target};
use passerelle::search::text::query_words;
use passerelle::search::{Audience, SearchFacet, SearchType};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::meilisearch::of_the_environment;
use crate::support::run;

const WORDS: [&str; 8] = ["lumen", "halo", "studio", "image", "prisme", "film", "pixel", "bobine"];

fn document(number: usize) -> Document {
    let word = |place: usize| WORDS[number / place % WORDS.len()];
    let name = Text { field: "name", text: format!("{} {} {number}", word(1), word(8)) };
    let mut document =
        Document::new(SearchType::Organization, Uuid::from_u128(number as u128), 1, vec![name]);
    document.text("description", format!("{} {} {}", word(3), word(5), word(64)));
    document.regions(["wallonie", "flandre"].into_iter().take(number % 3));
    document.sectors(&["animation-3d".to_owned()]);
    document
}

/// The time in the middle, and the one that one of a hundred exceeds.
fn told(what: &str, times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    let [p50, p99] = [50, 99].map(|part| times[times.len() * part / 100]);
    println!("{what:40} p50 {p50:>9.2?} p99 {p99:>9.2?}");
    p50
}

#[test]
#[ignore = "a measurement"]
fn on_top_of_meilisearch() {
    run(async {
        let indexes = of_the_environment().expect("MEILI_URL names a Meilisearch");
        let (engine, options) = (indexes.engine(), indexes.options());
        engine.begin().await.unwrap();
        let batch = Batch { documents: (1..5000).map(document).collect(), gone: vec![] };
        let batches = [(Audience::Public, batch), (Audience::Members, Batch::default())];
        engine.write(Target::Shadow, batches, Position { feed_id: Uuid::nil(), seq: 1 }).await.unwrap();
        engine.swap().await.unwrap();

        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = options.url.join(&format!("indexes/{}_public/search", options.prefix)).unwrap();
        let (mut ours, mut bare, mut engines) = (vec![], vec![], Duration::ZERO);
        for round in 0..1000 {
            let text = format!("{} {}", WORDS[round % 8], &WORDS[round / 8 % 8][..3]);
            let facets = vec![SearchFacet::Region, SearchFacet::Sector];
            let query = Query { words: query_words(&text), facets, limit: 20, ..Query::default() };
            let begun = Instant::now();
            let found = engine.search(Audience::Public, &query).await.unwrap();
            ours.push(begun.elapsed());

            let body = json!({
                "q": text, "limit": 20, "matchingStrategy": "all", "showRankingScore": true,
                "attributesToRetrieve": ["id", "type"], "facets": ["region", "sector"],
            });
            let begun = Instant::now();
            let request = client.post(url.clone()).bearer_auth(options.api_key.as_deref().unwrap_or(""));
            let answer = request.json(&body).send().await.unwrap().bytes().await.unwrap();
            bare.push(begun.elapsed());
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            assert_eq!(answer["estimatedTotalHits"], found.total);
            engines += Duration::from_millis(answer["processingTimeMs"].as_u64().unwrap());
        }
        let ours = told("a search through the engine", &mut ours);
        told("the same request alone", &mut bare);
        let engines = engines / 1000;
        println!("{:40} mean {engines:.2?}", "Meilisearch's own time");
        assert!(ours.saturating_sub(engines) <= Duration::from_millis(3), "at most 3 ms on top");
    });
}
