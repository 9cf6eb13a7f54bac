//! Who wrote a bundle's content. Nobody reviews what they wrote, and making the same content anew changes nothing about
//! that: by hand, as a copy, or from a file.

use lifecycle::authority::same_person;
use sqlx::PgConnection;

use crate::{Result, work::Work};

/// The authors of bundles with this content that nobody has approved, or that were rolled back.
pub(crate) async fn unreviewed_authors(db: &mut PgConnection, digest: &str) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "select distinct unnest(authors) as author from policy_bundles
         where digest = $1 and state not in ('approved', 'shadow', 'canary', 'active', 'superseded') order by author",
    )
    .bind(digest)
    .fetch_all(db)
    .await?)
}

/// As [`unreviewed_authors`], for a transaction that is about to store this content. A transaction that stores the same content at
/// the same time waits for its end, and then finds its authors.
pub(super) async fn unreviewed_authors_locked(work: &mut Work, digest: &str) -> Result<Vec<String>> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended($1, 0))").bind(digest).execute(work.db()).await?;
    unreviewed_authors(work.db(), digest).await
}

/// Adds `more` to `authors`, each person once.
pub(crate) fn add_authors(authors: &mut Vec<String>, more: impl IntoIterator<Item = String>) {
    for name in more {
        if !authors.iter().any(|known| same_person(known, &name)) {
            authors.push(name);
        }
    }
}
