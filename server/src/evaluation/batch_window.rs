//! How large a batch of decisions gets to be. Committing takes the disk about as long for one decision as for a hundred,
//! and while it does, callers wait. Those who were just answered ask again in a moment; a commit that does not wait for
//! them keeps them waiting for a whole one more.

use std::{
    thread,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::log::Durability;

/// A batch is gathered for at most this share of the time the last one took to commit.
const SHARE: u32 = 2;
/// And for at most this long, however slow the disk is.
const MOST: Duration = Duration::from_millis(2);
/// How often it is looked who has come.
const SLICE: Duration = Duration::from_micros(50);
/// Slices without anybody after which nobody is waited for any more.
const QUIET: u32 = 2;
/// How long decisions that nobody waits for are gathered.
const UNHURRIED: Duration = Duration::from_millis(4);

/// What the last batch tells about the next.
#[derive(Debug)]
pub(super) struct Gather {
    durability: Durability,
    /// Callers who may be here before long: those who waited when the last batch was done, and those it answered.
    expected: usize,
    /// How long the last batch took.
    took: Duration,
    /// When it was done.
    at: Instant,
}

impl Gather {
    /// Nobody is expected yet.
    pub fn new(durability: Durability) -> Self {
        Self { durability, expected: 0, took: Duration::ZERO, at: Instant::now() }
    }

    /// Adds to `messages` what comes within the time that is worth it, up to `most`. Sleeps on this thread.
    pub fn more<T>(&self, messages: &mut Vec<T>, queue: &mut mpsc::Receiver<T>, most: usize) {
        if self.durability == Durability::Buffered {
            if messages.len() < most {
                thread::sleep(UNHURRIED);
                receive(messages, queue, most);
            }
            return;
        }
        let patience = (self.took / SHARE).min(MOST);
        // Who has not come for as long as a batch takes does something else.
        let expected = if self.at.elapsed() <= self.took { self.expected.min(most) } else { 0 };
        let (began, mut quiet) = (Instant::now(), 0);
        while messages.len() < expected && quiet < QUIET && began.elapsed() < patience {
            thread::sleep(SLICE);
            quiet = if receive(messages, queue, most) == 0 { quiet + 1 } else { 0 };
        }
    }

    /// A batch of `answered` is done; `waiting` came meanwhile.
    pub fn done(&mut self, answered: usize, waiting: usize, took: Duration) {
        (self.expected, self.took, self.at) = (answered + waiting, took, Instant::now());
    }
}

/// Takes what is there, and tells how much that was.
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
    fn those_who_were_answered_are_waited_for() {
        let mut gather = Gather::new(Durability::Durable);
        let (_sender, mut waiting) = queue(5);
        gather.done(4, 2, Duration::from_secs(1));
        let mut messages = vec![9, 9];
        gather.more(&mut messages, &mut waiting, 100);
        assert_eq!(messages.len(), 7, "all that came in a slice belong to the batch");
    }

    #[test]
    fn a_batch_has_an_end_and_a_lone_caller_does_not_wait() {
        let mut gather = Gather::new(Durability::Durable);
        let (_sender, mut waiting) = queue(5);
        gather.done(1, 0, Duration::from_secs(1));
        let mut messages = vec![9];
        gather.more(&mut messages, &mut waiting, 100);
        assert_eq!(messages.len(), 1);
        gather.done(8, 8, Duration::from_secs(1));
        gather.more(&mut messages, &mut waiting, 3);
        assert_eq!(messages.len(), 3);
    }
}
