//! Alarms in words.

use super::{Alarm, WINDOW, WatchConfig, WatchWindow};
use crate::{format::rate_percent, metrics::ArmStats};

/// The reason, for the record of the rollback.
pub fn reason(alarms: &[Alarm], canary: &ArmStats) -> String {
    format!("Automatic rollback: {}", measured(alarms, canary))
}

/// What was measured, as a part of a sentence.
fn measured(alarms: &[Alarm], canary: &ArmStats) -> String {
    let details: Vec<&str> = alarms.iter().map(|alarm| alarm.detail.as_str()).collect();
    let minutes = WINDOW.as_secs() / 60;
    format!("{}, over {} decisions in {minutes} minutes", details.join("; "), canary.decisions)
}

/// The incident's description where stable would answer as badly: what was measured, why nothing was rolled back, and who is
/// behind it.
pub fn not_its_doing(
    version: &str,
    alarms: &[Alarm],
    window: &WatchWindow,
    config: &WatchConfig,
    behind: &str,
) -> String {
    format!(
        "{version} was not rolled back, because that would not help: {}. On the same requests it is less than {} above the \
         version that would take over.\n{behind}",
        measured(alarms, &window.canary),
        rate_percent(config.paired_margin)
    )
}
