-- Review packets and the signed actions of reviewers.

create table policy_packets (
    -- The hash of the content. Content that is submitted again after its packet was voided has the same id, in a new row.
    packet_id text not null,
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
    -- Copies of parts of the content, so that lists need not read it.
    bundle_version text not null,
    base_version text,
    notes text not null,
    risk_score_bps integer not null,
    required_approvals smallint not null,
    replay_checksum text not null
);
create index policy_packets_by_id on policy_packets (packet_id, row_id);
create index policy_packets_by_status on policy_packets (status, row_id);
-- At most one packet per bundle is in review or approved.
create unique index policy_packets_one_current on policy_packets (bundle_id) where status in ('in_review', 'approved');

create trigger no_delete before delete on policy_packets
    for each row execute function countersign_refuse_change();
-- What reviewers saw stays as it was: only the status of a packet may change.
create trigger status_only before update on policy_packets for each row
    when ((old.packet_id, old.row_id, old.bundle_id, old.bundle_revision, old.base_id, old.built_by, old.authors,
           old.built_at, old.content::text, old.corpus::text, old.bundle_version, old.base_version, old.notes,
           old.risk_score_bps, old.required_approvals, old.replay_checksum)
          is distinct from
          (new.packet_id, new.row_id, new.bundle_id, new.bundle_revision, new.base_id, new.built_by, new.authors,
           new.built_at, new.content::text, new.corpus::text, new.bundle_version, new.base_version, new.notes,
           new.risk_score_bps, new.required_approvals, new.replay_checksum))
    execute function countersign_refuse_change();

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
create trigger append_only before update or delete on policy_packet_actions
    for each row execute function countersign_refuse_change();
