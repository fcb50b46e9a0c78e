//! `passerelle import`: takes records from files or standard input.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use crate::config::Config;
use clap::{Args, ValueEnum};
use exchange::import::file::{self, Format, ImportError, Options, Report, Summary};
use exchange::import::line::Fault;
use exchange::import::snapshot::{self, Recognized, SnapshotError};
use identity::oidc::Issuers;
use indicatif::{ProgressBar, ProgressStyle};
use kernel::error::DomainError;
use server::app::App;

use super::{Failure, identified, make_data_dir, open};

/// Lines between two lines of progress, where no progress bar is shown.
const REPORT_EVERY: u64 = 10_000;

/// Takes records from files: what `export` has written, NDJSON, or CSV for organizations
#[derive(Debug, Args)]
pub(super) struct Import {
    /// Files to import, one after the other; `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// What the files hold [default: csv where the name ends in .csv, else ndjson]
    #[arg(long, value_name = "FORMAT")]
    format: Option<FileFormat>,

    /// The source of records whose line names none
    #[arg(long, value_name = "NAME")]
    source: Option<String>,

    /// Registers sources that are not known, with the region of their first record
    #[arg(long)]
    create_source: bool,

    /// Takes nothing of a file in which one line is bad
    #[arg(long)]
    strict: bool,

    /// The exact number of records that a file deletes, where it is more than 100, and more than a fifth, of a source's
    /// within a day
    #[arg(long, value_name = "NUMBER")]
    confirm_deletes: Option<i64>,

    #[command(flatten)]
    pub(super) config: Config,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FileFormat {
    /// One JSON object a line
    Ndjson,
    /// A table of organizations
    Csv,
}

impl Import {
    pub(super) async fn run(self) -> Result<(), Failure> {
        // All files are opened before the first is imported, so that a misspelt name is reported at once.
        let files = self.files.iter().map(|path| Ok((path.as_path(), Input::open(path)?)));
        let files = files.collect::<Result<Vec<_>, Failure>>()?;
        make_data_dir(&self.config.data_dir)?;
        // Erased records are recognized by hashes that need the encryption key.
        let app = identified(&self.config, open(&self.config).await?, Issuers::default()).await?;
        let mut bad = 0;
        let mut lost = Vec::new();
        for (path, input) in files {
            let summary = self.one(&app, path, input).await?;
            bad += summary.bad;
            if !summary.kept {
                lost.push(path.display().to_string());
            }
        }
        app.db.close().await;
        let lines = if bad == 1 { "1 bad line".to_owned() } else { format!("{bad} bad lines") };
        match (bad, lost.as_slice()) {
            (0, _) => Ok(()),
            (_, []) => Err(Failure::failed(format!("{lines} left out; all others are in"))),
            (_, lost) => Err(Failure::failed(format!(
                "{lines}: because of --strict, nothing was imported of {}",
                lost.join(", ")
            ))),
        }
    }

    async fn one(&self, app: &App, path: &Path, input: Input) -> Result<Summary, Failure> {
        let by_name = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let format = match self.format {
            Some(FileFormat::Csv) => Format::Csv,
            None if by_name => Format::Csv,
            Some(FileFormat::Ndjson) | None => Format::Ndjson,
        };
        let options = Options {
            format,
            source: self.source.clone(),
            create_source: self.create_source,
            strict: self.strict,
            confirm_deletes: self.confirm_deletes,
        };
        let Input { file, length } = input;
        let cannot = |error| Failure::failed(format!("cannot read {}: {error}", path.display()));
        let bytes: Box<dyn Read + Send> = match (format, file) {
            (Format::Csv, Some(file)) => Box::new(file),
            (Format::Csv, None) => Box::new(std::io::stdin()),
            (Format::Ndjson, file) => match snapshot::recognize(file).map_err(cannot)? {
                Recognized::Other(bytes) => bytes,
                Recognized::Export(file) => return self.export(app, path, file).await,
            },
        };
        let mut progress = Progress::new(path, length);
        let done = file::run(app, bytes, &options, &mut progress).await;
        progress.bar.finish_and_clear();
        let summary = done.map_err(|error| match error {
            ImportError::Domain(DomainError::Database(error)) => Failure::failed(format!(
                "the database failed during the import of {}: {error}",
                path.display()
            )),
            error => Failure::failed(format!("{}: {error}", path.display())),
        })?;
        let Summary { lines, created, updated, unchanged, bad, kept } = summary;
        let path = path.display();
        if kept {
            println!(
                "{path}: {lines} lines: {created} created, {updated} updated, {unchanged} unchanged, {bad} bad"
            );
        } else {
            println!("{path}: {lines} lines: {bad} bad, nothing imported");
        }
        Ok(summary)
    }

    /// Imports a file that `export` has written. Options are refused, because the file has all the information.
    async fn export(&self, app: &App, path: &Path, file: File) -> Result<Summary, Failure> {
        if self.strict || self.source.is_some() || self.confirm_deletes.is_some() {
            return Err(Failure::usage(format!(
                "{} was written by `passerelle export`: it is taken as it is, without --strict, --source and \
                 --confirm-deletes",
                path.display()
            )));
        }
        let length = file.metadata().map(|metadata| metadata.len()).ok();
        // It is read twice.
        let mut progress = Progress::new(path, length.map(|length| 2 * length));
        let done = snapshot::run(app, file, &mut progress).await;
        progress.bar.finish_and_clear();
        let done = done.map_err(|error| match error {
            SnapshotError::Domain(DomainError::Database(error)) => Failure::failed(format!(
                "the database failed during the import of {}: {error}",
                path.display()
            )),
            error => Failure::failed(format!("{}: {error}", path.display())),
        })?;
        let snapshot::Summary { records, created, updated, unchanged, behind, erased, bad, kept } = done;
        let path = path.display();
        if !kept {
            return Err(Failure::failed(format!("{path}: {bad} bad lines; nothing was imported")));
        }
        println!(
            "{path}: {records} records: {created} created, {updated} updated, {unchanged} unchanged, {behind} later here, \
             {erased} erased here, {bad} bad"
        );
        Ok(Summary { lines: records, created, updated, unchanged: unchanged + behind + erased, bad, kept })
    }
}

/// A file, or standard input.
struct Input {
    /// The file; `None` for standard input.
    file: Option<File>,
    length: Option<u64>,
}

impl Input {
    fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self { file: None, length: None });
        }
        let cannot = |error| Failure::failed(format!("cannot read {}: {error}", path.display()));
        let file = File::open(path).map_err(cannot)?;
        let metadata = file.metadata().map_err(cannot)?;
        if metadata.is_dir() {
            return Err(Failure::failed(format!("cannot read {}: it is a folder", path.display())));
        }
        Ok(Self { file: Some(file), length: Some(metadata.len()) })
    }
}

/// Shows the progress of an import: as a bar on a terminal, as lines elsewhere.
struct Progress {
    name: String,
    bar: ProgressBar,
    reported: u64,
}

impl Progress {
    fn new(path: &Path, length: Option<u64>) -> Self {
        let bar = match length {
            _ if !std::io::stderr().is_terminal() => ProgressBar::hidden(),
            Some(length) => ProgressBar::new(length),
            None => ProgressBar::new_spinner(),
        };
        if length.is_some()
            && let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent}% {eta}")
        {
            bar.set_style(style);
        }
        Self { name: path.display().to_string(), bar, reported: 0 }
    }
}

impl Report for Progress {
    fn bytes(&mut self, done: u64) {
        self.bar.set_position(done);
    }

    fn lines(&mut self, done: u64) {
        self.bar.set_message(format!("{done} records"));
        if self.bar.is_hidden() && done / REPORT_EVERY > self.reported / REPORT_EVERY {
            eprintln!("{}: {done} records", self.name);
        }
        self.reported = done;
    }

    fn note(&mut self, number: u64, text: &str) {
        self.bar.suspend(|| eprintln!("{}:{number}: {text}", self.name));
    }

    fn bad_line(&mut self, number: u64, fault: &Fault) {
        let Fault { path, message } = fault;
        let field = if path.is_empty() { String::new() } else { format!(" {path}:") };
        self.bar.suspend(|| eprintln!("{}:{number}:{field} {message}", self.name));
    }
}
