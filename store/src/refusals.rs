//! Refused requests and failed sign-ins, summed in memory. A job turns the sums into audit entries every minute, so
//! that a million requests make a line a minute and not a million; `/metrics` shows the totals.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Maximum number of sources and actors that are counted apart within a minute; further ones are summed as [`OTHERS`].
const MAX_KEYS: usize = 500;
/// Maximum number of different accounts or requests named for one source or actor.
const MAX_NAMED: usize = 10;
/// Maximum characters of a name.
const MAX_CHARS: usize = 254;
/// Stands for the sources and actors that were not counted apart.
pub(crate) const OTHERS: &str = "others";

/// What was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A sign-in, summed by source; the accounts are named.
    SignIn,
    /// A request that the caller's roles do not allow, summed by actor and credential; the requests are named.
    Access,
}

/// How often a source or actor was refused, and what they tried.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub count: u64,
    pub named: Vec<String>,
}

/// What is summed: the kind, the source or actor, and the actor's credential, which is empty for sign-ins.
type Key = (Kind, String, String);

/// The sums since the last look, and the totals since the start.
#[derive(Debug, Default)]
pub struct Refusals {
    open: Mutex<BTreeMap<Key, Tally>>,
    sign_ins: AtomicU64,
    accesses: AtomicU64,
}

impl Refusals {
    /// Notes a wrong password or an unknown account.
    pub fn note_sign_in(&self, source: &str, account: &str) {
        self.sign_ins.fetch_add(1, Ordering::Relaxed);
        self.note(Kind::SignIn, source, "", &[account]);
    }

    /// Notes a sign-in that was refused before the account was looked at, because too many came from this source.
    pub fn note_throttled(&self, source: &str) {
        self.sign_ins.fetch_add(1, Ordering::Relaxed);
        self.note(Kind::SignIn, source, "", &[]);
    }

    /// Notes a request that the caller may not make, such as `POST /policy/system/pause`.
    pub fn note_access(&self, actor: &str, credential: Option<&str>, request: &str) {
        self.accesses.fetch_add(1, Ordering::Relaxed);
        self.note(Kind::Access, actor, credential.unwrap_or_default(), &[request]);
    }

    /// Failed sign-ins since the start.
    pub fn sign_ins(&self) -> u64 {
        self.sign_ins.load(Ordering::Relaxed)
    }

    /// Refused requests since the start.
    pub fn accesses(&self) -> u64 {
        self.accesses.load(Ordering::Relaxed)
    }

    /// Takes the sums; the next minute begins.
    pub(crate) fn take(&self) -> BTreeMap<Key, Tally> {
        std::mem::take(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts sums back that could not be written.
    pub(crate) fn put_back(&self, sums: BTreeMap<Key, Tally>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for ((kind, who, credential), tally) in sums {
            add(&mut open, (kind, &who, &credential), tally.count, tally.named.iter().map(String::as_str));
        }
    }

    fn note(&self, kind: Kind, who: &str, credential: &str, what: &[&str]) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let what: Vec<String> = what.iter().map(|what| cut(what)).collect();
        add(&mut open, (kind, &cut(who), credential), 1, what.iter().map(String::as_str));
    }
}

fn add<'a>(
    open: &mut BTreeMap<Key, Tally>,
    (kind, who, credential): (Kind, &str, &str),
    count: u64,
    named: impl IntoIterator<Item = &'a str>,
) {
    let key = (kind, who.to_owned(), credential.to_owned());
    let known = open.len() < MAX_KEYS || open.contains_key(&key);
    let tally = open.entry(if known { key } else { (kind, OTHERS.to_owned(), String::new()) }).or_default();
    tally.count = tally.count.saturating_add(count);
    for name in named {
        if tally.named.len() < MAX_NAMED && !tally.named.iter().any(|known| known == name) {
            tally.named.push(name.to_owned());
        }
    }
}

/// Text from outside, without control characters and not too long.
fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sums_are_by_who_and_name_what_was_tried() {
        let refusals = Refusals::default();
        for account in ["ann@x", "ann@x", "bob@x"] {
            refusals.note_sign_in("10.0.0.7", account);
        }
        refusals.note_access("vic@x", Some("token:7"), "POST /policy/drills");
        let sums = refusals.take();
        let tally = &sums[&(Kind::SignIn, "10.0.0.7".to_owned(), String::new())];
        assert_eq!((tally.count, tally.named.as_slice()), (3, &["ann@x".to_owned(), "bob@x".to_owned()][..]));
        assert!(sums.contains_key(&(Kind::Access, "vic@x".to_owned(), "token:7".to_owned())));
        assert!(refusals.take().is_empty(), "the next minute begins empty");
        refusals.put_back(sums.clone());
        refusals.note_sign_in("10.0.0.7", "cat@x");
        assert_eq!(refusals.take()[&(Kind::SignIn, "10.0.0.7".to_owned(), String::new())].count, 4);
        assert_eq!((refusals.sign_ins(), refusals.accesses()), (4, 1), "totals are never reset");
    }

    proptest! {
        #[test]
        fn sums_stay_small_and_lose_nothing(
            notes in prop::collection::vec((0..2_000_u32, ".{0,300}"), 0..1_500),
        ) {
            let refusals = Refusals::default();
            for (who, what) in &notes {
                refusals.note_access(&who.to_string(), None, what);
            }
            let sums = refusals.take();
            prop_assert!(sums.len() <= MAX_KEYS + 1);
            prop_assert_eq!(sums.values().map(|tally| tally.count).sum::<u64>(), notes.len() as u64);
            for tally in sums.values() {
                prop_assert!(tally.named.len() <= MAX_NAMED);
                prop_assert!(tally.named.iter().all(|name| name.chars().count() <= MAX_CHARS && !name.contains('\n')));
            }
        }
    }
}
