//! What whoever watches a server should know about its private PostgreSQL, although it answers.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long a restart is worth a sentence.
const RECENT: Duration = Duration::from_secs(60 * 60);

/// The condition of one private PostgreSQL. Clones show the same; one of its own has nothing to say.
#[derive(Debug, Clone, Default)]
pub struct Condition(Arc<Mutex<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    programs: Programs,
    restarted: Option<(Instant, Cause)>,
}

/// The installed programs, compared with those that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Programs {
    /// Those that run.
    #[default]
    Same,
    /// Others, which may still be being installed.
    Changing,
    /// Others that can go on with the data.
    Replaced,
    /// Others of another major version than this one, which made the data.
    Misfit(u32),
}

/// Why a server was started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// It ended by itself.
    Ended,
    /// Its programs were replaced.
    Replaced,
}

impl Condition {
    /// Sentences about what was done, and about what is to be done. They name no file: strangers may read them.
    pub fn warnings(&self) -> Vec<String> {
        let notes = self.notes();
        let programs = match notes.programs {
            Programs::Same => None,
            Programs::Changing | Programs::Replaced => Some(
                "the programs of the private PostgreSQL were replaced: it is started again with them in some seconds"
                    .to_owned(),
            ),
            Programs::Misfit(major) => Some(format!(
                "the programs of the private PostgreSQL were replaced by another major version, which cannot use its data \
                 once this server is stopped: install PostgreSQL {major} again"
            )),
        };
        let recent = notes.restarted.filter(|(at, _)| at.elapsed() < RECENT);
        let restarted = recent.map(|(at, cause)| {
            let why = match cause {
                Cause::Ended => "had ended by itself, and its log says why",
                Cause::Replaced => "has new programs",
            };
            format!("the private PostgreSQL was started again {}: it {why}", ago(at.elapsed()))
        });
        programs.into_iter().chain(restarted).collect()
    }

    pub(super) fn note_programs(&self, programs: Programs) {
        self.notes().programs = programs;
    }

    pub(super) fn note_restart(&self, cause: Cause) {
        self.notes().restarted = Some((Instant::now(), cause));
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ago(since: Duration) -> String {
    match since.as_secs() {
        seconds @ 0..120 => format!("{seconds} s ago"),
        seconds => format!("{} min ago", seconds / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_is_reported_for_an_hour_and_programs_until_they_fit() {
        let condition = Condition::default();
        assert!(condition.warnings().is_empty());
        condition.note_programs(Programs::Misfit(15));
        condition.note_restart(Cause::Ended);
        let shown = condition.clone().warnings();
        assert!(shown[0].ends_with("install PostgreSQL 15 again"), "{shown:?}");
        assert_eq!(
            shown[1],
            "the private PostgreSQL was started again 0 s ago: it had ended by itself, and its log says why"
        );
        condition.note_programs(Programs::Same);
        condition.note_restart(Cause::Replaced);
        assert!(condition.warnings()[0].ends_with("0 s ago: it has new programs"));
        if let Some(long_ago) = Instant::now().checked_sub(RECENT) {
            condition.notes().restarted = Some((long_ago, Cause::Ended));
            assert!(condition.warnings().is_empty());
        }
        assert_eq!(ago(Duration::from_secs(119)), "119 s ago");
        assert_eq!(ago(Duration::from_secs(179)), "2 min ago");
    }
}
