//! Backups: the database, the keys and the checkpoint in one checked file, and the way back. What the programs of
//! PostgreSQL write and read is not interpreted here.

mod error;
mod programs;
mod read;
mod rows;
mod upgrade;
mod write;

pub use error::BackupError;
pub use read::{Backup, MissingRoles};
pub use upgrade::{Upgraded, upgrade};
pub use write::{DataFiles, write};
