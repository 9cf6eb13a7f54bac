//! `countersign bundle simulate`: running cases against a bundle in a file.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::ValueEnum;
use policy::{
    characters::write_out,
    replay::{self, Case, Comparison, Limits, Simulation, Summary},
};
use serde_json::json;

use crate::{
    cli::{
        files,
        output::{Format, exit_code, print},
    },
    error::CliError,
    json::convert,
};

/// The bundle and the cases to run.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A bundle, or `-` for standard input.
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Source of the cases.
    #[arg(long, value_enum, default_value_t = Dataset::Fixtures)]
    dataset: Dataset,
    /// Number of synthetic cases.
    #[arg(long, default_value_t = 1_000)]
    count: usize,
    /// Seed of the synthetic cases: the same seed gives the same cases.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A JSON array of cases `{case_id, agent, action, context, expected_effect?}` to run instead.
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
    /// Also list the cases that another bundle answers differently.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// With --against: exit with 1 when any case is answered differently.
    #[arg(long, requires = "against")]
    fail_on_flip: bool,
}

/// Cases that need no server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Dataset {
    /// The built-in cases.
    Fixtures,
    /// Generated from a seed, the schema and the thresholds.
    Synthetic,
}

/// Runs the cases. Exit code 1: a case is not answered as expected or, if requested, some answer differs.
pub fn run(arguments: &Arguments, format: Format) -> Result<ExitCode, CliError> {
    let Arguments { file, dataset, count, seed, cases, against, fail_on_flip } = arguments;
    let parsed = files::source(file)?.parse_rules();
    let cases = match (cases, dataset) {
        (Some(file), _) => read_cases(file)?,
        (None, Dataset::Fixtures) => replay::fixtures::cases(),
        (None, Dataset::Synthetic) => replay::synthetic::cases(&parsed.bundle, *count, *seed),
    };
    let simulation =
        Simulation { skipped_rules: parsed.skipped, ..replay::simulate(&parsed.bundle, &cases, Limits::default()) };
    let failed = simulation.results.iter().any(|result| result.passed == Some(false));
    let Some(against) = against else {
        print(format, &simulation, || simulation_text(&simulation));
        return Ok(exit_code(failed));
    };
    let other = files::source(against)?.parse_rules();
    let comparison = replay::compare(&other.bundle, &parsed.bundle, &cases, Limits::default());
    print(format, &json!({ "simulation": simulation, "comparison": comparison }), || {
        format!("{}\n{}", simulation_text(&simulation), comparison_text(&comparison))
    });
    Ok(exit_code(failed || (*fail_on_flip && comparison.total_changes > 0)))
}

/// The cases in a file, which are what a request may hold under `cases`: an unknown member is refused.
fn read_cases(file: &Path) -> Result<Vec<Case>, CliError> {
    convert(files::document(file)?).map_err(|problem| files::wrong(file, &problem.detail))
}

fn simulation_text(simulation: &Simulation) -> String {
    let mut text = summary_text(&simulation.summary);
    for result in simulation.results.iter().filter(|result| result.passed == Some(false)) {
        let expected = result.expected_effect.map_or_else(String::new, |effect| effect.to_string());
        text.push_str(&format!("\nfailed {}: expected {expected}, got {}", write_out(&result.case_id), result.effect));
    }
    if !simulation.skipped_rules.is_empty() {
        text.push_str(&format!(
            "\nleft out, because they cannot be understood: {}",
            write_out(&simulation.skipped_rules.join(", "))
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
        text.push_str(&format!("\n{}: {} → {}", write_out(&change.case_id), change.before, change.after));
    }
    text
}
