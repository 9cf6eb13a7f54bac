//! `countersign kpi`: key figures, from a server or computed from an exported audit record.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::ExitCode,
    time::SystemTime,
};

use clap::{Args, Subcommand};
use lifecycle::kpi::{self, Candidate, Event, Summary};
use policy::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, json};

use super::{
    audit::{Line, lines},
    client::Server,
    output::{Format, exit_code, print},
};
use crate::error::CliError;

/// Key figures of the last 30 days.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// One row: rates, latencies and the three alerts.
    #[command(after_help = "Example: countersign kpi summary --output json\n\
                      Example: countersign kpi summary --from audit.jsonl")]
    Summary {
        #[command(flatten)]
        source: Source,
        /// Exit with 1 when an alert is raised.
        #[arg(long)]
        fail_on_alert: bool,
    },
    /// One row for each candidate: the values its packet projected, and those realized.
    #[command(after_help = "Example: countersign kpi detail")]
    Detail {
        #[command(flatten)]
        source: Source,
    },
}

/// Source of the key figures.
#[derive(Debug, Args)]
pub struct Source {
    /// An exported audit record, or `-` for standard input. No server is asked.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// End of the 30 days, e.g. 2026-01-31T08:00:00Z; now, or the time of the export, when left out.
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    #[command(flatten)]
    server: Server,
}

/// Runs the command.
pub fn run(command: Command, format: Format) -> Result<ExitCode, CliError> {
    match command {
        Command::Summary { source, fail_on_alert } => {
            let summary: Summary = match &source.from {
                Some(file) => {
                    let (events, as_of) = read(file, source.as_of)?;
                    kpi::summary(&events, as_of)
                }
                None => source.get("/policy/kpis/summary")?,
            };
            print(format, &summary, || summary_text(&summary));
            Ok(exit_code(fail_on_alert && !summary.alert_reason_codes.is_empty()))
        }
        Command::Detail { source } => {
            let candidates: Vec<Candidate> = match &source.from {
                Some(file) => {
                    let (events, as_of) = read(file, source.as_of)?;
                    kpi::detail(&events, as_of)
                }
                None => {
                    let mut answer: Value = source.get("/policy/kpis/projected-vs-realized")?;
                    serde_json::from_value(answer.get_mut("candidates").map(Value::take).unwrap_or_default())
                        .map_err(|error| CliError::Unreachable(format!("the server answers something else: {error}")))?
                }
            };
            print(format, &json!({ "candidates": candidates }), || detail_text(&candidates));
            Ok(ExitCode::SUCCESS)
        }
    }
}

impl Source {
    fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        let as_of = self.as_of.map(|at| at.to_string());
        let query: Vec<(&str, &str)> = as_of.as_deref().map(|at| ("as_of", at)).into_iter().collect();
        self.server.client()?.get(path, &query)
    }
}

/// The events of an exported record, and the end of the window.
fn read(file: &Path, as_of: Option<Timestamp>) -> Result<(Vec<Event>, Timestamp), CliError> {
    let mut events = Vec::new();
    let mut exported = None;
    for line in lines(file)? {
        match line {
            Line::Entry(entry) => events.extend(Event::from_audit_entry(&entry)),
            Line::Closing(checkpoint, at) => {
                exported = Some(at.and_then(|at| at.parse().ok()).unwrap_or(checkpoint.at));
            }
        }
    }
    let now = || Timestamp::from(time::OffsetDateTime::from(SystemTime::now()));
    Ok((events, as_of.or(exported).unwrap_or_else(now)))
}

fn summary_text(summary: &Summary) -> String {
    let text = serde_json::to_string(summary).unwrap_or_default();
    let columns = serde_json::from_str::<Columns>(&text).map(|columns| columns.0).unwrap_or_default();
    let width = columns.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: Vec<String> = columns.iter().map(|(name, value)| format!("{name:width$}  {}", cell(value))).collect();
    lines.join("\n")
}

/// The columns of a row in their order, which a JSON object in memory loses.
struct Columns(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Row;
        impl<'de> Visitor<'de> for Row {
            type Value = Columns;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut row: A) -> Result<Columns, A::Error> {
                let mut columns = Vec::new();
                while let Some(column) = row.next_entry()? {
                    columns.push(column);
                }
                Ok(Columns(columns))
            }
        }
        deserializer.deserialize_map(Row)
    }
}

/// A value for people: a dash if nothing was measured, commas in a list.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn detail_text(candidates: &[Candidate]) -> String {
    if candidates.is_empty() {
        return "no candidate was replayed or measured in these 30 days".to_owned();
    }
    let number = |value: Option<i64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:+}"));
    let mut text = format!(
        "{:>9}  {:12}  {:>13}  {:>12}  {:>8}",
        "candidate", "version", "projected bps", "realized bps", "gap bps"
    );
    for row in candidates {
        text.push_str(&format!(
            "\n{:>9}  {:12}  {:>13}  {:>12}  {:>8}",
            row.candidate_id,
            row.version.as_deref().unwrap_or("–"),
            number(row.projected_margin_delta_bps),
            number(row.realized_margin_delta_bps),
            number(row.margin_gap_bps)
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_figures_are_computed_from_an_exported_record() {
        let text = "\
{\"seq\":1,\"at\":\"2026-03-01T00:00:00Z\",\"event_type\":\"applied\",\"subject_id\":\"7\",\"detail\":{\"version\":\"1.0.0\"}}\n\
{\"seq\":2,\"at\":\"2026-03-01T01:00:00Z\",\"event_type\":\"rolled_back\",\"subject_id\":\"7\",\"detail\":{}}\n";
        let file = std::env::temp_dir().join(format!("countersign-kpi-{}.jsonl", uuid::Uuid::now_v7()));
        std::fs::write(&file, text).unwrap();
        let (events, as_of) = read(&file, Some("2026-03-02T00:00:00Z".parse().unwrap())).unwrap();
        std::fs::remove_file(file).unwrap();
        let summary = kpi::summary(&events, as_of);
        assert_eq!((summary.rollback_rate_bps, summary.rollback_spike_alert), (Some(10_000), 1));
        let shown = summary_text(&summary);
        assert!(
            shown.contains("alert_reason_codes") && shown.contains("rollback_spike, false_positive_spike"),
            "{shown}"
        );
        assert!(shown.starts_with("window_start"), "the columns stand in the order of the view: {shown}");
        assert!(shown.contains("adoption_rate_bps") && shown.contains('–'), "{shown}");
    }
}
