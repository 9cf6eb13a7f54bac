-- Key figures of the governance process, computed from the audit record. `lifecycle::kpi` computes the same figures from
-- an exported file: change both together.

-- Integer division, rounded half away from zero; null unless the divisor is positive.
create function clo_quotient(total numeric, n numeric) returns bigint language sql immutable as $$
    select case when n > 0 then (sign(total) * div(2 * abs(total) + n, 2 * n))::bigint end
$$;

-- The audit entries that the figures count, with the values they use.
create view clo_kpi_events as
select seq, at,
    case when event_type = 'manual_failover' then 'rolled_back' else event_type end as event,
    case when event_type in ('packet_built', 'approved', 'rejected', 'changes_requested')
        then (detail ->> 'bundle_id')::bigint else subject_id::bigint end as candidate_id,
    case when event_type in ('packet_built', 'approved', 'rejected', 'changes_requested') then subject_id end as packet_id,
    detail ->> 'version' as version,
    event_type = 'approved' and coalesce(detail ->> 'to_state', '') = 'approved' as accepted,
    coalesce((detail ->> 'deterministic_pass')::boolean, false) as deterministic,
    case when json_typeof(detail -> 'blockers') = 'array' then json_array_length(detail -> 'blockers') > 0 else false end
        as unsafe,
    case when event_type = 'rolled_back' then (detail ->> 'rollback_triggered_at')::timestamptz end as triggered_at,
    round((deltas ->> 'margin_delta_bps')::numeric)::bigint as margin_delta_bps,
    round((deltas ->> 'success_delta_bps')::numeric)::bigint as success_delta_bps,
    (deltas ->> 'approval_latency_delta_ms')::double precision / 1000 as approval_latency_delta_seconds
from policy_lifecycle_audit
cross join lateral (select case event_type
    when 'packet_built' then detail -> 'projected_kpis' when 'monitored' then detail -> 'realized_kpis' end as deltas) part
where event_type in ('packet_built', 'approved', 'rejected', 'changes_requested', 'applied', 'rolled_back', 'monitored')
    or (event_type = 'manual_failover' and detail ->> 'to_state' = 'rolled_back');

-- Per candidate: what its last packet projected, and what was last measured, in the 30 days before `as_of`.
create function clo_kpi_projected_vs_realized_detail_at(as_of timestamptz) returns table (
    candidate_id bigint, version text, replayed_at timestamptz, monitored_at timestamptz,
    projected_margin_delta_bps bigint, realized_margin_delta_bps bigint,
    projected_success_delta_bps bigint, realized_success_delta_bps bigint,
    projected_approval_latency_delta_seconds double precision, realized_approval_latency_delta_seconds double precision,
    margin_gap_bps bigint
) language sql stable as $$
    with shown as (
        select * from clo_kpi_events where at >= as_of - interval '720 hours' and at < as_of
    ), projected as (
        select distinct on (candidate_id) * from shown where event = 'packet_built' order by candidate_id, seq desc
    ), realized as (
        select distinct on (candidate_id) * from shown where event = 'monitored' order by candidate_id, seq desc
    ), named as (
        select distinct on (candidate_id) candidate_id, version from shown
        where event in ('packet_built', 'monitored') and version is not null order by candidate_id, seq desc
    )
    select coalesce(p.candidate_id, r.candidate_id), n.version, p.at, r.at, p.margin_delta_bps, r.margin_delta_bps,
        p.success_delta_bps, r.success_delta_bps, p.approval_latency_delta_seconds, r.approval_latency_delta_seconds,
        p.margin_delta_bps - r.margin_delta_bps
    from projected p full join realized r on r.candidate_id = p.candidate_id
    left join named n on n.candidate_id = coalesce(p.candidate_id, r.candidate_id)
    order by abs(p.margin_delta_bps - r.margin_delta_bps) desc nulls last, 1
$$;

-- All figures and alerts for the 30 days before `as_of`.
create function clo_kpi_summary_at(as_of timestamptz) returns table (
    window_start timestamptz, window_end timestamptz, candidate_throughput_count bigint, review_decision_count bigint,
    approved_count bigint, adoption_rate_bps bigint, applied_candidate_count bigint, rolled_back_candidate_count bigint,
    rollback_rate_bps bigint, false_positive_candidate_count bigint, false_positive_rate_bps bigint,
    avg_approval_latency_seconds double precision, projected_outcome_sample_count bigint,
    realized_outcome_sample_count bigint, projected_vs_realized_sample_size bigint,
    avg_projected_margin_delta_bps bigint, avg_realized_margin_delta_bps bigint,
    avg_projected_vs_realized_margin_gap_bps bigint, candidate_acceptance_rate_bps bigint,
    unsafe_candidate_block_rate_bps bigint, replay_determinism_rate_bps bigint, rollback_count bigint,
    rollback_mttr_seconds double precision, rollback_spike_alert integer, false_positive_alert integer,
    margin_gap_alert integer, alert_reason_codes text[]
) language sql stable as $$
    with events as materialized (
        select * from clo_kpi_events where at < as_of
    ), shown as (
        select * from events where at >= as_of - interval '720 hours'
    ), counts as (
        select count(distinct candidate_id) filter (where event = 'packet_built') as built,
            count(*) filter (where event = 'packet_built') as packets,
            count(*) filter (where event = 'packet_built' and deterministic) as deterministic,
            count(distinct candidate_id) filter (where event = 'packet_built' and unsafe) as unsafe,
            count(*) filter (where event in ('approved', 'rejected', 'changes_requested')) as decisions,
            count(*) filter (where event = 'approved') as approved,
            count(distinct candidate_id) filter (where event = 'applied') as applied,
            count(distinct candidate_id) filter (where event = 'rolled_back') as rolled_back,
            count(*) filter (where event = 'rolled_back') as rollbacks,
            count(*) filter (where triggered_at is not null) as timed,
            sum(greatest(extract(epoch from at - triggered_at), 0) * 1000000) as recovery
        from shown
    ), accepted as (
        select count(distinct candidate_id) as n from shown s where accepted
            and exists (select from shown b where b.event = 'packet_built' and b.candidate_id = s.candidate_id)
    ), false_positives as (
        select count(distinct candidate_id) as n from shown r where event = 'rolled_back'
            and exists (select from shown a where a.event = 'applied' and a.candidate_id = r.candidate_id and a.seq < r.seq)
    ), slipped_through as (
        select count(distinct candidate_id) as n from shown a where event = 'applied'
            and exists (select from shown b where b.event = 'packet_built' and b.unsafe and b.candidate_id = a.candidate_id)
            and (select b.unsafe from events b
                 where b.event = 'packet_built' and b.candidate_id = a.candidate_id and b.seq < a.seq
                 order by b.seq desc limit 1)
    ), rounds as (
        -- A packet that was voided and submitted again begins a new round.
        select packet_id, seq, at, lead(seq) over (partition by packet_id order by seq) as next_seq
        from events where event = 'packet_built'
    ), firsts as (
        select r.at as built_at, d.at as decided_at from rounds r
        cross join lateral (select e.at from events e
            where e.event in ('approved', 'rejected', 'changes_requested') and e.packet_id = r.packet_id and e.seq > r.seq
                and (r.next_seq is null or e.seq < r.next_seq) order by e.seq limit 1) d
    ), latency as (
        select count(*) as n, sum(greatest(extract(epoch from decided_at - built_at), 0) * 1000000) as micros
        from firsts where decided_at >= as_of - interval '720 hours'
    ), margins as (
        select count(projected_margin_delta_bps) as projected, count(realized_margin_delta_bps) as realized,
            count(margin_gap_bps) as overlap, sum(projected_margin_delta_bps) as projected_sum,
            sum(realized_margin_delta_bps) as realized_sum, sum(margin_gap_bps) as gap_sum
        from clo_kpi_projected_vs_realized_detail_at(as_of)
    ), rates as (
        select clo_quotient(10000 * c.rolled_back, c.applied) as rollback_rate,
            clo_quotient(10000 * f.n, c.applied) as false_positive_rate,
            clo_quotient(m.gap_sum, m.overlap) as gap
        from counts c, false_positives f, margins m
    ), alerts as (
        select coalesce(rollback_rate > 1500, false) as rollback_spike,
            coalesce(false_positive_rate > 1000, false) as false_positive_spike,
            coalesce(abs(gap) > 200, false) as margin_gap_drift
        from rates
    )
    select as_of - interval '720 hours', as_of, c.built, c.decisions, c.approved, clo_quotient(10000 * c.approved, c.decisions),
        c.applied, c.rolled_back, rates.rollback_rate, f.n, rates.false_positive_rate,
        clo_quotient(latency.micros, latency.n * 1000)::double precision / 1000,
        m.projected, m.realized, m.overlap,
        clo_quotient(m.projected_sum, m.projected), clo_quotient(m.realized_sum, m.realized), rates.gap,
        clo_quotient(10000 * accepted.n, c.built), clo_quotient(10000 * (c.unsafe - slipped_through.n), c.unsafe),
        clo_quotient(10000 * c.deterministic, c.packets), c.rollbacks,
        clo_quotient(c.recovery, c.timed * 1000)::double precision / 1000,
        rollback_spike::integer, false_positive_spike::integer, margin_gap_drift::integer,
        array_remove(array[
            case when rollback_spike then 'rollback_spike' end,
            case when false_positive_spike then 'false_positive_spike' end,
            case when margin_gap_drift then 'margin_gap_drift' end], null)
    from counts c, accepted, false_positives f, slipped_through, latency, margins m, rates, alerts
$$;

-- The 30 days until now, under the names that operators query.
create view clo_kpi_summary_v1 as select * from clo_kpi_summary_at(now());
create view clo_kpi_projected_vs_realized_detail_v1 as select * from clo_kpi_projected_vs_realized_detail_at(now());
