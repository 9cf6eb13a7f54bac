//! The data of a session: the stable bundle, the parsed draft, and the cases of a dataset.

use std::sync::Arc;

use policy::{
    analysis::SemanticDiff,
    bundle::{Bundle, Source},
    engine::Prepared,
    replay::{Columnar, Replayed},
};

/// Rows that a replay or a sweep answers in one step.
pub(super) const ROWS_PER_STEP: usize = 8_192;

/// The stable bundle, which the draft is compared with.
#[derive(Debug)]
pub(super) struct Stable {
    pub version: String,
    pub source: Source,
    pub bundle: Bundle,
    pub prepared: Arc<Prepared>,
}

impl Stable {
    pub fn new(version: String, source: Source) -> Self {
        let bundle = source.parse_rules().bundle;
        Self { version, prepared: Arc::new(Prepared::new(&bundle)), bundle, source }
    }
}

/// The parsed draft.
#[derive(Debug)]
pub(super) struct Draft {
    pub bundle: Bundle,
    pub prepared: Arc<Prepared>,
    /// The draft's changes compared with stable; `None` without a stable bundle.
    pub diff: Option<SemanticDiff>,
}

/// The cases of a dataset, as columns.
#[derive(Debug, Clone)]
pub(super) struct Cases {
    pub corpus: Arc<Columnar>,
    /// Days of traffic that the cases span; `None` for less than an hour.
    pub days: Option<f64>,
    /// Stable's answers, once they are known.
    pub before: Option<Arc<Replayed>>,
    /// The draft's last known answers, possibly from before an edit.
    pub after: Option<Arc<Replayed>>,
}

impl Cases {
    pub fn new(corpus: Columnar) -> Self {
        let seconds = corpus.window().map(|(first, last)| last.unix_seconds() - first.unix_seconds());
        let days = seconds.filter(|seconds| *seconds >= 3_600).map(|seconds| seconds as f64 / 86_400.0);
        Self { corpus: Arc::new(corpus), days, before: None, after: None }
    }
}
