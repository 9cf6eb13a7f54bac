//! How long a batch of decisions stays open. Committing one decision takes the disk about as long as committing a
//! hundred, and callers wait meanwhile. Callers that were just answered send their next request a moment later; a batch
//! that closes before those requests arrive makes them wait for one more whole commit.

use std::{
    thread,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::durability::Durability;

/// A batch stays open for at most the duration of the last commit, divided by this.
const SHARE: u32 = 2;
/// Maximum time a batch stays open, however slow the disk is.
const LONGEST: Duration = Duration::from_millis(2);
/// The interval at which the queue is checked.
const SLICE: Duration = Duration::from_micros(50);
/// Slices without a new request after which the batch is closed.
const QUIET_SLICES: u32 = 2;
/// How long a batch stays open if its callers do not wait for it.
const UNHURRIED: Duration = Duration::from_millis(4);

/// How long to wait for more decisions, judged by the last batch.
#[derive(Debug)]
pub(super) struct BatchWindow {
    durability: Durability,
    /// Requests that may arrive before long: those that waited when the last batch was committed, and one from each
    /// caller that was answered then.
    expected: usize,
    /// How long the last batch took to commit.
    last_commit: Duration,
    /// When the last batch was committed.
    committed_at: Instant,
}

impl BatchWindow {
    /// A window before the first batch: no request is expected.
    pub fn new(durability: Durability) -> Self {
        Self { durability, expected: 0, last_commit: Duration::ZERO, committed_at: Instant::now() }
    }

    /// Adds requests that arrive while the batch stays open to `messages`, up to `most`. Sleeps on this thread.
    pub fn fill<T>(&self, messages: &mut Vec<T>, queue: &mut mpsc::Receiver<T>, most: usize) {
        if self.durability == Durability::Buffered {
            if messages.len() < most {
                thread::sleep(UNHURRIED);
                receive(messages, queue, most);
            }
            return;
        }
        let longest = (self.last_commit / SHARE).min(LONGEST);
        // A caller that has sent nothing for as long as a commit takes is not about to send anything.
        let expected = if self.committed_at.elapsed() <= self.last_commit { self.expected.min(most) } else { 0 };
        let (opened, mut quiet) = (Instant::now(), 0);
        while messages.len() < expected && quiet < QUIET_SLICES && opened.elapsed() < longest {
            thread::sleep(SLICE);
            quiet = if receive(messages, queue, most) == 0 { quiet + 1 } else { 0 };
        }
    }

    /// Records a commit that took `took`: `answered` callers were answered, and `waiting` requests arrived meanwhile.
    pub fn batch_committed(&mut self, answered: usize, waiting: usize, took: Duration) {
        (self.expected, self.last_commit, self.committed_at) = (answered + waiting, took, Instant::now());
    }
}

/// Takes the waiting requests from the queue, and returns their number.
fn receive<T>(messages: &mut Vec<T>, queue: &mut mpsc::Receiver<T>, most: usize) -> usize {
    let before = messages.len();
    while messages.len() < most
        && let Ok(message) = queue.try_recv()
    {
        messages.push(message);
    }
    messages.len() - before
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(count: u8) -> (mpsc::Sender<u8>, mpsc::Receiver<u8>) {
        let (sender, receiver) = mpsc::channel(64);
        for number in 0..count {
            sender.try_send(number).unwrap();
        }
        (sender, receiver)
    }

    #[test]
    fn requests_are_awaited_from_callers_that_were_answered() {
        let mut window = BatchWindow::new(Durability::Durable);
        let (_sender, mut waiting) = queue(5);
        window.batch_committed(4, 2, Duration::from_secs(1));
        let mut messages = vec![9, 9];
        window.fill(&mut messages, &mut waiting, 100);
        assert_eq!(messages.len(), 7, "everything that arrived in a slice belongs to the batch");
    }

    #[test]
    fn a_batch_has_a_largest_size_and_a_lone_caller_does_not_wait() {
        let mut window = BatchWindow::new(Durability::Durable);
        let (_sender, mut waiting) = queue(5);
        window.batch_committed(1, 0, Duration::from_secs(1));
        let mut messages = vec![9];
        window.fill(&mut messages, &mut waiting, 100);
        assert_eq!(messages.len(), 1);
        window.batch_committed(8, 8, Duration::from_secs(1));
        window.fill(&mut messages, &mut waiting, 3);
        assert_eq!(messages.len(), 3);
    }
}
