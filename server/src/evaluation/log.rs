//! The decision log. Decisions queue up while a batch is being committed, and go into the next batch together: the
//! busier the service, the larger the batches. A decision is answered after its batch is committed, unless the log is
//! [`Durability::Buffered`].

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
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
    spill::Spill,
    writer::{Entry, Logged, Message, Writer},
};

/// Maximum number of decisions waiting to be written. Further decisions are refused with 503, or wait for room if
/// answers do not wait for the database.
const QUEUE: usize = 16_384;

/// The decision log as requests see it. Cheap to clone.
#[derive(Clone)]
pub struct DecisionLog {
    queue: mpsc::Sender<Message>,
    durability: Durability,
    /// Whether the last batch failed to reach the database. While this is true, no decision is answered before it is on
    /// disk.
    unreachable: Arc<AtomicBool>,
}

impl DecisionLog {
    /// Starts the writer. `spill_dir` takes decisions while the database is away.
    pub fn start(store: Store, spill_dir: &Path, durability: Durability) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE);
        let spill = Spill::open(spill_dir);
        let unreachable = Arc::new(AtomicBool::new(!spill.is_empty()));
        let writer = Writer::new(store, spill, durability, Arc::clone(&unreachable));
        start_writer(writer.run(messages));
        Self { queue, durability, unreachable }
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

/// Runs the writer on a thread of its own, where it may sleep for less than a timer can measure.
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
