//! Freezes: times in which nothing is applied or promoted, and the switch that stops the line until it is released.
//!
//! Several freezes may hold at once: each counts for its own scope, and one that holds is enough. A rollback is never held.
//!
//! ```text
//! rule → recurrence → hold
//! ```

mod hold;
mod recurrence;
mod rule;

use policy::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::{
    hold::{Holding, Step, holding, refusal},
    recurrence::{Occurrence, Recurrence, RecurrenceFault},
};

/// What a freeze can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Operation {
    /// Putting a bundle into service.
    Apply,
    /// Raising its share of the traffic, by a person or automatically.
    Promote,
}

impl Operation {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Apply, Self::Promote];

    /// The name used in JSON.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What a freeze counts for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// What is held; empty holds everything.
    #[serde(default)]
    pub operations: Vec<Operation>,
    /// The agents whose rules must not change, as patterns; empty are all.
    #[serde(default)]
    pub agents: Vec<String>,
}

impl Scope {
    /// Everything.
    pub const ALL: Self = Self { operations: Vec::new(), agents: Vec::new() };
}

/// A person who may pass a freeze.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exemption {
    /// The person's name, as in records.
    pub person: String,
    /// Why they may.
    pub reason: String,
    /// Until when; `None` for as long as the freeze exists.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// A freeze.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Freeze {
    /// The number, given by the database.
    pub id: i64,
    /// What it is called, such as "Year end".
    pub name: String,
    /// Why nothing may change.
    pub reason: String,
    /// When it holds; `None` stops the line from `created_at` until it is ended.
    pub recurrence: Option<Recurrence>,
    /// What it counts for.
    pub scope: Scope,
    /// Who may pass.
    pub exemptions: Vec<Exemption>,
    /// Who made it.
    pub created_by: String,
    /// When it was made; it never holds before.
    pub created_at: Timestamp,
    /// Who ended it; `None` while it exists.
    pub ended_by: Option<String>,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

impl Freeze {
    /// The time around `now` in which the freeze holds; `None` when it does not hold now. Stopping the line has no end.
    pub fn holds_at(&self, now: Timestamp) -> Option<Occurrence> {
        if now < self.created_at || self.ended_at.is_some_and(|ended| ended <= now) {
            return None;
        }
        match &self.recurrence {
            None => Some(Occurrence { since: self.created_at, until: None }),
            Some(recurrence) => recurrence.around(now),
        }
    }

    /// The next time, after `now`, in which the freeze will hold.
    pub fn next_after(&self, now: Timestamp) -> Option<Occurrence> {
        if self.ended_at.is_some() { None } else { self.recurrence.as_ref()?.next_after(now) }
    }
}
