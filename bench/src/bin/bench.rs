//! `bench evaluate | cold | replay | analysis | http | report`: measures one part and writes it to
//! `results/results.json`. Run in `bench/`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use bench::{
    analysis,
    arguments::Arguments,
    cold, engines,
    evaluate::{self, Plan},
    http, replay, report,
    results::Results,
    workload::{REQUESTS, Shape},
};

const USAGE: &str = "bench evaluate [--shapes equality,range,adversarial] [--sizes 10,100,…] [--engines a,b]
               [--rounds 7] [--slice-ms 60] [--agreement-s 20]
bench cold     [--shapes …] [--sizes …] [--engines …] [--runs 3] [--patience-s 120]
bench replay   [--shapes …] [--sizes 1000,10000] [--rows 1000000] [--rounds 5]
bench analysis [--bundles 10000] [--sizes 1000,10000] [--rounds 5] [--patience-s 30]
bench http     --server PATH [--cerbos PATH] [--shape equality] [--rules 1000] [--connections 32]
               [--rounds 5] [--slice-ms 2000]
bench report

Everything that measures takes --date YYYY-MM-DD, for the report.";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let done = Arguments::read(words).and_then(|arguments| match command.as_str() {
        "evaluate" => evaluate(&arguments),
        "cold" => cold(&arguments),
        "replay" => replay(&arguments),
        "analysis" => analysis(&arguments),
        "http" => http(&arguments),
        "report" => report::write(),
        _ => Err(USAGE.to_owned()),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The day of the results. It is passed in, so that the same results give the same report.
fn day(arguments: &Arguments) -> String {
    arguments.text("date").unwrap_or("undated").to_owned()
}

const SIZES: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];

fn evaluate(arguments: &Arguments) -> Result<(), String> {
    let day = day(arguments);
    let plan = Plan {
        shapes: arguments.list("shapes", &Shape::ALL, Shape::parse)?,
        sizes: arguments.list("sizes", &SIZES, |text| text.parse().ok())?,
        engines: arguments.list("engines", &[], |text| Some(text.to_owned()))?,
        requests: REQUESTS,
        rounds: arguments.value("rounds", 7)?,
        slice: Duration::from_millis(arguments.value("slice-ms", 60)?),
        agreement: Duration::from_secs(arguments.value("agreement-s", 20)?),
    };
    evaluate::run(&plan, |case| {
        println!("{}", report::case(&case));
        Results::change(&day, |results| {
            results.evaluate.retain(|old| (&old.shape, old.rules) != (&case.shape, case.rules));
            results.evaluate.push(case);
        })
    })?;
    report::write()
}

fn cold(arguments: &Arguments) -> Result<(), String> {
    let day = day(arguments);
    let runs = arguments.value("runs", 3)?;
    let patience = Duration::from_secs(arguments.value("patience-s", 120)?);
    let names = arguments.list("engines", &[], |text| Some(text.to_owned()))?;
    for shape in arguments.list("shapes", &Shape::ALL, Shape::parse)? {
        for rules in arguments.list("sizes", &[1_000, 10_000, 100_000], |text| text.parse().ok())? {
            let wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
            for contender in engines::all().iter().filter(|contender| wanted(contender.name)) {
                if rules > contender.most_rules {
                    continue;
                }
                let cold = cold::measure(contender, shape, rules, runs, patience);
                println!("{}", report::cold(&cold));
                Results::change(&day, |results| {
                    results
                        .cold
                        .retain(|old| (&old.engine, &old.shape, old.rules) != (&cold.engine, &cold.shape, cold.rules));
                    results.cold.push(cold);
                })?;
            }
        }
    }
    report::write()
}

fn replay(arguments: &Arguments) -> Result<(), String> {
    let day = day(arguments);
    let (rows, rounds) = (arguments.value("rows", 1_000_000)?, arguments.value("rounds", 5)?);
    let sizes = arguments.list("sizes", &[1_000, 10_000], |text| text.parse().ok())?;
    for shape in arguments.list("shapes", &Shape::ALL, Shape::parse)? {
        for rules in &sizes {
            // The oracle tries one rule after the other, which is slow, so larger sizes get fewer rows.
            let rows = if *rules > 1_000 { rows / 10 } else { rows };
            let replayed = replay::measure(shape, *rules, rows, rounds)?;
            println!("{}", report::replayed(&replayed));
            Results::change(&day, |results| {
                results.replay.retain(|old| (&old.shape, old.rules) != (&replayed.shape, replayed.rules));
                results.replay.push(replayed);
            })?;
        }
    }
    report::write()
}

fn analysis(arguments: &Arguments) -> Result<(), String> {
    let day = day(arguments);
    let plan = analysis::Plan {
        bundles: arguments.value("bundles", 10_000)?,
        sizes: arguments.list("sizes", &[1_000, 10_000], |text| text.parse().ok())?,
        rounds: arguments.value("rounds", 5)?,
        patience: arguments.value("patience-s", 30)?,
    };
    let compared = analysis::run(&plan, Path::new("target/analysis"))?;
    Results::change(&day, |results| results.analysis = compared)?;
    report::write()
}

fn http(arguments: &Arguments) -> Result<(), String> {
    let day = day(arguments);
    let plan = http::Plan {
        server: arguments.text("server").map(PathBuf::from).ok_or("--server PATH names the release binary")?,
        cerbos: arguments.text("cerbos").map(PathBuf::from),
        shape: arguments.text("shape").map_or(Some(Shape::Equality), Shape::parse).ok_or("--shape is unknown")?,
        rules: arguments.value("rules", 1_000)?,
        rounds: arguments.value("rounds", 5)?,
        connections: arguments.value("connections", 32)?,
        slice: Duration::from_millis(arguments.value("slice-ms", 2_000)?),
    };
    // The path of a Unix socket must be short.
    let folder = std::env::temp_dir().join("countersign-bench");
    let measured = http::run(&plan, &folder)?;
    // After a failure the folder remains, for a person to look into.
    let _ = std::fs::remove_dir_all(&folder);
    Results::change(&day, |results| results.http = measured)?;
    report::write()
}
