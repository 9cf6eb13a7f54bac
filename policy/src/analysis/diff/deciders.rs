//! Finding the region of an input whose verdicts are known. Few regions have the same two deciding rules, so hardly any
//! region has to be searched.

use std::collections::HashMap;

use super::region::{DiffRegion, SemanticDiff};
use crate::{analysis::outcome::Outcome, engine::Verdict};

/// The regions of a diff by the rules that decide them.
#[derive(Debug, Default)]
pub struct Deciders {
    /// By the deciding rule before, then by the deciding rule after; the empty text stands for no rule.
    regions: HashMap<String, HashMap<String, Vec<usize>>>,
    complete: bool,
}

impl Deciders {
    /// The deciders of the regions of `diff`.
    pub fn of(diff: &SemanticDiff) -> Self {
        let mut regions: HashMap<String, HashMap<String, Vec<usize>>> = HashMap::new();
        for (number, region) in diff.regions.iter().enumerate() {
            let name = |rule: &Option<String>| rule.clone().unwrap_or_default();
            let after = regions.entry(name(&region.before_rule)).or_default();
            after.entry(name(&region.after_rule)).or_default().push(number);
        }
        Self { regions, complete: diff.complete }
    }

    /// The number of the region of `diff` that contains an input with these verdicts; `diff` must be the diff that
    /// these deciders were made from. `holds` is called only where the verdicts do not identify the region.
    pub fn locate(
        &self,
        diff: &SemanticDiff,
        before: Verdict<'_>,
        after: Verdict<'_>,
        mut holds: impl FnMut(&DiffRegion) -> bool,
    ) -> Option<usize> {
        let outcomes = (Outcome::of(&before), Outcome::of(&after));
        let candidates = self.regions.get(name(&before))?.get(name(&after))?;
        let mut matching = candidates
            .iter()
            .copied()
            .filter(|number| diff.regions.get(*number).is_some_and(|region| (region.before, region.after) == outcomes));
        let first = matching.next()?;
        let mut rest = matching.peekable();
        // The regions of a complete diff contain every input whose outcome differs.
        if self.complete && rest.peek().is_none() {
            return Some(first);
        }
        std::iter::once(first).chain(rest).find(|number| diff.regions.get(*number).is_some_and(&mut holds))
    }
}

fn name<'a>(verdict: &Verdict<'a>) -> &'a str {
    verdict.rule.map_or("", |rule| rule.id())
}
