//! Reading a chain from its beginning, and naming the first entry that is wrong.

use policy::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Checkpoint, Seal,
    chain::{Hash, genuine},
    judge::{Suspect, read_seal, unsealed, written_as},
};
use crate::signing::{self, KeyRing, SignatureError};

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// Its content was changed after it was sealed.
    Edited,
    /// It is not there, though later ones are.
    Missing,
    /// It stands in the place of another.
    Reordered,
    /// It was put in without the key.
    Forged,
    /// It and everything after it was cut off.
    CutTail,
    /// It is sealed, but not after the entry that stands before it: what was before it was replaced.
    Replaced,
    /// It was sealed with a key that is not known here.
    UnknownKey,
    /// It has no number or half a seal.
    Malformed,
}

/// The first bad entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// Its number; of a missing one the number it had.
    pub seq: i64,
    /// What is wrong.
    pub flaw: Flaw,
    /// In a sentence.
    pub detail: String,
}

/// What a whole chain looks like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether nothing wrong was found.
    pub valid: bool,
    /// Whether hashes were computed with the keys. Without keys only numbers and links are compared, which whoever
    /// edits a file can write anew.
    pub keyed: bool,
    /// In a sentence, for a person.
    pub message: String,
    /// Entries read.
    pub entries: u64,
    /// The last sealed entry that is right; 0 for none.
    pub head_seq: i64,
    /// Its hash.
    pub head_hash: Hash,
    /// Entries at the end that wait to be sealed: changes made by SQL a moment ago.
    pub pending: u64,
    /// The first bad entry.
    pub first_bad: Option<Broken>,
    /// Checkpoints compared.
    pub checkpoints: u64,
    /// The checkpoint that reaches farthest; without one a cut tail cannot be seen.
    pub checkpoint: Option<Checkpoint>,
    /// What is wrong with checkpoints themselves.
    pub checkpoint_problems: Vec<String>,
}

/// Reads entries one after the other, in any amount.
#[derive(Debug)]
pub struct Verifier<'a> {
    keys: Option<&'a KeyRing>,
    /// By the entry they end with.
    checkpoints: Vec<Checkpoint>,
    problems: Vec<String>,
    /// How many checkpoints lie behind.
    passed: usize,
    /// Entries that are later than all before them. Clocks may step back, so this only says where a replaced end begins
    /// once a checkpoint differs.
    latest: Vec<(i64, Timestamp)>,
    entries: u64,
    next: i64,
    head_seq: i64,
    head: Hash,
    /// The first of the entries without a seal, how many, and whether any could not have come from a failover.
    waiting: Option<(i64, u64, Option<i64>)>,
    suspect: Option<Suspect>,
    broken: Option<Broken>,
}

impl<'a> Verifier<'a> {
    /// Begins. Without keys only numbers and links are compared. Checkpoints may come in any order.
    pub fn new(keys: Option<&'a KeyRing>, checkpoints: impl IntoIterator<Item = Checkpoint>) -> Self {
        let mut problems = Vec::new();
        let mut good: Vec<Checkpoint> = Vec::new();
        for checkpoint in checkpoints {
            match keys.map_or(Ok(()), |keys| signing::verify(keys, &checkpoint)) {
                Ok(()) => good.push(checkpoint),
                Err(refusal) => problems.push(refused(&checkpoint, refusal)),
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
            waiting: None,
            suspect: None,
            broken: None,
        }
    }

    /// Reads the next entry: all its members, the seal among them.
    pub fn add(&mut self, members: &Map<String, Value>) {
        self.entries += 1;
        if let Some(suspect) = self.suspect.take() {
            self.broken = self.keys.map(|keys| suspect.by_follower(keys, members));
        }
        if self.broken.is_none() {
            self.broken = self.check(members).err();
        }
    }

    /// A checkpoint that came after the entries, as in an exported file.
    pub fn add_checkpoint(&mut self, checkpoint: Checkpoint) {
        match self.keys.map_or(Ok(()), |keys| signing::verify(keys, &checkpoint)) {
            Err(refusal) => self.problems.push(refused(&checkpoint, refusal)),
            Ok(()) => {
                let differs = checkpoint.head_seq == self.head_seq && checkpoint.head_hash != self.head;
                if self.broken.is_none() && self.suspect.is_none() && differs {
                    self.broken = Some(replaced(self.head_seq, &checkpoint));
                }
                self.checkpoints.push(checkpoint);
            }
        }
    }

    /// Something is wrong with what is known about the chain, though not with an entry.
    pub fn add_problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }

    fn check(&mut self, members: &Map<String, Value>) -> Result<(), Broken> {
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
        let seal = read_seal(members).map_err(|detail| broken(seq, Flaw::Malformed, &detail))?;
        self.note_time(seq, members);
        self.next += 1;
        let Some(seal) = seal else {
            let by_sql = members.get("event_type").and_then(Value::as_str) == Some("manual_failover");
            let (first, count, alien) = self.waiting.unwrap_or((seq, 0, None));
            self.waiting = Some((first, count + 1, alien.or((!by_sql).then_some(seq))));
            return Ok(());
        };
        if let Some((first, ..)) = self.waiting {
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
        let Some(key) = keys.find(&seal.key_id) else {
            let detail = format!("is sealed with the key `{}`, which is not known here", seal.key_id);
            return Err(broken(seq, Flaw::UnknownKey, &detail));
        };
        let content = unsealed(members);
        match (follows, genuine(key, &seal, &content)) {
            (true, true) => self.accept(seq, seal.entry_hash),
            (false, true) => Err(broken(
                seq,
                Flaw::Replaced,
                "is genuine, but it was not written after the entry that stands before it",
            )),
            (follows, false) => {
                if !follows && let Some(other) = written_as(keys, &seal, &content, seq) {
                    let detail = format!("in the place of entry {seq} stands what was written as entry {other}");
                    return Err(Broken { seq, flaw: Flaw::Reordered, detail });
                }
                let event = members.get("event_type").and_then(Value::as_str).unwrap_or("?").to_owned();
                self.suspect = Some(Suspect { seq, event, seal, before: self.head });
                Ok(())
            }
        }
    }

    /// The entry is right, unless a checkpoint says that another stood here.
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

    /// The first entry that the checkpoint counts although it was written after it.
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

    /// The end of the chain is reached.
    pub fn finish(mut self) -> Verdict {
        self.checkpoints.sort_by_key(|checkpoint| (checkpoint.head_seq, checkpoint.at));
        let farthest = self.checkpoints.last().cloned();
        if let Some(suspect) = self.suspect.take() {
            self.broken = Some(suspect.by_checkpoints(&self.checkpoints));
        }
        // Entries that a failover wrote are sealed by the server within a second; others must not be there, once
        // there is a chain.
        if self.broken.is_none()
            && self.head_seq > 0
            && let Some((_, _, Some(alien))) = self.waiting
        {
            self.broken = Some(broken(alien, Flaw::Forged, "has no seal: it was inserted by SQL, without the key"));
        }
        if self.broken.is_none() {
            let uncounted = farthest.as_ref().filter(|checkpoint| checkpoint.head_seq > self.head_seq);
            self.broken = uncounted.map(|checkpoint| match self.waiting {
                Some((first, ..)) => {
                    broken(first, Flaw::Forged, "has no seal although a checkpoint counts it as sealed")
                }
                None => match self.first_after(checkpoint) {
                    Some(seq) => replaced(seq, checkpoint),
                    None => cut(self.next, checkpoint),
                },
            });
        }
        let valid = self.broken.is_none() && self.problems.is_empty();
        Verdict {
            valid,
            keyed: self.keys.is_some(),
            message: self.message(farthest.as_ref()),
            entries: self.entries,
            head_seq: self.head_seq,
            head_hash: self.head,
            pending: self.waiting.map_or(0, |(_, count, _)| count),
            checkpoints: u64::try_from(self.checkpoints.len()).unwrap_or(u64::MAX),
            checkpoint: farthest,
            first_bad: self.broken,
            checkpoint_problems: self.problems,
        }
    }

    fn message(&self, farthest: Option<&Checkpoint>) -> String {
        if let Some(broken) = &self.broken {
            return format!("The chain is broken: {}.", broken.detail);
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
        if let Some((_, pending, _)) = self.waiting {
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

fn cut(first: i64, checkpoint: &Checkpoint) -> Broken {
    let (at, count) = (checkpoint.at, checkpoint.count);
    let detail = format!("entries from {first} on were cut off: the checkpoint of {at} counted {count}");
    Broken { seq: first, flaw: Flaw::CutTail, detail }
}

fn refused(checkpoint: &Checkpoint, refusal: SignatureError) -> String {
    format!("the checkpoint of {} over {} entries was refused: {refusal}", checkpoint.at, checkpoint.count)
}
