//! Countersign's evaluator against its peers: the same rules, the same requests, the same answers, then the clock.
//!
//! ```text
//! workload   seeded bundles and requests in three shapes
//! engines    one file a contender: how the rules are put to it in its own language
//! measure    interleaved rounds, medians of ratios
//! evaluate   agreement first, then timing
//! cold       load, first request and memory, each in a process of its own
//! replay     a million decisions as columns, compared with the kernel
//! analysis   lint and semantic diff, to be held against z3
//! http       the service, compared with an empty handler and Cerbos
//! browser    what was measured in a browser
//! results    the one file everything is written to
//! report     the same for people, with the targets
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
