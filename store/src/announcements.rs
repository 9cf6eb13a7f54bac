//! Announcements: what an administrator or the host did to accounts without a second person. Safety owners see each
//! on the first page until they acknowledge it; where mail can be sent, they and the account's person get a letter.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Announcement, Permission, Role, authorize},
};
use serde_json::json;
use sqlx::PgConnection;
use time::OffsetDateTime;

use crate::{Error, Result, Store, work::Work};

/// Days after which an announcement is not shown any more; the audit record keeps what happened.
const SHOWN_DAYS: i32 = 90;
/// Hours within which an announcement is mailed, so that a mail server that is set up later does not send old ones.
const MAILED_HOURS: i32 = 24;

/// What is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An administrator got a link with which the account can be taken.
    HandedOver,
    /// Roles that sign, stop or administer were given without a second person.
    RolesGiven,
    /// The command line of the host changed the account.
    OnHost,
    /// A group at the sign-in provider gives such roles without a second person.
    Groups,
}

impl Kind {
    /// The name used in SQL.
    const fn name(self) -> &'static str {
        match self {
            Self::HandedOver => "handed_over",
            Self::RolesGiven => "roles_given",
            Self::OnHost => "on_host",
            Self::Groups => "groups",
        }
    }
}

/// Stores an announcement, in the transaction of what it announces: about a person's account, or about the members of
/// groups. `what` is a sentence without a full stop.
pub(crate) async fn announce(work: &mut Work, person_id: impl Into<Option<i64>>, kind: Kind, what: &str) -> Result<()> {
    let by = work.actor().name.clone();
    sqlx::query("insert into announcements (at, kind, person_id, actor, what) values (now(), $1, $2, $3, $4)")
        .bind(kind.name())
        .bind(person_id.into())
        .bind(by)
        .bind(what)
        .execute(work.db())
        .await?;
    Ok(())
}

/// The announcements that this safety owner has not acknowledged, oldest first; none for anybody else. Those from before
/// they had an account, and those of what they did themselves, are left out.
pub(crate) async fn open(db: &mut PgConnection, actor: &Actor) -> Result<Vec<Announcement>> {
    if !actor.may(Permission::Countersign) {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, OffsetDateTime, String)> = sqlx::query_as(
        "select a.id, a.at, a.what from announcements a, people p
         where p.email = $1 and a.actor <> p.email and a.at > p.created_at and a.at > now() - make_interval(days => $2)
             and not exists (select from announcement_receipts r where r.announcement_id = a.id and r.person_id = p.id)
         order by a.id",
    )
    .bind(&actor.name)
    .bind(SHOWN_DAYS)
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|(id, at, what)| Announcement { id, at: at.into(), what }).collect())
}

/// Acknowledges an announcement for the actor. Other safety owners still see it. Acknowledging twice changes nothing.
///
/// # Errors
/// Denied without [`Permission::Countersign`], and while the actor signs nothing; no such announcement.
pub async fn acknowledge(store: &Store, actor: &Actor, id: i64) -> Result<()> {
    let mut work = Work::begin(store, authorize(actor, Permission::Countersign)?).await?;
    let what: Option<String> =
        sqlx::query_scalar("select what from announcements where id = $1").bind(id).fetch_optional(work.db()).await?;
    let what = what.ok_or_else(|| Error::not_found("announcement", id))?;
    let by = work.actor().name.clone();
    let noted = sqlx::query(
        "insert into announcement_receipts (announcement_id, person_id, at)
         select $1, id, now() from people where email = $2 on conflict do nothing",
    )
    .bind(id)
    .bind(&by)
    .execute(work.db())
    .await?;
    if noted.rows_affected() == 1 {
        let summary = format!("{by} acknowledged: {what}");
        work.note(EventType::AnnouncementAcknowledged, "announcement", id, summary, json!({}));
    }
    work.commit().await
}

/// An announcement to be mailed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToMail {
    /// The sentence, without a full stop.
    pub what: String,
    /// The email of the account's person, who gets a letter too. None for an announcement about groups.
    pub person: Option<String>,
    /// The emails of the safety owners.
    pub safety_owners: Vec<String>,
}

/// Takes the announcements that were not mailed yet; each is taken once, by whichever server asks first. Takes no actor:
/// the server sends them by itself.
///
/// # Errors
/// The database failed.
pub async fn take_unmailed(store: &Store) -> Result<Vec<ToMail>> {
    let rows: Vec<(String, Option<String>)> = sqlx::query_as(
        "update announcements a set mailed_at = now()
         where a.mailed_at is null and a.at > now() - make_interval(hours => $1)
         returning a.what, (select email from people where id = a.person_id)",
    )
    .bind(MAILED_HOURS)
    .fetch_all(store.pool())
    .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let owners: Vec<String> =
        sqlx::query_scalar("select email from people where enabled and $1 = any(roles) order by email")
            .bind(Role::SafetyOwner.name())
            .fetch_all(store.pool())
            .await?;
    let letter = |(what, person): (String, Option<String>)| {
        let safety_owners = owners.iter().filter(|owner| Some(*owner) != person.as_ref()).cloned().collect();
        ToMail { what, person, safety_owners }
    };
    Ok(rows.into_iter().map(letter).collect())
}
