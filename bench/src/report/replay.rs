//! Replay, and its look-up compared with the kernel's.

use super::labels::{bytes, thousands, time, times};
use crate::{replay::Replayed, results::Results};

/// One line.
pub fn replayed(replayed: &Replayed) -> String {
    let agreed = format!("{} of {}", thousands(replayed.agreed as f64), thousands(replayed.rows as f64));
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} |",
        thousands(replayed.rules as f64),
        replayed.shape,
        if replayed.agreed == replayed.rows { agreed } else { format!("**{agreed}**") },
        time(replayed.milliseconds.median * 1e6),
        time(replayed.row.median),
        time(replayed.kernel_row.median),
        times(&replayed.times_kernel),
        bytes(replayed.encoded_bytes),
    )
}

/// The table.
pub fn section(results: &Results) -> String {
    if results.replay.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = results.replay.iter().map(replayed).collect();
    format!(
        "\n## Replay\n\nRecorded decisions as columns, one thread. A row is one decision with its tally, interned, next to \
         the hand-written kernel on the same rows.\n\n\
         | rules | shape | agrees | whole replay | a row | kernel | times the kernel | corpus |\n\
         |---|---|---|---|---|---|---|---|\n{}\n",
        lines.join("\n")
    )
}
