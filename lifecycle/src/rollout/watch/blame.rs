//! Who is behind most of what is wrong.

use serde::{Deserialize, Serialize};

/// The one with the most, by name, and with how many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Largest {
    /// The name.
    pub name: String,
    /// How many.
    pub count: u64,
}

/// The decisions that are wrong, by whom they are about and who asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Offending {
    /// All of them.
    pub total: u64,
    /// The subject that most of them are about.
    pub subject: Option<Largest>,
    /// The agent that asked for most of them.
    pub agent: Option<Largest>,
}

impl Offending {
    /// The subject, or else the agent, behind more than half of them.
    pub fn behind_most(&self) -> Option<(&'static str, &Largest)> {
        let most = |largest: &&Largest| largest.count > self.total / 2;
        let subject = self.subject.as_ref().filter(most).map(|subject| ("subject", subject));
        subject.or_else(|| self.agent.as_ref().filter(most).map(|agent| ("agent", agent)))
    }

    /// A sentence about who is behind them.
    pub fn sentence(&self) -> String {
        match self.behind_most() {
            Some((what, largest)) => {
                format!("Most of it is the {what} `{}`: {} of {} decisions.", largest.name, largest.count, self.total)
            }
            None => format!("No subject and no agent is behind most of the {} decisions.", self.total),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subject_comes_before_the_agent_and_needs_more_than_half() {
        let of = |subject: u64, agent: u64| Offending {
            total: 300,
            subject: Some(Largest { name: "loop-19".into(), count: subject }),
            agent: Some(Largest { name: "mail".into(), count: agent }),
        };
        assert_eq!(of(280, 300).sentence(), "Most of it is the subject `loop-19`: 280 of 300 decisions.");
        assert_eq!(of(150, 300).sentence(), "Most of it is the agent `mail`: 300 of 300 decisions.");
        assert_eq!(of(150, 150).behind_most(), None);
        assert!(Offending::default().sentence().starts_with("No subject"));
    }
}
