//! The bundle that a draft is compared with.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use lifecycle::bundle::Record;
use policy::{
    bundle::{Bundle, Source},
    engine::Prepared,
};

use crate::model::{Written, rule};

/// A rule that compares quickly with itself.
#[derive(Debug, Clone)]
pub struct Shared(pub Arc<Written>);

impl PartialEq for Shared {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

/// The bundle that the draft is compared with.
#[derive(Debug)]
pub struct Stable {
    /// Its version.
    pub version: String,
    /// As written.
    pub source: Source,
    /// As understood.
    pub bundle: Bundle,
    prepared: OnceLock<Prepared>,
    /// Where each id stands in `source.rules`.
    pub by_id: HashMap<String, usize>,
}

impl Stable {
    /// Makes it ready.
    pub fn new(record: &Record) -> Self {
        let source = Source::from(record);
        let by_id = source.rules.iter().enumerate().map(|(at, rule)| (rule::id(rule).to_owned(), at)).collect();
        let bundle = source.parse_rules().bundle;
        Self { version: record.version.clone(), bundle, prepared: OnceLock::new(), by_id, source }
    }

    /// Ready to answer.
    pub fn prepared(&self) -> &Prepared {
        self.prepared.get_or_init(|| Prepared::new(&self.bundle))
    }

    /// Its rule with this id.
    pub fn rule(&self, id: &str) -> Option<&Written> {
        self.source.rules.get(*self.by_id.get(id)?)
    }
}
