-- Counts of decisions, written in the transaction that records them, from which every figure is read: the log itself is
-- never added up. A row is of one span of time, one stage and one writer, and what it counts shares everything that
-- figures tell apart. A job adds rows together later: those of all writers, then of a minute, ten minutes, an hour.

create table policy_decision_counts (
    -- The start of the span, and its length in seconds: 10, 60, 600 or 3600.
    at timestamptz not null,
    span integer not null default 10,
    -- The connection that wrote the row, so that no two wait for each other; 0 once rows were added together.
    writer integer not null default pg_backend_pid(),
    -- A hash of the values that are distinguished, in this order.
    key uuid not null,
    -- As in `policy_decisions`.
    stage timestamptz,
    bundle_id bigint,
    bundle_version text,
    other_bundle_id bigint,
    arm text not null,
    mode text not null,
    -- Both `other` for a pair beyond the thousandth of a minute; both null in spans longer than 10 seconds.
    agent text,
    action text,
    effect text not null,
    status text not null,
    other_effect text,
    other_status text,
    -- What was reported about the decisions: `ok`, `error`, or null for nothing. A report moves a decision from one row to
    -- another.
    outcome text,
    decisions bigint not null,
    -- Known costs, as reported, otherwise as the rule's budget says. Exact, so that moving a decision leaves nothing.
    cost_count bigint not null,
    cost_sum numeric not null,
    cost_squares numeric not null,
    -- No cost here is higher. A report that lowers a cost may leave it.
    cost_max double precision,
    -- Of these costs, the reported ones.
    reported_cost_count bigint not null,
    margin_count bigint not null,
    margin_sum numeric not null,
    -- Decisions that were carried out with success.
    succeeded bigint not null,
    latency_count bigint not null,
    latency_sum numeric not null,
    -- When an outcome was last reported.
    reported_at timestamptz,
    primary key (at, span, writer, key)
) with (fillfactor = 60);
create index policy_decision_counts_by_bundle on policy_decision_counts (bundle_id, at);

-- The pairs of agent and action that are counted by name, at most a thousand a minute.
create table policy_counted_pairs (
    minute timestamptz not null,
    agent text not null,
    action text not null,
    primary key (minute, agent, action)
);

-- Adds these pairs to those of this minute, as long as there is room, and returns the ones that are now among them. Each
-- statement sees what others committed meanwhile.
create function countersign_count_pairs(agents text[], actions text[]) returns table (agent text, action text)
language plpgsql volatile as $$
declare
    this timestamptz := date_trunc('minute', now());
begin
    perform pg_advisory_xact_lock(hashtext('countersign_count_pairs'));
    insert into policy_counted_pairs
        select this, new.agent, new.action
        from (select distinct a.agent, a.action from unnest(agents, actions) a (agent, action)) new
        where not exists (select from policy_counted_pairs p
            where p.minute = this and p.agent = new.agent and p.action = new.action)
        order by new.agent, new.action
        limit greatest(1000 - (select count(*) from policy_counted_pairs p where p.minute = this), 0)
        on conflict do nothing;
    return query select p.agent, p.action from policy_counted_pairs p
        join (select distinct a.agent, a.action from unnest(agents, actions) a (agent, action)) new
            on p.agent = new.agent and p.action = new.action
        where p.minute = this;
end
$$;

-- Whom the decisions of a stage were about: in each of 4096 buckets of the hashes of subjects, the number of decisions,
-- the longest run of zeros in a hash, and which of the bucket's 64 parts had any subject. The largest subject has at most
-- its bucket's decisions; the number of distinct subjects follows to within 1 % up to a million.
create table policy_stage_subjects (
    stage timestamptz not null,
    bundle_id bigint not null,
    bucket smallint not null,
    -- As in `policy_decision_counts`.
    writer integer not null default pg_backend_pid(),
    decisions bigint not null,
    zeros smallint not null,
    seen bigint not null,
    primary key (stage, bundle_id, bucket, writer)
) with (fillfactor = 60);

-- The hash under which a row of counts is found.
create function countersign_count_key(stage timestamptz, bundle_id bigint, bundle_version text, other_bundle_id bigint,
    arm text, mode text, agent text, action text, effect text, status text, other_effect text, other_status text,
    outcome text) returns uuid language sql immutable parallel safe as $$
    select md5(row(extract(epoch from stage), bundle_id, bundle_version, other_bundle_id, arm, mode, agent, action, effect,
        status, other_effect, other_status, outcome)::text)::uuid
$$;

-- For the newest start of a stage, which every batch of decisions asks for.
create index policy_bundles_by_stage on policy_bundles (stage_started_at);

-- Everything that was recorded so far, in the spans that rows of its age have.
insert into policy_decision_counts
    select at, span, 0, countersign_count_key(stage, bundle_id, bundle_version, other_bundle_id, arm, mode, agent, action,
            effect, status, other_effect, other_status, outcome),
        stage, bundle_id, bundle_version, other_bundle_id, arm, mode, agent, action, effect, status, other_effect,
        other_status, outcome, count(*), count(cost), coalesce(sum(cost::numeric), 0),
        coalesce(sum((cost * cost)::numeric), 0), max(cost), count(reported_cost), count(margin_bps),
        coalesce(sum(margin_bps::numeric), 0), count(*) filter (where succeeded), count(latency_ms),
        coalesce(sum(latency_ms::numeric), 0), max(reported_at)
    from (
        select case when d.recorded_at < now() - interval '25 hours' then date_bin('1 hour', d.recorded_at, '2000-01-01 00:00+00')
                when d.recorded_at < now() - interval '2 hours' then date_bin('10 minutes', d.recorded_at, '2000-01-01 00:00+00')
                when d.recorded_at < now() - interval '15 minutes' then date_trunc('minute', d.recorded_at)
                else date_bin('10 seconds', d.recorded_at, '2000-01-01 00:00+00') end as at,
            case when d.recorded_at < now() - interval '25 hours' then 3600
                when d.recorded_at < now() - interval '2 hours' then 600
                when d.recorded_at < now() - interval '15 minutes' then 60 else 10 end as span,
            d.stage, d.bundle_id, d.bundle_version, d.other_bundle_id, d.arm, d.mode,
            case when d.recorded_at >= now() - interval '15 minutes' then d.agent end as agent,
            case when d.recorded_at >= now() - interval '15 minutes' then d.action end as action,
            d.effect, d.status, d.other_effect, d.other_status, o.status as outcome,
            coalesce(o.cost, d.cost) as cost, o.cost as reported_cost, o.margin_bps,
            coalesce(o.success, o.status = 'ok') as succeeded, o.latency_ms, o.reported_at
        from policy_decisions d left join policy_decision_outcomes o using (decision_id, recorded_at)) counted
    group by at, span, stage, bundle_id, bundle_version, other_bundle_id, arm, mode, agent, action, effect, status,
        other_effect, other_status, outcome;
-- The hash of a subject: 12 bits say its bucket, 48 bits have the zeros, 6 bits say its part.
insert into policy_stage_subjects (stage, bundle_id, bucket, writer, decisions, zeros, seen)
    select stage, bundle_id, ((get_byte(hash, 0) & 15) << 8) | get_byte(hash, 1), 0, sum(decisions),
        max(coalesce(nullif(strpos(('x' || encode(substr(hash, 3, 6), 'hex'))::bit(48)::text, '1'), 0) - 1, 48)),
        bit_or(1::bigint << (get_byte(hash, 8) & 63))
    from (select stage, bundle_id, sha256(convert_to(subject, 'UTF8')) as hash, count(*) as decisions from policy_decisions
        where stage is not null and bundle_id is not null group by stage, bundle_id, subject) subjects
    group by 1, 2, 3;
