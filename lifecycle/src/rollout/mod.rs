//! Putting an approved bundle into service step by step, and taking it out.

pub mod drill;
pub mod gates;
pub mod promotion;
pub mod records;
pub mod rollback;
pub mod stage;
pub mod status;
pub mod watch;

pub use drill::DrillReport;
pub use gates::{Gate, GateConfig, GateName, GateReport, GateVerdict, Metrics};
pub use records::{ApplyRecord, RollbackRecord, RollbackResponse, serving_checksum};
pub use rollback::{EMERGENCY_WORD, MIN_REASON_CHARS, check_reason, last_known_good};
pub use stage::Stage;
pub use status::{ArmStats, CanaryStatus};
pub use watch::{Alarm, WatchConfig, WatchMode};
