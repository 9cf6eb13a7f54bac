//! Round trips through the file format, and the refusal of anything that is not a corpus.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::{
    Timestamp,
    bundle::Effect,
    engine::{arbitrary, condition::lookup},
    random::Random,
    replay::{Case, Outcome, OutcomeStatus, corpus::CorpusCase},
};

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        (-3_i32..4).prop_map(|number| json!(f64::from(number) / 2.0)),
        ".{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[ab.]{0,2}", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn context() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("[abc.]{0,2}", json_value(), 0..5).prop_map(|members| members.into_iter().collect())
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let number = || prop::option::of((-5_i32..50).prop_map(|number| f64::from(number) / 4.0));
    (any::<bool>(), number(), number(), prop::option::of(any::<bool>()), number(), prop::option::of(".{0,4}")).prop_map(
        |(ok, cost, margin_bps, success, latency_ms, note)| Outcome {
            status: if ok { OutcomeStatus::Ok } else { OutcomeStatus::Error },
            cost,
            margin_bps,
            success,
            latency_ms,
            note,
        },
    )
}

pub fn recorded() -> impl Strategy<Value = CorpusCase> {
    let effect = || prop::option::of(prop::sample::select(Effect::ALL.to_vec()));
    let time = prop::option::of((0_i64..4_000_000_000).prop_map(Timestamp::from_unix_seconds));
    ("[a-z]{1,2}", "[a-z]{1,2}", context(), effect(), effect(), time, prop::option::of(outcome())).prop_map(
        |(agent, action, context, expected_effect, effect, decided_at, outcome)| CorpusCase {
            subject: None,
            case: Case { case_id: format!("{agent}-{action}"), agent, action, context, expected_effect },
            decided_at,
            effect,
            outcome,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_corpus_survives_being_written_and_read(cases in prop::collection::vec(recorded(), 0..30)) {
        let columnar = Columnar::of_recorded(Dataset::Recorded, &cases).unwrap();
        let bytes = columnar.encode().unwrap();
        let read = Columnar::decode(&bytes).unwrap();
        prop_assert_eq!(&read, &columnar);
        prop_assert_eq!(read.encode().unwrap(), bytes);
        let back: Vec<CorpusCase> = (0..read.len()).map(|row| read.recorded(row)).collect();
        prop_assert_eq!(&back, &cases);
        let times = || cases.iter().filter_map(|case| case.decided_at);
        prop_assert_eq!(read.window(), times().min().zip(times().max()));
    }

    #[test]
    fn changed_bytes_are_refused_or_read_without_harm(
        cases in prop::collection::vec(recorded(), 0..8), seed in any::<u64>(),
    ) {
        let bytes = Columnar::of_recorded(Dataset::Recorded, &cases).unwrap().encode().unwrap();
        let mut random = Random::new(seed);
        for _ in 0..60 {
            let mut broken = bytes.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(broken.len());
                match random.below(4) {
                    0 => broken.truncate(at),
                    1 => broken.insert(at, random.bits().to_le_bytes()[0]),
                    _ => if let Some(byte) = broken.get_mut(at) { *byte = random.bits().to_le_bytes()[0] },
                }
            }
            if broken == bytes { continue; }
            prop_assert!(Columnar::decode(&broken).is_err());
            // The digest and the length are corrected, so that the checks after them are reached.
            if broken.len() >= 60 {
                let body = (broken.len() - 60) as u64;
                broken[20..28].copy_from_slice(&body.to_le_bytes());
                let digest = super::format::digest(&broken);
                broken[28..60].copy_from_slice(&digest);
                if let Ok(read) = Columnar::decode(&broken) {
                    prop_assert_eq!(read.encode().unwrap(), broken);
                    let rows = read.cases().count();
                    prop_assert_eq!(rows, read.len());
                }
            }
        }
    }
}

#[test]
fn hostile_headers_are_refused_by_kind() {
    let bytes = Columnar::of_cases(Dataset::Custom, []).unwrap().encode().unwrap();
    assert_eq!(Columnar::decode(b""), Err(CorpusError::NotACorpus));
    assert_eq!(Columnar::decode(b"PK\x03\x04 something else"), Err(CorpusError::NotACorpus));
    assert_eq!(Columnar::decode(&bytes[..40]), Err(CorpusError::Truncated(40)));
    let with = |at: usize, value: &[u8]| {
        let mut changed = bytes.clone();
        changed[at..at + value.len()].copy_from_slice(value);
        Columnar::decode(&changed)
    };
    assert_eq!(with(8, &[7, 0]), Err(CorpusError::Version(7)));
    assert_eq!(with(12, &u32::MAX.to_le_bytes()), Err(CorpusError::TooLarge { name: "rows", limit: MAX_ROWS }));
    assert_eq!(with(16, &u32::MAX.to_le_bytes()), Err(CorpusError::TooLarge { name: "fields", limit: MAX_COLUMNS }));
    assert_eq!(with(20, &900_u64.to_le_bytes()), Err(CorpusError::Truncated(bytes.len())));
    assert_eq!(with(30, &[1, 2, 3]), Err(CorpusError::DigestMismatch));
}

#[test]
fn a_corpus_is_small_and_its_limits_are_named() {
    let mut random = Random::new(7);
    let cases: Vec<Case> = (0..2_000)
        .map(|number| {
            let input = arbitrary::quick_input(&mut random);
            let case_id = number.to_string();
            Case { case_id, agent: input.agent, action: input.action, context: input.context, expected_effect: None }
        })
        .collect();
    let mut builder = Builder::new(Dataset::Synthetic).without_ids();
    cases.iter().for_each(|case| builder.add(case).unwrap());
    let columnar = builder.finish().unwrap();
    assert!(columnar.encode().unwrap().len() < 2_000 * 12);
    assert!(columnar.cases().zip(&cases).all(|(read, case)| read.input() == case.input()));
    let path = "sender.domain";
    assert!(cases.iter().any(|case| lookup(&case.context, path).is_some()));

    let wide: Map<String, Value> = (0..=MAX_COLUMNS).map(|n| (format!("f{n}"), Value::from(n))).collect();
    let case = Case { context: wide, ..cases[0].clone() };
    let refused = Columnar::of_cases(Dataset::Custom, [&case]).unwrap_err();
    assert_eq!(refused.to_string(), "the corpus has too many fields: the limit is 4096");
}
