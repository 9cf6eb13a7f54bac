//! The decision log's only writer. Decisions queue up while a batch is being committed, and go together in the next:
//! the busier the service, the larger the batches. A decision is answered after its batch is committed, unless the
//! log is [`Durability::Buffered`]. The writer has a thread of its own: see [`super::gather`].

use std::{
    iter,
    path::Path,
    slice,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use lifecycle::{
    decision::Mode,
    problem::{Code, Problem},
};
use store::{
    Store,
    decisions::{Appender, Decision, Repeated},
};
use tokio::{
    runtime::{Builder, Handle},
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

use super::{batching::Gather, pending_decision::Made, spill::Spill};

/// Most rows of one batch.
pub(super) const BATCH: usize = 1_000;
/// Most decisions waiting to be written; more are refused with 503, or wait for room where answers do not wait for the
/// database.
const QUEUE: usize = 16_384;
/// A database that takes longer than this over a batch counts as away.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a database that was away is tried again.
pub(super) const RETRY: Duration = Duration::from_millis(500);

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

type Logged = Result<Arc<Made>, NotLogged>;

struct Entry {
    made: Arc<Made>,
    /// None when the caller did not wait.
    logged: Option<oneshot::Sender<Logged>>,
}

/// A decision could not be logged and must not be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotLogged {
    /// More decisions are waiting than the queue holds.
    QueueFull,
    /// Neither the database nor the buffer on disk took it.
    Unavailable,
    /// The database took the others of its batch, not this one.
    Refused,
    /// Its id stands for another question in the log.
    Taken {
        /// The id.
        decision_id: String,
    },
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
            NotLogged::Taken { decision_id } => {
                let detail = format!(
                    "the decision_id `{decision_id}` stands for another question in the log; ask this one under an id of \
                     its own"
                );
                Self::new(Code::Conflict, detail).with("decision_id", decision_id)
            }
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
        let log = Appender::new(store);
        let gather = Gather::new(durability);
        let writer = Writer {
            log,
            spill,
            gather,
            away_until: None,
            recover_at: Instant::now(),
            step: BATCH,
            trouble: Arc::clone(&trouble),
        };
        start_writer(writer.run(messages));
        Self { queue, durability, trouble }
    }

    /// Returns the decision once it is on disk, or in memory if that is enough. Its mode is [`Mode::Degraded`] when the
    /// disk is not the database's. Where the same question is in the log under its id, what was decided then comes back.
    ///
    /// # Errors
    /// [`NotLogged`].
    pub async fn append(&self, made: Made) -> Logged {
        let made = Arc::new(made);
        if self.durability == Durability::Buffered && !self.trouble.load(Ordering::Relaxed) {
            let entry = Entry { made: Arc::clone(&made), logged: None };
            self.queue.send(Message::Decision(entry)).await.map_err(|_| NotLogged::Unavailable)?;
            return Ok(made);
        }
        let (logged, answer) = oneshot::channel();
        let entry = Entry { made, logged: Some(logged) };
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

/// On a thread of its own, where it may sleep for less than a timer can measure.
fn start_writer(writer: impl Future<Output = ()> + Send + 'static) {
    let runtime = Builder::new_current_thread().enable_all().build();
    let shared = Handle::current();
    let started = thread::Builder::new().name("decision-log".to_owned()).spawn(move || match runtime {
        Ok(own) => own.block_on(writer),
        Err(error) => {
            tracing::warn!(%error, "the decision log shares the threads of requests");
            shared.block_on(writer);
        }
    });
    if let Err(error) = started {
        tracing::error!(%error, "the decision log has no thread: decisions cannot be logged");
    }
}

pub(super) struct Writer {
    log: Appender,
    pub(super) spill: Spill,
    gather: Gather,
    /// While the database is away: when to try it again.
    pub(super) away_until: Option<Instant>,
    /// When to go on with what is on disk, if anything is.
    pub(super) recover_at: Instant,
    /// How much of it to move at once: fewer after a failure, more again with every success.
    pub(super) step: usize,
    /// See [`DecisionLog::trouble`].
    trouble: Arc<AtomicBool>,
}

pub(super) enum Trouble {
    /// The database, for this reason: what was to be written can be written later.
    Away(String),
    /// A row, which will never be taken.
    Refused(store::Error),
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(BATCH);
        loop {
            let received = if self.spill.is_empty() {
                Some(queue.recv_many(&mut messages, BATCH).await)
            } else {
                // Whoever is there already is received, however short the time.
                let rest = self.recover_at.saturating_duration_since(Instant::now());
                timeout(rest, queue.recv_many(&mut messages, BATCH)).await.ok()
            };
            match received {
                Some(0) => break,
                Some(_) => {
                    self.gather.more(&mut messages, &mut queue, BATCH);
                    let (size, began) = (messages.len(), Instant::now());
                    self.handle(&mut messages).await;
                    self.gather.done(size, queue.len(), began.elapsed());
                }
                None => {}
            }
            self.recover().await;
            self.trouble.store(self.away_until.is_some() || !self.spill.is_empty(), Ordering::Relaxed);
        }
    }

    async fn handle(&mut self, messages: &mut Vec<Message>) {
        let (mut all, mut waiting) = (Vec::with_capacity(messages.len()), Vec::with_capacity(messages.len()));
        let mut drained = Vec::new();
        for message in messages.drain(..) {
            match message {
                Message::Decision(entry) => {
                    all.push(entry.made);
                    waiting.push(entry.logged);
                }
                Message::Drain(done) => drained.push(done),
            }
        }
        self.write(all, waiting).await;
        for done in drained {
            let _ = done.send(());
        }
    }

    async fn write(&mut self, all: Vec<Arc<Made>>, waiting: Vec<Option<oneshot::Sender<Logged>>>) {
        if self.away_until.is_none_or(|until| until <= Instant::now()) {
            match self.append(&all).await {
                Ok(repeated) => {
                    self.away_until = None;
                    return answer(on_record(all, repeated), waiting);
                }
                Err(Trouble::Refused(error)) => {
                    tracing::error!(%error, "a batch of decisions was refused; trying them one by one");
                    return self.write_one_by_one(all, waiting).await;
                }
                Err(Trouble::Away(cause)) => self.note_away(&cause),
            }
        }
        self.spill(all, waiting);
    }

    /// One record that the database does not take must not cost the others of its batch.
    async fn write_one_by_one(&mut self, all: Vec<Arc<Made>>, waiting: Vec<Option<oneshot::Sender<Logged>>>) {
        let mut rest = all.into_iter().zip(waiting);
        while let Some((made, waiting)) = rest.next() {
            match self.append(slice::from_ref(&made)).await {
                Ok(repeated) => answer(on_record(vec![made], repeated), vec![waiting]),
                Err(Trouble::Away(cause)) => {
                    self.note_away(&cause);
                    let (all, waiting) = iter::once((made, waiting)).chain(rest).unzip();
                    return self.spill(all, waiting);
                }
                Err(Trouble::Refused(error)) => {
                    tracing::error!(%error, decision_id = made.record.decision_id, "a decision cannot be logged");
                    answer(iter::once(Err(NotLogged::Refused)), vec![waiting]);
                }
            }
        }
    }

    fn spill(&mut self, mut all: Vec<Arc<Made>>, waiting: Vec<Option<oneshot::Sender<Logged>>>) {
        for made in &mut all {
            if made.record.mode == Mode::Normal {
                Arc::make_mut(made).record.mode = Mode::Degraded;
            }
        }
        match self.spill.append(&all) {
            Ok(()) => answer(all.into_iter().map(Ok), waiting),
            Err(error) => {
                tracing::error!(%error, decisions = all.len(), "decisions cannot be buffered on disk either");
                answer(all.into_iter().map(|_| Err(NotLogged::Unavailable)), waiting);
            }
        }
    }

    pub(super) async fn append<D: Decision + Sync>(&mut self, decisions: &[D]) -> Result<Vec<Repeated>, Trouble> {
        match timeout(PATIENCE, self.log.append(decisions)).await {
            Ok(Ok(repeated)) => Ok(repeated),
            Ok(Err(error)) if error.is_about_content() => Err(Trouble::Refused(error)),
            Ok(Err(error)) => Err(Trouble::Away(error.to_string())),
            Err(_) => Err(Trouble::Away(format!("it did not answer within {PATIENCE:?}"))),
        }
    }

    pub(super) fn note_away(&mut self, cause: &str) {
        if self.away_until.is_none() {
            tracing::warn!(cause, "the database is away: decisions are answered from memory and buffered on disk");
        }
        self.recover_at = Instant::now() + RETRY;
        self.away_until = Some(self.recover_at);
    }
}

/// What to answer for each of `all` that was appended: where its id was there already, what is on record under it, if
/// that is about the same question.
fn on_record(all: Vec<Arc<Made>>, repeated: Vec<Repeated>) -> impl Iterator<Item = Logged> {
    let mut repeated = repeated.into_iter().peekable();
    all.into_iter().enumerate().map(move |(place, made)| match repeated.next_if(|repeated| repeated.place == place) {
        None => Ok(made),
        Some(Repeated { answered: Some(record), .. }) => Ok(Arc::new((*record).into())),
        Some(Repeated { answered: None, .. }) => Err(NotLogged::Taken { decision_id: made.record.decision_id.clone() }),
    })
}

fn answer(results: impl Iterator<Item = Logged>, waiting: Vec<Option<oneshot::Sender<Logged>>>) {
    for (result, waiting) in results.zip(waiting) {
        match (waiting, result) {
            // The caller may have hung up; the decision is logged all the same.
            (Some(waiting), result) => drop(waiting.send(result)),
            (None, Err(NotLogged::Taken { decision_id })) => tell_of_taken(&decision_id),
            (None, _) => {}
        }
    }
}

/// Of a decision that was answered before it was known that it cannot be logged.
pub(super) fn tell_of_taken(decision_id: &str) {
    tracing::error!(
        decision_id,
        "a decision was answered and is not in the log: its id stands for another question there"
    );
}
