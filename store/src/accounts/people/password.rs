//! A person's own password: chosen with a one-time link, or changed with the old one.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Credential, Permission, Permit, Person, Role, Token, Via, authorize},
    problem::Code,
};
use serde_json::json;

use super::{
    row::{self, by_id_locked, end_sessions},
    sign_in::SignedIn,
};
use crate::{
    Error, Result, Store,
    accounts::{
        links::{self, Delivery, Kind, Link},
        own_password::{self, password_counts},
        password, sessions, tokens,
    },
    announcements,
    work::Work,
};

/// How long an account signs nothing after a link to it was handed over, in hours.
const SIGNS_NOTHING_HOURS: i32 = 24;

/// A reset link, and what its making ended.
pub struct Reset {
    /// The person.
    pub person: Person,
    /// The link.
    pub link: Link,
    /// The tokens that were revoked, because the link is handed over.
    pub revoked_tokens: Vec<Token>,
}

/// Makes a link with which a person chooses a new password. One that goes to the person's own address changes nothing
/// until it is used. One that an administrator hands over could be used by the administrator, too: the account's
/// sessions and tokens end, its open signatures do not count any more, and it signs nothing for 24 hours.
///
/// # Errors
/// Denied without [`Permission::Administer`]; no such person; a disabled one.
pub async fn reset(store: &Store, actor: &Actor, email: &str, delivery: Delivery) -> Result<Reset> {
    let permit = authorize(actor, Permission::Administer)?;
    let mut work = Work::begin(store, permit).await?;
    let person = row::find_locked(&mut work, email).await?;
    if !person.enabled {
        let detail = format!("{} is disabled: enable the account first", person.email);
        return Err(Error::refused(Code::Conflict, detail));
    }
    // A person who was here without a password came through the sign-in provider: a link to their account is no invitation.
    let joined: bool = sqlx::query_scalar("select exists (select from identities where person_id = $1)")
        .bind(person.id)
        .fetch_one(work.db())
        .await?;
    let kind = if person.has_password || joined { Kind::Reset } else { Kind::Invitation };
    let link = links::create(&mut work, person.id, kind, delivery).await?;
    if delivery == Delivery::Mail {
        let (event, what) = match kind {
            Kind::Invitation => (EventType::PersonInvited, "was invited again"),
            Kind::Reset => (EventType::ResetStarted, "was sent a link for a new password"),
        };
        let detail = json!({"expires_at": link.expires_at, "handed_over": false});
        work.note(event, "person", person.id, format!("{} {what}", person.email), detail);
        work.commit().await?;
        return Ok(Reset { person, link, revoked_tokens: Vec::new() });
    }
    let ended_sessions = end_sessions(&mut work, person.id, None).await?;
    let revoked_tokens = tokens::revoke_all(&mut work, person.id).await?;
    void_signatures(&mut work, &person).await?;
    let revoked: Vec<i64> = revoked_tokens.iter().map(|token| token.id).collect();
    let detail = json!({
        "expires_at": link.expires_at, "ended_sessions": ended_sessions, "revoked_tokens": revoked,
        "signs_nothing_hours": SIGNS_NOTHING_HOURS,
    });
    let summary = format!(
        "{} got a link to hand over with which anybody can take {}'s account: its sessions, tokens and open signatures \
         ended, and it signs nothing for {SIGNS_NOTHING_HOURS} hours",
        actor.name, person.email
    );
    announcements::announce(&mut work, person.id, announcements::Kind::HandedOver, &summary).await?;
    work.note(EventType::ResetHandedOver, "person", person.id, summary, detail);
    let person = by_id_locked(&mut work, person.id).await?;
    work.commit().await?;
    Ok(Reset { person, link, revoked_tokens })
}

/// Chooses a password with the code of a link, and begins a session. Every other session of the account ends, and its
/// tokens, which a holder of the old password may have made, are revoked. Takes no actor: the person who has the code is
/// the one the link is for.
///
/// # Errors
/// `not_found` for a link that does not work; a weak password; `forbidden` where passwords do not count.
pub async fn redeem(store: &Store, code: &str, password: &str) -> Result<SignedIn> {
    // Looked at first, so that strangers cannot make the server hash.
    let open = links::open(store, code).await?;
    password::check_strength(password, &open.email)?;
    let person = row::find(store.pool(), &open.email).await?.ok_or_else(links::gone)?.read()?;
    password_counts(store, person.id, &person.roles).await?;
    let hash = password::hash(store, password.to_owned()).await?;
    let mut work = Work::begin(store, permit_of(&person)?).await?;
    // The person first, then the link, as everywhere: two who lock in another order wait for each other for ever.
    let person = by_id_locked(&mut work, person.id).await?;
    let link = links::find_locked(&mut work, code).await?;
    if !person.enabled || link.person_id != person.id {
        return Err(links::gone());
    }
    sqlx::query("update people set password_hash = $2, updated_at = now() where id = $1")
        .bind(person.id)
        .bind(&hash)
        .execute(work.db())
        .await?;
    end_sessions(&mut work, person.id, None).await?;
    let revoked: Vec<i64> = tokens::revoke_all(&mut work, person.id).await?.iter().map(|token| token.id).collect();
    if link.handed_over {
        // It is not known who opened it, so the wait begins now. An invitation counts as much as a new password: roles that
        // are not given yet may come before the day is over.
        void_signatures(&mut work, &person).await?;
    }
    links::end_all(&mut work, person.id).await?;
    let summary = format!("{} chose a password with a one-time link", person.email);
    let detail =
        json!({"link": link.id, "kind": link.kind, "handed_over": link.handed_over, "revoked_tokens": revoked});
    let (session, credential) = sessions::begin(&mut work, person.id, None).await?;
    work.came_through(credential);
    work.note(EventType::PasswordChanged, "person", person.id, summary, detail);
    let person = by_id_locked(&mut work, person.id).await?;
    work.commit().await?;
    Ok(SignedIn { person, session })
}

/// Changes the actor's own password. Every other session of the account ends. `source` is where the request came from.
///
/// # Errors
/// Denied without [`Permission::Read`]; a wrong old password; a weak new one; `too_many_requests` after wrong ones.
pub async fn change_password(store: &Store, actor: &Actor, source: &str, old: &str, new: &str) -> Result<Person> {
    let permit = authorize(actor, Permission::Read)?;
    let (id, stored) = match own_password::stored(store, actor).await? {
        Some(found) => found,
        None => return Err(Error::refused(Code::Forbidden, "only people who can sign in have a password")),
    };
    own_password::verify(store, actor, source, old, stored.clone(), "/old_password").await?;
    password::check_strength(new, &actor.name)?;
    let hash = password::hash(store, new.to_owned()).await?;
    let mut work = Work::begin(store, permit).await?;
    let changed = sqlx::query(
        "update people set password_hash = $2, updated_at = now() where id = $1 and password_hash is not distinct from $3",
    )
    .bind(id)
    .bind(&hash)
    .bind(&stored)
    .execute(work.db())
    .await?;
    if changed.rows_affected() == 0 {
        return Err(Error::refused(Code::Conflict, "your password was changed at the same moment; try again"));
    }
    let keep = match actor.pass.credential {
        Some(Credential::Session(number)) => Some(number),
        _ => None,
    };
    let ended_sessions = end_sessions(&mut work, id, keep).await?;
    links::end_all(&mut work, id).await?;
    let summary = format!("{} changed their password", actor.name);
    work.note(EventType::PasswordChanged, "person", id, summary, json!({"ended_sessions": ended_sessions}));
    let person = by_id_locked(&mut work, id).await?;
    work.commit().await?;
    Ok(person)
}

/// Signatures given so far that something still waits for do not count any more, and none can be given for a while: see
/// [`standing`](crate::held_roles::standing).
async fn void_signatures(work: &mut Work, person: &Person) -> Result<()> {
    sqlx::query(
        "update people set signatures_from = now(), signs_from = now() + make_interval(hours => $2) where id = $1",
    )
    .bind(person.id)
    .bind(SIGNS_NOTHING_HOURS)
    .execute(work.db())
    .await?;
    Ok(())
}

/// The permit of a person for what every person may do with their own account.
fn permit_of(person: &Person) -> Result<Permit> {
    let mut actor = person.actor(Via::Session);
    // People whose roles were all taken still have an account of their own.
    if !actor.may(Permission::Read) {
        actor.roles.insert(Role::Viewer);
    }
    Ok(authorize(&actor, Permission::Read)?)
}
