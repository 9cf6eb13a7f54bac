-- A day of the log is closed 15 minutes after its end: nothing is added to it any more, and its digest stands in the audit
-- record. An archived day is taken away; it can be brought back.

alter table policy_decision_days
    add column closed_at timestamptz,
    -- Of a closed day: how many decisions it has, and their digest.
    add column decisions bigint,
    add column digest text,
    -- The manifest of the file that the day was archived to; null while the day is here.
    add column archive json,
    add column restored_at timestamptz;

-- The digest of a closed day does not change any more.
create trigger digest_stays before update on policy_decision_days for each row
    when (old.digest is not null and (new.digest, new.decisions) is distinct from (old.digest, old.decisions))
    execute function countersign_refuse_change();
create trigger day_stays before update on policy_decision_days for each row when (new.day <> old.day)
    execute function countersign_refuse_change();

-- Waits for who still adds to this day, then lets nobody add to it.
create function countersign_close_day(wanted date) returns void
language plpgsql security definer set timezone = 'UTC' set lock_timeout = '3s' as $$
declare
    part text := to_char(wanted, '"policy_decisions_"YYYYMMDD');
begin
    if (wanted + 1)::timestamptz + interval '15 minutes' > now() then
        raise exception 'the day % is not over', wanted using errcode = 'object_not_in_prerequisite_state';
    end if;
    execute format('lock table %I in share row exclusive mode', part);
    execute format('create or replace trigger closed before insert on %I
        for each row execute function countersign_refuse_change()', part);
end
$$;

-- Waits for who reports outcomes of this day's decisions, then lets nobody report any more.
create function countersign_close_outcomes(wanted date) returns void
language plpgsql security definer set timezone = 'UTC' set lock_timeout = '3s' as $$
declare
    part text := to_char(wanted, '"policy_decision_outcomes_"YYYYMMDD');
begin
    if not exists (select from policy_decision_days d where d.day = wanted and d.digest is not null) then
        raise exception 'the day % is not closed', wanted using errcode = 'object_not_in_prerequisite_state';
    end if;
    execute format('lock table %I in share row exclusive mode', part);
    execute format('create or replace trigger closed before insert on %I
        for each row execute function countersign_refuse_change()', part);
end
$$;

-- Takes a day away that was archived: the newest sealed audit entry about the day says so. Gives up soon when others read
-- the log, because who adds to it waits meanwhile.
create function countersign_take_day(wanted date) returns void
language plpgsql security definer set timezone = 'UTC' set lock_timeout = '300ms' as $$
begin
    if (select a.event_type from policy_lifecycle_audit a
            where a.subject_type = 'day' and a.subject_id = wanted::text and a.entry_hash is not null
            order by a.seq desc limit 1) is distinct from 'decisions_archived' then
        raise exception 'the day % is not archived', wanted using errcode = 'object_not_in_prerequisite_state';
    end if;
    execute format('drop table if exists %I', to_char(wanted, '"policy_decisions_"YYYYMMDD'));
    execute format('drop table if exists %I', to_char(wanted, '"policy_decision_outcomes_"YYYYMMDD'));
end
$$;

-- Makes the partitions of a day again that was taken away, empty and open.
create function countersign_reopen_day(wanted date) returns void
language plpgsql security definer set timezone = 'UTC' set lock_timeout = '3s' as $$
begin
    if not exists (select from policy_decision_days d where d.day = wanted and d.archive is not null) then
        raise exception 'the day % is not archived', wanted using errcode = 'object_not_in_prerequisite_state';
    end if;
    perform countersign_make_partition('policy_decisions', wanted);
    perform countersign_make_partition('policy_decision_outcomes', wanted);
end
$$;

do $$
declare
    found record;
begin
    for found in select p.oid::regprocedure as name from pg_proc p
        where p.pronamespace = current_schema()::regnamespace and p.proowner = current_user::regrole
            and p.proname in ('countersign_close_day', 'countersign_close_outcomes', 'countersign_take_day', 'countersign_reopen_day') loop
        execute format('alter function %s set search_path = %I, pg_catalog, pg_temp', found.name, current_schema());
        execute format('revoke execute on function %s from public', found.name);
    end loop;
end
$$;

-- As in 0051, with these functions, and what is known of a day is updated.
alter function countersign_grant() rename to countersign_grant_before_0053;
create function countersign_grant() returns void language plpgsql as $$
declare
    found record;
begin
    perform countersign_grant_before_0053();
    if exists (select from pg_roles where rolname = 'countersign') and current_user <> 'countersign' then
        grant update (closed_at, decisions, digest, archive, restored_at) on policy_decision_days to countersign;
        for found in select p.oid::regprocedure as name from pg_proc p
            where p.pronamespace = current_schema()::regnamespace and p.proowner = current_user::regrole
                and p.proname in ('countersign_close_day', 'countersign_close_outcomes', 'countersign_take_day', 'countersign_reopen_day') loop
            execute format('grant execute on function %s to countersign', found.name);
        end loop;
    end if;
end
$$;
