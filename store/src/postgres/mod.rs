//! A private PostgreSQL: run from the installed programs, with its data below a data directory, reached through a unix
//! socket only and stopped with this process. The server uses it when no `DATABASE_URL` is given; the tests always do.

mod account;
mod binaries;
mod error;
mod place;
mod private;

pub use binaries::Binaries;
pub use error::Error;
pub use private::{Options, Private};
