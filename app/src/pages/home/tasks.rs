//! Tasks that wait for the reader: each in words, with a link to the page where the task is done.

use leptos::prelude::*;
use lifecycle::overview::{Countersigned, OverdueDrill, Task, TaskKind};
use policy::Timestamp;

use crate::{
    components::{EmptyState, LinkButton, Panel, RelativeTime, format},
    labels::outside,
};

/// A task in words.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TaskLink {
    /// The task in one line.
    title: String,
    /// More about the task.
    detail: String,
    /// The path of the page where the task is done.
    href: String,
}

impl From<TaskKind> for TaskLink {
    fn from(kind: TaskKind) -> Self {
        let (title, detail, href) = match kind {
            TaskKind::DecideApprovals { requests, agents, first_expires_at } => (
                if agents == 1 {
                    "1 agent waits for your decision".to_owned()
                } else {
                    format!("{agents} agents wait for your decision")
                },
                format!(
                    "{}; the first expires at {}.",
                    format::plural(requests.into(), "approval request", "approval requests"),
                    format::exact(first_expires_at)
                ),
                "/approvals".to_owned(),
            ),
            TaskKind::ReviewPacket { packet_id, version, built_by, approvals, required_approvals } => (
                format!("Review {version}"),
                format!("Submitted by {built_by}; {approvals} of {required_approvals} approvals given."),
                format!("/reviews/{packet_id}"),
            ),
            TaskKind::ApplyBundle { version, approved_by } => {
                (format!("Apply {version}"), format!("Approved by {}.", approved_by.join(", ")), "/rollouts".to_owned())
            }
            TaskKind::FirstReleaseSignature { paused_by, reason } => (
                "Sign to end the pause".to_owned(),
                format!("{paused_by} paused: {reason}"),
                "/rollouts#safety-pause".to_owned(),
            ),
            TaskKind::SecondReleaseSignature { signed_by, remediation } => (
                "Sign the release of the safety pause, 2 of 2".to_owned(),
                format!("{signed_by} has signed: {remediation}"),
                "/rollouts#safety-pause".to_owned(),
            ),
            TaskKind::RunDrill(why) => (
                "Run a rollback drill: overdue".to_owned(),
                match why {
                    OverdueDrill::NeverRun => "None has been run yet.",
                    OverdueDrill::Failed => "The last one failed.",
                    OverdueDrill::Expired => "The last one is more than 7 days old.",
                }
                .to_owned(),
                "/drills".to_owned(),
            ),
            TaskKind::AcknowledgeIncident { incident_id, title } => {
                (format!("Acknowledge {incident_id}"), title, format!("/incidents/{incident_id}"))
            }
            TaskKind::Countersign { what, about, proposed_by } => {
                let (title, tab) = match what {
                    Countersigned::Settings => (format!("Decide on a weaker safeguard: {about}"), "rollout"),
                    Countersigned::Roles => (format!("Decide on new roles of {about}"), "people"),
                    Countersigned::PartnerKey => (format!("Decide whether to trust the key of {about}"), "keys"),
                };
                (title, format!("Proposed by {proposed_by}."), format!("/settings?tab={tab}"))
            }
            TaskKind::ChangeDraft { bundle_id, version } => (
                format!("Change {version}"),
                "A reviewer asked for changes.".to_owned(),
                format!("/studio/{bundle_id}"),
            ),
        };
        Self { title: outside(&title), detail: outside(&detail), href }
    }
}

/// The inbox.
#[component]
pub(super) fn NeedsYou(tasks: Vec<Task>, as_of: Timestamp) -> impl IntoView {
    let note = match tasks.len() {
        0 => String::new(),
        1 => "1 item".to_owned(),
        count => format!("{count} items"),
    };
    view! {
        <Panel title="Needs you" note=note flush=true>
            {if tasks.is_empty() {
                view! {
                    <EmptyState title="Nothing waits for you">
                        <p>"Agents' calls to decide about, packets to sign, approved bundles to apply and incidents to acknowledge gather here."</p>
                        <LinkButton href="/studio">"Open the Studio"</LinkButton>
                    </EmptyState>
                }
                    .into_any()
            } else {
                view! {
                    <ul class="needs">
                        {tasks.into_iter().map(|task| view! { <Row task=task as_of=as_of /> }).collect_view()}
                    </ul>
                }
                    .into_any()
            }}
        </Panel>
    }
}

#[component]
fn Row(task: Task, as_of: Timestamp) -> impl IntoView {
    let TaskLink { title, detail, href } = task.kind.into();
    view! {
        <li>
            <a class="need" href=href>
                <span class="need-title">{title}</span>
                <span class="need-since">
                    <RelativeTime at=task.since as_of=as_of />
                </span>
                <span class="need-detail">{detail}</span>
            </a>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(kind: TaskKind) -> (String, String, String) {
        let TaskLink { title, detail, href } = kind.into();
        (title, detail, href)
    }

    #[test]
    fn a_task_links_to_the_page_where_it_is_done() {
        let packet = TaskKind::ReviewPacket {
            packet_id: "pktv1:ab".into(),
            version: "2.1.0".into(),
            built_by: "ann@x.test".into(),
            approvals: 1,
            required_approvals: 2,
        };
        let words = ["Review 2.1.0", "Submitted by ann@x.test; 1 of 2 approvals given.", "/reviews/pktv1:ab"];
        assert_eq!(link(packet), words.map(str::to_owned).into());
        let first = TaskKind::FirstReleaseSignature { paused_by: "sue@x.test".into(), reason: "margins fall".into() };
        let (title, detail, href) = link(first);
        assert_eq!(title, "Sign to end the pause");
        assert_eq!((detail.as_str(), href.as_str()), ("sue@x.test paused: margins fall", "/rollouts#safety-pause"));
        let second =
            TaskKind::SecondReleaseSignature { signed_by: "sue@x.test".into(), remediation: "prices fixed".into() };
        assert_eq!(link(second).0, "Sign the release of the safety pause, 2 of 2");
        let roles = TaskKind::Countersign {
            what: Countersigned::Roles,
            about: "ben@x.test".into(),
            proposed_by: "ann@x.test".into(),
        };
        let words = ["Decide on new roles of ben@x.test", "Proposed by ann@x.test.", "/settings?tab=people"];
        assert_eq!(link(roles), words.map(str::to_owned).into());
        let calls = TaskKind::DecideApprovals { requests: 3, agents: 1, first_expires_at: Timestamp::EPOCH };
        let (title, detail, href) = link(calls);
        assert_eq!((title.as_str(), href.as_str()), ("1 agent waits for your decision", "/approvals"));
        assert_eq!(detail, "3 approval requests; the first expires at 1970-01-01 00:00:00 UTC.");
        let (title, detail, href) = link(TaskKind::RunDrill(OverdueDrill::Failed));
        assert_eq!((title.as_str(), detail.as_str()), ("Run a rollback drill: overdue", "The last one failed."));
        assert_eq!(href, "/drills");
    }
}
