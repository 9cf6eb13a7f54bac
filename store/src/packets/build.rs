//! Building a packet: a draft is linted, compared with the stable bundle and replayed, and enters review.

use std::time::Duration;

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, authorize},
    bundle::{State, state::Command},
    problem::{Code, Problem},
    review::{self, Content, Packet, PacketInputs, Retirement, packet_id},
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
    bundles::{add_authors, base_of, row as bundle_row, unreviewed_authors},
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
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BuildPacket {
    /// The draft.
    pub bundle_id: i64,
    /// The plan for when the bundle goes wrong.
    #[serde(default)]
    pub fallback_plan: String,
    /// The decisions to replay; if absent, those that the settings name, or fixtures if none are recorded. Any others are
    /// insufficient evidence.
    #[serde(default)]
    pub corpus: Option<CorpusRequest>,
    /// The guards that the draft removes on purpose.
    #[serde(default)]
    pub retires: Vec<Retirement>,
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
    let base_invariants = match &base {
        Some(base) => row::invariants_of(&mut db, base.id).await?,
        None => Vec::new(),
    };
    let (corpus, corpus_by_policy) = corpus(&mut db, request.corpus.as_ref(), &settings).await?;
    drop(db);

    // Linting and replaying take time, so no lock is held meanwhile; the code below checks whether anything changed.
    let base_source = base.as_ref().map(bundle_row::Row::source).transpose()?;
    let notes = source.notes.clone();
    let build = move || {
        let corpus = corpus.settled();
        let inputs = PacketInputs {
            draft: &source,
            base: base_source.as_ref(),
            corpus: &corpus,
            corpus_by_policy,
            fallback_plan: &request.fallback_plan,
            settings: &settings.review,
            invariants: &invariants,
            base_invariants: &base_invariants,
            retires: &request.retires,
        };
        review::build(&inputs).map(|content| (content, corpus)).map_err(Problem::from)
    };
    let (content, corpus) = store.heavy().run(&actor.name, build).await??;

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
    let authors = authors_of(work.db(), &current).await?;
    let submission = Submission {
        bundle: &current,
        base: base.as_ref(),
        notes: &notes,
        built_by: &built_by,
        authors: &authors,
        built_at: clock(work.db()).await?,
    };
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

/// The database's clock at this moment, while the bundle is locked. An action on the packet begins later; the time at
/// which this transaction began may lie before an action on an earlier submission.
async fn clock(db: &mut PgConnection) -> Result<Timestamp> {
    let now: OffsetDateTime = sqlx::query_scalar("select clock_timestamp()").fetch_one(db).await?;
    Ok(now.into())
}

/// Everybody who wrote what the bundle contains: also the authors of equal content that nobody has approved.
async fn authors_of(db: &mut PgConnection, bundle: &bundle_row::Row) -> Result<Vec<String>> {
    let mut authors = bundle.authors.clone();
    add_authors(&mut authors, unreviewed_authors(db, &bundle.digest).await?);
    Ok(authors)
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
    pub authors: &'a [String],
    pub built_at: Timestamp,
}

/// Adds a packet in review; returns its id.
pub(crate) async fn insert(
    db: &mut PgConnection,
    submission: &Submission<'_>,
    content: &Content,
    corpus: &Corpus,
) -> Result<String> {
    let Submission { bundle, base, notes, built_by, authors, built_at } = *submission;
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
    .bind(authors)
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
        "required_approvals": content.required_approvals, "blockers": content.blockers(&[]),
        "quorum_reasons": content.quorum_reasons, "retires": content.retires,
        "projected_kpis": content.projected_kpis,
    })
}

/// The cases to replay, and whether the settings name them: the newest recorded decisions of the last days. The builder of
/// a packet may choose others, but then the packet says that it lacks evidence.
async fn corpus(db: &mut PgConnection, request: Option<&CorpusRequest>, settings: &Settings) -> Result<(Corpus, bool)> {
    let most = settings.corpus.0;
    let Some(request) = request else {
        let cases = recorded(db, Some(settings.review.evidence_days), decisions::Filter::default(), most).await?;
        // With nothing recorded yet, test cases at least show what the draft does.
        return Ok(if cases.cases.is_empty() { (fixture_corpus(db).await?, false) } else { (cases, true) });
    };
    let limit = request.limit.unwrap_or(most);
    if !(1..=MAX_CORPUS).contains(&limit) {
        let detail = format!("a packet replays 1 to {MAX_CORPUS} decisions");
        return Err(Problem::invalid_field("/corpus/limit", detail).into());
    }
    match request.source {
        Dataset::Recorded => {
            let whole = request.since.is_none() && request.until.is_none();
            let filter =
                decisions::Filter { since: request.since, until: request.until, ..decisions::Filter::default() };
            let days = whole.then_some(settings.review.evidence_days);
            Ok((recorded(db, days, filter, limit).await?, whole && limit == most))
        }
        Dataset::Fixtures => Ok((fixture_corpus(db).await?, false)),
        Dataset::Synthetic | Dataset::Custom => {
            let detail = "a packet replays `recorded` decisions or `fixtures`";
            Err(Problem::invalid_field("/corpus/source", detail).into())
        }
    }
}

/// The newest recorded decisions, at most `limit`, of the last `days` if there is such a bound.
async fn recorded(db: &mut PgConnection, days: Option<u32>, filter: decisions::Filter, limit: u32) -> Result<Corpus> {
    let since = match days {
        Some(days) => Some(clock(db).await?.minus(Duration::from_secs(u64::from(days) * 86_400))),
        None => filter.since,
    };
    let records = decisions::newest(db, &decisions::Filter { since, ..filter }, limit).await?;
    Ok(Corpus::recorded(records.iter().map(CorpusCase::from).collect()))
}

async fn fixture_corpus(db: &mut PgConnection) -> Result<Corpus> {
    let saved = test_cases::saved(db).await?;
    Ok(Corpus::of_cases(Dataset::Fixtures, fixtures::with_saved(&saved)))
}
