//! The signed records of what was put into service and taken out.

use policy::{Timestamp, bundle::canonical::canonical};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::{signing::Envelope, system::ServingBundle};

/// `sha256:` over the canonical JSON of what is served: stable, and what stands beside it with its share. Two moments
/// with the same checksum serve the same.
pub fn serving_checksum(stable: Option<&ServingBundle>, beside: Option<&ServingBundle>) -> String {
    let arm = |bundle: &ServingBundle| {
        json!({
            "version": bundle.version, "digest": bundle.digest, "state": bundle.state.name(),
            "canary_pct": bundle.canary_pct,
        })
    };
    let served = json!({"stable": stable.map(arm), "beside": beside.map(arm)});
    format!("sha256:{}", hex::encode(Sha256::digest(canonical(&served))))
}

/// One apply or promotion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApplyRecord {
    /// Number given by the database.
    pub id: i64,
    /// The bundle.
    pub bundle_id: i64,
    /// Its version.
    pub version: String,
    /// Its content address.
    pub digest: String,
    /// The packet it was approved by; none for the first bundle of the demo.
    pub packet_id: Option<String>,
    /// Share of traffic before, in percent.
    pub from_pct: i16,
    /// Share of traffic after.
    pub to_pct: i16,
    /// Who did it.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// [`serving_checksum`] of what was served after it; records of the first release have none.
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
    /// Number given by the database.
    pub id: i64,
    /// The bundle taken out.
    pub bundle_id: i64,
    /// Its version.
    pub version: String,
    /// Its content address.
    pub digest: String,
    /// Its share of traffic before, in percent.
    pub from_pct: i16,
    /// The bundle that serves everything now.
    pub restored_bundle_id: i64,
    /// Its version.
    pub restored_version: String,
    /// Why.
    pub reason: String,
    /// Who did it.
    pub actor: String,
    /// On whose behalf, as stated.
    pub on_behalf_of: Option<String>,
    /// When the trouble was noticed.
    pub rollback_triggered_at: Timestamp,
    /// When traffic returned.
    pub rolled_back_at: Timestamp,
    /// The incident that was opened.
    pub incident_id: Option<String>,
    /// [`serving_checksum`] of what was served after it; records of the first release have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_checksum: Option<String>,
    /// Name of the key that signed.
    pub key_id: String,
    /// HMAC-SHA256 over the canonical JSON of everything above but the id.
    pub signature: String,
}

/// What `POST …/rollback` answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RollbackResponse {
    /// The bundle that serves everything now.
    pub id: i64,
    /// Its version.
    pub version: String,
    /// The version taken out.
    pub rolled_back_from: String,
    /// True: the bundle of `id` serves.
    pub active: bool,
    /// Its share of traffic: 100.
    pub canary_pct: i16,
    /// In a sentence.
    pub message: String,
    /// Whether an incident was opened.
    pub incident_created: bool,
    /// Which.
    pub incident_id: Option<String>,
    /// The record.
    pub rollback_id: i64,
}

impl Envelope for ApplyRecord {
    const UNSIGNED: &'static [&'static str] = &["id"];

    fn seal(&mut self, key_id: String, signature: String) {
        self.key_id = key_id;
        self.signature = signature;
    }
}

impl Envelope for RollbackRecord {
    const UNSIGNED: &'static [&'static str] = &["id"];

    fn seal(&mut self, key_id: String, signature: String) {
        self.key_id = key_id;
        self.signature = signature;
    }
}
