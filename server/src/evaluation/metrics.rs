//! Counters for Prometheus: the answers of this server since it started.

use std::time::Duration;

use lifecycle::decision::Record;
use prometheus::{Histogram, HistogramOpts, IntCounterVec, Opts, Registry};

/// Upper bounds of the latency histogram's buckets, in seconds.
const BUCKETS: [f64; 12] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0];

/// Counters of answers. Cheap to clone; all clones count together.
#[derive(Debug, Clone)]
pub struct DecisionMetrics {
    decisions: IntCounterVec,
    seconds: Histogram,
}

impl DecisionMetrics {
    /// Counters at zero.
    ///
    /// # Errors
    /// When Prometheus refuses the name of a metric, which does not happen with these names.
    pub fn new() -> prometheus::Result<Self> {
        let decisions = Opts::new("policy_decisions_total", "Decisions answered by this server since it started.");
        let seconds = HistogramOpts::new(
            "policy_decision_duration_seconds",
            "Time from a question to its answer, the log included; of a batch, of all of it.",
        );
        Ok(Self {
            decisions: IntCounterVec::new(decisions, &["effect", "arm", "status"])?,
            seconds: Histogram::with_opts(seconds.buckets(BUCKETS.to_vec()))?,
        })
    }

    /// Counts one decision that was answered.
    pub fn record_decision(&self, record: &Record) {
        let labels = [record.effect.name(), record.arm.name(), record.status.name()];
        self.decisions.with_label_values(&labels).inc();
    }

    /// Counts how long a request took.
    pub fn record_duration(&self, time: Duration) {
        self.seconds.observe(time.as_secs_f64());
    }

    /// Lets `registry` read these counters.
    ///
    /// # Errors
    /// When the registry has other metrics under these names.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.decisions.clone()))?;
        registry.register(Box::new(self.seconds.clone()))
    }
}
