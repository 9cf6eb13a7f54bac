-- Signed reports of rollback drills. A drill leaves nothing else behind.

create table policy_drills (
    id bigint generated always as identity primary key,
    -- `json`, not `jsonb`: signed reports must be returned byte for byte.
    report json not null,
    safety_passed boolean not null,
    at timestamptz not null
);
create trigger append_only before update or delete on policy_drills
    for each row execute function countersign_refuse_change();
