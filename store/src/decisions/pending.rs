//! A decision on its way into the log.

use std::{borrow::Cow, sync::Arc};

use lifecycle::decision::{Mode, Record};
use serde_json::{Map, Value};

use crate::{Error, Result, text::storable};

/// A decision that can be added to the log.
pub trait Decision {
    /// The decision.
    fn record(&self) -> &Record;

    /// The context as the JSON text of the request, which is valid and free of NUL; `None` if the record holds the
    /// context.
    fn context(&self) -> Option<&str> {
        None
    }
}

impl Decision for Record {
    fn record(&self) -> &Record {
        self
    }
}

impl<D: Decision> Decision for Arc<D> {
    fn record(&self) -> &Record {
        D::record(self)
    }

    fn context(&self) -> Option<&str> {
        D::context(self)
    }
}

/// The decision's id as it is stored.
pub(super) fn stored_id<D: Decision>(decision: &D) -> Cow<'_, str> {
    storable(&decision.record().decision_id)
}

/// Whether `stored` answers the question that `decision` answers: agent, action, subject and context.
pub(super) fn is_same_question(decision: &impl Decision, stored: &Record) -> Result<bool> {
    let asked = decision.record();
    let same = |asked: &str, stored: &str| storable(asked) == stored;
    // What people approved for one token answers no other.
    let may_know = stored.mode != Mode::Approved || asked.asked_by == stored.asked_by;
    Ok(may_know
        && same(&asked.agent, &stored.agent)
        && same(&asked.action, &stored.action)
        && same(&asked.subject, &stored.subject)
        && *context(decision)? == stored.context)
}

fn context(decision: &impl Decision) -> Result<Cow<'_, Map<String, Value>>> {
    match decision.context() {
        None => Ok(Cow::Borrowed(&decision.record().context)),
        Some(text) => serde_json::from_str(text)
            .map(Cow::Owned)
            .map_err(|error| Error::Internal(format!("the context of a decision cannot be read: {error}"))),
    }
}
