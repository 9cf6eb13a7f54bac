//! What a process started by root needs in order to go on as another user: an account, and files that belong to it.

use std::{
    ffi::OsStr,
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::Path,
};

use super::{
    Error,
    account::{Account, inside, open_file, open_folder},
    place::Place,
};

/// As whom a process goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandedOver {
    /// It was not started by root.
    Unchanged,
    /// As this user, of this group.
    To {
        /// The number of the user.
        user: u32,
        /// The number of the group.
        group: u32,
    },
    /// As root, for a reason.
    Stays(String),
}

/// Gives the files of a data directory to the account that PostgreSQL runs as, when this process is root's. `ours` is how
/// the names of files and folders begin that the program keeps there; a directory with other files is left alone.
///
/// # Errors
/// A file could not be given away.
pub fn hand_over(data_dir: &Path, ours: &[&str]) -> Result<HandedOver, Error> {
    let (place, account) = match Place::below(data_dir) {
        Ok((_, None)) => return Ok(HandedOver::Unchanged),
        Ok((place, Some(account))) => (place, account),
        Err(Error::NoAccount) => return Ok(HandedOver::Stays(Error::NoAccount.to_string())),
        Err(error) => return Err(error),
    };
    let shown = data_dir.display();
    let data_dir = fs::canonicalize(data_dir).map_err(Error::io("open the data directory", data_dir))?;
    if place.root.parent() != Some(&data_dir) {
        return Ok(HandedOver::Stays(format!("only root may enter `{shown}`")));
    }
    let read = |folder: &Path| {
        let entries = fs::read_dir(folder).map_err(Error::io("read the folder", folder))?;
        Ok::<_, Error>(entries.flatten().collect::<Vec<_>>())
    };
    let entries = read(&data_dir)?;
    let is_ours = |name: &str| name == "postgres" || ours.iter().any(|start| name.starts_with(start));
    let owner = fs::metadata(&data_dir).map_err(Error::io("open", &data_dir))?.uid();
    if owner != account.uid {
        let foreign = entries.iter().map(|entry| entry.file_name()).find(|name| !name.to_str().is_some_and(is_ours));
        if let Some(foreign) = foreign {
            return Ok(HandedOver::Stays(format!("`{shown}` has other files in it, such as `{}`", foreign.display())));
        }
        if owner != 0 {
            return Ok(HandedOver::Stays(format!("`{shown}` belongs to another user")));
        }
        account.own(&data_dir)?;
    }
    let opened = open(&data_dir, None)?;
    for entry in entries.iter().filter(|entry| entry.file_name().to_str().is_some_and(is_ours)) {
        let name = entry.file_name();
        give(&opened, &name, &account)?;
        // A folder that root made; the account's own is as it should be.
        if let Ok(folder) = open_folder(&inside(&opened, Path::new(&name)))
            && folder.metadata().is_ok_and(|found| found.uid() == 0)
        {
            account.own_opened(&folder).map_err(Error::io("give to the PostgreSQL account", entry.path()))?;
            give_all(&folder, &account)?;
        }
    }
    let postgres = open(&place.root, Some((&opened, "postgres")))?;
    give_all(&postgres, &account)?;
    if place.cluster.exists() {
        give_all(&open(&place.cluster, Some((&postgres, "cluster")))?, &account)?;
    }
    Ok(HandedOver::To { user: account.uid, group: account.gid })
}

/// Opens the folder at `path`, which is `name` in a folder that was opened.
fn open(path: &Path, within: Option<(&File, &str)>) -> Result<File, Error> {
    let place = within.map_or_else(|| path.to_owned(), |(folder, name)| inside(folder, Path::new(name)));
    open_folder(&place).map_err(Error::io("open", path))
}

/// Gives away the files in a folder.
fn give_all(folder: &File, account: &Account) -> Result<(), Error> {
    let path = inside(folder, Path::new("."));
    for entry in fs::read_dir(&path).map_err(Error::io("read the folder", &path))?.flatten() {
        give(folder, &entry.file_name(), account)?;
    }
    Ok(())
}

/// Gives a file of root's away, and nothing that its name only points to: the account can put links into its folder, and
/// at any moment.
fn give(folder: &File, name: &OsStr, account: &Account) -> Result<(), Error> {
    let path = inside(folder, Path::new(name));
    let Ok(file) = open_file(&path) else { return Ok(()) };
    let found = file.metadata().map_err(Error::io("open", &path))?;
    if found.is_file() && found.nlink() == 1 && found.uid() == 0 {
        account.own_opened(&file).map_err(Error::io("give to the PostgreSQL account", &path))?;
    }
    Ok(())
}
