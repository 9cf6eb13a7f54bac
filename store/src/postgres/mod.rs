//! A private PostgreSQL: run from the installed programs, with its data below a data directory, reached through a unix
//! socket only and stopped with this process. The server uses it when no `DATABASE_URL` is given; the tests always do.

mod account;
mod binaries;
mod condition;
mod error;
mod left_behind;
mod place;
mod private;
mod programs;
mod restarts;
mod side_by_side;
mod unprivileged;

pub use binaries::{Binaries, client_program};
pub use condition::Condition;
pub use error::Error;
pub use private::{Options, Private};
pub use side_by_side::SideBySide;
pub use unprivileged::{HandedOver, hand_over};
