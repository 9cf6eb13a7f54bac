//! How often one caller and one source may ask. Emergency commands have a bucket of their own, which nothing else empties.

use std::{
    hash::Hash,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use governor::{Quota, RateLimiter, clock::Clock, clock::DefaultClock, state::keyed::DashMapStateStore};
use lifecycle::problem::{Code, Problem};

/// Requests a second, and how many at once.
#[derive(Debug, Clone, Copy)]
struct Rate {
    per_second: u32,
    burst: u32,
}

/// Everything but decisions and emergency commands, for one person or token.
const OF_ONE_CALLER: Rate = Rate { per_second: 300, burst: 3_000 };
/// The same for one source, which may be a proxy or an office.
const OF_ONE_SOURCE: Rate = Rate { per_second: 3_000, burst: 30_000 };
/// Requests without valid credentials, for one source: each costs a look-up.
const OF_STRANGERS: Rate = Rate { per_second: 100, burst: 1_000 };
/// Decisions, for one token.
const DECISIONS: Rate = Rate { per_second: 50_000, burst: 100_000 };
/// Emergency commands, for one person or token.
const EMERGENCIES: Rate = Rate { per_second: 5, burst: 50 };
/// The same for one source, before anybody knows who calls: each costs a look-up.
const EMERGENCIES_OF_ONE_SOURCE: Rate = Rate { per_second: 100, burst: 500 };
/// Sources and callers are forgotten after this many requests, if they have not asked lately.
const TIDY_EVERY: u64 = 4_096;

/// A bucket for each key.
struct Buckets<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, DashMapStateStore<K>, DefaultClock>,
    asked: AtomicU64,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    fn new(rate: Rate) -> Self {
        let number = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(number(rate.per_second)).allow_burst(number(rate.burst));
        Self { limiter: RateLimiter::dashmap(quota), asked: AtomicU64::new(0) }
    }

    /// Takes one request out of the bucket of `key`.
    fn take(&self, key: &K) -> Result<(), Problem> {
        self.take_many(key, 1)
    }

    /// Takes `count` out of the bucket of `key`, or nothing.
    fn take_many(&self, key: &K, count: usize) -> Result<(), Problem> {
        let Some(count) = u32::try_from(count).ok().and_then(NonZeroU32::new) else { return Ok(()) };
        if self.asked.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            self.limiter.retain_recent();
        }
        match self.limiter.check_key_n(key, count) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(early)) => Err(too_many(early.wait_time_from(DefaultClock::default().now()))),
            // More than the bucket ever holds: nobody may ask that.
            Err(_) => Err(too_many(Duration::ZERO)),
        }
    }
}

fn too_many(wait: Duration) -> Problem {
    // Rounded up: who comes back a moment too early is refused again.
    let seconds = wait.as_secs() + 1;
    let detail = format!("too many requests; try again in {seconds} s");
    Problem::new(Code::TooManyRequests, detail).with("retry_after_seconds", seconds)
}

/// The limits of a server. Cheap to clone; all clones count together.
#[derive(Clone)]
pub struct RateLimits(Arc<Limits>);

struct Limits {
    callers: Buckets<String>,
    sources: Buckets<String>,
    strangers: Buckets<String>,
    decisions: Buckets<i64>,
    emergencies: Buckets<String>,
    emergency_sources: Buckets<String>,
    refused: AtomicU64,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A rollback, a pause, its release, or the emergency switch.
    Emergency,
    /// Anything else.
    Usual,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self(Arc::new(Limits {
            callers: Buckets::new(OF_ONE_CALLER),
            sources: Buckets::new(OF_ONE_SOURCE),
            strangers: Buckets::new(OF_STRANGERS),
            decisions: Buckets::new(DECISIONS),
            emergencies: Buckets::new(EMERGENCIES),
            emergency_sources: Buckets::new(EMERGENCIES_OF_ONE_SOURCE),
            refused: AtomicU64::new(0),
        }))
    }
}

impl RateLimits {
    /// Before anybody knows who calls: refuses a source that asks too often. Emergency commands count apart, so nothing else
    /// that comes from the same source stands in their way.
    ///
    /// # Errors
    /// `too_many_requests` with the time to wait.
    pub fn source(&self, source: &str, kind: Kind) -> Result<(), Problem> {
        // Without a source there is no connection: the request comes from this process.
        if source.is_empty() {
            return Ok(());
        }
        let buckets = match kind {
            Kind::Emergency => &self.0.emergency_sources,
            Kind::Usual => &self.0.sources,
        };
        self.count(buckets.take(&source.to_owned()))
    }

    /// Once it is known who calls. `caller` is `None` for a stranger.
    ///
    /// # Errors
    /// As [`Self::source`].
    pub fn caller(&self, caller: Option<&str>, source: &str, kind: Kind) -> Result<(), Problem> {
        let taken = match (caller, kind) {
            (Some(caller), Kind::Emergency) => self.0.emergencies.take(&caller.to_owned()),
            (Some(caller), Kind::Usual) => self.0.callers.take(&caller.to_owned()),
            (None, _) if source.is_empty() => Ok(()),
            (None, _) => self.0.strangers.take(&source.to_owned()),
        };
        self.count(taken)
    }

    /// So many decisions at once, for the token of this number.
    ///
    /// # Errors
    /// As [`Self::source`].
    pub fn decisions(&self, token: i64, count: usize) -> Result<(), Problem> {
        self.count(self.0.decisions.take_many(&token, count))
    }

    /// Requests refused since the start.
    pub fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }

    fn count(&self, taken: Result<(), Problem>) -> Result<(), Problem> {
        taken.inspect_err(|_| {
            self.0.refused.fetch_add(1, Ordering::Relaxed);
        })
    }
}

impl Kind {
    /// The kind of a request to this path of the API, or to this server function.
    pub fn of(path: &str) -> Self {
        let of_a_bundle = path.strip_prefix("/policy/bundles/").and_then(|rest| rest.split_once('/'));
        let is_emergency = of_a_bundle.is_some_and(|(_, command)| command == "rollback")
            || [
                "/policy/system/pause",
                "/policy/system/pause/release",
                "/policy/system/disable",
                "/api/rollout/roll-back",
                "/api/system/pause",
                "/api/system/release",
                "/api/system/disable",
                "/api/system/enable",
            ]
            .contains(&path);
        if is_emergency { Self::Emergency } else { Self::Usual }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many requests pass at once.
    fn passing(ask: impl Fn() -> Result<(), Problem>) -> u32 {
        (0..200_000).take_while(|_| ask().is_ok()).count().try_into().unwrap()
    }

    #[test]
    fn asking_too_often_is_refused_with_a_time_to_wait_and_rolling_back_still_works() {
        let limits = RateLimits::default();
        let passed = passing(|| limits.caller(Some("ada"), "10.0.0.7", Kind::Usual));
        assert!((OF_ONE_CALLER.burst..OF_ONE_CALLER.burst * 2).contains(&passed), "{passed}");
        let refused = limits.caller(Some("ada"), "10.0.0.7", Kind::Usual).unwrap_err();
        assert_eq!((refused.status, refused.extra["retry_after_seconds"].as_u64()), (429, Some(1)));
        assert!(limits.caller(Some("grace"), "10.0.0.7", Kind::Usual).is_ok(), "another person");
        assert!(limits.caller(Some("ada"), "10.0.0.7", Kind::Emergency).is_ok(), "a bucket of its own");
        assert!(limits.refused() >= 2);
    }

    #[test]
    fn strangers_and_sources_have_limits_and_emergencies_have_their_own() {
        let limits = RateLimits::default();
        assert!(passing(|| limits.caller(None, "10.0.0.7", Kind::Usual)) < OF_STRANGERS.burst * 2);
        assert!(limits.caller(Some("ada"), "10.0.0.7", Kind::Usual).is_ok());
        assert!(passing(|| limits.source("10.0.0.8", Kind::Usual)) < OF_ONE_SOURCE.burst * 2);
        assert!(limits.source("10.0.0.8", Kind::Emergency).is_ok(), "nothing else uses this bucket");
        assert!(passing(|| limits.source("10.0.0.8", Kind::Emergency)) < EMERGENCIES_OF_ONE_SOURCE.burst * 2);
        assert!(limits.source("10.0.0.9", Kind::Usual).is_ok());
        assert!(passing(|| limits.caller(Some("ada"), "", Kind::Emergency)) < EMERGENCIES.burst * 2);
    }

    #[test]
    fn a_batch_counts_as_its_decisions() {
        let limits = RateLimits::default();
        assert!(passing(|| limits.decisions(7, 1_000)) < DECISIONS.burst / 1_000 * 2);
        assert!(limits.decisions(8, 1_000).is_ok(), "another token");
        assert!(limits.decisions(8, 0).is_ok());
    }

    #[test]
    fn emergency_commands_are_known_by_their_paths() {
        for (path, kind) in [
            ("/policy/bundles/7/rollback", Kind::Emergency),
            ("/policy/system/pause/release", Kind::Emergency),
            ("/api/system/enable", Kind::Emergency),
            ("/policy/bundles/7/rollback/x", Kind::Usual),
            ("/policy/bundles/7/promote", Kind::Usual),
            ("/policy/system", Kind::Usual),
            ("/api/rollout/view", Kind::Usual),
        ] {
            assert_eq!(Kind::of(path), kind, "{path}");
        }
    }
}
