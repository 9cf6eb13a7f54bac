//! Starts and stops a PostgreSQL that belongs to this process.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::PgConnectOptions;

use super::{
    Binaries, Condition, Error,
    account::Account,
    binaries::Installed,
    condition::{Cause, Programs},
    left_behind::{self, STOP_TIMEOUT, stated_pid},
    place::Place,
    programs::{NAME, OWNER, initialise, make_roles, program},
    restarts::Restarts,
};

/// How long starting may take; crash recovery of a large log is slow.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// How often a start is tried: what is in its way may go away, such as the shared memory of a server that was killed.
const START_TRIES: u32 = 4;
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
    /// Held while the server is started again: nobody else may use the place meanwhile.
    restarts: Mutex<Restarts>,
    condition: Condition,
}

impl Private {
    /// Starts a PostgreSQL whose files lie in `data_dir/postgres`, creating them on the first run. A server that a
    /// killed process left behind is stopped first. Blocks until the server accepts connections.
    ///
    /// # Errors
    /// See [`Error`]: not installed, no permission, the directory is in use, or the server did not become ready.
    pub fn start(data_dir: &Path, options: &Options) -> Result<Self, Error> {
        Self::start_in(data_dir, options, |place| Binaries::find(&place.cluster))
    }

    /// As [`Self::start`], with these programs.
    ///
    /// # Errors
    /// As [`Self::start`]; [`Error::WrongVersion`] when another major version made the data.
    pub fn start_with(data_dir: &Path, options: &Options, binaries: Binaries) -> Result<Self, Error> {
        Self::start_in(data_dir, options, |place| binaries.fitting(&place.cluster))
    }

    fn start_in(
        data_dir: &Path,
        options: &Options,
        binaries: impl FnOnce(&Place) -> Result<Binaries, Error>,
    ) -> Result<Self, Error> {
        let (place, account) = Place::below(data_dir)?;
        let lock = place.lock()?;
        let binaries = binaries(&place)?;
        Self::start_at(place, account, binaries, options, lock)
    }

    /// Starts a server at a place that the caller has locked.
    pub(super) fn start_at(
        place: Place,
        account: Option<Account>,
        binaries: Binaries,
        options: &Options,
        lock: File,
    ) -> Result<Self, Error> {
        left_behind::clear(&place)?;
        if let Some(found) = place.cut_off() {
            return Err(Error::CutOff { cluster: place.cluster, found });
        }
        Self::start_new(place, account, binaries, options, lock)
    }

    /// As [`Self::start_at`], whatever else lies beside.
    pub(super) fn start_new(
        place: Place,
        account: Option<Account>,
        binaries: Binaries,
        options: &Options,
        lock: File,
    ) -> Result<Self, Error> {
        if !place.cluster.join("PG_VERSION").exists() {
            initialise(&place, account.as_ref(), &binaries, options.durable)?;
        }
        make_roles(&place, account.as_ref(), &binaries)?;
        let restarts = Mutex::new(Restarts::new(Installed::of(&binaries)));
        let (options, child, condition) = (options.clone(), Mutex::new(None), Condition::default());
        let server = Server { place, account, binaries, options, child, restarts, condition };
        let private = Self { server: Arc::new(server), _lock: lock };
        private.server.start()?;
        watch(Arc::downgrade(&private.server));
        Ok(private)
    }

    /// The options for connecting to the server that another Countersign process runs on `data_dir`, as the role that
    /// serves and as the owner; `None` if there is no such server or it is not ready yet.
    pub fn running(data_dir: &Path) -> Option<(PgConnectOptions, PgConnectOptions)> {
        let (place, _) = Place::below(data_dir).ok()?;
        match place.lock_now() {
            Err(Error::InUse(_)) if place.is_ready() => {
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

    /// What whoever watches the server should know, now and later.
    pub fn condition(&self) -> Condition {
        self.server.condition.clone()
    }

    /// Stops the server in an orderly way and waits until it has ended.
    pub fn stop(self) {
        drop(self);
    }

    /// Whether there is data of a private server for `data_dir`, wherever it lies.
    pub fn exists(data_dir: &Path) -> bool {
        Place::below(data_dir).is_ok_and(|(place, _)| place.cluster.exists())
    }

    /// Removes the files below `data_dir` of a server that does not run, wherever they lie.
    pub fn remove(data_dir: &Path) {
        let Ok((place, _)) = Place::below(data_dir) else { return };
        if let Ok(held) = place.lock() {
            let _left = fs::remove_dir_all(&place.socket);
            let _left = fs::remove_dir_all(&place.root);
            drop(held);
        }
    }

    /// Stops the server, and goes on keeping others away from its data.
    pub(super) fn halt(&self) {
        self.server.end();
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

    fn restarts(&self) -> MutexGuard<'_, Restarts> {
        self.restarts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops the server for good.
    fn end(&self) {
        let Some(mut child) = self.child().take() else { return };
        stop(child.id(), || !matches!(child.try_wait(), Ok(None)));
        drop(self.restarts());
    }

    /// Starts the server and waits until it is ready.
    fn start(&self) -> Result<(), Error> {
        let mut tries = 1;
        loop {
            *self.child() = Some(self.spawn()?);
            match self.wait_until_ready() {
                Err(Error::NotStarted { .. }) if tries < START_TRIES && self.has_ended() => {
                    thread::sleep(WATCH * tries);
                    tries += 1;
                    left_behind::clear(&self.place)?;
                }
                result => return result,
            }
        }
    }

    fn has_ended(&self) -> bool {
        self.child().as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
    }

    /// Starts the server again if it has ended, and when its programs were replaced. Returns whether to go on watching.
    fn look_after(&self) -> bool {
        let mut restarts = self.restarts();
        let ended = match self.child().as_mut() {
            None => return false,
            Some(child) => !matches!(child.try_wait(), Ok(None)),
        };
        if ended {
            if restarts.is_due() {
                let tail = self.place.log_tail();
                let wait = restarts.failed().as_secs_f32();
                tracing::error!(
                    "PostgreSQL ended by itself; starting it again (should it end again, in {wait} s). The end of `{}` \
                     says: {tail}",
                    self.place.log.display()
                );
                self.replace(Cause::Ended);
            }
            return true;
        }
        let programs = restarts.look_at(&self.binaries);
        self.condition.note_programs(programs);
        if programs == Programs::Replaced {
            tracing::info!("the programs of PostgreSQL were replaced: starting it again with the new ones");
            // Not taken: whoever stops the server for good takes it, and then nothing is started any more.
            let process = self.child().as_ref().map(Child::id);
            stop(process.unwrap_or_default(), || self.has_ended());
            self.replace(Cause::Replaced);
            self.condition.note_programs(Programs::Same);
        }
        true
    }

    /// Puts a new process into the place of one that has ended.
    fn replace(&self, cause: Cause) {
        if let Err(error) = left_behind::clear(&self.place) {
            tracing::error!(%error, "PostgreSQL cannot be started again yet");
            return;
        }
        let mut child = self.child();
        // It may have been stopped for good meanwhile.
        if child.is_some() {
            match self.spawn() {
                Ok(process) => {
                    *child = Some(process);
                    self.condition.note_restart(cause);
                }
                Err(error) => tracing::error!(%error, "PostgreSQL cannot be started again yet"),
            }
        }
    }

    /// Starts the server, in a process group of its own so that a Ctrl-C in the terminal reaches only this process.
    fn spawn(&self) -> Result<Child, Error> {
        let Self { place, account, binaries, options, .. } = self;
        let fresh_log = fs::metadata(&place.log).is_ok_and(|log| log.len() > LOG_MAX);
        if fresh_log {
            fs::remove_file(&place.log).map_err(Error::io("remove", &place.log))?;
        }
        let log =
            OpenOptions::new().create(true).append(true).open(&place.log).map_err(Error::io("open", &place.log))?;
        place.give(&place.log)?;
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
                Some(child) => (!matches!(child.try_wait(), Ok(None)), Pid::from_child(child)),
                None => return Ok(()),
            };
            if ended || Instant::now() > deadline {
                return Err(Error::NotStarted { log: self.place.log.clone(), tail: self.place.log_tail() });
            }
            // A killed server leaves its pid file behind, so the file must name this server.
            if self.place.is_ready() && stated_pid(&self.place) == Some(pid) {
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

/// Signals a process until `ended` says that it ended. SIGINT is PostgreSQL's fast stop (ends sessions, writes
/// everything), SIGQUIT its immediate one.
fn stop(process: u32, mut ended: impl FnMut() -> bool) {
    for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
        if let Some(pid) = Pid::from_raw(process.cast_signed()) {
            let _gone = kill_process(pid, signal);
        }
        let deadline = Instant::now() + STOP_TIMEOUT;
        while Instant::now() < deadline {
            if ended() {
                return;
            }
            thread::sleep(POLL);
        }
        tracing::warn!("PostgreSQL did not stop within {} s", STOP_TIMEOUT.as_secs());
    }
}

/// Restarts the server whenever it exits by itself, until it is stopped.
fn watch(server: Weak<Server>) {
    let look = move || {
        while server.upgrade().is_some_and(|server| server.look_after()) {
            thread::sleep(WATCH);
        }
    };
    if let Err(error) = thread::Builder::new().name("postgres-watch".to_owned()).spawn(look) {
        tracing::warn!(%error, "PostgreSQL is not watched: should it end, it stays down");
    }
}

fn connect_options(place: &Place, role: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass().socket(&place.socket).username(role).database(NAME)
}
