-- The decision log, and the outcomes that agents report afterwards.

create table policy_decisions (
    -- Orders decisions of the same moment. Each connection reserves 64 numbers at a time, which keeps writing fast;
    -- unused numbers leave gaps.
    seq bigint generated always as identity (cache 64),
    decision_id text primary key,
    decided_at timestamptz not null,
    agent text not null,
    action text not null,
    subject text not null,
    -- `json`, not `jsonb`: kept byte for byte, and `jsonb` refuses some strings that JSON allows.
    context json not null,
    effect text not null,
    status text not null,
    matched_rule text,
    reason text not null,
    budget json,
    -- US dollars. A copy of the budget's cost, so that averages need not parse the budget.
    cost double precision,
    bundle_id bigint,
    bundle_version text,
    bundle_digest text,
    arm text not null,
    mode text not null,
    errors json,
    -- What the other arm decided, while there was a canary or a shadow.
    other_bundle_id bigint,
    other_version text,
    other_digest text,
    other_effect text,
    other_status text,
    other_rule text
);
-- Pages are ordered by (decided_at, seq); each common filter has an index of its own.
create index policy_decisions_by_time on policy_decisions (decided_at, seq);
create index policy_decisions_by_bundle on policy_decisions (bundle_id, decided_at, seq);
-- Deliberately narrow. Decisions are written far more often than an agent's page is read, and a wider index, with the
-- action, took a third of the time of each write.
create index policy_decisions_by_agent on policy_decisions (agent, decided_at);
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
