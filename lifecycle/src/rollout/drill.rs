//! The rollback drill: apply, roll back and apply again, with a real packet in a sandbox; and when a drill has passed.

use std::time::Duration;

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    authority::Actor,
    signing::{Envelope, Purpose},
};

/// How long a drill counts; afterwards the next one is overdue.
pub const OVERDUE_AFTER: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The result of one step of a drill.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Duration in milliseconds.
    pub duration_ms: f64,
    /// The checksum in the step's signed record, of what was served after the step.
    pub verification_checksum: String,
    /// The checksum computed from what was read back after the step.
    pub read_back: String,
    /// Content address of the newest bundle in service after the step.
    pub served_digest: String,
    /// Version of the newest bundle in service after the step.
    pub served_version: String,
    /// Whether the signature of the step's record verifies.
    pub signature_verifies: bool,
    /// Whether the step was executed now rather than answered from the record of an earlier step.
    pub fresh: bool,
}

/// The course of a drill.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The bundle that was applied and rolled back.
    pub candidate: Candidate,
    /// The checksum of what was served before the first step.
    pub checksum_before: String,
    /// The first apply, if the drill reached it.
    pub apply: Option<Step>,
    /// The rollback, if the drill reached it.
    pub rollback: Option<Step>,
    /// The second apply, if the drill reached it.
    pub reapply: Option<Step>,
    /// Why the drill stopped, when a step was refused.
    pub stopped: Option<String>,
    /// Digest of everything live before the sandbox was created.
    pub live_before: String,
    /// Digest of everything live after the sandbox was removed.
    pub live_after: String,
}

/// The bundle that is put into service in the sandbox, and the bundle that the rollback returns to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The bundle's id.
    pub id: i64,
    /// The bundle's version.
    pub version: String,
    /// The bundle's content address.
    pub digest: String,
    /// The packet that approved the bundle.
    pub packet_id: String,
    /// The version that the bundle follows.
    pub base_version: String,
    /// The content address of `base_version`.
    pub base_digest: String,
}

/// The signed report of a drill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrillReport {
    /// The id, given by the database.
    pub id: i64,
    /// The bundle that was applied in the sandbox.
    pub candidate_id: i64,
    /// The bundle's version.
    pub candidate_version: String,
    /// The packet that approved the bundle.
    pub packet_id: String,
    /// The version the rollback returned to.
    pub base_version: String,
    /// Duration of the first apply, including the evidence, in milliseconds; `None` when the step was not reached.
    pub apply_duration_ms: Option<f64>,
    /// Duration of the rollback in milliseconds.
    pub rollback_duration_ms: Option<f64>,
    /// Duration of the second apply in milliseconds.
    pub reapply_duration_ms: Option<f64>,
    /// Checksum of what was served after the first apply.
    pub first_apply_verification_checksum: Option<String>,
    /// Checksum of what was served after the rollback.
    pub rollback_verification_checksum: Option<String>,
    /// Checksum of what was served after the second apply.
    pub reapply_verification_checksum: Option<String>,
    /// Content address of the newest bundle in service after the first apply.
    pub first_apply_served_digest: Option<String>,
    /// Content address of the newest bundle in service after the rollback.
    pub rollback_served_digest: Option<String>,
    /// Content address of the newest bundle in service after the second apply.
    pub reapply_served_digest: Option<String>,
    /// The version in service at the end: the candidate's, when the drill passed.
    pub final_policy_version: Option<String>,
    /// Digest of everything live before the drill.
    pub live_digest_before: String,
    /// Digest of everything live after the drill.
    pub live_digest_after: String,
    /// Whether the drill passed.
    pub safety_passed: bool,
    /// The failures, in sentences.
    pub failures: Vec<String>,
    /// The person or program that ran the drill.
    pub run_by: String,
    /// The token or session the actor came with; `None` for jobs, the command line and records from before credentials
    /// were recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// When the drill ran.
    pub at: Timestamp,
    /// Name of the key that signed.
    pub key_id: String,
    /// HMAC-SHA256 over the canonical JSON of everything above but the id.
    pub signature: String,
}

impl Run {
    /// The failures, in sentences; empty when the drill passed.
    pub fn failures(&self) -> Vec<String> {
        let mut failures: Vec<String> = self.stopped.iter().cloned().collect();
        for (name, step) in
            [("first apply", &self.apply), ("rollback", &self.rollback), ("second apply", &self.reapply)]
        {
            let Some(step) = step else {
                failures.push(format!("The {name} was not reached."));
                continue;
            };
            let mut check = |held: bool, what: &str| {
                if !held {
                    failures.push(format!("The {name} {what}."));
                }
            };
            check(step.fresh, "was answered from an earlier record and not done");
            check(step.signature_verifies, "wrote a record whose signature does not verify");
            check(
                step.verification_checksum == step.read_back && !step.read_back.is_empty(),
                "recorded something else than what is served after it",
            );
            let (digest, version) = if name == "rollback" {
                (&self.candidate.base_digest, &self.candidate.base_version)
            } else {
                (&self.candidate.digest, &self.candidate.version)
            };
            check(
                step.served_digest == *digest && step.served_version == *version,
                &format!("left {} in service, not {version}", step.served_version),
            );
        }
        let checksum = |step: &Option<Step>| step.as_ref().map(|step| step.read_back.clone());
        if let Some(after) = checksum(&self.rollback)
            && after != self.checksum_before
        {
            failures.push("The rollback did not restore what was served before.".to_owned());
        }
        if let (Some(first), Some(second)) = (checksum(&self.apply), checksum(&self.reapply))
            && first != second
        {
            failures.push("The second apply does not serve what the first one did.".to_owned());
        }
        if self.live_before != self.live_after {
            failures.push("What is live changed while the drill ran: run it again.".to_owned());
        }
        failures
    }

    /// The report, to be signed.
    pub fn report(&self, run_by: &Actor, at: Timestamp) -> DrillReport {
        let failures = self.failures();
        let duration = |step: &Option<Step>| step.as_ref().map(|step| step.duration_ms);
        let checksum = |step: &Option<Step>| step.as_ref().map(|step| step.verification_checksum.clone());
        let digest = |step: &Option<Step>| step.as_ref().map(|step| step.served_digest.clone());
        let last = [&self.reapply, &self.rollback, &self.apply].into_iter().find_map(Option::as_ref);
        DrillReport {
            id: 0,
            candidate_id: self.candidate.id,
            candidate_version: self.candidate.version.clone(),
            packet_id: self.candidate.packet_id.clone(),
            base_version: self.candidate.base_version.clone(),
            apply_duration_ms: duration(&self.apply),
            rollback_duration_ms: duration(&self.rollback),
            reapply_duration_ms: duration(&self.reapply),
            first_apply_verification_checksum: checksum(&self.apply),
            rollback_verification_checksum: checksum(&self.rollback),
            reapply_verification_checksum: checksum(&self.reapply),
            first_apply_served_digest: digest(&self.apply),
            rollback_served_digest: digest(&self.rollback),
            reapply_served_digest: digest(&self.reapply),
            final_policy_version: last.map(|step| step.served_version.clone()),
            live_digest_before: self.live_before.clone(),
            live_digest_after: self.live_after.clone(),
            safety_passed: failures.is_empty(),
            failures,
            run_by: run_by.name.clone(),
            credential: run_by.credential(),
            at,
            key_id: String::new(),
            signature: String::new(),
        }
    }
}

impl Envelope for DrillReport {
    const PURPOSE: Purpose = Purpose::Drill;
    const UNSIGNED: &'static [&'static str] = &["id"];

    fn made_at(&self) -> Timestamp {
        self.at
    }

    fn seal(&mut self, key_id: String, signature: String) {
        self.key_id = key_id;
        self.signature = signature;
    }
}

/// The newest drill, for the first page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastDrill {
    /// The drill's id.
    pub id: i64,
    /// When the drill ran.
    pub at: Timestamp,
    /// Whether the drill passed.
    pub passed: bool,
}

impl LastDrill {
    /// Whether the next drill should have been run by `now`. A failed drill does not count as run.
    pub fn is_overdue(self, now: Timestamp) -> bool {
        !self.passed || now.since(self.at) > OVERDUE_AFTER
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::authority::{Role, Via};

    fn runner() -> Actor {
        Actor::new("r@x", [Role::RuntimeOwner].into(), Via::Session)
    }

    fn step(digest: &str, version: &str, checksum: &str) -> Step {
        Step {
            duration_ms: 1.5,
            verification_checksum: checksum.into(),
            read_back: checksum.into(),
            served_digest: digest.into(),
            served_version: version.into(),
            signature_verifies: true,
            fresh: true,
        }
    }

    fn good() -> Run {
        Run {
            candidate: Candidate {
                id: 2,
                version: "1.1.0".into(),
                digest: "sha256:b".into(),
                packet_id: "pktv1:0".into(),
                base_version: "1.0.0".into(),
                base_digest: "sha256:a".into(),
            },
            checksum_before: "x".into(),
            apply: Some(step("sha256:b", "1.1.0", "y")),
            rollback: Some(step("sha256:a", "1.0.0", "x")),
            reapply: Some(step("sha256:b", "1.1.0", "y")),
            stopped: None,
            live_before: "live".into(),
            live_after: "live".into(),
        }
    }

    #[test]
    fn a_drill_report_carries_timings_checksums_and_the_safety_bit() {
        let report = good().report(&runner(), Timestamp::EPOCH);
        assert!(report.safety_passed && report.failures.is_empty(), "{:?}", report.failures);
        assert_eq!(report.final_policy_version.as_deref(), Some("1.1.0"));
        assert_eq!(report.first_apply_verification_checksum, report.reapply_verification_checksum);
        let json = serde_json::to_value(&report).unwrap();
        for name in [
            "candidate_id",
            "apply_duration_ms",
            "rollback_duration_ms",
            "reapply_duration_ms",
            "first_apply_verification_checksum",
            "rollback_verification_checksum",
            "reapply_verification_checksum",
            "safety_passed",
            "final_policy_version",
        ] {
            assert!(!json[name].is_null(), "{name}");
        }
    }

    /// Any single fault fails the drill.
    #[test]
    fn every_single_fault_fails_it() {
        type Spoil = fn(&mut Run);
        let spoils: [Spoil; 11] = [
            |run| run.apply.as_mut().unwrap().fresh = false,
            |run| run.rollback.as_mut().unwrap().fresh = false,
            |run| run.reapply.as_mut().unwrap().fresh = false,
            |run| run.reapply.as_mut().unwrap().signature_verifies = false,
            |run| run.apply.as_mut().unwrap().verification_checksum.clear(),
            |run| run.rollback.as_mut().unwrap().served_digest = "sha256:b".into(),
            |run| run.reapply.as_mut().unwrap().served_version = "1.0.0".into(),
            |run| run.checksum_before = "z".into(),
            |run| run.reapply = None,
            |run| run.stopped = Some("The approvals have expired.".into()),
            |run| run.live_after = "other".into(),
        ];
        for (number, spoil) in spoils.into_iter().enumerate() {
            let mut run = good();
            spoil(&mut run);
            assert!(!run.report(&runner(), Timestamp::EPOCH).safety_passed, "fault {number}");
        }
    }

    proptest! {
        #[test]
        fn a_drill_counts_for_a_week(seconds in 0_u64..2_000_000, passed: bool) {
            let at = Timestamp::from_unix_seconds(1_000_000);
            let drill = LastDrill { id: 1, at, passed };
            prop_assert_eq!(drill.is_overdue(at.plus(Duration::from_secs(seconds))), !passed || seconds > 604_800);
        }
    }
}
