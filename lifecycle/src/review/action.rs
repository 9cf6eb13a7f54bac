//! A reviewer's signed decision on a packet.

use policy::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::ReviewSettings;
use crate::{
    authority::{Actor, Permission, Role},
    signing::{Envelope, KeyRing, Purpose, SignatureError, sign, verify},
};

/// Maximum characters of a reviewer's reason.
pub const MAX_REASON_CHARS: usize = 2000;

/// A reviewer's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Verdict {
    /// Sign off.
    Approve,
    /// Refuse for good.
    Reject,
    /// Send back to the author.
    RequestChanges,
}

impl Verdict {
    /// The name used in JSON, SQL and the API.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A signed record of a reviewer's decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// `actv1:` + SHA-256 of canonical `{packet_id, actor, decision, reason}`: repeating an action adds nothing.
    pub idempotency_key: String,
    /// The packet.
    pub packet_id: String,
    /// The reviewer.
    pub actor: String,
    /// The token or session the reviewer came with; `None` for jobs, the command line and records from before credentials
    /// were recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The reviewer's roles that allow acting on packets.
    pub roles: Vec<Role>,
    /// The decision.
    pub decision: Verdict,
    /// The reason; required to reject or ask for changes.
    pub reason: Option<String>,
    /// When the reviewer decided.
    pub at: Timestamp,
    /// When the approval expires.
    pub expires_at: Timestamp,
    /// Name of the key that signed.
    pub key_id: String,
    /// HMAC-SHA256 over the canonical JSON of everything above.
    pub signature: String,
}

/// Why a stored action does not count: the record was changed in the database, outside the program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotGenuine {
    /// The action was changed after it was signed.
    #[error("its signature was refused: {0}")]
    Signature(#[from] SignatureError),
    /// The action was signed for another packet.
    #[error("it was signed for another packet")]
    OtherPacket,
    /// The action was signed for an earlier submission of the same content, which has been voided since.
    #[error("it was signed before this packet was built")]
    Earlier,
}

impl Action {
    /// Whether this stored action is a genuine action on the packet with this id, built at `built_at`. Content that is
    /// submitted again has the same packet id, so actions from before the packet was built do not count.
    ///
    /// # Errors
    /// [`NotGenuine`] gives the reason.
    pub fn check(&self, packet_id: &str, built_at: Timestamp, keys: &KeyRing) -> Result<(), NotGenuine> {
        verify(keys, self)?;
        signed_for((&self.packet_id, self.at), (packet_id, built_at))
    }
}

/// Checks that a record signed for one packet at some time is about this packet, which was built at its time.
pub(super) fn signed_for(record: (&str, Timestamp), packet: (&str, Timestamp)) -> Result<(), NotGenuine> {
    if record.0 != packet.0 {
        return Err(NotGenuine::OtherPacket);
    }
    if record.1 < packet.1 {
        return Err(NotGenuine::Earlier);
    }
    Ok(())
}

/// A reviewer's decision before it is signed.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    /// The packet.
    pub packet_id: &'a str,
    /// The reviewer.
    pub actor: &'a Actor,
    /// The decision.
    pub decision: Verdict,
    /// The reason.
    pub reason: Option<&'a str>,
}

/// Why a reviewer's decision was not recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActionRefused {
    /// Rejecting and asking for changes need a reason.
    #[error("say why: the author needs a reason to act on")]
    ReasonRequired,
    /// The action could not be signed.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// The signed record of `proposal`, made at `at`. The record holds those of the actor's current roles that allow acting
/// on packets.
///
/// # Errors
/// [`ActionRefused::ReasonRequired`] when a reject or request for changes has a blank reason.
pub fn record(
    proposal: &Proposal<'_>,
    at: Timestamp,
    settings: &ReviewSettings,
    keys: &KeyRing,
) -> Result<Action, ActionRefused> {
    let reason = proposal.reason.map(str::trim).filter(|reason| !reason.is_empty()).map(str::to_owned);
    if reason.is_none() && proposal.decision != Verdict::Approve {
        return Err(ActionRefused::ReasonRequired);
    }
    let allowed = Permission::ActOnPackets.roles();
    let mut action = Action {
        idempotency_key: idempotency_key(
            proposal.packet_id,
            &proposal.actor.name,
            proposal.decision,
            reason.as_deref(),
        )?,
        packet_id: proposal.packet_id.to_owned(),
        actor: proposal.actor.name.clone(),
        credential: proposal.actor.credential(),
        roles: proposal.actor.roles.iter().copied().filter(|role| allowed.contains(role)).collect(),
        decision: proposal.decision,
        reason,
        at,
        expires_at: at.plus(settings.approval_lifetime()),
        key_id: String::new(),
        signature: String::new(),
    };
    sign(keys, &mut action)?;
    Ok(action)
}

/// `actv1:` + hex SHA-256 of canonical `{actor, decision, packet_id, reason}`; an absent reason is null.
///
/// # Errors
/// None in practice, because text always has a canonical form.
pub fn idempotency_key(
    packet_id: &str,
    actor: &str,
    decision: Verdict,
    reason: Option<&str>,
) -> Result<String, SignatureError> {
    let members = serde_json::json!({
        "actor": actor, "decision": decision.name(), "packet_id": packet_id, "reason": reason,
    });
    let bytes = serde_json_canonicalizer::to_vec(&members).map_err(|_| SignatureError::Malformed("reason"))?;
    Ok(format!("actv1:{}", hex::encode(Sha256::digest(bytes))))
}

impl Envelope for Action {
    const PURPOSE: Purpose = Purpose::Action;

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

    fn actor() -> Actor {
        Actor::new("cy@demo.test", [Role::Approver, Role::Viewer].into(), Via::Session)
    }

    fn keys() -> KeyRing {
        KeyRing { current: Key::new("k", "secret"), previous: Vec::new() }
    }

    fn signed_action(decision: Verdict, reason: Option<&str>) -> Result<Action, ActionRefused> {
        let actor = actor();
        let proposal = Proposal { packet_id: "pktv1:00", actor: &actor, decision, reason };
        record(&proposal, Timestamp::EPOCH, &ReviewSettings::default(), &keys())
    }

    #[test]
    fn rejections_need_a_reason_and_approvals_do_not() {
        for verdict in [Verdict::Reject, Verdict::RequestChanges] {
            assert_eq!(signed_action(verdict, None), Err(ActionRefused::ReasonRequired));
            assert_eq!(signed_action(verdict, Some(" \n")), Err(ActionRefused::ReasonRequired));
            assert!(signed_action(verdict, Some("threshold too low")).is_ok());
        }
        assert!(signed_action(Verdict::Approve, None).is_ok());
    }

    #[test]
    fn a_repeated_action_has_an_equal_key_and_a_good_signature() {
        let first = signed_action(Verdict::Approve, Some("fine")).unwrap();
        assert_eq!(first.idempotency_key, signed_action(Verdict::Approve, Some(" fine ")).unwrap().idempotency_key);
        assert_ne!(first.idempotency_key, signed_action(Verdict::Approve, None).unwrap().idempotency_key);
        assert_eq!(first.roles, [Role::Approver]);
        assert_eq!(verify(&keys(), &first), Ok(()));
        let forged = Action { actor: "eve@demo.test".into(), ..first };
        assert_eq!(verify(&keys(), &forged), Err(SignatureError::Mismatch));
    }

    #[test]
    fn a_signed_action_counts_for_its_packet_and_its_submission_only() {
        let action = signed_action(Verdict::Approve, None).unwrap();
        let later = Timestamp::EPOCH.plus(std::time::Duration::from_micros(1));
        assert_eq!(action.check("pktv1:00", Timestamp::EPOCH, &keys()), Ok(()));
        assert_eq!(action.check("pktv1:01", Timestamp::EPOCH, &keys()), Err(NotGenuine::OtherPacket));
        assert_eq!(action.check("pktv1:00", later, &keys()), Err(NotGenuine::Earlier));
        let on_other_packet = Action { packet_id: "pktv1:01".into(), ..action };
        let refused = NotGenuine::Signature(SignatureError::Mismatch);
        assert_eq!(on_other_packet.check("pktv1:01", Timestamp::EPOCH, &keys()), Err(refused));
    }
}
