//! Starts and stops a PostgreSQL that belongs to this process.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::Path,
    process::{Child, Command, Stdio},
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

/// The database role and the name of the database.
const NAME: &str = "countersign";
/// How long starting may take; crash recovery of a large log is slow.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// How long an orderly stop may take before a harder one is tried.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);
/// The log starts afresh when it has grown past this many bytes.
const LOG_MAX: u64 = 16 * 1024 * 1024;

/// How to run a private PostgreSQL.
#[derive(Debug, Clone)]
pub struct Options {
    /// False loses the last moments' data when the machine (not the program) crashes: for throwaway databases only.
    pub durable: bool,
    /// Most connections at a time.
    pub max_connections: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self { durable: true, max_connections: 100 }
    }
}

/// A running private PostgreSQL. Dropping it stops it. Blocking: use it from a blocking context.
#[derive(Debug)]
pub struct Private {
    place: Place,
    child: Option<Child>,
    /// Held while the server runs: the operating system lets go of it however we end.
    _lock: File,
}

impl Private {
    /// Starts a PostgreSQL whose files lie in `data_dir/postgres`, making them on the first run. A server that was left
    /// behind by a killed process is stopped first. Blocks until it answers.
    ///
    /// # Errors
    /// See [`Error`]: nothing installed, no permission, the directory in use, the server did not come up.
    pub fn start(data_dir: &Path, options: &Options) -> Result<Self, Error> {
        let (place, account) = Place::below(data_dir)?;
        let lock = lock(&place)?;
        let binaries = Binaries::find(&place.cluster)?;
        stop_left_behind(&place)?;
        if !place.cluster.join("PG_VERSION").exists() {
            initialise(&place, account.as_ref(), &binaries)?;
        }
        let child = spawn(&place, account.as_ref(), &binaries, options)?;
        let mut server = Self { place, child: Some(child), _lock: lock };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// How to connect to the one that another process of ours runs on `data_dir`; none when it does not run or is not
    /// ready yet.
    pub fn running(data_dir: &Path) -> Option<PgConnectOptions> {
        let (place, _) = Place::below(data_dir).ok()?;
        match lock(&place) {
            Err(Error::InUse(_)) if is_ready(&place) => Some(connect_options(&place)),
            _ => None,
        }
    }

    /// How to connect.
    pub fn options(&self) -> PgConnectOptions {
        connect_options(&self.place)
    }

    /// The folder of its unix socket, for `psql -h`.
    pub fn socket_dir(&self) -> &Path {
        &self.place.socket
    }

    /// Its process id; 0 once it was stopped.
    pub fn process_id(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Stops it in an orderly way and waits until it has ended.
    pub fn stop(mut self) {
        self.end();
    }

    /// Lets go of the server without stopping it, as a killed process would.
    #[doc(hidden)]
    pub fn abandon_for_test(mut self) {
        self.child = None;
    }

    fn end(&mut self) {
        let Some(mut child) = self.child.take() else { return };
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

    fn wait_until_ready(&mut self) -> Result<(), Error> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let ended = self.child.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            if ended || Instant::now() > deadline {
                return Err(Error::NotStarted { log: self.place.log.clone(), tail: self.place.log_tail() });
            }
            if is_ready(&self.place) {
                return Ok(());
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        self.end();
    }
}

fn connect_options(place: &Place) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass().socket(&place.socket).username(NAME).database(NAME)
}

/// Whether the server accepts connections: the eighth line of its pid file tells the state.
fn is_ready(place: &Place) -> bool {
    let status = fs::read_to_string(place.cluster.join("postmaster.pid")).unwrap_or_default();
    status.lines().nth(7).is_some_and(|line| line.trim() == "ready")
}

/// Makes sure that only one process works on the place.
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

/// Stops the server that a killed process left behind. A stale `postmaster.pid` is no trouble: PostgreSQL removes it.
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

/// A program of PostgreSQL with a small, known environment, as the right account.
fn program(binaries: &Binaries, name: &str, place: &Place, account: Option<&Account>) -> Command {
    let mut command = Command::new(binaries.program(name));
    command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").env("PATH", "/usr/bin:/bin").current_dir(&place.root);
    if let Some(account) = account {
        account.lend(&mut command);
    }
    command
}

/// Makes the data. It is made aside and moved into place, so an interrupted first run leaves nothing half-done.
fn initialise(place: &Place, account: Option<&Account>, binaries: &Binaries) -> Result<(), Error> {
    let fresh = place.root.join("cluster.new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(Error::io("remove the unfinished", &fresh))?;
    }
    let mut initdb = program(binaries, "initdb", place, account);
    initdb.args(["--username", NAME, "--encoding=UTF8", "--no-locale", "--auth=trust", "--no-sync", "--pgdata"]);
    run("initdb", initdb.arg(&fresh), None)?;
    let mut single = program(binaries, "postgres", place, account);
    single.arg("--single").arg("-D").arg(&fresh).arg("postgres");
    run("postgres", &mut single, Some("create database countersign\n"))?;
    fs::rename(&fresh, &place.cluster).map_err(Error::io("move into place", &fresh))
}

/// Runs a program to its end.
fn run(name: &'static str, command: &mut Command, input: Option<&str>) -> Result<(), Error> {
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
    if output.status.success() { Ok(()) } else { Err(failed(tail(&String::from_utf8_lossy(&output.stderr)))) }
}

/// Starts the server, in a process group of its own so that a Ctrl-C in the terminal reaches us first.
fn spawn(place: &Place, account: Option<&Account>, binaries: &Binaries, options: &Options) -> Result<Child, Error> {
    use std::os::unix::process::CommandExt;
    let fresh_log = fs::metadata(&place.log).is_ok_and(|log| log.len() > LOG_MAX);
    if fresh_log {
        fs::remove_file(&place.log).map_err(Error::io("remove", &place.log))?;
    }
    let log = OpenOptions::new().create(true).append(true).open(&place.log).map_err(Error::io("open", &place.log))?;
    let mut command = program(binaries, "postgres", place, account);
    command.arg("-D").arg(&place.cluster).arg("-k").arg(&place.socket);
    let mut set = |name: &str, value: &str| {
        command.arg("-c").arg(format!("{name}={value}"));
    };
    set("listen_addresses", "");
    set("port", "5432");
    set("unix_socket_permissions", "0700");
    set("max_connections", &options.max_connections.to_string());
    set("timezone", "UTC");
    // Compiling queries costs more than it gains on short ones.
    set("jit", "off");
    if !options.durable {
        set("fsync", "off");
        set("synchronous_commit", "off");
        set("full_page_writes", "off");
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).process_group(0);
    command.spawn().map_err(|source| Error::Failed { program: "postgres", output: source.to_string() })
}
