//! The decision log's only writer. Decisions queue up while a batch is being committed, and go together in the next:
//! the busier the service, the larger the batches. A decision is answered after its batch is committed.

use std::{path::Path, time::Duration};

use lifecycle::{
    decision::{Mode, Record},
    problem::{Code, Problem},
};
use store::Store;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

use super::spill::Spill;

/// Most rows of one batch.
const BATCH: usize = 1_000;
/// Most decisions waiting to be written; more are refused with 503.
const QUEUE: usize = 16_384;
/// A database that takes longer than this over a batch counts as away.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a database that was away is tried again.
const RETRY: Duration = Duration::from_millis(500);

struct Entry {
    record: Record,
    logged: oneshot::Sender<Result<Record, NotLogged>>,
}

/// A decision could not be logged and must not be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotLogged {
    /// More decisions are waiting than the queue holds.
    QueueFull,
    /// Neither the database nor the buffer on disk took it.
    Unavailable,
    /// The database took the others of its batch, not this one.
    Refused,
}

impl From<NotLogged> for Problem {
    fn from(reason: NotLogged) -> Self {
        match reason {
            NotLogged::QueueFull => {
                Self::new(Code::Unavailable, "more decisions are waiting than can be logged; try again in a moment")
            }
            NotLogged::Unavailable => {
                Self::new(Code::Unavailable, "the decision could not be logged, so it was not made; try again")
            }
            NotLogged::Refused => Self::new(Code::Internal, "the decision could not be logged, so it was not made"),
        }
    }
}

/// The way into the log. Cheap to clone.
#[derive(Clone)]
pub struct DecisionLog {
    queue: mpsc::Sender<Entry>,
}

impl DecisionLog {
    /// Starts the writer. `spill_dir` takes decisions while the database is away.
    pub fn start(store: Store, spill_dir: &Path) -> Self {
        let (queue, entries) = mpsc::channel(QUEUE);
        let writer = Writer { store, spill: Spill::in_folder(spill_dir), away_until: None };
        tokio::spawn(writer.run(entries));
        Self { queue }
    }

    /// Returns the record once it is on disk. Its mode is [`Mode::Degraded`] when that disk is not the database's.
    ///
    /// # Errors
    /// [`NotLogged`].
    pub async fn append(&self, record: Record) -> Result<Record, NotLogged> {
        let (logged, answer) = oneshot::channel();
        self.queue.try_send(Entry { record, logged }).map_err(|_| NotLogged::QueueFull)?;
        answer.await.map_err(|_| NotLogged::Unavailable)?
    }
}

struct Writer {
    store: Store,
    spill: Spill,
    /// While the database is away: when to try it again.
    away_until: Option<Instant>,
}

enum Trouble {
    Away,
    Refused(store::Error),
}

impl Writer {
    async fn run(mut self, mut entries: mpsc::Receiver<Entry>) {
        let mut batch = Vec::with_capacity(BATCH);
        self.recover().await;
        loop {
            let waiting_for_database = self.away_until.is_some() || !self.spill.is_empty();
            let received = if waiting_for_database {
                timeout(RETRY, entries.recv_many(&mut batch, BATCH)).await.ok()
            } else {
                Some(entries.recv_many(&mut batch, BATCH).await)
            };
            match received {
                Some(0) => break,
                Some(_) => self.write(&mut batch).await,
                None => {}
            }
            if waiting_for_database {
                self.recover().await;
            }
        }
    }

    async fn write(&mut self, batch: &mut Vec<Entry>) {
        let (records, waiting): (Vec<Record>, Vec<_>) =
            batch.drain(..).map(|entry| (entry.record, entry.logged)).unzip();
        if self.away_until.is_none_or(|until| until <= Instant::now()) {
            match self.append(&records).await {
                Ok(()) => {
                    self.away_until = None;
                    return answer(records.into_iter().map(Ok), waiting);
                }
                Err(Trouble::Refused(error)) => {
                    tracing::error!(%error, "a batch of decisions was refused; trying them one by one");
                    return self.write_one_by_one(records, waiting).await;
                }
                Err(Trouble::Away) => self.note_away(),
            }
        }
        self.spill(records, waiting);
    }

    /// One record that the database does not take must not cost the others of its batch.
    async fn write_one_by_one(
        &mut self,
        records: Vec<Record>,
        waiting: Vec<oneshot::Sender<Result<Record, NotLogged>>>,
    ) {
        for (record, waiting) in records.into_iter().zip(waiting) {
            let answer = match self.append(std::slice::from_ref(&record)).await {
                Ok(()) => Ok(record),
                Err(Trouble::Away) => Err(NotLogged::Unavailable),
                Err(Trouble::Refused(error)) => {
                    tracing::error!(%error, decision_id = record.decision_id, "a decision cannot be logged");
                    Err(NotLogged::Refused)
                }
            };
            let _ = waiting.send(answer);
        }
    }

    fn spill(&mut self, mut records: Vec<Record>, waiting: Vec<oneshot::Sender<Result<Record, NotLogged>>>) {
        for record in &mut records {
            if record.mode == Mode::Normal {
                record.mode = Mode::Degraded;
            }
        }
        match self.spill.append(&records) {
            Ok(()) => answer(records.into_iter().map(Ok), waiting),
            Err(error) => {
                tracing::error!(%error, "decisions cannot be buffered on disk either");
                answer(records.into_iter().map(|_| Err(NotLogged::Unavailable)), waiting);
            }
        }
    }

    async fn append(&self, records: &[Record]) -> Result<(), Trouble> {
        match timeout(PATIENCE, store::decisions::append(&self.store, records)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.is_unavailable() => Err(Trouble::Away),
            Ok(Err(error)) => Err(Trouble::Refused(error)),
            Err(_) => Err(Trouble::Away),
        }
    }

    fn note_away(&mut self) {
        if self.away_until.is_none() {
            tracing::warn!("the database is away: decisions are answered from memory and buffered on disk");
        }
        self.away_until = Some(Instant::now() + RETRY);
    }

    /// Moves what was buffered on disk into the database, as soon as that is back.
    async fn recover(&mut self) {
        if self.spill.is_empty() {
            return;
        }
        let buffered = match self.spill.read() {
            Ok(buffered) => buffered,
            Err(error) => return tracing::error!(%error, "buffered decisions cannot be read"),
        };
        for records in buffered.chunks(BATCH) {
            match self.append(records).await {
                Ok(()) => {}
                Err(Trouble::Away) => return self.note_away(),
                Err(Trouble::Refused(error)) => {
                    tracing::error!(%error, "buffered decisions were refused; they stay in the file");
                    return;
                }
            }
        }
        self.away_until = None;
        match self.spill.clear() {
            Ok(()) => tracing::info!(decisions = buffered.len(), "the database is back: buffered decisions are logged"),
            Err(error) => tracing::error!(%error, "the buffer cannot be emptied; it will be read again"),
        }
    }
}

fn answer(
    results: impl Iterator<Item = Result<Record, NotLogged>>,
    waiting: Vec<oneshot::Sender<Result<Record, NotLogged>>>,
) {
    for (result, waiting) in results.zip(waiting) {
        // The caller may have hung up; the decision is logged all the same.
        let _ = waiting.send(result);
    }
}
