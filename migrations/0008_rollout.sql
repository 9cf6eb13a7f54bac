-- Signed records of the rollout: each step of traffic given to a bundle, and each rollback.

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
    signature text not null,
    -- Checksum of what was served after the step; null in records written before there was one.
    verification_checksum text
);
create index policy_apply_record_by_bundle on policy_apply_record (bundle_id, id);
create trigger append_only before update or delete on policy_apply_record
    for each row execute function countersign_refuse_change();

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
    signature text not null,
    -- As in `policy_apply_record`.
    verification_checksum text
);
create index policy_rollback_record_by_bundle on policy_rollback_record (bundle_id, id);
create trigger append_only before update or delete on policy_rollback_record
    for each row execute function countersign_refuse_change();
