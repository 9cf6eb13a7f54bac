-- The decision log, and what happened after each decision.

create table policy_decisions (
    seq bigint generated always as identity,
    decision_id text primary key,
    decided_at timestamptz not null,
    agent text not null,
    action text not null,
    subject text not null,
    -- `json`, not `jsonb`: kept as it came, and jsonb refuses some strings that JSON allows.
    context json not null,
    effect text not null,
    status text not null,
    matched_rule text,
    reason text not null,
    budget json,
    -- USD out of the budget, so that averages need not open it.
    cost double precision,
    bundle_id bigint,
    bundle_version text,
    bundle_digest text,
    arm text not null,
    mode text not null,
    errors json,
    other_bundle_id bigint,
    other_version text,
    other_digest text,
    other_effect text,
    other_status text,
    other_rule text
);
-- Pages go by (decided_at, seq); each filter that people use has its own way in.
create index policy_decisions_by_time on policy_decisions (decided_at, seq);
create index policy_decisions_by_bundle on policy_decisions (bundle_id, decided_at, seq);
create index policy_decisions_by_agent on policy_decisions (agent, action, decided_at, seq);
create index policy_decisions_unusual on policy_decisions (status, decided_at, seq) where status <> 'matched';

create table policy_decision_outcomes (
    decision_id text primary key references policy_decisions,
    status text not null check (status in ('ok', 'error')),
    cost double precision,
    margin_bps double precision,
    success boolean,
    latency_ms double precision,
    note text,
    reported_at timestamptz not null,
    reported_by text not null
);
