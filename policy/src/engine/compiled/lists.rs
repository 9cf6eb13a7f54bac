//! The lists of all conditions; equal lists are stored once.

use std::hash::Hasher;

use super::{
    coded_test::{CodedList, CodedValue},
    short_strings::{FastHasher, FastMap},
    text_pool::Interner,
};
use crate::{bundle::Scalar, engine::Fact};

/// The number of strings per field that have a bit.
const BITS: u32 = u64::BITS;

/// Lists by number.
#[derive(Debug, Clone, Default)]
pub(super) struct Lists {
    lists: Vec<List>,
    codes: Vec<u32>,
    items: Vec<CodedValue>,
}

#[derive(Debug, Clone, Copy)]
struct List {
    /// One bit for each of the first strings of the field; for booleans, one bit each for 0 and 1.
    bits: u64,
    start: u32,
    len: u32,
    of: ListKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListKind {
    Texts,
    Flags,
    Any,
}

/// Data that is needed only while lists are added.
#[derive(Debug, Default)]
pub(super) struct ListBuilder {
    /// The number of a list, by a hash of its content.
    seen: FastMap<u64, u32>,
    codes: Vec<u32>,
}

impl Lists {
    /// Adds a list of a field, adds the strings of the list to `texts`, and returns the number of the list.
    pub(super) fn add(&mut self, list: &[Scalar], texts: &mut Interner, builder: &mut ListBuilder) -> u32 {
        builder.codes.clear();
        let strings = list.iter().map_while(|scalar| match scalar {
            Scalar::String(text) => Some(texts.intern(text)),
            _ => None,
        });
        builder.codes.extend(strings);
        let mut of = ListKind::Texts;
        if builder.codes.len() < list.len() {
            builder.codes.clear();
            of = ListKind::Flags;
            builder.codes.extend(list.iter().map_while(|scalar| match scalar {
                Scalar::Bool(flag) => Some(u32::from(*flag)),
                _ => None,
            }));
        }
        if builder.codes.len() < list.len() || list.is_empty() {
            let start = self.items.len();
            self.items.extend(list.iter().map(|scalar| match scalar {
                Scalar::Number(number) => CodedValue::Number(*number),
                Scalar::String(text) => CodedValue::Text(texts.intern(text)),
                Scalar::Bool(flag) => CodedValue::Bool(*flag),
            }));
            return self.push(0, start, list.len(), ListKind::Any);
        }
        let mut hash = FastHasher::default();
        hash.write_u64(u64::from(of == ListKind::Flags));
        builder.codes.iter().for_each(|code| hash.write_u64(u64::from(*code) + 1));
        if let Some(known) = builder.seen.get(&hash.finish())
            && self.lists.get(*known as usize).is_some_and(|list| list.of == of && self.codes(list) == builder.codes)
        {
            return *known;
        }
        let bit = |code: &u32| if *code < BITS { 1 << *code } else { 0 };
        let bits = builder.codes.iter().map(bit).fold(0_u64, |all, bit| all | bit);
        let start = self.codes.len();
        self.codes.extend_from_slice(&builder.codes);
        let number = self.push(bits, start, list.len(), of);
        builder.seen.insert(hash.finish(), number);
        number
    }

    fn push(&mut self, bits: u64, start: usize, len: usize, of: ListKind) -> u32 {
        let small = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        self.lists.push(List { bits, start: small(start), len: small(len), of });
        small(self.lists.len() - 1)
    }

    fn codes(&self, list: &List) -> &[u32] {
        let start = list.start as usize;
        self.codes.get(start..start + list.len as usize).unwrap_or_default()
    }

    /// The values of a list.
    pub(super) fn listed(&self, number: u64) -> CodedList<'_> {
        let list = usize::try_from(number).ok().and_then(|at| self.lists.get(at));
        match list {
            Some(list) if list.of == ListKind::Texts => CodedList::Texts(self.codes(list)),
            Some(list) if list.of == ListKind::Flags => CodedList::Flags(self.codes(list)),
            Some(list) => CodedList::Any(self.items(list)),
            None => CodedList::Any(&[]),
        }
    }

    fn items(&self, list: &List) -> &[CodedValue] {
        let start = list.start as usize;
        self.items.get(start..start + list.len as usize).unwrap_or_default()
    }

    /// Whether a list contains a value; `None` when the list has no value of that type. `text` looks up the number of a
    /// string.
    pub(super) fn has(&self, number: u64, fact: Fact<'_>, text: impl Fn(&str) -> Option<u32>) -> Option<bool> {
        let list = self.lists.get(usize::try_from(number).ok()?)?;
        match (list.of, fact) {
            (ListKind::Texts, Fact::Text(found)) => Some(text(found).is_some_and(|code| {
                if code < BITS { (list.bits >> code) & 1 == 1 } else { self.codes(list).contains(&code) }
            })),
            (ListKind::Flags, Fact::Bool(flag)) => Some((list.bits >> u32::from(flag)) & 1 == 1),
            (ListKind::Any, _) => self.any_has(list, fact, text),
            _ => None,
        }
    }

    fn any_has(&self, list: &List, fact: Fact<'_>, text: impl Fn(&str) -> Option<u32>) -> Option<bool> {
        let found = match fact {
            Fact::Text(found) => text(found),
            _ => None,
        };
        let mut comparable = false;
        for item in self.items(list) {
            let same = match (item, fact) {
                (CodedValue::Number(wanted), Fact::Number(number)) => *wanted == number,
                (CodedValue::Text(wanted), Fact::Text(_)) => Some(*wanted) == found,
                (CodedValue::Bool(wanted), Fact::Bool(flag)) => *wanted == flag,
                _ => continue,
            };
            if same {
                return Some(true);
            }
            comparable = true;
        }
        comparable.then_some(false)
    }

    pub(super) fn shrink(&mut self) {
        self.lists.shrink_to_fit();
        self.codes.shrink_to_fit();
        self.items.shrink_to_fit();
    }
}
