//! A cache of recently seen bearer tokens, so that an evaluation reads nothing from the database.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use app::context::Caller;
use lifecycle::problem::{Code, Problem};
use sha2::{Digest, Sha256};
use store::Store;
use tokio::time::timeout;

use crate::{
    auth,
    error::{ApiError, ApiResult},
};

/// How long the database's answer about a token is valid. A revoked token works for no longer than this.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// How long the last answer remains valid while the database gives no new one.
const STALE_FOR: Duration = Duration::from_secs(15 * 60);
/// Time limit for the database to answer about a token that it has answered about before.
const REFRESH_PATIENCE: Duration = Duration::from_millis(500);
/// Time limit for the database to answer about a token that is not remembered: a late answer is better than none.
const FIRST_PATIENCE: Duration = Duration::from_secs(5);
/// Maximum number of tokens remembered.
const MAX_TOKENS: usize = 10_000;

/// The holders of tokens, by the hash of the token.
#[derive(Clone)]
pub struct TokenCache {
    store: Store,
    holders: Arc<Mutex<HashMap<[u8; 32], Holder>>>,
}

/// The last answer of the database about a token.
struct Holder {
    caller: Arc<Caller>,
    answered_at: Instant,
    /// When to ask the database again.
    refresh_at: Instant,
    /// Whether the database gave no answer when it was last asked.
    unanswered: bool,
}

/// The result of looking a token up in the cache.
enum Lookup {
    /// The holder; the database need not be asked.
    Fresh(Arc<Caller>),
    /// The database must be asked again; if it gives no answer, the remembered holder is used.
    Stale,
    /// The token is not remembered.
    Unknown,
}

impl TokenCache {
    /// An empty cache.
    pub fn new(store: Store) -> Self {
        Self { store, holders: Arc::default() }
    }

    /// The holder of `token`, according to an answer of the database that is at most a second old. While the database
    /// gives no answer, older ones are accepted.
    ///
    /// A token that is not remembered costs a look-up: `admit` says whether its source may ask for one now.
    ///
    /// # Errors
    /// 401 when the token is unknown, expired or revoked. For a token that is not remembered: 503 when the database is
    /// away, 500 when something else is wrong with the database.
    pub async fn caller(&self, token: &str, admit: impl FnOnce() -> Result<(), Problem>) -> ApiResult<Arc<Caller>> {
        let key: [u8; 32] = Sha256::digest(token).into();
        let patience = match self.look_up(&key) {
            Lookup::Fresh(caller) => return Ok(caller),
            Lookup::Stale => REFRESH_PATIENCE,
            Lookup::Unknown => {
                admit()?;
                FIRST_PATIENCE
            }
        };
        let answer = timeout(patience, auth::token_holder(&self.store, token)).await.unwrap_or_else(|_| {
            tracing::warn!("the database did not say within {patience:?} whose a token is");
            Err(ApiError::new(Code::Unavailable, "the database does not answer; try again in a moment"))
        });
        match answer {
            Ok(caller) => {
                let (caller, now) = (Arc::new(caller), Instant::now());
                let holder = Holder {
                    caller: Arc::clone(&caller),
                    answered_at: now,
                    refresh_at: now + FRESH_FOR,
                    unanswered: false,
                };
                self.remember(key, holder);
                Ok(caller)
            }
            Err(refusal) if refusal.0.code == Code::Unauthenticated => {
                self.forget(&key);
                Err(refusal)
            }
            Err(refusal) => self.stale_caller(&key).ok_or(refusal),
        }
    }

    /// Looks a token up. While the database gives no answers, one request a second asks it, and the others are not held
    /// up.
    fn look_up(&self, key: &[u8; 32]) -> Lookup {
        let now = Instant::now();
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(holder) = holders.get_mut(key).filter(|holder| now.duration_since(holder.answered_at) < STALE_FOR)
        else {
            return Lookup::Unknown;
        };
        if now < holder.refresh_at {
            return Lookup::Fresh(Arc::clone(&holder.caller));
        }
        if holder.unanswered {
            holder.refresh_at = now + FRESH_FOR;
        }
        Lookup::Stale
    }

    /// The remembered caller, after the database gave no answer. The database is not asked again for a second.
    fn stale_caller(&self, key: &[u8; 32]) -> Option<Arc<Caller>> {
        let now = Instant::now();
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        let holder = holders.get_mut(key).filter(|holder| now.duration_since(holder.answered_at) < STALE_FOR)?;
        // Another request may have got an answer meanwhile, or be asking right now.
        if now >= holder.refresh_at {
            (holder.refresh_at, holder.unanswered) = (now + FRESH_FOR, true);
        }
        Some(Arc::clone(&holder.caller))
    }

    fn remember(&self, key: [u8; 32], holder: Holder) {
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        if holders.len() >= MAX_TOKENS {
            holders.retain(|_, holder| holder.answered_at.elapsed() < STALE_FOR);
            if holders.len() >= MAX_TOKENS {
                holders.clear();
            }
        }
        holders.insert(key, holder);
    }

    fn forget(&self, key: &[u8; 32]) {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}
