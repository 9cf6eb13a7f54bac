//! The decision log's only writer. It runs on a thread of its own: see [`super::batch_window`].

use std::{
    iter, slice,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use lifecycle::decision::Mode;
use store::{
    Store,
    decisions::{Appender, Decision, DuplicateDecision},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

use super::{
    batch_window::BatchWindow,
    durability::Durability,
    not_logged::NotLogged,
    pending_decision::PendingDecision,
    spill::{Spill, SpillLevel},
};
use crate::heartbeats::Heartbeat;

/// Maximum rows of one batch.
pub(super) const BATCH: usize = 1_000;
/// A database that takes longer than this over a batch counts as away.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the writer waits for decisions before it says that it lives.
const IDLE: Duration = Duration::from_secs(5);
/// How long the writer may be silent: two batches that the database does not take, tried one by one.
pub(super) const SILENT: Duration = Duration::from_secs(30);
/// How often a database that was away is tried again.
pub(super) const RETRY_EVERY: Duration = Duration::from_millis(500);

/// A message to the writer.
pub(super) enum Message {
    /// A decision to write.
    Decision(Entry),
    /// A request to be answered once everything before it is written.
    Drain(oneshot::Sender<()>),
}

/// The result of logging a decision: the decision itself, or the earlier one under its id.
pub(super) type Logged = Result<Arc<PendingDecision>, NotLogged>;

/// The channel on which a decision's caller waits; `None` if the caller was already answered.
type Waiting = Option<oneshot::Sender<Logged>>;

/// A decision in the queue.
pub(super) struct Entry {
    pub decision: Arc<PendingDecision>,
    pub waiting: Waiting,
}

/// The log's only writer.
pub(super) struct Writer {
    log: Appender,
    pub(super) spill: Spill,
    window: BatchWindow,
    /// While the database is away: when to try again.
    pub(super) away_until: Option<Instant>,
    /// When to go on with the decisions on disk, if there are any.
    pub(super) recover_at: Instant,
    /// How many decisions on disk to move at once: fewer after a failure, more again with every success.
    pub(super) step: usize,
    /// Whether the last batch failed to reach the database; read by requests that would be answered ahead of their
    /// batch.
    unreachable: Arc<AtomicBool>,
    /// What others learn of the buffer on disk.
    spilled: Arc<SpillLevel>,
    heartbeat: Option<Heartbeat>,
}

/// Why a batch was not written.
pub(super) enum WriteError {
    /// The database is away, for this reason; the batch can be written later.
    Away(String),
    /// The database refuses a row, and always will.
    Refused(store::Error),
}

impl Writer {
    /// A writer that continues with the decisions in `spill`.
    pub fn new(store: Store, spill: Spill, durability: Durability, unreachable: Arc<AtomicBool>) -> Self {
        Self {
            log: Appender::new(store),
            spill,
            window: BatchWindow::new(durability),
            away_until: None,
            recover_at: Instant::now(),
            step: BATCH,
            unreachable,
            spilled: Arc::default(),
            heartbeat: None,
        }
    }

    /// Tells others how full the buffer on disk is, and that the writer lives.
    pub fn reporting(self, spilled: Arc<SpillLevel>, heartbeat: Heartbeat) -> Self {
        spilled.set(&self.spill);
        Self { spilled, heartbeat: Some(heartbeat), ..self }
    }

    /// Writes the decisions from `queue` until all senders are gone.
    pub async fn run(mut self, queue: &mut mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(BATCH);
        loop {
            let received = if self.spill.is_empty() {
                timeout(IDLE, queue.recv_many(&mut messages, BATCH)).await.ok()
            } else {
                // Messages that are already waiting are received, however short the time.
                let rest = self.recover_at.saturating_duration_since(Instant::now());
                timeout(rest, queue.recv_many(&mut messages, BATCH)).await.ok()
            };
            match received {
                Some(0) => break,
                Some(_) => {
                    self.window.fill(&mut messages, queue, BATCH);
                    let (size, began) = (messages.len(), Instant::now());
                    self.handle(&mut messages).await;
                    self.window.batch_committed(size, queue.len(), began.elapsed());
                }
                None => {}
            }
            // However much is asked: what was acknowledged elsewhere must not wait until nobody asks.
            self.spill.adopt_left_behind();
            self.recover().await;
            self.spilled.set(&self.spill);
            if let Some(heartbeat) = &self.heartbeat {
                heartbeat.beat();
            }
            self.unreachable.store(self.away_until.is_some() || !self.spill.is_empty(), Ordering::Relaxed);
        }
    }

    async fn handle(&mut self, messages: &mut Vec<Message>) {
        let (mut all, mut waiting) = (Vec::with_capacity(messages.len()), Vec::with_capacity(messages.len()));
        let mut drained = Vec::new();
        for message in messages.drain(..) {
            match message {
                Message::Decision(entry) => {
                    all.push(entry.decision);
                    waiting.push(entry.waiting);
                }
                Message::Drain(done) => drained.push(done),
            }
        }
        self.write(all, waiting).await;
        for done in drained {
            let _ = done.send(());
        }
    }

    async fn write(&mut self, all: Vec<Arc<PendingDecision>>, waiting: Vec<Waiting>) {
        if self.away_until.is_none_or(|until| until <= Instant::now()) {
            match self.append(&all).await {
                Ok(repeated) => {
                    self.away_until = None;
                    return answer(logged_decisions(all, repeated), waiting);
                }
                Err(WriteError::Refused(error)) => {
                    tracing::error!(%error, "a batch of decisions was refused; trying them one by one");
                    return self.write_one_by_one(all, waiting).await;
                }
                Err(WriteError::Away(cause)) => self.note_away(&cause),
            }
        }
        self.spill(all, waiting);
    }

    /// A record that the database refuses must not cost the other records of its batch.
    async fn write_one_by_one(&mut self, all: Vec<Arc<PendingDecision>>, waiting: Vec<Waiting>) {
        let mut rest = all.into_iter().zip(waiting);
        while let Some((decision, waiting)) = rest.next() {
            match self.append(slice::from_ref(&decision)).await {
                Ok(repeated) => answer(logged_decisions(vec![decision], repeated), vec![waiting]),
                Err(WriteError::Away(cause)) => {
                    self.note_away(&cause);
                    let (all, waiting) = iter::once((decision, waiting)).chain(rest).unzip();
                    return self.spill(all, waiting);
                }
                Err(WriteError::Refused(error)) => {
                    tracing::error!(%error, decision_id = decision.record.decision_id, "a decision cannot be logged");
                    answer(iter::once(Err(NotLogged::Refused)), vec![waiting]);
                }
            }
        }
    }

    /// Writes decisions to disk and answers them as degraded.
    fn spill(&mut self, mut all: Vec<Arc<PendingDecision>>, waiting: Vec<Waiting>) {
        for decision in &mut all {
            if decision.record.mode == Mode::Normal {
                Arc::make_mut(decision).record.mode = Mode::Degraded;
            }
        }
        // Told before the answers are: who was answered from here may ask at once whether this server buffers.
        self.unreachable.store(true, Ordering::Relaxed);
        match self.spill.append(&all) {
            Ok(()) => answer(all.into_iter().map(Ok), waiting),
            Err(error) => {
                tracing::error!(%error, decisions = all.len(), "decisions cannot be buffered on disk either");
                answer(all.into_iter().map(|_| Err(NotLogged::Unavailable)), waiting);
            }
        }
    }

    pub(super) async fn append<D: Decision + Sync>(
        &mut self,
        decisions: &[D],
    ) -> Result<Vec<DuplicateDecision>, WriteError> {
        match timeout(PATIENCE, self.log.append(decisions)).await {
            Ok(Ok(repeated)) => Ok(repeated),
            Ok(Err(error)) if error.is_about_content() => Err(WriteError::Refused(error)),
            Ok(Err(error)) => Err(WriteError::Away(error.to_string())),
            Err(_) => Err(WriteError::Away(format!("it did not answer within {PATIENCE:?}"))),
        }
    }

    pub(super) fn note_away(&mut self, cause: &str) {
        if self.away_until.is_none() {
            tracing::warn!(cause, "the database is away: decisions are answered from memory and buffered on disk");
        }
        self.recover_at = Instant::now() + RETRY_EVERY;
        self.away_until = Some(self.recover_at);
    }
}

/// The answer for each of `all`, which were appended. Where an id was in the log already, the answer is the decision
/// under that id, if it is about an equal question.
fn logged_decisions(all: Vec<Arc<PendingDecision>>, repeated: Vec<DuplicateDecision>) -> impl Iterator<Item = Logged> {
    let mut repeated = repeated.into_iter().peekable();
    all.into_iter().enumerate().map(move |(place, decision)| {
        match repeated.next_if(|repeated| repeated.place == place) {
            None => Ok(decision),
            Some(DuplicateDecision { answered: Some(record), .. }) => Ok(Arc::new((*record).into())),
            Some(DuplicateDecision { answered: None, .. }) => {
                Err(NotLogged::IdTaken { decision_id: decision.record.decision_id.clone() })
            }
        }
    })
}

fn answer(results: impl Iterator<Item = Logged>, waiting: Vec<Waiting>) {
    for (result, waiting) in results.zip(waiting) {
        match (waiting, result) {
            // The caller may have hung up; the decision is logged all the same.
            (Some(waiting), result) => drop(waiting.send(result)),
            (None, Err(NotLogged::IdTaken { decision_id })) => log_taken_id(&decision_id),
            (None, _) => {}
        }
    }
}

/// Reports a decision that was answered before the database said that it cannot be logged.
pub(super) fn log_taken_id(decision_id: &str) {
    tracing::error!(
        decision_id,
        "a decision was answered and is not in the log: its id stands for another question there"
    );
}
