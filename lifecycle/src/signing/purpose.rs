//! What a signature is for. Each purpose has a key of its own, so that a signature made for one never counts for another.

/// The purpose of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A bundle as a file for another environment. Signed with the secret itself and bound to no workspace: two
    /// environments that share a secret verify each other's exports.
    Export,
    /// The record of an apply or a promotion.
    Apply,
    /// The record of a rollback.
    Rollback,
    /// A reviewer's decision on a packet.
    Action,
    /// A signature on an exception from a guardrail.
    Exception,
    /// A signature on the release of a pause, and the record of the release.
    Release,
    /// The report of a drill.
    Drill,
    /// The seal of an audit entry.
    Audit,
    /// A checkpoint of the audit chain.
    Checkpoint,
    /// A request for approval, and a person's decision about it.
    Grant,
    /// Not a signature that is shown: the arguments that an approval is bound to.
    ApprovedContext,
    /// The manifest of a backup.
    Backup,
    /// The manifest of an archived day of the decision log.
    Archive,
    /// Not a signature: the key under which secrets of others are encrypted in the database.
    Seal,
}

impl Purpose {
    /// The purposes with a derived key, in the order in which a key keeps their keys.
    pub(super) const DERIVED: [Self; 13] = [
        Self::Apply,
        Self::Rollback,
        Self::Action,
        Self::Exception,
        Self::Release,
        Self::Drill,
        Self::Audit,
        Self::Checkpoint,
        Self::Grant,
        Self::Backup,
        Self::Archive,
        Self::Seal,
        Self::ApprovedContext,
    ];

    /// What HKDF is given to make the key of this purpose. Part of the format: a change makes every signature invalid.
    pub(super) const fn info(self) -> &'static str {
        match self {
            Self::Export => "countersign v1 export",
            Self::Apply => "countersign v1 apply",
            Self::Rollback => "countersign v1 rollback",
            Self::Action => "countersign v1 action",
            Self::Exception => "countersign v1 exception",
            Self::Release => "countersign v1 release",
            Self::Drill => "countersign v1 drill",
            Self::Audit => "countersign v1 audit",
            Self::Checkpoint => "countersign v1 checkpoint",
            Self::Grant => "countersign v1 grant",
            Self::ApprovedContext => "countersign v1 approved context",
            Self::Backup => "countersign v1 backup",
            Self::Archive => "countersign v1 archive",
            Self::Seal => "countersign v1 seal",
        }
    }
}
