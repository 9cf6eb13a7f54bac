//! Proposals to weaken a safeguard: making them, reading them, and a safety owner's decision.

use const_format::concatcp;
use lifecycle::{
    Page,
    audit::EventType,
    authority::{Actor, Permission, authorize, may_propose},
    problem::{Code, Problem},
    settings::{Change, Proposal, ProposalStatus, safeguards},
};
use serde_json::{Value, json};
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;

use super::{
    limits::check,
    row::{GROUPS, INVARIANTS, load, load_groups, load_invariants, lock_against_changes, put, put_groups},
};
use crate::{Error, Result, Store, held_roles::require_proposer, json as text, names, page, work::Work};

/// The columns of [`Row`].
const COLUMNS: &str = "id, changes, status, proposed_by, proposed_at, decided_by, decided_at";

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    changes: Json<Value>,
    status: String,
    proposed_by: String,
    proposed_at: OffsetDateTime,
    decided_by: Option<String>,
    decided_at: Option<OffsetDateTime>,
}

impl Row {
    fn read(self) -> Result<Proposal> {
        Ok(Proposal {
            id: self.id,
            changes: serde_json::from_value(self.changes.0)
                .map_err(|error| Error::damaged(format!("proposal {}: {error}", self.id)))?,
            needs: "safety_owner".to_owned(),
            status: names::read(&self.status)?,
            proposed_by: self.proposed_by,
            proposed_at: self.proposed_at.into(),
            decided_by: self.decided_by,
            decided_at: self.decided_at.map(Into::into),
        })
    }
}

/// Proposals, newest first; only those with this status, if one is given.
///
/// # Errors
/// Denied without [`Permission::Read`]; a malformed cursor or limit.
pub async fn proposals(
    store: &Store,
    actor: &Actor,
    status: Option<ProposalStatus>,
    limit: Option<u32>,
    cursor: Option<&str>,
) -> Result<Page<Proposal>> {
    authorize(actor, Permission::Read)?;
    let limit = page::limit(limit)?;
    let before = page::number(cursor)?;
    let sql = concatcp!(
        "select ",
        COLUMNS,
        " from settings_proposals where ($1::text is null or status = $1) and ($2::bigint is null or id < $2)
         order by id desc limit $3"
    );
    let rows: Vec<Row> = sqlx::query_as(sql)
        .bind(status.map(ProposalStatus::name))
        .bind(before)
        .bind(limit + 1)
        .fetch_all(store.pool())
        .await?;
    page::page(rows, limit, |row| row.id.to_string(), Row::read)
}

/// Proposes `changes`. An earlier proposal that waits and is about one of the same settings is superseded. The settings
/// are locked against changes.
///
/// # Errors
/// Denied while the actor signs nothing.
pub(super) async fn propose(work: &mut Work, changes: &[Change]) -> Result<Option<Proposal>> {
    if changes.is_empty() {
        return Ok(None);
    }
    may_propose(work.actor())?;
    let about_the_same =
        |pending: &Proposal| pending.changes.iter().any(|one| changes.iter().any(|other| one.field == other.field));
    for earlier in pending(work.db()).await?.iter().filter(|pending| about_the_same(pending)) {
        sqlx::query("update settings_proposals set status = 'superseded' where id = $1")
            .bind(earlier.id)
            .execute(work.db())
            .await?;
        let what = earlier.changes.iter().map(Change::words).collect::<Vec<_>>().join(", ");
        let summary = format!("{} proposed anew what {} had proposed ({what})", work.actor().name, earlier.proposed_by);
        let detail = json!({"changes": earlier.changes, "proposed_by": earlier.proposed_by, "decision": "superseded"});
        work.note(EventType::ProposalRejected, "settings", earlier.id, summary, detail);
    }
    let sql = concatcp!(
        "insert into settings_proposals (changes, proposed_by, proposed_at) values ($1::json, $2, now()) returning ",
        COLUMNS
    );
    let by = work.actor().name.clone();
    let row: Row = sqlx::query_as(sql).bind(text::text(&json!(changes))?).bind(&by).fetch_one(work.db()).await?;
    let proposal = row.read()?;
    let what = changes.iter().map(Change::words).collect::<Vec<_>>().join(", ");
    let summary = format!("{by} proposed to weaken a safeguard ({what}); a safety owner decides");
    work.note(EventType::SettingsProposed, "settings", proposal.id, summary, json!({"changes": changes}));
    Ok(Some(proposal))
}

async fn pending(db: &mut PgConnection) -> Result<Vec<Proposal>> {
    let sql = concatcp!("select ", COLUMNS, " from settings_proposals where status = 'pending' order by id");
    let rows: Vec<Row> = sqlx::query_as(sql).fetch_all(db).await?;
    rows.into_iter().map(Row::read).collect()
}

/// Accepts a proposal: its changes are in force from now on.
///
/// # Errors
/// Denied without [`Permission::Countersign`]; `forbidden` for who proposed it; no such proposal; `invalid_transition` when
/// it was decided before; `conflict` when a setting is no longer what it was when the change was proposed, or the proposer
/// could not propose it any more.
pub async fn accept(store: &Store, actor: &Actor, id: i64) -> Result<Proposal> {
    let permit = authorize(actor, Permission::Countersign)?;
    let mut work = Work::begin(store, permit).await?;
    lock_against_changes(&mut work).await?;
    let proposal = undecided(&mut work, id, actor).await?;
    require_proposer(&mut work, &proposal.proposed_by, proposal.proposed_at).await?;
    let (before, invariants_before) = (load(work.db()).await?, load_invariants(work.db()).await?);
    let moved = |change: Change| {
        let detail = format!(
            "{} is no longer what it was when this was proposed, so the proposal cannot be accepted: propose it again",
            change.words()
        );
        Problem::new(Code::Conflict, detail).with("field", change.field)
    };
    let groups_before = load_groups(work.db()).await?;
    let after = safeguards::accept(&proposal.changes, &before, &invariants_before, &groups_before).map_err(moved)?;
    check(&after.settings)?;
    put_groups(&mut work, &before, &after.settings).await?;
    if after.invariants != invariants_before {
        put(&mut work, INVARIANTS, &json!(after.invariants)).await?;
    }
    if after.groups != groups_before {
        put(&mut work, GROUPS, &json!(after.groups)).await?;
    }
    decide(work, proposal, ProposalStatus::Accepted).await
}

/// Rejects a proposal.
///
/// # Errors
/// Denied without [`Permission::Countersign`]; `forbidden` for who proposed it; no such proposal; `invalid_transition` when
/// it was decided before.
pub async fn reject(store: &Store, actor: &Actor, id: i64) -> Result<Proposal> {
    let permit = authorize(actor, Permission::Countersign)?;
    let mut work = Work::begin(store, permit).await?;
    lock_against_changes(&mut work).await?;
    let proposal = undecided(&mut work, id, actor).await?;
    decide(work, proposal, ProposalStatus::Rejected).await
}

/// The proposal, if it waits and this person may decide on it.
async fn undecided(work: &mut Work, id: i64, actor: &Actor) -> Result<Proposal> {
    let sql = concatcp!("select ", COLUMNS, " from settings_proposals where id = $1 for update");
    let row: Option<Row> = sqlx::query_as(sql).bind(id).fetch_optional(work.db()).await?;
    let proposal = row.ok_or_else(|| Error::not_found("proposal", id))?.read()?;
    if let Err(refused) = proposal.may_decide(&actor.name) {
        return Err(Problem::new(Code::Forbidden, refused.to_string())
            .with("permission", Permission::Countersign.name())
            .with("rule", "separation_of_duties")
            .into());
    }
    if proposal.status != ProposalStatus::Pending {
        return Err(Error::decided(proposal.status.name()));
    }
    Ok(proposal)
}

async fn decide(mut work: Work, proposal: Proposal, status: ProposalStatus) -> Result<Proposal> {
    let by = work.actor().name.clone();
    let sql = concatcp!(
        "update settings_proposals set status = $2, decided_by = $3, decided_at = now() where id = $1 returning ",
        COLUMNS
    );
    let row: Row = sqlx::query_as(sql).bind(proposal.id).bind(status.name()).bind(&by).fetch_one(work.db()).await?;
    let what = proposal.changes.iter().map(Change::words).collect::<Vec<_>>().join(", ");
    let (event, did) = match status {
        ProposalStatus::Accepted => (EventType::ProposalAccepted, "accepted"),
        _ => (EventType::ProposalRejected, "rejected"),
    };
    let detail = json!({"changes": proposal.changes, "proposed_by": proposal.proposed_by});
    let summary = format!("{by} {did} that a safeguard becomes weaker ({what}), as {} proposed", proposal.proposed_by);
    work.note(event, "settings", proposal.id, summary, detail);
    work.commit().await?;
    row.read()
}
