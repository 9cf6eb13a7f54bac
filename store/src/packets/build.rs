//! Building a packet: a draft is linted, compared with the stable bundle and replayed, and enters review.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, authorize},
    bundle::{State, state::Command},
    problem::{Code, Problem},
    review::{self, Content, Packet, PacketInputs, packet_id},
    settings::Settings,
};
use policy::{
    Timestamp,
    bundle::version,
    replay::{Corpus, CorpusCase, Dataset, fixtures},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::row;
use crate::{
    Error, Result, Store,
    bundles::{base_of, row as bundle_row},
    decisions, json, settings, test_cases,
    work::Work,
};

/// Maximum number of decisions that a packet replays.
const MAX_CORPUS: u32 = 100_000;

/// Which decisions a packet replays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorpusRequest {
    /// `recorded` or `fixtures`.
    pub source: Dataset,
    /// Only decisions from this time on, inclusive.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// Only decisions until this time, exclusive.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Maximum number of decisions, newest first.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// The packet to build: the body of `POST /policy/packets`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BuildPacket {
    /// The draft.
    pub bundle_id: i64,
    /// The plan for when the bundle goes wrong.
    #[serde(default)]
    pub fallback_plan: String,
    /// The decisions to replay; if absent, the newest recorded ones, or fixtures if none are recorded.
    #[serde(default)]
    pub corpus: Option<CorpusRequest>,
}

/// Builds a packet from a draft and puts the draft into review.
///
/// # Errors
/// Denied without [`Permission::BuildPackets`]; no such bundle; `invalid_transition` when it is not a draft; a blank
/// plan; `lint_errors`; a version that skips, goes back or is too small a step; `conflict` when the draft or what is
/// live changed meanwhile.
pub async fn build(store: &Store, actor: &Actor, request: BuildPacket) -> Result<Packet> {
    let permit = authorize(actor, Permission::BuildPackets)?;
    let mut db = store.pool().acquire().await?;
    let draft = bundle_row::by_id(&mut db, request.bundle_id).await?;
    draft.state()?.apply(Command::Submit).map_err(Problem::from)?;
    let source = draft.source()?;
    if request.fallback_plan.contains('\0') {
        return Err(Problem::invalid_field("/fallback_plan", "the character NUL cannot be kept").into());
    }
    let taken = bundle_row::versions(&mut db, Some(draft.id)).await?;
    let counted_from = base_of(&mut db, draft.base_version.as_deref()).await?;
    let counted_from = counted_from.as_ref().map(|(version, content)| (version.as_str(), content));
    version::check(&draft.version, counted_from, &source, &taken).map_err(Problem::from)?;
    let base = bundle_row::stable(&mut db).await?;
    let settings = settings::load(&mut *db).await?;
    let invariants = settings::load_invariants(&mut *db).await?;
    let corpus = corpus(&mut db, request.corpus.as_ref(), &settings).await?;
    drop(db);

    // Linting and replaying take time, so no lock is held meanwhile; the code below checks whether anything changed.
    let base_source = base.as_ref().map(bundle_row::Row::source).transpose()?;
    let notes = source.notes.clone();
    let (content, corpus) = tokio::task::spawn_blocking(move || {
        let corpus = corpus.settled();
        let inputs = PacketInputs {
            draft: &source,
            base: base_source.as_ref(),
            corpus: &corpus,
            fallback_plan: &request.fallback_plan,
            settings: &settings.review,
            invariants: &invariants,
        };
        review::build(&inputs).map(|content| (content, corpus)).map_err(Problem::from)
    })
    .await
    .map_err(|error| Error::Internal(format!("building the packet stopped: {error}")))??;

    let mut work = Work::begin(store, permit).await?;
    let current = bundle_row::by_id_locked(work.db(), draft.id).await?;
    let state = current.state()?.apply(Command::Submit).map_err(Problem::from)?;
    if current.revision != draft.revision {
        return Err(changed("the draft was saved while the packet was built; submit again"));
    }
    if row::is_stale(work.db(), base.as_ref().map(|base| base.id)).await? {
        return Err(changed("another bundle became stable while the packet was built; submit again"));
    }
    let built_by = work.actor().name.clone();
    let submission =
        Submission { bundle: &current, base: base.as_ref(), notes: &notes, built_by: &built_by, built_at: work.now };
    let id = insert(work.db(), &submission, &content, &corpus).await?;
    sqlx::query("update policy_bundles set state = $2, updated_at = now(), revision = revision + 1 where id = $1")
        .bind(current.id)
        .bind(state.name())
        .execute(work.db())
        .await?;
    let summary = format!("{} was submitted for review", current.version);
    work.note(EventType::PacketBuilt, "packet", &id, summary, built_detail(&submission, &content));
    let packet = {
        let built = row::by_id(work.db(), &id).await?;
        row::read(&store.keys(), work.db(), built).await?
    };
    work.commit().await?;
    Ok(packet)
}

fn changed(detail: &str) -> Error {
    Error::refused(Code::Conflict, detail)
}

/// The values of a packet's row besides the content.
pub(crate) struct Submission<'a> {
    pub bundle: &'a bundle_row::Row,
    pub base: Option<&'a bundle_row::Row>,
    pub notes: &'a str,
    pub built_by: &'a str,
    pub built_at: Timestamp,
}

/// Adds a packet in review; returns its id.
pub(crate) async fn insert(
    db: &mut PgConnection,
    submission: &Submission<'_>,
    content: &Content,
    corpus: &Corpus,
) -> Result<String> {
    let Submission { bundle, base, notes, built_by, built_at } = *submission;
    let id = packet_id(content);
    sqlx::query(
        "insert into policy_packets (packet_id, bundle_id, bundle_revision, base_id, status, built_by, authors, built_at,
             content, corpus, bundle_version, base_version, notes, risk_score_bps, required_approvals, replay_checksum)
         values ($1, $2, $3, $4, 'in_review', $5, $6, $15, $7::json, $8::json, $9, $10, $11, $12, $13, $14)",
    )
    .bind(&id)
    .bind(bundle.id)
    .bind(bundle.revision)
    .bind(base.map(|base| base.id))
    .bind(built_by)
    .bind(&bundle.authors[..])
    .bind(json::text(content)?)
    .bind(json::text(corpus)?)
    .bind(&bundle.version)
    .bind(base.map(|base| base.version.as_str()))
    .bind(notes)
    .bind(i32::try_from(content.risk_score_bps).unwrap_or(i32::MAX))
    .bind(i16::from(content.required_approvals))
    .bind(&content.replay.replay_checksum)
    .bind(OffsetDateTime::from(built_at))
    .execute(db)
    .await?;
    Ok(id)
}

/// The detail of the audit entry of a packet that was built.
pub(crate) fn built_detail(submission: &Submission<'_>, content: &Content) -> Value {
    let Submission { bundle, base, .. } = *submission;
    json!({
        "bundle_id": bundle.id, "version": bundle.version, "from_state": bundle.state, "to_state": State::InReview.name(),
        "digest": bundle.digest, "base_version": base.map(|base| &base.version),
        "replay_checksum": content.replay.replay_checksum,
        "deterministic_pass": content.replay.deterministic_pass, "risk_score_bps": content.risk_score_bps,
        "required_approvals": content.required_approvals, "blockers": content.blockers(),
        "projected_kpis": content.projected_kpis,
    })
}

/// The cases to replay.
async fn corpus(db: &mut PgConnection, request: Option<&CorpusRequest>, settings: &Settings) -> Result<Corpus> {
    let limit = request.and_then(|request| request.limit).unwrap_or(settings.corpus.0);
    if !(1..=MAX_CORPUS).contains(&limit) {
        let detail = format!("a packet replays 1 to {MAX_CORPUS} decisions");
        return Err(Problem::invalid_field("/corpus/limit", detail).into());
    }
    match request.map(|request| request.source) {
        None | Some(Dataset::Recorded) => {
            let filter = decisions::Filter {
                since: request.and_then(|request| request.since),
                until: request.and_then(|request| request.until),
                ..decisions::Filter::default()
            };
            let records = decisions::newest(db, &filter, limit).await?;
            if records.is_empty() && request.is_none() {
                return fixture_corpus(db).await;
            }
            Ok(Corpus::recorded(records.iter().map(CorpusCase::from).collect()))
        }
        Some(Dataset::Fixtures) => fixture_corpus(db).await,
        Some(Dataset::Synthetic | Dataset::Custom) => {
            let detail = "a packet replays `recorded` decisions or `fixtures`";
            Err(Problem::invalid_field("/corpus/source", detail).into())
        }
    }
}

async fn fixture_corpus(db: &mut PgConnection) -> Result<Corpus> {
    let saved = test_cases::saved(db).await?;
    Ok(Corpus::of_cases(Dataset::Fixtures, fixtures::with_saved(&saved)))
}
