//! Bundles and requests from a seed: the same seed gives the same bytes on every machine.
//!
//! Rules use only what every contender can express with equal meaning: an exact agent and action or none, comparisons
//! of whole numbers (Cedar has no fractions), membership of strings, flags. Every request carries every field with its
//! right type, because engines differ in the meaning of an absent field, and guards against it would slow the peers
//! down.

pub mod model;
mod requests;
mod rules;

use policy::random::Random;
use serde::Serialize;

pub use model::{FIELDS, Field, Kind, Rule, Test, Value};
pub use requests::Request;

/// The shape of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// Many agents, strings and flags: the most common kind of policy.
    Equality,
    /// Few agents, two to four ranges of numbers per rule.
    Range,
    /// Half of the rules are for every agent; each condition holds half of the time, but all of them together almost
    /// never do.
    Adversarial,
}

impl Shape {
    /// All shapes.
    pub const ALL: [Self; 3] = [Self::Equality, Self::Range, Self::Adversarial];

    /// The name on the command line and in the results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equality => "equality",
            Self::Range => "range",
            Self::Adversarial => "adversarial",
        }
    }

    /// The shape of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.name() == name)
    }
}

/// The seed of all random numbers.
pub const SEED: u64 = 20_261_123;

/// Number of different requests that are rotated.
pub const REQUESTS: usize = 10_000;

/// Rules, requests and expected answers.
#[derive(Debug)]
pub struct Workload {
    pub shape: Shape,
    /// The rules in evaluation order: a rule's rank is its position.
    pub rules: Vec<Rule>,
    pub requests: Vec<Request>,
    /// The rank that decides each request, found by trying the rules in order.
    pub expected: Vec<Option<u32>>,
}

impl Workload {
    /// `size` rules of `shape`, `count` different requests.
    pub fn new(shape: Shape, size: usize, count: usize) -> Self {
        let mut random = Random::new(SEED ^ (size as u64) << 8 ^ shape as u64);
        let rules = rules::generate(shape, size, &mut random);
        let requests = requests::generate(shape, &rules, count, &mut random);
        let expected = requests.iter().map(|request| first(&rules, request)).collect();
        Self { shape, rules, requests, expected }
    }

    /// The share of requests that some rule decides.
    pub fn hit_rate(&self) -> f64 {
        let hits = self.expected.iter().flatten().count();
        hits as f64 / self.expected.len().max(1) as f64
    }
}

/// The oracle: the plainest way to find the deciding rule.
fn first(rules: &[Rule], request: &Request) -> Option<u32> {
    rules.iter().position(|rule| rule.matches(request)).and_then(|rank| u32::try_from(rank).ok())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        for shape in Shape::ALL {
            let [one, two] = [(), ()].map(|()| Workload::new(shape, 200, 500));
            assert_eq!(one.requests, two.requests);
            assert_eq!(one.rules, two.rules);
            let different: HashSet<&str> = one.requests.iter().map(|request| request.json.as_str()).collect();
            assert_eq!(different.len(), 500);
        }
    }

    #[test]
    fn shapes_hit_as_often_as_their_names_say() {
        for shape in Shape::ALL {
            let rate = Workload::new(shape, 1_000, 2_000).hit_rate();
            let wanted = match shape {
                Shape::Equality | Shape::Range => 0.5..1.0,
                Shape::Adversarial => 0.001..0.1,
            };
            assert!(wanted.contains(&rate), "{shape:?}: {rate}");
        }
    }
}
