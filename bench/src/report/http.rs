//! The service over HTTP.

use std::fmt::Write;

use super::labels::{thousands, three, time, times};
use crate::results::Results;

/// The table.
pub fn section(results: &Results) -> String {
    let http = &results.http;
    if http.services.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "\n## HTTP\n\n{} rules, {}, {} connections kept alive, on {} cores that client and service share. Busy: each connection \
         sends its next request as soon as it has its answer. Steady: half of the throughput, latency counted from when a \
         request was due. \"In the log\" is counted in the database at the end: decisions found there, of those \
         answered.\n\n\
         | service | what it acknowledged | agrees | requests/s (quartiles) | over the empty handler | over Cerbos | busy p50 | \
         steady p50 | p99 | client's cores | failures | in the log |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|\n",
        thousands(http.rules as f64),
        http.shape,
        http.connections,
        results.machine.cores,
    );
    for service in &http.services {
        let agreement = service.agreement.as_ref().map_or("—".to_owned(), |agreement| {
            format!("{} of {}", thousands(agreement.agreed as f64), thousands(agreement.checked as f64))
        });
        let logged = service.logged.map_or("—".to_owned(), |logged| {
            format!("{} of {}", thousands(logged.rows as f64), thousands(logged.answered as f64))
        });
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {agreement} | {} ({}–{}) | {} | {} | {} | {} | {} | {} | {} | {logged} |",
            service.name,
            service.durability,
            three(service.throughput.median),
            three(service.throughput.lower_quartile),
            three(service.throughput.upper_quartile),
            times(&service.over_empty),
            service.over_cerbos.as_ref().map_or("—".to_owned(), times),
            time(service.busy_p50.median * 1e3),
            time(service.steady.p50 * 1e3),
            time(service.steady.p99 * 1e3),
            three(service.busy.client_cores),
            service.busy.failures + service.steady.failures,
        );
    }
    text
}
