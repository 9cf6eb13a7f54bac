//! Earlier proofs, so that after an edit only the proofs it can affect are repeated.
//!
//! A witness stays valid until an edited rule decides that very input. A proof that there is no witness stays valid
//! until one of its rules is removed. Neither depends on anything else, because unchanged rules keep their relative
//! order.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    hash::Hash,
    sync::Arc,
};

use super::{
    geometry::{self, BundleGeometry, Edit, Key, Slice, decides, scopes_overlap},
    prover::Proof,
};
use crate::{
    bundle::{Bundle, Effect, Rule},
    engine::Input,
};

/// Proofs by subject. Undecided questions are repeated, because the next analysis may have more budget.
#[derive(Debug, Default)]
pub struct ProofCache {
    default: Option<Effect>,
    reached: HashMap<Key, Proof>,
    matters: HashMap<Key, Proof>,
    overlaps: BTreeMap<(Key, Key), Proof>,
    gaps: HashMap<Arc<str>, HashMap<Arc<str>, Proof>>,
    /// Rules that have not been paired with all others yet.
    unpaired: Vec<Key>,
}

impl ProofCache {
    /// Whether the cached proofs can hold for `bundle`.
    pub fn continues(&self, bundle: &Bundle) -> bool {
        self.default.is_none_or(|default| default == bundle.default_effect)
    }

    /// Drops the proofs that an edit may have invalidated. `geometry` is the geometry after the edit.
    pub fn forget(&mut self, geometry: &BundleGeometry, edit: &Edit, default: Effect) {
        self.default = Some(default);
        let added: Vec<&geometry::Entry> = edit.added.iter().filter_map(|key| geometry.entry(*key)).collect();
        if added.is_empty() && edit.removed.is_empty() {
            return;
        }
        let taken = |input: &Input, rank: usize| added.iter().any(|new| new.rank < rank && decides(&new.rule, input));
        let touched = |rule: &Rule| {
            let removed = edit.removed.values();
            removed.chain(added.iter().map(|new| &new.rule)).any(|other| scopes_overlap(rule, other))
        };
        let stands = |proof: &[Key]| !proof.iter().any(|key| edit.removed.contains_key(key));
        self.reached.retain(|key, proof| {
            geometry.entry(*key).is_some_and(|entry| match proof {
                Proof::Witness(input) => !taken(input, entry.rank),
                // A new rule that comes before this rule may belong to a better cover.
                Proof::Never(cover) => {
                    stands(cover) && !added.iter().any(|new| new.rank < entry.rank && new.may_preempt(entry))
                }
                Proof::Undecided => false,
            })
        });
        self.matters.retain(|key, proof| {
            geometry.entry(*key).is_some_and(|entry| match proof {
                Proof::Witness(input) => {
                    let mut edited = edit.removed.values().chain(added.iter().map(|new| &new.rule));
                    !edited.any(|other| decides(other, input))
                }
                Proof::Never(_) => !touched(&entry.rule),
                Proof::Undecided => false,
            })
        });
        self.unpaired.retain(|key| geometry.entry(*key).is_some());
        self.overlaps
            .retain(|(first, second), _| geometry.entry(*first).is_some() && geometry.entry(*second).is_some());
        for ((first, _), proof) in &mut self.overlaps {
            let stays = match &proof {
                Proof::Witness(input) => geometry.entry(*first).is_some_and(|first| !taken(input, first.rank)),
                Proof::Never(proof) => stands(proof),
                Proof::Undecided => true,
            };
            if !stays {
                *proof = Proof::Undecided;
            }
        }
        for cached in self.gaps.values_mut() {
            cached.retain(|_, proof| match proof {
                Proof::Witness(input) => !taken(input, usize::MAX),
                Proof::Never(proof) => stands(proof),
                Proof::Undecided => false,
            });
        }
    }

    /// The cached or new proof of whether some input reaches the rule.
    pub fn reached(&mut self, key: Key, prove: impl FnOnce() -> Proof) -> &Proof {
        get_or_prove(&mut self.reached, key, prove)
    }

    /// The cached or new proof of whether the rule changes some answer.
    pub fn matters(&mut self, key: Key, prove: impl FnOnce() -> Proof) -> &Proof {
        get_or_prove(&mut self.matters, key, prove)
    }

    /// The cached or new proof of whether the slice has a gap.
    pub fn gap(&mut self, slice: &Slice, prove: impl FnOnce() -> Proof) -> &Proof {
        let actions = self.gaps.entry(Arc::clone(&slice.pair.agent)).or_default();
        get_or_prove(actions, Arc::clone(&slice.pair.action), prove)
    }

    /// The undecided pairs, by rank.
    pub fn open_pairs<'a>(&'a self, geometry: &'a BundleGeometry) -> impl Iterator<Item = (usize, usize)> + 'a {
        self.overlaps(geometry).filter(|(.., proof)| matches!(proof, Proof::Undecided)).map(|(one, two, _)| (one, two))
    }

    /// Every pair in the cache, by rank.
    pub fn overlaps<'a>(
        &'a self,
        geometry: &'a BundleGeometry,
    ) -> impl Iterator<Item = (usize, usize, &'a Proof)> + 'a {
        let rank = |key: Key| geometry.entry(key).map(|entry| entry.rank);
        self.overlaps.iter().filter_map(move |((one, two), proof)| Some((rank(*one)?, rank(*two)?, proof)))
    }

    /// Caches the proof about a pair of rules.
    pub fn record_overlap(&mut self, pair: (Key, Key), proof: Proof) {
        self.overlaps.insert(pair, proof);
    }

    /// Notes that a rule has not been paired with all others yet.
    pub fn mark_unpaired(&mut self, key: Key) {
        self.unpaired.push(key);
    }

    /// Takes the rules that have not been paired with all others yet.
    pub fn take_unpaired(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.unpaired)
    }
}

fn get_or_prove<K: Eq + Hash>(cached: &mut HashMap<K, Proof>, about: K, prove: impl FnOnce() -> Proof) -> &Proof {
    match cached.entry(about) {
        Entry::Occupied(known) if matches!(known.get(), Proof::Undecided) => {
            let known = known.into_mut();
            *known = prove();
            known
        }
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(unknown) => unknown.insert(prove()),
    }
}
