//! Why a decision could not be logged.

use lifecycle::problem::{Code, Problem};

/// Why a decision could not be logged. Such a decision must not be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotLogged {
    /// More decisions are waiting than the queue holds.
    QueueFull,
    /// Neither the database nor the buffer on disk accepted the decision.
    Unavailable,
    /// The database accepted the other decisions of the batch, but not this one.
    Refused,
    /// The decision's id belongs to another question in the log.
    IdTaken {
        /// The id.
        decision_id: String,
    },
}

impl From<NotLogged> for Problem {
    fn from(reason: NotLogged) -> Self {
        match reason {
            NotLogged::QueueFull => {
                Self::new(Code::Unavailable, "more decisions are waiting than can be logged; try again in a moment")
            }
            NotLogged::Unavailable => {
                Self::new(Code::Unavailable, "the decision could not be logged, so it was not made; try again")
            }
            NotLogged::Refused => Self::new(Code::Internal, "the decision could not be logged, so it was not made"),
            NotLogged::IdTaken { decision_id } => {
                let detail = format!(
                    "the decision_id `{decision_id}` stands for another question in the log; ask this one under an id of \
                     its own"
                );
                Self::new(Code::Conflict, detail).with("decision_id", decision_id)
            }
        }
    }
}
