//! The bundle that a draft is compared with.

use std::{collections::HashMap, sync::OnceLock};

use lifecycle::bundle::Record;
use policy::{
    bundle::{Bundle, Source},
    engine::Prepared,
};

use crate::model::{RawRule, rule};

/// The bundle that the draft is compared with.
#[derive(Debug)]
pub struct Stable {
    /// The version of the bundle.
    pub version: String,
    /// The source document.
    pub source: Source,
    /// The parsed bundle.
    pub bundle: Bundle,
    prepared: OnceLock<Prepared>,
    /// The position in `source.rules` of each id.
    by_id: HashMap<String, usize>,
}

impl Stable {
    /// Parses the bundle.
    pub fn new(record: &Record) -> Self {
        let source = Source::from(record);
        let by_id = source.rules.iter().enumerate().map(|(at, rule)| (rule::id(rule).to_owned(), at)).collect();
        let bundle = source.parse_rules().bundle;
        Self { version: record.version.clone(), bundle, prepared: OnceLock::new(), by_id, source }
    }

    /// The bundle compiled for evaluation, which happens on first use.
    pub fn prepared(&self) -> &Prepared {
        self.prepared.get_or_init(|| Prepared::new(&self.bundle))
    }

    /// The rule with this id.
    pub fn rule(&self, id: &str) -> Option<&RawRule> {
        self.source.rules.get(*self.by_id.get(id)?)
    }
}
