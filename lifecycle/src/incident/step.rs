//! The steps of an incident: acknowledged, mitigated, resolved, closed.

use serde::{Deserialize, Serialize};

use super::Status;
use crate::problem::{Code, Problem};

/// Maximum length of the note that goes with a step, in characters.
pub const MAX_NOTE_CHARS: usize = 2_000;

/// A step in dealing with an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(test, derive(strum::VariantArray))]
pub enum Step {
    /// A person takes the incident.
    Acknowledge,
    /// The damage has stopped.
    Mitigate,
    /// The cause is gone.
    Resolve,
    /// Nothing is left to do.
    Close,
}

impl Step {
    /// The name used in JSON and in forms.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The status that the step leads to.
    pub const fn to(self) -> Status {
        match self {
            Self::Acknowledge => Status::Acknowledged,
            Self::Mitigate => Status::Mitigated,
            Self::Resolve => Status::Resolved,
            Self::Close => Status::Closed,
        }
    }

    /// The status after this step from `status`; `None` when that status was reached before and nothing changes. Steps
    /// may be skipped (an incident that was over before it was noticed is resolved at once), but only a resolved
    /// incident can be closed.
    ///
    /// # Errors
    /// `invalid_transition`, with both statuses: for a step back from resolved or closed, and for closing an incident
    /// that is not resolved.
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

    /// The sentence in the timeline: `Mitigated the incident.`
    pub const fn timeline_text(self) -> &'static str {
        match self {
            Self::Acknowledge => "Acknowledged the incident.",
            Self::Mitigate => "Mitigated the incident.",
            Self::Resolve => "Resolved the incident.",
            Self::Close => "Closed the incident.",
        }
    }
}

/// The note that goes with a step, without surrounding whitespace; empty when there is none.
///
/// # Errors
/// `invalid_field` when the note is longer than [`MAX_NOTE_CHARS`] or contains a NUL character.
pub fn check_note(note: Option<&str>) -> Result<&str, Problem> {
    let note = note.unwrap_or_default().trim();
    if note.chars().count() > MAX_NOTE_CHARS || note.contains('\0') {
        return Err(Problem::invalid_field("/note", format!("has at most {MAX_NOTE_CHARS} characters")));
    }
    Ok(note)
}

#[cfg(test)]
mod tests {
    use strum::VariantArray;

    use super::*;

    #[test]
    fn every_step_from_every_status() {
        let refused = |step: Step, status| step.from(status).is_err();
        for &status in Status::VARIANTS {
            for &step in Step::VARIANTS {
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
            // A resolved incident is never reopened, and only a resolved one is closed.
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
