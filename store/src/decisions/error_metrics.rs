//! Error rates over a recent window.

use lifecycle::{
    metrics::{BundleErrors, ErrorMetrics},
    problem::Problem,
};

use super::counts::rate;
use crate::{Result, Store};

/// Longest window, in seconds.
const MAX_SECONDS: u64 = 7 * 86_400;

#[derive(sqlx::FromRow)]
struct Row {
    bundle_id: Option<i64>,
    version: Option<String>,
    total: i64,
    errors: i64,
}

/// Errors over the last `window`: a number followed by `s`, `m`, `h` or `d`, e.g. `5m`. Takes no actor: operators who
/// follow a runbook read it without signing in, and it does not show what was decided.
///
/// # Errors
/// A window that is malformed, zero or longer than 7 days.
pub async fn error_metrics(store: &Store, window: &str) -> Result<ErrorMetrics> {
    let seconds = seconds(window).ok_or_else(|| {
        Problem::invalid_field(
            "/window",
            format!("`{window}` is not a window: write `30s`, `5m`, `24h` or `7d` at most"),
        )
    })?;
    let rows: Vec<Row> = sqlx::query_as(
        "select bundle_id, max(bundle_version) as version, sum(decisions)::int8 as total,
             coalesce(sum(decisions) filter (where status = 'error' or outcome = 'error'), 0)::int8 as errors
         from policy_decision_counts
         where at > now() - make_interval(secs => $1) - make_interval(secs => span)
             and at > now() - make_interval(secs => $1) - interval '1 hour'
         group by bundle_id having sum(decisions) > 0 order by total desc, bundle_id",
    )
    .bind(seconds)
    .fetch_all(store.pool())
    .await?;
    let by_bundle: Vec<BundleErrors> = rows
        .into_iter()
        .map(|row| {
            let (total, errors) = (row.total.unsigned_abs(), row.errors.unsigned_abs());
            BundleErrors {
                bundle_id: row.bundle_id,
                version: row.version,
                total,
                errors,
                error_rate: rate(errors, total),
            }
        })
        .collect();
    let total = by_bundle.iter().map(|bundle| bundle.total).sum();
    let errors = by_bundle.iter().map(|bundle| bundle.errors).sum();
    Ok(ErrorMetrics { window: window.to_owned(), total, errors, error_rate: rate(errors, total), by_bundle })
}

fn seconds(window: &str) -> Option<f64> {
    let unit = window.chars().last()?;
    let number: u64 = window.strip_suffix(unit)?.parse().ok()?;
    let size = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let seconds = number.checked_mul(size).filter(|seconds| (1..=MAX_SECONDS).contains(seconds))?;
    Some(seconds as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_a_number_and_a_unit() {
        assert_eq!(seconds("5m"), Some(300.0));
        assert_eq!(seconds("7d"), Some(604_800.0));
        for wrong in ["", "5", "m", "0s", "8d", "-5m", "5 m", "99999999999999999999d", "5é"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }
}
