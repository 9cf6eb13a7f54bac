//! The service over HTTP.

use std::fmt::Write;

use super::words::{thousands, three, time, times};
use crate::results::Results;

/// The table.
pub fn section(results: &Results) -> String {
    let http = &results.http;
    if http.services.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "\n## HTTP\n\n{} rules, {}, on {} cores that client and service share. Steady: half of the throughput, latency counted from \
         when a request was due.\n\n\
         | service | what it acknowledged | agrees | requests/s | ours over it | steady p50 | p99 | client's cores |\n\
         |---|---|---|---|---|---|---|---|\n",
        thousands(http.rules as f64),
        http.shape,
        results.machine.cores,
    );
    for service in &http.services {
        let agreement = service.agreement.as_ref().map_or("—".to_owned(), |agreement| {
            format!("{} of {}", thousands(agreement.agreed as f64), thousands(agreement.checked as f64))
        });
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {agreement} | {} | {} | {} | {} | {} |",
            service.name,
            service.durability,
            three(service.throughput.median),
            times(&service.ours_over),
            time(service.steady.p50 * 1e3),
            time(service.steady.p99 * 1e3),
            three(service.busy.client_cores),
        );
    }
    text
}
