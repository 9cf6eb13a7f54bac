//! Attempts to give a password, counted before the password is looked at. The wait grows with the failures of one
//! source for one account and never exceeds [`MAX_WAIT_SECONDS`]; nobody can lock another person out.

use lifecycle::problem::{Code, Problem};
use sha2::{Digest, Sha256};

use crate::{Result, Store};

/// Failures of one source for one account that cost no wait.
pub(super) const FREE: i32 = 5;
/// The longest wait after a failure, in seconds.
pub(super) const MAX_WAIT_SECONDS: i32 = 64;
/// Minutes without an attempt after which failures are forgotten.
const FORGET_AFTER_MINUTES: i32 = 60;
/// Longest source that is stored, in characters.
const MAX_SOURCE_CHARS: usize = 64;

/// A counted attempt.
pub(super) struct Attempt {
    account: Vec<u8>,
    source: String,
}

/// Counts an attempt; it stands as a failure until [`Attempt::succeeded`].
///
/// # Errors
/// `too_many_requests` with `retry_after_seconds` while the source has to wait; such an attempt is not counted.
pub(super) async fn begin(store: &Store, account: &str, source: &str) -> Result<Attempt> {
    let attempt = Attempt {
        account: Sha256::digest(account.as_bytes()).to_vec(),
        source: source.chars().filter(|c| !c.is_control()).take(MAX_SOURCE_CHARS).collect(),
    };
    // One statement: parallel attempts wait for each other here, each counts, and only then a password is looked at.
    let counted = sqlx::query(
        "insert into sign_in_attempts as a (account, source, failures, last_at)
         values ($1, $2, 1, clock_timestamp())
         on conflict (account, source) do update set
             failures = case when a.last_at < clock_timestamp() - make_interval(mins => $3) then 1
                 else least(a.failures, 1000) + 1 end,
             last_at = clock_timestamp()
         where a.failures < $4
             or a.last_at <= clock_timestamp() - least(power(2, least(a.failures, 30) - $4), $5) * interval '1 second'",
    )
    .bind(&attempt.account)
    .bind(&attempt.source)
    .bind(FORGET_AFTER_MINUTES)
    .bind(FREE)
    .bind(MAX_WAIT_SECONDS)
    .execute(store.pool())
    .await?;
    if counted.rows_affected() == 1 {
        return Ok(attempt);
    }
    let wait: Option<f64> = sqlx::query_scalar(
        "select (extract(epoch from last_at - clock_timestamp())
             + least(power(2, least(failures, 30) - $3), $4))::float8
         from sign_in_attempts where account = $1 and source = $2",
    )
    .bind(&attempt.account)
    .bind(&attempt.source)
    .bind(FREE)
    .bind(MAX_WAIT_SECONDS)
    .fetch_optional(store.pool())
    .await?;
    let seconds = wait.unwrap_or_default().ceil().clamp(1.0, f64::from(MAX_WAIT_SECONDS)) as i64;
    let detail = format!("too many wrong passwords from here for this account; try again in {seconds} s");
    Err(Problem::new(Code::TooManyRequests, detail).with("retry_after_seconds", seconds).into())
}

impl Attempt {
    /// Forgets the failures of this source for this account: the password was right.
    pub async fn succeeded(self, store: &Store) -> Result<()> {
        sqlx::query("delete from sign_in_attempts where account = $1 and source = $2")
            .bind(&self.account)
            .bind(&self.source)
            .execute(store.pool())
            .await?;
        Ok(())
    }
}

/// Removes attempts that are forgotten anyway. Attempts with invented names must not pile up.
///
/// # Errors
/// The database failed.
pub async fn delete_old(store: &Store) -> Result<u64> {
    let done =
        sqlx::query("delete from sign_in_attempts where last_at < clock_timestamp() - make_interval(mins => $1)")
            .bind(FORGET_AFTER_MINUTES)
            .execute(store.pool())
            .await?;
    Ok(done.rows_affected())
}
