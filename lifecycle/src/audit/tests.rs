use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use policy::Timestamp;

use super::*;
use crate::signing::{Key, KeyRing};

type Line = Map<String, Value>;

fn ring() -> KeyRing {
    KeyRing { current: Key::new("k2", "second secret"), previous: vec![Key::new("k1", "first secret")] }
}

fn entry(seq: i64) -> Entry {
    Entry {
        seq,
        at: Timestamp::from_unix_seconds(1_000 + seq),
        event_type: EventType::DraftEdited,
        actor: "ada@example.com".into(),
        roles: vec!["author".into()],
        via: "session".into(),
        credential: (seq % 3 == 0).then(|| "session:4".to_owned()),
        subject_type: "bundle".into(),
        subject_id: "7".into(),
        summary: format!("saved for the {seq}th time"),
        detail: json!({"version": "1.0.0", "number": 0.1, "same": seq % 2}),
        seal: None,
    }
}

/// A chain of `length` entries; the first third sealed with the older key.
fn chain(length: i64) -> (Vec<Line>, Checkpoint) {
    let keys = ring();
    let mut head = Hash::GENESIS;
    let lines = (1..=length)
        .map(|seq| {
            let key = if seq * 3 <= length { &keys.previous[0] } else { &keys.current };
            let mut entry = entry(seq);
            let seal = seal_entry(key, head, &entry);
            head = seal.entry_hash;
            entry.seal = Some(seal);
            let Value::Object(line) = serde_json::to_value(entry).unwrap() else { panic!() };
            line
        })
        .collect();
    let at = Timestamp::from_unix_seconds(1_000 + length).plus(Duration::from_millis(1));
    (lines, Checkpoint::sign(&keys, length, head, at).unwrap())
}

fn verify(lines: &[Line], checkpoint: Option<Checkpoint>) -> Verdict {
    let keys = ring();
    let mut verifier = Verifier::new(Some(&keys), checkpoint);
    lines.iter().for_each(|line| verifier.add(line));
    verifier.finish()
}

fn flaw(lines: &[Line], checkpoint: Option<Checkpoint>) -> (i64, Flaw) {
    let broken = verify(lines, checkpoint).first_bad.expect("something is wrong");
    (broken.seq, broken.flaw)
}

fn renumber(lines: &mut [Line]) {
    for (seq, line) in (1_i64..).zip(lines) {
        line.insert("seq".into(), seq.into());
    }
}

#[test]
fn a_whole_chain_verifies_across_a_change_of_keys() {
    for length in [0, 1, 2, 9] {
        let (lines, checkpoint) = chain(length);
        let verdict = verify(&lines, Some(checkpoint));
        assert!(verdict.valid, "{verdict:?}");
        assert_eq!((verdict.entries, verdict.head_seq), (length.unsigned_abs(), length));
    }
    assert!(verify(&chain(3).0, None).message.contains("no checkpoint"));
}

#[test]
fn an_entry_survives_being_written_and_read() {
    let (lines, _) = chain(2);
    let back: Entry = serde_json::from_value(Value::Object(lines[1].clone())).unwrap();
    assert_eq!(Value::Object(lines[1].clone()), serde_json::to_value(&back).unwrap());
    assert!(back.seal.is_some());
    let bare = serde_json::to_value(entry(1)).unwrap();
    assert_eq!(serde_json::from_value::<Entry>(bare).unwrap(), entry(1));
}

#[test]
fn each_kind_of_tampering_is_named() {
    let (good, checkpoint) = chain(9);
    let checkpoint = || Some(checkpoint.clone());

    let mut edited = good.clone();
    edited[4].insert("actor".into(), "mallory".into());
    assert_eq!(flaw(&edited, checkpoint()), (5, Flaw::Edited));
    let mut last_edited = good.clone();
    last_edited[8].insert("actor".into(), "mallory".into());
    assert_eq!(flaw(&last_edited, checkpoint()), (9, Flaw::Edited));

    let mut deleted = good.clone();
    deleted.remove(4);
    assert_eq!(flaw(&deleted, checkpoint()), (5, Flaw::Missing));
    renumber(&mut deleted);
    assert_eq!(flaw(&deleted, checkpoint()), (5, Flaw::Reordered));

    let mut swapped = good.clone();
    swapped.swap(3, 4);
    assert_eq!(flaw(&swapped, checkpoint()), (4, Flaw::Missing));
    renumber(&mut swapped);
    assert_eq!(flaw(&swapped, checkpoint()), (4, Flaw::Reordered));

    assert_eq!(flaw(&good[..7], checkpoint()), (8, Flaw::CutTail));

    let mut inserted = good.clone();
    let mut forged = good[4].clone();
    forged.insert("actor".into(), "mallory".into());
    forged.insert("entry_hash".into(), "ab".repeat(32).into());
    inserted.insert(4, forged.clone());
    renumber(&mut inserted);
    assert_eq!(flaw(&inserted, checkpoint()), (5, Flaw::Forged));
    let mut appended = good.clone();
    forged.insert("seq".into(), 10.into());
    forged.insert("prev_hash".into(), good[8]["entry_hash"].clone());
    appended.push(forged);
    assert_eq!(flaw(&appended, checkpoint()), (10, Flaw::Forged));

    let mut unknown = good.clone();
    unknown[2].insert("key_id".into(), "k9".into());
    assert_eq!(flaw(&unknown, checkpoint()), (3, Flaw::UnknownKey));
    let mut half = good;
    half[2].remove("prev_hash");
    assert_eq!(flaw(&half, checkpoint()), (3, Flaw::Malformed));
}

#[test]
fn a_tail_that_was_cut_and_written_anew_is_found_where_it_begins() {
    let (good, checkpoint) = chain(9);
    let mut anew = good[..6].to_vec();
    let mut head: Hash = good[5]["entry_hash"].as_str().unwrap().parse().unwrap();
    for seq in 7..=11 {
        let mut entry = entry(seq);
        entry.at = Timestamp::from_unix_seconds(9_000 + seq);
        let seal = seal_entry(&ring().current, head, &entry);
        head = seal.entry_hash;
        entry.seal = Some(seal);
        anew.push(serde_json::to_value(entry).unwrap().as_object().unwrap().clone());
    }
    assert!(verify(&anew, None).valid, "the key's holder wrote it");
    assert_eq!(flaw(&anew, Some(checkpoint.clone())), (7, Flaw::Replaced));
    assert_eq!(flaw(&anew[..8], Some(checkpoint)), (7, Flaw::Replaced));
}

#[test]
fn only_entries_of_a_failover_may_lack_a_seal() {
    let (mut lines, checkpoint) = chain(4);
    let mut failover = entry(5);
    failover.event_type = EventType::ManualFailover;
    let line = |entry: &Entry| serde_json::to_value(entry).unwrap().as_object().unwrap().clone();
    lines.push(line(&failover));
    let verdict = verify(&lines, Some(checkpoint.clone()));
    assert!(verdict.valid, "{verdict:?}");
    assert_eq!((verdict.pending, verdict.head_seq), (1, 4));
    lines.push(line(&entry(6)));
    assert_eq!(flaw(&lines, Some(checkpoint)), (6, Flaw::Forged));
}

#[test]
fn a_checkpoint_that_was_changed_is_refused() {
    let (lines, mut checkpoint) = chain(4);
    checkpoint.count = 3;
    checkpoint.head_seq = 3;
    let verdict = verify(&lines, Some(checkpoint));
    assert!(!verdict.valid);
    assert_eq!(verdict.first_bad, None);
    assert_eq!(verdict.checkpoint_problems.len(), 1, "{verdict:?}");
}

#[test]
fn without_the_key_only_links_are_compared_and_the_message_says_so() {
    let (mut lines, checkpoint) = chain(5);
    let verdict_of = |lines: &[Line]| {
        let mut verifier = Verifier::new(None, Some(checkpoint.clone()));
        lines.iter().for_each(|line| verifier.add(line));
        verifier.finish()
    };
    let verdict = verdict_of(&lines);
    assert!(verdict.valid && !verdict.keyed && verdict.message.contains("Without the key"), "{verdict:?}");
    lines.remove(2);
    assert_eq!(verdict_of(&lines).first_bad.unwrap().seq, 3);
}

/// One change made to a chain without the key.
#[derive(Debug, Clone)]
enum Mutation {
    Member(prop::sample::Index, prop::sample::Index),
    Delete(prop::sample::Index, bool),
    Swap(prop::sample::Index, prop::sample::Index, bool),
    Insert(prop::sample::Index, bool),
    Cut(prop::sample::Index),
    Repeat(prop::sample::Index, prop::sample::Index, bool),
}

fn mutations() -> impl Strategy<Value = Mutation> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), at()).prop_map(|(a, b)| Mutation::Member(a, b)),
        (at(), any::<bool>()).prop_map(|(a, b)| Mutation::Delete(a, b)),
        (at(), at(), any::<bool>()).prop_map(|(a, b, c)| Mutation::Swap(a, b, c)),
        (at(), any::<bool>()).prop_map(|(a, b)| Mutation::Insert(a, b)),
        at().prop_map(Mutation::Cut),
        (at(), at(), any::<bool>()).prop_map(|(a, b, c)| Mutation::Repeat(a, b, c)),
    ]
}

/// Applies the mutation and returns the number of the first entry that changed.
fn mutate(lines: &mut Vec<Line>, mutation: &Mutation) -> i64 {
    let length = lines.len();
    let place = |index: usize| i64::try_from(index).unwrap() + 1;
    match mutation {
        Mutation::Member(line, member) => {
            let line = line.index(length);
            let names: Vec<String> = lines[line].keys().cloned().collect();
            let name = &names[member.index(names.len())];
            let changed = match &lines[line][name] {
                Value::Number(number) => json!(number.as_i64().unwrap() + 1),
                // The changed value is still a hash, a time or a name.
                Value::String(text) if text.ends_with('Z') => json!("2030-01-01T00:00:00Z"),
                Value::String(text) if text.len() == 64 => json!("0f".repeat(32)),
                Value::String(text) => json!(format!("{text}x")),
                Value::Array(_) => json!(["admin"]),
                _ => json!({}),
            };
            lines[line].insert(name.clone(), changed);
            place(line)
        }
        Mutation::Delete(line, hide) => {
            let line = line.index(length);
            lines.remove(line);
            if *hide {
                renumber(lines);
            }
            place(line)
        }
        Mutation::Swap(a, b, hide) => {
            let (a, mut b) = (a.index(length), b.index(length));
            if a == b {
                b = (a + 1) % length;
            }
            lines.swap(a, b);
            if *hide {
                renumber(lines);
            }
            place(a.min(b))
        }
        Mutation::Insert(line, hide) => {
            let line = line.index(length + 1);
            let mut forged = serde_json::to_value(entry(place(line))).unwrap().as_object().unwrap().clone();
            let before =
                line.checked_sub(1).map_or(json!("00".repeat(32)), |before| lines[before]["entry_hash"].clone());
            forged.insert("key_id".into(), json!("k2"));
            forged.insert("prev_hash".into(), before);
            forged.insert("entry_hash".into(), json!("cd".repeat(32)));
            lines.insert(line, forged);
            if *hide {
                renumber(lines);
            }
            place(line)
        }
        Mutation::Cut(line) => {
            let line = line.index(length);
            lines.truncate(line);
            place(line)
        }
        Mutation::Repeat(from, to, hide) => {
            let (from, to) = (from.index(length), to.index(length + 1));
            let copy = lines[from].clone();
            lines.insert(to, copy);
            if *hide {
                renumber(lines);
            }
            place(if to == from { to + 1 } else { to })
        }
    }
}

proptest! {
    #[test]
    fn any_single_change_is_found(length in 2_i64..12, mutation in mutations()) {
        let (good, checkpoint) = chain(length);
        let mut lines = good.clone();
        let expected = mutate(&mut lines, &mutation);
        prop_assume!(lines != good);
        let verdict = verify(&lines, Some(checkpoint));
        prop_assert!(!verdict.valid);
        let found = verdict.first_bad.as_ref().map(|broken| broken.seq);
        prop_assert!(
            found == Some(expected) || matches!(mutation, Mutation::Member(..) | Mutation::Repeat(_, _, false) | Mutation::Insert(_, false)),
            "expected {expected}: {verdict:?}"
        );
    }
}
