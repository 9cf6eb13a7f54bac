//! Exact lint and semantic diff, compared with z3: writes bundles with our verdicts and times, has `z3/check.py` judge
//! the same bundles, and combines the results of both.

mod small;

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
    process::{Command, Stdio},
};

use policy::{
    analysis::{Analyzer, Meter, SemanticDiff, analyse, diff::NewAllows, semantic_diff},
    bundle::{Bundle, Source},
    lint::check::lint,
    random::Random,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    engines::{bundle, parse_rules},
    machine,
    measure::{Spread, spent},
    workload::{SEED, Shape, Workload},
};

/// Number of rules that are changed for the large diffs.
const EDITS: usize = 10;

/// The extent of the measurement.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Number of small random bundles, each with an edited copy.
    pub bundles: usize,
    /// Numbers of rules in the large bundles.
    pub sizes: Vec<usize>,
    pub rounds: usize,
    /// Seconds that z3 may take for one large bundle; questions that are left then count as undecided.
    pub patience: u64,
}

/// Our results and z3's.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Compared {
    pub ours: Vec<Ours>,
    pub z3: Z3,
    pub load_average: f64,
}

/// Our times for one large bundle, in milliseconds of CPU time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ours {
    pub shape: String,
    pub rules: usize,
    /// The whole linter, analysis included.
    pub lint_ms: Spread,
    /// The analysis alone: unreachable, redundant and conflicting rules, shadowed guardrails, gaps.
    pub analysis_ms: Spread,
    /// The analysis after one rule was edited, by an analyzer that remembers its earlier proofs.
    pub edit_ms: Spread,
    pub diff_ms: Spread,
    pub edits: usize,
    pub unreachable: usize,
    pub undecided: usize,
    pub too_large: bool,
    pub regions: usize,
    pub diff_complete: bool,
}

/// The output of `z3/check.py`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Z3 {
    pub version: String,
    pub small: Small,
    pub large: Vec<Large>,
}

/// Agreement on small bundles.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Small {
    pub bundles: usize,
    pub questions: usize,
    pub agreed: usize,
    /// Questions that we or z3 left undecided.
    pub undecided: usize,
    pub mismatches: Vec<Value>,
}

/// z3's times for one large bundle, in milliseconds of CPU time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Large {
    pub shape: String,
    pub rules: usize,
    pub unreachable: usize,
    /// Rules that z3 could not decide in time.
    pub undecided: usize,
    pub lint_ms: f64,
    pub diff_ms: f64,
    /// Pairs of outcomes that z3 could not decide in time.
    pub diff_undecided: usize,
}

/// Writes the bundles, asks z3, and combines the answers.
///
/// # Errors
/// When files cannot be written or the script fails.
pub fn run(plan: &Plan, folder: &Path) -> Result<Compared, String> {
    let fail = |error: std::io::Error| error.to_string();
    fs::create_dir_all(folder).map_err(fail)?;
    let (small, large) = (folder.join("small.jsonl"), folder.join("large.jsonl"));
    let mut file = BufWriter::new(File::create(&small).map_err(fail)?);
    let mut random = Random::new(SEED);
    for _ in 0..plan.bundles {
        let (before, after) = small::pair(&mut random);
        writeln!(file, "{}", with_verdicts(&before, &after)?).map_err(fail)?;
    }
    file.flush().map_err(fail)?;
    let mut file = BufWriter::new(File::create(&large).map_err(fail)?);
    let mut ours = Vec::new();
    for size in &plan.sizes {
        for shape in Shape::ALL {
            let timed = timed(shape, *size, plan.rounds, &mut file)?;
            eprintln!("   ours: {timed:?}");
            ours.push(timed);
        }
    }
    file.flush().map_err(fail)?;
    let judge = Command::new("z3/run")
        .args([small.as_os_str(), large.as_os_str()])
        .arg(plan.patience.to_string())
        .stderr(Stdio::inherit())
        .output()
        .map_err(fail)?;
    if !judge.status.success() {
        return Err(format!("z3/run ended with {}", judge.status));
    }
    let z3 = serde_json::from_slice(&judge.stdout).map_err(|error| error.to_string())?;
    Ok(Compared { ours, z3, load_average: machine::load() })
}

/// One pair of bundles with our verdicts.
fn with_verdicts(before: &Value, after: &Value) -> Result<Value, String> {
    let [old, new] = [parse_rules(&before.to_string())?, parse_rules(&after.to_string())?];
    let analysis = analyse(&old, Meter::default());
    let unreachable: Vec<&str> = analysis.unreachable.iter().map(|found| found.rule.as_str()).collect();
    let diff = semantic_diff(&old, &new, Meter::default());
    Ok(json!({
        "before": before,
        "after": after,
        "unreachable": unreachable,
        "undecided": analysis.undecided,
        "differs": diff.complete.then_some(!diff.regions.is_empty()),
        "new_allows": new_allows(&diff),
    }))
}

fn new_allows(diff: &SemanticDiff) -> Option<bool> {
    match diff.new_allows {
        NewAllows::None => Some(false),
        NewAllows::Some(_) => Some(true),
        NewAllows::Undecided => None,
    }
}

/// One large bundle: our times, and the bundle for z3.
fn timed(shape: Shape, size: usize, rounds: usize, file: &mut impl Write) -> Result<Ours, String> {
    let workload = Workload::new(shape, size, 1);
    let before: Value = serde_json::from_str(&bundle(&workload)).map_err(|error| error.to_string())?;
    let after = edited(before.clone(), &mut Random::new(SEED ^ size as u64));
    let [old, new] = [parse_rules(&before.to_string())?, parse_rules(&after.to_string())?];
    let source = Source::read(before.clone()).map_err(|faults| format!("{faults:?}"))?;
    let analysis = analyse(&old, Meter::default());
    let diff = semantic_diff(&old, &new, Meter::default());
    let line = json!({"shape": shape.name(), "rules": size, "before": before, "after": after});
    writeln!(file, "{line}").map_err(|error| error.to_string())?;
    Ok(Ours {
        shape: shape.name().to_owned(),
        rules: size,
        lint_ms: times(rounds, || drop(std::hint::black_box(lint(&source)))),
        analysis_ms: times(rounds, || drop(std::hint::black_box(analyse(&old, Meter::default())))),
        edit_ms: edit_by_edit(&before, &old, rounds)?,
        diff_ms: times(rounds, || run_diff(&old, &new)),
        edits: EDITS,
        unreachable: analysis.unreachable.len(),
        undecided: analysis.undecided.len(),
        too_large: analysis.too_large,
        regions: diff.regions.len(),
        diff_complete: diff.complete,
    })
}

/// Milliseconds of analysis after each of many edits, one rule at a time, as an author makes them.
fn edit_by_edit(before: &Value, old: &Bundle, rounds: usize) -> Result<Spread, String> {
    let mut random = Random::new(SEED);
    let mut draft = before.clone();
    let mut analyzer = Analyzer::new();
    analyzer.analyse(old, Meter::default());
    let mut took = Vec::new();
    let edits = if old.rules.len() > 1_000 { rounds } else { rounds * 4 };
    for _ in 0..edits {
        if let Some(rules) = draft.get_mut("rules").and_then(Value::as_array_mut) {
            let at = random.below(rules.len());
            small::edit(&mut rules[at], &mut random);
        }
        let bundle = parse_rules(&draft.to_string())?;
        let (_, spent) = spent(|| drop(std::hint::black_box(analyzer.analyse(&bundle, Meter::default()))));
        took.push(spent.on_core.as_secs_f64() * 1e3);
    }
    Ok(Spread::of(took))
}

fn run_diff(old: &Bundle, new: &Bundle) {
    drop(std::hint::black_box(semantic_diff(old, new, Meter::default())));
}

/// Milliseconds of CPU time.
fn times(rounds: usize, mut work: impl FnMut()) -> Spread {
    Spread::of((0..rounds).map(|_| spent(&mut work).1.on_core.as_secs_f64() * 1e3))
}

/// `bundle` with some effects and thresholds changed.
fn edited(mut bundle: Value, random: &mut Random) -> Value {
    if let Some(rules) = bundle.get_mut("rules").and_then(Value::as_array_mut) {
        for _ in 0..EDITS.min(rules.len()) {
            let at = random.below(rules.len());
            small::edit(&mut rules[at], random);
        }
    }
    bundle
}
