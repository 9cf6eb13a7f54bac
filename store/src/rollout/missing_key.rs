//! What cannot be proven because a key is missing: that says nothing about who changed what.

use lifecycle::{
    authority::{Actor, Permission, Role, Via, authorize},
    incident::{
        Severity,
        draft::{ACKNOWLEDGE_WITHIN, INVESTIGATE_WITHIN},
    },
};

use crate::{
    Result, Store,
    incidents::{self, MISSING_KEY_SOURCE},
    work::Work,
};

/// Something that only a missing key would prove.
pub(super) struct Unverified {
    title: String,
    key_id: String,
}

/// A bundle in service.
pub(super) fn of_bundle(version: &str, key_id: &str) -> Unverified {
    let title = format!("{version} is served, and the key `{key_id}` that proves it is missing here");
    Unverified { title, key_id: key_id.to_owned() }
}

/// The changes of a transaction.
pub(super) fn of_changes(xid: &str, key_id: &str) -> Unverified {
    let title = format!("The entry about transaction {xid} cannot be verified: the key `{key_id}` is missing here");
    Unverified { title, key_id: key_id.to_owned() }
}

/// Opens the incident about it, unless there is one.
pub(super) async fn report(store: &Store, what: &Unverified) -> Result<()> {
    let Unverified { title, key_id } = what;
    let system = Actor::new("system", [Role::SafetyOwner].into(), Via::Job);
    let mut work = Work::begin_serving(store, authorize(&system, Permission::HandleIncidents)?).await?;
    if incidents::opened_by_system(&mut work, MISSING_KEY_SOURCE, title).await? {
        return Ok(());
    }
    tracing::warn!(key_id, title, "a key is missing");
    let opening = incidents::Opening {
        title: title.clone(),
        severity: Severity::High,
        source: MISSING_KEY_SOURCE.to_owned(),
        agent: None,
        bundle: None,
        description: format!(
            "This server does not have the key `{key_id}`, so it cannot tell whether the record is genuine. Start it with \
             HMAC_PREVIOUS={key_id}:SECRET, or with the data directory that holds the key; it looks again at its start. \
             Nothing speaks for a change by hand, and nothing speaks against one until then."
        ),
        ack_due_at: work.now.plus(ACKNOWLEDGE_WITHIN),
        investigate_due_at: work.now.plus(INVESTIGATE_WITHIN),
    };
    incidents::open(&mut work, opening).await?;
    work.commit().await
}
