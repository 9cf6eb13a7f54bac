//! One drill, step by step.

use leptos::prelude::*;
use lifecycle::{rollout::DrillReport, signing::Checked};
use policy::Timestamp;

use super::{labels::milliseconds, outcome::Outcome};
use crate::components::{Column, Digest, Head, Notice, Panel, RelativeTime, Signature, Table, Tone};

/// The report of one drill.
#[component]
pub(super) fn Report(report: Checked<DrillReport>, as_of: Timestamp) -> impl IntoView {
    let Checked { record: report, refused } = report;
    let altered = refused.is_some();
    let passed = report.safety_passed;
    let steps = [
        (
            "Apply",
            report.apply_duration_ms,
            report.candidate_version.clone(),
            report.first_apply_served_digest,
            report.first_apply_verification_checksum,
        ),
        (
            "Roll back",
            report.rollback_duration_ms,
            report.base_version.clone(),
            report.rollback_served_digest,
            report.rollback_verification_checksum,
        ),
        (
            "Apply again",
            report.reapply_duration_ms,
            report.candidate_version.clone(),
            report.reapply_served_digest,
            report.reapply_verification_checksum,
        ),
    ];
    let untouched = report.live_digest_before == report.live_digest_after;
    view! {
        <Panel
            title=format!("Drill {} with {}", report.id, report.candidate_version)
            actions=move || view! { <Outcome passed=passed refused=altered /> }
        >
            <div class="stack">
                {(!report.failures.is_empty())
                    .then(|| {
                        view! {
                            <Notice tone=Tone::Bad>
                                <strong>"What did not hold"</strong>
                                <ul class="reasons">
                                    {report.failures.into_iter().map(|failure| view! { <li>{crate::labels::outside(&failure)}</li> }).collect_view()}
                                </ul>
                            </Notice>
                        }
                    })}
                <Table label="Steps of the drill">
                    <Head columns=&[
                        Column::Text("Step"), Column::Number("Took"), Column::Text("Expected in service"),
                        Column::Text("Digest served after it"), Column::Text("Verification checksum"),
                    ] />
                    <tbody>
                        {steps
                            .into_iter()
                            .map(|(name, took, version, digest, checksum)| {
                                view! {
                                    <tr>
                                        <th scope="row">{name}</th>
                                        <td class="num">{milliseconds(took)}</td>
                                        <td class="mono">{version}</td>
                                        <td>{value(digest, "digest")}</td>
                                        <td>{value(checksum, "checksum")}</td>
                                    </tr>
                                }
                            })
                            .collect_view()}
                    </tbody>
                </Table>
                <dl class="facts">
                    <dt>"Run"</dt>
                    <dd>
                        <RelativeTime at=report.at as_of=as_of /> ", by " {crate::labels::outside(&report.run_by)}
                    </dd>
                    <dt>"Packet"</dt>
                    <dd>
                        <a href=format!("/reviews/{}", report.packet_id)>{crate::components::short_digest(&report.packet_id)}</a>
                    </dd>
                    <dt>"In service at the end"</dt>
                    <dd class="mono">{report.final_policy_version.unwrap_or_else(|| "–".to_owned())}</dd>
                    <dt>"Live before and after"</dt>
                    <dd>
                        <Digest value=report.live_digest_before />
                        {if untouched { " unchanged" } else { " and then " }}
                        {(!untouched).then(|| view! { <Digest value=report.live_digest_after /> })}
                    </dd>
                    <dt>"Signature"</dt>
                    <dd>
                        <Signature value=report.signature refused=refused />
                        <span class="muted">" key " {report.key_id}</span>
                    </dd>
                </dl>
            </div>
        </Panel>
    }
}

/// A digest, or a dash for a step that was not reached.
fn value(digest: Option<String>, what: &'static str) -> AnyView {
    match digest {
        Some(digest) => view! { <Digest value=digest what=what /> }.into_any(),
        None => view! { <span class="faint">"–"</span> }.into_any(),
    }
}
