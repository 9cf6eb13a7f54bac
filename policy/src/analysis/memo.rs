//! What was found before, so that an edit looks again only at what it can affect.
//!
//! An input that shows something goes on showing it until an edited rule decides that very input. A proof holds until one
//! of its rules is gone. Neither depends on anything else, because rules that stay keep their order among each other.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    hash::Hash,
    sync::Arc,
};

use super::{
    atlas::{self, Atlas, Edit, Key, Slice, decides, overlap},
    questions::Answer,
};
use crate::{
    bundle::{Bundle, Effect, Rule},
    engine::Input,
};

/// Answers, by what they are about. What was undecided is not kept: another time there may be more budget.
#[derive(Debug, Default)]
pub struct Memo {
    default: Option<Effect>,
    reached: HashMap<Key, Answer>,
    matters: HashMap<Key, Answer>,
    meetings: BTreeMap<(Key, Key), Answer>,
    gaps: HashMap<Arc<str>, HashMap<Arc<str>, Answer>>,
    /// Rules whose partners have not been looked for.
    unpaired: Vec<Key>,
}

impl Memo {
    /// Whether what is remembered can be kept for `bundle` at all.
    pub fn continues(&self, bundle: &Bundle) -> bool {
        self.default.is_none_or(|default| default == bundle.default_effect)
    }

    /// Forgets what an edit may have changed. The atlas is that after it; the rules that are gone come along.
    pub fn forget(&mut self, atlas: &Atlas, edit: &Edit, default: Effect) {
        self.default = Some(default);
        let added: Vec<&atlas::Entry> = edit.added.iter().filter_map(|key| atlas.entry(*key)).collect();
        if added.is_empty() && edit.gone.is_empty() {
            return;
        }
        let taken = |input: &Input, rank: usize| added.iter().any(|new| new.rank < rank && decides(&new.rule, input));
        let touched = |rule: &Rule| {
            let gone = edit.gone.values();
            gone.chain(added.iter().map(|new| &new.rule)).any(|other| overlap(rule, other))
        };
        let stands = |proof: &[Key]| !proof.iter().any(|key| edit.gone.contains_key(key));
        self.reached.retain(|key, answer| {
            atlas.entry(*key).is_some_and(|entry| match answer {
                Answer::Shown(input) => !taken(input, entry.rank),
                // A rule that comes before it may be part of what covers it best.
                Answer::Never(cover) => {
                    stands(cover) && !added.iter().any(|new| new.rank < entry.rank && new.may_take(entry))
                }
                Answer::Undecided => false,
            })
        });
        self.matters.retain(|key, answer| {
            atlas.entry(*key).is_some_and(|entry| match answer {
                Answer::Shown(input) => {
                    let mut edited = edit.gone.values().chain(added.iter().map(|new| &new.rule));
                    !edited.any(|other| decides(other, input))
                }
                Answer::Never(_) => !touched(&entry.rule),
                Answer::Undecided => false,
            })
        });
        self.unpaired.retain(|key| atlas.entry(*key).is_some());
        self.meetings.retain(|(first, second), _| atlas.entry(*first).is_some() && atlas.entry(*second).is_some());
        for ((first, _), answer) in &mut self.meetings {
            let stays = match &answer {
                Answer::Shown(input) => atlas.entry(*first).is_some_and(|first| !taken(input, first.rank)),
                Answer::Never(proof) => stands(proof),
                Answer::Undecided => true,
            };
            if !stays {
                *answer = Answer::Undecided;
            }
        }
        for answers in self.gaps.values_mut() {
            answers.retain(|_, answer| match answer {
                Answer::Shown(input) => !taken(input, usize::MAX),
                Answer::Never(proof) => stands(proof),
                Answer::Undecided => false,
            });
        }
    }

    /// Whether the rule is reached.
    pub fn reached(&mut self, key: Key, ask: impl FnOnce() -> Answer) -> &Answer {
        known(&mut self.reached, key, ask)
    }

    /// Whether the rule matters.
    pub fn matters(&mut self, key: Key, ask: impl FnOnce() -> Answer) -> &Answer {
        known(&mut self.matters, key, ask)
    }

    /// Whether the slice has a gap.
    pub fn gap(&mut self, slice: &Slice, ask: impl FnOnce() -> Answer) -> &Answer {
        let actions = self.gaps.entry(Arc::clone(&slice.pair.agent)).or_default();
        known(actions, Arc::clone(&slice.pair.action), ask)
    }

    /// The pairs that have no answer, by rank.
    pub fn open_pairs<'a>(&'a self, atlas: &'a Atlas) -> impl Iterator<Item = (usize, usize)> + 'a {
        self.meetings(atlas).filter(|(.., answer)| matches!(answer, Answer::Undecided)).map(|(one, two, _)| (one, two))
    }

    /// Every pair that was looked at, by rank.
    pub fn meetings<'a>(&'a self, atlas: &'a Atlas) -> impl Iterator<Item = (usize, usize, &'a Answer)> + 'a {
        let rank = |key: Key| atlas.entry(key).map(|entry| entry.rank);
        self.meetings.iter().filter_map(move |((one, two), answer)| Some((rank(*one)?, rank(*two)?, answer)))
    }

    /// Keeps what was found about a pair.
    pub fn keep_meeting(&mut self, pair: (Key, Key), answer: Answer) {
        self.meetings.insert(pair, answer);
    }

    /// Notes that the partners of a rule have not been looked for.
    pub fn unpaired(&mut self, key: Key) {
        self.unpaired.push(key);
    }

    /// The rules whose partners have not been looked for.
    pub fn take_unpaired(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.unpaired)
    }
}

fn known<K: Eq + Hash>(answers: &mut HashMap<K, Answer>, about: K, ask: impl FnOnce() -> Answer) -> &Answer {
    match answers.entry(about) {
        Entry::Occupied(known) if matches!(known.get(), Answer::Undecided) => {
            let known = known.into_mut();
            *known = ask();
            known
        }
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(unknown) => unknown.insert(ask()),
    }
}
