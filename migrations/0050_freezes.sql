-- Freezes: times in which nothing is applied or promoted, and the switch that stops the line until it is ended.

create table policy_freezes (
    id bigint generated always as identity primary key,
    name text not null,
    reason text not null,
    -- When it holds; null stops the line from now on.
    recurrence json,
    scope json not null,
    exemptions json not null,
    created_by text not null,
    created_at timestamptz not null,
    ended_by text,
    ended_at timestamptz,
    check ((ended_by is null) = (ended_at is null))
);
-- Nothing is looked up among those that were ended but their history.
create index policy_freezes_open on policy_freezes (id) where ended_at is null;

-- A freeze is never changed: it is ended, once, and another one made.
create function countersign_freeze_ends_once() returns trigger language plpgsql as $$
begin
    if old.ended_at is null and new.ended_at is not null
        and (new.id, new.name, new.reason, new.recurrence::text, new.scope::text, new.exemptions::text, new.created_by,
            new.created_at)
        is not distinct from (old.id, old.name, old.reason, old.recurrence::text, old.scope::text, old.exemptions::text,
            old.created_by, old.created_at) then
        return new;
    end if;
    raise exception 'a freeze is ended once and never changed: % is refused', tg_op
        using errcode = 'integrity_constraint_violation';
end
$$;
create trigger ends_once before update on policy_freezes
    for each row execute function countersign_freeze_ends_once();
create trigger append_only before delete on policy_freezes
    for each row execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on policy_freezes
    for each statement execute function countersign_refuse_change();
-- What is changed by SQL leaves a trace, as a change of a setting does.
create constraint trigger record_change after insert or update or delete on policy_freezes
    deferrable initially deferred for each row
    execute function countersign_record_change('freeze', 'id', 'name recurrence scope exemptions ended_by');

do $$
begin
    execute format('alter function countersign_freeze_ends_once() set search_path = pg_catalog, %I, pg_temp', current_schema());
end
$$;
