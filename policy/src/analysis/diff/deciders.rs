//! The region of an input whose answers are known: few regions are decided by the same two rules, so that hardly any has
//! to be looked at.

use std::collections::HashMap;

use super::{Outcome, Region, SemanticDiff};
use crate::engine::Verdict;

/// The regions of a diff by the rules that decide them.
#[derive(Debug, Default)]
pub struct Deciders {
    /// By the rule before, then by the rule after; no rule is called "".
    regions: HashMap<String, HashMap<String, Vec<usize>>>,
    complete: bool,
}

impl Deciders {
    /// The regions of `diff`.
    pub fn of(diff: &SemanticDiff) -> Self {
        let mut regions: HashMap<String, HashMap<String, Vec<usize>>> = HashMap::new();
        for (number, region) in diff.regions.iter().enumerate() {
            let name = |rule: &Option<String>| rule.clone().unwrap_or_default();
            let after = regions.entry(name(&region.before_rule)).or_default();
            after.entry(name(&region.after_rule)).or_default().push(number);
        }
        Self { regions, complete: diff.complete }
    }

    /// The number of the region of `diff`, the one this was made of, that holds an input with these answers. `holds` is
    /// asked of a region only where the answers do not tell.
    pub fn locate(
        &self,
        diff: &SemanticDiff,
        before: Verdict<'_>,
        after: Verdict<'_>,
        mut holds: impl FnMut(&Region) -> bool,
    ) -> Option<usize> {
        let outcomes = (Outcome::of(&before), Outcome::of(&after));
        let here = self.regions.get(name(&before))?.get(name(&after))?;
        let mut alike = here
            .iter()
            .copied()
            .filter(|number| diff.regions.get(*number).is_some_and(|region| (region.before, region.after) == outcomes));
        let first = alike.next()?;
        let mut rest = alike.peekable();
        // The regions of a complete diff hold every input that is answered otherwise.
        if self.complete && rest.peek().is_none() {
            return Some(first);
        }
        std::iter::once(first).chain(rest).find(|number| diff.regions.get(*number).is_some_and(&mut holds))
    }
}

fn name<'a>(verdict: &Verdict<'a>) -> &'a str {
    verdict.rule.map_or("", |rule| rule.id())
}
