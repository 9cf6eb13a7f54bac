//! A PostgreSQL of our own: found among the installed programs, kept below a data directory, reached through a unix
//! socket only, stopped with us. The server uses it when no `DATABASE_URL` is given; the tests use it always.

mod account;
mod binaries;
mod error;
mod place;
mod private;

pub use binaries::Binaries;
pub use error::Error;
pub use private::{Options, Private};
