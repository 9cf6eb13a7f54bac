//! The location of a private PostgreSQL's files.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

use super::{
    Error,
    account::{Account, open_folder},
};

/// Longest path of a unix socket on Linux, in bytes.
const SOCKET_PATH_MAX: usize = 107;
/// The socket's file name for port 5432.
const SOCKET_NAME: &str = "/.s.PGSQL.5432";

/// How long to wait for a lock that may be held by a child process between its fork and its exec: until the exec it has
/// a copy of every open file of its parent, and with it the parent's locks.
const LOCK_TIMEOUT: Duration = Duration::from_secs(3);
const LOCK_POLL: Duration = Duration::from_millis(20);

/// The folder of data that is to replace what is there.
const NEXT_CLUSTER: &str = "cluster.next";

/// The folders and files of one private PostgreSQL.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The folder that holds everything else.
    pub root: PathBuf,
    /// PostgreSQL's data.
    pub cluster: PathBuf,
    /// The folder of the unix socket.
    pub socket: PathBuf,
    /// The server's log.
    pub log: PathBuf,
    /// The file that the process running this PostgreSQL locks.
    pub lock: PathBuf,
}

impl Place {
    /// The place below `data_dir`. When root runs PostgreSQL as an account that may not enter the data directory (it
    /// lies below `/root`, say), the files go to `/var/lib/countersign/<hash of the directory>` instead.
    pub fn below(data_dir: &Path) -> Result<(Self, Option<Account>), Error> {
        make_folder(data_dir, 0o755)?;
        let data_dir = fs::canonicalize(data_dir).map_err(Error::io("open the data directory", data_dir))?;
        let mut root = data_dir.join("postgres");
        let mut account = Account::choose(&root.join("cluster"))?;
        if let Some(unprivileged) = &account
            && !unprivileged.may_reach(&root.join("cluster"))
        {
            root = Path::new("/var/lib/countersign").join(short_hash(&data_dir));
            account = Account::choose(&root.join("cluster"))?;
            tracing::info!(
                "PostgreSQL's account may not enter `{}`; its files are kept in `{}`",
                data_dir.display(),
                root.display()
            );
            make_folder(Path::new("/var/lib/countersign"), 0o755)?;
        }
        make_folder(&root, 0o700)?;
        let mut socket = root.join("socket");
        if socket.as_os_str().len() + SOCKET_NAME.len() > SOCKET_PATH_MAX {
            socket = Path::new("/tmp").join(format!("countersign-{}", short_hash(&root)));
        }
        make_folder(&socket, 0o700)?;
        // Another user may have created the folder in /tmp.
        let opened = open_folder(&socket).map_err(Error::io("open the socket folder", &socket))?;
        let owner = opened.metadata().map_err(Error::io("open the socket folder", &socket))?.uid();
        let expected = [Some(rustix::process::geteuid().as_raw()), account.as_ref().map(|account| account.uid)];
        if !expected.contains(&Some(owner)) {
            return Err(Error::io("use the socket folder", &socket)(std::io::Error::other(
                "it belongs to another user",
            )));
        }
        opened.set_permissions(Permissions::from_mode(0o700)).map_err(Error::io("protect", &socket))?;
        if let Some(account) = &account {
            account.own(&root)?;
            account.own_opened(&opened).map_err(Error::io("give to the PostgreSQL account", &socket))?;
        }
        let place = Self {
            cluster: root.join("cluster"),
            log: root.join("postgres.log"),
            lock: root.join("lock"),
            socket,
            root,
        };
        Ok((place, account))
    }

    /// A second place beside this one, under the same folder, for data that is to replace what is here.
    pub fn next(&self, account: Option<&Account>) -> Result<Self, Error> {
        // No longer than the other one, which may just fit.
        let socket = match self.socket.parent() {
            Some(parent) if parent == self.root => self.root.join("next"),
            _ => self.socket.with_extension("next"),
        };
        make_folder(&socket, 0o700)?;
        if let Some(account) = account {
            account.own(&socket)?;
        }
        Ok(Self {
            cluster: self.root.join(NEXT_CLUSTER),
            log: self.root.join("postgres.next.log"),
            lock: self.root.join("lock.next"),
            socket,
            root: self.root.clone(),
        })
    }

    /// The data that belongs here but lies beside, because an upgrade was cut off; `None` in an ordinary place.
    pub fn cut_off(&self) -> Option<PathBuf> {
        if self.cluster.exists() {
            return None;
        }
        let names = fs::read_dir(&self.root).ok()?.flatten().map(|entry| entry.path());
        // An unfinished first run has data, too, that nobody used yet.
        names.filter(|path| !path.ends_with("cluster.new") && path.join("PG_VERSION").exists()).min()
    }

    /// Gives a file that this process made to whom the place belongs: root may not be who comes next.
    pub fn give(&self, file: &Path) -> Result<(), Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        let owner = fs::metadata(&self.root).map_err(Error::io("open", &self.root))?;
        std::os::unix::fs::lchown(file, Some(owner.uid()), Some(owner.gid()))
            .map_err(Error::io("give to the PostgreSQL account", file))
    }

    /// Makes sure that only one process uses the place. Waits for a holder that lets go soon.
    pub fn lock(&self) -> Result<File, Error> {
        let deadline = Instant::now() + LOCK_TIMEOUT;
        loop {
            match self.lock_now() {
                Err(Error::InUse(_)) if Instant::now() < deadline => thread::sleep(LOCK_POLL),
                done => return done,
            }
        }
    }

    /// As [`Self::lock`], without waiting.
    pub fn lock_now(&self) -> Result<File, Error> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&self.lock)
            .map_err(Error::io("open the lock file", &self.lock))?;
        self.give(&self.lock)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Error::InUse(self.root.clone())),
            Err(TryLockError::Error(source)) => Err(Error::io("lock", &self.lock)(source)),
        }
    }

    /// Whether the server accepts connections, according to the eighth line of its pid file.
    pub fn is_ready(&self) -> bool {
        let status = fs::read_to_string(self.cluster.join("postmaster.pid")).unwrap_or_default();
        status.lines().nth(7).is_some_and(|line| line.trim() == "ready")
    }

    /// The end of the server's log, for an error message.
    pub fn log_tail(&self) -> String {
        let text = fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        tail(&text)
    }
}

/// The last few lines of `text`.
pub(super) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.iter().skip(lines.len().saturating_sub(6)).copied().collect::<Vec<_>>().join(" / ")
}

fn make_folder(folder: &Path, mode: u32) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(mode).create(folder).map_err(Error::io("make the folder", folder))
}

fn short_hash(path: &Path) -> String {
    let hash = Sha256::digest(path.as_os_str().as_encoded_bytes());
    hex::encode(&hash[..8])
}
