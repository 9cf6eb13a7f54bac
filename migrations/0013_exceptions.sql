-- Signatures on exceptions to failed guardrails. An exception belongs to one packet, and is void with it.

create table policy_packet_exceptions (
    id bigint generated always as identity primary key,
    packet_row bigint not null references policy_packets,
    packet_id text not null,
    guardrail text not null check (guardrail in ('margin_delta', 'success_delta', 'approval_load_delta',
        'hard_violation_delta')),
    reason text not null,
    actor text not null,
    roles text[] not null,
    at timestamptz not null,
    key_id text not null,
    signature text not null
);
create index policy_packet_exceptions_by_packet on policy_packet_exceptions (packet_row, id);
create trigger append_only before update or delete on policy_packet_exceptions
    for each row execute function countersign_refuse_change();
