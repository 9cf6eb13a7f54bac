//! The report for people, `results/RESULTS.md`: written from the file of results and nothing else.

mod analysis;
mod browser;
mod decisions;
mod http;
mod labels;
mod replay;
mod targets;

use std::fs;

pub use decisions::{case, cold};
pub use replay::replayed;

use crate::{browser::Browser, results::Results};

const FILE: &str = "results/RESULTS.md";
/// Why targets were missed; written by hand.
const NOTES: &str = "results/notes.md";

/// Writes the report.
///
/// # Errors
/// When the results cannot be read or the report not written.
pub fn write() -> Result<(), String> {
    let results = Results::read()?;
    let browser = Browser::read()?;
    let parts = [
        "# Countersign and its peers, measured\n".to_owned(),
        "Written by `make bench` from `results.json`; [bench/README.md](../README.md) says how to read it.\n"
            .to_owned(),
        machine(&results),
        targets::table(&results, &browser),
        fs::read_to_string(NOTES).unwrap_or_default(),
        decisions::section(&results),
        decisions::cold_section(&results),
        replay::section(&results),
        analysis::section(&results),
        http::section(&results),
        browser::section(&browser),
    ];
    fs::write(FILE, parts.join("\n")).map_err(|error| format!("{FILE}: {error}"))
}

fn machine(results: &Results) -> String {
    let machine = &results.machine;
    let versions: Vec<String> = machine.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let loads = results.evaluate.iter().flat_map(|case| case.load_average);
    let load = loads.fold(0.0, f64::max);
    let busy = if load > machine.cores as f64 * 0.75 + 0.5 {
        "\n**The machine was busy with other work during these runs**; ratios come from time on a core and interleaved \
         rounds, which helps but does not make up for it.\n"
    } else {
        ""
    };
    format!(
        "{} · {} · {} cores · {} GiB · Linux {} · {} · commit {}\n\n{}\n\nLoad average up to {load:.1}.\n{busy}",
        results.date,
        machine.processor,
        machine.cores,
        machine.memory_gib,
        machine.system,
        machine.compiler,
        machine.commit,
        versions.join(" · ")
    )
}
