//! Linking an account with the provider: only its owner does, while signed in.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Identity, Permission, Roles, SignInRefused, authorize},
    problem::Code,
};
use serde_json::json;

use super::{
    Claims,
    row::{self, end_sessions, follow},
};
use crate::{
    Error, Result, Store,
    accounts::people::{roles::refuse_without_administrator, row as people},
    settings,
    work::Work,
};

/// The actor's own identity at the provider.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn own(store: &Store, actor: &Actor) -> Result<Option<Identity>> {
    authorize(actor, Permission::Read)?;
    row::of_person(store.pool(), &actor.name).await?.map(row::Row::read).transpose()
}

/// Links the actor's account with the person whom the provider has confirmed. From then on they sign in there, and have
/// the roles of their groups besides their own.
///
/// # Errors
/// Denied without [`Permission::Read`]; the actor is no person.
pub async fn link(store: &Store, actor: &Actor, claims: &Claims) -> Result<Result<Identity, SignInRefused>> {
    let permit = authorize(actor, Permission::Read)?;
    let mut work = Work::begin(store, permit).await?;
    people::lock_people(&mut work).await?;
    let person = people::find_locked(&mut work, &actor.name).await?;
    if let Some(known) = row::find_locked(&mut work, claims).await? {
        let own = known.person_id == person.id;
        return if own { known.read().map(Ok) } else { Ok(Err(SignInRefused::LinkedElsewhere)) };
    }
    if row::of_person(&mut *work.db(), &actor.name).await?.is_some() {
        return Ok(Err(SignInRefused::AlreadyLinked));
    }
    let linked = row::insert(&mut work, person.id, claims).await?;
    let summary = format!("{} linked their account with {} at {}", person.email, claims.subject, claims.issuer);
    let detail = json!({"issuer": claims.issuer, "subject": claims.subject});
    work.note(EventType::IdentityLinked, "person", person.id, summary, detail);
    let wanted = row::wanted(&mut work, claims).await?;
    follow(&mut work, &linked, person, &wanted).await?;
    let identity =
        row::by_id_locked(&mut work, linked.id).await?.ok_or_else(|| Error::damaged("an identity is gone"))?;
    work.commit().await?;
    identity.read().map(Ok)
}

/// Unlinks the actor's account. Roles that groups gave go, and sessions that began at the provider end.
///
/// # Errors
/// Denied without [`Permission::Read`]; the account is not linked; `conflict` when nobody could sign in to it any more,
/// and for the last administrator whose role comes from a group.
pub async fn unlink(store: &Store, actor: &Actor) -> Result<Identity> {
    let permit = authorize(actor, Permission::Read)?;
    let mut work = Work::begin(store, permit).await?;
    people::lock_people(&mut work).await?;
    let of_actor = row::of_person(&mut *work.db(), &actor.name).await?;
    let linked =
        of_actor.ok_or_else(|| Error::refused(Code::NotFound, "your account is not linked with a sign-in provider"))?;
    let person = people::by_id_locked(&mut work, linked.person_id).await?;
    let passwords = settings::load(&mut *work.db()).await?.sign_in;
    if !person.has_password || !passwords.allows_password(person.id) {
        let detail = "you could not sign in any more, because you have no password that counts here: ask an administrator \
                      for a link to choose one first";
        return Err(Error::refused(Code::Conflict, detail));
    }
    follow(&mut work, &linked, person.clone(), &Roles::new()).await?;
    refuse_without_administrator(&mut work, &person).await?;
    let ended = end_sessions(&mut work, linked.id).await?;
    sqlx::query("update identities set unlinked_at = now() where id = $1").bind(linked.id).execute(work.db()).await?;
    let identity = linked.read()?;
    let summary = format!("{} unlinked their account from {} at {}", person.email, identity.subject, identity.issuer);
    let detail = json!({"issuer": identity.issuer, "subject": identity.subject, "ended_sessions": ended});
    work.note(EventType::IdentityUnlinked, "person", person.id, summary, detail);
    work.commit().await?;
    Ok(identity)
}
