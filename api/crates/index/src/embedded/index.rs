//! The tantivy index of one audience: its fields, its documents and its queries.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tantivy::collector::Count;
use tantivy::index::{SegmentId, SegmentMeta};
use tantivy::query::{AllQuery, BooleanQuery, ConstScoreQuery, Occur, Query as Ask, TermSetQuery};
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{TextAnalyzer, WhitespaceTokenizer};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, Term};
use uuid::Uuid;

use super::collector::Best;
use super::word::{Match, WordQuery};
use crate::document::{self, Document};
use crate::engine::{Batch, Found, Position, Query};
use crate::kind::{SearchFacet, SearchType};
use crate::text::{Word, indexed};
use kernel::all_of;
use kernel::geo::{chord_squared, unit_vector};

/// Memory that one writer may fill before it writes a segment, in bytes.
const WRITER_MEMORY: usize = 32 * 1024 * 1024;
/// Name of the tokenizer for words that are folded already.
const WORDS: &str = "words";

/// The weights of the fields with words; see [`worth`].
const WEIGHTS: [f32; 4] = [1.0, 0.95, 0.55, 0.35];
/// The number of these fields, from the first, that hold names.
const NAMES: usize = 2;

/// The fields of the index.
#[derive(Debug)]
pub(super) struct Fields {
    id: Field,
    of: Field,
    id_high: Field,
    id_low: Field,
    revision: Field,
    order: Field,
    /// In the order of [`WEIGHTS`]: main name, other names, labels, texts.
    words: [Field; 4],
    /// Whole names, folded.
    whole: Field,
    x: Field,
    y: Field,
    z: Field,
    values: Vec<(SearchFacet, Field)>,
}

/// Name of the field of a facet.
pub(super) fn facet_field(facet: SearchFacet) -> &'static str {
    kernel::name_of(facet)
}

fn layout() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let words = TextFieldIndexing::default()
        .set_tokenizer(WORDS)
        .set_index_option(IndexRecordOption::Basic)
        .set_fieldnorms(false);
    let words = TextOptions::default().set_indexing_options(words);
    let raw = TextFieldIndexing::default()
        .set_tokenizer("raw")
        .set_index_option(IndexRecordOption::Basic)
        .set_fieldnorms(false);
    let raw = TextOptions::default().set_indexing_options(raw);
    let fields = Fields {
        id: schema.add_text_field("id", raw.clone()),
        of: schema.add_u64_field("of", FAST | INDEXED),
        id_high: schema.add_u64_field("id_high", FAST),
        id_low: schema.add_u64_field("id_low", FAST),
        revision: schema.add_u64_field("revision", FAST),
        order: schema.add_u64_field("order", FAST),
        words: ["name", "names", "labels", "texts"].map(|name| schema.add_text_field(name, words.clone())),
        whole: schema.add_text_field("whole", raw.clone()),
        x: schema.add_f64_field("x", FAST),
        y: schema.add_f64_field("y", FAST),
        z: schema.add_f64_field("z", FAST),
        values: all_of::<SearchFacet>()
            .map(|facet| (facet, schema.add_text_field(facet_field(facet), raw.clone().set_fast("raw"))))
            .collect(),
    };
    (schema.build(), fields)
}

/// The index of one audience.
pub(super) struct AudienceIndex {
    fields: Fields,
    reader: IndexReader,
    index: Index,
    /// Opened by the first write, and dropped when a write fails. It locks the folder, so programs that only search
    /// never open one.
    writer: Mutex<Option<IndexWriter>>,
}

impl std::fmt::Debug for AudienceIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AudienceIndex")
    }
}

impl AudienceIndex {
    /// Creates a folder with an empty index.
    pub(super) fn create(folder: &Path) -> tantivy::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Self::with(Index::create_in_dir(folder, layout().0)?)
    }

    /// Opens the index of a folder.
    pub(super) fn open(folder: &Path) -> tantivy::Result<Self> {
        let index = Index::open_in_dir(folder)?;
        if index.schema() != layout().0 {
            return Err(tantivy::TantivyError::SchemaError("an index of another layout".into()));
        }
        Self::with(index)
    }

    fn with(index: Index) -> tantivy::Result<Self> {
        index.tokenizers().register(WORDS, TextAnalyzer::from(WhitespaceTokenizer::default()));
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { fields: layout().1, reader, index, writer: Mutex::default() })
    }

    /// Locks the writer, which may be `None`.
    fn writer(&self) -> MutexGuard<'_, Option<IndexWriter>> {
        // After a panic it is `None`: the writer was taken out, and dropped while unwinding.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `work` with the writer, and opens one where there is none. A writer that failed is dropped: after an error
    /// in its thread it would accept documents, commit, and write none of them (tantivy 0.27).
    fn with_writer<T>(
        &self,
        work: impl FnOnce(&mut IndexWriter) -> tantivy::Result<T>,
    ) -> tantivy::Result<T> {
        let mut kept = self.writer();
        let mut writer = match kept.take() {
            Some(writer) => writer,
            None => self.index.writer_with_num_threads(1, WRITER_MEMORY)?,
        };
        let done = work(&mut writer)?;
        *kept = Some(writer);
        Ok(done)
    }

    /// Drops the writer, and with it its lock of the folder: another program may write from now on.
    pub(super) fn release(&self) {
        drop(self.writer().take());
    }

    /// Commits the changes of `work` with this position in the log.
    fn commit(
        &self,
        work: impl FnOnce(&IndexWriter) -> tantivy::Result<()>,
        place: &str,
    ) -> tantivy::Result<()> {
        self.with_writer(|writer| {
            work(writer)?;
            let mut commit = writer.prepare_commit()?;
            commit.set_payload(place);
            commit.commit().map(|_| ())
        })
    }

    /// Reads the position in the log as it is stored.
    fn place(&self) -> tantivy::Result<String> {
        Ok(self.index.load_metas()?.payload.unwrap_or_default())
    }

    /// Writes a batch, and then its position in the log. The batch can be found when this returns. The position is
    /// committed only when all documents were found in the index: after a stop in between, they are written again.
    pub(super) fn write(&self, batch: &Batch, position: Position) -> tantivy::Result<()> {
        if batch.erased {
            self.forget(&batch.gone)?;
        }
        if !batch.documents.is_empty() || !batch.gone.is_empty() {
            self.put(batch)?;
        }
        let place = format!("{} {} {}", position.feed_id, position.seq, document::layout());
        self.commit(|_| Ok(()), &place)?;
        self.reader.reload()
    }

    /// Writes the documents of a batch, and checks by their number that all are in the index.
    fn put(&self, batch: &Batch) -> tantivy::Result<()> {
        let there = batch.documents.iter().map(|document| document.id);
        let all: BTreeSet<Uuid> = batch.gone.iter().copied().chain(there).collect();
        let before = self.reader.searcher().num_docs();
        let replaced = self.count(&all)?;
        let work = |writer: &IndexWriter| {
            for id in &all {
                writer.delete_term(self.id_term(*id));
            }
            for document in &batch.documents {
                writer.add_document(self.document(document))?;
            }
            Ok(())
        };
        self.commit(work, &self.place()?)?;
        self.reader.reload()?;
        let written = Counts { documents: batch.documents.len() as u64, before, replaced };
        let told = written.compared(self.reader.searcher().num_docs(), self.count(&all)?);
        told.map_err(|told| {
            // The writer has lost documents: it is not used again.
            self.release();
            tantivy::TantivyError::InternalError(told)
        })
    }

    /// Counts the documents of these records.
    fn count(&self, ids: &BTreeSet<Uuid>) -> tantivy::Result<u64> {
        let of = TermSetQuery::new(ids.iter().map(|id| self.id_term(*id)));
        Ok(self.reader.searcher().search(&of, &Count)? as u64)
    }

    /// Removes documents from the files as well. The position in the log stays: after a stop here this is repeated.
    fn forget(&self, ids: &[Uuid]) -> tantivy::Result<()> {
        let work = |writer: &IndexWriter| {
            for id in ids {
                writer.delete_term(self.id_term(*id));
            }
            Ok(())
        };
        self.commit(work, &self.place()?)?;
        self.compact()
    }

    /// Merges all segments into one, without deleted documents. A search reads the segments one after the other, and
    /// files keep the words of deleted documents until they are written anew.
    pub(super) fn compact(&self) -> tantivy::Result<()> {
        // Segments of a running merge cannot be merged with others.
        let merging = self.writer().take();
        if let Some(writer) = merging {
            writer.wait_merging_threads()?;
        }
        let segments = self.index.searchable_segment_metas()?;
        if segments.len() > 1 || segments.iter().any(SegmentMeta::has_deletes) {
            let ids: Vec<SegmentId> = segments.iter().map(SegmentMeta::id).collect();
            self.with_writer(|writer| writer.merge(&ids).wait())?;
        }
        self.reader.reload()?;
        self.with_writer(|writer| writer.garbage_collect_files().wait())?;
        Ok(())
    }

    /// Returns the position in the log; `None` where the documents have another layout.
    pub(super) fn position(&self) -> tantivy::Result<Option<Position>> {
        // Another program may be writing: the position is read first, so that the reload covers at least its changes.
        let payload = self.place()?;
        self.reader.reload()?;
        let mut parts = payload.split(' ');
        let mut part = || parts.next().unwrap_or_default();
        let (feed_id, seq, layout) = (part().parse(), part().parse(), part());
        Ok(match (feed_id, seq) {
            (Ok(feed_id), Ok(seq)) if layout == document::layout() => Some(Position { feed_id, seq }),
            _ => None,
        })
    }

    /// Whether the checksums of its files are right.
    pub(super) fn is_sound(&self) -> bool {
        self.index.validate_checksum().is_ok_and(|damaged| damaged.is_empty())
    }

    fn id_term(&self, id: Uuid) -> Term {
        Term::from_field_text(self.fields.id, &id.simple().to_string())
    }

    fn document(&self, from: &Document) -> TantivyDocument {
        let fields = &self.fields;
        let mut document = TantivyDocument::default();
        let (high, low) = from.id.as_u64_pair();
        document.add_text(fields.id, from.id.simple().to_string());
        document.add_u64(fields.of, from.of as u64);
        document.add_u64(fields.id_high, high);
        document.add_u64(fields.id_low, low);
        document.add_u64(fields.revision, u64::try_from(from.revision).unwrap_or_default());
        document.add_u64(fields.order, from.order());
        for (place, name) in from.names.iter().enumerate() {
            let words = indexed(&name.text);
            document.add_text(fields.whole, words.chars().take(100).collect::<String>());
            document.add_text(fields.words[usize::from(place > 0)], words);
        }
        for label in &from.labels {
            document.add_text(fields.words[2], indexed(label));
        }
        for text in &from.texts {
            document.add_text(fields.words[3], indexed(&text.text));
        }
        for (facet, value) in &from.values {
            if let Some((_, field)) = fields.values.iter().find(|(of, _)| of == facet) {
                document.add_text(*field, value);
            }
        }
        if let Some((latitude, longitude)) = from.location {
            let [x, y, z] = unit_vector(latitude, longitude);
            document.add_f64(fields.x, x);
            document.add_f64(fields.y, y);
            document.add_f64(fields.z, z);
        }
        document
    }

    pub(super) fn search(&self, query: &Query) -> tantivy::Result<Found> {
        let best = Best {
            offset: query.offset,
            limit: query.limit,
            facets: query.facets.clone(),
            near: query
                .near
                .map(|(latitude, longitude, km)| (unit_vector(latitude, longitude), chord_squared(km))),
            words: query.words.len(),
        };
        self.reader.searcher().search(&self.ask(query), &best)
    }

    fn ask(&self, query: &Query) -> BooleanQuery {
        let mut clauses: Vec<(Occur, Box<dyn Ask>)> = Vec::new();
        for (facet, values) in &query.filters {
            if let Some((_, field)) = self.fields.values.iter().find(|(of, _)| of == facet) {
                let terms = values.iter().map(|value| Term::from_field_text(*field, value));
                let one_of = ConstScoreQuery::new(Box::new(TermSetQuery::new(terms)), 0.0);
                clauses.push((Occur::Must, Box::new(one_of)));
            }
        }
        let words = query.words.iter().map(|word| self.word(word, query.names));
        if query.words.is_empty() {
            clauses.push((Occur::Must, Box::new(ConstScoreQuery::new(Box::new(AllQuery), 0.0))));
        } else if query.any {
            let any = words.map(|word| (Occur::Should, word)).collect();
            clauses.push((Occur::Must, Box::new(BooleanQuery::new(any))));
        } else {
            clauses.extend(words.map(|word| (Occur::Must, word)));
        }
        if !query.words.is_empty() {
            let whole: Vec<&str> = query.words.iter().map(|word| word.text.as_str()).collect();
            let whole = WordQuery {
                text: whole.join(" "),
                prefix: true,
                typos: 0,
                places: vec![(self.fields.whole, 0.0)],
                worth: |_, found| if found.same { 0.8 } else { 0.3 },
            };
            clauses.push((Occur::Should, Box::new(whole)));
        }
        BooleanQuery::new(clauses)
    }

    /// The query of a word in all fields, or in those with names alone. Only the best field counts.
    fn word(&self, word: &Word, names: bool) -> Box<dyn Ask> {
        let fields = if names { NAMES } else { WEIGHTS.len() };
        Box::new(WordQuery {
            text: word.text.clone(),
            prefix: word.prefix,
            typos: word.typos(),
            places: self.fields.words.into_iter().zip(WEIGHTS).take(fields).collect(),
            worth,
        })
    }

    /// Reads the next records in the order of their ids.
    pub(super) fn walk(&self, after: Option<Uuid>, limit: usize) -> tantivy::Result<Vec<(Uuid, i32)>> {
        self.reader.searcher().search(&AllQuery, &super::collector::Walk { after, limit })
    }
}

/// The numbers of documents that a batch is expected to lead to.
#[derive(Clone, Copy, Debug)]
struct Counts {
    /// Documents of the batch.
    documents: u64,
    /// Documents of the index before the batch.
    before: u64,
    /// Documents of these that the batch removes or replaces.
    replaced: u64,
}

impl Counts {
    /// Compares them with the documents after the batch: all of them, and those of its records.
    fn compared(self, all: u64, of_batch: u64) -> Result<(), String> {
        let expected = (self.before + self.documents).saturating_sub(self.replaced);
        if (all, of_batch) == (expected, self.documents) {
            return Ok(());
        }
        Err(format!(
            "{of_batch} of {} documents are there after they were committed, and {all} in all instead of {expected}",
            self.documents
        ))
    }
}

/// The score of a match: one for the match itself, so that more words beat better words, and the weight of its field,
/// which is one at most. Each typo costs a little, and so does a term that is not the word itself.
fn worth(place: f32, found: Match) -> f32 {
    1.0 + place - 0.08 * f32::from(found.typos) - if found.same { 0.0 } else { 0.04 }
}

/// Returns the type of this number in the index.
pub(super) fn type_of(number: u64) -> Option<SearchType> {
    all_of::<SearchType>().find(|of| *of as u64 == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_that_are_lost_are_missed() {
        let counts = Counts { documents: 3, before: 10, replaced: 2 };
        assert_eq!(counts.compared(11, 3), Ok(()));
        for (all, of_batch) in [(8, 0), (10, 2), (11, 2), (12, 3)] {
            assert!(counts.compared(all, of_batch).is_err(), "{all} {of_batch}");
        }
    }
}
