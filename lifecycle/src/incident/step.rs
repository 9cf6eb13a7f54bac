//! How an incident moves on: taken, mitigated, resolved, closed.

use serde::{Deserialize, Serialize};

use super::Status;
use crate::problem::{Code, Problem};

/// Most characters of the note that goes with a step.
pub const MAX_NOTE_CHARS: usize = 2_000;

/// A step in dealing with an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Somebody takes it.
    Acknowledge,
    /// The damage has stopped.
    Mitigate,
    /// The cause is gone.
    Resolve,
    /// Nothing is left to do.
    Close,
}

impl Step {
    /// All, in order.
    pub const ALL: [Self; 4] = [Self::Acknowledge, Self::Mitigate, Self::Resolve, Self::Close];

    /// The name used in JSON and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Mitigate => "mitigate",
            Self::Resolve => "resolve",
            Self::Close => "close",
        }
    }

    /// Where it leads.
    pub const fn to(self) -> Status {
        match self {
            Self::Acknowledge => Status::Acknowledged,
            Self::Mitigate => Status::Mitigated,
            Self::Resolve => Status::Resolved,
            Self::Close => Status::Closed,
        }
    }

    /// Where it leads from `status`; none when that was reached before and nothing changes. What is under way may skip
    /// steps (an incident that was over before anybody looked is resolved at once), but only what is resolved is closed.
    ///
    /// # Errors
    /// `invalid_transition`, naming both: a step back from what is resolved or closed, and closing what is not resolved.
    pub fn from(self, status: Status) -> Result<Option<Status>, Problem> {
        let to = self.to();
        let over = matches!(status, Status::Resolved | Status::Closed);
        let why = match (status, to) {
            (status, to) if status == to => return Ok(None),
            (status, to) if status > to && !over => return Ok(None),
            (Status::Resolved, Status::Closed) => return Ok(Some(to)),
            (_, Status::Closed) => "resolve it first, and say how",
            _ if over => "it is over; open another incident if it comes back",
            _ => return Ok(Some(to)),
        };
        let detail = format!("the incident is `{}` and cannot become `{}`: {why}", status.name(), to.name());
        Err(Problem::new(Code::InvalidTransition, detail).with("from", status.name()).with("to", to.name()))
    }

    /// What the timeline says of it: `Mitigated the incident.`
    pub const fn told(self) -> &'static str {
        match self {
            Self::Acknowledge => "Acknowledged the incident.",
            Self::Mitigate => "Mitigated the incident.",
            Self::Resolve => "Resolved the incident.",
            Self::Close => "Closed the incident.",
        }
    }
}

/// The note that goes with a step, without surrounding blanks; empty when there is none.
///
/// # Errors
/// `invalid_field` when it is longer than [`MAX_NOTE_CHARS`] or holds what cannot be stored.
pub fn check_note(note: Option<&str>) -> Result<&str, Problem> {
    let note = note.unwrap_or_default().trim();
    if note.chars().count() > MAX_NOTE_CHARS || note.contains('\0') {
        return Err(Problem::invalid_field("/note", format!("has at most {MAX_NOTE_CHARS} characters")));
    }
    Ok(note)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_from_every_status() {
        let refused = |step: Step, status| step.from(status).is_err();
        for status in Status::ALL {
            for step in Step::ALL {
                let (to, over) = (step.to(), status >= Status::Resolved);
                match step.from(status) {
                    Ok(None) => assert!(status == to || (status > to && !over), "{step:?} from {status:?}"),
                    Ok(Some(next)) => assert!(next == to && next > status, "{step:?} from {status:?}"),
                    Err(problem) => {
                        assert_eq!((problem.code, problem.status), (Code::InvalidTransition, 409));
                        assert_eq!(
                            (&problem.extra["from"], &problem.extra["to"]),
                            (&status.name().into(), &to.name().into())
                        );
                    }
                }
            }
            // Nothing that is over is opened again, and nothing is closed that is not resolved.
            assert_eq!(refused(Step::Close, status), status < Status::Resolved);
            assert_eq!(refused(Step::Acknowledge, status), status >= Status::Resolved);
            assert_eq!(refused(Step::Resolve, status), status == Status::Closed);
        }
    }

    #[test]
    fn a_note_is_trimmed_and_bounded() {
        assert_eq!(check_note(None), Ok(""));
        assert_eq!(check_note(Some("  by hand \n")), Ok("by hand"));
        assert!(check_note(Some(&"x".repeat(MAX_NOTE_CHARS + 1))).is_err());
        assert!(check_note(Some("a\0b")).is_err());
    }
}
