//! Decisions in the format of `COPY … (FORMAT BINARY)`.

use time::{OffsetDateTime, macros::datetime};

use super::pending::Decision;
use crate::{Error, Result, text::storable};

/// Number of columns that [`Rows::push`] writes.
const COLUMNS: i16 = 25;
/// The start of the data: the signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// The epoch of PostgreSQL's timestamps.
const EPOCH: OffsetDateTime = datetime!(2000-01-01 00:00 UTC);
/// Size of an ordinary row, in bytes.
const ROW_BYTES: usize = 1024;

/// Encoded rows.
pub(super) struct Rows(Vec<u8>);

impl Rows {
    /// No rows yet, with room for `count`.
    pub fn with_capacity(count: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEADER.len() + count * ROW_BYTES);
        bytes.extend_from_slice(HEADER);
        Self(bytes)
    }

    /// Adds the row of `decision`: its values in the order of [`WRITTEN`](super::row::WRITTEN).
    pub fn push(&mut self, decision: &impl Decision) -> Result<()> {
        let record = decision.record();
        self.0.extend_from_slice(&COLUMNS.to_be_bytes());
        self.text(&record.decision_id);
        self.timestamp(record.decided_at.into())?;
        self.text(&record.agent);
        self.text(&record.action);
        self.text(&record.subject);
        match decision.context() {
            Some(text) => self.text(text),
            None => self.json(&record.context)?,
        }
        self.text(record.effect.name());
        self.text(record.status.name());
        self.optional(record.matched_rule.as_deref(), Self::text);
        self.text(&record.reason);
        match &record.budget {
            Some(budget) => self.json(budget)?,
            None => self.null(),
        }
        self.optional(record.budget.and_then(|budget| budget.cost), |rows, cost| rows.eight_bytes(cost.to_be_bytes()));
        let bundle = record.bundle.as_ref();
        self.optional(bundle.map(|bundle| bundle.id), |rows, id| rows.eight_bytes(id.to_be_bytes()));
        self.optional(bundle.map(|bundle| bundle.version.as_str()), Self::text);
        self.optional(bundle.map(|bundle| bundle.digest.as_str()), Self::text);
        self.text(record.arm.name());
        self.text(record.mode.name());
        if record.errors.is_empty() {
            self.null();
        } else {
            self.json(&record.errors)?;
        }
        let other = record.other_arm.as_ref();
        self.optional(other.map(|other| other.bundle.id), |rows, id| rows.eight_bytes(id.to_be_bytes()));
        self.optional(other.map(|other| other.bundle.version.as_str()), Self::text);
        self.optional(other.map(|other| other.bundle.digest.as_str()), Self::text);
        self.optional(other.map(|other| other.effect.name()), Self::text);
        self.optional(other.map(|other| other.status.name()), Self::text);
        self.optional(other.and_then(|other| other.matched_rule.as_deref()), Self::text);
        self.optional(record.asked_by, |rows, token| rows.eight_bytes(token.to_be_bytes()));
        Ok(())
    }

    /// The encoded rows with the trailer of the format.
    pub fn finish(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&(-1_i16).to_be_bytes());
        self.0
    }

    fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => write(self, value),
            None => self.null(),
        }
    }

    fn null(&mut self) {
        self.0.extend_from_slice(&(-1_i32).to_be_bytes());
    }

    fn eight_bytes(&mut self, bytes: [u8; 8]) {
        self.0.extend_from_slice(&8_i32.to_be_bytes());
        self.0.extend_from_slice(&bytes);
    }

    fn text(&mut self, text: &str) {
        let text = storable(text);
        // No text of a decision comes near the range of `i32`; PostgreSQL would refuse a longer one as malformed.
        self.0.extend_from_slice(&i32::try_from(text.len()).unwrap_or(i32::MAX).to_be_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn timestamp(&mut self, at: OffsetDateTime) -> Result<()> {
        let micros = i64::try_from((at - EPOCH).whole_microseconds())
            .map_err(|_| Error::Internal(format!("a decision of {at} cannot be written")))?;
        self.eight_bytes(micros.to_be_bytes());
        Ok(())
    }

    /// The text is written in place; its length, which comes first, is filled in afterwards.
    fn json(&mut self, value: &impl serde::Serialize) -> Result<()> {
        let length = self.0.len();
        self.0.extend_from_slice(&[0; 4]);
        serde_json::to_writer(&mut self.0, value)
            .map_err(|error| Error::Internal(format!("a decision cannot be written: {error}")))?;
        let written = i32::try_from(self.0.len() - length - 4).unwrap_or(i32::MAX).to_be_bytes();
        if let Some(place) = self.0.get_mut(length..length + 4) {
            place.copy_from_slice(&written);
        }
        Ok(())
    }
}
