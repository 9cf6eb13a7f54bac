//! A decision between being made and being logged.

use std::borrow::Cow;

use lifecycle::decision::Record;
use store::decisions::Decision;

/// A decision, and its context as the text it came as: what is only passed on need not be taken apart.
#[derive(Debug, Clone)]
pub struct Made {
    /// The record. Its context is empty while there is a text of it.
    pub record: Record,
    text: Option<Box<str>>,
}

impl Made {
    /// A decision about `text`, a context that was read and found to be in order.
    pub(super) fn about(record: Record, text: &str) -> Self {
        Self { record, text: Some(text.into()) }
    }

    /// The record with its context.
    ///
    /// # Errors
    /// None that could happen: the text was read before.
    pub fn whole(&self) -> Result<Cow<'_, Record>, serde_json::Error> {
        match &self.text {
            None => Ok(Cow::Borrowed(&self.record)),
            Some(text) => Ok(Cow::Owned(Record { context: serde_json::from_str(text)?, ..self.record.clone() })),
        }
    }
}

impl From<Record> for Made {
    fn from(record: Record) -> Self {
        Self { record, text: None }
    }
}

impl Decision for Made {
    fn record(&self) -> &Record {
        &self.record
    }

    fn context(&self) -> Option<&str> {
        self.text.as_deref()
    }
}
