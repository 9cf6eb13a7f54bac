//! Reading a chain from its beginning, and naming the first entry that is wrong.

use policy::Timestamp;
use serde_json::{Map, Value};

use super::{
    Broken, Checkpoint, Flaw, Hash, Seal, Verdict,
    seal::without_seal,
    suspect::{Suspect, sealed_position},
};
use crate::signing::{self, KeyRing, SignatureError};

/// Verifies any number of entries, one after the other.
#[derive(Debug)]
pub struct Verifier<'a> {
    keys: Option<&'a KeyRing>,
    /// Sorted by the entry that each checkpoint ends with.
    checkpoints: Vec<Checkpoint>,
    problems: Vec<String>,
    /// How many checkpoints the entries read so far have passed.
    passed: usize,
    /// Entries that are later than all entries before them. Clocks may step back, so these times are only used to find
    /// where a replaced end begins, once a checkpoint differs.
    latest: Vec<(i64, Timestamp)>,
    entries: u64,
    next: i64,
    head_seq: i64,
    head: Hash,
    /// The entries without a seal, when there are any.
    unsealed: Option<Unsealed>,
    suspect: Option<Suspect>,
    /// The first entry that is sealed with an unknown key: nothing speaks against it, but it cannot be verified.
    unknown: Option<Broken>,
    broken: Option<Broken>,
}

/// Entries without a seal.
#[derive(Debug, Clone, Copy)]
struct Unsealed {
    first: i64,
    count: u64,
    /// The first unsealed entry that a failover by SQL cannot have written.
    foreign: Option<i64>,
}

impl<'a> Verifier<'a> {
    /// A verifier. Without keys only numbers and links are compared. Checkpoints may come in any order.
    pub fn new(keys: Option<&'a KeyRing>, checkpoints: impl IntoIterator<Item = Checkpoint>) -> Self {
        let mut problems = Vec::new();
        let mut good: Vec<Checkpoint> = Vec::new();
        for checkpoint in checkpoints {
            match keys.map_or(Ok(()), |keys| signing::verify(keys, &checkpoint)) {
                Ok(()) => good.push(checkpoint),
                Err(error) => problems.push(refused_checkpoint(&checkpoint, error)),
            }
        }
        good.sort_by_key(|checkpoint| (checkpoint.head_seq, checkpoint.at));
        good.dedup();
        Self {
            keys,
            checkpoints: good,
            problems,
            passed: 0,
            latest: Vec::new(),
            entries: 0,
            next: 1,
            head_seq: 0,
            head: Hash::GENESIS,
            unsealed: None,
            suspect: None,
            unknown: None,
            broken: None,
        }
    }

    /// Reads the next entry: all its members, including the seal.
    pub fn add(&mut self, members: &Map<String, Value>) {
        self.entries += 1;
        if let Some(suspect) = self.suspect.take() {
            self.broken = self.keys.map(|keys| suspect.assess_by_follower(keys, members));
        }
        if self.broken.is_none() {
            self.broken = self.check_entry(members).err();
        }
    }

    /// Reads a checkpoint that stands after the entries, as in an exported file.
    pub fn add_checkpoint(&mut self, checkpoint: Checkpoint) {
        match self.keys.map_or(Ok(()), |keys| signing::verify(keys, &checkpoint)) {
            Err(error) => self.problems.push(refused_checkpoint(&checkpoint, error)),
            Ok(()) => {
                let differs = checkpoint.head_seq == self.head_seq && checkpoint.head_hash != self.head;
                if self.broken.is_none() && self.suspect.is_none() && differs {
                    self.broken = Some(replaced(self.head_seq, &checkpoint));
                }
                self.checkpoints.push(checkpoint);
            }
        }
    }

    /// Adds a problem that is not about an entry.
    pub fn add_problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    fn check_entry(&mut self, members: &Map<String, Value>) -> Result<(), Broken> {
        let Some(seq) = members.get("seq").and_then(Value::as_i64) else {
            return Err(broken(self.next, Flaw::Malformed, "has no number"));
        };
        if seq > self.next {
            return Err(self.missing(seq));
        }
        if seq < self.next {
            let detail = format!("entry {seq} stands after entry {}: it was moved or written twice", self.next - 1);
            return Err(Broken { seq, flaw: Flaw::Reordered, detail });
        }
        let seal = Seal::read(members).map_err(|detail| broken(seq, Flaw::Malformed, &detail))?;
        self.note_time(seq, members);
        self.next += 1;
        let Some(seal) = seal else {
            let by_sql =
                matches!(members.get("event_type").and_then(Value::as_str), Some("manual_failover" | "sql_change"));
            let unsealed = self.unsealed.get_or_insert(Unsealed { first: seq, count: 0, foreign: None });
            unsealed.count += 1;
            unsealed.foreign = unsealed.foreign.or((!by_sql).then_some(seq));
            return Ok(());
        };
        if let Some(Unsealed { first, .. }) = self.unsealed {
            let detail = format!(
                "entry {first} has no seal although later ones do: it was added, or its seal taken off, by SQL"
            );
            return Err(Broken { seq: first, flaw: Flaw::Forged, detail });
        }
        self.check_seal(seq, seal, members)
    }

    fn check_seal(&mut self, seq: i64, seal: Seal, members: &Map<String, Value>) -> Result<(), Broken> {
        let follows = seal.prev_hash == self.head;
        let Some(keys) = self.keys else {
            if !follows {
                return Err(broken(seq, Flaw::Replaced, "does not follow from the entry before it"));
            }
            return self.accept(seq, seal.entry_hash);
        };
        let content = without_seal(members);
        let Some(genuine) = seal.is_genuine(keys, &content) else {
            if !follows {
                return Err(broken(seq, Flaw::Replaced, "does not follow from the entry before it"));
            }
            let detail = format!("is sealed with the key `{}`, which is not known here", seal.key_id);
            self.unknown.get_or_insert_with(|| broken(seq, Flaw::UnknownKey, &detail));
            return self.accept(seq, seal.entry_hash);
        };
        match (follows, genuine) {
            (true, true) => self.accept(seq, seal.entry_hash),
            (false, true) => Err(broken(
                seq,
                Flaw::Replaced,
                "is genuine, but it was not written after the entry that stands before it",
            )),
            (follows, false) => {
                if !follows && let Some(other) = sealed_position(keys, &seal, &content, seq) {
                    let detail = format!("in the place of entry {seq} stands what was written as entry {other}");
                    return Err(Broken { seq, flaw: Flaw::Reordered, detail });
                }
                let event = members.get("event_type").and_then(Value::as_str).unwrap_or("?").to_owned();
                self.suspect = Some(Suspect { seq, event, seal, before: self.head });
                Ok(())
            }
        }
    }

    /// Accepts the entry, unless a checkpoint states a different hash for it.
    fn accept(&mut self, seq: i64, hash: Hash) -> Result<(), Broken> {
        while let Some(checkpoint) = self.checkpoints.get(self.passed).filter(|next| next.head_seq <= seq) {
            if checkpoint.head_seq == seq && checkpoint.head_hash != hash {
                return Err(replaced(self.first_after(checkpoint).unwrap_or(seq), checkpoint));
            }
            self.passed += 1;
        }
        (self.head_seq, self.head) = (seq, hash);
        Ok(())
    }

    fn note_time(&mut self, seq: i64, members: &Map<String, Value>) {
        let at = members.get("at").and_then(Value::as_str).and_then(|at| at.parse::<Timestamp>().ok());
        if let Some(at) = at
            && self.latest.last().is_none_or(|(_, latest)| at > *latest)
        {
            self.latest.push((seq, at));
        }
    }

    /// The first entry that was written after the checkpoint although the checkpoint counts it.
    fn first_after(&self, checkpoint: &Checkpoint) -> Option<i64> {
        let place = self.latest.partition_point(|(_, at)| *at <= checkpoint.at);
        self.latest.get(place).map(|(seq, _)| *seq).filter(|seq| *seq <= checkpoint.head_seq)
    }

    fn missing(&self, found: i64) -> Broken {
        let detail = match found - self.next {
            1 => format!("entry {} is missing", self.next),
            _ => format!("entries {} to {} are missing", self.next, found - 1),
        };
        Broken { seq: self.next, flaw: Flaw::Missing, detail }
    }

    /// The verdict, after the last entry.
    pub fn finish(mut self) -> Verdict {
        self.checkpoints.sort_by_key(|checkpoint| (checkpoint.head_seq, checkpoint.at));
        let farthest = self.checkpoints.last().cloned();
        if let Some(suspect) = self.suspect.take() {
            self.broken = Some(suspect.assess_by_checkpoints(&self.checkpoints));
        }
        // The server seals the entries of a failover within a second. No other unsealed entry belongs in a chain.
        if self.broken.is_none()
            && self.head_seq > 0
            && let Some(Unsealed { foreign: Some(foreign), .. }) = self.unsealed
        {
            self.broken = Some(broken(foreign, Flaw::Forged, "has no seal: it was inserted by SQL, without the key"));
        }
        if self.broken.is_none() {
            let uncounted = farthest.as_ref().filter(|checkpoint| checkpoint.head_seq > self.head_seq);
            self.broken = uncounted.map(|checkpoint| match self.unsealed {
                Some(Unsealed { first, .. }) => {
                    broken(first, Flaw::Forged, "has no seal although a checkpoint counts it as sealed")
                }
                None => match self.first_after(checkpoint) {
                    Some(seq) => replaced(seq, checkpoint),
                    None => cut_tail(self.next, checkpoint),
                },
            });
        }
        // A real flaw matters more than a key that is missing, wherever it stands.
        if self.broken.is_none() {
            self.broken = self.unknown.take();
        }
        let valid = self.broken.is_none() && self.problems.is_empty();
        Verdict {
            valid,
            keyed: self.keys.is_some(),
            message: self.message(farthest.as_ref()),
            entries: self.entries,
            head_seq: self.head_seq,
            head_hash: self.head,
            pending: self.unsealed.map_or(0, |unsealed| unsealed.count),
            checkpoints: u64::try_from(self.checkpoints.len()).unwrap_or(u64::MAX),
            checkpoint: farthest,
            first_bad: self.broken,
            checkpoint_problems: self.problems,
        }
    }

    fn message(&self, farthest: Option<&Checkpoint>) -> String {
        match &self.broken {
            Some(Broken { flaw: Flaw::UnknownKey, detail, .. }) => {
                return format!(
                    "The chain cannot be verified: {detail}. Add that key to HMAC_PREVIOUS, then verify again."
                );
            }
            Some(broken) => return format!("The chain is broken: {}.", broken.detail),
            None => {}
        }
        if let Some(problem) = self.problems.first() {
            return format!("Every entry is right, but {problem}.");
        }
        let count = self.entries;
        let entries = if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") };
        let mut text = match self.keys {
            Some(_) => format!("The chain is whole: {entries}, each what was sealed."),
            None => format!(
                "The numbers and links of {entries} are consistent. Without the key the hashes cannot be computed, so \
                 this shows only careless changes."
            ),
        };
        if farthest.is_none() {
            text.push_str(" There is no checkpoint to show whether the end was cut off.");
        }
        if let Some(Unsealed { count: pending, .. }) = self.unsealed {
            text.push_str(&format!(" {pending} at the end wait to be sealed."));
        }
        text
    }
}

fn broken(seq: i64, flaw: Flaw, what: &str) -> Broken {
    Broken { seq, flaw, detail: format!("entry {seq} {what}") }
}

fn replaced(seq: i64, checkpoint: &Checkpoint) -> Broken {
    let detail = format!(
        "entry {seq} is not the one that stood here when the checkpoint of {} was signed: the end from there was replaced",
        checkpoint.at
    );
    Broken { seq, flaw: Flaw::Replaced, detail }
}

fn cut_tail(first: i64, checkpoint: &Checkpoint) -> Broken {
    let (at, count) = (checkpoint.at, checkpoint.count);
    let detail = format!("entries from {first} on were cut off: the checkpoint of {at} counted {count}");
    Broken { seq: first, flaw: Flaw::CutTail, detail }
}

fn refused_checkpoint(checkpoint: &Checkpoint, error: SignatureError) -> String {
    let what = if error.unknown_key().is_some() { "cannot be verified" } else { "was refused" };
    format!("the checkpoint of {} over {} entries {what}: {error}", checkpoint.at, checkpoint.count)
}
