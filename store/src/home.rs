//! Data for the first page and the navigation.

use const_format::concatcp;
use lifecycle::{
    authority::{Actor, Permission, authorize},
    incident::Status,
    overview::{Badges, Countersigned, EffectMix, Minute, OverdueDrill, Overview, Task, TaskKind},
    review::PacketStatus,
    rollout::drill::OVERDUE_AFTER,
    settings::ProposalStatus,
};
use policy::Timestamp;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{
    Result, Store, announcements, approvals, audit, drills,
    incidents::{self, Filter as IncidentFilter},
    packets::{self, WAITS},
    partner_keys, people, settings, system,
};

/// Maximum number of tasks listed per kind.
const MAX_TASKS: u32 = 20;
/// Number of audit entries shown.
const MAX_RECENT: u32 = 12;

/// The data of the first page.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn overview(store: &Store, actor: &Actor) -> Result<Overview> {
    authorize(actor, Permission::Read)?;
    let recent = audit::Filter { limit: Some(MAX_RECENT), without_routine: true, ..audit::Filter::default() };
    let recent = audit::list(store, actor, &recent).await?.items;
    let tasks = tasks(store, actor).await?;
    let mut db = store.pool().acquire().await?;
    let as_of: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(&mut *db).await?;
    Ok(Overview {
        system: system::read(&mut db).await?,
        announcements: announcements::open(&mut db, actor).await?,
        tasks,
        badges: count(&mut db, actor).await?,
        recent,
        minutes: minutes(&mut db).await?,
        mix: mix(&mut db).await?,
        last_drill: drills::last(&mut db, store).await?,
        as_of: as_of.into(),
    })
}

/// The counts shown in the navigation.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn badges(store: &Store, actor: &Actor) -> Result<Badges> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    count(&mut db, actor).await
}

async fn count(db: &mut PgConnection, actor: &Actor) -> Result<Badges> {
    const SQL: &str = concatcp!(
        "select (select count(*) from policy_approvals r where $3 and (",
        approvals::WAITS,
        ")), (select count(*) from policy_packets p where $4 and (",
        WAITS,
        ")), (select count(*) from incidents where $5 and status = 'open')"
    );
    let (approvals, reviews, incidents): (i64, i64, i64) = sqlx::query_as(SQL)
        .bind(&actor.name)
        .bind(approvals::deciding_roles(actor))
        .bind(actor.may(Permission::DecideApprovals))
        .bind(actor.may(Permission::ActOnPackets))
        .bind(actor.may(Permission::HandleIncidents))
        .fetch_one(db)
        .await?;
    Ok(Badges { approvals: small(approvals), reviews: small(reviews), incidents: small(incidents) })
}

fn small(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Tasks that wait for the actor, oldest first.
async fn tasks(store: &Store, actor: &Actor) -> Result<Vec<Task>> {
    let mut tasks = Vec::new();
    tasks.extend(undecided(store, actor).await?);
    if actor.may(Permission::ActOnPackets) {
        let filter = packets::Filter { waiting_for: Some(actor), limit: Some(MAX_TASKS), ..packets::Filter::default() };
        tasks.extend(packets::list(store, actor, &filter).await?.items.into_iter().map(|packet| Task {
            kind: TaskKind::ReviewPacket {
                packet_id: packet.packet_id,
                version: packet.bundle_version,
                built_by: packet.built_by,
                approvals: packet.approved_by.len(),
                required_approvals: packet.required_approvals,
            },
            since: packet.built_at,
        }));
    }
    if actor.may(Permission::Apply) {
        tasks.extend(approved(store, actor).await?);
    }
    tasks.extend(release_signature(store, actor).await?);
    if actor.may(Permission::Apply) {
        tasks.extend(overdue_drill(store).await?);
    }
    if actor.may(Permission::HandleIncidents) {
        let filter = IncidentFilter { status: Some(Status::Open), limit: Some(MAX_TASKS), ..IncidentFilter::default() };
        tasks.extend(incidents::list(store, actor, &filter).await?.items.into_iter().map(|incident| Task {
            kind: TaskKind::AcknowledgeIncident { incident_id: incident.id, title: incident.title },
            since: incident.created_at,
        }));
    }
    if actor.may(Permission::Countersign) {
        tasks.extend(proposals(store, actor).await?);
    }
    if actor.may(Permission::EditDrafts) {
        tasks.extend(changes_requested(store, actor).await?);
    }
    tasks.sort_by_key(|task| task.since);
    Ok(tasks)
}

/// The approval requests that wait for the actor, as one task: an agent may make many.
async fn undecided(store: &Store, actor: &Actor) -> Result<Option<Task>> {
    const SQL: &str = concatcp!(
        "select count(*), count(distinct r.agent), min(r.requested_at), min(r.expires_at)
         from policy_approvals r where ",
        approvals::WAITS
    );
    if !actor.may(Permission::DecideApprovals) {
        return Ok(None);
    }
    let (requests, agents, since, first): (i64, i64, Option<OffsetDateTime>, Option<OffsetDateTime>) =
        sqlx::query_as(SQL).bind(&actor.name).bind(approvals::deciding_roles(actor)).fetch_one(store.pool()).await?;
    Ok(since.zip(first).map(|(since, first)| Task {
        kind: TaskKind::DecideApprovals {
            requests: small(requests),
            agents: small(agents),
            first_expires_at: first.into(),
        },
        since: since.into(),
    }))
}

/// The approved bundles that are not in service yet.
async fn approved(store: &Store, actor: &Actor) -> Result<Vec<Task>> {
    let filter =
        packets::Filter { status: Some(PacketStatus::Approved), limit: Some(MAX_TASKS), ..packets::Filter::default() };
    let approved = packets::list(store, actor, &filter).await?.items;
    let ids: Vec<i64> = approved.iter().map(|packet| packet.bundle_id).collect();
    let waiting: Vec<i64> =
        sqlx::query_scalar("select id from policy_bundles where id = any($1) and state = 'approved'")
            .bind(&ids[..])
            .fetch_all(store.pool())
            .await?;
    let waiting = approved.into_iter().filter(|packet| waiting.contains(&packet.bundle_id));
    Ok(waiting
        .map(|packet| Task {
            kind: TaskKind::ApplyBundle { version: packet.bundle_version, approved_by: packet.approved_by },
            since: packet.built_at,
        })
        .collect())
}

/// The release of a safety pause, if it needs this actor's signature.
async fn release_signature(store: &Store, actor: &Actor) -> Result<Option<Task>> {
    let mut db = store.pool().acquire().await?;
    let pause = system::switches_now(&mut db).await?.pause.filter(|pause| pause.may_sign(actor).is_ok());
    Ok(pause.map(|pause| match pause.release_signatures.into_iter().next() {
        Some(first) => Task {
            kind: TaskKind::SecondReleaseSignature { signed_by: first.by, remediation: first.remediation },
            since: first.at,
        },
        None => Task {
            kind: TaskKind::FirstReleaseSignature { paused_by: pause.by, reason: pause.reason },
            since: pause.since,
        },
    }))
}

/// The rollback drill, if none has passed for a week and there is something to drill with.
async fn overdue_drill(store: &Store) -> Result<Option<Task>> {
    let mut db = store.pool().acquire().await?;
    let now: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(&mut *db).await?;
    let last = drills::last(&mut db, store).await?;
    if last.is_some_and(|last| !last.is_overdue(now.into()))
        || drills::candidate(&mut db, &store.keys()).await?.is_none()
    {
        return Ok(None);
    }
    let first: Option<OffsetDateTime> =
        sqlx::query_scalar("select min(at) from policy_apply_record").fetch_one(&mut *db).await?;
    let (why, since) = match last {
        Some(last) if last.passed => (OverdueDrill::Expired, last.at.plus(OVERDUE_AFTER)),
        Some(last) => (OverdueDrill::Failed, last.at),
        None => (OverdueDrill::NeverRun, first.unwrap_or(now).into()),
    };
    Ok(Some(Task { kind: TaskKind::RunDrill(why), since }))
}

/// The proposals that the actor may countersign.
async fn proposals(store: &Store, actor: &Actor) -> Result<Vec<Task>> {
    let task =
        |what, about, proposed_by, since| Task { kind: TaskKind::Countersign { what, about, proposed_by }, since };
    let waiting = Some(ProposalStatus::Pending);
    let settings = settings::proposals(store, actor, waiting, Some(MAX_TASKS), None).await?.items.into_iter();
    let settings = settings.filter(|proposal| proposal.may_decide(&actor.name).is_ok()).map(|proposal| {
        let about = proposal.changes.into_iter().map(|change| change.words()).collect::<Vec<_>>().join(", ");
        task(Countersigned::Settings, about, proposal.proposed_by, proposal.proposed_at)
    });
    let roles = people::proposals(store, actor).await?.into_iter();
    let roles = roles
        .filter(|proposal| proposal.may_accept(&actor.name).is_ok())
        .map(|proposal| task(Countersigned::Roles, proposal.email, proposal.proposed_by, proposal.proposed_at));
    let keys = partner_keys::list(store, actor).await?.into_iter();
    let keys = keys
        .filter(|key| key.is_proposed() && key.may_accept(&actor.name))
        .map(|key| task(Countersigned::PartnerKey, key.name, key.proposed_by, key.proposed_at));
    Ok(settings.chain(roles).chain(keys).collect())
}

/// The actor's own drafts that a reviewer sent back.
async fn changes_requested(store: &Store, actor: &Actor) -> Result<Vec<Task>> {
    let rows: Vec<(i64, String, OffsetDateTime)> = sqlx::query_as(
        "select id, version, updated_at from policy_bundles
         where state = 'changes_requested' and $1 = any(authors) order by id desc limit $2",
    )
    .bind(&actor.name)
    .bind(i64::from(MAX_TASKS))
    .fetch_all(store.pool())
    .await?;
    let task = |(bundle_id, version, since): (i64, String, OffsetDateTime)| Task {
        kind: TaskKind::ChangeDraft { bundle_id, version },
        since: since.into(),
    };
    Ok(rows.into_iter().map(task).collect())
}

/// The last hour's decisions, minute by minute.
async fn minutes(db: &mut PgConnection) -> Result<Vec<Minute>> {
    let rows: Vec<(OffsetDateTime, i64, i64)> = sqlx::query_as(
        "with counted as (
             select date_trunc('minute', at) as at, sum(decisions)::int8 as decisions,
                 (sum(decisions) filter (where status = 'error'))::int8 as errors
             from policy_decision_counts
             where at >= date_trunc('minute', now()) - interval '59 minutes' group by 1)
         select minute, coalesce(decisions, 0), coalesce(errors, 0)
         from generate_series(date_trunc('minute', now()) - interval '59 minutes', date_trunc('minute', now()),
             interval '1 minute') minute
         left join counted on counted.at = minute order by minute",
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(at, decisions, errors)| Minute {
            at: Timestamp::from(at),
            decisions: decisions.unsigned_abs(),
            errors: errors.unsigned_abs(),
        })
        .collect())
}

/// The effects of the last hour's decisions.
async fn mix(db: &mut PgConnection) -> Result<EffectMix> {
    let (allow, needs_approval, deny, no_match, errors): (i64, i64, i64, i64, i64) = sqlx::query_as(
        "select coalesce(sum(decisions) filter (where effect = 'allow'), 0)::int8,
             coalesce(sum(decisions) filter (where effect = 'needs_approval'), 0)::int8,
             coalesce(sum(decisions) filter (where effect = 'deny'), 0)::int8,
             coalesce(sum(decisions) filter (where status = 'no_match'), 0)::int8,
             coalesce(sum(decisions) filter (where status = 'error'), 0)::int8
         from policy_decision_counts where at >= now() - interval '1 hour'",
    )
    .fetch_one(db)
    .await?;
    Ok(EffectMix {
        allow: allow.unsigned_abs(),
        needs_approval: needs_approval.unsigned_abs(),
        deny: deny.unsigned_abs(),
        no_match: no_match.unsigned_abs(),
        errors: errors.unsigned_abs(),
    })
}
