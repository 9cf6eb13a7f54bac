//! Countersign's evaluator against its peers: first the same rules, requests and answers, then the times.
//!
//! ```text
//! workload   seeded bundles and requests in three shapes
//! engines    one file per contender: the rules in its own language
//! measure    interleaved rounds, medians of ratios
//! evaluate   agreement first, then timing
//! cold       load, first request and memory, each in a process of its own
//! replay     a million decisions as columns, compared with the kernel
//! analysis   lint and semantic diff, compared with z3
//! http       the service, compared with an empty handler and Cerbos
//! browser    times measured in a browser
//! results    the one file with all results
//! report     the results for people, with the targets
//! ```

pub mod analysis;
pub mod arguments;
pub mod browser;
pub mod cold;
pub mod engines;
pub mod evaluate;
pub mod http;
pub mod machine;
pub mod measure;
pub mod replay;
pub mod report;
pub mod results;
pub mod workload;
