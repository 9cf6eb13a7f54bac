//! The *governance* of policy: who may change it, how a change is reviewed, rolled out and taken back, and the record
//! of all of this. The crate `policy` covers the *meaning* of policy.
//!
//! Everything here is pure. There is no I/O, no clock (time is a parameter), no randomness and no panic, so the same
//! code serves the server, the pages in a browser, and an approver who re-runs a packet's evidence from a file.
//!
//! A module uses only names from the crate `policy` and from modules above it in this list:
//!
//! ```text
//! confidence  intervals that may be looked at after every decision
//! format      percentages and durations in sentences
//! page        one page of a list
//! problem     the shape of an error that leaves the product
//! request     a request as a type, with the place of every mistake
//! bundle      a bundle as it is governed: record, states, provenance
//! decision    a decision as it is recorded
//! authority   roles, permissions, and the permit that a write needs
//! signing     signatures over whole JSON documents
//! archive     days of the decision log as files
//! audit       the record of who did what, as a keyed hash chain
//! backup      what a backup says about itself
//! metrics     what is measured on decisions, and the limits
//! system      what is live; the safety pause and the emergency switch
//! approval    approvals at run time: requests, decisions, scopes
//! review      packets: the evidence for a change, and the quorum
//! rollout     stages, gates, automatic rollback, drills
//! incident    incidents and post-mortems
//! kpi         KPIs of the way from a draft to full traffic
//! transfer    bundles that travel between instances
//! settings    what an administrator may set
//! overview    the first page
//! ```

pub mod approval;
pub mod archive;
pub mod audit;
pub mod authority;
pub mod backup;
pub mod bundle;
pub mod confidence;
pub mod decision;
pub mod format;
pub mod incident;
pub mod kpi;
pub mod metrics;
pub mod overview;
pub mod page;
pub mod problem;
pub mod request;
pub mod review;
pub mod rollout;
pub mod settings;
pub mod signing;
pub mod system;
pub mod transfer;

pub use page::Page;
