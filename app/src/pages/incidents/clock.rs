//! The clocks of an incident: the tasks that are due, and whether each was done in time.

use lifecycle::incident::Incident;
use policy::Timestamp;

use crate::labels;

/// The state of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockState {
    /// Done in time.
    Met,
    /// Still running.
    Running,
    /// Past its time, whether done since or not.
    Overdue,
}

/// One clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// The task that is due.
    pub title: &'static str,
    /// The due time.
    pub due: Timestamp,
    /// The state.
    pub state: ClockState,
    /// The state in words.
    pub label: String,
}

/// The clock of the acknowledgement.
pub fn acknowledge(incident: &Incident, as_of: Timestamp) -> Clock {
    let due = incident.ack_due_at;
    let (state, label) = done(incident.acknowledged_at, incident.created_at, due).unwrap_or_else(|| open(due, as_of));
    Clock { title: "Acknowledge", due, state, label }
}

/// The clock of the investigation, which stops when the incident is resolved.
pub fn investigate(incident: &Incident, as_of: Timestamp) -> Clock {
    let due = incident.investigate_due_at;
    let (state, label) = done(incident.resolved_at, incident.created_at, due).unwrap_or_else(|| open(due, as_of));
    Clock { title: "Find the cause", due, state, label }
}

fn done(at: Option<Timestamp>, since: Timestamp, due: Timestamp) -> Option<(ClockState, String)> {
    let at = at?;
    Some(if at <= due {
        (ClockState::Met, format!("done in {}", labels::span(at, since)))
    } else {
        (ClockState::Overdue, format!("done {} late", labels::span(at, due)))
    })
}

fn open(due: Timestamp, as_of: Timestamp) -> (ClockState, String) {
    if due >= as_of {
        (ClockState::Running, format!("{} left", labels::span(due, as_of)))
    } else {
        (ClockState::Overdue, format!("{} overdue", labels::span(as_of, due)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lifecycle::incident::{Severity, Status};

    use super::*;

    fn incident() -> Incident {
        let created_at = Timestamp::from_unix_seconds(1_000_000);
        Incident {
            id: "INC-2026-0001".into(),
            title: "t".into(),
            severity: Severity::High,
            status: Status::Open,
            source: "policy.rollback".into(),
            agent: None,
            bundle_id: None,
            bundle_version: None,
            rollback_id: None,
            description: String::new(),
            created_by: "a".into(),
            created_at,
            ack_due_at: created_at.plus(Duration::from_secs(900)),
            investigate_due_at: created_at.plus(Duration::from_secs(3600)),
            acknowledged_by: None,
            acknowledged_at: None,
            mitigated_at: None,
            resolved_at: None,
            closed_at: None,
            timeline: vec![],
        }
    }

    fn plain(text: &str) -> String {
        text.replace('\u{a0}', " ")
    }

    #[test]
    fn an_open_incident_counts_down_and_then_up() {
        let incident = incident();
        let soon = acknowledge(&incident, incident.created_at.plus(Duration::from_secs(300)));
        assert_eq!((soon.state, plain(&soon.label).as_str()), (ClockState::Running, "10 min left"));
        let late = acknowledge(&incident, incident.created_at.plus(Duration::from_secs(1020)));
        assert_eq!((late.state, plain(&late.label).as_str()), (ClockState::Overdue, "2 min overdue"));
    }

    #[test]
    fn an_acknowledged_incident_says_how_long_it_took() {
        let mut incident = incident();
        incident.acknowledged_at = Some(incident.created_at.plus(Duration::from_secs(240)));
        let clock = acknowledge(&incident, incident.created_at.plus(Duration::from_secs(9000)));
        assert_eq!((clock.state, plain(&clock.label).as_str()), (ClockState::Met, "done in 4 min"));
        incident.resolved_at = Some(incident.created_at.plus(Duration::from_secs(5400)));
        let clock = investigate(&incident, incident.created_at.plus(Duration::from_secs(9000)));
        assert_eq!((clock.state, plain(&clock.label).as_str()), (ClockState::Overdue, "done 30 min late"));
    }
}
