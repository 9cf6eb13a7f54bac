//! The location of a private PostgreSQL's files.

use std::{
    fs::{self, DirBuilder, Permissions},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{Error, account::Account};

/// Longest path of a unix socket on Linux, in bytes.
const SOCKET_PATH_MAX: usize = 107;
/// The socket's file name for port 5432.
const SOCKET_NAME: &str = "/.s.PGSQL.5432";

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
        let owner = fs::metadata(&socket).map_err(Error::io("open the socket folder", &socket))?.uid();
        let expected = [Some(rustix::process::geteuid().as_raw()), account.as_ref().map(|account| account.uid)];
        if !expected.contains(&Some(owner)) {
            return Err(Error::io("use the socket folder", &socket)(std::io::Error::other(
                "it belongs to another user",
            )));
        }
        fs::set_permissions(&socket, Permissions::from_mode(0o700)).map_err(Error::io("protect", &socket))?;
        if let Some(account) = &account {
            account.own(&root)?;
            account.own(&socket)?;
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
