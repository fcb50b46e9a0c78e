//! The GraphQL mutations of pushes.

use std::collections::BTreeSet;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use serde_json::Value;
use uuid::Uuid;

use super::full::{self, Begin, Complete, Completed, SHOWN};
use super::{Item, MAX_BATCH, MAX_RECORD, MAX_RECORDS, Push, PushMode, Pushed, push};
use crate::node::{self, Node};
use kernel::RecordType;
use kernel::abstract_type::Abstract;
use kernel::error::{DomainError, GraphqlResult, IntoGraphql};
use kernel::id::{self, graphql_id};
use kernel::problem::Problem;
use kernel::read::Selection;
use kernel::reader::Reader;
use kernel::user_error::{UserError, Warning};
use kernel::value::DateTime;
use kernel::{enumerated, records};
use records::changes::{self, ChangeCursor};
use records::mutation::{Mutator, sent};
use records::write::{RecordInput, Removal, Status};

/// The prefix of ids of full pushes.
const FULL_PUSH: &str = "full_push";

const _: () = assert!(
    MAX_RECORDS == 500 && MAX_BATCH == 2 << 20 && MAX_RECORD == 64 << 10 && SHOWN == 100,
    "the descriptions in the schema repeat these limits"
);

/// A batch of records of a system.
#[derive(Clone, Debug, InputObject)]
pub struct PushRecordsInput {
    /// The name of the system, as it is registered with its region.
    pub source: String,
    /// A text of your choice, 255 characters at most, that makes it safe to send the same batch again: for a week it
    /// answers what became of it first. With another batch it is a CONFLICT.
    pub idempotency_key: String,
    /// What becomes of the good records where others are refused.
    #[graphql(default_with = "Some(PushMode::PerItem)")]
    pub mode: Option<PushMode>,
    /// Whether nothing is written: the results say what would be. The key is not used up.
    #[graphql(default_with = "Some(false)")]
    pub dry_run: Option<bool>,
    /// The push of all records that this batch is a part of: see `beginFullPush`.
    pub full_push: Option<ID>,
    /// The exact number of records that this batch deletes or erases, where it would be more than 100, and more than a
    /// fifth, of the source's within a day.
    pub confirm_deletes: Option<i32>,
    /// The records, 500 at most, each of 64 KiB at most as JSON, 2 MiB together.
    pub records: Vec<PushRecordInput>,
}

macro_rules! make_record_input {
    ($(
        $(#[$doc:meta])*
        $name:ident $module:ident {
            is($bit:literal, $about:ident, $field:literal, $($called:tt)*),
            write($kind:ident, $input:ident, $described:literal), $($rest:tt)*
        }
    )*) => {
        #[doc = concat!(
            "A record as its system has it. Exactly one of ", enumerated!("`" "`", "and": $($field)*),
            " is given, also"
        )]
        /// where it is deleted; an id in it may also be a slug or `source:externalId`, also of another record of the batch.
        #[derive(Clone, Debug, InputObject)]
        pub struct PushRecordInput {
            /// Its id in its system.
            pub external_id: String,
            /// The revision that your system has seen. Where another is present, nothing is written: CONFLICT. Without it a new
            /// record is made, and one that is there is a CONFLICT unless it is the same.
            pub base_revision: Option<i32>,
            /// Without `baseRevision`: writes over what others have changed. What a person has decided for themselves stays.
            #[graphql(default_with = "Some(false)")]
            pub overwrite: Option<bool>,
            /// Whether the record is to be deleted. Without `baseRevision` it is a CONFLICT where somebody else has changed it.
            #[graphql(default_with = "Some(false)")]
            pub delete: Option<bool>,
            /// Whether all that is known of the person is to be erased: they never come back under this id.
            #[graphql(default_with = "Some(false)")]
            pub erase: Option<bool>,
            $(
                #[doc = concat!($described)]
                pub $module: Option<directory::$module::write::$input>,
            )*
        }

        impl PushRecordInput {
            fn into_item(self) -> Item {
                let removal = match (self.erase.unwrap_or_default(), self.delete.unwrap_or_default()) {
                    (true, _) => Some(Removal::Erase),
                    (false, true) => Some(Removal::Delete),
                    (false, false) => None,
                };
                Item {
                    external_id: self.external_id,
                    base_revision: self.base_revision,
                    overwrite: self.overwrite.unwrap_or_default(),
                    removal,
                    input: RecordInput::only([
                        $(self.$module.map(RecordInput::new::<directory::$module::write::$kind>),)*
                    ]),
                }
            }
        }
    };
}

records!(make_record_input);

/// What became of a batch.
#[derive(Clone, Debug, SimpleObject)]
pub struct PushRecordsPayload {
    /// What became of each record, in the order of the input. Empty where the batch was refused as a whole.
    pub results: Vec<PushRecordResult>,
    /// A position in the log of changes at or after these writes; null where the batch was refused as a whole.
    pub cursor: Option<ChangeCursor>,
    /// Whether the same batch was sent with this key before: the results are those of then. Records are as they are now.
    pub replayed: bool,
    /// Why the batch was refused as a whole, with nothing applied; or that its deletions were not done. What is wrong
    /// with a record is in its result.
    pub user_errors: Vec<UserError>,
}

/// What became of a record of a batch.
#[derive(Clone, Debug, SimpleObject)]
pub struct PushRecordResult {
    /// Its place in the input, from 0.
    pub index: i32,
    /// Its id in its system.
    pub external_id: String,
    /// What became of it. In a dry run: what would.
    pub status: Status,
    /// The record as it is now, as far as you see it; null where it was refused, or has gone.
    pub record: Option<Abstract<Node>>,
    /// Its revision after the batch; that of its tombstone where it has gone. Null where it was refused, and where there
    /// was no record.
    pub current_revision: Option<i32>,
    /// Both sides, where it conflicts.
    pub conflict: Option<PushConflict>,
    /// Values of it that were taken, and are worth a look.
    pub warnings: Vec<Warning>,
    /// All that is wrong with it, of which nothing was written then.
    pub user_errors: Vec<UserError>,
}

/// Both sides of a conflict.
#[derive(Clone, Debug, SimpleObject)]
pub struct PushConflict {
    /// The revision that your system has seen.
    pub base_revision: Option<i32>,
    /// The revision now; 0 where there is no record.
    pub current_revision: i32,
    /// The record as it is, as far as you see it.
    pub current: Option<Abstract<Node>>,
    /// The record as it was submitted, as JSON.
    pub submitted: String,
    /// The fields in which the two differ.
    pub differing_fields: Vec<String>,
}

/// A push of all records of a source.
#[derive(Clone, Debug, SimpleObject)]
pub struct FullPush {
    /// What its batches carry as `fullPush`.
    pub id: ID,
    /// The name of the source.
    pub source: String,
    /// When it was begun.
    pub begun_at: DateTime,
}

impl From<Begin> for FullPush {
    fn from(Begin { id, source, begun_at }: Begin) -> Self {
        Self { id: graphql_id(FULL_PUSH, id), source, begun_at }
    }
}

/// A push of all records that was begun, or why none was.
#[derive(Clone, Debug, SimpleObject)]
pub struct BeginFullPushPayload {
    /// The push; null where none was begun.
    pub full_push: Option<FullPush>,
    /// Why none was begun.
    pub user_errors: Vec<UserError>,
}

/// What the end of a push of all records has come to.
#[derive(Clone, Debug, SimpleObject)]
pub struct CompleteFullPushPayload {
    /// How many records were deleted because no batch mentioned them; null where nothing was done.
    pub deleted: Option<i32>,
    /// Records that no batch mentioned and that stay, because others refer to them: 100 of them at most.
    pub refused: Vec<UnmentionedRecord>,
    /// A position in the log of changes at or after these deletions; null where nothing was done.
    pub cursor: Option<ChangeCursor>,
    /// Whether the push had been completed before: nothing was done now.
    pub replayed: bool,
    /// Why nothing was done.
    pub user_errors: Vec<UserError>,
}

/// A record that no batch of a push of all records mentioned, and that stays all the same.
#[derive(Clone, Debug, SimpleObject)]
pub struct UnmentionedRecord {
    /// The record's id.
    pub id: Option<ID>,
    /// Its id in its system.
    pub external_id: String,
    /// Why it stays.
    pub user_errors: Vec<UserError>,
}

/// The external id and type of a record of a batch, kept for its result.
struct Sent {
    external_id: String,
    of: Option<RecordType>,
}

/// Reads the records that the selection set needs, for all results together.
async fn shown(
    reader: &Reader,
    want: &Selection,
    pushed: &Pushed,
    sent: &[Sent],
) -> Result<Vec<Option<Node>>, DomainError> {
    let record = want.below("PushRecordResult", "record");
    let conflict = want.below("PushRecordResult", "conflict");
    let current = conflict.and_then(|below| below.below("PushConflict", "current"));
    let (for_all, for_conflicts) = (record.is_some(), current.is_some());
    let below = record.unwrap_or_default().union(&current.unwrap_or_default());
    let wanted = pushed.told.iter().zip(sent).map(|(told, sent)| {
        let is_conflict = told.status == Status::Conflict;
        let is_wanted = told.status != Status::Rejected && (for_all || for_conflicts && is_conflict);
        sent.of.zip(told.id).filter(|_| is_wanted)
    });
    let wanted: Vec<Option<(RecordType, Uuid)>> = wanted.collect();
    let ids: BTreeSet<(RecordType, Uuid)> = wanted.iter().flatten().copied().collect();
    let ids: Vec<(RecordType, Uuid)> = ids.into_iter().collect();
    let nodes = node::records(reader, &ids, &below).await?;
    let find = |one: (RecordType, Uuid)| ids.binary_search(&one).ok().and_then(|place| nodes[place].clone());
    Ok(wanted.into_iter().map(|one| one.and_then(find)).collect())
}

/// Returns the cursor of the end of the log, if it is selected and something was done.
async fn cursor(
    reader: &Reader,
    want: &Selection,
    (payload, done): (&str, bool),
) -> Result<Option<ChangeCursor>, DomainError> {
    if !done || !want.has(payload, &["cursor"]) {
        return Ok(None);
    }
    let head = changes::head(&reader.db).await?;
    ChangeCursor::at(&reader.db, head, &reader.viewer).await.map(Some)
}

/// Returns the record of a batch as it was sent, as JSON.
fn submitted(sent: &Value, place: usize, of: Option<RecordType>) -> String {
    let record = &sent["records"][place];
    of.map_or_else(String::new, |of| record[of.field()].to_string())
}

/// Mutations of pushes.
#[derive(Clone, Copy, Debug, Default)]
pub struct PushMutation;

/// Mutations of pushes.
#[Object]
impl PushMutation {
    /// Writes a batch of records of a system: in one transaction, with an outcome for each. With the role `SYNC_PARTNER` of
    /// the region of the system. One batch of a source is written at a time, and 600 of a caller in a minute: others are
    /// told `PUSH_BUSY`, and when to come again.
    async fn push_records(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The batch.")] input: PushRecordsInput,
    ) -> GraphqlResult<PushRecordsPayload> {
        let mutator = Mutator::of(ctx)?;
        let reader = mutator.reader();
        let raw = sent(ctx, "input").graphql()?.unwrap_or_default();
        let full_push = input.full_push.as_ref().map(|id| id::decode("input.fullPush", FULL_PUSH, id));
        let items: Vec<Item> = input.records.into_iter().map(PushRecordInput::into_item).collect();
        let known: Vec<Sent> = items
            .iter()
            .map(|item| Sent {
                external_id: item.external_id.clone(),
                of: item.input.as_ref().map(RecordInput::record_type),
            })
            .collect();
        let batch = Push {
            viewer: reader.viewer.clone(),
            source: input.source,
            key: input.idempotency_key,
            mode: input.mode.unwrap_or_default(),
            dry_run: input.dry_run.unwrap_or_default(),
            full_push: full_push.transpose().graphql()?,
            confirm_deletes: input.confirm_deletes,
            items,
            sent: raw.clone(),
        };
        let pushed = push(mutator.core(), ctx.data()?, batch).await.graphql()?;
        let want = Selection::of(ctx);
        let below = want.below("PushRecordsPayload", "results").unwrap_or_default();
        let nodes = shown(reader, &below, &pushed, &known).await.graphql()?;
        let done = !pushed.told.is_empty();
        let cursor = cursor(reader, &want, ("PushRecordsPayload", done)).await.graphql()?;
        let user_errors =
            pushed.problems.iter().map(|problem| UserError::new(problem, &reader.languages)).collect();
        let replayed = pushed.replayed;
        let each = pushed.told.into_iter().zip(known).zip(nodes).enumerate();
        let results = each.map(|(place, ((told, sent), node))| PushRecordResult {
            index: i32::try_from(place).unwrap_or(i32::MAX),
            external_id: sent.external_id,
            status: told.status,
            record: node.clone().map(Abstract),
            current_revision: told.revision,
            conflict: told.conflict.map(|conflict| PushConflict {
                base_revision: conflict.base_revision,
                current_revision: conflict.current_revision,
                current: node.map(Abstract),
                submitted: submitted(&raw, place, sent.of),
                differing_fields: conflict.differing,
            }),
            warnings: told.warnings.iter().map(|warning| Warning::new(warning, &reader.languages)).collect(),
            user_errors: told.refusals.iter().map(|refusal| refusal.told(&reader.languages)).collect(),
        });
        Ok(PushRecordsPayload { results: results.collect(), cursor, replayed, user_errors })
    }

    /// Begins a push of all records of a source, which ends one of the source that goes on. Its batches carry its id as
    /// `fullPush`; `completeFullPush` then deletes the records of the source that nobody mentioned. It may take a week.
    async fn begin_full_push(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The name of the source.")] source: String,
    ) -> GraphqlResult<BeginFullPushPayload> {
        let mutator = Mutator::of(ctx)?;
        let reader = mutator.reader();
        Ok(match full::begin(mutator.core(), ctx.data()?, &reader.viewer, &source).await.graphql()? {
            Ok(begun) => BeginFullPushPayload { full_push: Some(begun.into()), user_errors: Vec::new() },
            Err(problem) => {
                let user_errors = vec![UserError::new(&problem, &reader.languages)];
                BeginFullPushPayload { full_push: None, user_errors }
            }
        })
    }

    /// Ends a push of all records: those of the source that no batch mentioned since it was begun are deleted, also where
    /// others have changed them. A record that was refused is mentioned all the same, and so is one that came in a batch
    /// beside the push. Asked again, it answers what it has done.
    async fn complete_full_push(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The push, by the id that `beginFullPush` gave.")] id: ID,
        #[graphql(
            desc = "How many records its batches had, each counted once. Where it is another number, nothing is deleted."
        )]
        expected_count: i32,
        #[graphql(
            desc = "The exact number of records that are to be deleted, where it is more than 100, and more than a fifth, of the source's within a day."
        )]
        confirm_deletes: Option<i32>,
    ) -> GraphqlResult<CompleteFullPushPayload> {
        let mutator = Mutator::of(ctx)?;
        let reader = mutator.reader();
        let asked = Complete {
            viewer: reader.viewer.clone(),
            id: id::decode("id", FULL_PUSH, &id).graphql()?,
            expected: expected_count.into(),
            confirm_deletes,
        };
        let Completed { deleted, replayed, stays, problems } =
            full::complete(mutator.core(), ctx.data()?, asked).await.graphql()?;
        let done = problems.is_empty();
        let told = |problem: &Problem| UserError::new(problem, &reader.languages);
        let refused = stays.into_iter().map(|stays| UnmentionedRecord {
            id: stays.id.map(|id| graphql_id(stays.of.prefix(), id)),
            external_id: stays.external_id,
            user_errors: stays.problems.iter().map(told).collect(),
        });
        let cursor =
            cursor(reader, &Selection::of(ctx), ("CompleteFullPushPayload", done)).await.graphql()?;
        Ok(CompleteFullPushPayload {
            deleted: done.then(|| i32::try_from(deleted).unwrap_or(i32::MAX)),
            refused: refused.collect(),
            cursor,
            replayed,
            user_errors: problems.iter().map(told).collect(),
        })
    }
}
