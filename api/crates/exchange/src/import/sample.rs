//! The sample directory that the program carries: real organizations, people and partnerships of the four
//! regions, with fixed ids, so that examples and links hold on every deployment.

use entity::instance::Entity as Instance;
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};

use super::line::Line;
use kernel::error::DomainError;
use kernel::id;
use kernel::records;
use records::changes;
use records::handle::Core;
use records::write::{RecordInput, Status, Submission, apply, log_of};

macro_rules! make_files {
    ($(
        $(#[$doc:meta])*
        $name:ident $module:ident {
            is($bit:literal, $about:ident, $field:literal, $one:literal, $many:literal), $($rest:tt)*
        }
    )*) => {
        /// The sample files: one for each record type, named by the plural of the type.
        const FILES: &[&str] = &[
            $(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/sample/", $many, ".ndjson")),)*
        ];
    };
}

records!(make_files);

fn submission(text: &str) -> Result<Submission, DomainError> {
    let broken = |error: String| DomainError::Stored(format!("sample: {error}: {text}"));
    let mut line: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)?;
    let known = line.remove("id").and_then(|id| id.as_str().map(str::to_owned)).unwrap_or_default();
    let mut line =
        Line::parse(&serde_json::Value::Object(line).to_string()).map_err(|fault| broken(fault.message))?;
    let input: RecordInput = line.take_input().map_err(|fault| broken(fault.message))?;
    let (_, id) = id::decode_any("id", &known)?;
    Ok(Submission { id: Some(id), ..Submission::new(input) })
}

/// Loads the sample into an empty database, once, in one transaction. Returns the number of records, or `None` where
/// the database has records or had the sample before.
///
/// # Errors
/// [`DomainError::Database`], or [`DomainError::Stored`] where the sample does not fit the rules.
pub async fn load(core: &Core) -> Result<Option<usize>, DomainError> {
    let own = core.clone();
    let task = core.tasks.spawn(async move { load_once(&own).await });
    task.await.map_err(|error| DomainError::Task(error.to_string()))?
}

async fn load_once(core: &Core) -> Result<Option<usize>, DomainError> {
    let tx = core.db.begin().await?;
    // Locks the row: of programs that start at the same time, the second waits and finds the sample loaded.
    tx.execute_unprepared("UPDATE instance SET sample_loaded = sample_loaded WHERE id = 1").await?;
    let loaded = Instance::find_by_id(1_i16).one(&tx).await?.is_some_and(|instance| instance.sample_loaded);
    if loaded || entity::sync_record::Entity::find().count(&tx).await? > 0 {
        tx.rollback().await?;
        return Ok(None);
    }
    let lines = FILES.iter().flat_map(|file| file.lines()).filter(|line| !line.is_empty());
    let submissions = lines.map(submission).collect::<Result<Vec<_>, _>>()?;
    let (outcomes, written) = apply(core, &tx, &submissions).await?;
    for (outcome, submission) in outcomes.iter().zip(&submissions) {
        if outcome.status != Status::Created {
            let what = format!("sample: {:?} {:?}: {:?}", submission.id, outcome.status, outcome.problems);
            return Err(DomainError::Stored(what));
        }
    }
    tx.execute_unprepared("UPDATE instance SET sample_loaded = TRUE WHERE id = 1").await?;
    changes::append(&tx, core.db.dialect(), log_of(&written), core.clock.now()).await?;
    tx.commit().await?;
    core.heads.written();
    Ok(Some(outcomes.len()))
}
