//! When a server is started again: at once the first time, later and later while it goes on ending, and when its
//! programs were replaced.

use std::time::{Duration, Instant};

use super::{Binaries, binaries::Installed, condition::Programs};

/// The wait after the first restart; it doubles with each one that follows soon.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A server that ran for this long has started well.
const RAN_WELL: Duration = Duration::from_secs(60);
/// How long the programs must stay as they are before they count as replaced: an installer writes one file after the
/// other.
const SETTLED: Duration = Duration::from_secs(10);

/// The restarts of one server.
#[derive(Debug)]
pub(super) struct Restarts {
    /// The programs that run.
    running: Installed,
    /// Other programs, and since when they are there.
    other: Option<(Installed, Instant)>,
    /// How those that run compare with what was installed last.
    found: Programs,
    /// Restarts that followed soon upon another.
    repeated: u32,
    last: Option<Instant>,
    wait: Duration,
}

impl Restarts {
    pub fn new(running: Installed) -> Self {
        Self { running, other: None, found: Programs::Same, repeated: 0, last: None, wait: Duration::ZERO }
    }

    /// Whether a server that ended may be started now.
    pub fn is_due(&self) -> bool {
        self.last.is_none_or(|last| last.elapsed() >= self.wait)
    }

    /// Notes that the server ended and is started now; returns the wait before the next time.
    pub fn failed(&mut self) -> Duration {
        if self.last.is_some_and(|last| last.elapsed() > self.wait + RAN_WELL) {
            self.repeated = 0;
        }
        self.wait = FIRST_WAIT.saturating_mul(1 << self.repeated.min(16)).min(LONGEST_WAIT);
        self.repeated += 1;
        self.last = Some(Instant::now());
        self.wait
    }

    /// Compares the programs that run with those that are installed. Of others it says that they were replaced or do not
    /// fit once they have stayed as they are for a while; replaced ones count as those that run from then on.
    pub fn look_at(&mut self, binaries: &Binaries) -> Programs {
        let found = Installed::of(binaries);
        if found == self.running || !found.is_present() {
            self.other = None;
            return self.found;
        }
        match &self.other {
            Some((other, since)) if *other == found => {
                if since.elapsed() < SETTLED {
                    return Programs::Changing;
                }
                self.running = found;
                self.other = None;
                if binaries.are_unchanged() {
                    self.found = Programs::Same;
                    return Programs::Replaced;
                }
                self.found = Programs::Misfit(binaries.major());
                tracing::error!(
                    "the programs of PostgreSQL were replaced by another major version; the data cannot be used with it \
                     once this server is stopped: install PostgreSQL {} again",
                    binaries.major()
                );
                self.found
            }
            _ => {
                self.other = Some((found, Instant::now()));
                Programs::Changing
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_half_a_minute_while_a_server_keeps_ending() {
        let mut restarts = Restarts::new(Installed::of(&Binaries::none()));
        assert!(restarts.is_due(), "the first time at once");
        let waits: Vec<f32> = (0..9).map(|_| restarts.failed().as_secs_f32()).collect();
        assert_eq!(waits, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]);
        assert!(!restarts.is_due());
        restarts.last = Instant::now().checked_sub(Duration::from_secs(91));
        assert!(restarts.is_due());
        assert_eq!(restarts.failed(), FIRST_WAIT, "it ran well for a minute");
        assert!((0..40).all(|_| restarts.failed() <= LONGEST_WAIT), "however often");
    }
}
