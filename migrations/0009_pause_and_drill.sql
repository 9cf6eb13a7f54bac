-- The safety pause, the emergency switch and the rollback drill: who, why, since when; and their signed records.

-- Why evaluation is off and who switched it off; null while it is on.
alter table system_state add column disabled json;

-- Checksum of what was served after the step. Records from before have none.
alter table policy_apply_record add column verification_checksum text;
alter table policy_rollback_record add column verification_checksum text;

-- `json`, not `jsonb`: what was signed must come back byte for byte.
create table policy_release_record (
    id bigint generated always as identity primary key,
    record json not null,
    paused_at timestamptz not null,
    released_at timestamptz not null
);
create trigger append_only before update or delete on policy_release_record
    for each row execute function countersign_refuse_change();

create table policy_drills (
    id bigint generated always as identity primary key,
    report json not null,
    safety_passed boolean not null,
    at timestamptz not null
);
create trigger append_only before update or delete on policy_drills
    for each row execute function countersign_refuse_change();
