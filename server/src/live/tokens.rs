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

use crate::{auth, http::problem::Refusal};

/// How long an answer about a token is believed. A revoked token works no longer than this.
const FRESH: Duration = Duration::from_secs(1);
/// How long a token is believed while the database does not say whose it is.
const WITHOUT_DATABASE: Duration = Duration::from_secs(15 * 60);
/// Most tokens remembered.
const MOST: usize = 10_000;

/// Answers about tokens, by the hash of the token.
#[derive(Clone)]
pub struct TokenCache {
    store: Store,
    seen: Arc<Mutex<HashMap<[u8; 32], Seen>>>,
}

#[derive(Clone)]
struct Seen {
    caller: Arc<Caller>,
    at: Instant,
}

impl TokenCache {
    /// Remembers nothing yet.
    pub fn new(store: Store) -> Self {
        Self { store, seen: Arc::default() }
    }

    /// Who holds `token`, by an answer that is at most a second old.
    ///
    /// # Errors
    /// 401 when the token is unknown, expired or revoked; 503 when the database is away and the token not remembered; 500
    /// when something else is wrong with the database and the token not remembered.
    pub async fn caller(&self, token: &str) -> Result<Arc<Caller>, Refusal> {
        let key: [u8; 32] = Sha256::digest(token).into();
        let known = self.get(&key);
        if let Some(seen) = &known
            && seen.at.elapsed() < FRESH
        {
            return Ok(Arc::clone(&seen.caller));
        }
        match auth::token_holder(&self.store, token).await {
            Ok(caller) => {
                let caller = Arc::new(caller);
                self.put(key, Seen { caller: Arc::clone(&caller), at: Instant::now() });
                Ok(caller)
            }
            Err(refusal) if refusal.0.code == Code::Unauthenticated => {
                self.forget(&key);
                Err(refusal)
            }
            Err(refusal) => match known {
                Some(seen) if seen.at.elapsed() < WITHOUT_DATABASE => Ok(seen.caller),
                _ => Err(refusal),
            },
        }
    }

    fn get(&self, key: &[u8; 32]) -> Option<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
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
