//! The persistent state, in PostgreSQL.
//!
//! Each use case is one function and one transaction: authorize, check, write, audit. Every public use case takes the
//! [`Actor`](lifecycle::authority::Actor) and authorizes it first; use cases that write pass the permit on to the
//! transaction. `lifecycle` decides what may happen; this crate reads what those decisions need, under the right locks,
//! and stores their results.
//!
//! The modules, each using only modules above it:
//!
//! | Module | What it holds |
//! |---|---|
//! | [`error`] | why a use case failed |
//! | [`heavy`] | work that keeps a core busy, in a few places, with turns for people |
//! | `time_limits` | how long the database may take |
//! | `baseline` | recognises a workspace of the release before the migrations were squashed |
//! | `signing_keys` | the keys that the database knows, by id and fingerprint |
//! | `hosts` | the servers that one database address names |
//! | `connection` | [`Store`]: the pool, the keys, the migrations |
//! | `json`, `names`, `page`, `text` | values as columns store them; limits and cursors of lists |
//! | `urgent` | texts of emergency commands, which are kept as well as they can be |
//! | [`atomic_file`] | writing a file whole or not at all |
//! | [`refusals`] | refused requests and failed sign-ins, summed in memory |
//! | [`postgres`] | a private PostgreSQL, for servers without a `DATABASE_URL` and for tests |
//! | [`audit`] | the audit record: its chain, checkpoints, export and verification |
//! | [`key_check`] | whether a process holds the key that signs |
//! | `work` | the transaction of a use case, with its actor, clock and audit entries |
//! | [`announcements`] | what was done to accounts without a second person, until safety owners acknowledge it |
//! | [`backup`] | the workspace in one checked file, and the way back |
//! | `countersigned` | whether new powers of people need a safety owner |
//! | `held_roles` | who holds which role now, for use cases that count signatures |
//! | [`settings`] | the workspace's settings, invariants and group table |
//! | [`partner_keys`] | public keys of partners, whose files count here |
//! | [`key_rotation`] | changing the key that signs while servers run |
//! | `accounts` | who may sign in: [`people`], their [`identities`], [`links`], [`tokens`], [`sessions`] and [`attempts`] |
//! | [`bundles`] | policy bundles: drafts, reading, export and import |
//! | [`decisions`] | the decision log, reported outcomes, and counts over both |
//! | [`test_cases`] | saved test cases, and the cases of a simulation |
//! | [`approvals`] | approvals at run time: requests of agents, decisions of people, uses |
//! | [`incidents`] | incidents, their timelines and post-mortems |
//! | [`system`] | the live state, the safety pause and the emergency switch |
//! | [`packets`] | review packets and the actions on them |
//! | [`rollout`] | applying, promoting, watching and rolling back bundles |
//! | [`drills`] | rollback drills in a sandbox |
//! | [`kpi`] | KPIs and the measurements behind them |
//! | [`metrics`] | the workspace's metrics for monitoring |
//! | [`home`] | the first page and the badges of the navigation |
//! | [`demo`] | the example workspace |
//! | `testing` | a throwaway PostgreSQL for tests |

pub mod announcements;
pub mod approvals;
pub mod atomic_file;
pub mod audit;
pub mod backup;
pub mod bundles;
pub mod decisions;
pub mod demo;
pub mod drills;
pub mod error;
pub mod heavy;
pub mod home;
pub mod incidents;
pub mod key_check;
pub mod key_rotation;
pub mod kpi;
pub mod metrics;
pub mod packets;
pub mod partner_keys;
pub mod postgres;
pub mod refusals;
pub mod rollout;
pub mod settings;
pub mod system;
pub mod test_cases;
#[cfg(feature = "testing")]
pub mod testing;

mod accounts;
mod baseline;
mod connection;
mod countersigned;
mod held_roles;
mod hosts;
mod json;
mod names;
mod page;
mod signing_keys;
mod text;
mod time_limits;
mod urgent;
mod work;

pub use accounts::{attempts, audit_refusals, identities, links, people, sessions, tokens};
pub use connection::{Store, migrate};
pub use error::{Error, Result};
pub use hosts::{AddressError, Hosts};
pub use lifecycle::{
    Page,
    authority::{Person, Session, Token},
};
