//! Disabling and enabling people.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Person, RoleProposal, Roles, Token, authorize},
    problem::Problem,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    roles::{change, end_proposal, propose, refuse_without_administrator},
    row::{self, end_sessions, lock_people},
};
use crate::{
    Result, Store,
    accounts::{given_roles, links, tokens},
    countersigned::countersigned,
    names,
    work::Work,
};

/// A person whose access was changed, and what ended with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// The person.
    pub user: Person,
    /// The tokens that were revoked. Enabling the person does not bring them back.
    pub revoked_tokens: Vec<Token>,
    /// How many sessions were ended.
    pub ended_sessions: u64,
    /// The roles of a person who was enabled that wait for a safety owner, if any.
    pub proposal: Option<RoleProposal>,
}

/// Enables or disables a person. A disabled person cannot sign in; disabling ends their sessions and links and revokes
/// their tokens. Enabling gives back what the person may do, so roles with power wait for a safety owner as new ones do.
///
/// # Errors
/// Denied without [`Permission::Administer`]; no such person; people who would disable themselves; the last
/// administrator.
pub async fn set_enabled(store: &Store, actor: &Actor, email: &str, enabled: bool) -> Result<Disabled> {
    let permit = authorize(actor, Permission::Administer)?;
    let mut work = Work::begin(store, permit).await?;
    lock_people(&mut work).await?;
    // Before the change: a safety owner who is about to be disabled still counts.
    countersigned(&mut work).await?;
    let person = row::find_locked(&mut work, email).await?;
    if person.email == actor.name && !enabled {
        return Err(Problem::invalid_field("/enabled", "you cannot disable yourself").into());
    }
    sqlx::query("update people set enabled = $2, updated_at = now() where id = $1")
        .bind(person.id)
        .bind(enabled)
        .execute(work.db())
        .await?;
    let (mut revoked_tokens, mut ended_sessions) = (Vec::new(), 0);
    let mut user = Person { enabled, ..person.clone() };
    let mut waiting = Roles::new();
    if enabled && !person.enabled {
        // What groups gave comes back with the next sign-in at the provider, if they still give it.
        let from_groups = given_roles::given_to(&mut work, person.id).await?;
        let own = person.roles.difference(&from_groups).copied().collect();
        let wanted = end_proposal(&mut work, &person).await?.union(&own).copied().collect();
        let change = change(&mut work, &Person { roles: Roles::new(), ..person.clone() }, &wanted).await?;
        (user.roles, waiting) = (change.now, change.proposed);
    }
    if !enabled {
        refuse_without_administrator(&mut work, &person).await?;
        ended_sessions = end_sessions(&mut work, person.id, None).await?;
        revoked_tokens = tokens::revoke_all(&mut work, person.id).await?;
        links::end_all(&mut work, person.id).await?;
    }
    let revoked: Vec<i64> = revoked_tokens.iter().map(|token| token.id).collect();
    let detail = json!({
        "roles": names::role_names(&user.roles), "enabled": enabled, "ended_sessions": ended_sessions,
        "revoked_tokens": revoked,
    });
    let what = if enabled { "was enabled" } else { "was disabled" };
    work.note(EventType::PersonChanged, "person", user.id, format!("{} {what}", user.email), detail);
    let proposal = propose(&mut work, &user, &waiting).await?;
    work.commit().await?;
    Ok(Disabled { user, revoked_tokens, ended_sessions, proposal })
}
