//! The group of each pair of an agent pattern and an action pattern.

use super::short_strings::FastMap;

/// A dense table may have this many places per existing pair, plus [`SMALL`].
const ROOM: usize = 8;
const SMALL: usize = 1024;
const NONE: u32 = u32::MAX;

/// A map from pairs of numbers to numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct PatternPairs {
    /// The number of actions per row of the table.
    actions: usize,
    /// A dense table; empty when most of its places would be unused.
    table: Vec<u32>,
    sparse: FastMap<(u32, u32), u32>,
}

impl PatternPairs {
    /// The map of `pairs`, whose numbers are at most `agents` and `actions`.
    pub(super) fn new(pairs: FastMap<(u32, u32), u32>, agents: u32, actions: u32) -> Self {
        let actions = actions as usize + 1;
        let places = (agents as usize + 1).saturating_mul(actions);
        if places > SMALL + ROOM * pairs.len() {
            return Self { sparse: pairs, ..Self::default() };
        }
        let mut table = vec![NONE; places];
        for ((agent, action), number) in pairs {
            if let Some(slot) = table.get_mut(agent as usize * actions + action as usize) {
                *slot = number;
            }
        }
        Self { actions, table, sparse: FastMap::default() }
    }

    /// The number of a pair.
    #[inline]
    pub(super) fn get(&self, agent: u32, action: u32) -> Option<u32> {
        if self.table.is_empty() {
            return self.sparse.get(&(agent, action)).copied();
        }
        let number = self.table.get(agent as usize * self.actions + action as usize);
        number.copied().filter(|number| *number != NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_and_a_map_know_the_same_pairs() {
        for (step, dense) in [(1, true), (7, false)] {
            let numbers = (0..40).flat_map(|agent| (0..40).map(move |action| (agent * step, action * step)));
            let pairs: FastMap<(u32, u32), u32> = numbers.filter(|(a, b)| (a + b) % (step * 3) == 0).zip(0..).collect();
            let known = pairs.clone();
            let pairs = PatternPairs::new(pairs, 39 * step, 39 * step);
            assert_eq!(pairs.table.is_empty(), !dense);
            for (agent, action) in (0..300).flat_map(|agent| (0..300).map(move |action| (agent, action))) {
                if action <= 39 * step {
                    assert_eq!(pairs.get(agent, action), known.get(&(agent, action)).copied());
                }
            }
        }
    }
}
