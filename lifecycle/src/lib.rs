//! What policy *is*: rules, evaluation, analysis, replay, review, rollout, roles.
//!
//! Everything here is pure. There is no I/O, no clock (time is a parameter), no randomness and no panic, so the same
//! code serves live decisions, proves a draft while its author types in a browser, and re-runs an approver's evidence
//! from a file. Data flows through the folders in this order:
//!
//! ```text
//! bundle → engine → analysis → lint → replay → review → rollout   (policy, from a draft to full traffic)
//! authority, signing, audit, incident, system, kpi                 (who may, who did, and what happened)
//! transfer                                                         (bundles that travel between instances)
//! ```

pub mod audit;
pub mod authority;
pub mod bundle;
pub mod decision;
pub mod incident;
pub mod kpi;
pub mod page;
pub mod problem;
pub mod review;
pub mod rollout;
pub mod signing;
pub mod system;
pub mod transfer;
pub mod workspace;

pub use page::Page;
