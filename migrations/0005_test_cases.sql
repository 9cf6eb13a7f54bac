-- Test cases saved by authors, in addition to the built-in ones.

create table policy_fixtures (
    case_id text primary key,
    agent text not null,
    action text not null,
    context json not null,
    expected_effect text check (expected_effect in ('allow', 'deny', 'needs_approval')),
    created_by text not null,
    created_at timestamptz not null default now()
);
