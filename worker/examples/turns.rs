use lifecycle::{bundle::Source, replay::Dataset};
use serde_json::{Map, Value, json};
use worker::{Ask, Change, Session, session::Exact};
fn now() -> f64 {
    let s = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    s.split(" ").next().unwrap().parse::<f64>().unwrap() / 1e6
}
fn main() {
    let rules: Vec<Map<String, Value>> = serde_json::from_slice(&std::fs::read("/tmp/rules.json").unwrap()).unwrap();
    let corpus = std::fs::read("/tmp/corpus.bin").unwrap();
    let head: Source =
        serde_json::from_value(json!({"version":"9.0.0","default_effect":"deny","on_error":"deny","rules":[]}))
            .unwrap();
    let mut stable = rules.clone();
    for (at, rule) in stable.iter_mut().enumerate() {
        if at % 100 == 0 {
            rule["conditions"][">=risk_score"] = json!(81);
        }
    }
    let mut s = Session::new(now, Exact { at_once: 500, at_all: 5000 });
    let mut tells: Vec<(String, usize, f64)> = Vec::new();
    macro_rules! run {
        () => {{
            while s.is_due() {
                let t = now();
                s.step(&mut |tell| {
                    let a = now();
                    let j = serde_json::to_vec(&tell).unwrap();
                    let ser = now() - a;
                    let b = now();
                    let _x: worker::Tell = serde_json::from_slice(&j).unwrap();
                    let de = now() - b;
                    let name = String::from_utf8_lossy(&j[..10]).to_string();
                    tells.push((format!("{} ser {:.2} de {:.2}", name, ser, de), j.len(), a));
                });
                let d = now() - t;
                if d > 0.3 {
                    tells.push(("   step".into(), 0, d));
                }
            }
        }};
    }
    s.ask(
        Ask::Open {
            stable: Some(("8.0.0".into(), Box::new(Source { rules: stable, ..head.clone() }))),
            taken: vec![],
            invariants: vec![],
        },
        None,
        &mut |_| {},
    );
    s.ask(
        Ask::Document {
            serial: 0,
            change: Change {
                head: Some(Box::new(head)),
                order: Some((0..1000).collect()),
                rules: rules.iter().cloned().enumerate().map(|(a, r)| (a as u32, r)).collect(),
            },
        },
        None,
        &mut |_| {},
    );
    s.ask(Ask::Corpus(Dataset::Recorded), Some(&corpus), &mut |_| {});
    run!();
    let mut total = Vec::new();
    for n in 1..=20u32 {
        let mut rule = rules[42].clone();
        rule["conditions"][">=risk_score"] = json!(if n % 2 == 0 { 5 } else { 51 });
        tells.clear();
        let t = now();
        s.ask(
            Ask::Document { serial: n, change: Change { head: None, order: None, rules: vec![(42, rule)] } },
            None,
            &mut |_| {},
        );
        run!();
        total.push(now() - t);
        if n >= 19 {
            println!("-- edit {n}: {:.2} ms", now() - t);
            for x in &tells {
                println!("{} {} {:.2}", x.0, x.1, x.2);
            }
        }
    }
    println!("{total:.1?}");
}
