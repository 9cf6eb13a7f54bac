-- Review packets, what reviewers did with them, and the signed records of rollouts.

create table policy_packets (
    packet_id text not null,
    -- The same content submitted again after it was voided is a new row with the same id.
    row_id bigint generated always as identity primary key,
    bundle_id bigint not null references policy_bundles,
    bundle_revision bigint not null,
    base_id bigint references policy_bundles,
    status text not null check (status in ('in_review', 'approved', 'rejected', 'changes_requested', 'void')),
    built_by text not null,
    authors text[] not null,
    built_at timestamptz not null,
    content json not null,
    corpus json not null,
    -- Copied out of the content for lists.
    bundle_version text not null,
    base_version text,
    notes text not null,
    risk_score_bps integer not null,
    required_approvals smallint not null,
    replay_checksum text not null
);
create index policy_packets_by_id on policy_packets (packet_id, row_id);
create index policy_packets_by_status on policy_packets (status, row_id);
-- At most one packet of a bundle is open or approved.
create unique index policy_packets_one_current on policy_packets (bundle_id) where status in ('in_review', 'approved');

create table policy_packet_actions (
    id bigint generated always as identity primary key,
    packet_row bigint not null references policy_packets,
    packet_id text not null,
    idempotency_key text not null,
    actor text not null,
    roles text[] not null,
    decision text not null check (decision in ('approve', 'reject', 'request_changes')),
    reason text,
    at timestamptz not null,
    expires_at timestamptz not null,
    key_id text not null,
    signature text not null,
    constraint policy_packet_actions_once unique (packet_row, idempotency_key)
);
create index policy_packet_actions_by_packet on policy_packet_actions (packet_row, id);

create table policy_apply_record (
    id bigint generated always as identity primary key,
    bundle_id bigint not null references policy_bundles,
    version text not null,
    digest text not null,
    packet_id text,
    from_pct smallint not null,
    to_pct smallint not null,
    actor text not null,
    at timestamptz not null,
    key_id text not null,
    signature text not null
);
create index policy_apply_record_by_bundle on policy_apply_record (bundle_id, id);

create table policy_rollback_record (
    id bigint generated always as identity primary key,
    bundle_id bigint not null references policy_bundles,
    version text not null,
    digest text not null,
    from_pct smallint not null,
    restored_bundle_id bigint not null references policy_bundles,
    restored_version text not null,
    reason text not null,
    actor text not null,
    on_behalf_of text,
    rollback_triggered_at timestamptz not null,
    rolled_back_at timestamptz not null,
    incident_id text,
    key_id text not null,
    signature text not null
);
create index policy_rollback_record_by_bundle on policy_rollback_record (bundle_id, id);

create trigger no_delete before delete on policy_packets
    for each row execute function countersign_refuse_change();
create trigger append_only before update or delete on policy_packet_actions
    for each row execute function countersign_refuse_change();
create trigger append_only before update or delete on policy_apply_record
    for each row execute function countersign_refuse_change();
create trigger append_only before update or delete on policy_rollback_record
    for each row execute function countersign_refuse_change();
