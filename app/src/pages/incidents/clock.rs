//! The clocks of an incident: what is due, what was done in time, what is late.

use lifecycle::incident::Incident;
use policy::Timestamp;

use crate::labels;

/// How a clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// Done within its time.
    Kept,
    /// Still running.
    Running,
    /// Past its time, whether done by now or not.
    Late,
}

/// One clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// What is due.
    pub what: &'static str,
    /// When.
    pub due: Timestamp,
    /// How it stands.
    pub hand: Hand,
    /// In words.
    pub words: String,
}

/// The clock of the acknowledgement.
pub fn acknowledge(incident: &Incident, as_of: Timestamp) -> Clock {
    let due = incident.ack_due_at;
    let (hand, words) = done(incident.acknowledged_at, incident.created_at, due).unwrap_or_else(|| open(due, as_of));
    Clock { what: "Acknowledge", due, hand, words }
}

/// The clock of the investigation: it stops when the incident is resolved.
pub fn investigate(incident: &Incident, as_of: Timestamp) -> Clock {
    let due = incident.investigate_due_at;
    let (hand, words) = done(incident.resolved_at, incident.created_at, due).unwrap_or_else(|| open(due, as_of));
    Clock { what: "Find the cause", due, hand, words }
}

fn done(at: Option<Timestamp>, since: Timestamp, due: Timestamp) -> Option<(Hand, String)> {
    let at = at?;
    Some(if at <= due {
        (Hand::Kept, format!("done in {}", labels::span(at, since)))
    } else {
        (Hand::Late, format!("done {} late", labels::span(at, due)))
    })
}

fn open(due: Timestamp, as_of: Timestamp) -> (Hand, String) {
    if due >= as_of {
        (Hand::Running, format!("{} left", labels::span(due, as_of)))
    } else {
        (Hand::Late, format!("{} overdue", labels::span(as_of, due)))
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
        let it = incident();
        let soon = acknowledge(&it, it.created_at.plus(Duration::from_secs(300)));
        assert_eq!((soon.hand, plain(&soon.words).as_str()), (Hand::Running, "10 min left"));
        let late = acknowledge(&it, it.created_at.plus(Duration::from_secs(1020)));
        assert_eq!((late.hand, plain(&late.words).as_str()), (Hand::Late, "2 min overdue"));
    }

    #[test]
    fn an_acknowledged_one_says_how_long_it_took() {
        let mut it = incident();
        it.acknowledged_at = Some(it.created_at.plus(Duration::from_secs(240)));
        let clock = acknowledge(&it, it.created_at.plus(Duration::from_secs(9000)));
        assert_eq!((clock.hand, plain(&clock.words).as_str()), (Hand::Kept, "done in 4 min"));
        it.resolved_at = Some(it.created_at.plus(Duration::from_secs(5400)));
        let clock = investigate(&it, it.created_at.plus(Duration::from_secs(9000)));
        assert_eq!((clock.hand, plain(&clock.words).as_str()), (Hand::Late, "done 30 min late"));
    }
}
