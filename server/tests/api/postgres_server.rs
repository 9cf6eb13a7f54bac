//! A server of PostgreSQL of a test's own, which is no private one.

use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use store::postgres::{Binaries, client_program};

use crate::support::folder;

/// A server of PostgreSQL with data and port of its own.
pub struct Postgres {
    pub data: PathBuf,
    pub port: u16,
    child: Option<Child>,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Postgres {
    pub fn new(data: PathBuf) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { data, port, child: None }
    }

    /// Makes the data. Anybody on this machine is whoever they say they are.
    pub fn initialise(&self) {
        run(program("initdb", &self.data)
            .args(["-U", "countersign_owner", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "-D"])
            .arg(&self.data));
    }

    /// Starts the server with settings, and waits until it answers.
    pub fn start(&mut self, settings: &[&str]) {
        let mut command = program("postgres", &self.data);
        command.arg("-D").arg(&self.data).args(["-c", "unix_socket_directories=", "-c", "listen_addresses=127.0.0.1"]);
        command.args(["-c", &format!("port={}", self.port), "-c", "wal_sender_timeout=3s"]);
        for setting in settings {
            command.args(["-c", setting]);
        }
        let log = fs::OpenOptions::new().create(true).append(true).open(self.data.with_extension("log")).unwrap();
        self.child = Some(command.stdin(Stdio::null()).stderr(log).process_group(0).spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(40);
        let ready = || {
            Command::new(installed("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p"])
                .arg(self.port.to_string())
                .status()
        };
        while !ready().unwrap().success() {
            assert!(Instant::now() < deadline, "{}", fs::read_to_string(self.data.with_extension("log")).unwrap());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// SIGKILL to the server and all its backends.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
            // Each backend is a process group of its own; all have the data as their working directory.
            for entry in fs::read_dir("/proc").unwrap().flatten() {
                if fs::read_link(entry.path().join("cwd")).is_ok_and(|folder| folder == self.data) {
                    let _gone = Command::new("kill").arg("-9").arg(entry.file_name()).status();
                }
            }
        }
    }

    /// The way to it as the owner.
    pub fn options(&self) -> PgConnectOptions {
        format!("postgres://countersign_owner@127.0.0.1:{}/countersign?sslmode=disable", self.port).parse().unwrap()
    }

    /// Runs statements as the owner.
    pub async fn run(&self, database: &str, statements: &'static str) {
        let mut db = PgConnection::connect_with(&self.options().database(database)).await.unwrap();
        sqlx::raw_sql(statements).execute(&mut db).await.unwrap();
    }
}

fn installed(name: &'static str) -> PathBuf {
    client_program(name, Binaries::installed().unwrap()[0].major()).unwrap()
}

/// A program of PostgreSQL, which does not run as root.
pub fn program(name: &'static str, data: &Path) -> Command {
    let mut command = Command::new(installed(name));
    let owner = fs::metadata(data.parent().unwrap()).unwrap();
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(owner.uid()).gid(owner.gid());
    }
    command.env("LC_ALL", "C").current_dir("/");
    command
}

pub fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A folder for data, of an account that PostgreSQL may run as.
pub fn place() -> PathBuf {
    let place = folder();
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        let users = fs::read_to_string("/etc/passwd").unwrap();
        let line = ["postgres:", "nobody:"].iter().find_map(|name| users.lines().find(|line| line.starts_with(name)));
        let ids: Vec<u32> = line.unwrap().split(':').skip(2).take(2).map(|id| id.parse().unwrap()).collect();
        std::os::unix::fs::chown(&place, Some(ids[0]), Some(ids[1])).unwrap();
    }
    place
}
