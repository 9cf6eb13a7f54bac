//! The decision log. Decisions queue up while a batch is being committed, and go into the next batch together: the
//! busier the service, the larger the batches. A decision is answered after its batch is committed, unless the log is
//! [`Durability::Buffered`].

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use store::Store;
use tokio::{
    runtime::{Builder, Handle},
    sync::{mpsc, oneshot},
};

use super::{
    durability::Durability,
    not_logged::NotLogged,
    pending_decision::PendingDecision,
    spill::{Spill, SpillLevel},
    writer::{Entry, Logged, Message, SILENT, Writer},
};
use crate::heartbeats::{Heartbeat, Heartbeats};

/// Maximum number of decisions waiting to be written. Further decisions are refused with 503, or wait for room if
/// answers do not wait for the database.
const QUEUE: usize = 16_384;
/// The pause before a writer that panicked is replaced.
const RESTART_AFTER: Duration = Duration::from_millis(100);

/// The decision log as requests see it. Cheap to clone.
#[derive(Clone)]
pub struct DecisionLog {
    queue: mpsc::Sender<Message>,
    durability: Durability,
    /// Whether the last batch failed to reach the database. While this is true, no decision is answered before it is on
    /// disk.
    unreachable: Arc<AtomicBool>,
    spilled: Arc<SpillLevel>,
}

impl DecisionLog {
    /// Starts the writer. `spill_dir` takes decisions while the database is away.
    pub fn start(store: Store, spill_dir: &Path, durability: Durability, heartbeats: &Heartbeats) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE);
        let heartbeat = heartbeats.expect("decision_log", SILENT);
        let spilled = Arc::<SpillLevel>::default();
        // Opened here, so that the first answer already knows whether something waits on the disk.
        let spill = Spill::open(spill_dir);
        let unreachable = Arc::new(AtomicBool::new(!spill.is_empty()));
        let writer = {
            let (unreachable, spilled, heartbeat) = (Arc::clone(&unreachable), Arc::clone(&spilled), heartbeat.clone());
            move |spill| {
                Writer::new(store.clone(), spill, durability, Arc::clone(&unreachable))
                    .reporting(Arc::clone(&spilled), heartbeat.clone())
            }
        };
        start_writer(messages, spill, spill_dir.to_owned(), writer, heartbeat);
        Self { queue, durability, unreachable, spilled }
    }

    /// Why no decision can be logged, and so none can be answered; `None` while that is possible.
    pub fn refuses(&self) -> Option<&'static str> {
        if self.queue.is_closed() {
            Some("the writer of the decision log has ended")
        } else if self.spilled.is_full() {
            Some("the database is away, and the buffer on disk is full")
        } else {
            None
        }
    }

    /// Whether decisions are answered before they are in the database.
    pub fn is_buffered(&self) -> bool {
        self.durability == Durability::Buffered
    }

    /// Whether decisions wait on this server's disk because the database is away.
    pub fn is_buffering(&self) -> bool {
        self.unreachable.load(Ordering::Relaxed)
    }

    /// Decisions that wait to be written.
    pub fn queued(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Bytes of decisions that wait on this server's disk.
    pub fn spilled_bytes(&self) -> u64 {
        self.spilled.bytes()
    }

    /// Returns the decision once it is on disk, or in memory if that is enough. The decision's mode is
    /// [`Mode::Degraded`](lifecycle::decision::Mode::Degraded) if it is on this server's disk and not in the database.
    /// If the log has an equal question under the decision's id, the earlier decision is returned.
    ///
    /// # Errors
    /// [`NotLogged`].
    pub async fn append(&self, decision: PendingDecision) -> Logged {
        let decision = Arc::new(decision);
        if self.durability == Durability::Buffered && !self.unreachable.load(Ordering::Relaxed) {
            let entry = Entry { decision: Arc::clone(&decision), waiting: None };
            self.queue.send(Message::Decision(entry)).await.map_err(|_| NotLogged::Unavailable)?;
            return Ok(decision);
        }
        let (waiting, answer) = oneshot::channel();
        let entry = Entry { decision, waiting: Some(waiting) };
        self.queue.try_send(Message::Decision(entry)).map_err(|_| NotLogged::QueueFull)?;
        answer.await.map_err(|_| NotLogged::Unavailable)?
    }

    /// Waits until everything appended so far is written.
    pub async fn drain(&self) {
        let (drained, answer) = oneshot::channel();
        if self.queue.send(Message::Drain(drained)).await.is_ok() {
            // An error means that the writer has ended: there is nothing left to wait for.
            let _ = answer.await;
        }
    }
}

/// Runs the writer on a thread of its own, where it may sleep for less than a timer can measure. A writer that panics is
/// replaced: the decisions that it had in hand are not answered, and those behind them go on.
fn start_writer(
    mut messages: mpsc::Receiver<Message>,
    spill: Spill,
    spill_dir: PathBuf,
    writer: impl Fn(Spill) -> Writer + Send + 'static,
    heartbeat: Heartbeat,
) {
    let runtime = Builder::new_current_thread().enable_all().build();
    let shared = Handle::current();
    let started = thread::Builder::new().name("decision-log".to_owned()).spawn(move || {
        let mut spill = Some(spill);
        loop {
            let next = writer(spill.take().unwrap_or_else(|| Spill::open(&spill_dir)));
            let run = AssertUnwindSafe(|| match &runtime {
                Ok(own) => own.block_on(next.run(&mut messages)),
                Err(error) => {
                    tracing::warn!(%error, "the decision log shares the threads of requests");
                    shared.block_on(next.run(&mut messages));
                }
            });
            if catch_unwind(run).is_ok() {
                return;
            }
            tracing::error!("the writer of the decision log panicked and is started again");
            thread::sleep(RESTART_AFTER);
            heartbeat.restarted();
        }
    });
    if let Err(error) = started {
        tracing::error!(%error, "the decision log has no thread: decisions cannot be logged");
    }
}
