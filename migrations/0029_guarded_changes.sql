-- Every change of the switches, of who may do what, and of what was decided leaves a trace that the session which made it
-- cannot avoid, as changes of what is served do since 0016. A change that claims to be a use case's is believed only when
-- its own transaction left a sealed entry in the audit record.

-- The transaction that wrote the entry.
alter table policy_lifecycle_audit add column xid xid8;
create index policy_lifecycle_audit_by_xid on policy_lifecycle_audit (xid);
alter table policy_release_record add column xid xid8;
-- A seal of another length would stop whoever continues the chain.
alter table policy_lifecycle_audit add constraint policy_lifecycle_audit_hashes
    check (octet_length(prev_hash) = 32 and octet_length(entry_hash) = 32) not valid;

-- The transaction is this one, whatever the statement says.
create function countersign_own_transaction() returns trigger language plpgsql as $$
begin
    new.xid := pg_current_xact_id();
    return new;
end
$$;
create trigger own_transaction before insert on policy_lifecycle_audit
    for each row execute function countersign_own_transaction();
create trigger own_transaction before insert on policy_release_record
    for each row execute function countersign_own_transaction();
-- Sealing an entry does not move it to another transaction.
create trigger xid_stays before update on policy_lifecycle_audit for each row
    when (old.xid is distinct from new.xid)
    execute function countersign_refuse_change();

create table policy_guarded_changes (
    id bigint generated always as identity primary key,
    subject_type text not null,
    subject_id text not null,
    -- Such as `update people: roles, enabled`. Never a value: some are hashes of secrets.
    change text not null,
    -- When the transaction began, as in its audit entries.
    at timestamptz not null default now(),
    xid xid8 not null default pg_current_xact_id(),
    role text not null default session_user,
    -- The audit entry that the trigger wrote; null for a change that a use case says it made and audited.
    audit_seq bigint
);
create index policy_guarded_changes_claimed on policy_guarded_changes (xid) where audit_seq is null;
create trigger from_trigger before insert or update or delete on policy_guarded_changes
    for each row execute function countersign_from_trigger();
create trigger append_only_truncate before truncate on policy_guarded_changes
    for each statement execute function countersign_refuse_change();

-- Adds an audit entry of this type about a change made by SQL; returns its number.
create function countersign_trace(event_type text, subject_type text, subject_id text, summary text, detail json)
returns bigint language plpgsql as $$
declare
    next_seq bigint;
begin
    -- Held until the transaction ends, so that numbers have no gaps.
    perform 1 from policy_audit_head for update;
    select greatest(h.seq, coalesce((select max(a.seq) from policy_lifecycle_audit a), 0)) + 1 into next_seq
        from policy_audit_head h;
    insert into policy_lifecycle_audit (seq, at, event_type, actor, roles, via, subject_type, subject_id, summary, detail)
    values (next_seq, now(), event_type, 'sql:' || session_user, '{}', 'sql', subject_type, subject_id, summary, detail);
    insert into policy_sql_changes
        select a.seq, a.at, a.event_type, a.actor, a.roles, a.via, a.subject_type, a.subject_id, a.summary, a.detail
        from policy_lifecycle_audit a where a.seq = next_seq;
    update policy_audit_head set seq = next_seq;
    return next_seq;
end
$$;
create or replace function countersign_trace(subject_type text, subject_id text, summary text, detail json)
returns bigint language sql as $$
    select countersign_trace('manual_failover', subject_type, subject_id, summary, detail)
$$;

-- The switches of the whole system.
create or replace function countersign_audit_switch() returns trigger language plpgsql security definer as $$
declare
    traced bigint;
begin
    if not countersign_is_use_case() then
        traced := countersign_trace('system', 'policy',
            format('database role %s set the switches by SQL: %s, %s', session_user,
                case when new.pause is null then 'not paused' else 'paused' end,
                case when new.enabled then 'evaluation on' else 'evaluation off' end),
            json_build_object('was_paused', old.pause is not null, 'paused', new.pause is not null,
                'was_enabled', old.enabled, 'enabled', new.enabled, 'bypass_effect', new.bypass_effect,
                'role', session_user, 'application', current_setting('application_name')));
    end if;
    insert into policy_guarded_changes (subject_type, subject_id, change, audit_seq)
    values ('system', 'policy',
        case when old.pause is not null and new.pause is null then 'the pause was ended'
            when old.pause is null and new.pause is not null then 'a pause was engaged'
            when old.enabled and not new.enabled then 'evaluation was switched off'
            when new.enabled and not old.enabled then 'evaluation was switched on'
            when old.bypass_effect is distinct from new.bypass_effect then 'the answer while evaluation is off was changed'
            else 'the pause was changed' end, traced);
    return null;
end
$$;

-- Records a change of a row. Arguments: the kind of subject, its column with the id, and the columns that matter. The
-- columns are named and no value is kept.
create function countersign_record_change() returns trigger language plpgsql security definer as $$
declare
    watched text[] := string_to_array(tg_argv[2], ' ');
    changed text[] := '{}';
    name text;
    differs boolean;
    id text;
    traced bigint;
    what text;
begin
    if tg_op = 'UPDATE' then
        foreach name in array watched loop
            execute format('select (($1).%1$I)::text is distinct from (($2).%1$I)::text', name) into differs using old, new;
            if differs then
                changed := changed || name;
            end if;
        end loop;
        if changed = '{}' then
            return null;
        end if;
    else
        changed := watched;
    end if;
    if tg_op = 'DELETE' then
        execute format('select (($1).%I)::text', tg_argv[1]) into id using old;
    else
        execute format('select (($1).%I)::text', tg_argv[1]) into id using new;
    end if;
    what := format('%s %s: %s', lower(tg_op), tg_table_name, array_to_string(changed, ', '));
    if not countersign_is_use_case() then
        traced := countersign_trace('sql_change', tg_argv[0], id,
            format('database role %s changed %s %s by SQL (%s)', session_user, tg_argv[0], id, what),
            json_build_object('table', tg_table_name, 'operation', lower(tg_op), 'columns', changed,
                'role', session_user, 'application', current_setting('application_name')));
    end if;
    insert into policy_guarded_changes (subject_type, subject_id, change, audit_seq)
    values (tg_argv[0], id, what, traced);
    return null;
end
$$;

-- Deferred to the commit: see 0016.
do $$
declare
    watched text[];
begin
    foreach watched slice 1 in array array[
        ['people', 'person', 'id', 'email roles enabled password_hash signs_from signatures_from'],
        ['api_tokens', 'token', 'id', 'person_id roles agents reporter token_hash expires_at revoked_at'],
        ['account_links', 'account_link', 'id', 'person_id kind code_hash handed_over expires_at ended_at'],
        ['settings', 'settings', 'key', 'value'],
        ['settings_proposals', 'settings_proposal', 'id', 'changes status decided_by'],
        ['role_proposals', 'role_proposal', 'id', 'person_id roles decision decided_by']] loop
        execute format('create constraint trigger record_change after insert or update or delete on %I
            deferrable initially deferred for each row execute function countersign_record_change(%L, %L, %L)',
            watched[1], watched[2], watched[3], watched[4]);
    end loop;
end
$$;
create constraint trigger record_status after update on policy_packets
    deferrable initially deferred for each row when (old.status is distinct from new.status)
    execute function countersign_record_change('packet', 'packet_id', 'status');
-- What enters and leaves service is recorded by 0016.
create constraint trigger record_state after update on policy_bundles
    deferrable initially deferred for each row
    when (old.state is distinct from new.state and old.state not in ('shadow', 'canary', 'active')
        and new.state not in ('shadow', 'canary', 'active'))
    execute function countersign_record_change('bundle', 'id', 'state');

-- As in 0018, and nobody but triggers writes the new table.
create or replace function countersign_grant() returns void language plpgsql as $$
declare
    here text := quote_ident(current_schema());
    found record;
    columns text;
begin
    if exists (select from pg_roles where rolname = 'countersign') and current_user <> 'countersign' then
        execute format('grant usage on schema %s to countersign', here);
        for found in select c.relname, c.relkind from pg_class c
            where c.relnamespace = current_schema()::regnamespace and c.relowner = current_user::regrole
                and c.relkind in ('r', 'p', 'v', 'S') loop
            if found.relkind = 'S' then
                execute format('grant usage, select on sequence %I to countersign', found.relname);
            elsif found.relkind = 'v' or found.relname in ('_sqlx_migrations', 'policy_sql_changes',
                'policy_live_changes', 'policy_guarded_changes', 'workspace') then
                execute format('revoke all on %I from countersign', found.relname);
                execute format('grant select on %I to countersign', found.relname);
            else
                execute format('grant select, insert, update, delete on %I to countersign', found.relname);
            end if;
        end loop;
    end if;
    if exists (select from pg_roles where rolname = 'countersign_operator') and current_user <> 'countersign_operator' then
        execute format('grant usage on schema %s to countersign_operator', here);
        -- Everything but what lets somebody sign in as another person.
        for found in select c.oid, c.relname from pg_class c
            where c.relnamespace = current_schema()::regnamespace and c.relowner = current_user::regrole
                and c.relkind in ('r', 'p', 'v') and c.relname <> 'sessions' loop
            select string_agg(quote_ident(a.attname), ', ' order by a.attnum) into columns from pg_attribute a
            where a.attrelid = found.oid and a.attnum > 0 and not a.attisdropped
                and a.attname !~ '(password_hash|token_hash|id_hash|code_hash|secret)';
            if columns is not null then
                execute format('grant select (%s) on %I to countersign_operator', columns, found.relname);
            end if;
        end loop;
        grant update (active, canary_pct) on policy_bundles to countersign_operator;
    end if;
end
$$;

-- Functions of triggers look names up in the system's catalogue and in this schema, never in the caller's temporary
-- tables; those that run as the owner are nobody's to attach to a table of their own.
do $$
declare
    found record;
begin
    for found in select p.oid::regprocedure as name, p.prosecdef from pg_proc p
        where p.pronamespace = current_schema()::regnamespace and p.proname like 'countersign\_%'
            and p.proname <> 'countersign_grant' and p.proowner = current_user::regrole loop
        execute format('alter function %s set search_path = pg_catalog, %I, pg_temp', found.name, current_schema());
        if found.prosecdef then
            execute format('revoke execute on function %s from public', found.name);
        end if;
    end loop;
    execute format('revoke create on schema %I from public', current_schema());
end
$$;
