//! Imports of NDJSON and CSV: streamed, in batches, each batch one transaction.
//!
//! A line that refers to a record which is not there yet waits in a temporary file for a later pass. Memory
//! stays flat, whatever the length of the file. Importing the same file again changes nothing, so an import
//! that was killed is simply started again.
//!
//! Lines that delete wait until all other lines were read once. The number of deletions for each source is then known
//! before the first one (see [`write::guard`]).

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write as _};

use sea_orm::{ConnectionTrait, DatabaseTransaction};
use tokio::sync::mpsc;

use super::line::{Fault, Line};
use super::{csv as table, source};
use kernel::error::DomainError;
use kernel::read::{Dialect, Transaction};
use kernel::value::Language;
use records::changes::{self, Change};
use records::handle::Core;
use records::write::guard::{self, DeletionConfirmation};
use records::write::{
    self, Caller, End, Named, Outcome, Removal, Source, Status, Submission, is_external_id,
};

/// Lines in one chunk of the reading thread. One transaction has as many, or 8 times as many on SQLite.
const BATCH: usize = 1000;
/// Bytes of one line at most.
const MAX_LINE: usize = 1 << 20;
/// Lines that the last pass tries in one transaction, at most: they may refer to each other in a circle.
pub(super) const LAST_TRY: usize = 20_000;
/// Changes appended to the log in one statement, where a whole file is one transaction.
const LOG_PART: usize = 1000;

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Ndjson,
    /// A table of organizations.
    Csv,
}

/// The options of an import.
#[derive(Clone, Debug)]
pub struct Options {
    /// The format of the file.
    pub format: Format,
    /// The source of lines that name none.
    pub source: Option<String>,
    /// Whether to register sources that are not known, with the region of their first record.
    pub create_source: bool,
    /// Whether the file is imported in one transaction, which one bad line rolls back.
    pub strict: bool,
    /// The number of records that the file is meant to delete. Confirms deletions above the guard's limit.
    pub confirm_deletes: Option<i64>,
}

/// The result of an import, counted by line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Lines that were read, without empty ones.
    pub lines: u64,
    /// New records.
    pub created: u64,
    /// Records with a new revision.
    pub updated: u64,
    /// Records that were the same already.
    pub unchanged: u64,
    /// Lines that were refused.
    pub bad: u64,
    /// Whether the import was committed: false where a strict one was rolled back.
    pub kept: bool,
}

/// The receiver of progress and of bad lines.
pub trait Report: Send {
    /// Called with the bytes of the file that are done.
    fn bytes(&mut self, done: u64);
    /// Called with the number of lines that are written.
    fn lines(&mut self, done: u64);
    /// Called for each refused line.
    fn bad_line(&mut self, number: u64, fault: &Fault);
    /// Called with a remark about a line that is not an error.
    fn note(&mut self, number: u64, text: &str) {
        let _ = (number, text);
    }
}

/// An error that ends an import early.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read: {0}")]
    Read(#[from] std::io::Error),
    /// The table has a column that no organization has, or lacks one.
    #[error("column `{}`: {}", .0.path, .0.message)]
    Header(Fault),
    /// The database failed.
    #[error(transparent)]
    Domain(#[from] DomainError),
}

/// A line with its number and its text, parsed.
#[derive(Debug)]
struct Parsed {
    number: u64,
    text: String,
    line: Result<Line, Fault>,
}

/// Lines from the reading thread, with the bytes read so far.
type Chunk = Result<(Vec<Parsed>, u64), ImportError>;

/// Imports a file.
///
/// # Errors
/// See [`ImportError`]. Bad lines are no error: they are reported, and counted in the summary.
pub async fn run(
    core: &Core,
    input: Box<dyn Read + Send>,
    options: &Options,
    report: &mut dyn Report,
) -> Result<Summary, ImportError> {
    let mut import = Import::open(core, options, report).await?;
    let format = options.format;
    import.pass(move |chunks| read(input, format, chunks)).await?;
    import.delete().await?;
    loop {
        let (waiting, count) = import.waiting.take()?;
        if count == 0 {
            break;
        }
        // After a pass without progress, the lines left refer to each other, or to records that do not exist.
        let stuck = import.last_count == Some(count);
        if stuck && count > LAST_TRY {
            import.give_up(waiting)?;
            break;
        }
        import.last_count = Some(count);
        import.batch_size = if stuck { LAST_TRY } else { usual_batch(core) };
        import.final_pass = stuck;
        import.pass(move |chunks| read_waiting(waiting, chunks)).await?;
        if stuck {
            break;
        }
    }
    import.finish().await
}

/// Gives SQLite a larger page cache and rarer checkpoints while a large file is written, as an import touches pages all
/// over its indexes.
pub(super) async fn make_room(core: &Core) -> Result<(), DomainError> {
    if core.db.dialect() == Dialect::Sqlite {
        let roomy = "PRAGMA cache_size = -131072; PRAGMA wal_autocheckpoint = 16384";
        core.db.writer().execute_unprepared(roomy).await?;
    }
    Ok(())
}

/// Lines in one transaction. An import touches pages all over the indexes of names, and SQLite writes each touched page
/// once for each transaction: larger transactions write far less.
fn usual_batch(core: &Core) -> usize {
    if core.db.dialect() == Dialect::Sqlite { 8 * BATCH } else { BATCH }
}

/// Reads and parses lines in a thread of its own, so that parsing goes on while the database writes.
fn read(input: Box<dyn Read + Send>, format: Format, chunks: &mpsc::Sender<Chunk>) {
    let result = match format {
        Format::Ndjson => read_lines(BufReader::with_capacity(1 << 16, input), chunks),
        Format::Csv => read_table(input, chunks),
    };
    if let Err(error) = result {
        let _ = chunks.blocking_send(Err(error));
    }
}

/// Collects lines and sends them in chunks. `push` and `flush` return false when the receiver is gone: reading ends
/// then.
struct Chunks<'a> {
    sender: &'a mpsc::Sender<Chunk>,
    lines: Vec<Parsed>,
    bytes: u64,
}

impl<'a> Chunks<'a> {
    fn new(sender: &'a mpsc::Sender<Chunk>) -> Self {
        Self { sender, lines: Vec::with_capacity(BATCH), bytes: 0 }
    }

    fn push(&mut self, parsed: Parsed) -> bool {
        self.lines.push(parsed);
        self.lines.len() < BATCH || self.flush()
    }

    fn flush(&mut self) -> bool {
        let lines = std::mem::replace(&mut self.lines, Vec::with_capacity(BATCH));
        lines.is_empty() || self.sender.blocking_send(Ok((lines, self.bytes))).is_ok()
    }
}

fn read_lines(mut input: impl BufRead, sender: &mpsc::Sender<Chunk>) -> Result<(), ImportError> {
    let mut chunks = Chunks::new(sender);
    let mut number = 0;
    loop {
        let mut bytes = Vec::new();
        let read = input.by_ref().take(MAX_LINE as u64 + 1).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            break;
        }
        number += 1;
        chunks.bytes += read as u64;
        let parsed = if bytes.len() > MAX_LINE {
            chunks.bytes += input.skip_until(b'\n')? as u64;
            Parsed { number, text: String::new(), line: Err(Fault::new("", "A line has at most 1 MiB.")) }
        } else {
            match String::from_utf8(bytes) {
                Ok(text) if text.trim().is_empty() => continue,
                Ok(text) => {
                    let text = text.trim_start_matches('\u{feff}').trim().to_owned();
                    Parsed { number, line: Line::parse(&text), text }
                }
                Err(_) => {
                    Parsed { number, text: String::new(), line: Err(Fault::new("", "This is not UTF-8.")) }
                }
            }
        };
        if !chunks.push(parsed) {
            return Ok(());
        }
    }
    chunks.flush();
    Ok(())
}

fn read_table(input: Box<dyn Read + Send>, sender: &mpsc::Sender<Chunk>) -> Result<(), ImportError> {
    let mut chunks = Chunks::new(sender);
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(input);
    let header =
        reader.headers().map_err(|error| ImportError::Header(Fault::new("", error.to_string())))?.clone();
    table::check_header(&header).map_err(ImportError::Header)?;
    let mut row = csv::StringRecord::new();
    loop {
        let more = reader.read_record(&mut row);
        let number = row.position().map_or_else(|| reader.position().line(), csv::Position::line);
        chunks.bytes = reader.position().byte();
        let parsed = match more {
            Ok(false) => break,
            Ok(true) => match table::line(&header, &row) {
                Ok(line) => {
                    let text = line.to_string();
                    Parsed { number, line: Line::parse(&text), text }
                }
                Err(fault) => Parsed { number, text: String::new(), line: Err(fault) },
            },
            Err(error) if error.is_io_error() => return Err(ImportError::Read(std::io::Error::other(error))),
            Err(error) => {
                Parsed { number, text: String::new(), line: Err(Fault::new("", error.to_string())) }
            }
        };
        if !chunks.push(parsed) {
            return Ok(());
        }
    }
    chunks.flush();
    Ok(())
}

/// Reads the lines of a [`Waiting`] file: each is its number, a tab and its text.
fn read_waiting(input: BufReader<File>, sender: &mpsc::Sender<Chunk>) {
    let mut chunks = Chunks::new(sender);
    for entry in input.lines() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let _ = sender.blocking_send(Err(error.into()));
                return;
            }
        };
        let (number, text) = entry.split_once('\t').unwrap_or_default();
        let number = number.parse().unwrap_or(0);
        if !chunks.push(Parsed { number, line: Line::parse(text), text: text.to_owned() }) {
            return;
        }
    }
    chunks.flush();
}

/// Lines that wait for a later pass, in a temporary file.
#[derive(Debug)]
pub(super) struct Waiting {
    file: BufWriter<File>,
    count: usize,
}

impl Waiting {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self { file: BufWriter::new(tempfile::tempfile()?), count: 0 })
    }

    pub(super) fn push(&mut self, number: u64, text: &str) -> std::io::Result<()> {
        self.count += 1;
        writeln!(self.file, "{number}\t{text}")
    }

    /// Returns the waiting lines and their number. New ones go to a new file.
    pub(super) fn take(&mut self) -> std::io::Result<(BufReader<File>, usize)> {
        let full = std::mem::replace(self, Self::new()?);
        let mut file = full.file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        Ok((BufReader::new(file), full.count))
    }
}

/// The transactions of an import: one for each batch, or one for the whole file.
enum Sink {
    Each,
    Whole { tx: Transaction, log: Log },
}

/// The changes of a transaction that spans a whole file, in a temporary file until its end.
struct Log {
    file: BufWriter<File>,
}

/// A batch that is being written.
struct Running {
    task: tokio::task::JoinHandle<Result<Vec<Outcome>, DomainError>>,
    lines: Vec<(u64, String)>,
    records: HashSet<(String, String)>,
}

struct Import<'a> {
    core: &'a Core,
    options: &'a Options,
    report: &'a mut dyn Report,
    sources: HashMap<String, Source>,
    sink: Sink,
    running: Option<Running>,
    waiting: Waiting,
    deletions: Deletions,
    last_count: Option<usize>,
    batch_size: usize,
    final_pass: bool,
    summary: Summary,
}

impl<'a> Import<'a> {
    async fn open(
        core: &'a Core,
        options: &'a Options,
        report: &'a mut dyn Report,
    ) -> Result<Self, ImportError> {
        make_room(core).await?;
        let known = source::all(core.db.writer()).await?;
        let sink = if options.strict {
            let tx = core.db.begin().await.map_err(DomainError::from)?;
            if core.db.dialect() == Dialect::Postgres {
                // The file may arrive slowly. The transaction cannot outlive this command.
                let patient = "SET LOCAL idle_in_transaction_session_timeout = 0";
                tx.execute_unprepared(patient).await.map_err(DomainError::from)?;
            }
            Sink::Whole { tx, log: Log { file: BufWriter::new(tempfile::tempfile()?) } }
        } else {
            Sink::Each
        };
        Ok(Self {
            core,
            options,
            report,
            sources: known.into_iter().map(|source| (source.name.clone(), source)).collect(),
            sink,
            running: None,
            waiting: Waiting::new()?,
            deletions: Deletions::new()?,
            last_count: None,
            batch_size: usual_batch(core),
            final_pass: false,
            summary: Summary::default(),
        })
    }

    /// Submits the lines that `read` sends, once.
    async fn pass(
        &mut self,
        read: impl FnOnce(&mpsc::Sender<Chunk>) + Send + 'static,
    ) -> Result<(), ImportError> {
        let (sender, mut chunks) = mpsc::channel(4);
        let reader = std::thread::spawn(move || read(&sender));
        let first_pass = self.last_count.is_none();
        let mut batch = Ready::default();
        while let Some(chunk) = chunks.recv().await {
            let (lines, bytes) = chunk?;
            for parsed in lines {
                self.summary.lines += u64::from(first_pass);
                let (number, text) = (parsed.number, parsed.text);
                // Boxed: a line has room for the input of each type.
                match Box::pin(self.submission(parsed.line)).await? {
                    Ok(submission) if self.deletions.wait_for(&submission) => {
                        self.deletions.lines.push(number, &text)?;
                    }
                    Ok(mut submission) => {
                        if let Err(fault) = self.deletions.decide(&mut submission) {
                            self.refuse(number, &fault);
                            continue;
                        }
                        // A batch has each record once: a second line about it must see the result of the first.
                        if batch.submissions.len() >= self.batch_size || !batch.fits(&submission) {
                            self.write(std::mem::take(&mut batch)).await?;
                            batch.fits(&submission);
                        }
                        batch.lines.push((number, text));
                        batch.submissions.push(submission);
                    }
                    // A later line may name the region of its source.
                    Err(fault)
                        if fault.path == "source" && self.options.create_source && !self.final_pass =>
                    {
                        self.waiting.push(number, &text)?;
                    }
                    Err(fault) => self.refuse(number, &fault),
                }
            }
            if first_pass {
                self.report.bytes(bytes);
            }
        }
        self.write(batch).await?;
        self.settle().await?;
        reader.join().map_err(|_| std::io::Error::other("the reading thread failed"))?;
        Ok(())
    }

    /// Asks the guard about the deletions of each source, then submits the lines of [`Deletions`].
    async fn delete(&mut self) -> Result<(), ImportError> {
        let (lines, count) = self.deletions.lines.take()?;
        // These lines were counted by the first pass.
        self.last_count.get_or_insert(0);
        let asked = std::mem::take(&mut self.deletions.asked);
        let (mut whole, mut decided) = (0, HashMap::new());
        for (source, names) in &asked {
            let mut live = 0;
            for some in names.iter().collect::<Vec<_>>().chunks(BATCH) {
                live += match &self.sink {
                    Sink::Each => {
                        guard::live(self.core.db.writer(), self.core.db.dialect(), source, some).await?
                    }
                    Sink::Whole { tx, .. } => guard::live(tx, self.core.db.dialect(), source, some).await?,
                };
            }
            whole += live;
            decided.insert(source.clone(), live);
        }
        let (dialect, now) = (self.core.db.dialect(), self.core.clock.now());
        let is_meant = self.options.confirm_deletes == Some(whole);
        for (source, live) in decided {
            let confirmed = if is_meant { DeletionConfirmation::Yes } else { DeletionConfirmation::No };
            let asked = (source.as_str(), live);
            let problem = match &self.sink {
                Sink::Each => {
                    guard::blocked(self.core.db.writer(), dialect, asked, confirmed, now, "delete").await?
                }
                Sink::Whole { tx, .. } => {
                    guard::blocked(tx, dialect, asked, confirmed, now, "delete").await?
                }
            };
            let blocked = problem.map(|problem| Fault::new("delete", problem.message(Language::En)));
            self.deletions.decided.insert(source, blocked.map_or(Ok(confirmed), Err));
        }
        self.deletions.is_their_turn = true;
        if count > 0 {
            self.pass(move |chunks| read_waiting(lines, chunks)).await?;
        }
        self.last_count = None;
        Ok(())
    }

    fn refuse(&mut self, number: u64, fault: &Fault) {
        self.summary.bad += 1;
        self.report.bad_line(number, fault);
    }

    /// Converts a line to a submission, with its source.
    async fn submission(
        &mut self,
        line: Result<Line, Fault>,
    ) -> Result<Result<Submission, Fault>, ImportError> {
        let mut line = match line {
            Ok(line) => line,
            Err(fault) => return Ok(Err(fault)),
        };
        let Some(name) = line.source.clone().or_else(|| self.options.source.clone()) else {
            let message = "Name the source that owns the record, here or with --source.";
            return Ok(Err(Fault::new("source", message)));
        };
        let external_id = line.external_id.take().filter(|id| is_external_id(id));
        let Some(external_id) = external_id else {
            let message = "Give the record's id in its source, at most 255 characters.";
            return Ok(Err(Fault::new("externalId", message)));
        };
        let source = match self.source(&name, line.region()).await? {
            Ok(source) => source,
            Err(fault) => return Ok(Err(fault)),
        };
        let input = match line.take_input() {
            Ok(input) => input,
            Err(fault) => return Ok(Err(fault)),
        };
        Ok(Ok(Submission {
            base_revision: line.base_revision,
            overwrite: line.overwrite,
            removal: line.delete.then_some(Removal::Delete),
            ..Submission::of_source(source, external_id, input)
        }))
    }

    async fn source(
        &mut self,
        name: &str,
        region: Option<&str>,
    ) -> Result<Result<Source, Fault>, ImportError> {
        if let Some(source) = self.sources.get(name) {
            return Ok(Ok(source.clone()));
        }
        let shown: String = name.chars().take(64).flat_map(char::escape_debug).collect();
        let advice = format!(
            "The source `{shown}` is not known. Register it with `passerelle source add {shown} --region SLUG`, or \
             import with --create-source."
        );
        let Some(region) = region.filter(|_| self.options.create_source) else {
            return Ok(Err(Fault::new("source", advice)));
        };
        let added = match &self.sink {
            Sink::Each => source::add(self.core, name, region).await,
            Sink::Whole { tx, .. } => source::add_within(self.core, tx, name, region).await,
        };
        match added {
            Ok(source) => {
                self.sources.insert(name.to_owned(), source.clone());
                Ok(Ok(source))
            }
            Err(DomainError::BadUserInput { message, argument }) => Ok(Err(Fault::new(argument, message))),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a batch. On PostgreSQL it runs concurrently with the previous batch, unless both have a record in common.
    /// A line that refers to a record of the other batch may wait for a later pass.
    async fn write(&mut self, batch: Ready) -> Result<(), ImportError> {
        if batch.submissions.is_empty() {
            return Ok(());
        }
        let alone = self.core.db.dialect() == Dialect::Sqlite
            || self.running.as_ref().is_some_and(|running| !running.records.is_disjoint(&batch.records));
        if alone {
            self.settle().await?;
        }
        let Ready { lines, submissions, records } = batch;
        match &mut self.sink {
            Sink::Each => {
                let core = self.core.clone();
                let task = tokio::spawn(async move { write::write(&core, submissions, End::PerItem).await });
                let before = self.running.replace(Running { task, lines, records });
                self.settle_one(before).await
            }
            Sink::Whole { tx, log } => {
                let (outcomes, written) = write::apply(self.core, tx, &submissions).await?;
                for change in write::log_of(&written) {
                    let line = serde_json::to_string(&change).map_err(DomainError::from)?;
                    writeln!(log.file, "{line}")?;
                }
                self.report_batch(lines, &outcomes)
            }
        }
    }

    /// Waits for the batch that is being written.
    async fn settle(&mut self) -> Result<(), ImportError> {
        let running = self.running.take();
        self.settle_one(running).await
    }

    async fn settle_one(&mut self, running: Option<Running>) -> Result<(), ImportError> {
        let Some(Running { task, lines, .. }) = running else { return Ok(()) };
        let outcomes = task.await.map_err(|error| DomainError::Task(error.to_string()))??;
        self.report_batch(lines, &outcomes)
    }

    fn report_batch(&mut self, lines: Vec<(u64, String)>, outcomes: &[Outcome]) -> Result<(), ImportError> {
        for ((number, text), outcome) in lines.into_iter().zip(outcomes) {
            self.count(number, &text, outcome)?;
        }
        self.report.lines(self.summary.created + self.summary.updated + self.summary.unchanged);
        Ok(())
    }

    fn count(&mut self, number: u64, text: &str, outcome: &Outcome) -> Result<(), ImportError> {
        for warning in &outcome.warnings {
            self.report.note(number, &format!("{}: {}", warning.path, warning.message(Language::En)));
        }
        match outcome.status {
            Status::Created => self.summary.created += 1,
            Status::Updated => self.summary.updated += 1,
            Status::Unchanged => self.summary.unchanged += 1,
            Status::Rejected if outcome.waits() && !self.final_pass => self.waiting.push(number, text)?,
            Status::Rejected | Status::Conflict => {
                self.summary.bad += 1;
                for problem in &outcome.problems {
                    let fault = Fault::new(problem.path.clone(), problem.message(Language::En));
                    self.report.bad_line(number, &fault);
                }
            }
        }
        Ok(())
    }

    /// Refuses all waiting lines: the records that they refer to are missing.
    fn give_up(&mut self, waiting: BufReader<File>) -> Result<(), ImportError> {
        for entry in waiting.lines() {
            let entry = entry?;
            let number = entry.split_once('\t').and_then(|(number, _)| number.parse().ok()).unwrap_or(0);
            self.refuse(
                number,
                &Fault::new("", "It refers to a record that is neither here nor in the file."),
            );
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<Summary, ImportError> {
        if let Sink::Whole { tx, log } = self.sink {
            if self.summary.bad > 0 {
                tx.rollback().await.map_err(DomainError::from)?;
                return Ok(self.summary);
            }
            let mut file = log.file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
            file.seek(SeekFrom::Start(0))?;
            append(self.core, &tx, BufReader::new(file)).await?;
            tx.commit().await.map_err(DomainError::from)?;
        }
        self.summary.kept = true;
        Ok(self.summary)
    }
}

/// Appends the log of a whole file, part by part.
async fn append(core: &Core, tx: &DatabaseTransaction, log: BufReader<File>) -> Result<(), ImportError> {
    let (dialect, now) = (core.db.dialect(), core.clock.now());
    let mut first = None;
    let mut part: Vec<Change> = Vec::with_capacity(LOG_PART);
    let mut views = HashSet::new();
    for line in log.lines() {
        let change: Change = serde_json::from_str(&line?).map_err(DomainError::from)?;
        // One statement may not touch a view of a record twice.
        let again = !views.insert((change.record_id, change.region.clone(), change.visibility));
        if part.len() == LOG_PART || again {
            first = changes::append_part(tx, dialect, std::mem::take(&mut part), now, first).await?;
            views.clear();
            views.insert((change.record_id, change.region.clone(), change.visibility));
        }
        part.push(change);
    }
    changes::append_part(tx, dialect, part, now, first).await?;
    Ok(())
}

/// Lines that delete, and later lines about the same records. They wait until all others were read.
struct Deletions {
    lines: Waiting,
    /// External ids of the records to delete, by source.
    asked: HashMap<String, HashSet<String>>,
    is_their_turn: bool,
    /// The guard's decision by source: whether the deletions are confirmed, or the fault that refuses them.
    decided: HashMap<String, Result<DeletionConfirmation, Fault>>,
}

impl Deletions {
    fn new() -> std::io::Result<Self> {
        let (asked, decided) = (HashMap::new(), HashMap::new());
        Ok(Self { lines: Waiting::new()?, asked, is_their_turn: false, decided })
    }

    /// Whether a line has to wait. Notes the record of a line that deletes.
    fn wait_for(&mut self, submission: &Submission) -> bool {
        let Some(Named { source, external_id: id, .. }) = submission.named() else { return false };
        if self.is_their_turn {
            return false;
        }
        if submission.removal.is_some() {
            self.asked.entry(source.name.clone()).or_default().insert(id.clone());
            return true;
        }
        self.asked.get(&source.name).is_some_and(|asked| asked.contains(id))
    }

    /// Sets `confirmed` on a submission that deletes, or returns the fault where the guard refuses it.
    fn decide(&self, submission: &mut Submission) -> Result<(), Fault> {
        if let (Caller::Source(named), Some(_)) = (&mut submission.by, submission.removal)
            && let Some(decided) = self.decided.get(&named.source.name)
        {
            named.confirmed = decided.clone()?;
        }
        Ok(())
    }
}

/// A batch that is being gathered.
#[derive(Default)]
struct Ready {
    lines: Vec<(u64, String)>,
    submissions: Vec<Submission>,
    records: HashSet<(String, String)>,
}

impl Ready {
    /// Adds the record of a submission to the batch. Returns false where it was there already.
    fn fits(&mut self, submission: &Submission) -> bool {
        self.records.insert(submission.named().map(Named::pair).unwrap_or_default())
    }
}
