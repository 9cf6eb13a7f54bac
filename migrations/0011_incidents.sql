-- Incidents, their timelines and their post-mortems.

-- The last number given in each year. Numbers have no gaps.
create table incident_numbers (
    year integer primary key,
    last integer not null
);

create table incidents (
    id text primary key,
    number bigint generated always as identity unique,
    title text not null,
    severity text not null check (severity in ('low', 'medium', 'high', 'critical')),
    status text not null check (status in ('open', 'acknowledged', 'mitigated', 'resolved', 'closed')),
    source text not null,
    agent text,
    bundle_id bigint references policy_bundles,
    bundle_version text,
    rollback_id bigint references policy_rollback_record,
    description text not null,
    created_by text not null,
    created_at timestamptz not null,
    ack_due_at timestamptz not null,
    investigate_due_at timestamptz not null,
    acknowledged_by text,
    acknowledged_at timestamptz,
    -- When the damage stopped, when the cause was gone, and when nothing was left to do.
    mitigated_at timestamptz,
    resolved_at timestamptz,
    closed_at timestamptz
);
create index incidents_by_status on incidents (status, number);
create index incidents_by_bundle on incidents (bundle_id, number);

create table incident_timeline (
    id bigint generated always as identity primary key,
    incident_id text not null references incidents,
    at timestamptz not null,
    actor text not null,
    text text not null,
    detail json not null
);
create index incident_timeline_by_incident on incident_timeline (incident_id, id);

-- Every save of a post-mortem is a revision of its own, and all revisions are kept.
create table incident_post_mortems (
    incident_id text not null references incidents,
    revision bigint not null check (revision > 0),
    markdown text not null,
    written_by text not null,
    written_at timestamptz not null,
    primary key (incident_id, revision)
);
create trigger append_only before update or delete on incident_post_mortems
    for each row execute function countersign_refuse_change();
