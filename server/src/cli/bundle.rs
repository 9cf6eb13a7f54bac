//! `countersign bundle`: checking, comparing and trying bundles in files, without a server. Exit code 1 means that
//! something was found: lint errors, a failed expectation, a difference.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Subcommand, ValueEnum};
use lifecycle::{
    bundle::{Source, diff::text_diff},
    lint::{self, Report},
    replay::{self, Case, Comparison, Limits, Simulation, Summary},
};
use serde_json::json;

use super::{Failure, Format, output::print};
use crate::http::input;

/// Check, compare and try bundles in files, without a server.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say what is wrong, doubtful or noteworthy.
    #[command(after_help = "Example: countersign bundle lint policy.json")]
    Lint {
        /// A bundle, or `-` for standard input.
        #[arg(default_value = "-")]
        file: PathBuf,
    },
    /// Print the content address.
    #[command(after_help = "Example: countersign bundle digest policy.json")]
    Digest {
        /// A bundle, or `-` for standard input.
        #[arg(default_value = "-")]
        file: PathBuf,
    },
    /// Say which rules differ, field by field.
    #[command(after_help = "Example: countersign bundle diff live.json draft.json")]
    Diff {
        /// The older bundle.
        before: PathBuf,
        /// The newer bundle.
        after: PathBuf,
    },
    /// Run cases against a bundle.
    #[command(after_help = "Example: countersign bundle simulate draft.json --dataset synthetic --seed 7 \
                            --against live.json --fail-on-flip")]
    Simulate {
        /// A bundle, or `-` for standard input.
        #[arg(default_value = "-")]
        file: PathBuf,
        /// Where the cases come from.
        #[arg(long, value_enum, default_value_t = Dataset::Fixtures)]
        dataset: Dataset,
        /// How many synthetic cases.
        #[arg(long, default_value_t = 1_000)]
        count: usize,
        /// Same seed, same synthetic cases.
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// A JSON array of cases `{case_id, agent, action, context, expected_effect?}` to run instead.
        #[arg(long, value_name = "FILE")]
        cases: Option<PathBuf>,
        /// Also say which cases another bundle answers differently.
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
        /// With --against: exit with 1 when any case is answered differently.
        #[arg(long, requires = "against")]
        fail_on_flip: bool,
    },
}

/// Cases that need no server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Dataset {
    /// The built-in cases.
    Fixtures,
    /// Generated from a seed, the schema and the thresholds.
    Synthetic,
}

/// Runs the command.
pub fn run(command: Command, format: Format) -> Result<ExitCode, Failure> {
    match command {
        Command::Lint { file } => {
            let report = lint::lint(&read(&file)?);
            print(format, &report, || lint_text(&report));
            Ok(found(!report.passed))
        }
        Command::Digest { file } => {
            let digest = read(&file)?.digest();
            print(format, &json!({ "digest": digest }), || digest.to_string());
            Ok(ExitCode::SUCCESS)
        }
        Command::Diff { before, after } => {
            let diff = text_diff(&read(&before)?, &read(&after)?);
            print(format, &diff, || diff.summary.clone());
            Ok(found(!diff.is_empty()))
        }
        Command::Simulate { file, dataset, count, seed, cases, against, fail_on_flip } => {
            let understood = read(&file)?.understand();
            let cases = match (cases, dataset) {
                (Some(file), _) => read_cases(&file)?,
                (None, Dataset::Fixtures) => replay::fixtures::cases(),
                (None, Dataset::Synthetic) => replay::synthetic::cases(&understood.bundle, count, seed),
            };
            let simulation = Simulation {
                skipped_rules: understood.skipped,
                ..replay::simulate(&understood.bundle, &cases, Limits::default())
            };
            let failed = simulation.results.iter().any(|result| result.passed == Some(false));
            let Some(against) = against else {
                print(format, &simulation, || simulation_text(&simulation));
                return Ok(found(failed));
            };
            let other = read(&against)?.understand();
            let comparison = replay::compare(&other.bundle, &understood.bundle, &cases, Limits::default());
            print(format, &json!({ "simulation": simulation, "comparison": comparison }), || {
                format!("{}\n{}", simulation_text(&simulation), comparison_text(&comparison))
            });
            Ok(found(failed || (fail_on_flip && comparison.total_changes > 0)))
        }
    }
}

fn found(something: bool) -> ExitCode {
    if something { ExitCode::from(1) } else { ExitCode::SUCCESS }
}

fn bytes(file: &Path) -> Result<Vec<u8>, Failure> {
    let most = lifecycle::limits::MAX_BUNDLE_BYTES as u64;
    let shown = if file.as_os_str() == "-" { "standard input".to_owned() } else { format!("`{}`", file.display()) };
    let fail = |error: std::io::Error| Failure::Usage(format!("cannot read {shown}: {error}"));
    let mut content = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin().take(most + 1).read_to_end(&mut content).map_err(fail)?;
    } else {
        std::fs::File::open(file).map_err(fail)?.take(most + 1).read_to_end(&mut content).map_err(fail)?;
    }
    if content.len() as u64 > most {
        return Err(Failure::Usage(format!("{shown} is larger than the limit of {most} bytes")));
    }
    Ok(content)
}

fn read(file: &Path) -> Result<Source, Failure> {
    let document = input::parse(&bytes(file)?).map_err(|refusal| wrong(file, &refusal.0.detail))?;
    Source::read(document).map_err(|faults| {
        let lines: Vec<String> = faults.iter().map(|fault| format!("{}: {}", fault.pointer, fault.detail)).collect();
        wrong(file, &lines.join("; "))
    })
}

fn read_cases(file: &Path) -> Result<Vec<Case>, Failure> {
    input::parse(&bytes(file)?).map_err(|refusal| wrong(file, &refusal.0.detail))
}

fn wrong(file: &Path, detail: &str) -> Failure {
    Failure::Usage(format!("`{}`: {detail}", file.display()))
}

fn lint_text(report: &Report) -> String {
    let mut text = String::new();
    for finding in report.all() {
        let severity = json!(finding.severity);
        let code = json!(finding.code);
        let place = finding.rule_id.as_deref().unwrap_or(&finding.path);
        let (severity, code) = (severity.as_str().unwrap_or_default(), code.as_str().unwrap_or_default());
        text.push_str(&format!("{severity}[{code}] {place}: {}\n", finding.message));
        if let Some(suggestion) = &finding.suggestion {
            text.push_str(&format!("    {suggestion}\n"));
        }
    }
    let summary = report.summary;
    text.push_str(&format!(
        "{} rules: {} errors, {} warnings, {} notes",
        summary.total_rules, summary.errors, summary.warnings, summary.info
    ));
    text
}

fn simulation_text(simulation: &Simulation) -> String {
    let mut text = summary_text(&simulation.summary);
    for result in simulation.results.iter().filter(|result| result.passed == Some(false)) {
        let expected = result.expected_effect.map_or_else(String::new, |effect| effect.to_string());
        text.push_str(&format!("\nfailed {}: expected {expected}, got {}", result.case_id, result.effect));
    }
    if !simulation.skipped_rules.is_empty() {
        text.push_str(&format!(
            "\nleft out, because they cannot be understood: {}",
            simulation.skipped_rules.join(", ")
        ));
    }
    text
}

fn summary_text(summary: &Summary) -> String {
    format!(
        "{} cases: {} allow, {} deny, {} needs approval ({} without a matching rule, {} in error); cost {:.2} USD, \
         compute {:.1}",
        summary.total_cases,
        summary.allow_count,
        summary.deny_count,
        summary.approval_count,
        summary.no_match_count,
        summary.error_count,
        summary.estimated_cost,
        summary.estimated_compute
    )
}

fn comparison_text(comparison: &Comparison) -> String {
    let mut text = format!("{} answered differently", comparison.total_changes);
    for change in &comparison.changes {
        text.push_str(&format!("\n{}: {} → {}", change.case_id, change.before, change.after));
    }
    text
}
