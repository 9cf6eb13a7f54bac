//! When a decision is answered.

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
