//! The server: command line, HTTP service, evaluation service, background jobs and sign-in. Wiring only, no rules of
//! its own: the meaning of policies is in `policy`, their governance in `lifecycle`, SQL in `store`, pages in `app`.
//!
//! From the top down; a module uses only the modules below it:
//!
//! ```text
//! cli            arguments in, exit code out; one file per command
//! start          from settings to a running server, and the shutdown
//! jobs           background jobs, one per file: audit chain, automatic rollback, key rotation, KPI monitor, refusals,
//!                check of what is served, sign-in provider, session cleanup
//! http           extract: reads requests; response: writes answers; routes: one file per resource; layers: middleware
//! state          the state that all requests share
//! evaluation     the evaluation service: bundles in memory, decisions logged in batches before they are answered
//! auth           the caller: bearer token, browser session, or the administrator of this machine
//! database       the database: a given one, or a private one in the data directory
//! demo           the example workspace, and its credentials file
//! demo_traffic   the example's agents at work
//! mail           mail by SMTP, for one-time links
//! oidc           sign-in through an OpenID Connect provider
//! public_url     the address at which people reach the server
//! signing_keys   the keys that records are signed with
//! unprivileged   going on as an ordinary user
//! metrics_cache  the workspace's metrics, read every few seconds
//! shared_reading one reading for everybody who asks for the same at the same time
//! open_places    how much of something one caller keeps open at a time
//! live_events    what open pages show, read once for each change
//! heartbeats     the loops of this process: whether they live, and a new start for those that do not
//! safety_thread  a thread for the loops that safety depends on
//! rate_limits    how often callers and sources may ask
//! connections    connections, and limits in number and time
//! openapi        the contract of the HTTP API
//! json           JSON into types, with the place of every mistake
//! error          ApiError and CliError: failures over HTTP and on the command line
//! ```
#![recursion_limit = "512"]

pub mod auth;
pub mod cli;
pub mod connections;
pub mod database;
pub mod demo;
mod demo_traffic;
pub mod error;
pub mod evaluation;
pub mod heartbeats;
pub mod http;
pub mod jobs;
pub mod json;
pub mod live_events;
pub mod mail;
pub mod metrics_cache;
pub mod oidc;
pub mod open_places;
pub mod openapi;
pub mod public_url;
pub mod rate_limits;
pub mod safety_thread;
pub mod shared_reading;
pub mod signing_keys;
pub mod start;
pub mod state;
pub mod unprivileged;
