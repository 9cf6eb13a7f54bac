//! A week of decisions for the example's three agents. The requests are seeded, so that every example workspace has the
//! same week; the bundles that were live then decide them.

use std::time::Duration;

use lifecycle::decision::{BundleRef, Mode, OtherArm, Record};
use policy::{
    Timestamp,
    bundle::{Bundle, Effect},
    engine::{Arm, Evaluation, Input, Prepared, split},
    random::Random,
    replay::{Outcome, OutcomeStatus},
};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

/// The number of decisions.
pub const COUNT: usize = 20_000;
const WEEK_SECONDS: usize = 7 * 86_400;
const SEED: u64 = 0x0C05_17E5;

/// A bundle that made decisions.
pub struct LiveBundle {
    name: BundleRef,
    prepared: Prepared,
}

impl LiveBundle {
    /// Prepares `bundle` for many requests.
    pub fn new(name: BundleRef, bundle: &Bundle) -> Self {
        Self { name, prepared: Prepared::new(bundle) }
    }
}

/// Which bundle decided when: the previous one, then both while the new one was a canary, then the new one.
pub struct History {
    /// The bundle that was live at the start of the week.
    pub previous: LiveBundle,
    /// The bundle that is live at the end of the week.
    pub stable: LiveBundle,
    /// When the new bundle got 10 %, 50 % and 100 %.
    pub stages: [(Timestamp, i16); 3],
}

impl History {
    /// The new bundle's share of traffic at `at`.
    fn share(&self, at: Timestamp) -> i16 {
        self.stages.iter().rev().find(|(since, _)| *since <= at).map_or(0, |(_, percent)| *percent)
    }

    fn decide(&self, number: usize, at: Timestamp, subject: String, input: Input) -> Record {
        let share = self.share(at);
        let arm = match share {
            0 | 100 => Arm::Stable,
            percent => split::arm(&self.stable.name.digest, &subject, percent),
        };
        // While the new bundle is a canary, the previous one is stable.
        let new_serves = share == 100 || arm == Arm::Canary;
        let (serving, other) = if new_serves { (&self.stable, &self.previous) } else { (&self.previous, &self.stable) };
        let answer: Evaluation = serving.prepared.decide(&input);
        let other_arm = (0 < share && share < 100).then(|| {
            let answer = other.prepared.decide(&input);
            OtherArm {
                bundle: other.name.clone(),
                effect: answer.effect,
                status: answer.status,
                matched_rule: answer.matched_rule,
            }
        });
        Record {
            decision_id: format!("demo-{number:05}"),
            decided_at: at,
            agent: input.agent,
            action: input.action,
            subject,
            context: input.context,
            effect: answer.effect,
            status: answer.status,
            matched_rule: answer.matched_rule,
            reason: answer.reason,
            budget: answer.budget,
            bundle: Some(serving.name.clone()),
            arm,
            mode: Mode::Normal,
            errors: answer.errors,
            other_arm,
            outcome: None,
            asked_by: None,
        }
    }
}

/// The week before `now`, oldest first; most decisions have outcomes.
pub fn week(history: &History, now: Timestamp) -> Vec<Record> {
    let mut random = Random::new(SEED);
    let mut times: Vec<Timestamp> = (0..COUNT).map(|_| moment(&mut random, now)).collect();
    times.sort_unstable();
    times
        .into_iter()
        .enumerate()
        .map(|(index, at)| {
            let subject = format!("account-{:03}", random.below(600));
            let input = question(&mut random, at);
            let mut record = history.decide(index + 1, at, subject, input);
            record.outcome = outcome_of(&mut random, &record);
            record
        })
        .collect()
}

/// A time in the week: busy by day, quiet at night.
fn moment(random: &mut Random, now: Timestamp) -> Timestamp {
    loop {
        let seconds = u64::try_from(random.below(WEEK_SECONDS)).unwrap_or(0);
        let at = now.minus(Duration::from_secs(seconds + 1)).plus(Duration::from_millis(random.bits() % 1000));
        let busy = if (7..19).contains(&OffsetDateTime::from(at).hour()) { 100 } else { 45 };
        if random.chance(busy) {
            return at;
        }
    }
}

/// A call of one of the example's agents at `at`.
pub fn question(random: &mut Random, at: Timestamp) -> Input {
    let (agent, action) = match random.below(100) {
        0..30 => ("inbox.triage", "quarantine"),
        30..50 => ("inbox.triage", "archive"),
        50..68 => ("inbox.triage", "allow"),
        68..74 => ("inbox.triage", "escalate"),
        74..83 => ("knowledge.search", "reindex"),
        83..91 => ("knowledge.search", "update"),
        91..92 => ("knowledge.search", "delete"),
        92..98 => ("planner.deploy", "deploy"),
        _ => ("planner.deploy", "rollback"),
    };
    let facts = match (agent, action) {
        ("inbox.triage", _) => mail(random, action),
        ("knowledge.search", _) => search(random, at, action),
        _ => deployment(random, at),
    };
    let mut context: Map<String, Value> = if let Value::Object(facts) = facts { facts } else { Map::new() };
    if random.below(1000) < 15 {
        context.insert("risk".to_owned(), json!("high"));
        context.insert("approvers_count".to_owned(), json!(random.below(3)));
    }
    // Occasionally a caller sends a number as text.
    if random.below(1000) < 4 {
        let number = ["risk_score", "size_gb", "current_hour"].into_iter().find(|field| context.contains_key(*field));
        if let Some(value) = number.and_then(|field| context.get_mut(field)) {
            *value = Value::String(value.to_string());
        }
    }
    Input { agent: agent.to_owned(), action: action.to_owned(), context }
}

fn mail(random: &mut Random, action: &str) -> Value {
    let own = action == "allow" && random.chance(90);
    let domains = ["@example.org", "@mailer.example.net", "@partner.example.com", "@news.example.com"];
    let mut facts = json!({
        "sender_domain": if own { "@company.com" } else { random.pick(&domains).copied().unwrap_or_default() },
        "dkim_valid": random.chance(if own { 95 } else { 70 }),
        "sender_vip": random.chance(3),
        "domain_seen_days": random.below(400),
    });
    let (risk, category) = match action {
        "quarantine" => {
            let category =
                if random.chance(75) { "phishing" } else { pick(random, &["malware", "suspicious", "spam"]) };
            (if random.chance(82) { 85 + random.below(16) } else { 45 + random.below(40) }, category)
        }
        "escalate" => (55 + random.below(35), "suspicious"),
        "archive" => (random.below(30), if random.chance(95) { "newsletter" } else { "spam" }),
        _ => (random.below(25), pick(random, &["personal", "invoice"])),
    };
    facts["risk_score"] = json!(risk);
    facts["category"] = json!(category);
    match action {
        "archive" => {
            facts["unsubscribe_link_present"] = json!(random.chance(96));
            facts["spam_score"] = json!(random.below(53));
        }
        "escalate" => facts["sender_reputation"] = json!(hundredths(random.unit() * 0.6)),
        "quarantine" => facts["rollout_day"] = json!(random.below(30)),
        _ => {}
    }
    if random.below(1000) < 6 {
        facts["error_rate_5min"] = json!(hundredths(0.1 + random.unit() * 0.2));
        facts["circuit_open"] = json!(true);
    }
    facts
}

fn search(random: &mut Random, at: Timestamp, action: &str) -> Value {
    match action {
        "reindex" => {
            let (size, cost) = match random.below(100) {
                0..78 => (1.0 + random.unit() * 8.0, 0.2 + random.unit() * 4.5),
                78..90 => (12.0 + random.unit() * 35.0, 6.0 + random.unit() * 18.0),
                _ => (50.0 + random.unit() * 150.0, 25.0 + random.unit() * 90.0),
            };
            json!({
                "size_gb": hundredths(size), "estimated_cost": hundredths(cost),
                "doc_count": 1_000 + random.below(95_000), "compute": 10 + random.below(1_100),
                "current_load": hundredths(random.unit()),
            })
        }
        "update" => {
            let day = OffsetDateTime::from(at).weekday().to_string();
            json!({
                "day_of_week": day, "priority": pick(random, &["low", "normal", "normal", "high"]),
                "urgent": random.chance(20), "environment": "production",
            })
        }
        _ => json!({"environment": pick(random, &["production", "staging"]), "soft_delete": random.chance(60)}),
    }
}

fn deployment(random: &mut Random, at: Timestamp) -> Value {
    json!({
        "environment": pick(random, &["production", "production", "staging"]),
        "canary_enabled": random.chance(93),
        "current_hour": OffsetDateTime::from(at).hour(),
        "override_approved": random.chance(10),
        "severity": pick(random, &["critical", "critical", "high", "medium"]),
        "incident_active": random.chance(85),
        "estimated_cost": hundredths(1.0 + random.unit() * random.unit() * 140.0),
    })
}

/// The outcome of an action: most allowed actions succeed, and four of five held ones are approved.
fn outcome_of(random: &mut Random, record: &Record) -> Option<Outcome> {
    let happened = match record.effect {
        Effect::Allow => random.chance(97),
        Effect::NeedsApproval => random.chance(80),
        Effect::Deny => false,
    };
    if !happened {
        return None;
    }
    Some(outcome(random, record.budget.and_then(|budget| budget.cost)))
}

/// The outcome of an action that was carried out, which was planned to cost so many USD.
pub fn outcome(random: &mut Random, planned: Option<f64>) -> Outcome {
    let failed = random.below(1000) < 18;
    let planned = planned.unwrap_or(0.02);
    Outcome {
        status: if failed { OutcomeStatus::Error } else { OutcomeStatus::Ok },
        cost: Some(hundredths(planned * (0.6 + random.unit() * 0.6) * 100.0) / 100.0),
        margin_bps: Some(hundredths(if failed { -40.0 } else { 35.0 } + random.unit() * 50.0 - 25.0)),
        success: Some(!failed && random.chance(95)),
        latency_ms: Some(hundredths(15.0 + random.unit() * random.unit() * 600.0)),
        note: None,
    }
}

fn pick(random: &mut Random, items: &[&'static str]) -> &'static str {
    random.pick(items).copied().unwrap_or_default()
}

fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use policy::engine::Status;

    use super::*;
    use crate::demo::rules;

    fn sample() -> Vec<Record> {
        let live_bundle = |id: i64, source: policy::bundle::Source| {
            let digest = source.digest().to_string();
            LiveBundle::new(
                BundleRef { id, version: source.version.clone().unwrap(), digest },
                &source.parse_rules().bundle,
            )
        };
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let day = |days: u64| now.minus(Duration::from_secs(days * 86_400));
        let history = History {
            previous: live_bundle(1, rules::previous().unwrap()),
            stable: live_bundle(2, rules::stable().unwrap()),
            stages: [(day(5), 10), (day(4), 50), (day(3), 100)],
        };
        week(&history, now)
    }

    #[test]
    fn the_week_is_plausible_and_repeatable() {
        let records = sample();
        assert_eq!(records.len(), COUNT);
        let share = |count: usize| count as f64 / COUNT as f64;
        let effects = |effect| share(records.iter().filter(|record| record.effect == effect).count());
        let errors = share(records.iter().filter(|record| record.status == Status::Error).count());
        let unmatched = share(records.iter().filter(|record| record.status == Status::NoMatch).count());
        let (allow, deny, held) = (effects(Effect::Allow), effects(Effect::Deny), effects(Effect::NeedsApproval));
        assert!((0.6..0.85).contains(&allow), "allow {allow}");
        assert!((0.1..0.3).contains(&deny), "deny {deny}");
        assert!((0.03..0.2).contains(&held), "held {held}");
        assert!((0.001..0.02).contains(&errors), "errors {errors}");
        assert!(unmatched < 0.2, "unmatched {unmatched}");
        let rules: std::collections::BTreeSet<_> =
            records.iter().filter_map(|record| record.matched_rule.clone()).collect();
        assert!(rules.len() >= 18, "{rules:?}");
        assert!(records == sample());
    }

    #[test]
    fn arms_follow_the_stages() {
        for record in sample() {
            let version = record.bundle.as_ref().unwrap().version.as_str();
            match record.arm {
                Arm::Canary => assert!(version == rules::STABLE_VERSION && record.other_arm.is_some()),
                Arm::Stable if record.other_arm.is_some() => assert_eq!(version, rules::PREVIOUS_VERSION),
                Arm::Stable => {}
                Arm::None => panic!("some bundle was always live"),
            }
        }
    }
}
