//! Starts and stops a PostgreSQL that belongs to this process.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::PgConnectOptions;

use super::{
    Binaries, Error,
    account::Account,
    place::{Place, tail},
};

/// The name of the database, and of the role that serves.
const NAME: &str = "countersign";
/// The role that owns the tables; also the administrator of this server, which has no other use.
const OWNER: &str = "countersign_owner";
/// Makes the three roles, one statement a line. In clusters of earlier releases one role was everything: it becomes the
/// owner. A session cannot rename its own role, so another one does. Nothing is changed the second time.
const MAKE_ROLES: &str = "\
drop role if exists countersign_upgrade
create role countersign_upgrade superuser
set session authorization countersign_upgrade
do $$ begin if not exists (select from pg_roles where rolname = 'countersign_owner') then alter role countersign rename to countersign_owner; end if; end $$
do $$ begin if not exists (select from pg_roles where rolname = 'countersign') then create role countersign login; end if; end $$
do $$ begin if not exists (select from pg_roles where rolname = 'countersign_operator') then create role countersign_operator login; end if; end $$
alter role countersign nosuperuser login
alter role countersign_operator nosuperuser login
set session authorization countersign_owner
drop role countersign_upgrade
";
/// A file in the cluster that says that it has the three roles.
const ROLES_MADE: &str = "countersign-roles";
/// How long starting may take; crash recovery of a large log is slow.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// How long an orderly stop may take before a harder one is tried.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// The interval at which to check that the server still runs.
const WATCH: Duration = Duration::from_millis(500);
const POLL: Duration = Duration::from_millis(20);
/// The size in bytes above which the log is started afresh.
const LOG_MAX: u64 = 16 * 1024 * 1024;

/// Options for running a private PostgreSQL.
#[derive(Debug, Clone)]
pub struct Options {
    /// If false, a crash of the machine (not of the program) loses the last moments' data: for throwaway databases
    /// only.
    pub durable: bool,
    /// Maximum number of simultaneous connections.
    pub max_connections: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self { durable: true, max_connections: 100 }
    }
}

/// A running private PostgreSQL, restarted if it exits by itself and stopped when dropped. Its functions block: call
/// them from a blocking context.
#[derive(Debug)]
pub struct Private {
    server: Arc<Server>,
    /// Held while the server runs: the operating system releases it however this process ends.
    _lock: File,
}

/// Everything needed to start the server, and the process while it should run.
#[derive(Debug)]
struct Server {
    place: Place,
    account: Option<Account>,
    binaries: Binaries,
    options: Options,
    /// `None` once the server is to be stopped.
    child: Mutex<Option<Child>>,
}

impl Private {
    /// Starts a PostgreSQL whose files lie in `data_dir/postgres`, creating them on the first run. A server that a
    /// killed process left behind is stopped first. Blocks until the server accepts connections.
    ///
    /// # Errors
    /// See [`Error`]: not installed, no permission, the directory is in use, or the server did not become ready.
    pub fn start(data_dir: &Path, options: &Options) -> Result<Self, Error> {
        let (place, account) = Place::below(data_dir)?;
        let lock = lock(&place)?;
        let binaries = Binaries::find(&place.cluster)?;
        stop_left_behind(&place)?;
        if !place.cluster.join("PG_VERSION").exists() {
            initialise(&place, account.as_ref(), &binaries)?;
        }
        make_roles(&place, account.as_ref(), &binaries)?;
        let server = Arc::new(Server { place, account, binaries, options: options.clone(), child: Mutex::new(None) });
        *server.child() = Some(server.spawn()?);
        let private = Self { server, _lock: lock };
        private.server.wait_until_ready()?;
        watch(Arc::downgrade(&private.server));
        Ok(private)
    }

    /// The options for connecting to the server that another Countersign process runs on `data_dir`, as the role that
    /// serves and as the owner; `None` if there is no such server or it is not ready yet.
    pub fn running(data_dir: &Path) -> Option<(PgConnectOptions, PgConnectOptions)> {
        let (place, _) = Place::below(data_dir).ok()?;
        match lock(&place) {
            Err(Error::InUse(_)) if is_ready(&place) => {
                Some((connect_options(&place, NAME), connect_options(&place, OWNER)))
            }
            _ => None,
        }
    }

    /// The options for connecting to the server as the role that serves.
    pub fn options(&self) -> PgConnectOptions {
        connect_options(&self.server.place, NAME)
    }

    /// The options for connecting as the role that owns the tables.
    pub fn owner_options(&self) -> PgConnectOptions {
        connect_options(&self.server.place, OWNER)
    }

    /// The server's process id; 0 once it has been stopped.
    pub fn process_id(&self) -> u32 {
        self.server.child().as_ref().map_or(0, Child::id)
    }

    /// Stops the server in an orderly way and waits until it has ended.
    pub fn stop(self) {
        drop(self);
    }

    /// Leaves the server running, as a killed process would.
    #[cfg(feature = "testing")]
    pub fn abandon_for_test(self) {
        *self.server.child() = None;
    }
}

impl Server {
    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        // A thread that panicked while it held the lock has left the process as it was.
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        let Some(mut child) = self.child().take() else { return };
        // SIGINT is PostgreSQL's fast stop (ends sessions, writes everything), SIGQUIT its immediate one.
        for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
            if let Some(pid) = Pid::from_raw(child.id().cast_signed()) {
                let _gone = kill_process(pid, signal);
            }
            let deadline = Instant::now() + STOP_TIMEOUT;
            while Instant::now() < deadline {
                match child.try_wait() {
                    Ok(None) => thread::sleep(POLL),
                    Ok(Some(_)) | Err(_) => return,
                }
            }
            tracing::warn!("PostgreSQL did not stop within {} s", STOP_TIMEOUT.as_secs());
        }
    }

    /// Starts the server, in a process group of its own so that a Ctrl-C in the terminal reaches only this process.
    fn spawn(&self) -> Result<Child, Error> {
        use std::os::unix::process::CommandExt;
        let Self { place, account, binaries, options, .. } = self;
        let fresh_log = fs::metadata(&place.log).is_ok_and(|log| log.len() > LOG_MAX);
        if fresh_log {
            fs::remove_file(&place.log).map_err(Error::io("remove", &place.log))?;
        }
        let log =
            OpenOptions::new().create(true).append(true).open(&place.log).map_err(Error::io("open", &place.log))?;
        let mut command = program(binaries, "postgres", place, account.as_ref());
        command.arg("-D").arg(&place.cluster).arg("-k").arg(&place.socket);
        let mut set = |name: &str, value: &str| {
            command.arg("-c").arg(format!("{name}={value}"));
        };
        set("listen_addresses", "");
        set("port", "5432");
        set("unix_socket_permissions", "0700");
        set("max_connections", &options.max_connections.to_string());
        set("timezone", "UTC");
        // Compiling short queries costs more than it gains.
        set("jit", "off");
        if !options.durable {
            set("fsync", "off");
            set("synchronous_commit", "off");
            set("full_page_writes", "off");
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).process_group(0);
        command.spawn().map_err(|source| Error::Failed { program: "postgres", output: source.to_string() })
    }

    fn wait_until_ready(&self) -> Result<(), Error> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let (ended, pid) = match self.child().as_mut() {
                Some(child) => (!matches!(child.try_wait(), Ok(None)), child.id()),
                None => (true, 0),
            };
            if ended || Instant::now() > deadline {
                return Err(Error::NotStarted { log: self.place.log.clone(), tail: self.place.log_tail() });
            }
            // A killed server leaves its pid file behind, so the file must name this server.
            if is_ready(&self.place) && stated_pid(&self.place) == Some(pid) {
                return Ok(());
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        self.server.end();
    }
}

/// Restarts the server whenever it exits by itself, until it is stopped.
fn watch(server: Weak<Server>) {
    let restart = move || {
        while let Some(server) = server.upgrade() {
            {
                let mut child = server.child();
                let Some(process) = child.as_mut() else { return };
                if !matches!(process.try_wait(), Ok(None)) {
                    tracing::error!("PostgreSQL ended by itself; starting it again");
                    match server.spawn() {
                        Ok(process) => *child = Some(process),
                        Err(error) => tracing::error!(%error, "PostgreSQL cannot be started again yet"),
                    }
                }
            }
            drop(server);
            thread::sleep(WATCH);
        }
    };
    if let Err(error) = thread::Builder::new().name("postgres-watch".to_owned()).spawn(restart) {
        tracing::warn!(%error, "PostgreSQL is not watched: should it end, it stays down");
    }
}

fn connect_options(place: &Place, role: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass().socket(&place.socket).username(role).database(NAME)
}

/// Whether the server accepts connections, according to the eighth line of its pid file.
fn is_ready(place: &Place) -> bool {
    let status = fs::read_to_string(place.cluster.join("postmaster.pid")).unwrap_or_default();
    status.lines().nth(7).is_some_and(|line| line.trim() == "ready")
}

/// Makes sure that only one process uses the place.
fn lock(place: &Place) -> Result<File, Error> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&place.lock)
        .map_err(Error::io("open the lock file", &place.lock))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(place.root.clone())),
        Err(TryLockError::Error(source)) => Err(Error::io("lock", &place.lock)(source)),
    }
}

/// The process that `postmaster.pid` names.
fn stated_pid(place: &Place) -> Option<u32> {
    fs::read_to_string(place.cluster.join("postmaster.pid")).ok()?.lines().next()?.trim().parse().ok()
}

/// Stops the server that a killed process left behind. A stale `postmaster.pid` does no harm: PostgreSQL removes it.
fn stop_left_behind(place: &Place) -> Result<(), Error> {
    let text = fs::read_to_string(place.cluster.join("postmaster.pid")).unwrap_or_default();
    let Some(pid) = text.lines().next().and_then(|line| line.trim().parse().ok()).and_then(Pid::from_raw) else {
        return Ok(());
    };
    // The number may belong to another process by now; a server's working directory is its cluster. A process that has
    // ended but was not yet collected by its parent has none.
    let working_directory = format!("/proc/{}/cwd", pid.as_raw_nonzero());
    let runs = || fs::read_link(&working_directory).is_ok_and(|folder| folder == place.cluster);
    if !runs() {
        return Ok(());
    }
    tracing::info!("stopping the PostgreSQL that an earlier run left behind (process {})", pid.as_raw_nonzero());
    for signal in [Signal::INT, Signal::QUIT] {
        let _gone = kill_process(pid, signal);
        let deadline = Instant::now() + STOP_TIMEOUT;
        while Instant::now() < deadline {
            if !runs() {
                return Ok(());
            }
            thread::sleep(POLL);
        }
    }
    Err(Error::StillRunning { pid: pid.as_raw_nonzero().get(), cluster: place.cluster.clone() })
}

/// A program of PostgreSQL with a small, known environment, under the right account.
fn program(binaries: &Binaries, name: &str, place: &Place, account: Option<&Account>) -> Command {
    let mut command = Command::new(binaries.program(name));
    command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").env("PATH", "/usr/bin:/bin").current_dir(&place.root);
    if let Some(account) = account {
        account.apply_to(&mut command);
    }
    command
}

/// Creates the data in a temporary place and moves it into place, so that an interrupted first run leaves nothing
/// half-done.
fn initialise(place: &Place, account: Option<&Account>, binaries: &Binaries) -> Result<(), Error> {
    let fresh = place.root.join("cluster.new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(Error::io("remove the unfinished", &fresh))?;
    }
    let mut initdb = program(binaries, "initdb", place, account);
    initdb.args(["--username", OWNER, "--encoding=UTF8", "--no-locale", "--auth=trust", "--no-sync", "--pgdata"]);
    run("initdb", initdb.arg(&fresh), None)?;
    single_user(place, account, binaries, &fresh, "create database countersign\n")?;
    fs::rename(&fresh, &place.cluster).map_err(Error::io("move into place", &fresh))
}

/// Gives the cluster its three roles, unless it has them.
fn make_roles(place: &Place, account: Option<&Account>, binaries: &Binaries) -> Result<(), Error> {
    let made = place.cluster.join(ROLES_MADE);
    if made.exists() {
        return Ok(());
    }
    let said = single_user(place, account, binaries, &place.cluster, MAKE_ROLES)?;
    if said.contains("ERROR:") || said.contains("FATAL:") {
        return Err(Error::Failed { program: "postgres", output: tail(&said) });
    }
    fs::write(&made, "").map_err(Error::io("write", &made))
}

/// Runs statements, one a line, on a cluster whose server does not run; returns what PostgreSQL said.
fn single_user(
    place: &Place,
    account: Option<&Account>,
    binaries: &Binaries,
    cluster: &Path,
    statements: &str,
) -> Result<String, Error> {
    let mut single = program(binaries, "postgres", place, account);
    single.arg("--single").arg("-D").arg(cluster).arg("postgres");
    run("postgres", &mut single, Some(statements))
}

/// Runs a program and waits for it to exit; returns what it wrote to standard error.
fn run(name: &'static str, command: &mut Command, input: Option<&str>) -> Result<String, Error> {
    let failed = |output: String| Error::Failed { program: name, output };
    let mut child = command
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| failed(source.to_string()))?;
    if let (Some(text), Some(mut stdin)) = (input, child.stdin.take()) {
        std::io::Write::write_all(&mut stdin, text.as_bytes()).map_err(|source| failed(source.to_string()))?;
    }
    let output = child.wait_with_output().map_err(|source| failed(source.to_string()))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(said) } else { Err(failed(tail(&said))) }
}
