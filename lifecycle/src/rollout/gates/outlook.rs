//! What waiting may bring.

use super::{
    evidence::Evidence,
    gate::{Gate, GateVerdict},
};
use crate::{format::duration_words, rollout::counts::StageCounts};

/// The shortest time from which a rate of traffic is concluded, in seconds.
const SHORTEST: u64 = 60;

/// What waiting may bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outlook {
    /// At the current traffic it takes this long until there are so many more decisions.
    Seconds { seconds: u64, decisions: u64 },
    /// Waiting will not help, and why.
    InVain(String),
    /// Nothing is known of the traffic; what to do instead, as a sentence.
    Unknown(&'static str),
}

impl Outlook {
    /// The outlook as further sentences.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Seconds { seconds, decisions } => format!(
                " At the current traffic {decisions} more {} about {}.",
                if *decisions == 1 { "takes" } else { "take" },
                duration_words(*seconds)
            ),
            Self::InVain(why) => format!(" Waiting will not help: {why}."),
            Self::Unknown(advice) => format!(" {advice}"),
        }
    }
}

/// What to expect of `decisions` more decisions of the canary.
pub(super) fn of_decisions(evidence: &Evidence<'_>, decisions: u64, otherwise: &'static str) -> Outlook {
    let Some(counts) = evidence.counts else { return Outlook::Unknown(otherwise) };
    let traffic = &counts.traffic;
    if evidence.sample() == 0
        && let Some(why) = none_served(counts)
    {
        return Outlook::InVain(why);
    }
    if traffic.seconds < SHORTEST && traffic.decisions == 0 {
        return Outlook::Unknown(otherwise);
    }
    if traffic.decisions == 0 {
        return Outlook::InVain(format!("the canary was not asked in the last {}", duration_words(traffic.seconds)));
    }
    let seconds = (decisions as f64 * traffic.seconds.max(1) as f64 / traffic.decisions as f64).ceil();
    Outlook::Seconds { seconds: seconds as u64, decisions }
}

/// Why the canary served nothing, where the subjects say it.
fn none_served(counts: &StageCounts) -> Option<String> {
    let percent = counts.traffic.percent;
    match counts.traffic.subjects {
        _ if percent == 0 => None,
        0 => None,
        1 => Some(format!("1 subject seen, none of it in the {percent} %")),
        seen => Some(format!("{seen} subjects seen, none of them in the {percent} %")),
    }
}

impl Gate {
    /// The gate on hold, with the sentence about it and what may be expected.
    pub(super) fn held(mut self, what: &str, outlook: Outlook) -> Self {
        self.verdict = GateVerdict::Hold;
        self.message = format!("{what}{}", outlook.sentence());
        match outlook {
            Outlook::Seconds { seconds, .. } => self.wait_seconds = Some(seconds),
            Outlook::InVain(why) => self.waiting_will_not_help = Some(why),
            Outlook::Unknown(_) => {}
        }
        self
    }
}
