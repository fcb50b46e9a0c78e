//! The real program, started as a process.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::HOPELESS;
use super::server::PATIENCE;

/// The program in its own folder, with an otherwise empty environment.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
    command.current_dir(folder).env_clear().env("LISTEN_ADDR", "127.0.0.1:0");
    command.env("MAX_SECONDS", PATIENCE.as_secs().to_string());
    command
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A server process that is killed when dropped.
pub(crate) struct Running {
    child: Child,
    /// The line printed when it was ready.
    pub(crate) line: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// Starts a server, and waits until it is ready.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut log = tempfile::tempfile().expect("a file");
        Self::begin(command, log.try_clone().expect("a file").into()).unwrap_or_else(|| {
            let mut told = String::new();
            let _ = log.rewind().and_then(|()| log.read_to_string(&mut told));
            panic!("the server did not start: {told}");
        })
    }

    /// Starts a server that logs to `log`, and waits until it is ready.
    pub(crate) fn start_logging(command: &mut Command, log: impl Into<Stdio>) -> Self {
        Self::begin(command, log.into()).expect("the server starts")
    }

    /// Starts a server that appends its log to this file, and waits until it is ready.
    pub(crate) fn start_appending(command: &mut Command, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log).expect("a log");
        Self::begin(command, file.into()).unwrap_or_else(|| {
            panic!("the server did not start: {}", std::fs::read_to_string(log).unwrap_or_default())
        })
    }

    /// Starts a server that may write no file, not even its log, and waits until it is ready.
    pub(crate) fn start_without_files(command: &mut Command) -> Self {
        let (mut told, log) = std::io::pipe().expect("a pipe");
        let telling = std::thread::spawn(move || std::io::read_to_string(&mut told));
        let running = Self::begin(command, log.into());
        // The command holds the other end of the pipe open.
        command.stderr(Stdio::null());
        running.unwrap_or_else(|| panic!("the server did not start: {:?}", telling.join()))
    }

    fn begin(command: &mut Command, log: Stdio) -> Option<Self> {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("the program starts");
        let out = child.stdout.take().expect("a pipe");
        let (sender, told) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(out).read_line(&mut line);
            let _ = sender.send(line);
        });
        let mut running = Self { child, line: String::new() };
        running.line = told.recv_timeout(HOPELESS).expect("the server is ready or ends");
        (!running.line.is_empty()).then_some(running)
    }

    /// The base URL of the server.
    pub(crate) fn address(&self) -> &str {
        let start = self.line.find("http://").expect("an address");
        self.line[start..].split("/graphql").next().expect("an address")
    }

    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process, as a power failure would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        let _ = self.child.wait();
    }

    /// Sends SIGTERM, and returns the exit code.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        self.tell_to_stop();
        self.ended()
    }

    /// Sends SIGTERM.
    pub(crate) fn tell_to_stop(&self) {
        let killed =
            Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().expect("kill runs");
        assert!(killed.success());
    }

    /// Waits for the exit, and returns the code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let hopeless = Instant::now() + HOPELESS;
        loop {
            if let Some(status) = self.child.try_wait().expect("it was started") {
                return status.code();
            }
            assert!(Instant::now() < hopeless, "the server does not stop");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
