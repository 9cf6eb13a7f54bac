//! The safety pause and its release. A release needs a remediation in words, clear trigger metrics, and the signatures
//! of two different people: a safety owner and a runtime owner.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::trigger::{self, TriggerReading};
use crate::{
    authority::{Actor, HeldRoles, Role, same_person},
    signing::{Envelope, KeyRing, SignatureError, sign, verify},
};

/// The tag of the incident that a pause without a ticket opens.
pub const TICKET_TAG: &str = "CLO-SAFETY-PAUSE";

/// Both roles must sign a release, and the signers must be two people.
pub const RELEASE_ROLES: [Role; 2] = [Role::SafetyOwner, Role::RuntimeOwner];

/// A safety pause in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pause {
    /// Why the pause was engaged.
    pub reason: String,
    /// The ticket that tracks the pause.
    pub ticket: Option<String>,
    /// The person who engaged the pause.
    pub by: String,
    /// When the pause began.
    pub since: Timestamp,
    /// The metrics that the pause was engaged for, as named by the person who engaged it. They must be clear before a
    /// release.
    #[serde(default)]
    pub trigger_metrics: Vec<String>,
    /// The signatures on the release so far.
    pub release_signatures: Vec<ReleaseSignature>,
}

/// One signature on the release of a pause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseSignature {
    /// The signer.
    pub by: String,
    /// The signer's roles among [`RELEASE_ROLES`].
    pub roles: Vec<Role>,
    /// When the signature was given.
    pub at: Timestamp,
    /// The remediation, as the signer described it.
    pub remediation: String,
    /// The ticket of the pause that the signature is for.
    pub ticket: Option<String>,
    /// The beginning of the pause that the signature is for.
    pub paused_at: Timestamp,
    /// Name of the key that signed.
    pub key_id: String,
    /// HMAC-SHA256 over the canonical JSON of everything above.
    pub signature: String,
}

/// The signed record of a released pause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseRecord {
    /// The id, given by the database.
    pub id: i64,
    /// Why the pause was engaged.
    pub reason: String,
    /// The ticket that tracked the pause.
    pub ticket: Option<String>,
    /// The person who engaged the pause.
    pub paused_by: String,
    /// When the pause began.
    pub paused_at: Timestamp,
    /// When the pause ended.
    pub released_at: Timestamp,
    /// The readings of the trigger metrics at the release.
    pub metrics: Vec<TriggerReading>,
    /// The two signatures.
    pub signatures: Vec<ReleaseSignature>,
    /// Name of the key that signed.
    pub key_id: String,
    /// HMAC-SHA256 over the canonical JSON of everything above but the id.
    pub signature: String,
}

/// Why a signature on a release was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseRefused {
    /// The remediation is blank.
    #[error("say what was put right: a release needs a remediation")]
    RemediationRequired,
    /// The remediation does not mention a trigger that cannot be measured here.
    #[error("these triggers cannot be measured here, so the remediation has to name them and say that they are clear: {}", .0.join(", "))]
    Unconfirmed(Vec<String>),
    /// The signer holds neither role.
    #[error("a release is signed by a safety owner and a runtime owner; you are neither")]
    NoRole,
    /// The signer has signed already.
    #[error("you have signed this release already; still needed: {0}")]
    SignedAlready(String),
    /// Another person with this role has signed already.
    #[error("that role has signed this release already; still needed: {0}")]
    RoleTaken(String),
    /// A metric that triggered the pause is past its limit.
    #[error("the trigger is not clear yet: {}", .0.join("; "))]
    NotClear(Vec<String>),
    /// The signature could not be made.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// The result of a signature.
#[derive(Debug, Clone, PartialEq)]
pub enum Signed {
    /// The first of two signatures.
    OneOfTwo(ReleaseSignature),
    /// The second signature: the pause is over.
    Released(ReleaseRecord),
}

impl Pause {
    /// The signatures that count: made for this pause, unchanged since, and by people who still hold a role that they
    /// signed with.
    pub fn valid_signatures<'a>(
        &'a self,
        keys: &'a KeyRing,
        standing: &'a HeldRoles,
    ) -> impl Iterator<Item = &'a ReleaseSignature> {
        self.standing_signatures(standing).filter(|given| {
            given.ticket == self.ticket && given.paused_at == self.since && verify(keys, *given).is_ok()
        })
    }

    /// The signatures by people who still hold a role that they signed with; whether they verify is not looked at.
    fn standing_signatures<'a>(&'a self, standing: &'a HeldRoles) -> impl Iterator<Item = &'a ReleaseSignature> {
        self.release_signatures.iter().filter(|given| !standing.held(&given.by, &given.roles).is_empty())
    }

    /// The pause as people are shown it: without the signatures of those who no longer hold the role they signed with.
    #[must_use]
    pub fn as_of(self, standing: &HeldRoles) -> Self {
        let release_signatures = self.standing_signatures(standing).cloned().collect();
        Self { release_signatures, ..self }
    }

    /// The signatures still needed, in words.
    pub fn still_needed(&self) -> String {
        match self.release_signatures.first() {
            None => "a safety owner and a runtime owner".to_owned(),
            Some(first) => {
                let needed: Vec<String> = RELEASE_ROLES
                    .into_iter()
                    .filter(|role| first.roles.iter().any(|held| held != role))
                    .map(|role| format!("a {}", role.name().replace('_', " ")))
                    .collect();
                format!("{} other than {}", needed.join(" or "), first.by)
            }
        }
    }

    /// Whether `signer` may sign the release now.
    ///
    /// # Errors
    /// [`ReleaseRefused`] gives the reason.
    pub fn may_sign(&self, signer: &Actor) -> Result<(), ReleaseRefused> {
        let given = self.release_signatures.iter().map(|given| (given.by.as_str(), given.roles.clone()));
        may_sign(given, signer, || self.still_needed())
    }
}

/// The roles that a signature by `signer` counts for.
fn signing_roles(signer: &Actor) -> Vec<Role> {
    RELEASE_ROLES.into_iter().filter(|role| signer.roles.contains(role)).collect()
}

/// Whether two signers hold the two roles between them.
fn cover_both_roles(first: &[Role], second: &[Role]) -> bool {
    let [safety, runtime] = RELEASE_ROLES;
    (first.contains(&safety) && second.contains(&runtime)) || (first.contains(&runtime) && second.contains(&safety))
}

/// Whether `signer` may sign beside those who have signed, each with the roles that the signature counts for.
fn may_sign<'a>(
    given: impl Iterator<Item = (&'a str, Vec<Role>)>,
    signer: &Actor,
    still_needed: impl Fn() -> String,
) -> Result<(), ReleaseRefused> {
    let roles = signing_roles(signer);
    if roles.is_empty() {
        return Err(ReleaseRefused::NoRole);
    }
    for (by, held) in given {
        if same_person(by, &signer.name) {
            return Err(ReleaseRefused::SignedAlready(still_needed()));
        }
        if !cover_both_roles(&held, &roles) {
            return Err(ReleaseRefused::RoleTaken(still_needed()));
        }
    }
    Ok(())
}

/// What a signature is made with, and earlier ones are held against.
#[derive(Debug, Clone, Copy)]
pub struct Signing<'a> {
    /// The keys.
    pub keys: &'a KeyRing,
    /// Who holds which role now.
    pub standing: &'a HeldRoles,
}

/// Signs the release of `pause`. The second signature, by another person with the other role, ends the pause;
/// `readings` are the current readings of the pause's known triggers.
///
/// # Errors
/// [`ReleaseRefused`] says why the signature was not accepted.
pub fn sign_release(
    pause: &Pause,
    signer: &Actor,
    remediation: &str,
    readings: &[TriggerReading],
    at: Timestamp,
    context: Signing<'_>,
) -> Result<Signed, ReleaseRefused> {
    let Signing { keys, standing } = context;
    let remediation = remediation.trim();
    if remediation.is_empty() {
        return Err(ReleaseRefused::RemediationRequired);
    }
    let given: Vec<&ReleaseSignature> = pause.valid_signatures(keys, standing).collect();
    let held = given.iter().map(|given| (given.by.as_str(), standing.held(&given.by, &given.roles)));
    may_sign(held, signer, || pause.still_needed())?;
    let remediations: Vec<&str> = given.iter().map(|given| given.remediation.as_str()).chain([remediation]).collect();
    let unconfirmed = trigger::unconfirmed(&pause.trigger_metrics, &remediations);
    if !unconfirmed.is_empty() {
        return Err(ReleaseRefused::Unconfirmed(unconfirmed));
    }
    let mut own = ReleaseSignature {
        by: signer.name.clone(),
        roles: signing_roles(signer),
        at,
        remediation: remediation.to_owned(),
        ticket: pause.ticket.clone(),
        paused_at: pause.since,
        key_id: String::new(),
        signature: String::new(),
    };
    sign(keys, &mut own)?;
    let Some(first) = given.first() else { return Ok(Signed::OneOfTwo(own)) };
    let not_clear: Vec<String> =
        readings.iter().filter(|reading| !reading.clear).map(|reading| reading.detail.clone()).collect();
    if !not_clear.is_empty() {
        return Err(ReleaseRefused::NotClear(not_clear));
    }
    let mut record = ReleaseRecord {
        id: 0,
        reason: pause.reason.clone(),
        ticket: pause.ticket.clone(),
        paused_by: pause.by.clone(),
        paused_at: pause.since,
        released_at: at,
        metrics: readings.to_vec(),
        signatures: vec![(*first).clone(), own],
        key_id: String::new(),
        signature: String::new(),
    };
    sign(keys, &mut record)?;
    Ok(Signed::Released(record))
}

impl Envelope for ReleaseSignature {
    fn seal(&mut self, key_id: String, signature: String) {
        self.key_id = key_id;
        self.signature = signature;
    }
}

impl Envelope for ReleaseRecord {
    const UNSIGNED: &'static [&'static str] = &["id"];

    fn seal(&mut self, key_id: String, signature: String) {
        self.key_id = key_id;
        self.signature = signature;
    }
}

#[cfg(test)]
#[path = "pause_tests.rs"]
mod tests;
