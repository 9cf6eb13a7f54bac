//! The targets, the measurements, and whether each target was met.

use std::fmt::Write;

use super::labels::{bytes, three, time};
use crate::{
    analysis::{Large, Ours},
    browser::Browser,
    evaluate::{Case, Entry, Form},
    http::{BUFFERED, DURABLE, Service},
    results::Results,
    workload::Shape,
};

/// One row of the table: target, measured, met or not.
struct TargetRow {
    number: &'static str,
    target: String,
    measured: String,
    met: Option<bool>,
}

/// The table.
pub fn table(results: &Results, in_browser: &Browser) -> String {
    let mut rows = Vec::new();
    rows.extend(from_json(results));
    rows.extend(ten_thousand(results));
    rows.extend(look_up(results));
    rows.extend(hundred_thousand(results));
    rows.extend(ten(results));
    rows.extend(http(results));
    rows.extend(replay(results, in_browser));
    rows.extend(analysis(results));
    rows.extend(load(results));
    rows.extend(browser(in_browser));
    let mut text = String::from("## Targets\n\n| # | target | measured | met |\n|---|---|---|---|\n");
    for row in rows {
        let met = match row.met {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "not measured",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {} | {} | {} | {met} |", row.number, row.target, row.measured);
    }
    text
}

fn find(results: &Results, shape: Shape, rules: usize) -> Option<&Case> {
    results.evaluate.iter().find(|case| case.shape == shape.name() && case.rules == rules)
}

fn entry<'r>(case: &'r Case, engine: &str, form: Form) -> Option<&'r Entry> {
    case.entries.iter().find(|entry| entry.engine == engine && entry.form == form)
}

fn ours(results: &Results, shape: Shape, rules: usize, form: Form) -> Option<&Entry> {
    entry(find(results, shape, rules)?, "countersign", form)
}

/// One number for each shape that has it.
fn by_shape(measure: impl Fn(Shape) -> Option<f64>) -> Vec<(Shape, f64)> {
    Shape::ALL.into_iter().filter_map(|shape| Some((shape, measure(shape)?))).collect()
}

fn label_by_shape(values: &[(Shape, f64)], label: impl Fn(f64) -> String) -> String {
    values.iter().map(|(shape, value)| format!("{} {}", shape.name(), label(*value))).collect::<Vec<_>>().join(", ")
}

fn row(
    number: &'static str,
    target: impl Into<String>,
    values: &[(Shape, f64)],
    label: impl Fn(f64) -> String,
    holds: impl Fn(f64) -> bool,
) -> TargetRow {
    let met = (!values.is_empty()).then(|| values.iter().all(|(_, value)| holds(*value)));
    TargetRow { number, target: target.into(), measured: label_by_shape(values, label), met }
}

fn times(value: f64) -> String {
    format!("{}×", three(value))
}

/// How many times as long as Countersign a peer takes. If a peer is run in two modes, the faster one counts.
fn peer(results: &Results, rules: usize, engines: &[&str]) -> Vec<(Shape, f64)> {
    by_shape(|shape| {
        let case = find(results, shape, rules)?;
        let ratios = engines.iter().filter_map(|engine| entry(case, engine, Form::Json));
        ratios.map(|entry| entry.times_ours.median).min_by(f64::total_cmp)
    })
}

const REGORUS: [&str; 2] = ["regorus (machine)", "regorus (interpreter)"];

fn from_json(results: &Results) -> Vec<TargetRow> {
    let rules = 1_000;
    let own = by_shape(|shape| Some(ours(results, shape, rules, Form::Json)?.nanoseconds.median));
    let mut rows = vec![row("1", "JSON bytes → decision, 1,000 rules: ≤ 1 µs", &own, time, |ns| ns <= 1_000.0)];
    for (engines, least) in
        [(&["cedar-policy"][..], 1_000.0), (&REGORUS, 1_000.0), (&["zen-engine"], 300.0), (&["datalogic-rs"], 40.0)]
    {
        let name = engines[0].split(' ').next().unwrap_or_default();
        let ratios = peer(results, rules, engines);
        rows.push(row("1", format!("… ≥ {}× {name}", three(least)), &ratios, times, |ratio| ratio >= least));
    }
    rows
}

fn ten_thousand(results: &Results) -> Vec<TargetRow> {
    let cedar = peer(results, 10_000, &["cedar-policy"]);
    let growth = by_shape(|shape| {
        let [large, small] = [10_000, 1_000].map(|rules| ours(results, shape, rules, Form::Json));
        Some(large?.nanoseconds.median / small?.nanoseconds.median)
    });
    vec![
        row("2", "10,000 rules: ≥ 5,000× cedar-policy", &cedar, times, |ratio| ratio >= 5_000.0),
        row("2", "… ≤ 1.5× our own 1,000-rule time", &growth, times, |ratio| ratio <= 1.5),
    ]
}

/// The look-up of interned requests is that of the replay: a decision from parsed JSON still looks up its fields by
/// name.
fn look_up(results: &Results) -> Vec<TargetRow> {
    let to_kernel = |rules: usize| {
        by_shape(|shape| {
            let mut replay = results.replay.iter();
            Some(replay.find(|replay| replay.shape == shape.name() && replay.rules == rules)?.times_kernel.median)
        })
    };
    vec![
        row("3", "core look-up, 1,000 rules: ≤ 2× a hand-written kernel", &to_kernel(1_000), times, |ratio| {
            ratio <= 2.0
        }),
        row("3", "… 10,000 rules", &to_kernel(10_000), times, |ratio| ratio <= 2.0),
    ]
}

fn hundred_thousand(results: &Results) -> Vec<TargetRow> {
    let adversarial =
        |value: Option<f64>| value.map(|value| (Shape::Adversarial, value)).into_iter().collect::<Vec<_>>();
    let own = ours(results, Shape::Adversarial, 100_000, Form::Json).map(|entry| entry.nanoseconds.median);
    let memory = memory(results, "countersign", Shape::Adversarial, 100_000);
    let mib = |value: f64| bytes(value as usize);
    vec![
        row("4", "100,000 rules, adversarial: ≤ 2 µs", &adversarial(own), time, |ns| ns <= 2_000.0),
        row("4", "… ≤ 64 MB", &adversarial(memory), mib, |bytes| bytes <= 64e6),
    ]
}

fn memory(results: &Results, engine: &str, shape: Shape, rules: usize) -> Option<f64> {
    let mut cold = results.cold.iter();
    let cold = cold.find(|cold| cold.engine == engine && cold.shape == shape.name() && cold.rules == rules)?;
    (cold.bytes > 0).then_some(cold.bytes as f64)
}

fn ten(results: &Results) -> Vec<TargetRow> {
    vec![
        row("5", "10 rules: never slower than a plain loop", &peer(results, 10, &["plain loop"]), times, |ratio| {
            ratio >= 1.0
        }),
        row("5", "… ≥ 2× datalogic-rs", &peer(results, 10, &["datalogic-rs"]), times, |ratio| ratio >= 2.0),
    ]
}

fn load(results: &Results) -> Vec<TargetRow> {
    let rules = 10_000;
    let compile = by_shape(|shape| {
        let mut cold = results.cold.iter();
        let cold =
            cold.find(|cold| cold.engine == "countersign" && cold.shape == shape.name() && cold.rules == rules)?;
        cold.steps.iter().find(|(name, _)| name == "compile").map(|(_, took)| took * 1e6)
    });
    let share = by_shape(|shape| {
        Some(memory(results, "countersign", shape, rules)? / memory(results, "cedar-policy", shape, rules)?)
    });
    vec![
        row("11", "compile 10,000 rules: ≤ 20 ms", &compile, time, |ns| ns <= 20e6),
        row(
            "11",
            "… memory ≤ 1/8 of Cedar's",
            &share,
            |value| format!("1/{}", three(1.0 / value)),
            |value| value <= 0.125,
        ),
    ]
}

fn replay(results: &Results, in_browser: &Browser) -> Vec<TargetRow> {
    let replays = by_shape(|shape| {
        let mut replay = results.replay.iter();
        let replay =
            replay.find(|replay| replay.shape == shape.name() && replay.rules == 1_000 && replay.rows == 1_000_000)?;
        Some(replay.milliseconds.median * 1e6)
    });
    let browser = in_browser.replay_1m_ms.map(|took| took * 1e6);
    vec![
        row("8", "replay 1,000,000 decisions × 1,000 rules: ≤ 150 ms, one thread", &replays, time, |ns| ns <= 150e6),
        single("8", "… in the browser: ≤ 400 ms", browser, time, |ns| ns <= 400e6),
    ]
}

fn analysis(results: &Results) -> Vec<TargetRow> {
    let ours = |rules: usize, of: fn(&Ours) -> f64| {
        by_shape(|shape| {
            let mut ours = results.analysis.ours.iter();
            ours.find(|ours| ours.shape == shape.name() && ours.rules == rules).map(of)
        })
    };
    let faster = |of: fn(&Ours) -> f64, theirs: fn(&Large) -> f64| {
        by_shape(|shape| {
            let mut z3 = results.analysis.z3.large.iter();
            let z3 = z3.find(|z3| z3.shape == shape.name() && z3.rules == 1_000)?;
            let own = ours(1_000, of).into_iter().find(|(found, _)| *found == shape)?.1;
            Some(theirs(z3) / own)
        })
    };
    // The target is about the whole linter; z3 only answers the questions of the analysis in it.
    let linted: fn(&Ours) -> f64 = |ours| ours.lint_ms.median;
    let analysed: fn(&Ours) -> f64 = |ours| ours.analysis_ms.median;
    let edited: fn(&Ours) -> f64 = |ours| ours.edit_ms.median;
    let diffed: fn(&Ours) -> f64 = |ours| ours.diff_ms.median;
    let ms = |value: f64| time(value * 1e6);
    vec![
        row("9", "exact lint, 1,000 rules: ≤ 20 ms", &ours(1_000, linted), ms, |took| took <= 20.0),
        row("9", "… 10,000 rules: ≤ 1.5 s", &ours(10_000, linted), ms, |took| took <= 1_500.0),
        row("9", "… one edit re-checked, 1,000 rules: ≤ 1 ms", &ours(1_000, edited), ms, |took| took <= 1.0),
        row("9", "… its analysis ≥ 100× z3, 1,000 rules", &faster(analysed, |z3| z3.lint_ms), times, |ratio| {
            ratio >= 100.0
        }),
        row("10", "semantic diff, 10 edits in 1,000 rules: ≤ 2 ms", &ours(1_000, diffed), ms, |took| took <= 2.0),
        row("10", "… ≥ 100× z3", &faster(diffed, |z3| z3.diff_ms), times, |ratio| ratio >= 100.0),
    ]
}

fn http(results: &Results) -> Vec<TargetRow> {
    let find = |name: &str| results.http.services.iter().find(|service| service.name == name);
    let (durable, buffered) = (find(DURABLE), find(BUFFERED));
    let rate = durable.map(|ours| ours.throughput.median);
    let p50 = durable.map(|ours| ours.busy_p50.median * 1e3);
    let share = buffered.map(|ours| ours.over_empty.median);
    let cerbos = |ours: Option<&Service>| ours?.over_cerbos.map(|over| over.median);
    let percent = |share: f64| format!("{} %", three(share * 100.0));
    vec![
        single("6", "HTTP evaluate, log durable before the reply: ≥ 20,000/s", rate, per_second, |rate| {
            rate >= 20_000.0
        }),
        single("6", "… p50 ≤ 2 ms, at that rate", p50, time, |ns| ns <= 2e6),
        single("7", "log buffered: ≥ 60 % of an empty axum handler", share, percent, |share| share >= 0.6),
        single("7", "… ≥ 20× Cerbos at 1,000 rules, audit on in both", cerbos(buffered), times, |over| {
            over >= 20.0
        }),
        single("7", "… with the log durable", cerbos(durable), times, |over| over >= 20.0),
    ]
}

fn browser(results: &Browser) -> Vec<TargetRow> {
    let ms = |value: f64| time(value * 1e6);
    let keystroke = results.keystroke_ms.as_ref().filter(|_| results.rules >= 1_000 && results.decisions >= 100_000);
    vec![
        single(
            "12",
            "browser, keystroke → lint + diff + simulation of 100,000 decisions, 1,000 rules: ≤ 50 ms",
            keystroke.map(|keystroke| keystroke.median),
            ms,
            |took| took <= 50.0,
        ),
        single("12", "… the longest that typing was blocked: ≤ 50 ms", results.longest_task_ms, ms, |took| {
            took <= 50.0
        }),
    ]
}

fn per_second(rate: f64) -> String {
    format!("{}/s", three(rate))
}

/// A row about one number.
fn single(
    number: &'static str,
    target: &str,
    value: Option<f64>,
    label: impl Fn(f64) -> String,
    holds: impl Fn(f64) -> bool,
) -> TargetRow {
    TargetRow {
        number,
        target: target.to_owned(),
        measured: value.map(label).unwrap_or_default(),
        met: value.map(holds),
    }
}
