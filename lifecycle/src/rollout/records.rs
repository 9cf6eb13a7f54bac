//! The signed records of applies, promotions and rollbacks.

use policy::{Timestamp, bundle::canonical::canonical};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{
    signing::{Envelope, Purpose},
    system::ServingBundle,
};

/// `sha256:` over the canonical JSON of what is served: the stable bundle, and the canary or shadow with its share of
/// traffic. Equal checksums mean that the same bundles are served in the same shares.
pub fn serving_checksum(stable: Option<&ServingBundle>, canary: Option<&ServingBundle>) -> String {
    let arm = |bundle: &ServingBundle| {
        json!({
            "version": bundle.version, "digest": bundle.digest, "state": bundle.state.name(),
            "canary_pct": bundle.canary_pct,
        })
    };
    let served = json!({"stable": stable.map(arm), "beside": canary.map(arm)});
    format!("sha256:{}", hex::encode(Sha256::digest(canonical(&served))))
}

/// One apply or promotion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApplyRecord {
    /// The id, given by the database.
    pub id: i64,
    /// The bundle.
    pub bundle_id: i64,
    /// The bundle's version.
    pub version: String,
    /// The bundle's content address.
    pub digest: String,
    /// The packet that approved the bundle; `None` for the first bundle of the demo.
    pub packet_id: Option<String>,
    /// Share of traffic before, in percent.
    pub from_pct: i16,
    /// Share of traffic after, in percent.
    pub to_pct: i16,
    /// The actor.
    pub actor: String,
    /// The token or session the actor came with; `None` for jobs, the command line and records from before credentials
    /// were recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// When the record was made.
    pub at: Timestamp,
    /// [`serving_checksum`] of what was served afterwards; records of the first release have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_checksum: Option<String>,
    /// Name of the key that signed.
    pub key_id: String,
    /// HMAC-SHA256 over the canonical JSON of everything above but the id.
    pub signature: String,
}

/// One rollback.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RollbackRecord {
    /// The id, given by the database.
    pub id: i64,
    /// The bundle taken out.
    pub bundle_id: i64,
    /// The bundle's version.
    pub version: String,
    /// The bundle's content address.
    pub digest: String,
    /// The bundle's share of traffic before, in percent.
    pub from_pct: i16,
    /// The bundle that serves everything now.
    pub restored_bundle_id: i64,
    /// The version of the restored bundle.
    pub restored_version: String,
    /// The reason given.
    pub reason: String,
    /// The actor.
    pub actor: String,
    /// The token or session the actor came with; `None` for jobs, the command line and records from before credentials
    /// were recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The person the actor acted for, as the actor stated.
    pub on_behalf_of: Option<String>,
    /// When the problem was noticed.
    pub rollback_triggered_at: Timestamp,
    /// When the restored bundle took over.
    pub rolled_back_at: Timestamp,
    /// The incident that was opened, if any.
    pub incident_id: Option<String>,
    /// [`serving_checksum`] of what was served afterwards; records of the first release have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_checksum: Option<String>,
    /// Name of the key that signed.
    pub key_id: String,
    /// HMAC-SHA256 over the canonical JSON of everything above but the id.
    pub signature: String,
}

/// The response of `POST …/rollback`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RollbackResponse {
    /// The id of the bundle that serves everything now.
    pub id: i64,
    /// The bundle's version.
    pub version: String,
    /// The version taken out.
    pub rolled_back_from: String,
    /// Whether the bundle `id` serves: always true.
    pub active: bool,
    /// The share of traffic of the bundle `id`: 100.
    pub canary_pct: i16,
    /// What happened, in a sentence.
    pub message: String,
    /// Whether an incident was opened.
    pub incident_created: bool,
    /// The incident's id.
    pub incident_id: Option<String>,
    /// The id of the signed record.
    pub rollback_id: i64,
    /// What was odd about the request and was ignored or corrected, because it must not hold up a rollback.
    #[serde(default)]
    pub warnings: Vec<String>,
}

impl Envelope for ApplyRecord {
    const PURPOSE: Purpose = Purpose::Apply;
    const UNSIGNED: &'static [&'static str] = &["id"];

    fn made_at(&self) -> Timestamp {
        self.at
    }

    fn seal(&mut self, key_id: String, signature: String) {
        self.key_id = key_id;
        self.signature = signature;
    }
}

impl Envelope for RollbackRecord {
    const PURPOSE: Purpose = Purpose::Rollback;
    const UNSIGNED: &'static [&'static str] = &["id"];

    fn made_at(&self) -> Timestamp {
        self.rolled_back_at
    }

    fn seal(&mut self, key_id: String, signature: String) {
        self.key_id = key_id;
        self.signature = signature;
    }
}
