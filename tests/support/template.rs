//! Template databases from which those of the tests are copied, migrated and loaded once.

use std::path::Path;
use std::sync::OnceLock;

use passerelle::exchange::import;
use passerelle::kernel::clock::Clock;
use passerelle::kernel::read::Database;
use passerelle::records::migrations;
use passerelle::server::app::App;

use super::server::start_of_time;

/// The content of a database when a test begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A migrated database without records.
    Empty,
    /// The sample directory.
    Sample,
}

/// Runs blocking work on another thread, as `block_on` inside a runtime panics.
pub(crate) async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("the template is made")
}

/// Blocks this thread until a future is done.
pub(crate) fn wait_for<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work)
}

/// Migrates a database, and loads its content if it is still empty.
pub(crate) async fn fill(url: &str, content: Content) {
    let db = Database::open(url).await.expect("the template opens");
    migrations::run(&db, passerelle::directory::finish).await.expect("the template is migrated");
    if content == Content::Sample {
        let app = App::new(db.clone(), Clock::Set(start_of_time()));
        let loaded = import::sample::load(&app).await.expect("the sample loads");
        assert!(loaded.is_some(), "the database was empty");
    }
    db.close().await;
}

static EMPTY: OnceLock<Vec<u8>> = OnceLock::new();
static SAMPLE: OnceLock<Vec<u8>> = OnceLock::new();

/// Writes a SQLite database with this content to a file.
pub(crate) async fn sqlite(file: &Path, content: Content) {
    let bytes = apart(move || match content {
        Content::Empty => EMPTY.get_or_init(|| made(content)),
        Content::Sample => SAMPLE.get_or_init(|| made(content)),
    });
    std::fs::write(file, bytes.await).expect("the template is copied");
}

/// The bytes of a SQLite database with this content.
fn made(content: Content) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("template.db");
    wait_for(fill(&format!("sqlite://{}", file.display()), content));
    // Closing the last connection writes everything into the file.
    assert!(!folder.path().join("template.db-wal").exists(), "the template is closed");
    std::fs::read(file).expect("the template is read")
}
