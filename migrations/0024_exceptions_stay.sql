-- Exceptions name what their signer came through, as all signed records do. Exceptions and proposals are part of the
-- workspace's history, none of which is truncated.

alter table policy_packet_exceptions add column credential text;

create trigger append_only_truncate before truncate on policy_packet_exceptions
    for each statement execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on settings_proposals
    for each statement execute function countersign_refuse_change();
