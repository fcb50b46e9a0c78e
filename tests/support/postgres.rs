//! PostgreSQL for the tests: a running server, or one started for and stopped with this process.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use tempfile::TempDir;

use super::HOPELESS;
use super::template::{Content, apart, fill, wait_for};

/// The prefix of the name of every test database.
const PREFIX: &str = "passerelle_test_";

/// A server with the database from which test databases are copied.
struct Cluster {
    /// The URL of a database, by its name.
    base: Box<dyn Fn(&str) -> String + Send + Sync>,
    /// The database in which server-wide commands run.
    admin: String,
    /// The prefix of this process's database names.
    names: String,
    /// Whether the databases outlive this process, so that they must be dropped.
    external: bool,
    /// The template with the sample, initialized by the first test that needs it.
    sample: OnceLock<()>,
    /// Keeps our own server alive. The server stops when our end of the pipe closes, however this process ends.
    _watcher: Option<Child>,
}

/// A database of one test.
pub(crate) struct TestDatabase {
    /// The URL of the database.
    pub(crate) url: String,
    name: String,
}

impl TestDatabase {
    /// Backs up the database. There must be no connections to it.
    pub(crate) async fn back_up(&self) {
        self.remake(&format!("{}_backup", self.name), &self.name).await;
    }

    /// Replaces the database with the backup.
    pub(crate) async fn restore(&self) {
        self.remake(&self.name, &format!("{}_backup", self.name)).await;
    }

    async fn remake(&self, name: &str, template: &str) {
        let cluster = CLUSTER.get().and_then(Option::as_ref).expect("a database implies a cluster");
        let admin = connect(&cluster.url(&cluster.admin)).await;
        let end = Instant::now() + HOPELESS;
        // Connections of a killed program end a moment later.
        let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
        admin
            .execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            .await
            .expect("the old copy is dropped");
        while let Err(error) = admin.execute_unprepared(&create).await {
            assert!(Instant::now() < end, "{error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let _ = admin.close().await;
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Some(Some(cluster)) = CLUSTER.get() else {
            return;
        };
        if !cluster.external {
            return;
        }
        let (admin, name) = (cluster.url(&cluster.admin), self.name.clone());
        // `block_on` inside another runtime panics.
        let dropped = std::thread::spawn(move || {
            wait_for(async {
                let db = connect(&admin).await;
                for name in [&name, &format!("{name}_backup")] {
                    let _ =
                        db.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
                }
            });
        });
        let _ = dropped.join();
    }
}

static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A new database with this content, or `None` if there is no PostgreSQL.
///
/// # Panics
/// Panics where there is no PostgreSQL and `PASSERELLE_REQUIRE_POSTGRES` is `1`.
pub(crate) async fn database(content: Content) -> Option<TestDatabase> {
    let cluster = apart(move || {
        let cluster = CLUSTER.get_or_init(start).as_ref()?;
        if content == Content::Sample {
            cluster.sample.get_or_init(|| wait_for(prepare(cluster, content)));
        }
        Some(cluster)
    });
    let cluster = cluster.await?;
    let number = DATABASES.fetch_add(1, Ordering::Relaxed) + 1;
    let name = format!("{}_{number}", cluster.names);
    let admin = connect(&cluster.url(&cluster.admin)).await;
    copy(&admin, &name, &cluster.template(content)).await;
    let _ = admin.close().await;
    report(number);
    Some(TestDatabase { url: cluster.url(&name), name })
}

/// Writes the number of servers that used PostgreSQL to a file that `.ci/run` reads.
fn report(number: u32) {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let written = std::fs::create_dir_all(&target)
        .and_then(|()| std::fs::write(target.join("postgres-tests-ran"), format!("{number}\n")));
    written.expect("the number of tests on PostgreSQL is written");
}

impl Cluster {
    fn url(&self, database: &str) -> String {
        (self.base)(database)
    }

    /// The name of the database from which those with this content are copied.
    fn template(&self, content: Content) -> String {
        match content {
            Content::Empty => format!("{}_template", self.names),
            Content::Sample => format!("{}_sample", self.names),
        }
    }
}

/// Creates a database as a copy of another.
async fn copy(admin: &DatabaseConnection, name: &str, template: &str) {
    let version = scalar(admin, "SELECT current_setting('server_version_num')::bigint").await;
    // Versions before 15 always copy the files and have no `STRATEGY`.
    let strategy = if version >= 150_000 { "STRATEGY file_copy" } else { "" };
    let create = format!("CREATE DATABASE {name} TEMPLATE {template} {strategy}");
    admin.execute_unprepared(&create).await.expect("a database is made");
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = sea_orm::ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    sea_orm::Database::connect(options).await.expect("PostgreSQL answers")
}

fn start() -> Option<Cluster> {
    let given = std::env::var("TEST_POSTGRES_URL").ok();
    let cluster = given.map(|url| running(&url)).or_else(|| programs().map(|programs| own(&programs)));
    let Some(cluster) = cluster else {
        missing();
        return None;
    };
    wait_for(async {
        if cluster.external {
            let admin = connect_patiently(&cluster.url(&cluster.admin)).await;
            sweep(&admin).await;
            let _ = admin.close().await;
        }
        prepare(&cluster, Content::Empty).await;
    });
    Some(cluster)
}

/// Warns that half of the tests are skipped. Writes to the real standard error, as libtest captures what tests print.
fn missing() {
    let message =
        "PostgreSQL was not found: set TEST_POSTGRES_URL, or install its server programs (initdb, postgres)";
    assert!(std::env::var("PASSERELLE_REQUIRE_POSTGRES").as_deref() != Ok("1"), "{message}");
    let _ = writeln!(
        std::io::stderr(),
        "\n*****\n***** {message}.\n***** The tests on PostgreSQL are SKIPPED.\n*****"
    );
}

/// A server that is already running.
fn running(url: &str) -> Cluster {
    let parsed = url::Url::parse(url).expect("TEST_POSTGRES_URL is postgres://user:password@host/database");
    let admin = parsed.path().trim_start_matches('/').to_owned();
    let base = move |database: &str| {
        let mut url = parsed.clone();
        url.set_path(database);
        url.to_string()
    };
    let admin = if admin.is_empty() { "postgres".to_owned() } else { admin };
    let names = format!("{PREFIX}{}", std::process::id());
    Cluster { base: Box::new(base), admin, names, external: true, sample: OnceLock::new(), _watcher: None }
}

/// The folder with `initdb` and `postgres`.
fn programs() -> Option<PathBuf> {
    let is_there = |folder: &PathBuf| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(folder) = std::env::split_paths(&path).find(is_there) {
        return Some(folder);
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let mut folders: Vec<PathBuf> =
        versions.map(|version| version.path().join("bin")).filter(is_there).collect();
    let version = |folder: &PathBuf| {
        folder.parent().and_then(Path::file_name).and_then(|name| name.to_str()?.parse::<u32>().ok())
    };
    folders.sort_by_key(version);
    folders.pop()
}

/// User and group for the server, which refuses to run as root. `None` if we are not root.
fn other_user(folder: &Path) -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    if folder.metadata().expect("the folder of the cluster").uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map(str::parse::<u32>);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    };
    find("postgres").or_else(|| find("nobody")).or(Some((65534, 65534)))
}

/// Waits for the end of its standard input, which comes when the test process is gone. Then stops the server.
const WATCHER: &str = r#"
data=$1; shift
"$@" >"$data/log" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT "$server"
wait "$server"
rm -rf "$data"
"#;

/// Starts our own server.
fn own(programs: &Path) -> Cluster {
    let folder = new_folder().keep();
    let user = make_files(programs, &folder);
    let watcher = launch(programs, &folder, user, WATCHER);
    let host = folder.to_str().expect("the path is UTF-8").replace('/', "%2F");
    let base = move |database: &str| format!("postgres://passerelle@{host}/{database}");
    Cluster {
        base: Box::new(base),
        admin: "postgres".into(),
        names: format!("{PREFIX}{}", std::process::id()),
        external: false,
        sample: OnceLock::new(),
        _watcher: Some(watcher),
    }
}

/// A folder for a server. Its path is short, as paths of sockets are limited.
///
/// The tests create hundreds of databases of hundreds of files each. In memory that takes a third of the time.
fn new_folder() -> TempDir {
    static PLACE: OnceLock<&str> = OnceLock::new();
    let place = PLACE.get_or_init(|| if has_room("/dev/shm") { "/dev/shm" } else { "/tmp" });
    tempfile::Builder::new().prefix("passerelle-pg-").tempdir_in(place).expect("a folder")
}

/// Whether a folder has room for all databases of a run: 8 GB, twice what they need.
fn has_room(folder: &str) -> bool {
    let told = Command::new("df").args(["--output=avail", "--block-size=1G", folder]).output();
    let told = told.map(|told| String::from_utf8_lossy(&told.stdout).into_owned()).unwrap_or_default();
    told.lines().last().and_then(|room| room.trim().parse::<u32>().ok()).is_some_and(|room| room >= 8)
}

/// A command that runs a server program as its user, in its folder.
fn command(program: &Path, folder: &Path, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = user {
        command.uid(user).gid(group);
    }
    command.current_dir(folder);
    command
}

fn must_run(mut command: Command) {
    let done = command.output().expect("a program of the server runs");
    assert!(done.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&done.stderr));
}

/// Gives a folder to the user that runs the server there, if it is another user. Returns that user.
fn give_away(folder: &Path) -> Option<(u32, u32)> {
    let user = other_user(folder);
    std::fs::set_permissions(folder, PermissionsExt::from_mode(0o700)).expect("the folder is ours");
    if let Some((user, group)) = user {
        chown(folder, Some(user), Some(group)).expect("the folder is given away");
    }
    user
}

/// Creates the data folder of a server, and returns the user that it runs as.
fn make_files(programs: &Path, folder: &Path) -> Option<(u32, u32)> {
    let user = give_away(folder);
    let mut initdb = command(&programs.join("initdb"), folder, user);
    initdb.args(["--no-sync", "--auth=trust", "--username=passerelle", "--encoding=UTF8", "--locale=C"]);
    initdb.arg("-D").arg(folder.join("data"));
    must_run(initdb);
    user
}

/// Starts the server whose files are in a folder, and waits until it accepts connections.
fn launch(programs: &Path, folder: &Path, user: Option<(u32, u32)>, script: &str) -> Child {
    let mut watcher = command(Path::new("/bin/sh"), folder, user);
    watcher.args(["-c", script, "watcher"]).arg(folder).arg(programs.join("postgres"));
    watcher.arg("-D").arg(folder.join("data"));
    for setting in [
        "listen_addresses=",
        "fsync=off",
        "full_page_writes=off",
        "max_connections=200",
        "shared_buffers=64MB",
        "autovacuum=off",
    ] {
        watcher.args(["-c", setting]);
    }
    watcher.arg("-c").arg(format!("unix_socket_directories={}", folder.display()));
    // A process group of its own: signals of the terminal go to the tests alone. These stop the server through the
    // pipe.
    watcher.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let watcher = watcher.spawn().expect("the server starts");

    let socket = folder.join(".s.PGSQL.5432");
    let end = Instant::now() + HOPELESS;
    loop {
        match std::os::unix::net::UnixStream::connect(&socket) {
            Ok(_) => return watcher,
            Err(error) if Instant::now() < end => {
                let waiting = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused);
                assert!(waiting, "PostgreSQL cannot be reached: {error}");
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(_) => {
                let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
                panic!("PostgreSQL did not start: {log}");
            }
        }
    }
}

/// Like [`WATCHER`], but keeps the files.
const KEEPER: &str = r#"
data=$1; shift
"$@" >"$data/log" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT "$server"
wait "$server"
"#;

/// A server of one test, which can be stopped and copied.
pub(crate) struct Standalone {
    folder: TempDir,
    programs: PathBuf,
    user: Option<(u32, u32)>,
    watcher: Option<Child>,
}

impl Drop for Standalone {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Standalone {
    /// A new running server, or `None` if its programs are not installed.
    pub(crate) async fn start() -> Option<Self> {
        let programs = programs()?;
        let folder = new_folder();
        let user = make_files(&programs, folder.path());
        let mut server = Self { folder, programs, user, watcher: None };
        server.run().await;
        Some(server)
    }

    async fn run(&mut self) {
        self.watcher = Some(launch(&self.programs, self.folder.path(), self.user, KEEPER));
        let _ = connect_patiently(&self.url("postgres")).await.close().await;
    }

    /// The URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        let host = self.folder.path().to_str().expect("the path is UTF-8").replace('/', "%2F");
        format!("postgres://passerelle@{host}/{database}")
    }

    /// Runs a statement in a database.
    pub(crate) async fn execute(&self, database: &str, sql: &str) {
        let db = connect(&self.url(database)).await;
        db.execute_unprepared(sql).await.expect(sql);
        let _ = db.close().await;
    }

    /// A standby of this server in its present state, without replication. Stops this server meanwhile, so there must
    /// be no connections.
    pub(crate) async fn standby(&mut self) -> Self {
        let folder = new_folder();
        let user = give_away(folder.path());
        self.stop();
        let mut copy = command(Path::new("cp"), folder.path(), user);
        copy.arg("-a").arg(self.folder.path().join("data")).arg(folder.path().join("data"));
        must_run(copy);
        let _ = std::fs::remove_file(folder.path().join("data/postmaster.pid"));
        std::fs::write(folder.path().join("data/standby.signal"), "").expect("the data folder is copied");
        let mut standby = Self { folder, programs: self.programs.clone(), user, watcher: None };
        standby.run().await;
        self.run().await;
        standby
    }

    /// Stops the server at once, as a power failure would.
    pub(crate) fn stop(&mut self) {
        if let Some(mut watcher) = self.watcher.take() {
            drop(watcher.stdin.take());
            let _ = watcher.wait();
        }
    }
}

/// Creates a template database.
async fn prepare(cluster: &Cluster, content: Content) {
    let admin = connect_patiently(&cluster.url(&cluster.admin)).await;
    let template = cluster.template(content);
    admin
        .execute_unprepared(&format!("DROP DATABASE IF EXISTS {template}"))
        .await
        .expect("an old template is dropped");
    let base = if content == Content::Empty { "template1".into() } else { cluster.template(Content::Empty) };
    copy(&admin, &template, &base).await;
    let now = scalar(&admin, "SELECT extract(epoch FROM now())::bigint").await;
    let dated = format!("COMMENT ON DATABASE {template} IS '{now}'");
    admin.execute_unprepared(&dated).await.expect("the template is dated");
    fill(&cluster.url(&template), content).await;
    let _ = admin.close().await;
}

/// Retries, as a server that has its socket may still be starting.
async fn connect_patiently(url: &str) -> DatabaseConnection {
    let end = Instant::now() + HOPELESS;
    loop {
        match sea_orm::Database::connect(url).await {
            Ok(connection) => return connection,
            Err(error) => assert!(Instant::now() < end, "PostgreSQL does not answer: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn scalar(db: &DatabaseConnection, sql: &str) -> i64 {
    let row = db.query_one_raw(Statement::from_string(sea_orm::DbBackend::Postgres, sql)).await;
    row.expect("an answer").expect("a row").try_get_by_index(0).expect("a number")
}

/// Drops the databases of runs whose template is older than two hours. No run takes that long.
async fn sweep(admin: &DatabaseConnection) {
    let sql = format!(
        "SELECT d.datname FROM pg_database AS t JOIN pg_database AS d \
         ON starts_with(d.datname, left(t.datname, -length('template'))) \
         WHERE t.datname ~ '^{PREFIX}[0-9]+_template$' \
         AND shobj_description(t.oid, 'pg_database')::bigint < extract(epoch FROM now()) - 7200"
    );
    let rows = admin.query_all_raw(Statement::from_string(sea_orm::DbBackend::Postgres, sql)).await;
    for row in rows.expect("the databases are listed") {
        let name: String = row.try_get_by_index(0).expect("a name");
        // Another run may drop it at the same moment.
        let _ = admin.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    }
}
