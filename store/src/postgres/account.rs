//! The account PostgreSQL runs as. PostgreSQL refuses to run as root, so under root it runs as another account.

use std::{
    fs,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::Command,
};

use super::Error;

/// The accounts to run PostgreSQL as when this process is root, best first.
const PREFERRED: [&str; 2] = ["postgres", "nobody"];

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

    /// Makes this account the owner of `path`.
    pub fn own(&self, path: &Path) -> Result<(), Error> {
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
            .map_err(Error::io("give to the PostgreSQL account", path))
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
