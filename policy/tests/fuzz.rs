//! Broken input of every kind: nothing panics, nothing hangs, and accepted input means what it says.
//!
//! Each target starts from something valid, breaks it byte by byte and reads it. `make fuzz` runs many more rounds than
//! `make test`: `FUZZ_ROUNDS` sets the number of rounds, and `FUZZ_SEED` repeats a run (each run prints its seed).

#![expect(clippy::indexing_slicing, reason = "a test that panics has failed, which is its job")]

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
};

use policy::{
    bundle::{Condition, Source},
    engine::{Input, Prepared, Question},
    json::{self, parse, parse_object},
    lint,
    random::Random,
    replay::{Columnar, Dataset, Replay, synthetic},
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

const BUNDLE: &str = r#"{"version":"1.2.0","default_effect":"deny","on_error":"needs_approval","rules":[
 {"id":"quarantine-high-risk","agent":"inbox.triage","action":"quarantine","effect":"allow","priority":80,
  "conditions":{">=risk_score":90,"<domain_seen_days":30,"category":["phishing","malware"],"^=sender.domain":"mail."},
  "reason":"Auto-quarantine high-risk mail","budget":{"cost":0.05,"compute":1,"risk":"low"},"tags":["guardrail"]},
 {"id":"hold-the-rest","agent":"inbox.*","action":"*","effect":"needs_approval","conditions":{"?ticket":false,"!=n":[1,"1",true]},
  "reason":"A person looks at it","enabled":true,"metadata":{"a":{"b":[null,1e3]}}}],
 "schema":{"enforce":true,"agents":{"inbox.triage":{"actions":["quarantine"],"fields":{
  "risk_score":{"type":"integer","min":0,"max":100,"required":true},"category":{"type":"string","enum":["phishing","malware","spam"]}}}}}}"#;

const PIECES: [&str; 24] = [
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "NaN",
    "-0",
    "1e400",
    "1E-400",
    "00",
    "9007199254740993",
    ">=",
    "=<",
    "\u{0}",
    "é",
    "\u{10ffff}",
    ".",
    "conditions",
];

fn rounds(default: usize) -> usize {
    std::env::var("FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(default)
}

fn random(target: &str) -> Random {
    let given = std::env::var("FUZZ_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
    println!("{target}: FUZZ_SEED={seed}");
    Random::new(seed)
}

/// Breaks `bytes` in one to four places.
fn broken(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(12)).min(bytes.len());
        match random.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let again: Vec<u8> = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            3 | 4 => {
                let piece = PIECES[random.below(PIECES.len())];
                bytes.splice(at..end, piece.bytes());
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = random.bits().to_le_bytes()[0];
                }
            }
        }
    }
    bytes
}

/// The one reader: what it takes is what the JSON parser reads, without repeated members; what it refuses is refused with
/// a place inside the text, in words that a person understands.
#[test]
fn documents() {
    let mut random = random("documents");
    let utf16: Vec<u8> = BUNDLE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [b"\xef\xbb\xbf", BUNDLE.as_bytes()].concat();
    let (mut taken, mut repeated) = (0, 0);
    for round in 0..rounds(20_000) {
        let written = if round % 50 == 0 {
            &utf16
        } else if round % 7 == 0 {
            &marked
        } else {
            BUNDLE.as_bytes()
        };
        let mut bytes = broken(written, &mut random);
        if random.chance(20) {
            // A member that is written again just behind itself, or with another name in the place of its own.
            let text = String::from_utf8_lossy(&bytes).replacen("\"effect\"", "\"priority\"", random.below(3));
            bytes = text.into_bytes();
        }
        let lossy = || String::from_utf8_lossy(&bytes).into_owned();
        let plain = serde_json::from_slice::<Value>(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes));
        match parse(&bytes) {
            Ok(document) => {
                taken += 1;
                assert_eq!(document, plain.unwrap(), "{}", lossy());
                assert_eq!(parse(document.to_string().as_bytes()), Ok(document));
            }
            Err(error) => {
                let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
                let line = error.line.checked_sub(1).and_then(|line| lines.get(line));
                assert!(line.is_some_and(|line| (1..=line.len() + 1).contains(&error.column)), "{error}: {}", lossy());
                let odd = ["expected", "recursion", "EOF", "invalid type", "``", "this is not JSON"];
                assert!(!odd.iter().any(|odd| error.message.contains(odd)), "{error}: {}", lossy());
                match (&error.duplicate, json::parse_leniently(&bytes)) {
                    (Some(pointer), Ok((document, members))) => {
                        repeated += 1;
                        assert!(
                            members.pointers.iter().any(|named| *named == json::clip(pointer))
                                && document.pointer(pointer).is_some(),
                            "{error}: {}",
                            lossy()
                        );
                    }
                    (None, Ok(_)) => panic!("{error}: {}", lossy()),
                    (_, Err(_)) => assert!(plain.is_err(), "{error}: {}", lossy()),
                }
            }
        }
    }
    assert!(taken > 0 && repeated > 0);
}

#[derive(Debug, serde::Deserialize)]
struct Request {
    agent: String,
    #[serde(default)]
    limit: Option<u16>,
    #[serde(default)]
    share: f64,
    #[serde(default)]
    modes: Vec<Mode>,
    #[serde(default)]
    context: Map<String, Value>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Plain,
    Named { name: String },
}

/// A document as a type: what fits says the same as the document, every unknown member is named where it stands, and what
/// does not fit is refused with a place that the document has, or whose object it has, in words that a person understands.
#[test]
fn conversions() {
    let mut random = random("conversions");
    let valid = r#"{"agent":"inbox.triage","limit":12,"share":0.5,"modes":["plain",{"named":{"name":"a"}}],
        "context":{"n":[1,{"a":null}]}}"#;
    let known = ["agent", "limit", "share", "modes", "context"];
    let (mut fitting, mut refused, mut unknown) = (0, 0, 0);
    for _ in 0..rounds(20_000) {
        let Ok(document) = parse(&broken(valid.as_bytes(), &mut random)) else { continue };
        let converted = json::convert::<Request>(document.clone());
        for fault in &converted.unknown {
            unknown += 1;
            assert!(document.pointer(&fault.pointer).is_some(), "{fault}: {document}");
            assert!(fault.detail.starts_with("is unknown here"), "{fault}");
        }
        match converted.result {
            Ok(request) => {
                fitting += 1;
                let object = document.as_object().unwrap();
                let odd = object.keys().filter(|name| !known.contains(&name.as_str())).count();
                let named = converted.unknown.iter().filter(|fault| fault.pointer.matches('/').count() == 1).count();
                assert!(odd == named || converted.unknown.len() == json::MAX_UNKNOWN, "{document}");
                assert_eq!(object["agent"], request.agent.as_str());
                assert_eq!(object.get("share").and_then(Value::as_f64).unwrap_or_default(), request.share);
                let limit = object.get("limit").and_then(Value::as_f64);
                assert_eq!(limit, request.limit.map(f64::from), "{document}");
                let modes = object.get("modes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                assert_eq!(modes.len(), request.modes.len());
                for (written, mode) in modes.iter().zip(&request.modes) {
                    match mode {
                        Mode::Plain => assert_eq!(written, "plain"),
                        Mode::Named { name } => assert_eq!(written["named"]["name"], name.as_str()),
                    }
                }
                assert_eq!(
                    object.get("context").map_or(0, |context| context.as_object().unwrap().len()),
                    request.context.len()
                );
            }
            Err(fault) => {
                refused += 1;
                let missing = fault.detail == "is required";
                let place = if missing { fault.pointer.rsplit_once('/').unwrap().0 } else { fault.pointer.as_str() };
                assert!(document.pointer(place).is_some(), "{fault}: {document}");
                let odd = ["expected", "f64", "u16", "map", "sequence", "struct", "variant", "``"];
                let said = fault.detail.split('`').step_by(2).collect::<String>();
                assert!(!odd.iter().any(|odd| said.contains(odd)) && fault.detail.len() > 5, "{fault}: {document}");
            }
        }
    }
    assert!(fitting > 0 && refused > 0 && unknown > 0);
}

#[test]
fn conditions() {
    let mut random = random("conditions");
    let written =
        [(">=risk_score", "85"), ("category", "[\"a\",\"b\"]"), ("^=sender.domain", "\"mail.\""), ("?t", "true")];
    for _ in 0..rounds(20_000) {
        let (key, value) = written[random.below(written.len())];
        let key = String::from_utf8_lossy(&broken(key.as_bytes(), &mut random)).into_owned();
        let Ok(value) = serde_json::from_slice::<Value>(&broken(value.as_bytes(), &mut random)) else { continue };
        if let Ok(condition) = Condition::parse(&key, &value) {
            let (key, value) = condition.entry();
            assert_eq!(Condition::parse(&key, &value).unwrap(), condition, "{key} {value}");
            assert!(!condition.to_string().is_empty());
        }
    }
}

#[test]
fn bundles() {
    let mut random = random("bundles");
    let input: Input = serde_json::from_value(serde_json::json!({"agent": "inbox.triage", "action": "quarantine",
        "context": {"risk_score": 95, "domain_seen_days": 2, "category": "phishing", "sender": {"domain": "mail.x"}}}))
    .unwrap();
    let mut understood = 0;
    for _ in 0..rounds(1_500) {
        let Ok(source) = Source::parse(&broken(BUNDLE.as_bytes(), &mut random)) else { continue };
        understood += 1;
        let bundle = source.parse_rules().bundle;
        let prepared = Prepared::new(&bundle);
        let answer = prepared.decide(&input);
        assert_eq!(answer.errors.is_empty(), answer.status != policy::engine::Status::Error);
        prepared.trace(&input);
        lint::quick(&source);
        assert_eq!(Source::read(source.to_value()).unwrap().digest(), source.digest());
    }
    assert!(understood > 0);
}

#[test]
fn requests() {
    let mut random = random("requests");
    let prepared = Prepared::new(&Source::parse(BUNDLE.as_bytes()).unwrap().parse_rules().bundle);
    let valid = r#"{"agent":"inbox.triage","action":"quarantine","subject":"s-1","context":{"risk_score":95.5e0,
        "domain_seen_days": 2, "category":"phishing","sender":{"domain":"mail.x","n":[1,{"a":null}]},"n":true,
        "body":"a \"quoted\" line\n\u00e9","sender.domain":"mail."}}"#;
    let mut decoded = 0;
    for _ in 0..rounds(20_000) {
        let bytes = broken(valid.as_bytes(), &mut random);
        let tree = parse(&bytes).map_err(|malformed| malformed.to_string());
        let tree = tree.and_then(|tree| serde_json::from_value::<Input>(tree).map_err(|error| error.to_string()));
        match (prepared.decide_request(&bytes), tree) {
            // The body is out of the ordinary or wrong, and is left to the tree.
            (None, _) => {}
            (Some((request, verdict)), Ok(input)) => {
                decoded += 1;
                let text = String::from_utf8_lossy(&bytes);
                assert_eq!((request.agent, request.action), (&*input.agent, &*input.action), "{text}");
                assert_eq!(
                    serde_json::from_str::<Map<String, Value>>(request.context).unwrap(),
                    input.context,
                    "{text}"
                );
                assert_eq!(verdict, prepared.verdict((&input).into()), "{text}");
            }
            (direct, Err(error)) => panic!("{direct:?} but {error}: {}", String::from_utf8_lossy(&bytes)),
        }
    }
    assert!(decoded > 0);
}

#[test]
fn contexts() {
    let mut random = random("contexts");
    let prepared = Prepared::new(&Source::parse(BUNDLE.as_bytes()).unwrap().parse_rules().bundle);
    let (agent, action) = ("inbox.triage", "quarantine");
    let valid = r#"{"risk_score":95.5e0,"domain_seen_days": 2, "category":"phishing","sender":{"domain":"mail.x",
        "n":[1,{"a":null}]},"n":true,"body":"a \"quoted\" line\n\u00e9","sender.domain":"mail."}"#;
    let mut read = 0;
    for _ in 0..rounds(20_000) {
        let bytes = broken(valid.as_bytes(), &mut random);
        let tree = parse_object(&bytes);
        match (tree, prepared.verdict_json(agent, action, &bytes)) {
            (Ok(context), Ok(verdict)) => {
                read += 1;
                let question = Question { agent, action, context: &context };
                assert_eq!(verdict, prepared.verdict(question), "{}", String::from_utf8_lossy(&bytes));
            }
            (Err(tree), Err(direct)) => assert_eq!(tree, direct),
            (tree, direct) => panic!("{tree:?} but {direct:?}: {}", String::from_utf8_lossy(&bytes)),
        }
    }
    assert!(read > 0);
}

#[test]
fn corpora() {
    let mut random = random("corpora");
    let bundle = Source::parse(BUNDLE.as_bytes()).unwrap().parse_rules().bundle;
    let prepared = Arc::new(Prepared::new(&bundle));
    let valid = Columnar::of_cases(Dataset::Synthetic, &synthetic::cases(&bundle, 60, 1)).unwrap().encode().unwrap();
    for _ in 0..rounds(3_000) {
        let mut bytes = broken(&valid, &mut random);
        assert!(bytes == valid || Columnar::decode(&bytes).is_err());
        // With the length and the digest corrected, the reader must cope on its own.
        if bytes.len() < 60 {
            continue;
        }
        let body = (bytes.len() - 60) as u64;
        bytes[20..28].copy_from_slice(&body.to_le_bytes());
        let mut hash = Sha256::new();
        hash.update(&bytes[..28]);
        hash.update(&bytes[60..]);
        let digest = hash.finalize();
        bytes[28..60].copy_from_slice(&digest);
        let Ok(corpus) = Columnar::decode(&bytes) else { continue };
        assert_eq!(corpus.encode().unwrap(), bytes);
        let corpus = Arc::new(corpus);
        let replayed = Replay::run(Arc::clone(&prepared), Arc::clone(&corpus));
        for row in (0..corpus.len()).step_by(7) {
            let verdict = prepared.verdict((&corpus.case(row)).into());
            assert_eq!(replayed.verdict(row).unwrap(), verdict);
        }
    }
}
