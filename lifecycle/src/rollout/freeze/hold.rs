//! What holds an apply or a promotion now.

use policy::{Timestamp, bundle::name::NamePattern};
use serde::{Deserialize, Serialize};

use super::{Exemption, Freeze, Operation};
use crate::authority::same_person;

/// What a person wants to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step<'a> {
    /// What it is.
    pub operation: Operation,
    /// The agents whose rules it changes, as patterns; empty when that is not known, which counts as all.
    pub agents: &'a [String],
    /// Who wants to.
    pub actor: &'a str,
}

/// A freeze that holds now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Holding {
    /// The number of the freeze.
    pub freeze_id: i64,
    /// What it is called.
    pub name: String,
    /// Why nothing may change.
    pub reason: String,
    /// Since when it holds.
    pub since: Timestamp,
    /// Until when; `None` until a person ends it.
    pub until: Option<Timestamp>,
    /// Who made it.
    pub by: String,
    /// Who may pass now, and why.
    pub may_pass: Vec<Exemption>,
    /// Whether the one who asks may.
    pub passes: bool,
}

impl Holding {
    /// Why the step has to wait, in sentences.
    pub fn sentence(&self, operation: Operation) -> String {
        let what = match operation {
            Operation::Apply => "Nothing is applied",
            Operation::Promote => "Nothing is promoted",
        };
        let until = self
            .until
            .map_or_else(|| format!("until {} or another owner ends it", self.by), |until| format!("until {until}"));
        let who: Vec<String> =
            self.may_pass.iter().map(|exemption| format!("{} ({})", exemption.person, exemption.reason)).collect();
        let who = match who.as_slice() {
            [] => "Nobody may pass.".to_owned(),
            [one] => format!("{one} may pass."),
            more => format!("These may pass: {}.", more.join(", ")),
        };
        format!("{what} since {} {until}: {} ({}). {who}", self.since, self.name, self.reason)
    }
}

/// The freezes that count for a step now, those that its actor may pass included. What has to wait waits for all that they
/// may not pass.
pub fn holding(freezes: &[Freeze], step: &Step<'_>, now: Timestamp) -> Vec<Holding> {
    let holds = |freeze: &Freeze| {
        let occurrence = freeze.holds_at(now).filter(|_| covers(freeze, step))?;
        let valid = |exemption: &&Exemption| exemption.until.is_none_or(|until| now < until);
        let may_pass: Vec<Exemption> = freeze.exemptions.iter().filter(valid).cloned().collect();
        Some(Holding {
            freeze_id: freeze.id,
            name: freeze.name.clone(),
            reason: freeze.reason.clone(),
            since: occurrence.since,
            until: occurrence.until,
            by: freeze.created_by.clone(),
            passes: may_pass.iter().any(|exemption| same_person(&exemption.person, step.actor)),
            may_pass,
        })
    };
    freezes.iter().filter_map(holds).collect()
}

/// Why a step has to wait: the sentences of all freezes that its actor may not pass; `None` when nothing holds it.
pub fn refusal(holding: &[Holding], operation: Operation) -> Option<String> {
    let sentences: Vec<String> =
        holding.iter().filter(|freeze| !freeze.passes).map(|freeze| freeze.sentence(operation)).collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// Whether the scope of a freeze covers a step. What cannot be read is covered.
fn covers(freeze: &Freeze, step: &Step<'_>) -> bool {
    let scope = &freeze.scope;
    let operation = scope.operations.is_empty() || scope.operations.contains(&step.operation);
    let overlaps = |frozen: &String, changed: &String| {
        let patterns = NamePattern::parse(frozen).zip(NamePattern::parse(changed));
        patterns.is_none_or(|(frozen, changed)| frozen.overlaps(&changed))
    };
    let all = scope.agents.is_empty() || step.agents.is_empty();
    operation && (all || scope.agents.iter().any(|frozen| step.agents.iter().any(|changed| overlaps(frozen, changed))))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        super::{Recurrence, Scope},
        *,
    };

    fn now() -> Timestamp {
        // 2026-12-20 12:00 UTC, a Sunday.
        Timestamp::from_unix_seconds(1_797_768_000)
    }

    fn freeze(id: i64, recurrence: Option<Recurrence>, scope: Scope) -> Freeze {
        Freeze {
            id,
            name: "Year end".into(),
            reason: "half of us are away".into(),
            recurrence,
            scope,
            exemptions: Vec::new(),
            created_by: "sam@x".into(),
            created_at: now().minus(Duration::from_secs(3_600)),
            ended_by: None,
            ended_at: None,
        }
    }

    fn year_end() -> Recurrence {
        Recurrence { starts_at: "2026-12-18T18:00".into(), zone: "UTC".into(), minutes: 14 * 1_440, rule: None }
    }

    fn step<'a>(operation: Operation, agents: &'a [String], actor: &'a str) -> Step<'a> {
        Step { operation, agents, actor }
    }

    fn held(freezes: &[Freeze], step: &Step<'_>) -> Vec<i64> {
        holding(freezes, step, now()).iter().filter(|held| !held.passes).map(|held| held.freeze_id).collect()
    }

    #[test]
    fn one_freeze_of_several_is_enough() {
        let agents = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let payments = Scope { operations: vec![Operation::Promote], agents: agents(&["payments.*"]) };
        let freezes = [freeze(1, Some(year_end()), payments), freeze(2, None, Scope::ALL)];
        let changed = agents(&["inbox.triage"]);
        assert_eq!(held(&freezes, &step(Operation::Apply, &changed, "rob@x")), [2]);
        let both = agents(&["inbox.triage", "payments.refund"]);
        assert_eq!(held(&freezes, &step(Operation::Promote, &both, "rob@x")), [1, 2]);
        assert_eq!(held(&freezes, &step(Operation::Promote, &agents(&["*"]), "rob@x")), [1, 2]);
        assert_eq!(held(&freezes[..1], &step(Operation::Promote, &[], "rob@x")), [1], "unknown is all");
        assert!(held(&freezes[..1], &step(Operation::Apply, &both, "rob@x")).is_empty());
    }

    #[test]
    fn an_exemption_names_a_person_and_may_end() {
        let mut frozen = freeze(1, Some(year_end()), Scope::ALL);
        frozen.exemptions = vec![
            Exemption { person: "Rita@X".into(), reason: "owns the freeze".into(), until: None },
            Exemption { person: "bob@x".into(), reason: "hot fix".into(), until: Some(now()) },
        ];
        let freezes = [frozen];
        assert!(held(&freezes, &step(Operation::Apply, &[], "rita@x")).is_empty());
        assert_eq!(held(&freezes, &step(Operation::Apply, &[], "bob@x")), [1], "their time is over");
        let found = holding(&freezes, &step(Operation::Apply, &[], "bob@x"), now());
        assert_eq!(
            refusal(&found, Operation::Apply).unwrap(),
            "Nothing is applied since 2026-12-18T18:00:00Z until 2027-01-01T18:00:00Z: Year end (half of us are away). Rita@X \
             (owns the freeze) may pass."
        );
        assert_eq!(refusal(&holding(&freezes, &step(Operation::Apply, &[], "rita@x"), now()), Operation::Apply), None);
    }

    #[test]
    fn the_line_stays_stopped_until_a_person_ends_it() {
        let mut stopped = freeze(1, None, Scope::ALL);
        let promote = step(Operation::Promote, &[], "rob@x");
        let found = holding(&[stopped.clone()], &promote, now());
        assert_eq!((found[0].since, found[0].until), (stopped.created_at, None));
        assert!(found[0].sentence(Operation::Promote).contains("until sam@x or another owner ends it"), "{found:?}");
        assert_eq!(holding(&[stopped.clone()], &promote, stopped.created_at.minus(Duration::from_secs(1))), []);
        stopped.ended_at = Some(now());
        stopped.ended_by = Some("sue@x".into());
        assert!(held(&[stopped], &promote).is_empty());
    }
}
