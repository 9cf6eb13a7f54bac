//! The history of applies, rollbacks and releases, with the signature of each record.

use leptos::prelude::*;
use lifecycle::{
    rollout::{ApplyRecord, History, RollbackRecord},
    signing::Checked,
    system::ReleaseRecord,
};
use policy::Timestamp;

use crate::components::{Chip, Column, EmptyState, ExternalText, Head, Panel, RelativeTime, Signature, Table, Tone};

/// One row of the history.
#[derive(Debug, Clone, PartialEq)]
struct HistoryRow {
    at: Timestamp,
    tone: Tone,
    sign: &'static str,
    what: &'static str,
    /// The number and version of the bundle; `None` for a record that is not about a bundle.
    bundle: Option<(i64, String)>,
    traffic: String,
    note: Option<String>,
    incident: Option<String>,
    actor: String,
    signature: String,
    refused: Option<String>,
}

impl From<Checked<ApplyRecord>> for HistoryRow {
    fn from(Checked { record, refused }: Checked<ApplyRecord>) -> Self {
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
            bundle: Some((record.bundle_id, record.version)),
            traffic: format!("{} → {} %", record.from_pct, record.to_pct),
            note: None,
            incident: None,
            actor: record.actor,
            signature: record.signature,
            refused,
        }
    }
}

impl From<Checked<RollbackRecord>> for HistoryRow {
    fn from(Checked { record, refused }: Checked<RollbackRecord>) -> Self {
        Self {
            at: record.rolled_back_at,
            tone: Tone::Bad,
            sign: "↺",
            what: "rolled back",
            bundle: Some((record.bundle_id, record.version)),
            traffic: format!("{} → 0 %, {} serves", record.from_pct, record.restored_version),
            note: Some(match record.on_behalf_of {
                Some(other) if other != record.actor => format!("{} (for {other})", record.reason),
                _ => record.reason,
            }),
            incident: record.incident_id,
            actor: record.actor,
            signature: record.signature,
            refused,
        }
    }
}

impl From<Checked<ReleaseRecord>> for HistoryRow {
    fn from(Checked { record, refused }: Checked<ReleaseRecord>) -> Self {
        let signers: Vec<&str> = record.signatures.iter().map(|given| given.by.as_str()).collect();
        Self {
            at: record.released_at,
            tone: Tone::Neutral,
            sign: "▶",
            what: "pause released",
            bundle: None,
            traffic: format!("paused by {}", record.paused_by),
            actor: signers.join(" and "),
            note: record.signatures.last().map(|given| given.remediation.clone()),
            // Tickets of other trackers have no page here.
            incident: record.ticket.filter(|ticket| ticket.starts_with("INC-")),
            signature: record.signature,
            refused,
        }
    }
}

/// All kinds of records in one list, newest first.
fn rows(history: History) -> Vec<HistoryRow> {
    let History { applies, rollbacks, releases } = history;
    let mut rows: Vec<HistoryRow> = applies
        .into_iter()
        .map(HistoryRow::from)
        .chain(rollbacks.into_iter().map(HistoryRow::from))
        .chain(releases.into_iter().map(HistoryRow::from))
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.at));
    rows
}

/// The note above the list: whether every signature verifies.
fn note(rows: &[HistoryRow]) -> String {
    match rows.iter().filter(|row| row.refused.is_some()).count() {
        0 => "every record is signed, and every signature verifies".to_owned(),
        1 => "1 record is not as it was signed".to_owned(),
        refused => format!("{refused} records are not as they were signed"),
    }
}

/// The history of applies, rollbacks and releases.
#[component]
pub(super) fn HistoryTable(history: History, as_of: Timestamp) -> impl IntoView {
    let rows = rows(history);
    let note = if rows.is_empty() { "every record is signed".to_owned() } else { note(&rows) };
    view! {
        <div id="history">
        <Panel title="History" note=note flush=true>
            {if rows.is_empty() {
                view! {
                    <EmptyState title="Nothing has been applied yet">
                        <p>"Every apply, promotion and rollback is kept here with who did it and a signature."</p>
                    </EmptyState>
                }
                    .into_any()
            } else {
                view! {
                    <Table label="Applies, rollbacks and releases" cards=true>
                        <Head columns=&[
                            Column::Text("When"), Column::Text("What"), Column::Text("Version"),
                            Column::Text("Traffic"), Column::Text("By"), Column::Text("Signature"),
                        ] />
                        <tbody>
                            {rows.into_iter().map(|row| view! { <Row row=row as_of=as_of /> }).collect_view()}
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
fn Row(row: HistoryRow, as_of: Timestamp) -> impl IntoView {
    view! {
        <tr>
            <td>
                <RelativeTime at=row.at as_of=as_of />
            </td>
            <td>
                <Chip tone=row.tone sign=row.sign>
                    {row.what}
                </Chip>
            </td>
            <td>
                {row
                    .bundle
                    .map(|(id, version)| {
                        view! {
                            <a class="mono" href=format!("/studio/{id}")>
                                {version}
                            </a>
                        }
                    })}
            </td>
            <td>
                {row.traffic}
                {row.note.map(|note| view! { <span class="cell-note muted">"“" <ExternalText text=note /> "”"</span> })}
                {row
                    .incident
                    .map(|id| {
                        view! {
                            <a class="cell-note" href=format!("/incidents/{id}")>
                                {id.clone()}
                            </a>
                        }
                    })}
            </td>
            <td>{crate::labels::outside(&row.actor)}</td>
            <td>
                <Signature value=row.signature refused=row.refused />
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
            credential: None,
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
            credential: None,
            on_behalf_of: Some("oncall@x".into()),
            rollback_triggered_at: start,
            rolled_back_at: start.plus(Duration::from_secs(60)),
            incident_id: Some("INC-2026-0001".into()),
            verification_checksum: None,
            key_id: "k".into(),
            signature: "s".into(),
        };
        let good = Checked { record: apply, refused: None };
        let bad = Checked { record: rollback, refused: Some("the signature does not match the content".into()) };
        let rows = rows(History { applies: vec![good], rollbacks: vec![bad], releases: Vec::new() });
        assert_eq!(rows.iter().map(|row| row.what).collect::<Vec<_>>(), ["rolled back", "applied"]);
        assert_eq!(rows[0].note.as_deref(), Some("complaints about mail (for oncall@x)"));
        assert_eq!(note(&rows), "1 record is not as it was signed");
        assert!(note(&rows[1..]).contains("every signature verifies"));
    }
}
