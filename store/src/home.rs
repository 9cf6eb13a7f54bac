//! What the first page and the navigation show.

use lifecycle::{
    authority::{Actor, Permission, authorize},
    incident::Status,
    review::PacketStatus,
    rollout::drill::OVERDUE_AFTER,
    workspace::{Badges, EffectMix, Minute, Need, Overview},
};
use policy::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection};
use time::OffsetDateTime;

use crate::{
    Result, Store, audit, drills,
    incidents::{self, Filter as IncidentFilter},
    packets::{self, WAITS},
    system,
};

/// Most things of one kind that are listed as waiting.
const MAX_NEEDS: u32 = 20;
/// Audit entries shown.
const RECENT: u32 = 12;

/// The first page.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn overview(store: &Store, actor: &Actor) -> Result<Overview> {
    authorize(actor, Permission::Read)?;
    let recent = audit::Filter { limit: Some(RECENT), ..audit::Filter::default() };
    let recent = audit::list(store, actor, &recent).await?.items;
    let needs_you = needs(store, actor).await?;
    let mut db = store.pool().acquire().await?;
    let as_of: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(&mut *db).await?;
    Ok(Overview {
        system: system::read(&mut db).await?,
        needs_you,
        badges: count(&mut db, actor).await?,
        recent,
        minutes: minutes(&mut db).await?,
        mix: mix(&mut db).await?,
        last_drill: drills::last(&mut db, store).await?,
        as_of: as_of.into(),
    })
}

/// The counts of the navigation.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn badges(store: &Store, actor: &Actor) -> Result<Badges> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    count(&mut db, actor).await
}

async fn count(db: &mut PgConnection, actor: &Actor) -> Result<Badges> {
    let sql = format!(
        "select (select count(*) from policy_packets p where $2 and ({})),
             (select count(*) from incidents where $3 and status = 'open')",
        WAITS.replace("NAME", "$1")
    );
    let (reviews, incidents): (i64, i64) = sqlx::query_as(AssertSqlSafe(sql))
        .bind(&actor.name)
        .bind(actor.may(Permission::ActOnPackets))
        .bind(actor.may(Permission::HandleIncidents))
        .fetch_one(db)
        .await?;
    let small = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(Badges { reviews: small(reviews), incidents: small(incidents) })
}

/// What waits for the actor, oldest first.
async fn needs(store: &Store, actor: &Actor) -> Result<Vec<Need>> {
    let mut needs = Vec::new();
    if actor.may(Permission::ActOnPackets) {
        let filter = packets::Filter { waiting_for: Some(actor), limit: Some(MAX_NEEDS), ..packets::Filter::default() };
        needs.extend(packets::list(store, actor, &filter).await?.items.into_iter().map(|packet| Need {
            title: format!("Review {}", packet.bundle_version),
            detail: format!(
                "Submitted by {}; {} of {} approvals given.",
                packet.built_by,
                packet.approved_by.len(),
                packet.required_approvals
            ),
            href: format!("/reviews/{}", packet.packet_id),
            since: packet.built_at,
        }));
    }
    if actor.may(Permission::Apply) {
        let filter = packets::Filter {
            status: Some(PacketStatus::Approved),
            limit: Some(MAX_NEEDS),
            ..packets::Filter::default()
        };
        let approved = packets::list(store, actor, &filter).await?.items;
        let ids: Vec<i64> = approved.iter().map(|packet| packet.bundle_id).collect();
        let waiting: Vec<i64> =
            sqlx::query_scalar("select id from policy_bundles where id = any($1) and state = 'approved'")
                .bind(&ids[..])
                .fetch_all(store.pool())
                .await?;
        needs.extend(approved.into_iter().filter(|packet| waiting.contains(&packet.bundle_id)).map(|packet| Need {
            title: format!("Apply {}", packet.bundle_version),
            detail: format!("Approved by {}.", packet.approved_by.join(", ")),
            href: "/rollouts".to_owned(),
            since: packet.built_at,
        }));
    }
    needs.extend(release(store, actor).await?);
    if actor.may(Permission::Apply) {
        needs.extend(drill_overdue(store).await?);
    }
    if actor.may(Permission::HandleIncidents) {
        let filter = IncidentFilter { status: Some(Status::Open), limit: Some(MAX_NEEDS), ..IncidentFilter::default() };
        needs.extend(incidents::list(store, actor, &filter).await?.items.into_iter().map(|incident| Need {
            title: format!("Acknowledge {}", incident.id),
            detail: incident.title,
            href: format!("/incidents/{}", incident.id),
            since: incident.created_at,
        }));
    }
    if actor.may(Permission::EditDrafts) {
        needs.extend(changes_requested(store, actor).await?);
    }
    needs.sort_by_key(|need| need.since);
    Ok(needs)
}

/// The release of a safety pause, when this actor's signature is one of those it needs.
async fn release(store: &Store, actor: &Actor) -> Result<Option<Need>> {
    let mut db = store.pool().acquire().await?;
    let pause = system::switches(&mut db).await?.pause;
    Ok(pause.filter(|pause| pause.may_sign(actor).is_ok()).map(|pause| {
        let signed = pause.release_signatures.first();
        Need {
            title: match signed {
                Some(_) => "Sign the release of the safety pause, 2 of 2".to_owned(),
                None => "Release the safety pause when it is put right".to_owned(),
            },
            detail: match signed {
                Some(first) => format!("{} has signed: {}", first.by, first.remediation),
                None => format!("{} paused: {}", pause.by, pause.reason),
            },
            href: "/rollouts#safety-pause".to_owned(),
            since: signed.map_or(pause.since, |first| first.at),
        }
    }))
}

/// The rollback drill, when none has passed for a week and there is something to drill with.
async fn drill_overdue(store: &Store) -> Result<Option<Need>> {
    let mut db = store.pool().acquire().await?;
    let now: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(&mut *db).await?;
    let last = drills::last(&mut db, store).await?;
    if last.is_some_and(|last| !last.is_overdue(now.into()))
        || drills::candidate(&mut db, store.keys()).await?.is_none()
    {
        return Ok(None);
    }
    let first: Option<OffsetDateTime> =
        sqlx::query_scalar("select min(at) from policy_apply_record").fetch_one(&mut *db).await?;
    let (detail, since) = match last {
        Some(last) if last.passed => ("The last one is more than 7 days old.".to_owned(), last.at.plus(OVERDUE_AFTER)),
        Some(last) => ("The last one failed.".to_owned(), last.at),
        None => ("None has been run yet.".to_owned(), first.unwrap_or(now).into()),
    };
    Ok(Some(Need { title: "Run a rollback drill: overdue".to_owned(), detail, href: "/drills".to_owned(), since }))
}

/// The actor's own drafts that a reviewer sent back.
async fn changes_requested(store: &Store, actor: &Actor) -> Result<Vec<Need>> {
    let rows: Vec<(i64, String, OffsetDateTime)> = sqlx::query_as(
        "select id, version, updated_at from policy_bundles
         where state = 'changes_requested' and $1 = any(authors) order by id desc limit $2",
    )
    .bind(&actor.name)
    .bind(i64::from(MAX_NEEDS))
    .fetch_all(store.pool())
    .await?;
    Ok(rows
        .into_iter()
        .map(|(id, version, since)| Need {
            title: format!("Change {version}"),
            detail: "A reviewer asked for changes.".to_owned(),
            href: format!("/studio/{id}"),
            since: since.into(),
        })
        .collect())
}

/// The last hour, minute by minute.
async fn minutes(db: &mut PgConnection) -> Result<Vec<Minute>> {
    let rows: Vec<(OffsetDateTime, i64, i64)> = sqlx::query_as(
        "with counted as (
             select date_trunc('minute', decided_at) as at, count(*) as decisions,
                 count(*) filter (where status = 'error') as errors
             from policy_decisions where decided_at >= date_trunc('minute', now()) - interval '59 minutes' group by 1)
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

/// How the last hour was answered.
async fn mix(db: &mut PgConnection) -> Result<EffectMix> {
    let (allow, needs_approval, deny, no_match, errors): (i64, i64, i64, i64, i64) = sqlx::query_as(
        "select count(*) filter (where effect = 'allow'), count(*) filter (where effect = 'needs_approval'),
             count(*) filter (where effect = 'deny'), count(*) filter (where status = 'no_match'),
             count(*) filter (where status = 'error')
         from policy_decisions where decided_at >= now() - interval '1 hour'",
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
