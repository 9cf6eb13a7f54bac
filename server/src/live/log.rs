//! The decision log's only writer. Decisions queue up while a batch is being committed, and go together in the next:
//! the busier the service, the larger the batches. A decision is answered after its batch is committed, unless the
//! log is [`Durability::Buffered`].

use std::{
    borrow::Borrow,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

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
/// Most decisions waiting to be written; more are refused with 503, or wait for room where answers do not wait for the
/// database.
const QUEUE: usize = 16_384;
/// A database that takes longer than this over a batch counts as away.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a database that was away is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// When a decision is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Durability {
    /// Once the database has committed it: what was answered is recorded, whatever happens then.
    #[default]
    Durable,
    /// Once it waits in memory. Should the server be killed, up to 17,384 answered decisions (a full queue and the batch
    /// on its way) are missing in the log; an orderly stop writes them first. While the database is away, answers wait for
    /// the buffer on disk.
    Buffered,
}

/// What the writer is told.
enum Message {
    Decision(Entry),
    /// Everything before this is to be written; then answer.
    Drain(oneshot::Sender<()>),
}

type Logged = Result<Arc<Record>, NotLogged>;

struct Entry {
    record: Arc<Record>,
    /// None when the caller did not wait.
    logged: Option<oneshot::Sender<Logged>>,
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
    queue: mpsc::Sender<Message>,
    durability: Durability,
    /// Whether the last batch did not reach the database: then nobody is answered ahead of the disk.
    trouble: Arc<AtomicBool>,
}

impl DecisionLog {
    /// Starts the writer. `spill_dir` takes decisions while the database is away.
    pub fn start(store: Store, spill_dir: &Path, durability: Durability) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE);
        let spill = Spill::in_folder(spill_dir);
        let trouble = Arc::new(AtomicBool::new(!spill.is_empty()));
        let writer = Writer { store, spill, away_until: None, trouble: Arc::clone(&trouble) };
        tokio::spawn(writer.run(messages));
        Self { queue, durability, trouble }
    }

    /// Returns the record once it is on disk, or in memory if that is enough. Its mode is [`Mode::Degraded`] when the
    /// disk is not the database's.
    ///
    /// # Errors
    /// [`NotLogged`].
    pub async fn append(&self, record: Record) -> Logged {
        let record = Arc::new(record);
        if self.durability == Durability::Buffered && !self.trouble.load(Ordering::Relaxed) {
            let entry = Entry { record: Arc::clone(&record), logged: None };
            self.queue.send(Message::Decision(entry)).await.map_err(|_| NotLogged::Unavailable)?;
            return Ok(record);
        }
        let (logged, answer) = oneshot::channel();
        let entry = Entry { record, logged: Some(logged) };
        self.queue.try_send(Message::Decision(entry)).map_err(|_| NotLogged::QueueFull)?;
        answer.await.map_err(|_| NotLogged::Unavailable)?
    }

    /// Waits until everything that was appended before is written.
    pub async fn drain(&self) {
        let (drained, answer) = oneshot::channel();
        if self.queue.send(Message::Drain(drained)).await.is_ok() {
            // An error means that the writer has ended: there is nothing left to wait for.
            let _ = answer.await;
        }
    }
}

struct Writer {
    store: Store,
    spill: Spill,
    /// While the database is away: when to try it again.
    away_until: Option<Instant>,
    /// See [`DecisionLog::trouble`].
    trouble: Arc<AtomicBool>,
}

enum Trouble {
    Away,
    Refused(store::Error),
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(BATCH);
        self.recover().await;
        loop {
            let waiting_for_database = self.away_until.is_some() || !self.spill.is_empty();
            let received = if waiting_for_database {
                timeout(RETRY, queue.recv_many(&mut messages, BATCH)).await.ok()
            } else {
                Some(queue.recv_many(&mut messages, BATCH).await)
            };
            match received {
                Some(0) => break,
                Some(_) => self.handle(&mut messages).await,
                None => {}
            }
            if waiting_for_database {
                self.recover().await;
            }
            self.trouble.store(self.away_until.is_some() || !self.spill.is_empty(), Ordering::Relaxed);
        }
    }

    async fn handle(&mut self, messages: &mut Vec<Message>) {
        let (mut records, mut waiting) = (Vec::with_capacity(messages.len()), Vec::with_capacity(messages.len()));
        let mut drained = Vec::new();
        for message in messages.drain(..) {
            match message {
                Message::Decision(entry) => {
                    records.push(entry.record);
                    waiting.push(entry.logged);
                }
                Message::Drain(done) => drained.push(done),
            }
        }
        self.write(records, waiting).await;
        for done in drained {
            let _ = done.send(());
        }
    }

    async fn write(&mut self, records: Vec<Arc<Record>>, waiting: Vec<Option<oneshot::Sender<Logged>>>) {
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
    async fn write_one_by_one(&mut self, records: Vec<Arc<Record>>, waiting: Vec<Option<oneshot::Sender<Logged>>>) {
        for (record, waiting) in records.into_iter().zip(waiting) {
            let result = match self.append(std::slice::from_ref(&record)).await {
                Ok(()) => Ok(record),
                Err(Trouble::Away) => Err(NotLogged::Unavailable),
                Err(Trouble::Refused(error)) => {
                    tracing::error!(%error, decision_id = record.decision_id, "a decision cannot be logged");
                    Err(NotLogged::Refused)
                }
            };
            answer(std::iter::once(result), vec![waiting]);
        }
    }

    fn spill(&mut self, mut records: Vec<Arc<Record>>, waiting: Vec<Option<oneshot::Sender<Logged>>>) {
        for record in &mut records {
            if record.mode == Mode::Normal {
                Arc::make_mut(record).mode = Mode::Degraded;
            }
        }
        match self.spill.append(&records) {
            Ok(()) => answer(records.into_iter().map(Ok), waiting),
            Err(error) => {
                tracing::error!(%error, decisions = records.len(), "decisions cannot be buffered on disk either");
                answer(records.into_iter().map(|_| Err(NotLogged::Unavailable)), waiting);
            }
        }
    }

    async fn append<R: Borrow<Record> + Sync>(&self, records: &[R]) -> Result<(), Trouble> {
        match timeout(PATIENCE, store::decisions::append(&self.store, records)).await {
            Ok(Ok(())) => Ok(()),
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

fn answer(results: impl Iterator<Item = Logged>, waiting: Vec<Option<oneshot::Sender<Logged>>>) {
    for (result, waiting) in results.zip(waiting) {
        if let Some(waiting) = waiting {
            // The caller may have hung up; the decision is logged all the same.
            let _ = waiting.send(result);
        }
    }
}
