//! Post-mortems: the runbook's template, filled in with what is known about an incident.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::Incident;
use crate::{format::duration_words, metrics::ArmStats, problem::Problem};

/// Maximum length of a post-mortem, in characters.
pub const MAX_CHARS: usize = 50_000;

/// The share of traffic, in percent, from which a rollback counts as an emergency: the bundle served everyone. A canary
/// harms only part of the traffic.
const EMERGENCY_PCT: i16 = 100;

/// The placeholders that the template leaves for people to fill in.
const PLACEHOLDERS: [&str; 7] = [
    "[2-3 sentences on what happened]",
    "[Who noticed, and what it meant for them]",
    "[What went wrong, in detail]",
    "[What helped]",
    "[What did not]",
    "[Owner]: [Action] - [Due date]",
    "[What to remember]",
];

/// A post-mortem. Its JSON form is the contract of `GET /incidents/{id}/post-mortem`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PostMortem {
    /// The incident.
    pub incident_id: String,
    /// Incremented with every save; 0 for a proposal that was never saved.
    pub revision: i64,
    /// The text, in Markdown.
    pub markdown: String,
    /// How many placeholders of the template are still open.
    pub open_places: usize,
    /// Whether the incident cannot be closed without a post-mortem.
    pub required: bool,
    /// The author of this revision.
    pub written_by: Option<String>,
    /// When this revision was saved.
    pub written_at: Option<Timestamp>,
}

/// The decisions of an incident's bundle while the incident lasted.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentImpact {
    /// When the bundle entered service, or the incident was opened.
    pub from: Timestamp,
    /// When the bundle was taken out, or the damage stopped; now, while the incident lasts.
    pub until: Timestamp,
    /// The bundle's share of traffic when it was taken out, in percent.
    pub traffic_pct: Option<i16>,
    /// The bundle's decisions in that time.
    pub served: ArmStats,
}

/// Whether an incident needs a post-mortem. `rolled_back_from_pct` is the share of traffic, in percent, that the
/// incident's bundle had when it was rolled back, if it was.
pub fn is_required(rolled_back_from_pct: Option<i16>) -> bool {
    rolled_back_from_pct.is_some_and(|pct| pct >= EMERGENCY_PCT)
}

/// How many placeholders of the template are still open in `markdown`.
pub fn open_places(markdown: &str) -> usize {
    PLACEHOLDERS.iter().map(|place| markdown.matches(place).count()).sum()
}

/// Checks that a text can be saved as a post-mortem.
///
/// # Errors
/// `invalid_field` when the text is blank, longer than [`MAX_CHARS`], or contains a NUL character.
pub fn check(markdown: &str) -> Result<(), Problem> {
    let wrong = |detail: String| Err(Problem::invalid_field("/markdown", detail));
    if markdown.trim().is_empty() {
        return wrong("is empty; say what happened".to_owned());
    }
    if markdown.chars().count() > MAX_CHARS || markdown.contains('\0') {
        return wrong(format!("has at most {MAX_CHARS} characters"));
    }
    Ok(())
}

/// The runbook's template, filled in with what is known about an incident. `related` are other incidents, by id and
/// title.
pub fn propose(
    incident: &Incident,
    impact: Option<&IncidentImpact>,
    author: &str,
    related: &[(String, String)],
    now: Timestamp,
) -> String {
    let [summary, users, cause, well, wrong, action, lesson] = PLACEHOLDERS;
    let mut lines: Vec<String> = Vec::new();
    let mut add = |line: String| lines.push(line);
    add(format!("# Policy Post-Mortem: {}\n", incident.title));
    add(format!("**Date**: {}\n**Author**: {author}\n**Reviewers**:\n", day(now)));
    add(format!("## Summary\n{summary}\n"));
    if !incident.description.is_empty() {
        add(format!("{}\n", incident.description));
    }
    add("## Timeline (UTC)".to_owned());
    let first = incident.timeline.first().map_or(incident.created_at, |entry| entry.at);
    for entry in &incident.timeline {
        add(format!("- {}: {} ({})", moment(entry.at, first), entry.text, entry.actor));
    }
    add("\n## Impact".to_owned());
    if let Some(IncidentImpact { from, until, traffic_pct, served }) = impact {
        let lasted = duration_words(until.since(*from).as_secs());
        add(format!("- **Duration**: {lasted} ({} - {})", moment(*from, first), moment(*until, first)));
        if let Some(pct) = traffic_pct {
            add(format!("- **Traffic**: {pct}% of production"));
        }
        add(format!(
            "- **Failed Decisions**: {} errors in {} decisions; {} denied",
            served.errors, served.decisions, served.deny
        ));
        let cost = served.avg_cost.unwrap_or_default() * served.decisions as f64;
        add(format!("- **Cost**: ${cost:.2}"));
    }
    add(format!("- **User Impact**: {users}\n"));
    add(format!("## Root Cause\n{cause}\n"));
    add(format!("## What Went Well\n- {well}\n"));
    add(format!("## What Went Wrong\n- {wrong}\n"));
    add(format!("## Action Items\n- [ ] {action}\n"));
    add(format!("## Lessons Learned\n{lesson}\n"));
    add("## Related Incidents".to_owned());
    for (id, title) in related {
        add(format!("- {id}: {title}"));
    }
    if related.is_empty() {
        add("None about the same bundle or agent.".to_owned());
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// `2026-11-27`
fn day(at: Timestamp) -> String {
    at.to_string().chars().take("2026-11-27".len()).collect()
}

/// `14:23`, preceded by the day when the day differs from that of `first`.
fn moment(at: Timestamp, first: Timestamp) -> String {
    let time: String = at.to_string().chars().skip("2026-11-27T".len()).take("14:23".len()).collect();
    if day(at) == day(first) { time } else { format!("{} {time}", day(at)) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::incident::{Severity, Status, TimelineEntry};

    #[test]
    fn the_template_states_what_is_known_and_leaves_the_rest_open() {
        // 2023-11-14T22:13:20Z
        let opened = Timestamp::from_unix_seconds(1_700_000_000);
        let entry = |minutes: u64, text: &str| TimelineEntry {
            at: opened.plus(Duration::from_secs(60 * minutes)),
            actor: "ann@x.test".into(),
            text: text.into(),
            detail: serde_json::Value::Null,
        };
        let incident = Incident {
            id: "INC-2023-0007".into(),
            title: "Policy Rollback: v2.2.0 → v2.1.0".into(),
            severity: Severity::High,
            status: Status::Resolved,
            source: "policy.rollback".into(),
            agent: None,
            bundle_id: Some(3),
            bundle_version: Some("2.2.0".into()),
            rollback_id: Some(1),
            description: "Errors rose.".into(),
            created_by: "ann@x.test".into(),
            created_at: opened,
            ack_due_at: opened,
            investigate_due_at: opened,
            acknowledged_by: None,
            acknowledged_at: None,
            mitigated_at: None,
            resolved_at: None,
            closed_at: None,
            timeline: vec![entry(0, "Opened the incident."), entry(180, "Resolved the incident.")],
        };
        let served = ArmStats { decisions: 9_000, errors: 450, deny: 20, avg_cost: Some(0.002), ..ArmStats::default() };
        let impact = IncidentImpact {
            from: opened.minus(Duration::from_secs(19 * 60)),
            until: opened,
            traffic_pct: Some(10),
            served,
        };
        let text =
            propose(&incident, Some(&impact), "bob@x.test", &[("INC-2023-0001".into(), "Before".into())], opened);
        for line in [
            "# Policy Post-Mortem: Policy Rollback: v2.2.0 → v2.1.0",
            "**Author**: bob@x.test",
            "- 22:13: Opened the incident. (ann@x.test)",
            "- 2023-11-15 01:13: Resolved the incident. (ann@x.test)",
            "- **Duration**: 19 minutes (21:54 - 22:13)",
            "- **Traffic**: 10% of production",
            "- **Failed Decisions**: 450 errors in 9000 decisions; 20 denied",
            "- **Cost**: $18.00",
            "- [ ] [Owner]: [Action] - [Due date]",
            "- INC-2023-0001: Before",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is missing in\n{text}");
        }
        assert_eq!(open_places(&text), PLACEHOLDERS.len());
        assert_eq!(open_places(&text.replace("[What went wrong, in detail]", "A typo.")), PLACEHOLDERS.len() - 1);
        assert_eq!(check(&text), Ok(()));
    }

    #[test]
    fn only_a_rollback_from_all_traffic_needs_a_post_mortem() {
        assert!(is_required(Some(100)));
        assert!(!is_required(Some(50)) && !is_required(None));
        assert!(check(" \n").is_err() && check(&"x".repeat(MAX_CHARS + 1)).is_err());
    }
}
