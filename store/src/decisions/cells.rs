//! The rows of counts: how they are added to.

use const_format::concatcp;

/// What a row of counts tells apart.
pub(super) const DIMENSIONS: &str = "stage, bundle_id, bundle_version, other_bundle_id, arm, mode, agent, action, effect, \
     status, other_effect, other_status, outcome";

/// What a row counts.
pub(super) const MEASURES: &str = "decisions, cost_count, cost_sum, cost_squares, cost_max, reported_cost_count, margin_count, \
     margin_sum, succeeded, latency_count, latency_sum, reported_at";

/// Adds what a statement counted to the row that exists.
pub(super) const ADD_TO_ROW: &str = "on conflict (at, span, writer, key) do update set
         decisions = c.decisions + excluded.decisions, cost_count = c.cost_count + excluded.cost_count,
         cost_sum = c.cost_sum + excluded.cost_sum, cost_squares = c.cost_squares + excluded.cost_squares,
         cost_max = greatest(c.cost_max, excluded.cost_max),
         reported_cost_count = c.reported_cost_count + excluded.reported_cost_count,
         margin_count = c.margin_count + excluded.margin_count, margin_sum = c.margin_sum + excluded.margin_sum,
         succeeded = c.succeeded + excluded.succeeded, latency_count = c.latency_count + excluded.latency_count,
         latency_sum = c.latency_sum + excluded.latency_sum,
         reported_at = greatest(c.reported_at, excluded.reported_at)";

/// Adds the rows of `changed` to this connection's counts. Each is a decision that enters a row of counts, or leaves it
/// (`decisions` is then -1). Sorted, so that two statements never wait for each other crosswise.
pub(super) const ADD_CHANGED: &str = concatcp!(
    "insert into policy_decision_counts as c (at, key, ",
    DIMENSIONS,
    ", ",
    MEASURES,
    ")
     select at, countersign_count_key(",
    DIMENSIONS,
    ") as key, ",
    DIMENSIONS,
    ", sum(decisions), coalesce(sum(decisions) filter (where cost is not null), 0),
         coalesce(sum(decisions * cost::numeric), 0), coalesce(sum(decisions * (cost * cost)::numeric), 0), max(cost),
         count(reported_cost), count(margin_bps), coalesce(sum(margin_bps::numeric), 0), count(*) filter (where succeeded),
         count(latency_ms), coalesce(sum(latency_ms::numeric), 0), max(reported_at)
     from (select date_bin('10 seconds', recorded_at, '2000-01-01 00:00+00') as at, stage, bundle_id, bundle_version,
               other_bundle_id, arm, mode, case when other_pair then 'other' else agent end as agent,
               case when other_pair then 'other' else action end as action, effect, status, other_effect, other_status,
               outcome, decisions, cost, reported_cost, margin_bps, succeeded, latency_ms, reported_at
           from changed) part
     group by at, ",
    DIMENSIONS,
    " order by at, key ",
    ADD_TO_ROW
);
