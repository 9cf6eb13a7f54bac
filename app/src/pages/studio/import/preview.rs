//! The preview of an import: the verdict on the file, the findings on the draft, and its changes against stable.

use leptos::prelude::*;
use lifecycle::{
    review::Comparison,
    transfer::{Preview, PreviewedDraft, Verdict, Verification},
};
use policy::lint::Report;

use crate::components::{
    Button, Chip, Digest, ExternalText, FindingChip, Notice, Tone, format,
    prose::prose,
    region::{Certificate, RegionCard, headline},
};

/// Maximum number of findings and regions drawn in the preview; the editor shows all.
const FINDINGS: usize = 5;
const REGIONS: usize = 10;

/// The whole preview. The proposed version is written into `version`.
#[component]
pub fn ImportPreview(preview: Preview, version: RwSignal<String>) -> impl IntoView {
    let Preview { verification, draft } = preview;
    view! {
        <VerdictNotice verification=verification />
        {draft.map(|draft| view! { <Draft draft=draft version=version /> })}
    }
}

/// The colour and headline of a verdict.
fn headline_of(verification: &Verification) -> (Tone, &'static str) {
    match verification.verdict {
        Verdict::Valid => (Tone::Good, "✓ Valid signature"),
        Verdict::SignatureExpired => (Tone::Bad, "✕ Signature expired"),
        Verdict::InvalidSignature => (Tone::Bad, "✕ Invalid signature"),
        Verdict::UnknownKey => (Tone::Bad, "✕ Unknown key"),
        Verdict::DigestMismatch => (Tone::Bad, "✕ Digest mismatch"),
        Verdict::Malformed if verification.unsigned => (Tone::Warn, "▲ Unsigned"),
        Verdict::Malformed => (Tone::Bad, "✕ Malformed"),
    }
}

#[component]
fn VerdictNotice(verification: Verification) -> impl IntoView {
    let (tone, headline) = headline_of(&verification);
    let facts = [
        ("Version", verification.version),
        ("Key", verification.key_id),
        ("Exported", verification.exported_at.map(|at| at.to_string())),
        ("Expires", verification.expires_at.map(|at| at.to_string())),
        ("Wrong place", verification.field.filter(|field| !verification.unsigned && !field.is_empty())),
    ];
    view! {
        <Notice tone=tone>
            <strong>{headline}</strong>
            <p>{prose(&verification.message)}</p>
            <dl class="import-facts">
                {facts
                    .into_iter()
                    .filter_map(|(name, value)| {
                        value.map(|value| view! { <div><dt>{name}</dt><dd class="mono">{crate::labels::outside(&value)}</dd></div> })
                    })
                    .collect_view()}
            </dl>
        </Notice>
    }
}

#[component]
fn Draft(draft: PreviewedDraft, version: RwSignal<String>) -> impl IntoView {
    let (next, taken_version) = (draft.next_version.clone(), draft.version.clone());
    let taken = draft.version_taken.then(move || {
        let words = format!("Use {next}");
        let use_next = move |_| version.set(next.clone());
        view! {
            <Notice tone=Tone::Warn>
                <p role="alert">{format!("Version {taken_version} exists already. Import it under another number.")}</p>
                <Button small=true on_click=use_next>{words}</Button>
            </Notice>
        }
    });
    let by = draft.created_by.map(|by| format!(", made by {}", crate::labels::outside(&by))).unwrap_or_default();
    let rules = format::plural(draft.rule_count as u64, "rule", "rules");
    view! {
        {taken}
        <p>
            {format!("It would become draft {} with {rules}{by}. ", draft.version)}
            <Digest value=draft.digest what="digest" />
        </p>
        {(!draft.notes.is_empty()).then(|| view! { <p class="muted"><ExternalText text=draft.notes.clone() lines=true /></p> })}
        <Findings report=draft.lint />
        {match (draft.stable_version, draft.changes) {
            (Some(stable), Some(changes)) => view! { <Changes stable=stable changes=changes /> }.into_any(),
            _ => view! { <p class="muted">"No bundle serves all traffic, so there is nothing to compare with."</p> }.into_any(),
        }}
    }
}

#[component]
fn Findings(report: Report) -> impl IntoView {
    let summary = report.summary;
    let (tone, words) = if summary.errors > 0 {
        (Tone::Bad, "It can be imported, but not submitted before the errors are fixed.")
    } else {
        (Tone::Good, "Nothing stands in the way of submitting it.")
    };
    let counts = format!(
        "{}, {}, {}",
        format::plural(summary.errors as u64, "error", "errors"),
        format::plural(summary.warnings as u64, "warning", "warnings"),
        format::plural(summary.info as u64, "note", "notes")
    );
    let listed: Vec<_> = report.all().take(FINDINGS).cloned().collect();
    let more = summary.total_issues.saturating_sub(listed.len());
    view! {
        <section class="stack" aria-label="Problems">
            <p>
                <Chip tone=tone>{counts}</Chip>
                " "
                <span class="muted">{words}</span>
            </p>
            <ul class="import-findings">
                {listed
                    .into_iter()
                    .map(|finding| {
                        let place = finding.rule_id.unwrap_or(finding.path);
                        view! {
                            <li>
                                <FindingChip severity=finding.severity />
                                " "
                                <span class="mono">{crate::labels::outside(&place)}</span>
                                " "
                                {prose(&finding.message)}
                            </li>
                        }
                    })
                    .collect_view()}
                {(more > 0).then(|| view! { <li class="muted">{format!("and {more} more")}</li> })}
            </ul>
        </section>
    }
}

#[component]
fn Changes(stable: String, changes: Comparison) -> impl IntoView {
    let Comparison { text, semantic_diff: meaning } = changes;
    let more = meaning.total_regions.saturating_sub(REGIONS);
    view! {
        <section class="stack" aria-label="Changes">
            <p>{format!("Against stable {stable}: {}. {}", text.summary, headline(meaning.total_regions, meaning.complete, &stable))}</p>
            <Certificate new_allows=meaning.new_allows complete=meaning.complete />
            {meaning
                .regions
                .into_iter()
                .take(REGIONS)
                .map(|region| view! { <RegionCard region=region /> })
                .collect_view()}
            {(more > 0).then(|| view! { <p class="muted">{format!("{more} more regions are shown in the editor and in the packet.")}</p> })}
        </section>
    }
}
