//! A real Meilisearch, if `MEILI_URL` names one. `MEILI_API_KEY` is its key.

use std::sync::Arc;
use std::time::{Duration, Instant};

use passerelle::index::engine::Engine;
use passerelle::index::meilisearch::{Meilisearch, Options};
use serde_json::Value;
use uuid::Uuid;

/// The indexes of one test, dropped with this value.
pub(crate) struct Indexes(Options);

/// Indexes for one test, or `None` if no Meilisearch is configured.
pub(crate) fn of_the_environment() -> Option<Indexes> {
    let url = std::env::var("MEILI_URL").ok().filter(|url| !url.is_empty())?;
    let url = url.parse().expect("MEILI_URL is an address");
    let prefix = format!("test-{}", Uuid::from_u128(rand::random()).simple());
    Some(Indexes(Options::new(url, std::env::var("MEILI_API_KEY").ok(), prefix)))
}

impl Indexes {
    pub(crate) fn engine(&self) -> Arc<dyn Engine> {
        Arc::new(Meilisearch::new(&self.0).expect("an engine"))
    }

    /// Requests the deletion of every index found, and returns how many there were.
    async fn drop_all(&self) -> Option<usize> {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().ok()?;
        let key = self.0.api_key.clone().unwrap_or_default();
        let indexes = self.0.url.join("indexes?limit=1000").ok()?;
        let listed = client.get(indexes).bearer_auth(&key).send().await.ok()?;
        let listed: Value = listed.json().await.ok()?;
        let names = listed["results"].as_array()?.iter().filter_map(|index| index["uid"].as_str());
        let ours: Vec<&str> = names.filter(|name| name.starts_with(&self.0.prefix)).collect();
        for name in &ours {
            let index = self.0.url.join(&format!("indexes/{name}")).ok()?;
            client.delete(index).bearer_auth(&key).send().await.ok()?;
        }
        Some(ours.len())
    }
}

impl Drop for Indexes {
    fn drop(&mut self) {
        // The follower may still be writing. The next round drops the indexes that it creates meanwhile.
        let dropping = || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let end = Instant::now() + Duration::from_secs(10);
            while runtime.block_on(self.drop_all()).is_some_and(|left| left > 0) && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(100));
            }
        };
        std::thread::scope(|scope| {
            let _ = scope.spawn(dropping).join();
        });
    }
}
