//! The Meilisearch engine and its failures, against a stub.

use std::sync::Arc;
use std::time::Duration;

use passerelle::index::document::{Document, Text};
use passerelle::index::engine::{Batch, Engine, EngineError, Position, Query, Refused, Target};
use passerelle::index::kind::{Audience, SearchFacet, SearchType};
use passerelle::index::meilisearch::{Meilisearch, Options};
use passerelle::index::text::query_words;
use serde_json::json;
use uuid::Uuid;

use super::stub::{Fault, KEY, Stub};
use crate::support::records::{import, organization};
use crate::support::server::{Backend, Setup, TestServer};
use crate::support::{run, until};

const FEED: Uuid = Uuid::from_u128(9);

fn at(seq: i64) -> Position {
    Position { feed_id: FEED, seq }
}

fn document(number: u128, name: &str) -> Document {
    let name = Text { field: "name", text: name.into() };
    Document::new(SearchType::Talent, Uuid::from_u128(number), 1, vec![name])
}

/// The same documents for both audiences.
fn batches(documents: &[Document], gone: &[u128]) -> [(Audience, Batch); 2] {
    let gone = gone.iter().map(|number| Uuid::from_u128(*number)).collect();
    let batch = Batch { documents: documents.into(), gone, erased: false };
    [(Audience::Public, batch.clone()), (Audience::Members, batch)]
}

/// An engine whose index is at position 5 and holds two documents.
async fn built(stub: &Stub) -> Meilisearch {
    let engine = stub.engine();
    assert_eq!(engine.position().await.unwrap(), None);
    engine.begin().await.unwrap();
    let documents = [document(1, "Ana"), document(2, "Bob")];
    engine.write(Target::Shadow, batches(&documents, &[]), at(5)).await.unwrap();
    engine.swap().await.unwrap();
    assert_eq!(engine.position().await.unwrap(), Some(at(5)));
    engine
}

async fn write(engine: &Meilisearch, documents: &[Document], seq: i64) -> Result<Vec<Refused>, EngineError> {
    engine.write(Target::Live, batches(documents, &[]), at(seq)).await
}

fn count(stub: &Stub) -> usize {
    stub.store().indexes["p_public"].len()
}

#[test]
fn an_index_is_built_and_followed() {
    run(async {
        let stub = Stub::start().await;
        let engine = built(&stub).await;
        assert_eq!(stub.store().indexes.keys().collect::<Vec<_>>(), ["p_members", "p_meta", "p_public"]);
        engine.write(Target::Live, batches(&[document(3, "Cleo")], &[2]), at(7)).await.unwrap();
        assert_eq!(engine.position().await.unwrap(), Some(at(7)));
        let walked = engine.walk(Audience::Public, Some(Uuid::from_u128(1)), 10).await.unwrap();
        assert_eq!(walked, [(Uuid::from_u128(3), 1)]);
        let query = Query {
            words: query_words("cleo"),
            facets: vec![SearchFacet::Region, SearchFacet::Sector],
            limit: 10,
            ..Query::default()
        };
        let found = engine.search(Audience::Members, &query).await.unwrap();
        assert_eq!((found.total, found.hits[0].of, found.hits[0].score), (1, SearchType::Talent, 0.5));
        let regions = vec![("wallonie".to_owned(), 3), ("flandre".to_owned(), 1)];
        assert_eq!(found.facets, [(SearchFacet::Region, regions), (SearchFacet::Sector, vec![])]);
        let mut tags = stub.store().tags.clone();
        tags.dedup();
        assert_eq!(tags, ["1:0-5", "1:5-7"]);

        // Another engine continues from this position.
        let next = stub.engine();
        assert_eq!(next.position().await.unwrap(), Some(at(7)));
        // A shadow index replaces it, and the old one is deleted.
        next.begin().await.unwrap();
        next.write(Target::Shadow, batches(&[document(4, "Dan")], &[]), at(8)).await.unwrap();
        assert_eq!(count(&stub), 2, "the old index is live until the swap");
        next.swap().await.unwrap();
        assert_eq!(count(&stub), 1);
        assert_eq!(stub.store().indexes.len(), 3);
        // The first engine does not know of the swap, and must not write.
        let refused = write(&engine, &[document(5, "Eve")], 9).await;
        assert!(matches!(refused, Err(EngineError::Building)), "{refused:?}");
        assert_eq!(engine.position().await.unwrap(), Some(at(8)));
        write(&engine, &[document(5, "Eve")], 9).await.unwrap();
    });
}

#[test]
fn a_poisoned_document_is_left_out_alone() {
    run(async {
        let stub = Stub::start().await;
        let engine = built(&stub).await;
        stub.store().poison = Some("toxic".into());
        let documents: Vec<Document> =
            (10..30).map(|number| document(number, if number == 17 { "Toxic" } else { "Fine" })).collect();
        let refused = write(&engine, &documents, 6).await.unwrap();
        // One refusal for each audience.
        let toxic = Refused { id: Uuid::from_u128(17), code: "invalid_document_geo_field".into() };
        assert_eq!(refused, [toxic.clone(), toxic]);
        assert_eq!(count(&stub), 2 + 19);
        assert!(!stub.store().indexes["p_public"].contains_key(&Uuid::from_u128(17).to_string()));
        assert_eq!(engine.position().await.unwrap(), Some(at(6)));
    });
}

#[test]
fn a_failed_task_holds_the_place() {
    run(async {
        let stub = Stub::start().await;
        let engine = built(&stub).await;
        stub.store().faults.push_back(Fault::Fails("database_size_limit_reached"));
        let failed = write(&engine, &[document(3, "Cleo")], 6).await;
        assert!(
            matches!(&failed, Err(EngineError::Failed(text)) if text.contains("database_size_limit_reached"))
        );
        assert_eq!(engine.position().await.unwrap(), Some(at(5)));
        write(&engine, &[document(3, "Cleo")], 6).await.unwrap();
        assert_eq!(engine.position().await.unwrap(), Some(at(6)));
    });
}

#[test]
fn lost_tasks_are_sent_again() {
    run(async {
        let stub = Stub::start().await;
        let engine = built(&stub).await;
        stub.store().faults.extend([Fault::Canceled, Fault::Forgotten, Fault::Forgotten]);
        write(&engine, &[document(3, "Cleo")], 6).await.unwrap();
        assert_eq!(count(&stub), 3);
        assert_eq!(stub.store().indexes["p_members"].len(), 3);
        stub.store().faults.extend(vec![Fault::Canceled; 6]);
        assert!(write(&engine, &[document(4, "Dan")], 7).await.is_err(), "retries end");
        assert_eq!(engine.position().await.unwrap(), Some(at(6)));
    });
}

#[test]
fn a_full_queue_holds_the_place() {
    run(async {
        let stub = Stub::start().await;
        let engine = built(&stub).await;
        stub.store().faults.push_back(Fault::QueueFull);
        let failed = write(&engine, &[document(3, "Cleo")], 6).await;
        assert!(
            matches!(&failed, Err(EngineError::Failed(text)) if text.contains("no_space_left_on_device"))
        );
        assert_eq!((engine.position().await.unwrap(), count(&stub)), (Some(at(5)), 2));
        write(&engine, &[document(3, "Cleo")], 6).await.unwrap();
    });
}

#[test]
fn nothing_is_waited_for_without_end() {
    run(async {
        let mut stub = Stub::start().await;
        built(&stub).await;
        // A task that never begins.
        stub.options.task_time = Duration::from_millis(100);
        let engine = stub.engine();
        assert_eq!(engine.position().await.unwrap(), Some(at(5)));
        stub.store().faults.push_back(Fault::Stuck);
        let failed = write(&engine, &[document(3, "Cleo")], 6).await;
        assert!(matches!(&failed, Err(EngineError::Failed(text)) if text.contains("not finished in time")));
        assert_eq!(engine.position().await.unwrap(), Some(at(5)));
        // A response that never comes. With this short time-out, responses of a slow machine may need retries.
        stub.options.request_time = Duration::from_millis(200);
        let hurried = stub.engine();
        until("it knows its index", async || {
            hurried.position().await.is_ok_and(|place| place == Some(at(5)))
        })
        .await;
        stub.store().silent = true;
        let (query, documents) = (Query::default(), [document(3, "Cleo")]);
        let (found, written) =
            tokio::join!(hurried.search(Audience::Public, &query), write(&hurried, &documents, 6));
        assert!(found.is_err() && written.is_err());
    });
}

#[test]
fn a_wrong_key_is_told_without_it() {
    run(async {
        let stub = Stub::start().await;
        let options = Options { api_key: Some("another-key".into()), ..stub.options.clone() };
        let engine = Meilisearch::new(&options).unwrap();
        for failed in [
            engine.position().await.unwrap_err(),
            engine.begin().await.unwrap_err(),
            engine.search(Audience::Public, &Query::default()).await.unwrap_err(),
        ] {
            let text = failed.to_string();
            assert!(text.contains("403, invalid_api_key"), "{text}");
        }
        let shown = format!("{options:?} {engine:?}");
        assert!(!shown.contains("another-key") && !shown.contains(KEY), "{shown}");
        let options = Options { api_key: Some("a\nb".into()), ..stub.options.clone() };
        assert!(Meilisearch::new(&options).is_err());
    });
}

#[test]
fn a_wiped_engine_is_noticed() {
    run(async {
        let stub = Stub::start().await;
        let engine = built(&stub).await;
        stub.store().wipe();
        assert!(matches!(
            engine.search(Audience::Public, &Query::default()).await,
            Err(EngineError::Building)
        ));
        assert!(matches!(write(&engine, &[document(3, "Cleo")], 6).await, Err(EngineError::Building)));
        assert_eq!(stub.store().indexes.len(), 0, "no index is created by a search");
        assert_eq!(engine.position().await.unwrap(), None);

        // An index created by others lacks our settings.
        built(&stub).await;
        stub.store().indexes.remove("p_members");
        assert_eq!(engine.position().await.unwrap(), None);
    });
}

#[test]
fn a_server_goes_on_without_its_engine_and_finds_it_again() {
    run(async {
        let stub = Stub::start().await;
        let setup = Setup::default().with_engine(Arc::new(stub.engine()));
        let server = TestServer::with(Backend::Sqlite, setup).await.expect("SQLite is always there");
        let name = |name: &str| organization("wallonie", name, json!({ "name": name }));
        import(&server, &[name("zebra")]).await;
        server.indexed().await;
        let search = async |word: &str| {
            let query = format!(
                r#"{{ search(query: "{word}") {{ degraded nodes {{ ... on Organization {{ name }} }} }} }}"#
            );
            server.data(&query).await["search"].clone()
        };
        let found = |degraded: bool, name: &str| json!({"degraded": degraded, "nodes": [{"name": name}]});
        assert_eq!(search("zebra").await, found(false, "zebra"));
        stub.store().wipe();
        assert_eq!(search("zebra").await, found(true, "zebra"));
        import(&server, &[name("yak")]).await;
        server.indexed().await;
        assert_eq!(search("zebra").await, found(false, "zebra"));
        assert_eq!(search("yak").await, found(false, "yak"));
    });
}
