//! The incident that a rollback opens.

use std::time::Duration;

use policy::Timestamp;

use super::Severity;
use crate::format::duration_words;

/// How long an incident may go unacknowledged.
pub const ACKNOWLEDGE_WITHIN: Duration = Duration::from_secs(15 * 60);
/// How long it may take to find an incident's cause.
pub const INVESTIGATE_WITHIN: Duration = Duration::from_secs(60 * 60);

/// The incident a rollback opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentDraft {
    /// The title, on one line.
    pub title: String,
    /// The severity.
    pub severity: Severity,
    /// `policy.rollback`
    pub source: &'static str,
    /// The facts known so far, for a person.
    pub description: String,
    /// Deadline for the acknowledgement.
    pub ack_due_at: Timestamp,
    /// Deadline for the investigation.
    pub investigate_due_at: Timestamp,
}

/// The facts of a rollback that its incident describes.
#[derive(Debug, Clone, Copy)]
pub struct RolledBack<'a> {
    /// The version taken out.
    pub from_version: &'a str,
    /// The share of traffic that `from_version` had before, in percent.
    pub from_pct: i16,
    /// The version that serves everything now.
    pub restored_version: &'a str,
    /// The reason given.
    pub reason: &'a str,
    /// The actor who rolled back.
    pub actor: &'a str,
    /// The person the actor acted for, as the actor stated.
    pub on_behalf_of: Option<&'a str>,
    /// When the problem was noticed.
    pub triggered_at: Timestamp,
    /// When the restored version took over.
    pub at: Timestamp,
}

impl IncidentDraft {
    /// The incident of a rollback: high severity, to be acknowledged within 15 minutes and investigated within the
    /// hour.
    pub fn of_rollback(rollback: &RolledBack<'_>) -> Self {
        let behalf = rollback
            .on_behalf_of
            .filter(|name| *name != rollback.actor)
            .map_or_else(String::new, |name| format!(" on behalf of {name}"));
        let took = rollback.at.since(rollback.triggered_at).as_secs();
        let noticed = if took == 0 {
            String::new()
        } else {
            format!(" The trouble was noticed {} before.", duration_words(took))
        };
        Self {
            title: format!("Policy Rollback: v{} → v{}", rollback.from_version, rollback.restored_version),
            severity: Severity::High,
            source: "policy.rollback",
            description: format!(
                "{}{behalf} took version {} out of service at {} % of traffic. Version {} serves all traffic again.{noticed}\nReason: {}",
                rollback.actor, rollback.from_version, rollback.from_pct, rollback.restored_version, rollback.reason
            ),
            ack_due_at: rollback.at.plus(ACKNOWLEDGE_WITHIN),
            investigate_due_at: rollback.at.plus(INVESTIGATE_WITHIN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_incident_names_both_versions_and_its_deadlines() {
        let at = Timestamp::from_unix_seconds(10_000);
        let draft = IncidentDraft::of_rollback(&RolledBack {
            from_version: "2.2.0",
            from_pct: 10,
            restored_version: "2.1.0",
            reason: "error rate 12 %",
            actor: "rita@demo.test",
            on_behalf_of: Some("oncall-engineer"),
            triggered_at: Timestamp::from_unix_seconds(9_880),
            at,
        });
        assert_eq!(draft.title, "Policy Rollback: v2.2.0 → v2.1.0");
        assert_eq!(draft.severity, Severity::High);
        assert_eq!(draft.ack_due_at.since(at).as_secs(), 900);
        assert_eq!(draft.investigate_due_at.since(at).as_secs(), 3600);
        assert!(draft.description.contains("on behalf of oncall-engineer"), "{}", draft.description);
        assert!(draft.description.contains("2 minutes before"), "{}", draft.description);
    }
}
