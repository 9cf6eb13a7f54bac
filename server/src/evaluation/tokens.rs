//! Bearer tokens seen lately, so that an evaluation reads nothing from the database.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use app::context::Caller;
use lifecycle::problem::Code;
use sha2::{Digest, Sha256};
use store::Store;
use tokio::time::timeout;

use crate::{
    auth,
    error::{ApiError, ApiResult},
};

/// How long an answer about a token is believed. A revoked token works no longer than this.
const FRESH: Duration = Duration::from_secs(1);
/// How long a token is believed while the database does not say whose it is.
const WITHOUT_DATABASE: Duration = Duration::from_secs(15 * 60);
/// How long the database may take to say whose a token is that it said before.
const PATIENCE: Duration = Duration::from_millis(500);
/// And how long where nothing is known to go on with: a late answer is better than none.
const LAST_PATIENCE: Duration = Duration::from_secs(5);
/// Most tokens remembered.
const MOST: usize = 10_000;

/// Answers about tokens, by the hash of the token.
#[derive(Clone)]
pub struct TokenCache {
    store: Store,
    seen: Arc<Mutex<HashMap<[u8; 32], Seen>>>,
}

struct Seen {
    caller: Arc<Caller>,
    /// When the database said so.
    at: Instant,
    /// When to ask again.
    ask_at: Instant,
    /// Whether it did not answer when it was asked again.
    doubtful: bool,
}

/// What is known about a token.
enum Known {
    /// Enough not to ask.
    Fresh(Arc<Caller>),
    /// It is to be asked about, and is believed should there be no answer.
    Stale,
    Nothing,
}

impl TokenCache {
    /// Remembers nothing yet.
    pub fn new(store: Store) -> Self {
        Self { store, seen: Arc::default() }
    }

    /// Who holds `token`, by an answer that is at most a second old, or as old as it may be while the database gives none.
    ///
    /// # Errors
    /// 401 when the token is unknown, expired or revoked; 503 when the database is away and the token not remembered; 500
    /// when something else is wrong with the database and the token not remembered.
    pub async fn caller(&self, token: &str) -> ApiResult<Arc<Caller>> {
        let key: [u8; 32] = Sha256::digest(token).into();
        let patience = match self.known(&key) {
            Known::Fresh(caller) => return Ok(caller),
            Known::Stale => PATIENCE,
            Known::Nothing => LAST_PATIENCE,
        };
        let asked = timeout(patience, auth::token_holder(&self.store, token)).await.unwrap_or_else(|_| {
            tracing::warn!("the database did not say within {patience:?} whose a token is");
            Err(ApiError::new(Code::Unavailable, "the database does not answer; try again in a moment"))
        });
        match asked {
            Ok(caller) => {
                let (caller, now) = (Arc::new(caller), Instant::now());
                self.put(key, Seen { caller: Arc::clone(&caller), at: now, ask_at: now + FRESH, doubtful: false });
                Ok(caller)
            }
            Err(refusal) if refusal.0.code == Code::Unauthenticated => {
                self.forget(&key);
                Err(refusal)
            }
            Err(refusal) => self.believe(&key).ok_or(refusal),
        }
    }

    /// What is known now. While there were no answers, one request in a second asks, and the others go on meanwhile.
    fn known(&self, key: &[u8; 32]) -> Known {
        let now = Instant::now();
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(seen) = all.get_mut(key).filter(|seen| now.duration_since(seen.at) < WITHOUT_DATABASE) else {
            return Known::Nothing;
        };
        if now < seen.ask_at {
            return Known::Fresh(Arc::clone(&seen.caller));
        }
        if seen.doubtful {
            seen.ask_at = now + FRESH;
        }
        Known::Stale
    }

    /// The caller that is remembered, when the database did not answer. It is not asked again for a second.
    fn believe(&self, key: &[u8; 32]) -> Option<Arc<Caller>> {
        let now = Instant::now();
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = all.get_mut(key).filter(|seen| now.duration_since(seen.at) < WITHOUT_DATABASE)?;
        // Another request may have had an answer meanwhile, or be the one that asks.
        if now >= seen.ask_at {
            (seen.ask_at, seen.doubtful) = (now + FRESH, true);
        }
        Some(Arc::clone(&seen.caller))
    }

    fn put(&self, key: [u8; 32], seen: Seen) {
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.retain(|_, seen| seen.at.elapsed() < WITHOUT_DATABASE);
            if all.len() >= MOST {
                all.clear();
            }
        }
        all.insert(key, seen);
    }

    fn forget(&self, key: &[u8; 32]) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}
