//! The history of the example's bundles: written, reviewed, approved, applied and promoted, dated as a team would have
//! done it. One transaction, from the oldest event to the newest.

use std::time::Duration;

use lifecycle::{
    audit::EventType,
    authority::{Permission, Role, authorize},
    bundle::State,
    decision::{BundleRef, Record},
    review::{self, Content, PacketInputs, PacketStatus, Proposal, ReviewSettings, Verdict, action},
    rollout::records::ApplyRecord,
};
use policy::{
    Timestamp,
    bundle::Source,
    replay::{Corpus, CorpusCase, Dataset, fixtures},
};
use serde_json::json;
use time::OffsetDateTime;

use super::{
    people::{actor, email},
    rules, traffic,
};
use crate::{Error, Result, Store, bundles, json, packets, rollout, time_limits::take_up_to, work::Work};

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// How long loading the history may take.
const LOADS_WITHIN: Duration = Duration::from_secs(3 * 60);
/// How long a bundle was submitted before it was applied.
const SUBMITTED_BEFORE: Duration = Duration::from_secs(8 * 3_600);

/// The history of one bundle up to full traffic.
struct PastRollout {
    source: Source,
    state: State,
    /// When the bundle got 10 %, 50 % and 100 %.
    stages: [Timestamp; 3],
    fallback_plan: &'static str,
}

impl PastRollout {
    fn written(&self) -> Timestamp {
        self.stages[0].minus(2 * DAY)
    }

    fn submitted(&self) -> Timestamp {
        self.stages[0].minus(SUBMITTED_BEFORE)
    }
}

/// Adds the previous and the live bundle, unless they exist; false if the workspace has other bundles.
pub(super) async fn live(store: &Store) -> Result<bool> {
    if let Some(stable) = bundles::row::by_version(&mut *store.pool().acquire().await?, rules::STABLE_VERSION).await? {
        return Ok(stable.created_by == email(Role::Author));
    }
    let system = actor("system", Role::Admin);
    let mut work = Work::begin_serving(store, authorize(&system, Permission::Administer)?).await?;
    // The decisions of a week are made meanwhile; nothing is served yet that an emergency could be about.
    take_up_to(work.db(), LOADS_WITHIN).await?;
    let occupied: bool = sqlx::query_scalar("select exists (select from policy_bundles)").fetch_one(work.db()).await?;
    if occupied {
        return Ok(false);
    }
    let days_ago = |days: u32| work.now.minus(days * DAY);
    let previous = PastRollout {
        source: rules::previous()?,
        state: State::Superseded,
        stages: [days_ago(21), days_ago(20), days_ago(19)],
        fallback_plan: "Nothing was live before: disable evaluation and quarantine by hand.",
    };
    let stable = PastRollout {
        source: rules::stable()?,
        state: State::Active,
        stages: [days_ago(5), days_ago(4), days_ago(3)],
        fallback_plan: "Roll back to 2.2.0; the mail team releases what was held.",
    };

    let first = insert(&mut work, &previous).await?;
    let second = insert(&mut work, &stable).await?;
    let now = work.now;
    let week = week(first.clone(), second.clone(), stable.stages[2], now).await?;
    let recorded: Vec<Record> = week.into_iter().filter(|record| record.decided_at < stable.submitted()).collect();
    let cases = Corpus::of_cases(Dataset::Fixtures, fixtures::with_saved(&[]));

    record_rollout(store, &mut work, &first, &previous, None, cases).await?;
    record_rollout(store, &mut work, &second, &stable, Some((&first, &previous)), newest(&recorded)).await?;
    let replaced = json!({
        "version": first.version, "from_state": State::Active.name(), "to_state": State::Superseded.name(),
        "by": second.version,
    });
    let owner = actor(&email(Role::RuntimeOwner), Role::RuntimeOwner);
    let summary = format!("{} was superseded by {}", first.version, second.version);
    work.note_past(
        (stable.stages[2], owner),
        EventType::Superseded,
        ("bundle", first.id.to_string()),
        summary,
        replaced,
    );
    work.commit().await?;
    Ok(true)
}

/// The week's decisions, as made by the bundles that were live.
pub(super) async fn week(
    previous: BundleRef,
    stable: BundleRef,
    full: Timestamp,
    now: Timestamp,
) -> Result<Vec<Record>> {
    let (before, after) = (rules::previous()?.parse_rules().bundle, rules::stable()?.parse_rules().bundle);
    tokio::task::spawn_blocking(move || {
        let history = traffic::History {
            previous: traffic::LiveBundle::new(previous, &before),
            stable: traffic::LiveBundle::new(stable, &after),
            stages: [(full.minus(2 * DAY), 10), (full.minus(DAY), 50), (full, 100)],
        };
        traffic::week(&history, now)
    })
    .await
    .map_err(|error| Error::Internal(format!("the example's decisions stopped: {error}")))
}

/// The newest of the recorded decisions, which a packet replays.
fn newest(recorded: &[Record]) -> Corpus {
    let most = usize::try_from(lifecycle::settings::CorpusLimit::default().0).unwrap_or(usize::MAX);
    Corpus::recorded(recorded.iter().rev().take(most).map(CorpusCase::from).collect()).settled()
}

/// Records the audit entries, the packet and the applies of one bundle, from draft to full traffic.
async fn record_rollout(
    store: &Store,
    work: &mut Work,
    bundle: &BundleRef,
    past: &PastRollout,
    base: Option<(&BundleRef, &PastRollout)>,
    corpus: Corpus,
) -> Result<()> {
    let author = actor(&email(Role::Author), Role::Author);
    let subject = ("bundle", bundle.id.to_string());
    let detail = json!({
        "version": bundle.version, "to_state": State::Draft.name(), "digest": bundle.digest,
        "base_version": past.source.base_version,
    });
    let summary = format!("draft {} was made", bundle.version);
    work.note_past((past.written(), author.clone()), EventType::DraftCreated, subject, summary, detail);

    let row = bundles::row::by_id(work.db(), bundle.id).await?;
    let base_row = match base {
        Some((base, _)) => Some(bundles::row::by_id(work.db(), base.id).await?),
        None => None,
    };
    let settings = ReviewSettings::default();
    let (content, corpus) = evidence(past, base.map(|(_, past)| past.source.clone()), corpus, settings).await?;
    let submission = packets::Submission {
        bundle: &row,
        base: base_row.as_ref(),
        notes: &past.source.notes,
        built_by: &author.name,
        authors: &row.authors,
        built_at: past.submitted(),
    };
    let packet_id = packets::insert(work.db(), &submission, &content, &corpus).await?;
    let summary = format!("{} was submitted for review", bundle.version);
    let detail = packets::built_detail(&submission, &content);
    let subject = ("packet", packet_id.clone());
    work.note_past((past.submitted(), author), EventType::PacketBuilt, subject, summary, detail);

    approve(store, work, bundle, past, &settings, &content, &packet_id).await?;
    record_stages(store, work, bundle, past.stages, &packet_id).await
}

/// The packet's content. Building it takes a moment, so this happens off the runtime's threads.
async fn evidence(
    past: &PastRollout,
    base: Option<Source>,
    corpus: Corpus,
    settings: ReviewSettings,
) -> Result<(Content, Corpus)> {
    let (draft, fallback_plan) = (past.source.clone(), past.fallback_plan);
    tokio::task::spawn_blocking(move || {
        let inputs = PacketInputs {
            draft: &draft,
            base: base.as_ref(),
            corpus: &corpus,
            corpus_by_policy: true,
            fallback_plan,
            settings: &settings,
            invariants: &[],
            base_invariants: &[],
            retires: &[],
        };
        review::build(&inputs).map(|content| (content, corpus))
    })
    .await
    .map_err(|error| Error::Internal(format!("an example packet stopped: {error}")))?
    .map_err(|error| Error::Internal(format!("an example packet cannot be built: {error}")))
}

/// Records as many approvals as the packet needs.
async fn approve(
    store: &Store,
    work: &mut Work,
    bundle: &BundleRef,
    past: &PastRollout,
    settings: &ReviewSettings,
    content: &Content,
    packet_id: &str,
) -> Result<()> {
    let packet_row = packets::row::by_id(work.db(), packet_id).await?.row_id;
    let needed = usize::from(content.required_approvals);
    let signers = [(Role::Approver, 2 * HOUR), (Role::SafetyOwner, 5 * HOUR)];
    for (place, (role, after)) in signers.into_iter().take(needed).enumerate() {
        let (by, at) = (actor(&email(role), role), past.submitted().plus(after));
        let proposal = Proposal { packet_id, actor: &by, decision: Verdict::Approve, reason: None };
        let signed = action::record(&proposal, at, settings, &store.keys())
            .map_err(|error| Error::Internal(format!("an example approval cannot be signed: {error}")))?;
        packets::row::insert_action(work.db(), packet_row, &signed).await?;
        let to_state = if place + 1 == needed { State::Approved } else { State::InReview };
        let detail = json!({
            "bundle_id": bundle.id, "version": bundle.version, "from_state": State::InReview.name(),
            "to_state": to_state.name(), "decision": Verdict::Approve, "idempotency_key": signed.idempotency_key,
            "required_approvals": content.required_approvals, "digest": bundle.digest,
        });
        let summary = format!("{} approved {}", by.name, bundle.version);
        work.note_past((at, by), EventType::Approved, ("packet", packet_id.to_owned()), summary, detail);
    }
    sqlx::query("update policy_packets set status = $2 where row_id = $1")
        .bind(packet_row)
        .bind(PacketStatus::Approved.name())
        .execute(work.db())
        .await?;
    Ok(())
}

/// Adds a bundle that reached full traffic.
async fn insert(work: &mut Work, past: &PastRollout) -> Result<BundleRef> {
    let PastRollout { source, state, stages, .. } = past;
    let version = source.version.clone().unwrap_or_default();
    let digest = source.digest();
    let serves = *state == State::Active;
    let [_, _, full] = *stages;
    let id = sqlx::query_scalar(
        "insert into policy_bundles (version, state, active, canary_pct, content, digest, rule_count, notes, base_version,
             authors, created_by, created_at, updated_at, stage_started_at, activated_at, activated_by, reached_full_at)
         values ($1, $2, $3, $4, $5::json, $6, $7, $8, $9, array[$10], $10, $11, $12, $13, $12, $14, $12) returning id",
    )
    .bind(&version)
    .bind(state.name())
    .bind(serves)
    .bind(if serves { 100_i16 } else { 0 })
    .bind(json::text(&bundles::row::content(source)?)?)
    .bind(digest.as_str())
    .bind(i32::try_from(source.rules.len()).unwrap_or(i32::MAX))
    .bind(&source.notes)
    .bind(&source.base_version)
    .bind(email(Role::Author))
    .bind(OffsetDateTime::from(past.written()))
    .bind(OffsetDateTime::from(full))
    .bind(serves.then_some(OffsetDateTime::from(full)))
    .bind(email(Role::RuntimeOwner))
    .fetch_one(work.db())
    .await?;
    Ok(BundleRef { id, version, digest: digest.to_string() })
}

/// Stores the signed records of a bundle's stages up to full traffic.
async fn record_stages(
    store: &Store,
    work: &mut Work,
    bundle: &BundleRef,
    times: [Timestamp; 3],
    packet_id: &str,
) -> Result<()> {
    for ((from_pct, to_pct), at) in [(0, 10), (10, 50), (50, 100)].into_iter().zip(times) {
        let mut record = ApplyRecord {
            id: 0,
            bundle_id: bundle.id,
            version: bundle.version.clone(),
            digest: bundle.digest.clone(),
            packet_id: Some(packet_id.to_owned()),
            from_pct,
            to_pct,
            actor: email(Role::RuntimeOwner),
            credential: None,
            at,
            verification_checksum: None,
            key_id: String::new(),
            signature: String::new(),
        };
        rollout::store_apply(&store.keys(), work.db(), &mut record).await?;
        let (event, from_state, summary) = match from_pct {
            0 => (EventType::Applied, State::Approved, format!("{} entered service at {to_pct} %", record.version)),
            _ => {
                let summary = format!("{} went from {from_pct} % to {to_pct} %", record.version);
                (EventType::Promoted, State::Canary, summary)
            }
        };
        let to_state = if to_pct == 100 { State::Active } else { State::Canary };
        let detail = json!({
            "version": record.version, "from_state": from_state.name(), "to_state": to_state.name(),
            "from_pct": from_pct, "to_pct": to_pct, "packet_id": packet_id, "digest": record.digest,
            "apply_id": record.id, "signature": record.signature,
        });
        let owner = actor(&record.actor, Role::RuntimeOwner);
        work.note_past((at, owner), event, ("bundle", bundle.id.to_string()), summary, detail);
    }
    Ok(())
}
