//! Moving buffered decisions from the disk into the database once the database is back: a few in every turn of the
//! writer, so that new decisions do not wait for old ones.

use lifecycle::decision::Record;
use store::decisions::DuplicateDecision;
use tokio::time::Instant;

use super::{
    spill::Chunk,
    writer::{BATCH, RETRY_EVERY, WriteError, Writer, log_taken_id},
};

impl Writer {
    /// Moves the next decisions, if it is time to. To find a decision that stops its whole chunk, fewer decisions are
    /// tried each time, until that decision is alone; then it is set aside.
    pub(super) async fn recover(&mut self) {
        if self.spill.is_empty() || Instant::now() < self.recover_at {
            return;
        }
        let chunk = match self.spill.next_chunk(self.step) {
            Ok(chunk) => chunk,
            Err(error) => {
                tracing::error!(%error, "buffered decisions cannot be read");
                self.recover_at = Instant::now() + RETRY_EVERY;
                return;
            }
        };
        match self.append(&chunk.records).await {
            Ok(repeated) => {
                self.step = (self.step * 2).min(BATCH);
                let taken: Vec<&Record> = with_taken_ids(&chunk, &repeated).collect();
                taken.iter().for_each(|record| log_taken_id(&record.decision_id));
                self.finish(&chunk, &taken);
            }
            Err(WriteError::Refused(error)) => match chunk.records.as_slice() {
                [record] => {
                    tracing::error!(%error, decision_id = record.decision_id, "a buffered decision cannot be logged");
                    self.finish(&chunk, &[record]);
                }
                several => self.step = (several.len() / 2).max(1),
            },
            Err(WriteError::Away(cause)) => {
                // The database may merely be slow.
                self.step = (chunk.records.len() / 2).max(1);
                self.note_away(&cause);
            }
        }
    }

    /// Finishes `chunk`, which is in the database except for `refused`.
    fn finish(&mut self, chunk: &Chunk, refused: &[&Record]) {
        if !(refused.is_empty() && chunk.unreadable.is_empty()) {
            let decisions = refused.len() + chunk.unreadable.len();
            match self.spill.set_aside(refused, &chunk.unreadable) {
                Ok(()) => tracing::error!(decisions, "buffered decisions are set aside: the log does not take them"),
                Err(error) => {
                    tracing::error!(%error, decisions, "buffered decisions cannot be set aside; they stay in the buffer");
                    self.recover_at = Instant::now() + RETRY_EVERY;
                    return;
                }
            }
        }
        if !chunk.records.is_empty() {
            self.away_until = None;
        }
        if let Err(error) = self.spill.consume_up_to(chunk.end) {
            tracing::error!(%error, "the buffer cannot be emptied; a server that starts reads it again");
        }
        if self.spill.is_empty() {
            tracing::info!("the database is back: buffered decisions are logged");
        }
    }
}

/// Decisions whose ids belong to other questions in the log.
fn with_taken_ids<'a>(chunk: &'a Chunk, repeated: &'a [DuplicateDecision]) -> impl Iterator<Item = &'a Record> {
    let others = repeated.iter().filter(|repeated| repeated.answered.is_none());
    others.filter_map(|repeated| chunk.records.get(repeated.place))
}
