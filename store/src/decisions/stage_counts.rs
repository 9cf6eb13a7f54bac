//! What gates and watch go by: the counts of a bundle since a time.

use const_format::concatcp;
use lifecycle::{
    metrics::ArmStats,
    rollout::counts::{ArmCounts, CostCounts, Coverage, PairCounts},
};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::counts::SINCE;
use crate::Result;

/// Which answers of a bundle are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    /// Those that it served.
    Served,
    /// Those that it would have served as a shadow. They have neither outcome nor cost.
    Shadow,
}

/// What one bundle did in a time.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Counted {
    /// The decisions. Whom they are about is counted elsewhere.
    pub arm: ArmCounts,
    /// Those that the other bundle answered as well. The other bundle is what is called stable here.
    pub pairs: PairCounts,
    /// Decisions since `recent_since`.
    pub recent: u64,
}

#[derive(sqlx::FromRow)]
struct Row {
    decisions: i64,
    allow: i64,
    deny: i64,
    needs_approval: i64,
    no_match: i64,
    failed: i64,
    outcomes: i64,
    costed: i64,
    compared: i64,
    pair_deny: i64,
    other_deny: i64,
    pair_no_match: i64,
    other_no_match: i64,
    recent: i64,
}

/// A time in which decisions are counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// From then on.
    pub since: OffsetDateTime,
    /// Decisions from then on are counted as recent as well.
    pub recent_since: OffsetDateTime,
    /// Costs above it are cut, USD; `None` cuts nothing.
    pub cost_bound: Option<f64>,
}

const COUNT: &str = concatcp!(
    "with answers as (
         select at, stage, decisions, effect, status, other_bundle_id as other, other_effect, other_status, outcome, cost_count
         from policy_decision_counts where $3 and bundle_id = $2
         union all
         select at, stage, decisions, other_effect, other_status, bundle_id, effect, status, null, 0
         from policy_decision_counts where not $3 and other_bundle_id = $2
     )
     select coalesce(sum(decisions), 0)::int8 as decisions,
         coalesce(sum(decisions) filter (where effect = 'allow'), 0)::int8 as allow,
         coalesce(sum(decisions) filter (where effect = 'deny'), 0)::int8 as deny,
         coalesce(sum(decisions) filter (where effect = 'needs_approval'), 0)::int8 as needs_approval,
         coalesce(sum(decisions) filter (where status = 'no_match'), 0)::int8 as no_match,
         coalesce(sum(decisions) filter (where status = 'error' or outcome = 'error'), 0)::int8 as failed,
         coalesce(sum(decisions) filter (where effect = 'allow' and outcome is not null), 0)::int8 as outcomes,
         coalesce(sum(cost_count) filter (where effect = 'allow'), 0)::int8 as costed,
         coalesce(sum(decisions) filter (where other is not null), 0)::int8 as compared,
         coalesce(sum(decisions) filter (where other is not null and effect = 'deny'), 0)::int8 as pair_deny,
         coalesce(sum(decisions) filter (where other is not null and other_effect = 'deny'), 0)::int8 as other_deny,
         coalesce(sum(decisions) filter (where other is not null and status = 'no_match'), 0)::int8 as pair_no_match,
         coalesce(sum(decisions) filter (where other is not null and other_status = 'no_match'), 0)::int8 as other_no_match,
         coalesce(sum(decisions) filter (where at >= $4 or stage >= $4), 0)::int8 as recent
     from answers where ",
    SINCE
);

/// Counts the answers of a bundle.
pub(crate) async fn stage_counts(
    db: &mut PgConnection,
    bundle_id: i64,
    answers: Answers,
    window: Window,
) -> Result<Counted> {
    let row: Row = sqlx::query_as(COUNT)
        .bind(window.since)
        .bind(bundle_id)
        .bind(answers == Answers::Served)
        .bind(window.recent_since)
        .fetch_one(&mut *db)
        .await?;
    let costs = match answers {
        Answers::Served => costs(db, bundle_id, window).await?,
        Answers::Shadow => CostCounts::default(),
    };
    Ok(row.counted(costs))
}

/// Adds up by hours. Counts say how many costs there were, their sum and their squares, and the highest; what was cut off
/// follows from them as long as nothing was. Only the hours with a cost above the bound, which are rare, are read from the
/// log, each within its time. Hours whose day was archived are then left out.
const COSTS: &str = concatcp!(
    "with hours as materialized (
         select date_bin('1 hour', at, '2000-01-01 00:00+00') as hour, sum(cost_count)::int8 as costs,
             sum(cost_sum)::float8 as cost_sum, sum(cost_squares)::float8 as squares, max(cost_max) > $3 as beyond
         from policy_decision_counts where bundle_id = $2 and ",
    SINCE,
    " group by 1
     ), parts as (
         select costs, cost_sum, cost_sum as cut_sum, squares, 0::int8 as cut from hours where beyond is not true
         union all
         select logged.* from hours cross join lateral (
             select count(cost), sum(cost), sum(least(cost, $3)) filter (where cost is not null),
                 sum(least(cost, $3) ^ 2) filter (where cost is not null), count(*) filter (where cost > $3)
             from (select coalesce(o.cost, d.cost) as cost from policy_decisions d
                   left join policy_decision_outcomes o on o.decision_id = d.decision_id and o.recorded_at = d.recorded_at
                       and o.recorded_at >= hour and o.recorded_at < hour + interval '1 hour'
                   where d.bundle_id = $2 and d.recorded_at >= $1 and d.recorded_at >= hour
                       and d.recorded_at < hour + interval '1 hour') found
         ) logged where beyond
     )
     select coalesce(sum(costs), 0)::int8, coalesce(sum(cost_sum), 0), coalesce(sum(cut_sum), 0), coalesce(sum(squares), 0),
         coalesce(sum(cut), 0)::int8
     from parts"
);

/// The costs of what a bundle served. The cost of a decision is the reported cost, otherwise the budget of its rule,
/// otherwise it is unknown.
async fn costs(db: &mut PgConnection, bundle_id: i64, window: Window) -> Result<CostCounts> {
    let (count, sum, cut_sum, cut_sum_of_squares, cut): (i64, f64, f64, f64, i64) =
        sqlx::query_as(COSTS).bind(window.since).bind(bundle_id).bind(window.cost_bound).fetch_one(db).await?;
    Ok(CostCounts { count: count.unsigned_abs(), sum, cut_sum, cut_sum_of_squares, cut: cut.unsigned_abs() })
}

impl Row {
    fn counted(self, costs: CostCounts) -> Counted {
        let count = i64::unsigned_abs;
        let allow = count(self.allow);
        let arm = ArmCounts {
            stats: ArmStats {
                decisions: count(self.decisions),
                allow,
                deny: count(self.deny),
                needs_approval: count(self.needs_approval),
                no_match: count(self.no_match),
                errors: count(self.failed),
                avg_cost: costs.average(),
            },
            outcomes: Coverage { known: count(self.outcomes), expected: allow },
            costed: Coverage { known: count(self.costed), expected: allow },
            costs,
            subjects: None,
        };
        let pairs = PairCounts {
            compared: count(self.compared),
            deny: count(self.pair_deny),
            stable_deny: count(self.other_deny),
            no_match: count(self.pair_no_match),
            stable_no_match: count(self.other_no_match),
        };
        Counted { arm, pairs, recent: count(self.recent) }
    }
}
