//! What was proven before, so that an edit re-checks only what it can affect.
//!
//! Every question of the analysis is asked inside one slice, and its answer depends on nothing but the rules of that
//! slice, in their order, and the domain declared for it. So answers are kept under a digest of just that: a rule that
//! changed changes the digests of the slices that it addresses, and of no other.

use std::{
    collections::{BTreeSet, HashMap, hash_map::DefaultHasher},
    hash::{BuildHasherDefault, Hash, Hasher},
    sync::Arc,
};

use serde_json::{Map, Value};

use super::slices::Mapped;
use crate::bundle::{Effect, Rule, Scalar, Test, schema::AgentSchema};

/// Names a content.
pub type Digest = u128;

/// Why a rule is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Question {
    /// Whether the rule at this place is reached.
    Reached(usize),
    /// Whether some answer changes without it.
    Matters(usize),
    /// Whether both match some input that reaches the first.
    Meets(usize, usize),
    /// Whether some input reaches no rule.
    Gap,
}

/// What was found. Rules are named by their place in the slice.
#[derive(Debug, Clone)]
pub enum Answer {
    /// It matches nothing there.
    Nowhere,
    /// It is covered by these.
    Covered(Arc<BTreeSet<usize>>),
    /// It is reached; it matters.
    Yes,
    /// It does not matter; they do not meet; there is no gap.
    No,
    /// They meet here; this is a gap.
    Witness(Arc<Map<String, Value>>),
}

#[derive(Debug)]
struct Kept<T> {
    value: T,
    used: u64,
}

/// Answers by question.
#[derive(Debug, Default)]
pub struct Memo {
    spaces: HashMap<Digest, Kept<Option<Arc<Mapped>>>, Digested>,
    answers: HashMap<(Digest, Question), Kept<Answer>, Digested>,
    covers: HashMap<Digest, Kept<Arc<[String]>>, Digested>,
    turn: u64,
}

impl Memo {
    /// Begins an analysis. What neither this one nor the two before it ask for is forgotten at the end of it.
    pub fn begin(&mut self) {
        self.turn += 1;
    }

    /// Ends an analysis.
    pub fn end(&mut self) {
        let oldest = self.turn.saturating_sub(2);
        self.spaces.retain(|_, kept| kept.used >= oldest);
        self.answers.retain(|_, kept| kept.used >= oldest);
        self.covers.retain(|_, kept| kept.used >= oldest);
    }

    /// The space of a slice, if it is known; the inner none is a slice that has no valid input.
    pub fn space(&mut self, slice: Digest) -> Option<Option<Arc<Mapped>>> {
        let kept = self.spaces.get_mut(&slice)?;
        kept.used = self.turn;
        Some(kept.value.clone())
    }

    /// Keeps the space of a slice.
    pub fn keep_space(&mut self, slice: Digest, space: Option<Arc<Mapped>>) {
        self.spaces.insert(slice, Kept { value: space, used: self.turn });
    }

    /// What was answered before.
    pub fn answer(&mut self, slice: Digest, question: Question) -> Option<Answer> {
        let kept = self.answers.get_mut(&(slice, question))?;
        kept.used = self.turn;
        Some(kept.value.clone())
    }

    /// Keeps an answer. What was undecided is not kept: another time there may be more budget.
    pub fn keep(&mut self, slice: Digest, question: Question, answer: Answer) {
        self.answers.insert((slice, question), Kept { value: answer, used: self.turn });
    }

    /// The minimal covering set that was found for these slices and this rule.
    pub fn cover(&mut self, about: Digest) -> Option<Arc<[String]>> {
        let kept = self.covers.get_mut(&about)?;
        kept.used = self.turn;
        Some(Arc::clone(&kept.value))
    }

    /// Keeps a minimal covering set.
    pub fn keep_cover(&mut self, about: Digest, cover: Arc<[String]>) {
        self.covers.insert(about, Kept { value: cover, used: self.turn });
    }
}

/// Finds entries by digest, which is as good as random already: there is no need to hash it well again.
type Digested = BuildHasherDefault<Fold>;

#[derive(Debug, Default)]
struct Fold(u64);

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn write_isize(&mut self, word: isize) {
        self.write_usize(word.unsigned_abs());
    }

    fn write_u128(&mut self, word: u128) {
        let [low, high] = [word, word >> 64].map(|half| u64::try_from(half & u128::from(u64::MAX)).unwrap_or_default());
        self.write_u64(low);
        self.write_u64(high);
    }
}

/// A digest of `content`: two independent hashes, so that no two contents share one in practice.
pub fn digest(content: impl Hash) -> Digest {
    let half = |salt: u64| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        content.hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// A digest of what matters about a rule inside a slice.
pub fn of_rule(rule: &Rule) -> Digest {
    digest(RuleContent(rule))
}

/// A digest of what a schema declares for an agent.
pub fn of_domain(declared: &AgentSchema) -> Digest {
    digest(format!("{declared:?}"))
}

struct RuleContent<'a>(&'a Rule);

impl Hash for RuleContent<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let rule = self.0;
        (rule.effect, rule.priority, rule.is_guardrail(), rule.conditions.len()).hash(state);
        for condition in &rule.conditions {
            condition.field.hash(state);
            condition.test.operator().hash(state);
            match &condition.test {
                Test::AtLeast(at) | Test::AtMost(at) | Test::Above(at) | Test::Below(at) => at.to_bits().hash(state),
                Test::In(list) | Test::NotIn(list) => {
                    list.len().hash(state);
                    list.iter().for_each(|scalar| match scalar {
                        Scalar::Number(number) => (0_u8, number.to_bits()).hash(state),
                        Scalar::String(text) => (1_u8, text).hash(state),
                        Scalar::Bool(flag) => (2_u8, flag).hash(state),
                    });
                }
                Test::StartsWith(prefix) => prefix.hash(state),
                Test::Present(wanted) => wanted.hash(state),
            }
        }
    }
}

/// A digest of a slice: its rules in order, its domain, and the default effect.
pub fn of_slice(rules: impl Iterator<Item = Digest>, domain: Option<Digest>, default: Effect) -> Digest {
    let rules: Vec<Digest> = rules.collect();
    digest((rules, domain, default))
}
