//! The states of a bundle and the only transitions between them.

use serde::{Deserialize, Serialize};

use crate::problem::{Code, Problem};

/// The state of a bundle in its life.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(test, derive(strum::VariantArray))]
pub enum State {
    /// Editable.
    Draft,
    /// A packet waits for reviewers.
    InReview,
    /// A reviewer asked for changes.
    ChangesRequested,
    /// Signed off, not yet in service.
    Approved,
    /// Refused for good.
    Rejected,
    /// Evaluated next to stable without serving anyone.
    Shadow,
    /// Serves part of the traffic.
    Canary,
    /// Stable: serves all traffic that no canary takes.
    Active,
    /// Another bundle took over.
    Superseded,
    /// Taken out of service.
    RolledBack,
}

/// The commands that change a bundle's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Command {
    /// Save new content, or withdraw from review.
    Edit,
    /// Build a review packet.
    Submit,
    /// The quorum approved.
    Approve,
    /// A reviewer rejected.
    Reject,
    /// A reviewer asked for changes.
    RequestChanges,
    /// Put into service at 0 % (`shadow`) or 10 %.
    Apply {
        /// Start without traffic.
        shadow: bool,
    },
    /// Raise the share of traffic.
    Promote {
        /// To all traffic.
        to_full: bool,
    },
    /// Take out of service.
    RollBack,
    /// Another bundle reached 100 %.
    Supersede,
    /// Return to 100 % after a later version was rolled back.
    Restore,
}

impl State {
    /// The name used in JSON, SQL and the API.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The state called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

impl Command {
    /// All commands.
    pub const ALL: [Self; 12] = [
        Self::Edit,
        Self::Submit,
        Self::Approve,
        Self::Reject,
        Self::RequestChanges,
        Self::Apply { shadow: true },
        Self::Apply { shadow: false },
        Self::Promote { to_full: false },
        Self::Promote { to_full: true },
        Self::RollBack,
        Self::Supersede,
        Self::Restore,
    ];

    /// The state the command leads to where the command is allowed. Only an edit in `changes_requested` differs: the
    /// bundle stays in that state.
    pub const fn target(self) -> State {
        match self {
            Self::Edit => State::Draft,
            Self::Submit => State::InReview,
            Self::Approve => State::Approved,
            Self::Reject => State::Rejected,
            Self::RequestChanges => State::ChangesRequested,
            Self::Apply { shadow: true } => State::Shadow,
            Self::Apply { shadow: false } | Self::Promote { to_full: false } => State::Canary,
            Self::Promote { to_full: true } | Self::Restore => State::Active,
            Self::RollBack => State::RolledBack,
            Self::Supersede => State::Superseded,
        }
    }
}

/// The state machine has no such transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a bundle that is `{from}` cannot become `{to}`")]
pub struct InvalidTransition {
    /// The current state.
    pub from: State,
    /// The requested state.
    pub to: State,
}

impl From<InvalidTransition> for Problem {
    fn from(error: InvalidTransition) -> Self {
        Self::new(Code::InvalidTransition, error.to_string())
            .with("from", error.from.name())
            .with("to", error.to.name())
    }
}

impl State {
    /// The state after `command`. This is the whole table of transitions; nothing else changes a bundle's state.
    ///
    /// # Errors
    /// [`InvalidTransition`] for every pair that is not in the table.
    pub const fn apply(self, command: Command) -> Result<Self, InvalidTransition> {
        use State::{Active, Approved, Canary, ChangesRequested, Draft, InReview, Shadow, Superseded};
        match (self, command) {
            (Draft | InReview | Approved, Command::Edit) => Ok(Draft),
            (ChangesRequested, Command::Edit) => Ok(ChangesRequested),
            (Draft | ChangesRequested, Command::Submit)
            | (InReview, Command::Approve | Command::Reject | Command::RequestChanges)
            | (Approved, Command::Apply { .. })
            | (Shadow | Canary, Command::Promote { to_full: false })
            | (Canary, Command::Promote { to_full: true })
            | (Shadow | Canary | Active, Command::RollBack)
            | (Active, Command::Supersede)
            | (Superseded, Command::Restore) => Ok(command.target()),
            _ => Err(InvalidTransition { from: self, to: command.target() }),
        }
    }

    /// Whether the content may be edited. Editing a submitted bundle voids its packet and the approvals.
    pub const fn is_editable(self) -> bool {
        self.apply(Command::Edit).is_ok()
    }

    /// Whether the bundle serves traffic or is evaluated in shadow.
    pub const fn is_in_service(self) -> bool {
        matches!(self, Self::Shadow | Self::Canary | Self::Active)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use strum::VariantArray;

    use super::*;

    /// The table of the specification: from, command, to.
    const TABLE: [(State, Command, State); 18] = [
        (State::Draft, Command::Edit, State::Draft),
        (State::InReview, Command::Edit, State::Draft),
        (State::Approved, Command::Edit, State::Draft),
        (State::ChangesRequested, Command::Edit, State::ChangesRequested),
        (State::Draft, Command::Submit, State::InReview),
        (State::ChangesRequested, Command::Submit, State::InReview),
        (State::InReview, Command::Approve, State::Approved),
        (State::InReview, Command::Reject, State::Rejected),
        (State::InReview, Command::RequestChanges, State::ChangesRequested),
        (State::Approved, Command::Apply { shadow: true }, State::Shadow),
        (State::Approved, Command::Apply { shadow: false }, State::Canary),
        (State::Shadow, Command::Promote { to_full: false }, State::Canary),
        (State::Canary, Command::Promote { to_full: false }, State::Canary),
        (State::Canary, Command::Promote { to_full: true }, State::Active),
        (State::Shadow, Command::RollBack, State::RolledBack),
        (State::Canary, Command::RollBack, State::RolledBack),
        (State::Active, Command::RollBack, State::RolledBack),
        (State::Active, Command::Supersede, State::Superseded),
    ];

    #[test]
    fn every_pair_of_state_and_command_is_as_the_table_says() {
        for &from in State::VARIANTS {
            for command in Command::ALL {
                let row = TABLE.iter().find(|row| row.0 == from && row.1 == command);
                let restored = from == State::Superseded && command == Command::Restore;
                let wanted = if restored { Some(State::Active) } else { row.map(|row| row.2) };
                let to = command.target();
                assert_eq!(from.apply(command), wanted.ok_or(InvalidTransition { from, to }), "{from} {command:?}");
            }
        }
    }

    #[test]
    fn final_states_stay_final() {
        for command in Command::ALL {
            assert!(State::Rejected.apply(command).is_err());
            assert!(State::RolledBack.apply(command).is_err());
        }
    }

    #[test]
    fn a_refusal_names_both_states() {
        let problem = Problem::from(State::Draft.apply(Command::Promote { to_full: true }).unwrap_err());
        assert_eq!(problem.status, 409);
        assert_eq!(problem.detail, "a bundle that is `draft` cannot become `active`");
        assert_eq!((problem.extra["from"].as_str(), problem.extra["to"].as_str()), (Some("draft"), Some("active")));
    }

    proptest! {
        #[test]
        fn a_bundle_in_service_was_approved(commands in prop::collection::vec(prop::sample::select(Command::ALL.to_vec()), 0..40)) {
            let (mut state, mut approved) = (State::Draft, false);
            for command in commands {
                let Ok(next) = state.apply(command) else { continue };
                approved = match next {
                    State::Approved => true,
                    State::Draft | State::InReview | State::ChangesRequested => false,
                    _ => approved,
                };
                prop_assert!(!next.is_in_service() || approved, "{state} {command:?}");
                state = next;
            }
        }
    }
}
