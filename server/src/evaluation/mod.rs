//! The evaluation service. A request is decided in memory by both arms, logged in a batch with others, and answered
//! once that batch is committed. No request reads the database.
//!
//! | file | contents |
//! |---|---|
//! | `service` | everything the service keeps in memory |
//! | `serving`, `reload` | the bundles that are live, kept in step with the database |
//! | `request`, `decide`, `response` | from a request to its decision and its answer |
//! | `pending_decision` | a decision on its way into the log |
//! | `log`, `not_logged`, `durability` | the decision log as requests see it: when they are answered, and why not |
//! | `writer`, `batch_window` | the writer behind the log, and how large its batches get |
//! | `spill`, `spill_files`, `recover` | the buffer on disk while the database is away, and the way back |
//! | `tokens` | bearer tokens seen lately |
//! | `metrics` | counters for Prometheus |

mod approval;
mod approval_changes;
mod batch_window;
mod decide;
mod durability;
mod log;
mod metrics;
mod not_logged;
mod pending_decision;
mod recover;
mod reload;
mod request_tree;
mod response;
mod service;
mod serving;
mod spill;
mod spill_files;
mod token_cache;
mod writer;

pub use approval::{Concluded, conclude};
pub use decide::{decide_body, decide_tree};
pub use durability::Durability;
pub use log::DecisionLog;
pub use metrics::DecisionMetrics;
pub use not_logged::NotLogged;
pub use pending_decision::PendingDecision;
pub use request_tree::{EvaluationRequest, Wants};
pub use response::EvaluationResponse;
pub use service::EvaluationService;
pub use serving::{LiveBundle, Serving};
pub use token_cache::TokenCache;
