//! The traffic split: which subjects a canary serves.
//!
//! A subject's bucket depends on the canary and the subject alone. So a subject stays on its arm, remains on the canary
//! as the canary's share grows, and another canary draws other subjects.

use sha2::{Digest as _, Sha256};

use crate::engine::Arm;

/// The number of buckets: the split is exact to a hundredth of a percent.
pub const BUCKETS: u64 = 10_000;

/// The first eight bytes, big-endian, of SHA-256(canary digest ‖ 0x00 ‖ subject), modulo [`BUCKETS`]. The digest is
/// hashed as text, including `sha256:`.
pub fn bucket(canary_digest: &str, subject: &str) -> u64 {
    let hash = Sha256::new().chain_update(canary_digest).chain_update([0]).chain_update(subject).finalize();
    hash.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte)) % BUCKETS
}

/// The arm that serves `subject` while a canary has `percent` of the traffic.
pub fn arm(canary_digest: &str, subject: &str, percent: i16) -> Arm {
    let share = u64::try_from(percent).unwrap_or(0) * (BUCKETS / 100);
    if bucket(canary_digest, subject) < share { Arm::Canary } else { Arm::Stable }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DIGEST: &str = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    #[test]
    fn the_formula_is_the_published_one() {
        // printf 'sha256:…\0user-1' | sha256sum, first 16 hex digits modulo 10000.
        let hash = Sha256::digest([DIGEST.as_bytes(), &[0], b"user-1"].concat());
        let first = u64::from_be_bytes(hash[..8].try_into().unwrap());
        assert_eq!(bucket(DIGEST, "user-1"), first % 10_000);
    }

    #[test]
    fn shares_are_what_they_say() {
        for (percent, low, high) in [(0, 0, 0), (10, 1820, 2180), (50, 9700, 10300), (100, 20_000, 20_000)] {
            let canary = (0..20_000).filter(|i| arm(DIGEST, &format!("s-{i}"), percent) == Arm::Canary).count();
            assert!((low..=high).contains(&canary), "{percent} %: {canary} of 20000");
        }
    }

    proptest! {
        #[test]
        fn a_subject_stays_on_its_arm_and_on_the_canary_as_it_grows(subject in ".{0,40}", a in 0_i16..=100, b in 0_i16..=100) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert_eq!(arm(DIGEST, &subject, low), arm(DIGEST, &subject, low));
            if arm(DIGEST, &subject, low) == Arm::Canary {
                prop_assert_eq!(arm(DIGEST, &subject, high), Arm::Canary);
            }
        }
    }
}
