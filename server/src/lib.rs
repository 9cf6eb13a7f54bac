//! What runs: the command line, the HTTP API, the evaluation service, sign-in and the site. Wiring, no rules of its
//! own: what policy is stands in `lifecycle`, what is remembered in `store`, what people see in `app`.
//!
//! ```text
//! cli        arguments in, exit code out; one file a command
//! start      from settings to a running server, and back down
//! demo       the example workspace
//! database   the database it works on: a given one, or a private one in the data directory
//! auth       who is calling: bearer token or browser session
//! http       one file a resource; each turns requests into one call of `store` or `lifecycle`
//! openapi    the contract of the HTTP API, written out
//! live       the evaluation service: bundles in memory, decisions logged in batches before they are answered
//! pages      the app's pages and server functions
//! assets     scripts, styles, fonts
//! ```
#![recursion_limit = "512"]

pub mod assets;
pub mod auth;
pub mod cli;
pub mod database;
pub mod demo;
pub mod evaluation;
pub mod http;
pub mod keeper;
pub mod keys;
pub mod metrics;
pub mod openapi;
pub mod pages;
pub mod start;
pub mod state;
