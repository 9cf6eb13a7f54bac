//! Approval requests in words.

use lifecycle::approval::{Scope, ScopeKind, Status};
use policy::{
    Timestamp,
    bundle::{Budget, Risk},
    replay::OutcomeStatus,
};

use crate::{
    api::approval_view::{ApprovalDetail, ApprovalGroup, ApprovalRow, SimilarRequests},
    components::{Tone, format},
    labels::{all_of, outside, span, unit_cost},
};

/// What a request is about: `billing.refund asks to refund`.
pub(super) fn headline(row: &ApprovalRow) -> String {
    let verb = if row.status == Status::Pending { "asks" } else { "asked" };
    format!("{} {verb} to {}", outside(&row.agent), outside(&row.action))
}

/// For whom and about what: `for lena@shop.example · about order 88-1042`; empty if the agent said neither.
pub(super) fn about(row: &ApprovalRow) -> String {
    let person = row.on_behalf_of.as_ref().map(|person| format!("for {}", outside(person)));
    let subject = row.subject.as_ref().map(|subject| format!("about {}", outside(subject)));
    person.into_iter().chain(subject).collect::<Vec<_>>().join(" · ")
}

/// How long people may still decide: `8 min left`.
pub(super) fn time_left(row: &ApprovalRow, as_of: Timestamp) -> String {
    if row.expires_at > as_of { format!("{} left", span(row.expires_at, as_of)) } else { "expires now".to_owned() }
}

/// Who approved, of how many: `1 of 2 approved, by Ann`; empty where one is enough and nobody has.
pub(super) fn progress(row: &ApprovalRow) -> String {
    let given = row.approved_by.len();
    match (given, row.quorum) {
        (0, 0 | 1) => String::new(),
        (0, quorum) => format!("0 of {quorum} approved"),
        (given, quorum) => format!("{given} of {quorum} approved, by {}", people(&row.approved_by)),
    }
}

fn people(names: &[String]) -> String {
    all_of(names.iter().map(|name| outside(name)))
}

/// How a request ended. That it was denied, expired and was cancelled are three different things.
pub(super) fn ending(row: &ApprovalRow) -> (Tone, &'static str, String) {
    match row.status {
        Status::Pending => (Tone::Warn, "◔", "waits".to_owned()),
        Status::Denied => {
            (Tone::Bad, "✕", format!("denied by {}", row.denied_by.as_deref().map_or_else(String::new, outside)))
        }
        Status::Expired => (Tone::Warn, "○", "expired without an answer".to_owned()),
        Status::Cancelled => (Tone::Neutral, "↩", "cancelled by the agent".to_owned()),
        Status::Approved => approved(row),
    }
}

fn approved(row: &ApprovalRow) -> (Tone, &'static str, String) {
    let outcome = row.last_use.as_ref().and_then(|last| last.outcome);
    match (outcome, row.used) {
        (Some(OutcomeStatus::Error), _) => (Tone::Bad, "!", "approved, reported as failed".to_owned()),
        (Some(_), _) => (Tone::Good, "✓", "approved and carried out".to_owned()),
        (None, 1..) => (Tone::Accent, "✓", "approved and used, no outcome reported".to_owned()),
        (None, _) if row.in_force => (Tone::Good, "✓", "approved, not used yet".to_owned()),
        (None, _) => match &row.revoked_by {
            Some(by) => (Tone::Neutral, "○", format!("approved, revoked by {} before use", outside(by))),
            None => (Tone::Neutral, "○", "approved, not used in time".to_owned()),
        },
    }
}

/// An approval in force: `billing.refund may refund`, and how much that covers.
pub(super) fn in_force(row: &ApprovalRow) -> String {
    let kind = match row.scope.kind {
        ScopeKind::Once => "once",
        ScopeKind::Session => "in its session",
        ScopeKind::Until => "until a time",
        ScopeKind::Box => "within conditions",
    };
    format!("{} may {}, {kind}", outside(&row.agent), outside(&row.action))
}

/// How often an approval was used, who gave it and when it ends.
pub(super) fn used(row: &ApprovalRow, as_of: Timestamp) -> String {
    let ends = row.usable_until.map(|until| format!(" · ends in {}", span(until, as_of))).unwrap_or_default();
    format!("by {} · {} of {} used{ends}", people(&row.approved_by), row.used, row.scope.uses())
}

/// How much an approval covers, as its approver chose.
pub(super) fn scope(scope: &Scope) -> String {
    let limits = match scope.until {
        Some(until) => format!("until {}, {} at most", format::exact(until), times(scope.uses())),
        None => format!("{} at most", times(scope.uses())),
    };
    match scope.kind {
        ScopeKind::Once => "this once".to_owned(),
        ScopeKind::Session => format!("this session, {limits}"),
        ScopeKind::Until => limits,
        ScopeKind::Box => format!("calls that meet the conditions, {limits}"),
    }
}

fn times(count: u32) -> String {
    format::plural(count.into(), "time", "times")
}

/// What an approval may cover: value and label of each choice.
pub(super) fn choices(detail: &ApprovalDetail) -> Vec<(&'static str, String)> {
    let mut choices = vec![("once", "This once".to_owned())];
    if detail.once_only.is_some() {
        return choices;
    }
    // Whoever comes second can only agree: a wider approval needs everybody's same choice.
    if let Some(first) = detail.decisions.first() {
        if first.scope.kind != ScopeKind::Once {
            choices.push(("same", format!("As {} chose: {}", outside(&first.by), scope(&first.scope))));
        }
        return choices;
    }
    if detail.session.is_some() {
        choices.push(("session", "This session".to_owned()));
    }
    choices.push(("until", "Until a time".to_owned()));
    choices
}

/// Why an approval covers no more than this call; `None` if there is a choice.
pub(super) fn why_once(detail: &ApprovalDetail) -> Option<String> {
    if detail.once_only.is_some() || choices(detail).len() > 1 {
        return detail.once_only.clone();
    }
    let first = detail.decisions.first()?;
    Some(format!("{} approved it for this once, so it can be for this once only.", outside(&first.by)))
}

/// What will be allowed, in full.
pub(super) fn allowed(detail: &ApprovalDetail, chosen: &str, hours: &str, uses: &str) -> String {
    let row = &detail.row;
    let who = format!("{} may {}", outside(&row.agent), outside(&row.action));
    let others = "also with other arguments, wherever this rule, unchanged, asks about the same subject";
    match chosen {
        "session" => format!("{who} in its session for {hours} h, {uses} times at most: {others}."),
        "until" => format!("{who} for {hours} h, {uses} times at most: {others}."),
        "same" => {
            let covered = detail.decisions.first().map(|first| scope(&first.scope)).unwrap_or_default();
            format!("{who}, {covered}: {others}.")
        }
        _ => {
            let within = format::duration(std::time::Duration::from_secs(detail.usable_for.into()));
            format!("{who} once, with exactly these arguments, within {within} of the approval.")
        }
    }
}

/// What the rule lets one call spend and risk; empty without a budget.
pub(super) fn budget(budget: Budget) -> String {
    let cost = budget.cost.map(unit_cost);
    let compute = budget.compute.map(|units| format!("{units} compute units"));
    let risk = budget.risk.map(|risk| {
        match risk {
            Risk::Low => "low risk",
            Risk::Medium => "medium risk",
            Risk::High => "high risk",
        }
        .to_owned()
    });
    [cost, compute, risk].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What became of requests like one, and how long people took.
pub(super) fn similar(similar: SimilarRequests) -> String {
    let SimilarRequests { approved, denied, expired, cancelled, median_seconds } = similar;
    let counts =
        [(approved, "approved"), (denied, "denied"), (expired, "expired without an answer"), (cancelled, "cancelled")];
    let shown: Vec<String> =
        counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if shown.is_empty() {
        return "None has ended yet.".to_owned();
    }
    let median = median_seconds.map(|seconds| {
        format!("; half of the answers came within {}", format::duration(std::time::Duration::from_secs(seconds)))
    });
    format!("{}{}.", all_of(shown), median.unwrap_or_default())
}

/// How many requests of a group wait, and how fast they come.
pub(super) fn flood(group: &ApprovalGroup) -> String {
    format!("{} wait · {} in the last minute", group.waiting, group.last_minute)
}

#[cfg(test)]
mod tests {
    use lifecycle::approval::request::Use;

    use super::*;

    fn row(status: Status) -> ApprovalRow {
        ApprovalRow {
            id: "apr_1".into(),
            agent: "billing.refund".into(),
            action: "refund".into(),
            gist: String::new(),
            subject: None,
            on_behalf_of: Some("lena@shop.test".into()),
            requested_at: Timestamp::EPOCH,
            expires_at: Timestamp::from_unix_seconds(480),
            status,
            yours: true,
            approved_by: vec![],
            quorum: 1,
            denied_by: None,
            ended_at: None,
            usable_until: None,
            in_force: false,
            scope: Scope::default(),
            used: 0,
            last_use: None,
            revoked_by: None,
        }
    }

    #[test]
    fn a_request_is_a_sentence_with_its_clock() {
        let row = row(Status::Pending);
        assert_eq!(headline(&row), "billing.refund asks to refund");
        assert_eq!(about(&row), "for lena@shop.test");
        assert_eq!(time_left(&row, Timestamp::EPOCH).replace('\u{a0}', " "), "8 min left");
        assert_eq!(progress(&row), "");
        let half = ApprovalRow { quorum: 2, approved_by: vec!["Ann".into()], ..row };
        assert_eq!(progress(&half), "1 of 2 approved, by Ann");
    }

    #[test]
    fn every_ending_has_words_of_its_own() {
        let words = |row: &ApprovalRow| ending(row).2;
        let used = |outcome: Option<OutcomeStatus>| ApprovalRow {
            used: 1,
            last_use: Some(Use { at: Timestamp::EPOCH, decision_id: "d".into(), outcome }),
            ..row(Status::Approved)
        };
        let all = [
            words(&ApprovalRow { denied_by: Some("Ann".into()), ..row(Status::Denied) }),
            words(&row(Status::Expired)),
            words(&row(Status::Cancelled)),
            words(&row(Status::Approved)),
            words(&ApprovalRow { in_force: true, ..row(Status::Approved) }),
            words(&ApprovalRow { revoked_by: Some("Ann".into()), ..row(Status::Approved) }),
            words(&used(None)),
            words(&used(Some(OutcomeStatus::Ok))),
            words(&used(Some(OutcomeStatus::Error))),
        ];
        assert_eq!(all[0], "denied by Ann");
        assert_eq!(all[7], "approved and carried out");
        let mut different = all.to_vec();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), all.len(), "{all:?}");
    }

    #[test]
    fn similar_requests_are_counted_in_words() {
        let none = SimilarRequests { approved: 0, denied: 0, expired: 0, cancelled: 0, median_seconds: None };
        assert_eq!(similar(none), "None has ended yet.");
        let some = SimilarRequests { approved: 38, denied: 3, median_seconds: Some(240), ..none };
        let words = similar(some).replace('\u{a0}', " ");
        assert_eq!(words, "38 approved and 3 denied; half of the answers came within 4 min.");
    }
}
