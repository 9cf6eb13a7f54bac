//! The roles that groups at a sign-in provider gave a person.

use lifecycle::authority::Roles;

use crate::{Result, names, work::Work};

/// The roles that groups gave a person.
pub(super) async fn given_to(work: &mut Work, person_id: i64) -> Result<Roles> {
    let given: Option<Vec<String>> =
        sqlx::query_scalar("select given_roles from identities where person_id = $1 and unlinked_at is null")
            .bind(person_id)
            .fetch_optional(work.db())
            .await?;
    names::roles(&given.unwrap_or_default())
}
