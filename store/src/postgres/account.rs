//! The account PostgreSQL runs as. PostgreSQL refuses to run as root, so under root it runs as another account.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::{
        fd::AsRawFd,
        unix::{
            fs::{MetadataExt, OpenOptionsExt, fchown},
            process::CommandExt,
        },
    },
    path::{Path, PathBuf},
    process::Command,
};

use rustix::fs::OFlags;

use super::Error;

/// The accounts to run PostgreSQL as when this process is root, best first.
const PREFERRED: [&str; 3] = ["countersign", "postgres", "nobody"];

/// An unprivileged account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub uid: u32,
    pub gid: u32,
}

impl Account {
    /// The account to run PostgreSQL as; `None` for the account of this process, if that is not root. Existing data
    /// keeps its owner.
    pub fn choose(cluster: &Path) -> Result<Option<Self>, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        if let Ok(owner) = fs::metadata(cluster.join("PG_VERSION"))
            && owner.uid() != 0
        {
            return Ok(Some(Self { uid: owner.uid(), gid: owner.gid() }));
        }
        let accounts = fs::read_to_string("/etc/passwd").map_err(Error::io("read", "/etc/passwd"))?;
        PREFERRED.into_iter().find_map(|name| find(&accounts, name)).map(Some).ok_or(Error::NoAccount)
    }

    /// Makes `command` run as this account.
    pub fn apply_to(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Makes this account the owner of a folder.
    pub fn own(&self, folder: &Path) -> Result<(), Error> {
        let opened = open_folder(folder).map_err(Error::io("open", folder))?;
        self.own_opened(&opened).map_err(Error::io("give to the PostgreSQL account", folder))
    }

    /// Makes this account the owner of what was opened, whatever has its name by now.
    pub fn own_opened(&self, file: &File) -> io::Result<()> {
        fchown(file, Some(self.uid), Some(self.gid))
    }

    /// Whether this account may pass through every existing folder above `path`.
    pub fn may_reach(&self, path: &Path) -> bool {
        path.ancestors().skip(1).filter_map(|folder| fs::metadata(folder).ok()).all(|folder| {
            let needed = if folder.uid() == self.uid {
                0o100
            } else if folder.gid() == self.gid {
                0o010
            } else {
                0o001
            };
            folder.mode() & needed != 0
        })
    }
}

/// Opens a folder, and no link to one: root opens it, and the account could have put a link to a folder of root's there.
pub(super) fn open_folder(folder: &Path) -> io::Result<File> {
    open(folder, OFlags::DIRECTORY)
}

/// Opens a file that is no link. Does not wait for the other end of a pipe.
pub(super) fn open_file(file: &Path) -> io::Result<File> {
    open(file, OFlags::NONBLOCK)
}

fn open(path: &Path, flags: OFlags) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags((flags | OFlags::NOFOLLOW).bits().cast_signed()).open(path)
}

/// The path of something in a folder that was opened, wherever that folder is by now.
pub(super) fn inside(folder: &File, name: &Path) -> PathBuf {
    Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name)
}

/// The account called `name` in the text of `/etc/passwd`.
fn find(accounts: &str, name: &str) -> Option<Account> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        (uid != 0).then_some(Account { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_name_and_never_root() {
        let accounts = "root:x:0:0::/root:/bin/sh\nevil:x:0:5::/:/bin/sh\nnobody:x:65534:65533::/:/bin/false\n";
        assert_eq!(find(accounts, "nobody"), Some(Account { uid: 65534, gid: 65533 }));
        assert_eq!(find(accounts, "evil"), None);
        assert_eq!(find(accounts, "postgres"), None);
    }
}
