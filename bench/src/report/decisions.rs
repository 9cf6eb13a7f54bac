//! The tables about decisions.

use std::fmt::Write;

use super::labels::{bytes, thousands, time, times};
use crate::{
    cold::Cold,
    engines,
    evaluate::{Case, Entry, Form},
    results::Results,
};

/// One bundle: every contender in both forms.
pub fn case(case: &Case) -> String {
    let mut text = format!(
        "### {} rules, {}\n\n{} requests, {:.1} % decided by a rule.\n\n\
         | engine | agrees | from JSON | times ours | parsed ahead | times ours |\n|---|---|---|---|---|---|\n",
        thousands(case.rules as f64),
        case.shape,
        thousands(case.requests as f64),
        case.hit_rate * 100.0
    );
    let mut names: Vec<&str> = case.entries.iter().map(|entry| entry.engine.as_str()).collect();
    names.dedup();
    for name in names {
        let find = |form: Form| case.entries.iter().find(|entry| entry.engine == name && entry.form == form);
        let cells = |entry: Option<&Entry>| match entry {
            Some(entry) => format!("{} | {}", time(entry.nanoseconds.median), times(&entry.times_ours)),
            None => "— | —".to_owned(),
        };
        let (json, parsed) = (find(Form::Json), find(Form::Parsed));
        let agreement = json.or(parsed).map_or(String::new(), |entry| agrees(&[json, parsed], entry));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {name} | {agreement} | {} | {} |", cells(json), cells(parsed));
    }
    for left in &case.left_out {
        let _ = writeln!(text, "| {} | not run: {} | | | | |", left.engine, left.why);
    }
    text
}

/// The agreement in the worse of the two forms.
fn agrees(forms: &[Option<&Entry>], any: &Entry) -> String {
    let worst = forms.iter().flatten().min_by_key(|entry| (entry.agreement.agreed, entry.agreement.checked));
    let worst = &worst.unwrap_or(&any).agreement;
    let count = format!("{} of {}", thousands(worst.agreed as f64), thousands(worst.checked as f64));
    if worst.agreed == worst.checked { count } else { format!("**{count}**") }
}

/// All bundles.
pub fn section(results: &Results) -> String {
    if results.evaluate.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "## Decisions\n\nTime on a core for one request, median of the rounds. \"Times ours\" is the median of the ratios \
         within a round, with quartiles: 2× takes twice as long as Countersign in the same form.\n\n",
    );
    for contender in engines::all() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "- **{}**: {}", contender.name, contender.about);
    }
    for size in sizes(results.evaluate.iter().map(|case| case.rules)) {
        for one in results.evaluate.iter().filter(|case| case.rules == size) {
            let _ = write!(text, "\n{}", case(one));
        }
    }
    text
}

fn sizes(sizes: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut sizes: Vec<usize> = sizes.collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// One line about a fresh process.
pub fn cold(cold: &Cold) -> String {
    let steps: Vec<String> = cold.steps.iter().map(|(name, took)| format!("{name} {}", time(took * 1e6))).collect();
    let trouble = match (&cold.error, cold.time_outs) {
        (Some(error), _) => format!("**{error}**"),
        (None, 0) => String::new(),
        (None, count) => format!("**{count} timed out**"),
    };
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {trouble} |",
        thousands(cold.rules as f64),
        cold.shape,
        cold.engine,
        if cold.steps.len() > 1 {
            format!("{} ({})", time(cold.load.median * 1e6), steps.join(", "))
        } else {
            time(cold.load.median * 1e6)
        },
        time(cold.first.median * 1e6),
        bytes(cold.bytes),
        bytes(cold.peak_bytes),
    )
}

/// Load, first request and memory.
pub fn cold_section(results: &Results) -> String {
    if results.cold.is_empty() {
        return String::new();
    }
    let runs = results.cold.iter().map(|cold| cold.load.samples).max().unwrap_or(0);
    let mut text = format!(
        "\n## Load, first request, memory\n\nEach contender in {runs} fresh processes; medians. Memory is what stays on the \
         heap after loading, counted by the allocator, and the most held at once.\n\n\
         | rules | shape | engine | load | first request | memory | at most | |\n|---|---|---|---|---|---|---|---|\n"
    );
    for size in sizes(results.cold.iter().map(|cold| cold.rules)) {
        for one in results.cold.iter().filter(|cold| cold.rules == size) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}", cold(one));
        }
    }
    text
}
