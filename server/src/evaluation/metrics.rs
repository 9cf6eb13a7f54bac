//! What this server has answered since it started, for those who watch it.

use std::time::Duration;

use lifecycle::decision::Record;
use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry};

/// Upper bounds of the latencies that are told apart, in seconds.
const SECONDS: [f64; 12] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0];

/// Counters of answers. Cheap to clone; all clones count together.
#[derive(Debug, Clone)]
pub struct Counts {
    decisions: IntCounterVec,
    seconds: Histogram,
}

impl Counts {
    /// Nothing is counted yet.
    ///
    /// # Errors
    /// A name that is none: not with these.
    pub fn new() -> prometheus::Result<Self> {
        let decisions = Opts::new("policy_decisions_total", "Decisions answered by this server since it started.");
        let seconds = HistogramOpts::new(
            "policy_decision_duration_seconds",
            "Time from a question to its answer, the log included; of a batch, of all of it.",
        );
        Ok(Self {
            decisions: IntCounterVec::new(decisions, &["effect", "arm", "status"])?,
            seconds: Histogram::with_opts(seconds.buckets(SECONDS.to_vec()))?,
        })
    }

    /// Counts one decision that was answered.
    pub fn decided(&self, record: &Record) {
        let labels = [record.effect.name(), record.arm.name(), record.status.name()];
        self.decisions.with_label_values(&labels).inc();
    }

    /// Counts how long a request took.
    pub fn took(&self, time: Duration) {
        self.seconds.observe(time.as_secs_f64());
    }

    /// Lets a registry read them.
    ///
    /// # Errors
    /// Something else has these names.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.decisions.clone()))?;
        registry.register(Box::new(self.seconds.clone()))
    }
}
