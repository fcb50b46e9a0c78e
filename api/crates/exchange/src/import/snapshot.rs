//! Imports of files that `passerelle export` wrote: records keep their ids, revisions, origins and external ids.
//!
//! The file is read twice. The first reading checks the first and the last line, the hash of the file and of each
//! record, and that this program knows all fields and values. Where anything is wrong, nothing is imported. The second
//! reading passes batches to [`replica::take`], each in one transaction. Importing the same file again changes nothing,
//! so an import that was killed is simply started again. Memory stays flat, whatever the length of the file.

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
use directory::KINDS;
use kernel::error::DomainError;
use kernel::read::keyed::hex;
use kernel::value::DateTime;
use kernel::vocabulary;
use kernel::{RecordType, Times, id, value_of};
use records::audit::Actor;
use records::handle::Core;
use records::write::replica::{self, InvalidRevision, Received, Taken, shown, take};
use records::write::{SCHEMA_VERSION, Source, TransactionResult, in_transaction};

/// Bytes of one line at most. A line has the record twice: as the API shows it, and as canonical JSON.
const MAX_LINE: usize = 16 << 20;
/// Bytes of the first line that are read to recognize an export, at most.
const MAX_HEADER: u64 = 4 << 20;
/// Records in one transaction.
const BATCH: usize = 1000;
/// Approximate bytes of lines in one transaction.
const BATCH_BYTES: usize = 8 << 20;
/// Bad lines that the first reading reports at most.
const TOLD: u64 = 100;

/// A source that a file names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NamedSource {
    /// Its name.
    pub name: String,
    /// Slug of its region.
    pub region: String,
}

/// The fields of an export's first line that an import needs.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    /// The deployment that wrote the file.
    pub instance_id: Uuid,
    /// The feed of that deployment.
    pub feed_id: Uuid,
    /// The schema version of the records' replicated fields.
    pub schema_version: i32,
    /// The hash of the vocabularies that the file was written with.
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

/// The fields that an import reads from `record`, the record as the API shows it.
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

/// The result of an import, counted by record.
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
    /// Records that have a later revision here: they stay unchanged.
    pub behind: u64,
    /// Records that were erased here, and stay so.
    pub erased: u64,
    /// Records that were refused.
    pub bad: u64,
    /// Whether the file passed the check, so that all records but refused ones were imported.
    pub kept: bool,
}

/// An error that ends an import early.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The file cannot be read.
    #[error("cannot read: {0}")]
    Read(#[from] std::io::Error),
    /// The file as a whole is invalid. Nothing was imported.
    #[error("{0}; nothing was imported")]
    File(String),
    /// The database failed.
    #[error(transparent)]
    Domain(#[from] DomainError),
}

/// The kind of a file, found from its first line.
pub enum Recognized {
    /// An export.
    Export(File),
    /// Anything else: its bytes from the beginning.
    Other(Box<dyn Read + Send>),
}

/// Whether a first line is that of an export.
fn is_header(line: &[u8]) -> bool {
    let fields: Option<serde_json::Map<String, serde_json::Value>> = serde_json::from_slice(line).ok();
    fields.is_some_and(|fields| fields.contains_key("feedId") && fields.contains_key("schemaVersion"))
}

/// Recognizes an export by its first line. `None` is standard input. An export is read twice, so one that does not come
/// from a regular file is copied to a temporary file.
///
/// # Errors
/// Fails where it cannot be read.
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

/// A line: its number, its text, and the bytes that were read up to its end.
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

    /// Reads the next line with its line feed; `None` at the end.
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

/// The result of the first reading.
struct Checked {
    header: Header,
    records: u64,
}

/// A message from the thread that checks.
enum CheckMessage {
    Bytes(u64),
    Bad(u64, Fault),
    Note(u64, String),
}

/// Checks the whole file. Returns the number of bad lines with the result.
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
            CheckMessage::Bytes(bytes) => report.bytes(bytes),
            CheckMessage::Note(number, text) => report.note(number, &text),
            CheckMessage::Bad(number, fault) => {
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

/// Parses the first line. Refuses a file with a newer schema version, or with sources of other regions than here.
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

/// Checks all lines. Bad lines go to `sender`; a truncated or damaged file is the error that is returned.
fn check_lines(
    mut lines: Lines<&File>,
    known: &[Source],
    sender: &mpsc::Sender<CheckMessage>,
) -> Result<Checked, SnapshotError> {
    let cut =
        || SnapshotError::File("it is not whole: its last line, which says what is in it, is missing".into());
    let tell = |told: CheckMessage| drop(sender.blocking_send(told));
    let mut hash = Sha256::new();
    let first = lines.next()?.and_then(Result::ok).filter(|line| line.ends_with('\n')).ok_or_else(cut)?;
    hash.update(&first);
    let header = read_header(&first, known)?;
    if header.vocabulary_hash != vocabulary::hash() {
        let text = "it was written with other vocabularies than this program has: records that name entries which are \
                    not known here are refused";
        tell(CheckMessage::Note(1, text.to_owned()));
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
            // A last line without a line feed was cut.
            Ok(_) => return Err(cut()),
            Err(fault) => {
                tell(CheckMessage::Bad(number, fault));
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
                return Err(InvalidRevision::new("recordId", "records come by type and id, each once"));
            }
            let source = one.external.as_ref().map(|(source, _)| source.as_str());
            if let Some(source) = source.filter(|source| !sources.contains_key(source)) {
                let message =
                    format!("the source `{}` is neither known here nor in the first line", shown(source));
                return Err(InvalidRevision::new("record.externalId", message));
            }
            replica::check(KINDS, &one).map(|()| place)
        });
        match checked {
            Ok((of, id)) => {
                last = Some((of, id));
                *counts.entry(of.name().to_owned()).or_default() += 1;
            }
            Err(unfit) => tell(CheckMessage::Bad(number, fault_of(&unfit))),
        }
        if number.is_multiple_of(100) {
            tell(CheckMessage::Bytes(lines.bytes));
        }
    };
    tell(CheckMessage::Bytes(lines.bytes));
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
    // Bad lines are missing in `counts`, and were reported.
    if counts.values().sum::<u64>() == records && counts != expected {
        return Err(SnapshotError::File(
            "it is damaged: it has other records than its last line says".into(),
        ));
    }
    Ok(Checked { header, records })
}

fn fault_of(unfit: &InvalidRevision) -> Fault {
    Fault::new(unfit.path.clone(), unfit.message.clone())
}

/// Parses the record of a line.
fn received(text: &str) -> Result<Received, InvalidRevision> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let line: Line = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        InvalidRevision::new(if path == "." { String::new() } else { path }, error.inner().to_string())
    })?;
    let of: RecordType = value_of(&line.record_type).ok_or_else(|| {
        let message = format!("this program knows no records of type `{}`", shown(&line.record_type));
        InvalidRevision::new("recordType", message)
    })?;
    let (Some(hash), Some(canonical)) = (line.content_hash, line.canonical) else {
        let message = "it has no `contentHash` and `canonical`, as copies have that somebody makes who does not write \
                       the records of the region; `passerelle export` writes them";
        return Err(InvalidRevision::new("canonical", message));
    };
    if line.origin.is_empty() || line.origin.len() > 255 || line.origin.contains('\0') {
        return Err(InvalidRevision::new(
            "origin",
            "it says where the revision was made, in 255 bytes at most",
        ));
    }
    let external = line.record.external_id.map(|external| (external.source, external.id));
    if external.as_ref().is_some_and(|(_, id)| !records::write::is_external_id(id)) {
        return Err(InvalidRevision::new(
            "record.externalId",
            "it is empty, too long, or has the character U+0000",
        ));
    }
    Ok(Received {
        record_type: of,
        id: id::decode("recordId", of.prefix(), &line.record_id)
            .map_err(|error| InvalidRevision::new("recordId", error.to_string()))?,
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

/// A batch of records from the reading thread, with their lines: lines of records that have to wait are stored.
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
            // The file was changed after it was checked.
            Ok(Some(Err(fault))) => break Err(std::io::Error::other(fault.message)),
            Err(error) => break Err(error),
        }
    };
    batch.end(sent);
}

/// Sends the records of a [`Waiting`] file in batches of `size`: each line is its number, a tab and its text.
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

/// A batch that is being gathered. `push` and `flush` return false when the receiver is gone: reading ends then.
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
        // The last pass tries its records together, so no limit of bytes splits them.
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
    /// Whether this is the last pass, which refuses records that still wait.
    is_last: bool,
}

impl Import<'_> {
    /// Takes the records that `read` sends, once. `before` is the number of bytes done by earlier passes.
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

    /// Retries the waiting records until a pass makes no progress. The last pass then tries the rest together, as these
    /// records may refer to each other.
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
        let taken = in_transaction(self.core, move |core, tx| {
            let received = Arc::clone(&received);
            Box::pin(async move {
                let (taken, written) = take(core, tx, &received, &Actor::CommandLine).await?;
                let kept = !written.is_empty();
                Ok(TransactionResult { answer: taken, written, kept })
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
                InvalidRevision::new(
                    refers.path,
                    format!("`{to}` is not here, and did not come in with the file"),
                )
            }
            Taken::Forked => {
                let message = format!("revision {} is here and says something else: it stays", one.revision);
                InvalidRevision::new("revision", message)
            }
            Taken::Refused(unfit) => unfit,
        };
        self.summary.bad += 1;
        self.report.bad_line(*number, &fault_of(&refused));
        Ok(())
    }
}

impl Summary {
    /// Records that are done, with any result.
    fn done(&self) -> u64 {
        self.created + self.updated + self.unchanged + self.behind + self.erased + self.bad
    }
}
