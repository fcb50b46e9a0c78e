//! `passerelle export`: writes all records into a file, or to standard output.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, IsTerminal, StdoutLock, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::schema;
use clap::Args;
use exchange::sync::feed::scope::Following;
use exchange::sync::snapshot::{self, Sink, types_of};
use identity::caller::{BearerToken, Call};
use indicatif::{ProgressBar, ProgressStyle};
use kernel::error::DomainError;
use kernel::policy::Viewer;
use server::app::App;
use tempfile::NamedTempFile;

use super::{Failure, make_data_dir, open};

/// Records between two lines of progress, where no progress bar is shown.
const REPORT_EVERY: u64 = 10_000;

/// Writes all records, with their ids and revisions, as `import` takes them elsewhere
#[derive(Debug, Args)]
pub(super) struct Export {
    /// File to write; `-` for standard output
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,

    /// Only records of these types, such as ORGANIZATION,TALENT
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    types: Vec<String>,

    /// Only records of these regions, by slug
    #[arg(long, value_name = "SLUGS", value_delimiter = ',')]
    regions: Vec<String>,

    #[command(flatten)]
    pub(super) config: Config,
}

impl Export {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let usage = |error: DomainError| Failure::usage(error.to_string());
        let types = types_of(self.types.iter().map(String::as_str)).map_err(usage)?;
        // With access to the database, the operator may read everything in it.
        let viewer = Viewer { signed_in: true, admin: true, ..Viewer::default() };
        let following = Following::new(&viewer, Some(&types), Some(&self.regions)).map_err(usage)?;
        make_data_dir(&self.config.data_dir)?;
        let app = open(&self.config).await?.app;
        let call = Call {
            identity: app.identity.clone(),
            presented: BearerToken::default(),
            known: None,
            nobody: viewer,
            from: IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        let made = if self.file == Path::new("-") {
            to_output(&app, &call, &following).await
        } else {
            to_file(&app, &call, &following, &self.file).await
        };
        close(app).await;
        made
    }
}

async fn close(app: App) {
    app.tasks.close();
    app.tasks.wait().await;
    app.db.close().await;
}

/// Writes a temporary file beside the target and renames it when it is complete, so that the target is never partial.
async fn to_file(app: &App, call: &Call, following: &Following, path: &Path) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| Failure::failed(format!("cannot write {}: {error}", path.display()));
    if path.is_dir() {
        return Err(Failure::failed(format!("cannot write {}: it is a folder", path.display())));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // It holds personal data. A temporary file is readable by its owner only.
    let file = NamedTempFile::with_prefix_in(".export-", folder).map_err(cannot)?;
    let mut sink = Output::new(path, BufWriter::with_capacity(1 << 16, file));
    let records = made(path, app, call, following, &mut sink).await?;
    let file = sink.out.into_inner().map_err(|error| cannot(error.into_error()))?;
    file.as_file().sync_all().map_err(cannot)?;
    file.persist(path).map_err(|error| cannot(error.error))?;
    // The new name is durable when the folder is synced.
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(cannot)?;
    println!("{}: {records} records", path.display());
    Ok(())
}

async fn to_output(app: &App, call: &Call, following: &Following) -> Result<(), Failure> {
    let path = Path::new("standard output");
    let mut sink = Output::new(path, Standard);
    let records = made(path, app, call, following, &mut sink).await?;
    eprintln!("{}: {records} records", path.display());
    Ok(())
}

async fn made<W: Write + Send>(
    path: &Path,
    app: &App,
    call: &Call,
    following: &Following,
    sink: &mut Output<W>,
) -> Result<u64, Failure> {
    let run = schema::run();
    let run = |request| run(app.given_to(request));
    let made = snapshot::make(call, &app.contact_reads, following, run, sink).await;
    sink.bar.finish_and_clear();
    made.map(|copied| copied.records).map_err(|failure| match (failure, sink.failed.take()) {
        (snapshot::Failure::Gone, Some(error)) if error.kind() == ErrorKind::BrokenPipe => {
            Failure::failed("whoever reads has gone away before the end")
        }
        (snapshot::Failure::Gone, Some(error)) => {
            Failure::failed(format!("cannot write {}: {error}", path.display()))
        }
        (failure, _) => Failure::failed(format!("the export failed: {failure}")),
    })
}

/// Standard output, locked for each write only.
struct Standard;

impl Write for Standard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        std::io::stdout().lock().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        StdoutLock::flush(&mut std::io::stdout().lock())
    }
}

/// A writer of records that shows progress: as a bar on a terminal, as lines elsewhere.
struct Output<W> {
    out: W,
    name: String,
    bar: ProgressBar,
    done: u64,
    /// The error that ended the writing.
    failed: Option<std::io::Error>,
}

impl<W> Output<W> {
    fn new(path: &Path, out: W) -> Self {
        let bar =
            if std::io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        Self { out, name: path.display().to_string(), bar, done: 0, failed: None }
    }
}

impl<W: Write + Send> Sink for Output<W> {
    fn begin(&mut self, records: i64) {
        self.bar.set_length(u64::try_from(records).unwrap_or(0));
        if let Ok(style) = ProgressStyle::with_template("{pos} records {wide_bar} {percent}% {eta}") {
            self.bar.set_style(style);
        }
    }

    async fn take(&mut self, lines: Vec<u8>, records: usize) -> Result<(), snapshot::Failure> {
        if let Err(error) = self.out.write_all(&lines).and_then(|()| self.out.flush()) {
            self.failed = Some(error);
            return Err(snapshot::Failure::Gone);
        }
        let before = self.done;
        self.done += records as u64;
        self.bar.set_position(self.done);
        if self.bar.is_hidden() && self.done / REPORT_EVERY > before / REPORT_EVERY {
            eprintln!("{}: {} records", self.name, self.done);
        }
        Ok(())
    }
}
