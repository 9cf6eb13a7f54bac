//! Exceptions: a failed guardrail is overridden only by two people who sign for it with a reason, a safety owner and a
//! runtime owner. A blocked scenario never is.

use policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    action::{MAX_REASON_CHARS, NotGenuine, signed_for},
    guardrails::GuardrailName,
};
use crate::{
    authority::{Actor, Permission, Role, same_person},
    signing::{Envelope, KeyRing, Purpose, SignatureError, sign, verify},
};

/// One person's signature on an exception to a failed guardrail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// The packet.
    pub packet_id: String,
    /// The guardrail that failed.
    pub guardrail: GuardrailName,
    /// Why it may be overridden.
    pub reason: String,
    /// The signer.
    pub actor: String,
    /// The token or session the signer came with; `None` for jobs and the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The signer's roles that count here.
    pub roles: Vec<Role>,
    /// When it was signed.
    pub at: Timestamp,
    /// Name of the key that signed.
    pub key_id: String,
    /// HMAC-SHA256 over the canonical JSON of everything above.
    pub signature: String,
}

/// Why a signature on an exception was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExceptionRefused {
    /// The reason is blank or too long.
    #[error("say why this guardrail may be overridden, in at most {MAX_REASON_CHARS} characters")]
    Reason,
    /// The signer has signed already.
    #[error("you have signed this exception already: it takes a safety owner and a runtime owner, two people")]
    SignedAlready,
    /// The signature could not be made.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl Exception {
    /// Whether this stored signature is genuine and for the packet with this id, built at `built_at`.
    ///
    /// # Errors
    /// [`NotGenuine`] gives the reason.
    pub fn check(&self, packet_id: &str, built_at: Timestamp, keys: &KeyRing) -> Result<(), NotGenuine> {
        verify(keys, self)?;
        signed_for((&self.packet_id, self.at), (packet_id, built_at))
    }
}

/// Signs an exception to `guardrail`, beside those `given` for the packet.
///
/// # Errors
/// [`ExceptionRefused`] gives the reason.
pub fn sign_exception(
    packet_id: &str,
    guardrail: GuardrailName,
    (signer, reason): (&Actor, &str),
    given: &[Exception],
    at: Timestamp,
    keys: &KeyRing,
) -> Result<Exception, ExceptionRefused> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON_CHARS || reason.contains('\0') {
        return Err(ExceptionRefused::Reason);
    }
    let allowed = Permission::SignExceptions.roles();
    let roles: Vec<Role> = signer.roles.iter().copied().filter(|role| allowed.contains(role)).collect();
    // A signer who has gained a role since may sign again with it.
    let signed = |given: &Exception| {
        given.guardrail == guardrail && same_person(&given.actor, &signer.name) && given.roles == roles
    };
    if given.iter().any(signed) {
        return Err(ExceptionRefused::SignedAlready);
    }
    let mut exception = Exception {
        packet_id: packet_id.to_owned(),
        guardrail,
        reason: reason.to_owned(),
        actor: signer.name.clone(),
        credential: signer.credential(),
        roles,
        at,
        key_id: String::new(),
        signature: String::new(),
    };
    sign(keys, &mut exception)?;
    Ok(exception)
}

impl Envelope for Exception {
    const PURPOSE: Purpose = Purpose::Exception;

    fn made_at(&self) -> Timestamp {
        self.at
    }

    fn seal(&mut self, key_id: String, signature: String) {
        self.key_id = key_id;
        self.signature = signature;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{authority::Via, signing::Key};

    fn keys() -> KeyRing {
        KeyRing { current: Key::new("k", "secret"), previous: Vec::new() }
    }

    fn person(name: &str, roles: &[Role]) -> Actor {
        Actor::new(name, roles.iter().copied().collect(), Via::Session)
    }

    fn signed(who: &Actor, given: &[Exception]) -> Result<Exception, ExceptionRefused> {
        let by = (who, "The margin is known to dip in December");
        sign_exception("pktv1:00", GuardrailName::MarginDelta, by, given, Timestamp::EPOCH, &keys())
    }

    #[test]
    fn a_signature_needs_words_counts_once_and_for_its_packet() {
        let sue = person("sue", &[Role::SafetyOwner, Role::Approver]);
        let blank = sign_exception("p", GuardrailName::MarginDelta, (&sue, " \n"), &[], Timestamp::EPOCH, &keys());
        assert_eq!(blank, Err(ExceptionRefused::Reason));
        let one = signed(&sue, &[]).unwrap();
        assert_eq!(one.roles, [Role::SafetyOwner], "an approver's role counts for nothing here");
        assert!(matches!(signed(&sue, std::slice::from_ref(&one)), Err(ExceptionRefused::SignedAlready)));
        assert_eq!(one.check("pktv1:00", Timestamp::EPOCH, &keys()), Ok(()));
        assert_eq!(one.check("pktv1:01", Timestamp::EPOCH, &keys()), Err(NotGenuine::OtherPacket));
        let later = Timestamp::EPOCH.plus(std::time::Duration::from_micros(1));
        assert_eq!(one.check("pktv1:00", later, &keys()), Err(NotGenuine::Earlier));
        let forged = Exception { guardrail: GuardrailName::SuccessDelta, ..one };
        assert!(matches!(forged.check("pktv1:00", Timestamp::EPOCH, &keys()), Err(NotGenuine::Signature(_))));
    }
}
