//! Putting an approved bundle into service step by step, and taking it out.

pub mod gates;
pub mod records;
pub mod stage;
pub mod status;

pub use gates::{Gate, GateConfig, GateName, GateReport, GateVerdict, Metrics};
pub use records::{ApplyRecord, RollbackRecord, RollbackResponse};
pub use stage::Stage;
pub use status::{ArmStats, CanaryStatus};
