//! The loops of this process, and whether they live. Each says so every now and then; one that ends, panics or hangs is
//! started again. `/healthz` and `/metrics` show what is known here.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::{runtime::Handle, time::sleep};

/// How often a loop's heartbeat is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The pause before a loop is started again.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// All loops of a process. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Heartbeats(Arc<Mutex<Vec<Heartbeat>>>);

/// What is known of one loop.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Loop {
    /// Its name.
    pub name: &'static str,
    /// Whether its last heartbeat is recent.
    pub alive: bool,
    /// Seconds since its last heartbeat.
    pub silent_seconds: u64,
    /// How often it was started again.
    pub restarts: u64,
}

/// With this a loop says that it lives. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    name: &'static str,
    /// A loop that is silent for longer hangs.
    limit: Duration,
    began: Instant,
    /// When its last heartbeat was, in milliseconds after `began`.
    received: Arc<AtomicU64>,
    restarts: Arc<AtomicU64>,
}

impl Heartbeat {
    /// The loop lives.
    pub fn beat(&self) {
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.received.store(millis, Ordering::Relaxed);
    }

    /// The loop was started again.
    pub fn restarted(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
        self.beat();
    }

    fn silence(&self) -> Duration {
        self.began.elapsed().saturating_sub(Duration::from_millis(self.received.load(Ordering::Relaxed)))
    }

    fn read(&self) -> Loop {
        let silence = self.silence();
        Loop {
            name: self.name,
            alive: silence <= self.limit,
            silent_seconds: silence.as_secs(),
            restarts: self.restarts.load(Ordering::Relaxed),
        }
    }
}

impl Heartbeats {
    /// A loop that hangs when it is silent for longer than `limit`.
    pub fn expect(&self, name: &'static str, limit: Duration) -> Heartbeat {
        let (received, restarts) = (Arc::default(), Arc::default());
        let heartbeat = Heartbeat { name, limit, began: Instant::now(), received, restarts };
        self.lock().push(heartbeat.clone());
        heartbeat
    }

    /// What is known of every loop, in the order in which they were started.
    pub fn read(&self) -> Vec<Loop> {
        self.lock().iter().map(Heartbeat::read).collect()
    }

    /// Runs the loop `name` on `threads`, and starts it again when it panics, ends or is silent for longer than `limit`,
    /// until `is_over`.
    pub fn supervise<R, F>(
        &self,
        threads: &Handle,
        (name, limit): (&'static str, Duration),
        is_over: impl Fn() -> bool + Send + 'static,
        run: R,
    ) where
        R: Fn(Heartbeat) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let heartbeat = self.expect(name, limit);
        threads.spawn(async move {
            loop {
                let next = run(heartbeat.clone());
                let ended = run_once(&heartbeat, next).await;
                if is_over() {
                    return;
                }
                tracing::error!(name, ended, "a loop is started again");
                sleep(RESTART_AFTER).await;
                heartbeat.restarted();
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Heartbeat>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a loop until it ends or hangs; returns what happened to it.
async fn run_once(heartbeat: &Heartbeat, run: impl Future<Output = ()> + Send + 'static) -> &'static str {
    let mut task = tokio::spawn(run);
    loop {
        tokio::select! {
            ended = &mut task => return match ended {
                Ok(()) => "it ended",
                Err(_) => "it panicked",
            },
            () = sleep(LOOK_EVERY) => {
                if heartbeat.silence() > heartbeat.limit {
                    task.abort();
                    return "it hung";
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    async fn until(heartbeats: &Heartbeats, restarts: u64) -> Loop {
        for _ in 0..1_000 {
            let found = heartbeats.read().remove(0);
            if found.restarts >= restarts {
                return found;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("the loop was not started again");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_loop_that_panics_ends_or_hangs_is_started_again() {
        let heartbeats = Heartbeats::default();
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let run = move |heartbeat: Heartbeat| {
            let run = counted.fetch_add(1, Ordering::Relaxed);
            async move {
                match run {
                    0 => panic!("on purpose"),
                    1 => {}
                    2 => std::future::pending().await,
                    _ => loop {
                        heartbeat.beat();
                        sleep(Duration::from_millis(5)).await;
                    },
                }
            }
        };
        heartbeats.supervise(&Handle::current(), ("test", Duration::from_millis(200)), || false, run);
        let found = until(&heartbeats, 3).await;
        assert_eq!((found.name, found.restarts), ("test", 3));
        sleep(Duration::from_secs(2)).await;
        let found = heartbeats.read().remove(0);
        assert_eq!((found.alive, found.restarts, runs.load(Ordering::Relaxed)), (true, 3, 4));
    }

    #[tokio::test]
    async fn a_loop_that_is_over_is_not_started_again_and_a_silent_one_is_seen() {
        let heartbeats = Heartbeats::default();
        heartbeats.supervise(&Handle::current(), ("over", Duration::from_secs(9)), || true, |_| async {});
        let silent = heartbeats.expect("silent", Duration::from_millis(20));
        sleep(Duration::from_millis(60)).await;
        let found = heartbeats.read();
        assert_eq!((found[0].alive, found[0].restarts), (true, 0));
        assert!(!found[1].alive);
        silent.beat();
        assert!(heartbeats.read()[1].alive);
    }
}
