//! Two servers side by side: the data as it is, and an empty cluster of another version that is to take its place.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use sqlx::postgres::PgConnectOptions;

use super::{Binaries, Error, Options, Private, binaries::major_of, place::Place};

/// The two servers. Dropped before [`Self::swap`], it leaves the data as it was.
#[derive(Debug)]
pub struct SideBySide {
    old: Option<Private>,
    new: Option<Private>,
    place: Place,
    next: Place,
    /// The major versions.
    versions: (u32, u32),
    /// Whether folders were renamed: then what lies beside may be the only copy.
    moved: bool,
}

impl SideBySide {
    /// Starts both below `data_dir`: the old one with the programs of its version, the new one with `target`, or with the
    /// newest programs installed, which must be newer. No other process may use the data meanwhile.
    ///
    /// # Errors
    /// [`Error::InUse`] while a server runs; [`Error::NothingThere`], [`Error::IsNewest`]; a server did not start.
    pub fn start(data_dir: &Path, target: Option<Binaries>) -> Result<Self, Error> {
        let (place, account) = Place::below(data_dir)?;
        let held = place.lock()?;
        let was = major_of(&place.cluster).ok_or_else(|| Error::NothingThere(place.root.clone()))?;
        let target = match target {
            Some(target) => target,
            None => {
                let newest = Binaries::installed()?.into_iter().next().filter(|newest| newest.major() > was);
                newest.ok_or_else(|| Error::IsNewest { cluster: place.cluster.clone(), major: was })?
            }
        };
        let binaries = Binaries::find(&place.cluster)?;
        let next = place.next(account.as_ref())?;
        remove(&next.cluster)?;
        let versions = (was, target.major());
        let options = Options::default();
        let old = Private::start_at(place.clone(), account.clone(), binaries, &options, held)?;
        let mut both = Self { old: Some(old), new: None, place, next, versions, moved: false };
        let held = both.next.lock()?;
        both.new = Some(Private::start_new(both.next.clone(), account, target, &options, held)?);
        Ok(both)
    }

    /// The old server and the new one, for the role that owns the tables.
    pub fn owner_options(&self) -> Option<(PgConnectOptions, PgConnectOptions)> {
        Some((self.old.as_ref()?.owner_options(), self.new.as_ref()?.owner_options()))
    }

    /// The major versions, of the data as it is and of the new server.
    pub fn versions(&self) -> (u32, u32) {
        self.versions
    }

    /// Stops both and puts the new data into the place of the old, which is kept beside; returns where.
    ///
    /// # Errors
    /// A folder could not be renamed.
    pub fn swap(mut self) -> Result<PathBuf, Error> {
        drop(self.new.take());
        let former = self.free_name();
        self.moved = true;
        let (cluster, next) = (&self.place.cluster, &self.next.cluster);
        // The old server keeps the lock until its data has moved; it is stopped first.
        if let Some(old) = &self.old {
            old.halt();
        }
        // The new data takes the name under which the old one is to be kept, and then both change places: at no moment
        // is there no data, and a name that stands for unfinished data never stands for the old.
        fs::rename(next, &former).map_err(Error::io("move", next))?;
        if renameat_with(CWD, &former, CWD, cluster, RenameFlags::EXCHANGE).is_err() {
            // Not every file system exchanges two folders at once.
            fs::rename(cluster, next).map_err(Error::io("move away", cluster))?;
            fs::rename(&former, cluster).map_err(Error::io("move into place", &former))?;
            fs::rename(next, &former).map_err(Error::io("keep the old data of", next))?;
        }
        drop(self.old.take());
        Ok(former)
    }

    /// `cluster-15`, or, if an earlier upgrade left that, `cluster-15-2`.
    fn free_name(&self) -> PathBuf {
        let name = |number: u32| match number {
            1 => format!("cluster-{}", self.versions.0),
            _ => format!("cluster-{}-{number}", self.versions.0),
        };
        let names = (1..).map(|number| self.place.root.join(name(number)));
        names.into_iter().find(|path| !path.exists()).unwrap_or_else(|| self.place.root.join("cluster-old"))
    }
}

impl Drop for SideBySide {
    fn drop(&mut self) {
        drop(self.new.take());
        if !self.moved {
            let _left = remove(&self.next.cluster);
        }
        for rest in [&self.next.lock, &self.next.log] {
            let _left = fs::remove_file(rest);
        }
        let _left = fs::remove_dir_all(&self.next.socket);
    }
}

fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove the unfinished", folder)(error)),
        _ => Ok(()),
    }
}
