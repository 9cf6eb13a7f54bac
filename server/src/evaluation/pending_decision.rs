//! A decision that has been made but not logged yet.

use std::borrow::Cow;

use lifecycle::decision::Record;
use store::decisions::Decision;

/// A decision, and its context as the original text: what is only passed on need not be parsed.
#[derive(Debug, Clone)]
pub struct PendingDecision {
    /// The record. Its context is empty as long as the context exists as text.
    pub record: Record,
    context_text: Option<Box<str>>,
}

impl PendingDecision {
    /// A decision whose context is `context`, the text of a JSON object.
    pub(super) fn with_context_text(record: Record, context: &str) -> Self {
        Self { record, context_text: Some(context.into()) }
    }

    /// The record with its context.
    ///
    /// # Errors
    /// None in practice: the text has been parsed before.
    pub fn to_record(&self) -> Result<Cow<'_, Record>, serde_json::Error> {
        match &self.context_text {
            None => Ok(Cow::Borrowed(&self.record)),
            Some(text) => Ok(Cow::Owned(Record { context: serde_json::from_str(text)?, ..self.record.clone() })),
        }
    }
}

impl From<Record> for PendingDecision {
    fn from(record: Record) -> Self {
        Self { record, context_text: None }
    }
}

impl Decision for PendingDecision {
    fn record(&self) -> &Record {
        &self.record
    }

    fn context(&self) -> Option<&str> {
        self.context_text.as_deref()
    }
}
