//! Signing out everywhere.

use lifecycle::authority::{Actor, Permission, Token, authorize};

use crate::{
    Result, Store,
    accounts::{
        sessions::{delete_own, note_ended},
        tokens,
    },
    work::Work,
};

/// What signing out everywhere ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedOut {
    /// How many sessions there were.
    pub sessions: usize,
    /// The person's tokens, which were revoked.
    pub revoked_tokens: Vec<Token>,
}

/// Signs the actor out everywhere: ends all their sessions, this one too, and revokes their tokens, which the holder of a
/// session may have made.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn sign_out_everywhere(store: &Store, actor: &Actor) -> Result<SignedOut> {
    let mut work = Work::begin(store, authorize(actor, Permission::Read)?).await?;
    let person: Option<i64> = sqlx::query_scalar("select id from people where email = $1 for update")
        .bind(&actor.name)
        .fetch_optional(work.db())
        .await?;
    let ended = delete_own(&mut work, None).await?;
    let revoked_tokens = match person {
        Some(person) => tokens::revoke_all(&mut work, person).await?,
        None => Vec::new(),
    };
    if !ended.is_empty() {
        note_ended(&mut work, &ended, format!("{} signed out everywhere", actor.name));
    }
    work.commit().await?;
    Ok(SignedOut { sessions: ended.len(), revoked_tokens })
}
