-- The switches of the whole system: the emergency switch of evaluation and the safety pause, in one row. Operators may
-- set them by SQL in an emergency; triggers audit and announce the change.

create table system_state (
    one boolean primary key default true check (one),
    enabled boolean not null default true,
    -- The answer to every request while evaluation is off.
    bypass_effect text not null default 'allow' check (bypass_effect in ('allow', 'deny', 'needs_approval')),
    -- Who engaged the pause, when and why; null while there is no pause.
    pause json,
    changed_at timestamptz not null default now(),
    changed_by text not null default 'system',
    -- Who switched evaluation off, when and why; null while it is on.
    disabled json
);
insert into system_state default values;

-- Audits a change made by SQL when its transaction commits, as `countersign_audit_failover` does for bundles.
create function countersign_audit_switch() returns trigger language plpgsql as $$
declare
    next_seq bigint;
begin
    if coalesce(current_setting('countersign.permit', true), '') <> '' then
        return null;
    end if;
    update policy_audit_head set seq = seq + 1 returning seq into next_seq;
    insert into policy_lifecycle_audit (seq, at, event_type, actor, roles, via, subject_type, subject_id, summary, detail)
    values (next_seq, now(), 'manual_failover', session_user, '{}', 'sql', 'system', 'policy',
        format('database role %s set the switches by SQL: %s, %s', session_user,
            case when new.pause is null then 'not paused' else 'paused' end,
            case when new.enabled then 'evaluation on' else 'evaluation off' end),
        json_build_object('was_paused', old.pause is not null, 'paused', new.pause is not null,
            'was_enabled', old.enabled, 'enabled', new.enabled, 'bypass_effect', new.bypass_effect,
            'role', session_user, 'application', current_setting('application_name')));
    return null;
end
$$;
create constraint trigger audit_switch after update on system_state
    deferrable initially deferred for each row
    when (old.enabled is distinct from new.enabled or old.bypass_effect is distinct from new.bypass_effect
        or old.pause::text is distinct from new.pause::text)
    execute function countersign_audit_switch();

create trigger announce after update on system_state for each row execute function countersign_announce();

-- Releases of a pause, each signed by two people. `json`, not `jsonb`: signed records must be returned byte for byte.
create table policy_release_record (
    id bigint generated always as identity primary key,
    record json not null,
    paused_at timestamptz not null,
    released_at timestamptz not null
);
create trigger append_only before update or delete on policy_release_record
    for each row execute function countersign_refuse_change();
