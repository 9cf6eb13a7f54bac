//! Putting an approved bundle into service stage by stage, and taking a bundle out of service.

pub mod counts;
pub mod drill;
pub mod freeze;
pub mod gates;
pub mod given_metrics;
pub mod history;
pub mod promotion;
pub mod records;
pub mod rollback;
pub mod stage;
pub mod status;
pub mod watch;

pub use counts::{Coverage, StageCounts};
pub use drill::{DrillReport, LastDrill};
pub use gates::{Gate, GateName, GateReport, GateVerdict};
pub use given_metrics::GivenMetrics;
pub use history::History;
pub use records::{ApplyRecord, RollbackRecord, RollbackResponse, serving_checksum};
pub use rollback::{EMERGENCY_WORD, MIN_REASON_CHARS, RollbackPreview, check_reason, last_known_good};
pub use stage::Stage;
pub use status::CanaryStatus;
pub use watch::{Alarm, WatchConfig, WatchMode};
