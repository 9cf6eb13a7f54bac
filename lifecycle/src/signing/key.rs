//! A secret with its public name, and the keys that are derived from it.

use std::{fmt, sync::Arc};

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use policy::Timestamp;
use sha2::Sha256;

use super::Purpose;

/// What the fingerprint of a secret is computed over. Part of the format: databases keep fingerprints.
const FINGERPRINT_OF: &[u8] = b"countersign key fingerprint";

/// Digits of a fingerprint.
const FINGERPRINT_DIGITS: usize = 32;

/// Digits of the fingerprint that become part of a key's id.
const ID_DIGITS: usize = 12;

/// A secret with its public name. The secret is never printed, not even by `Debug`.
#[derive(Clone)]
pub struct Key {
    /// The public name; a signed envelope names its key.
    pub id: String,
    secret: Vec<u8>,
    /// Whether the id is a guess: another secret may have had this name.
    guessed: bool,
    scope: Option<Arc<Scope>>,
}

/// The keys derived from a secret for one workspace.
struct Scope {
    workspace: String,
    /// In the order of [`Purpose::DERIVED`].
    derived: [[u8; 32]; Purpose::DERIVED.len()],
    /// Records made until then may be signed with the secret itself; `None` where there never were such records.
    undivided_until: Option<Timestamp>,
    standing: Membership,
}

/// What a workspace knows about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Membership {
    /// Nothing is known about its keys: every key counts.
    Unlisted,
    /// It is one of the workspace's, for what was made until then; `None` for ever.
    Listed(Option<Timestamp>),
    /// It is none of the workspace's: exports, and what was made before keys were derived, may be signed with it.
    Foreign,
}

impl Key {
    /// The shortest secret, in bytes, that a key may sign with: a shorter one can be guessed.
    pub const MIN_SECRET_BYTES: usize = 32;

    /// A key called `id`.
    pub fn new(id: impl Into<String>, secret: impl Into<Vec<u8>>) -> Self {
        Self { id: id.into(), secret: secret.into(), guessed: false, scope: None }
    }

    /// A key that may have been called `id`: whatever carries this name and was not signed with it is signed with a key
    /// that is not known.
    pub fn guessed(id: impl Into<String>, secret: impl Into<Vec<u8>>) -> Self {
        Self { guessed: true, ..Self::new(id, secret) }
    }

    /// Whether the id is a guess: see [`Self::guessed`].
    pub const fn is_guessed(&self) -> bool {
        self.guessed
    }

    /// The same key, whose id is known to be right.
    #[must_use]
    pub(super) fn confirmed(self) -> Self {
        Self { guessed: false, ..self }
    }

    /// A key that is named by its own fingerprint.
    pub fn named_by_fingerprint(secret: impl Into<Vec<u8>>) -> Self {
        let unnamed = Self::new("", secret);
        let digits: String = unnamed.fingerprint().chars().take(ID_DIGITS).collect();
        Self { id: format!("key-{digits}"), ..unnamed }
    }

    /// Tells secrets apart without revealing them: two keys with equal fingerprints have the same secret.
    pub fn fingerprint(&self) -> String {
        let code = mac(&self.secret).chain_update(FINGERPRINT_OF).finalize().into_bytes();
        hex::encode(code).chars().take(FINGERPRINT_DIGITS).collect()
    }

    /// The secret, for deriving keys.
    pub(super) fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// The length of the secret in bytes.
    pub fn secret_bytes(&self) -> usize {
        self.secret.len()
    }

    /// The workspace whose records the key signs; `None` for a key that was not bound to one.
    pub(super) fn workspace(&self) -> Option<&str> {
        self.scope.as_ref().map(|scope| scope.workspace.as_str())
    }

    /// The same key for the records of `workspace`: it signs with keys derived for that workspace. What was signed with
    /// the secret itself counts if it was made until `undivided_until`.
    #[must_use]
    pub(super) fn bound_to(&self, workspace: &str, undivided_until: Option<Timestamp>, standing: Membership) -> Self {
        let hkdf = Hkdf::<Sha256>::new(Some(workspace.as_bytes()), &self.secret);
        let derived = Purpose::DERIVED.map(|purpose| {
            let mut key = [0; 32];
            // Fails only for keys longer than 8,160 bytes; the key would then sign nothing that verifies elsewhere.
            if hkdf.expand(purpose.info().as_bytes(), &mut key).is_err() {
                key = [0; 32];
            }
            key
        });
        Self {
            scope: Some(Arc::new(Scope { workspace: workspace.to_owned(), derived, undivided_until, standing })),
            ..self.clone()
        }
    }

    /// HMAC-SHA256 of the concatenated `parts`, for `purpose`.
    pub fn authenticate(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let own = self.own(purpose);
        parts.iter().fold(mac(own), |mac, part| mac.chain_update(part)).finalize().into_bytes().into()
    }

    /// Whether `code` is the result of [`Self::authenticate`], or was made with the secret itself at a time when that
    /// was the rule; `made_at` is part of what was authenticated. Compared in constant time.
    pub fn authenticates(
        &self,
        purpose: Purpose,
        made_at: Option<Timestamp>,
        parts: &[&[u8]],
        code: &[u8; 32],
    ) -> bool {
        let matches = |secret: &[u8]| {
            parts.iter().fold(mac(secret), |mac, part| mac.chain_update(part)).verify_slice(code).is_ok()
        };
        let own = match self.standing(purpose) {
            Membership::Unlisted | Membership::Listed(None) => true,
            Membership::Listed(Some(until)) => made_at.is_some_and(|at| at <= until),
            Membership::Foreign => false,
        };
        (own && matches(self.own(purpose))) || (self.was_undivided(purpose, made_at) && matches(&self.secret))
    }

    /// Whether the public half of the pair may be published: the key is the workspace's own, and long enough to sign.
    pub fn may_be_published(&self) -> bool {
        let own = self.scope.as_ref().is_some_and(|scope| matches!(scope.standing, Membership::Listed(_)));
        own && self.secret.len() >= Self::MIN_SECRET_BYTES
    }

    /// Whether what carries this key's id and was not made with it was tampered with; otherwise the key that it was made
    /// with is not known.
    pub(crate) fn speaks_for_its_name(&self, purpose: Purpose) -> bool {
        !self.guessed && self.standing(purpose) != Membership::Foreign
    }

    fn standing(&self, purpose: Purpose) -> Membership {
        match &self.scope {
            Some(scope) if purpose != Purpose::Export => scope.standing,
            _ => Membership::Unlisted,
        }
    }

    /// The secret for `purpose`.
    fn own(&self, purpose: Purpose) -> &[u8] {
        let place = Purpose::DERIVED.iter().position(|other| *other == purpose);
        match (&self.scope, place) {
            (Some(scope), Some(place)) => scope.derived.get(place).map_or(self.secret.as_slice(), <[u8; 32]>::as_slice),
            _ => &self.secret,
        }
    }

    /// Whether something made then may be signed with the secret itself, although `purpose` has a key of its own now.
    fn was_undivided(&self, purpose: Purpose, made_at: Option<Timestamp>) -> bool {
        let until = self.scope.as_ref().and_then(|scope| scope.undivided_until);
        purpose != Purpose::Export && until.is_some_and(|until| made_at.is_some_and(|at| at <= until))
    }
}

/// HMAC accepts keys of any length: longer ones are hashed, shorter ones padded.
fn mac(secret: &[u8]) -> Hmac<Sha256> {
    match Hmac::<Sha256>::new_from_slice(secret) {
        Ok(mac) => mac,
        // Unreachable by HMAC's definition; an all-zero key never equals a configured one.
        Err(_) => Hmac::<Sha256>::new(&Default::default()),
    }
}

/// Keys are equal when name and secret are, whatever workspace they are used for.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.fingerprint() == other.fingerprint()
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("secret", &"[hidden]").finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_fingerprint_names_the_secret_and_not_the_id() {
        let key = Key::new("one", "secret");
        assert_eq!(key.fingerprint(), Key::new("two", "secret").fingerprint());
        assert_ne!(key.fingerprint(), Key::new("one", "Secret").fingerprint());
        let named = Key::named_by_fingerprint("secret");
        assert_eq!(named.id, format!("key-{}", &key.fingerprint()[..12]));
        assert!(!format!("{named:?}").contains("secret\""), "{named:?}");
    }

    /// The formula is part of the format, so it is written down a second time.
    #[test]
    fn keys_are_derived_with_hkdf_for_purpose_and_workspace() {
        let key = Key::new("k", "a secret").bound_to("workspace", None, Membership::Unlisted);
        let mut expected = [0; 32];
        Hkdf::<Sha256>::new(Some(b"workspace"), b"a secret").expand(b"countersign v1 action", &mut expected).unwrap();
        let by_hand = mac(&expected).chain_update(b"text").finalize().into_bytes();
        assert_eq!(key.authenticate(Purpose::Action, &[b"text"]), by_hand[..]);
        let raw = mac(b"a secret").chain_update(b"text").finalize().into_bytes();
        assert_eq!(key.authenticate(Purpose::Export, &[b"text"]), raw[..]);
    }

    const ALL: [Purpose; 13] = [
        Purpose::Export,
        Purpose::Apply,
        Purpose::Rollback,
        Purpose::Action,
        Purpose::Exception,
        Purpose::Release,
        Purpose::Drill,
        Purpose::Audit,
        Purpose::Checkpoint,
        Purpose::Grant,
        Purpose::Backup,
        Purpose::Archive,
        Purpose::Seal,
    ];

    proptest! {
        /// A code counts for its own purpose, workspace, secret and text, and for nothing else.
        #[test]
        fn a_code_counts_for_nothing_else(
            (secret, other) in ("[a-z]{1,40}", "[a-z]{1,40}"),
            (here, there) in ("[a-z]{1,8}", "[a-z]{1,8}"),
            (made, read) in (0_usize..11, 0_usize..11),
            text in "[a-z]{0,20}",
        ) {
            let (made, read) = (ALL[made], ALL[read]);
            let code = Key::new("k", secret.clone()).bound_to(&here, None, Membership::Unlisted).authenticate(made, &[text.as_bytes()]);
            let key = Key::new("k", other.clone()).bound_to(&there, None, Membership::Unlisted);
            let at = Some(Timestamp::EPOCH);
            let same_place = made == Purpose::Export || here == there;
            let expected = secret == other && made == read && same_place;
            prop_assert_eq!(key.authenticates(read, at, &[text.as_bytes()], &code), expected);
        }

        /// What was signed with the secret itself counts up to the moment from which keys are derived.
        #[test]
        fn what_was_signed_before_counts_until_then(until in 0_i64..100, at in 0_i64..100, bounded in any::<bool>()) {
            let time = Timestamp::from_unix_seconds;
            let code = Key::new("k", "secret").authenticate(Purpose::Action, &[b"x"]);
            let key = Key::new("k", "secret").bound_to("w", bounded.then(|| time(until)), Membership::Unlisted);
            let counts = key.authenticates(Purpose::Action, Some(time(at)), &[b"x"], &code);
            prop_assert_eq!(counts, bounded && at <= until);
        }

        /// A key of the workspace counts for what was made until it was replaced, and a foreign one for exports only.
        #[test]
        fn a_key_counts_as_long_as_it_was_the_workspaces(purpose in 0_usize..10, at in 0_i64..100, until in 0_i64..100) {
            let (purpose, time) = (ALL[purpose], Timestamp::from_unix_seconds);
            let bound = |standing| Key::new("k", "secret").bound_to("w", None, standing);
            let code = bound(Membership::Unlisted).authenticate(purpose, &[b"x"]);
            let counts = |standing| bound(standing).authenticates(purpose, Some(time(at)), &[b"x"], &code);
            let export = purpose == Purpose::Export;
            prop_assert!(counts(Membership::Listed(None)));
            prop_assert_eq!(counts(Membership::Listed(Some(time(until)))), export || at <= until);
            prop_assert_eq!(counts(Membership::Foreign), export);
            prop_assert_eq!(bound(Membership::Foreign).speaks_for_its_name(purpose), export);
            prop_assert!(!Key::guessed("k", "secret").speaks_for_its_name(purpose));
        }
    }
}
