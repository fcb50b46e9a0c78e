//! Imports of what `passerelle export` has written: records with the ids, revisions, origins and external ids that they
//! have there.
//!
//! The file is read twice. First all of it is checked: its beginning and end, the hash of the whole and of each record,
//! and that this program knows all that its records say. Where anything is wrong, nothing is imported. Then batches go
//! through [`replica::take`], each one transaction. Importing the same file again changes nothing, so an import that was
//! killed is simply started again. Memory stays flat, whatever the length of the file.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write as _};
use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::file::{LAST_TRY, Report, Waiting, make_room};
use super::line::Fault;
use super::source;
use crate::directory::KINDS;
use crate::record::audit::Actor;
use crate::record::core::Core;
use crate::record::error::DomainError;
use crate::record::read::keyed::hex;
use crate::record::value::DateTime;
use crate::record::write::replica::{self, Received, Taken, Unfit, shown, take};
use crate::record::write::{Ended, SCHEMA_VERSION, Source, through};
use crate::record::{RecordType, Times, id, value_of};
use crate::vocabulary;

/// Bytes of one line at most. It has the record twice: as it is shown, and as it is taken.
const MAX_LINE: usize = 16 << 20;
/// Bytes of the first line that are looked at to know what a file is.
const MAX_HEADER: u64 = 4 << 20;
/// Records in one transaction.
const BATCH: usize = 1000;
/// Bytes of lines in one transaction, about.
const BATCH_BYTES: usize = 8 << 20;
/// Bad lines that are told at most, where nothing of the file is taken.
const TOLD: u64 = 100;

/// A source that a file names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NamedSource {
    /// Its name.
    pub name: String,
    /// Slug of its region.
    pub region: String,
}

/// The first line of an export, as far as an import needs it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// The deployment that has written it.
    pub instance_id: Uuid,
    /// Its feed.
    pub feed_id: Uuid,
    /// The version of the fields that its records have.
    pub schema_version: i32,
    /// The hash of the vocabularies that its records name entries of.
    pub vocabulary_hash: String,
    /// The sources that own its records.
    #[serde(default)]
    pub sources: Vec<NamedSource>,
}

/// The last line.
#[derive(Deserialize)]
struct Footer {
    counts: BTreeMap<String, u64>,
    sha256: String,
}

/// A line with a record.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    record_type: String,
    record_id: String,
    revision: i32,
    origin: String,
    content_hash: Option<String>,
    canonical: Option<String>,
    record: Shown,
}

/// What an import needs of the record as it is shown.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    created_at: DateTime,
    updated_at: DateTime,
    confirmed_at: Option<DateTime>,
    external_id: Option<External>,
}

#[derive(Deserialize)]
struct External {
    source: String,
    id: String,
}

/// What became of the records of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Records in the file.
    pub records: u64,
    /// New records.
    pub created: u64,
    /// Records that have a later revision now.
    pub updated: u64,
    /// Records that were the same already.
    pub unchanged: u64,
    /// Records of which a later revision is here: they stay as they are.
    pub behind: u64,
    /// Records that were erased here, and stay so.
    pub erased: u64,
    /// Records that were refused.
    pub bad: u64,
    /// Whether the file was whole, so that what was not refused is in.
    pub kept: bool,
}

/// Why an import ended early.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file cannot be read.
    #[error("cannot read: {0}")]
    Read(#[from] std::io::Error),
    /// The file as a whole cannot be taken, and nothing of it was.
    #[error("{0}; nothing was imported")]
    File(String),
    /// The database failed.
    #[error(transparent)]
    Domain(#[from] DomainError),
}

/// What a file turned out to be.
pub enum Recognized {
    /// An export.
    Export(File),
    /// Anything else, from its beginning.
    Other(Box<dyn Read + Send>),
}

/// Whether a first line is that of an export.
fn is_header(line: &[u8]) -> bool {
    let fields: Option<serde_json::Map<String, serde_json::Value>> = serde_json::from_slice(line).ok();
    fields.is_some_and(|fields| fields.contains_key("feedId") && fields.contains_key("schemaVersion"))
}

/// Looks at how a file begins. An export is read twice: one that comes from standard input is put into a temporary file.
///
/// # Errors
/// Where it cannot be read.
pub fn recognize(file: Option<File>) -> std::io::Result<Recognized> {
    let again = match &file {
        Some(file) if file.metadata()?.is_file() => Some(file.try_clone()?),
        _ => None,
    };
    let input: Box<dyn Read + Send> = match file {
        Some(file) => Box::new(file),
        None => Box::new(std::io::stdin()),
    };
    let mut input = BufReader::with_capacity(1 << 16, input);
    let mut first = Vec::new();
    input.by_ref().take(MAX_HEADER).read_until(b'\n', &mut first)?;
    if !is_header(&first) {
        return Ok(Recognized::Other(Box::new(std::io::Cursor::new(first).chain(input))));
    }
    if let Some(mut file) = again {
        file.seek(SeekFrom::Start(0))?;
        return Ok(Recognized::Export(file));
    }
    let mut spooled = tempfile::tempfile()?;
    spooled.write_all(&first)?;
    std::io::copy(&mut input, &mut spooled)?;
    spooled.seek(SeekFrom::Start(0))?;
    Ok(Recognized::Export(spooled))
}

/// Imports an export.
///
/// # Errors
/// See [`SnapshotError`]. Records that are refused are no error: they are reported, and counted in the summary.
pub async fn run(core: &Core, file: File, report: &mut dyn Report) -> Result<Summary, SnapshotError> {
    let file = Arc::new(file);
    let length = file.metadata()?.len();
    let (checked, bad) = check(core, &file, report).await?;
    if bad > 0 {
        return Ok(Summary { records: checked.records, bad, ..Summary::default() });
    }
    register(core, &checked.header.sources).await?;
    make_room(core).await?;
    let summary = Summary { records: checked.records, kept: true, ..Summary::default() };
    let mut import = Import { core, report, waiting: Waiting::new()?, summary, is_last: false };
    rewind(&file)?;
    let reading = Arc::clone(&file);
    import.pass(length, move |chunks| send(Lines::of(&reading), chunks)).await?;
    import.retry(length).await?;
    Ok(import.summary)
}

fn rewind(file: &Arc<File>) -> std::io::Result<()> {
    (&**file).seek(SeekFrom::Start(0)).map(|_| ())
}

/// A line with its number, and how many bytes were read with it.
type Numbers = (u64, String, u64);

/// The lines of a file.
struct Lines<R> {
    input: BufReader<R>,
    number: u64,
    bytes: u64,
}

impl<'a> Lines<&'a File> {
    fn of(file: &'a File) -> Self {
        Self { input: BufReader::with_capacity(1 << 16, file), number: 0, bytes: 0 }
    }

    /// The next line with its line feed; nothing at the end.
    fn next(&mut self) -> std::io::Result<Option<Result<String, Fault>>> {
        let mut bytes = Vec::new();
        let read = self.input.by_ref().take(MAX_LINE as u64 + 1).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        self.bytes += read as u64;
        Ok(Some(if bytes.len() > MAX_LINE {
            Err(Fault::new("", "the line is longer than 16 MiB"))
        } else {
            String::from_utf8(bytes).map_err(|_| Fault::new("", "this is not UTF-8"))
        }))
    }
}

/// What the first reading found.
struct Checked {
    header: Header,
    records: u64,
}

/// What the reading thread tells while it checks.
enum Told {
    Bytes(u64),
    Bad(u64, Fault),
    Note(u64, String),
}

/// Checks all of a file; answers how many lines are bad.
async fn check(
    core: &Core,
    file: &Arc<File>,
    report: &mut dyn Report,
) -> Result<(Checked, u64), SnapshotError> {
    let known: Vec<Source> = source::all(core.db.writer()).await?;
    let (sender, mut told) = mpsc::channel(64);
    let reading = Arc::clone(file);
    let checking = tokio::task::spawn_blocking(move || {
        rewind(&reading)?;
        check_lines(Lines::of(&reading), &known, &sender)
    });
    let mut bad = 0;
    while let Some(told) = told.recv().await {
        match told {
            Told::Bytes(bytes) => report.bytes(bytes),
            Told::Note(number, text) => report.note(number, &text),
            Told::Bad(number, fault) => {
                bad += 1;
                if bad <= TOLD {
                    report.bad_line(number, &fault);
                }
            }
        }
    }
    let checked = checking.await.map_err(|error| DomainError::Task(error.to_string()))??;
    Ok((checked, bad))
}

/// Reads the first line, and says whether this program can take what follows.
fn read_header(text: &str, known: &[Source]) -> Result<Header, SnapshotError> {
    let wrong = |text: String| SnapshotError::File(text);
    let header: Header =
        serde_json::from_str(text).map_err(|error| wrong(format!("its first line is damaged: {error}")))?;
    if header.schema_version > SCHEMA_VERSION {
        return Err(wrong(format!(
            "it was written by a newer Passerelle, whose records have version {} of their fields, and this one knows {}: \
             import it with that version",
            header.schema_version, SCHEMA_VERSION
        )));
    }
    for source in &header.sources {
        let other = known.iter().find(|one| one.name == source.name && one.region != source.region);
        if let Some(other) = other {
            return Err(wrong(format!(
                "its source `{}` is one of `{}`, and here it is one of `{}`",
                source.name, source.region, other.region
            )));
        }
        if vocabulary::vocabularies().regions.get(&source.region).is_none() {
            let region = shown(&source.region);
            return Err(wrong(format!(
                "its source `{}` is one of `{region}`, which is no region here",
                source.name
            )));
        }
    }
    Ok(header)
}

/// Checks all lines. Where the file is not whole, that is what is told.
fn check_lines(
    mut lines: Lines<&File>,
    known: &[Source],
    sender: &mpsc::Sender<Told>,
) -> Result<Checked, SnapshotError> {
    let cut =
        || SnapshotError::File("it is not whole: its last line, which says what is in it, is missing".into());
    let tell = |told: Told| drop(sender.blocking_send(told));
    let mut hash = Sha256::new();
    let first = lines.next()?.and_then(Result::ok).filter(|line| line.ends_with('\n')).ok_or_else(cut)?;
    hash.update(&first);
    let header = read_header(&first, known)?;
    if header.vocabulary_hash != vocabulary::hash() {
        let text = "it was written with other vocabularies than this program has: records that name entries which are \
                    not known here are refused";
        tell(Told::Note(1, text.to_owned()));
    }
    let sources: HashMap<&str, &str> = known
        .iter()
        .map(|source| (source.name.as_str(), source.region.as_str()))
        .chain(header.sources.iter().map(|source| (source.name.as_str(), source.region.as_str())))
        .collect();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut last: Option<(RecordType, Uuid)> = None;
    let footer = loop {
        let line = lines.next()?.ok_or_else(cut)?;
        let number = lines.number;
        let line = match line {
            Ok(line) if line.ends_with('\n') => line,
            // A last line without its end was cut.
            Ok(_) => return Err(cut()),
            Err(fault) => {
                tell(Told::Bad(number, fault));
                continue;
            }
        };
        if let Ok(footer) = serde_json::from_str::<Footer>(&line) {
            break footer;
        }
        hash.update(&line);
        let checked = received(&line).and_then(|one| {
            let place = (one.record_type, one.id);
            if last.is_some_and(|last| last >= place) {
                return Err(Unfit::new("recordId", "records come by type and id, each once"));
            }
            let source = one.external.as_ref().map(|(source, _)| source.as_str());
            if let Some(source) = source.filter(|source| !sources.contains_key(source)) {
                let message =
                    format!("the source `{}` is neither known here nor in the first line", shown(source));
                return Err(Unfit::new("record.externalId", message));
            }
            replica::check(KINDS, &one).map(|()| place)
        });
        match checked {
            Ok((of, id)) => {
                last = Some((of, id));
                *counts.entry(of.name().to_owned()).or_default() += 1;
            }
            Err(unfit) => tell(Told::Bad(number, fault_of(&unfit))),
        }
        if number.is_multiple_of(100) {
            tell(Told::Bytes(lines.bytes));
        }
    };
    tell(Told::Bytes(lines.bytes));
    if lines.next()?.is_some() {
        return Err(SnapshotError::File("there is something behind its last line".into()));
    }
    let records: u64 = footer.counts.values().sum();
    if hex(&hash.finalize()) != footer.sha256 {
        let text =
            "it is damaged: its lines are not those that it was written with (their SHA-256 is another)";
        return Err(SnapshotError::File(text.into()));
    }
    counts.retain(|_, count| *count > 0);
    let expected: BTreeMap<String, u64> = footer.counts.into_iter().filter(|(_, count)| *count > 0).collect();
    // Bad lines were not counted, and are told.
    if counts.values().sum::<u64>() == records && counts != expected {
        return Err(SnapshotError::File(
            "it is damaged: it has other records than its last line says".into(),
        ));
    }
    Ok(Checked { header, records })
}

fn fault_of(unfit: &Unfit) -> Fault {
    Fault::new(unfit.path.clone(), unfit.message.clone())
}

/// The record of a line.
fn received(text: &str) -> Result<Received, Unfit> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let line: Line = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        Unfit::new(if path == "." { String::new() } else { path }, error.inner().to_string())
    })?;
    let of: RecordType = value_of(&line.record_type).ok_or_else(|| {
        let message = format!("this program knows no records of type `{}`", shown(&line.record_type));
        Unfit::new("recordType", message)
    })?;
    let (Some(hash), Some(canonical)) = (line.content_hash, line.canonical) else {
        let message = "it has no `contentHash` and `canonical`, as copies have that somebody makes who does not write \
                       the records of the region; `passerelle export` writes them";
        return Err(Unfit::new("canonical", message));
    };
    if line.origin.is_empty() || line.origin.len() > 255 || line.origin.contains('\0') {
        return Err(Unfit::new("origin", "it says where the revision was made, in 255 bytes at most"));
    }
    let external = line.record.external_id.map(|external| (external.source, external.id));
    if external.as_ref().is_some_and(|(_, id)| !crate::record::write::is_external_id(id)) {
        return Err(Unfit::new("record.externalId", "it is empty, too long, or has the character U+0000"));
    }
    Ok(Received {
        record_type: of,
        id: id::decode("recordId", of.prefix(), &line.record_id)
            .map_err(|error| Unfit::new("recordId", error.to_string()))?,
        revision: line.revision,
        origin: line.origin,
        external,
        content_hash: replica::hash("contentHash", &hash)?,
        canonical,
        times: Times { created_at: line.record.created_at, updated_at: line.record.updated_at },
        confirmed_at: line.record.confirmed_at,
    })
}

/// Registers the sources of a file that are not known here.
async fn register(core: &Core, sources: &[NamedSource]) -> Result<(), DomainError> {
    for one in sources {
        source::add(core, &one.name, &one.region).await?;
    }
    Ok(())
}

/// Records on their way, with their lines: those may have to wait.
type Chunk = Result<Vec<(Numbers, Received)>, SnapshotError>;

/// Sends the records of a file that was checked, in batches.
fn send(mut lines: Lines<&File>, chunks: &mpsc::Sender<Chunk>) {
    let mut batch = Batched::new(chunks);
    let sent = loop {
        match lines.next() {
            Ok(None) => break Ok(()),
            Ok(Some(Ok(line))) => {
                // The first line and the last have no record.
                if let Ok(one) = received(&line)
                    && !batch.push((lines.number, line.trim_end().to_owned(), lines.bytes), one)
                {
                    return;
                }
            }
            // Somebody writes into the file while it is read.
            Ok(Some(Err(fault))) => break Err(std::io::Error::other(fault.message)),
            Err(error) => break Err(error),
        }
    };
    batch.end(sent);
}

/// Sends the records of lines that have waited: each has its number before it.
fn send_waiting(input: BufReader<File>, size: usize, chunks: &mpsc::Sender<Chunk>) {
    let mut batch = Batched { size, ..Batched::new(chunks) };
    for entry in input.lines() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return batch.end(Err(error)),
        };
        let (number, text) = entry.split_once('\t').unwrap_or_default();
        let number = number.parse().unwrap_or(0);
        if let Ok(one) = received(text)
            && !batch.push((number, text.to_owned(), 0), one)
        {
            return;
        }
    }
    batch.end(Ok(()));
}

/// A batch that is being gathered. The receiver being gone ends the reading.
struct Batched<'a> {
    chunks: &'a mpsc::Sender<Chunk>,
    records: Vec<(Numbers, Received)>,
    bytes: usize,
    size: usize,
}

impl<'a> Batched<'a> {
    fn new(chunks: &'a mpsc::Sender<Chunk>) -> Self {
        Self { chunks, records: Vec::new(), bytes: 0, size: BATCH }
    }

    fn push(&mut self, line: Numbers, one: Received) -> bool {
        self.bytes += line.1.len();
        self.records.push((line, one));
        // What must go together is not parted for being long.
        let full = self.records.len() >= self.size || self.size == BATCH && self.bytes >= BATCH_BYTES;
        !full || self.flush()
    }

    fn flush(&mut self) -> bool {
        self.bytes = 0;
        let records = std::mem::take(&mut self.records);
        records.is_empty() || self.chunks.blocking_send(Ok(records)).is_ok()
    }

    fn end(mut self, read: std::io::Result<()>) {
        match read {
            Ok(()) => drop(self.flush()),
            Err(error) => drop(self.chunks.blocking_send(Err(error.into()))),
        }
    }
}

struct Import<'a> {
    core: &'a Core,
    report: &'a mut dyn Report,
    waiting: Waiting,
    summary: Summary,
    /// Whether what still waits now is refused.
    is_last: bool,
}

impl Import<'_> {
    /// Goes through records once.
    async fn pass(
        &mut self,
        before: u64,
        read: impl FnOnce(&mpsc::Sender<Chunk>) + Send + 'static,
    ) -> Result<(), SnapshotError> {
        let (sender, mut chunks) = mpsc::channel(2);
        let reader = std::thread::spawn(move || read(&sender));
        while let Some(chunk) = chunks.recv().await {
            self.take(before, chunk?).await?;
        }
        reader.join().map_err(|_| std::io::Error::other("the reading thread failed"))?;
        Ok(())
    }

    /// Tries again what has waited for others, until nothing comes forward; then what is left together, as it may refer
    /// to itself.
    async fn retry(&mut self, length: u64) -> Result<(), SnapshotError> {
        let mut last_count = None;
        while !self.is_last {
            let (waiting, count) = self.waiting.take()?;
            if count == 0 {
                break;
            }
            self.is_last = last_count == Some(count);
            last_count = Some(count);
            let size = if self.is_last { LAST_TRY } else { BATCH };
            self.pass(2 * length, move |chunks| send_waiting(waiting, size, chunks)).await?;
        }
        Ok(())
    }

    async fn take(&mut self, before: u64, records: Vec<(Numbers, Received)>) -> Result<(), SnapshotError> {
        let (lines, batch): (Vec<Numbers>, Vec<Received>) = records.into_iter().unzip();
        let batch = Arc::new(batch);
        let received = Arc::clone(&batch);
        let taken = through(self.core, move |core, tx| {
            let received = Arc::clone(&received);
            Box::pin(async move {
                let (taken, written) = take(core, tx, &received, &Actor::CommandLine).await?;
                let kept = !written.is_empty();
                Ok(Ended { answer: taken, written, kept })
            })
        });
        for ((line, one), taken) in lines.iter().zip(batch.iter()).zip(taken.await?) {
            self.count(line, one, taken)?;
        }
        let read = lines.last().map_or(0, |(_, _, bytes)| *bytes);
        self.report.bytes(before + read);
        self.report.lines(self.summary.done());
        Ok(())
    }

    fn count(&mut self, line: &Numbers, one: &Received, taken: Taken) -> Result<(), SnapshotError> {
        let (number, text, _) = line;
        let refused = match taken {
            Taken::Created => {
                self.summary.created += 1;
                return Ok(());
            }
            Taken::Updated => {
                self.summary.updated += 1;
                return Ok(());
            }
            Taken::Unchanged => {
                self.summary.unchanged += 1;
                return Ok(());
            }
            Taken::Behind(revision) => {
                self.summary.behind += 1;
                let text =
                    format!("revision {revision} is here, which is later than {}: it stays", one.revision);
                self.report.note(*number, &text);
                return Ok(());
            }
            Taken::Erased => {
                self.summary.erased += 1;
                self.report.note(*number, "the record was erased here, and stays so");
                return Ok(());
            }
            Taken::Waits(_) if !self.is_last => return Ok(self.waiting.push(*number, text)?),
            Taken::Waits(refers) => {
                let to = id::encode(refers.to.prefix(), refers.id);
                Unfit::new(refers.path, format!("`{to}` is not here, and did not come in with the file"))
            }
            Taken::Forked => {
                let message = format!("revision {} is here and says something else: it stays", one.revision);
                Unfit::new("revision", message)
            }
            Taken::Refused(unfit) => unfit,
        };
        self.summary.bad += 1;
        self.report.bad_line(*number, &fault_of(&refused));
        Ok(())
    }
}

impl Summary {
    /// Records that were decided about.
    fn done(&self) -> u64 {
        self.created + self.updated + self.unchanged + self.behind + self.erased + self.bad
    }
}
