use std::cell::Cell;

use policy::bundle::{Effect, Source};
use serde_json::{Map, Value, json};

use super::*;
use crate::document::Change;

thread_local! {
    static CLOCK: Cell<f64> = const { Cell::new(0.0) };
}

/// A clock that advances a millisecond at every reading.
fn clock() -> f64 {
    CLOCK.with(|clock| {
        clock.set(clock.get() + 1.0);
        clock.get()
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
    let mut session = Session::new(clock, ExactLimits { at_once: 100, at_all: 100 });
    let stable = source(vec![rule("high", 80, "allow", 10)]);
    let mut events = Vec::new();
    let stable = Some(("1.0.0".to_owned(), Box::new(stable)));
    session.handle(Request::Open { stable, taken: vec![], invariants: vec![] }, None, &mut |event| events.push(event));
    let change = Change {
        head: Some(Box::new(source(vec![]))),
        order: Some(vec![7, 8]),
        rules: vec![(7, rule("high", 40, "allow", 10)), (8, rule("dead", 90, "deny", 1))],
    };
    session.handle(Request::Document { serial: 1, change }, None, &mut |event| events.push(event));
    (session, events)
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

fn run(session: &mut Session, events: &mut Vec<Event>) {
    while session.is_due() {
        session.step(&mut |event| events.push(event));
    }
}

fn replayed(events: &[Event]) -> Vec<(u32, &crate::ReplayResult)> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Replayed(serial, replayed) => Some((*serial, &**replayed)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_change_is_checked_compared_replayed_and_tested() {
    let (mut session, mut events) = open();
    let corpus = Columnar::of_cases(Dataset::Recorded, &cases()).unwrap().encode().unwrap();
    session.handle(Request::Corpus(Dataset::Recorded), Some(&corpus), &mut |event| events.push(event));
    session.handle(Request::Tests(cases().split_off(50)), None, &mut |event| events.push(event));
    session.handle(Request::Sweep(Some((7, 0))), None, &mut |event| events.push(event));
    run(&mut session, &mut events);

    let mut seen = BTreeSet::new();
    for event in &events {
        match event {
            Event::Loaded(Dataset::Recorded, 100, None) => assert!(seen.insert("loaded")),
            Event::Checked(1, checked) => {
                assert!(seen.insert("checked"));
                assert!(checked.report.all().any(|finding| finding.rule_id.as_deref() == Some("dead")));
                assert_eq!(checked.diff.as_ref().unwrap().rules_added.len(), 1);
            }
            Event::Compared(1, Some(diff), 0) => {
                assert!(seen.insert("compared"));
                assert_eq!(diff.regions.len(), 1);
            }
            Event::Unreachable(1, dead) => {
                assert!(seen.insert("unreachable"));
                assert_eq!(dead[0].covered_by, ["high"]);
            }
            Event::Tested(1, tested) => {
                assert!(seen.insert("tested"));
                assert_eq!((tested.results[0].passed, tested.rules), (Some(false), 2));
                assert_eq!(tested.untested, ["dead"]);
            }
            Event::Swept(1, swept) => {
                assert!(seen.insert("swept"));
                // The event as it arrives from a worker: JSON and payload.
                let json = serde_json::to_vec(event).unwrap();
                let back: Event = serde_json::from_slice(&json).unwrap();
                let Event::Swept(_, back) = back.with_payload(&event.payload().unwrap()) else { panic!("{event:?}") };
                assert_eq!(back.curve, swept.curve);
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
fn a_newer_edit_supersedes_work_in_progress() {
    let (mut session, mut events) = open();
    session.handle(Request::Cases(Dataset::Recorded, cases()), None, &mut |event| events.push(event));
    // Check and comparison are done, the replay is in progress.
    for _ in 0..3 {
        session.step(&mut |event| events.push(event));
    }
    let change = Change { rules: vec![(7, rule("high", 70, "allow", 10))], ..Change::default() };
    session.handle(Request::Document { serial: 2, change }, None, &mut |event| events.push(event));
    run(&mut session, &mut events);
    let replayed = replayed(&events);
    assert_eq!(replayed.len(), 1, "the older replay was abandoned");
    assert_eq!((replayed[0].0, replayed[0].1.comparison.total_changes), (2, 10));
}

#[test]
fn a_stopped_replay_reports_how_far_it_got_and_can_restart() {
    let (mut session, mut events) = open();
    session.handle(Request::Cases(Dataset::Recorded, cases()), None, &mut |event| events.push(event));
    session.step(&mut |event| events.push(event));
    session.step(&mut |event| events.push(event));
    session.handle(Request::Stop, None, &mut |event| events.push(event));
    run(&mut session, &mut events);
    assert_eq!(replayed(&events).last().map(|(_, replayed)| (replayed.done, replayed.total)), Some((0, 100)));
    session.handle(Request::Restart, None, &mut |event| events.push(event));
    run(&mut session, &mut events);
    assert_eq!(replayed(&events).last().map(|(_, replayed)| replayed.done), Some(100));
}

#[test]
fn another_dataset_is_replayed_when_it_is_selected() {
    let (mut session, mut events) = open();
    session.handle(Request::Cases(Dataset::Fixtures, cases()), None, &mut |event| events.push(event));
    run(&mut session, &mut events);
    assert!(replayed(&events).is_empty(), "nothing recorded is loaded, and fixtures are not selected");
    session.handle(Request::Choose(Dataset::Fixtures), None, &mut |event| events.push(event));
    session.handle(Request::Case(103), None, &mut |event| events.push(event));
    run(&mut session, &mut events);
    assert_eq!(replayed(&events).len(), 1);
    let case = events.iter().find_map(|event| match event {
        Event::Case(Some(input)) => Some(input.context["risk_score"].clone()),
        _ => None,
    });
    assert_eq!(case, Some(json!(3)));
    session.handle(Request::Learn, None, &mut |event| events.push(event));
    assert!(matches!(events.last(), Some(Event::Learned(None, 0))), "fixtures are no traffic");
    session.handle(Request::Cases(Dataset::Recorded, cases()), None, &mut |event| events.push(event));
    session.handle(Request::Learn, None, &mut |event| events.push(event));
    let Some(Event::Learned(Some(schema), 100)) = events.last() else { panic!("{events:?}") };
    assert_eq!(schema["agents"]["inbox.triage"]["fields"]["risk_score"]["type"], "integer");
    session.handle(Request::Corpus(Dataset::Recorded), Some(b"no corpus"), &mut |event| events.push(event));
    assert!(matches!(events.last(), Some(Event::Refused(Dataset::Recorded, _))));
}

#[test]
fn questions_are_answered_about_the_draft_as_it_is_now() {
    let (mut session, mut events) = open();
    let mut ask = |session: &mut Session, number, question| {
        session.handle(Request::Ask(number, question), None, &mut |event| events.push(event));
        let Some(Event::Answered(answered, answer)) = events.pop() else { panic!("no answer") };
        assert_eq!(answered, number);
        *answer
    };
    let Response::Shadow(Some(shadow)) = ask(&mut session, 1, Question::Shadow("dead".to_owned())) else { panic!() };
    assert_eq!(shadow.by[0].first, "high");
    assert!(matches!(ask(&mut session, 2, Question::Shadow("none".to_owned())), Response::Shadow(None)));

    // An operator behind the field is an error with one right answer.
    let mut wrong = rule("high", 40, "allow", 10);
    wrong.insert("conditions".to_owned(), json!({"risk_score>=": 40}));
    let change = Change { rules: vec![(7, wrong)], ..Change::default() };
    session.handle(Request::Document { serial: 2, change }, None, &mut |_| {});
    let report = lint::quick(session.document.source());
    let finding = report.errors.into_iter().find(lint::is_repaired_with_all).unwrap();
    let repaired = |answer| match answer {
        Response::Repaired(Some(source), made) => (source.rules[0]["conditions"].clone(), made),
        other => panic!("{other:?}"),
    };
    let right = json!({">=risk_score": 40});
    let one = ask(&mut session, 3, Question::Repair(Box::new(finding.clone())));
    assert_eq!(repaired(one), (right.clone(), 1));
    assert_eq!(repaired(ask(&mut session, 4, Question::RepairAll)), (right, 1));

    let change = Change { rules: vec![(7, rule("high", 40, "allow", 10))], ..Change::default() };
    session.handle(Request::Document { serial: 3, change }, None, &mut |_| {});
    let gone = ask(&mut session, 5, Question::Repair(Box::new(finding)));
    assert!(matches!(gone, Response::Repaired(None, _)), "the finding is gone from the draft");
}
