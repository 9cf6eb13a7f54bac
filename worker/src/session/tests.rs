use std::cell::Cell;

use policy::bundle::Effect;
use serde_json::{Map, Value, json};

use super::*;
use crate::document::Change;

thread_local! {
    static WATCH: Cell<f64> = const { Cell::new(0.0) };
}

/// A watch on which every look takes a millisecond.
fn watch() -> f64 {
    WATCH.with(|watch| {
        watch.set(watch.get() + 1.0);
        watch.get()
    })
}

fn rule(id: &str, at_least: i64, effect: &str, priority: i64) -> Map<String, Value> {
    let rule = json!({"id": id, "agent": "inbox.triage", "action": "quarantine", "effect": effect, "priority": priority,
        "reason": "the score says so", "conditions": {">=risk_score": at_least}});
    rule.as_object().cloned().unwrap_or_default()
}

fn source(rules: Vec<Map<String, Value>>) -> Source {
    Source { version: Some("1.1.0".to_owned()), rules, ..Source::default() }
}

/// Opens a session on a draft that allows from 40 where stable allows from 80.
fn open() -> (Session, Vec<Event>) {
    let mut session = Session::new(watch, Exact { at_once: 100, at_all: 100 });
    let stable = source(vec![rule("high", 80, "allow", 10)]);
    let mut told = Vec::new();
    let stable = Some(("1.0.0".to_owned(), Box::new(stable)));
    session.ask(Request::Open { stable, taken: vec![], invariants: vec![] }, None, &mut |tell| told.push(tell));
    let change = Change {
        head: Some(Box::new(source(vec![]))),
        order: Some(vec![7, 8]),
        rules: vec![(7, rule("high", 40, "allow", 10)), (8, rule("dead", 90, "deny", 1))],
    };
    session.ask(Request::Document { serial: 1, change }, None, &mut |tell| told.push(tell));
    (session, told)
}

fn cases() -> Vec<Case> {
    (0..100)
        .map(|score| Case {
            case_id: format!("case-{score}"),
            agent: "inbox.triage".to_owned(),
            action: "quarantine".to_owned(),
            context: json!({"risk_score": score}).as_object().cloned().unwrap_or_default(),
            expected_effect: (score == 50).then_some(Effect::Deny),
        })
        .collect()
}

fn run(session: &mut Session, told: &mut Vec<Event>) {
    while session.is_due() {
        session.step(&mut |tell| told.push(tell));
    }
}

fn replayed(told: &[Event]) -> Vec<(u32, &crate::Replayed)> {
    told.iter()
        .filter_map(|tell| match tell {
            Event::Replayed(serial, replayed) => Some((*serial, &**replayed)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_change_is_checked_compared_replayed_and_tested() {
    let (mut session, mut told) = open();
    let corpus = Columnar::of_cases(Dataset::Recorded, &cases()).unwrap().encode().unwrap();
    session.ask(Request::Corpus(Dataset::Recorded), Some(&corpus), &mut |tell| told.push(tell));
    session.ask(Request::Tests(cases().split_off(50)), None, &mut |tell| told.push(tell));
    session.ask(Request::Sweep(Some((7, 0))), None, &mut |tell| told.push(tell));
    run(&mut session, &mut told);

    let mut seen = BTreeSet::new();
    for tell in &told {
        match tell {
            Event::Loaded(Dataset::Recorded, 100, None) => assert!(seen.insert("loaded")),
            Event::Checked(1, checked) => {
                assert!(seen.insert("checked"));
                assert!(checked.report.all().any(|finding| finding.rule_id.as_deref() == Some("dead")));
                assert_eq!(checked.diff.as_ref().unwrap().rules_added.len(), 1);
            }
            Event::Meant(1, Some(diff), 0) => {
                assert!(seen.insert("meant"));
                assert_eq!(diff.regions.len(), 1);
            }
            Event::Covered(1, dead) => {
                assert!(seen.insert("covered"));
                assert_eq!(dead[0].covered_by, ["high"]);
            }
            Event::Tested(1, tested) => {
                assert!(seen.insert("tested"));
                assert_eq!((tested.results[0].passed, tested.rules), (Some(false), 2));
                assert_eq!(tested.untested, ["dead"]);
            }
            Event::Swept(1, curved) => {
                assert!(seen.insert("swept"));
                // As after the way through a worker.
                let json = serde_json::to_vec(tell).unwrap();
                let back: Event = serde_json::from_slice(&json).unwrap();
                let Event::Swept(_, back) = back.with_payload(&tell.payload().unwrap()) else { panic!("{tell:?}") };
                assert_eq!(back.curve, curved.curve);
                assert_eq!(back.curve.unwrap().counts(80.0), [20, 0, 80, 0]);
            }
            Event::Replayed(1, replayed) => {
                assert!(seen.insert("replayed"));
                assert_eq!((replayed.done, replayed.total, replayed.has_stable), (100, 100, true));
                assert_eq!(replayed.comparison.total_changes, 40);
                assert_eq!(replayed.regions, [40]);
                assert_eq!(replayed.hits, [(7, 60)]);
                assert_eq!(replayed.transitions.0[2][0], 40);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen.len(), 7);
}

#[test]
fn a_newer_edit_supersedes_what_is_under_way() {
    let (mut session, mut told) = open();
    session.ask(Request::Cases(Dataset::Recorded, cases()), None, &mut |tell| told.push(tell));
    // Check and meaning are told, the replay is under way.
    for _ in 0..3 {
        session.step(&mut |tell| told.push(tell));
    }
    let change = Change { rules: vec![(7, rule("high", 70, "allow", 10))], ..Change::default() };
    session.ask(Request::Document { serial: 2, change }, None, &mut |tell| told.push(tell));
    run(&mut session, &mut told);
    let replayed = replayed(&told);
    assert_eq!(replayed.len(), 1, "the older replay was given up");
    assert_eq!((replayed[0].0, replayed[0].1.comparison.total_changes), (2, 10));
}

#[test]
fn a_stopped_replay_says_how_far_it_came_and_can_begin_again() {
    let (mut session, mut told) = open();
    session.ask(Request::Cases(Dataset::Recorded, cases()), None, &mut |tell| told.push(tell));
    session.step(&mut |tell| told.push(tell));
    session.step(&mut |tell| told.push(tell));
    session.ask(Request::Stop, None, &mut |tell| told.push(tell));
    run(&mut session, &mut told);
    assert_eq!(replayed(&told).last().map(|(_, replayed)| (replayed.done, replayed.total)), Some((0, 100)));
    session.ask(Request::Again, None, &mut |tell| told.push(tell));
    run(&mut session, &mut told);
    assert_eq!(replayed(&told).last().map(|(_, replayed)| replayed.done), Some(100));
}

#[test]
fn another_dataset_is_replayed_when_it_is_chosen() {
    let (mut session, mut told) = open();
    session.ask(Request::Cases(Dataset::Fixtures, cases()), None, &mut |tell| told.push(tell));
    run(&mut session, &mut told);
    assert!(replayed(&told).is_empty(), "nothing recorded is there, and fixtures are not chosen");
    session.ask(Request::Choose(Dataset::Fixtures), None, &mut |tell| told.push(tell));
    session.ask(Request::Case(103), None, &mut |tell| told.push(tell));
    run(&mut session, &mut told);
    assert_eq!(replayed(&told).len(), 1);
    let asked = told.iter().find_map(|tell| match tell {
        Event::Case(Some(input)) => Some(input.context["risk_score"].clone()),
        _ => None,
    });
    assert_eq!(asked, Some(json!(3)));
    session.ask(Request::Learn, None, &mut |tell| told.push(tell));
    assert!(matches!(told.last(), Some(Event::Learned(None, 0))), "fixtures are no traffic");
    session.ask(Request::Cases(Dataset::Recorded, cases()), None, &mut |tell| told.push(tell));
    session.ask(Request::Learn, None, &mut |tell| told.push(tell));
    let Some(Event::Learned(Some(schema), 100)) = told.last() else { panic!("{told:?}") };
    assert_eq!(schema["agents"]["inbox.triage"]["fields"]["risk_score"]["type"], "integer");
    session.ask(Request::Corpus(Dataset::Recorded), Some(b"no corpus"), &mut |tell| told.push(tell));
    assert!(matches!(told.last(), Some(Event::Refused(Dataset::Recorded, _))));
}
