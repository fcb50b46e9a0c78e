//! The command line: the real program, started as a process.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use passerelle::kernel::read::Database;
use passerelle::records::migrations;
use sea_orm::ConnectionTrait;

use crate::support::HOPELESS;
use crate::support::program::{Running, folder, program};
use crate::support::template::Content;
use crate::support::{postgres, run};

/// The exit code and standard error of a command that must exit by itself.
pub(crate) fn fails(command: &mut Command) -> (i32, String) {
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let end = Instant::now() + HOPELESS;
    while child.try_wait().expect("a state").is_none() {
        if Instant::now() > end {
            let _ = child.kill();
            panic!("the program did not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().expect("what it wrote");
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(text.lines().count(), 1, "one line: {text}");
    assert!(output.stdout.is_empty(), "nothing on standard output");
    (output.status.code().expect("it was not killed"), text)
}

#[test]
fn a_server_starts_with_nothing_set_and_stops_when_told() {
    let folder = folder();
    let mut server = Running::start(program(folder.path()).args(["serve", "--demo"]));
    assert!(server.line.contains("SQLite data/passerelle.db"), "{}", server.line);
    assert!(server.line.contains("sample"), "{}", server.line);
    let address = server.address().to_owned();
    run(async move {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let response = client.get(format!("{address}/readyz")).send().await.unwrap();
        assert_eq!(response.status(), 200);
    });
    assert_eq!(server.terminate(), Some(0));

    // A second start uses the existing folder. A new folder would load the sample again.
    let again = Running::start(program(folder.path()).args(["serve", "--demo"]));
    assert!(again.line.contains("already"), "{}", again.line);
}

#[test]
fn one_server_uses_a_data_folder() {
    let folder = folder();
    let mut first = Running::start(program(folder.path()).arg("serve"));
    let (code, told) = fails(program(folder.path()).arg("serve"));
    assert_eq!(code, 1);
    assert!(told.contains("another `passerelle serve`") && told.contains("DATA_DIR"), "{told}");
    assert_eq!(first.terminate(), Some(0));
    drop(Running::start(program(folder.path()).arg("serve")));
}

/// The files and folders below a folder that other users can access.
fn open_to_others(folder: &Path) -> Vec<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("a file");
        // A file that is being replaced may have vanished.
        let Ok(about) = entry.metadata() else { continue };
        if about.permissions().mode() & 0o077 != 0 {
            found.push(entry.path().display().to_string());
        }
    }
    found
}

/// The data folder exists before, and is world-readable.
#[test]
fn nobody_else_reads_what_is_in_a_folder_that_was_there_before() {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;
    let open =
        |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
    let folder = folder();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    open(&data, 0o755);
    let mut server = Running::start(program(folder.path()).args(["serve", "--demo"]));
    assert_eq!(open_to_others(&data), [""; 0]);
    assert!(data.join("passerelle.db-wal").exists() && data.join("search").is_dir());
    assert_eq!(server.terminate(), Some(0));
    // The permissions that older versions left.
    for (name, mode) in [("passerelle.db", 0o644), ("passerelle.db.lock", 0o644), ("search", 0o755)] {
        open(&data.join(name), mode);
    }
    std::fs::write(data.join("other"), "").expect("a file of somebody else");
    open(&data.join("other"), 0o644);
    let mut server = Running::start(program(folder.path()).arg("serve"));
    assert_eq!(open_to_others(&data), [data.join("other").display().to_string()]);
    assert_eq!(server.terminate(), Some(0));
    // Other commands create private files as well.
    let elsewhere = data.join("elsewhere.db");
    let made = program(folder.path())
        .args(["migrate"])
        .env("DATABASE_URL", format!("sqlite://{}", elsewhere.display()))
        .output()
        .expect("it runs");
    assert!(made.status.success());
    assert_eq!(open_to_others(&data), [data.join("other").display().to_string()]);
}

/// Waits until a file or folder exists. Polls often, as the caller acts at that moment.
fn until_made(path: &Path) {
    let end = Instant::now() + HOPELESS;
    while !path.exists() {
        assert!(Instant::now() < end, "never created: {}", path.display());
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A first start that is killed at any moment does not prevent the next one.
#[test]
fn a_first_start_that_was_killed_is_begun_again() {
    // The files of a first start in the order of creation, with a delay in milliseconds. The tables come after the
    // database file, and the sample after the index folder.
    for (made, millis) in [
        ("data", 0),
        ("data/passerelle.db", 0),
        ("data/passerelle.db", 20),
        ("data/encryption.key", 0),
        ("data/search", 0),
        ("data/search", 50),
        ("data/demo-accounts.json", 0),
    ] {
        let folder = folder();
        let mut child = program(folder.path())
            .args(["serve", "--demo"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        until_made(&folder.path().join(made));
        std::thread::sleep(Duration::from_millis(millis));
        child.kill().expect("it can be killed");
        child.wait().expect("it has ended");
        let again = Running::start(program(folder.path()).args(["serve", "--demo"]));
        assert!(again.line.contains("sample"), "{millis} ms after `{made}`: {}", again.line);
    }
}

/// Commands that start at once in an empty folder wait for each other.
#[test]
fn a_first_start_and_a_command_may_meet() {
    let folder = folder();
    let commands: Vec<Child> = ["nord-pas-de-calais", "wallonie", "flandre"]
        .into_iter()
        .map(|region| {
            let mut command = program(folder.path());
            command.args(["source", "add", &format!("source-{region}"), "--region", region]);
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts")
        })
        .collect();
    for command in commands {
        let ended = command.wait_with_output().expect("it ends");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
}

#[test]
fn a_port_in_use_is_named() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let (code, told) = fails(program(folder.path()).args(["serve", "--listen-addr", &address]));
    assert_eq!(code, 1);
    assert!(told.contains(&address) && told.contains("LISTEN_ADDR"), "{told}");
}

#[test]
fn wrong_usage_ends_with_two() {
    let folder = folder();
    for (arguments, expected) in [
        (&["serve", "--nonsense"][..], "--nonsense"),
        (&["nonsense"], "nonsense"),
        (&[], "passerelle serve"),
        (&["serve", "--listen-addr", "localhost"], "127.0.0.1:8000"),
        (&["serve", "--graphiql", "maybe"], "on, off"),
        (&["serve", "--log-format", "xml"], "pretty, json"),
        (&["serve", "--rust-log", "a=b=c"], "RUST_LOG"),
        (&["serve", "--database-url", "mysql://x"], "DATABASE_URL"),
        (&["serve", "--database-url", "sqlite::memory:"], "names no file"),
        (&["migrate", "--database-url", "passerelle.db"], "DATABASE_URL"),
    ] {
        let (code, told) = fails(program(folder.path()).args(arguments));
        assert_eq!(code, 2, "{arguments:?}: {told}");
        assert!(told.contains(expected), "{arguments:?}: {told}");
    }
    let (code, _) = fails(program(folder.path()).arg("serve").env("GRAPHIQL", "maybe"));
    assert_eq!(code, 2);
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0, "nothing is created");
}

#[test]
fn a_folder_or_file_that_cannot_be_used_is_named() {
    let folder = folder();
    File::create(folder.path().join("data")).expect("a file");
    let (code, told) = fails(program(folder.path()).arg("serve"));
    assert_eq!(code, 1);
    assert!(told.contains("the data folder `data`") && told.contains("DATA_DIR"), "{told}");

    let (code, told) =
        fails(program(folder.path()).args(["migrate", "--database-url", "sqlite://missing/x.db"]));
    assert_eq!(code, 1);
    assert!(told.contains("`missing`") && told.contains("does not exist"), "{told}");

    let (code, told) = fails(program(folder.path()).args(["migrate", "--database-url", "sqlite://."]));
    assert_eq!(code, 1);
    assert!(told.contains("is a folder"), "{told}");
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let folder = folder();
    let file = folder.path().join("x.db");
    let text = "This is no database, and long enough to be looked at. ".repeat(100);
    std::fs::write(&file, &text).expect("a file");
    for command in ["serve", "migrate"] {
        let (code, told) = fails(program(folder.path()).args([command, "--database-url", "sqlite://x.db"]));
        assert_eq!(code, 1);
        assert!(told.contains("`x.db` is not a SQLite database"), "{told}");
    }
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), text);
}

/// Makes a database look as if a newer version had migrated it.
async fn make_newer(url: &str) {
    let db = Database::open(url).await.expect("the database opens");
    migrations::run(&db, passerelle::directory::finish).await.expect("the database is migrated");
    let sql = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m29990101_000001_future', 0)";
    db.writer().execute_unprepared(sql).await.expect("a migration is recorded");
    db.close().await;
}

#[test]
fn a_newer_database_is_left_alone() {
    let folder = folder();
    let url = format!("sqlite://{}", folder.path().join("x.db").display());
    run(make_newer(&url));
    for command in ["serve", "migrate"] {
        let (code, told) = fails(program(folder.path()).args([command, "--database-url", &url]));
        assert_eq!(code, 1);
        assert!(told.contains("newer version") && told.contains("m29990101_000001_future"), "{told}");
    }
}

#[test]
fn postgres_is_served_and_its_troubles_are_named() {
    let folder = folder();
    run(async move {
        let Some(database) = postgres::database(Content::Empty).await else {
            return;
        };
        let url = database.url.as_str();
        let mut server = Running::start(program(folder.path()).args(["serve", "--database-url", url]));
        assert!(
            server.line.contains("PostgreSQL passerelle@") || server.line.contains("PostgreSQL "),
            "{}",
            server.line
        );
        // There is no lock: several servers may share one database.
        let second = Running::start(program(folder.path()).args(["serve", "--database-url", url]));
        drop(second);
        assert_eq!(server.terminate(), Some(0));

        let db = Database::open(url).await.expect("the database opens");
        let name = url.rsplit('/').next().expect("a name").split('?').next().expect("a name");
        let unsafe_commits = format!("ALTER DATABASE {name} SET synchronous_commit = off");
        db.writer().execute_unprepared(&unsafe_commits).await.expect("a setting");
        db.close().await;
        let (code, told) = fails(program(folder.path()).args(["serve", "--database-url", url]));
        assert_eq!(code, 1);
        assert!(told.contains("synchronous_commit"), "{told}");

        make_newer(url).await;
        let (code, told) = fails(program(folder.path()).args(["serve", "--database-url", url]));
        assert_eq!(code, 1);
        assert!(told.contains("newer version"), "{told}");
    });
}

#[test]
fn a_postgres_that_does_not_answer_is_named_without_its_password() {
    let folder = folder();
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let url = format!("postgres://me:s3cret@127.0.0.1:{free}/directory");
    let (code, told) = fails(program(folder.path()).args(["serve", "--database-url", &url]));
    assert_eq!(code, 1);
    assert!(
        told.contains("does not answer") && told.contains(&format!("me@127.0.0.1:{free}/directory")),
        "{told}"
    );
    assert!(!told.contains("s3cret"), "{told}");
}

#[test]
fn migrate_makes_a_database_and_schema_prints() {
    let folder = folder();
    for _ in 0..2 {
        let done = program(folder.path()).arg("migrate").output().expect("the program runs");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        assert!(folder.path().join("data/passerelle.db").is_file());
    }
    let printed = program(folder.path()).arg("schema").output().expect("the program runs");
    assert!(printed.status.success());
    assert_eq!(String::from_utf8(printed.stdout).expect("UTF-8"), passerelle::schema::sdl());
    let help = program(folder.path()).args(["serve", "--help"]).output().expect("the program runs");
    assert!(help.status.success());
    assert!(String::from_utf8_lossy(&help.stdout).contains("--database-url"));
}
