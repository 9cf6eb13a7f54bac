//! Signed records as they are shown: with the result of the signature check.

use serde::{Deserialize, Serialize};

use super::{Envelope, KeyRing, verify};

/// A record, and whether its signature verifies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked<T> {
    /// The record as it was read.
    #[serde(flatten)]
    pub record: T,
    /// Why the signature was refused; `None` when the signature verifies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

impl<T: Envelope> Checked<T> {
    /// Checks the signature of a record that was just read.
    pub fn new(keys: &KeyRing, record: T) -> Self {
        let refused = verify(keys, &record).err().map(|refusal| refusal.to_string());
        Self { record, refused }
    }
}

impl<T> Checked<T> {
    /// Whether the signature verifies.
    pub const fn verifies(&self) -> bool {
        self.refused.is_none()
    }
}

#[cfg(test)]
mod tests {
    use policy::Timestamp;

    use super::*;
    use crate::signing::{Key, Purpose, sign};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Record {
        actor: String,
        key_id: String,
        signature: String,
    }

    impl Envelope for Record {
        const PURPOSE: Purpose = Purpose::Drill;

        fn made_at(&self) -> Timestamp {
            Timestamp::EPOCH
        }

        fn seal(&mut self, key_id: String, signature: String) {
            self.key_id = key_id;
            self.signature = signature;
        }
    }

    #[test]
    fn a_record_that_was_changed_is_shown_as_refused() {
        let keys = KeyRing { current: Key::new("k", "a secret for tests"), previous: Vec::new() };
        let mut record = Record { actor: "rob@example.com".into(), key_id: String::new(), signature: String::new() };
        sign(&keys, &mut record).unwrap();
        let good = Checked::new(&keys, record.clone());
        assert!(good.verifies());
        let written = serde_json::to_value(&good).unwrap();
        assert_eq!((&written["actor"], &written["refused"]), (&"rob@example.com".into(), &serde_json::Value::Null));
        assert_eq!(serde_json::from_value::<Checked<Record>>(written).unwrap(), good);

        record.actor = "eve@example.com".into();
        let bad = Checked::new(&keys, record);
        assert_eq!(bad.refused.as_deref(), Some("the signature does not match the content"));
    }
}
