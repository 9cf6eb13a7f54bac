//! The moment at which a decision is answered.

/// The moment at which a decision is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Durability {
    /// After the database has committed the decision: an answered decision is recorded, whatever happens next.
    #[default]
    Durable,
    /// As soon as the decision waits in memory. If the server is killed, up to 17,384 answered decisions (a full queue
    /// and the batch being written) are missing from the log; an orderly stop writes them first. While the database is
    /// away, answers wait for the buffer on disk.
    Buffered,
}
