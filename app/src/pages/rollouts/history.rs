//! Who put what into service and took it out, with the signature under each record.

use leptos::prelude::*;
use lifecycle::{
    Timestamp,
    rollout::{ApplyRecord, RollbackRecord},
};

use crate::components::{Chip, Digest, EmptyState, Panel, RelativeTime, Table, Tone};

/// One line of the history.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    at: Timestamp,
    tone: Tone,
    sign: &'static str,
    what: &'static str,
    bundle_id: i64,
    version: String,
    traffic: String,
    note: Option<String>,
    incident: Option<String>,
    actor: String,
    signature: String,
}

impl From<ApplyRecord> for Line {
    fn from(record: ApplyRecord) -> Self {
        let what = match (record.from_pct, record.to_pct) {
            (_, 0) => "shadow",
            (0, 10) | (0, 100) => "applied",
            _ => "promoted",
        };
        Self {
            at: record.at,
            tone: if record.to_pct == 0 { Tone::Neutral } else { Tone::Good },
            sign: "↑",
            what,
            bundle_id: record.bundle_id,
            version: record.version,
            traffic: format!("{} → {} %", record.from_pct, record.to_pct),
            note: None,
            incident: None,
            actor: record.actor,
            signature: record.signature,
        }
    }
}

impl From<RollbackRecord> for Line {
    fn from(record: RollbackRecord) -> Self {
        Self {
            at: record.rolled_back_at,
            tone: Tone::Bad,
            sign: "↺",
            what: "rolled back",
            bundle_id: record.bundle_id,
            version: record.version,
            traffic: format!("{} → 0 %, {} serves", record.from_pct, record.restored_version),
            note: Some(match record.on_behalf_of {
                Some(other) if other != record.actor => format!("{} (for {other})", record.reason),
                _ => record.reason,
            }),
            incident: record.incident_id,
            actor: record.actor,
            signature: record.signature,
        }
    }
}

/// Both kinds of records in one list, newest first.
fn lines(applies: Vec<ApplyRecord>, rollbacks: Vec<RollbackRecord>) -> Vec<Line> {
    let mut lines: Vec<Line> =
        applies.into_iter().map(Line::from).chain(rollbacks.into_iter().map(Line::from)).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.at));
    lines
}

/// The history of applies and rollbacks.
#[component]
pub(super) fn HistoryTable(
    applies: Vec<ApplyRecord>,
    rollbacks: Vec<RollbackRecord>,
    as_of: Timestamp,
) -> impl IntoView {
    let lines = lines(applies, rollbacks);
    view! {
        <div id="history">
        <Panel title="History" note="every record is signed" flush=true>
            {if lines.is_empty() {
                view! {
                    <EmptyState title="Nothing has been applied yet">
                        <p>"Every apply, promotion and rollback is kept here with who did it and a signature."</p>
                    </EmptyState>
                }
                    .into_any()
            } else {
                view! {
                    <Table label="Applies and rollbacks" cards=true>
                        <thead>
                            <tr>
                                <th scope="col">"When"</th>
                                <th scope="col">"What"</th>
                                <th scope="col">"Version"</th>
                                <th scope="col">"Traffic"</th>
                                <th scope="col">"By"</th>
                                <th scope="col">"Signature"</th>
                            </tr>
                        </thead>
                        <tbody>
                            {lines.into_iter().map(|line| view! { <Row line=line as_of=as_of /> }).collect_view()}
                        </tbody>
                    </Table>
                }
                    .into_any()
            }}
        </Panel>
        </div>
    }
}

#[component]
fn Row(line: Line, as_of: Timestamp) -> impl IntoView {
    view! {
        <tr>
            <td>
                <RelativeTime at=line.at as_of=as_of />
            </td>
            <td>
                <Chip tone=line.tone sign=line.sign>
                    {line.what}
                </Chip>
            </td>
            <td>
                <a class="mono" href=format!("/studio/{}", line.bundle_id)>
                    {line.version}
                </a>
            </td>
            <td>
                {line.traffic}
                {line.note.map(|note| view! { <span class="cell-note muted">"“" {note} "”"</span> })}
                {line
                    .incident
                    .map(|id| {
                        view! {
                            <a class="cell-note" href=format!("/incidents/{id}")>
                                {id.clone()}
                            </a>
                        }
                    })}
            </td>
            <td>{line.actor}</td>
            <td>
                <Digest value=line.signature what="signature" />
            </td>
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_newest_record_is_first_whatever_its_kind() {
        let start = Timestamp::from_unix_seconds(1_000_000);
        let apply = ApplyRecord {
            id: 1,
            bundle_id: 2,
            version: "2.4.0".into(),
            digest: String::new(),
            packet_id: None,
            from_pct: 0,
            to_pct: 10,
            actor: "r@x".into(),
            at: start,
            verification_checksum: None,
            key_id: "k".into(),
            signature: "s".into(),
        };
        let rollback = RollbackRecord {
            id: 1,
            bundle_id: 2,
            version: "2.4.0".into(),
            digest: String::new(),
            from_pct: 10,
            restored_bundle_id: 1,
            restored_version: "2.3.0".into(),
            reason: "complaints about mail".into(),
            actor: "s@x".into(),
            on_behalf_of: Some("oncall@x".into()),
            rollback_triggered_at: start,
            rolled_back_at: start.plus(Duration::from_secs(60)),
            incident_id: Some("INC-2026-0001".into()),
            verification_checksum: None,
            key_id: "k".into(),
            signature: "s".into(),
        };
        let lines = lines(vec![apply], vec![rollback]);
        assert_eq!(lines.iter().map(|line| line.what).collect::<Vec<_>>(), ["rolled back", "applied"]);
        assert_eq!(lines[0].note.as_deref(), Some("complaints about mail (for oncall@x)"));
    }
}
