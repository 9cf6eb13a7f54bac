//! What a packet is judged by: the decisions that the settings name, guards that were not retired, signed exceptions.

use lifecycle::{
    decision::BundleRef,
    review::{GuardrailVerdict, ScenarioVerdict, content::EvidenceGap},
};
use policy::{
    engine::Arm,
    replay::{Case, Dataset},
};
use serde_json::json;
use store::{Store, bundles, decisions, packets, settings, test_cases, testing};

use crate::fixtures::*;

fn plan(bundle_id: i64) -> packets::BuildPacket {
    packets::BuildPacket { bundle_id, fallback_plan: "Roll back to stable.".into(), ..Default::default() }
}

/// Records `count` decisions that were answered `hours` ago.
async fn record(store: &Store, count: usize, hours: i64) {
    let at = now(store).await - time::Duration::hours(hours);
    let live = store::system::live(store).await.unwrap().stable.unwrap();
    let bundle = BundleRef { id: live.id, version: live.version, digest: live.digest };
    let records: Vec<_> = (0..count).map(|_| decision(at, Arm::Stable, bundle.clone(), None)).collect();
    decisions::append(store, &records).await.unwrap();
}

#[tokio::test]
async fn the_builder_of_a_packet_cannot_choose_its_evidence() {
    let store = testing::store().await;
    let first = stable(&store, None, 90).await;
    record(&store, 150, 1).await;
    // A hundred test cases and more, saved by the author.
    let cases: Vec<Case> = (0..120)
        .map(|number| Case {
            case_id: format!("mine-{number}"),
            agent: "inbox.triage".into(),
            action: "quarantine".into(),
            context: json!({"risk_score": number}).as_object().cloned().unwrap(),
            expected_effect: Some(policy::bundle::Effect::Allow),
        })
        .collect();
    test_cases::save(&store, &author(), &cases, &[]).await.unwrap();
    let corpus =
        |source: Dataset, limit: Option<u32>| packets::CorpusRequest { source, since: None, until: None, limit };
    let yesterday = (now(&store).await - time::Duration::days(1)).into();
    for (chosen, gap) in [
        (corpus(Dataset::Fixtures, None), EvidenceGap::NotRecorded),
        (corpus(Dataset::Recorded, Some(120)), EvidenceGap::OtherCorpus),
        (
            packets::CorpusRequest { since: Some(yesterday), ..corpus(Dataset::Recorded, None) },
            EvidenceGap::OtherCorpus,
        ),
    ] {
        let draft = bundles::create(&store, &author(), source(None, 89)).await.unwrap();
        let request = packets::BuildPacket { corpus: Some(chosen.clone()), ..plan(draft.id) };
        let content = packets::build(&store, &author(), request).await.unwrap().content;
        assert_eq!(content.replay.evidence_gap, Some(gap), "{chosen:?}");
        assert!(content.replay.insufficient_evidence && content.risk_score_bps >= 5000, "{chosen:?}");
        assert_eq!(content.required_approvals, 2, "{chosen:?}");
        let passed = content.guardrails.iter().any(|guardrail| guardrail.verdict == GuardrailVerdict::Pass);
        assert!(!passed, "{:?}", content.guardrails);
        let passed = content.red_team[1..].iter().filter(|scenario| scenario.verdict == ScenarioVerdict::Pass);
        assert!(passed.count() <= 1, "only what was proven: {:?}", content.red_team);
    }
    // What the settings name, asked for by name or not.
    for request in [None, Some(corpus(Dataset::Recorded, None)), Some(corpus(Dataset::Recorded, Some(5000)))] {
        let draft = bundles::create(&store, &author(), source(None, 89)).await.unwrap();
        let request = packets::BuildPacket { corpus: request, ..plan(draft.id) };
        let content = packets::build(&store, &author(), request).await.unwrap().content;
        assert_eq!(
            (content.replay.evidence_gap, content.required_approvals),
            (None, 1),
            "{:?}",
            content.quorum_reasons
        );
    }
    assert_eq!(first.canary_pct, 100);
}

#[tokio::test]
async fn evidence_is_what_was_recorded_lately() {
    let store = testing::store().await;
    stable(&store, None, 90).await;
    record(&store, 60, 1).await;
    record(&store, 60, 31 * 24).await;
    let draft = bundles::create(&store, &author(), source(None, 89)).await.unwrap();
    let content = packets::build(&store, &author(), plan(draft.id)).await.unwrap().content;
    assert_eq!(content.replay.evidence_gap, Some(EvidenceGap::TooFew));
    bundles::withdraw(&store, &author(), draft.id).await.unwrap();
    let mut longer = settings::get(&store, &admin()).await.unwrap();
    longer.review.evidence_days = 60;
    set(&store, longer).await;
    let content = packets::build(&store, &author(), plan(draft.id)).await.unwrap().content;
    assert_eq!(content.replay.evidence_gap, None);
    assert!(content.replay.corpus_count >= 120);
}
