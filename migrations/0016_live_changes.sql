-- Every change of what is served leaves a trace that the session which made it cannot avoid: neither by inserting a
-- bundle that is live already, nor by setting `countersign.permit`. Triggers write the traces, as the owner of the
-- tables; nobody else can.

-- Audit entries that triggers wrote. An unsealed entry of the audit record is sealed only if it stands here, word for
-- word: whatever else SQL adds to the record never becomes a genuine entry.
create table policy_sql_changes (
    seq bigint primary key,
    at timestamptz not null,
    event_type text not null,
    actor text not null,
    roles text[] not null,
    via text not null,
    subject_type text not null,
    subject_id text not null,
    summary text not null,
    detail json not null
);
insert into policy_sql_changes
    select seq, at, event_type, actor, roles, via, subject_type, subject_id, summary, detail
    from policy_lifecycle_audit where entry_hash is null and event_type = 'manual_failover';

-- Each time a bundle entered or left service, or its share of traffic changed.
create table policy_live_changes (
    id bigint generated always as identity primary key,
    bundle_id bigint not null,
    from_state text,
    to_state text not null,
    from_pct smallint not null,
    to_pct smallint not null,
    digest text not null,
    at timestamptz not null default now(),
    -- The transaction. The signed record of an apply or a rollback is written in the same one.
    xid xid8 not null default pg_current_xact_id(),
    role text not null default session_user,
    -- The audit entry that the trigger wrote; null for a change that a use case says it made and audited.
    audit_seq bigint
);
create index policy_live_changes_by_bundle on policy_live_changes (bundle_id, id);

alter table policy_apply_record add column xid xid8;
alter table policy_apply_record alter column xid set default pg_current_xact_id();
alter table policy_rollback_record add column xid xid8;
alter table policy_rollback_record alter column xid set default pg_current_xact_id();
create index policy_apply_record_by_xid on policy_apply_record (xid);
create index policy_rollback_record_by_xid on policy_rollback_record (xid);
create index policy_apply_record_by_signature on policy_apply_record (signature);
create index policy_rollback_record_by_signature on policy_rollback_record (signature);

-- A genuine record counts once: a copy of it does not stand for another change. No unique index, because a drill makes
-- the same record twice in its copies of the tables.
create function countersign_record_once() returns trigger language plpgsql as $$
declare
    known boolean;
begin
    execute format('select exists (select from %I.%I where signature = $1)', tg_table_schema, tg_table_name)
        into known using new.signature;
    if known then
        raise exception '% has this record already', tg_table_name using errcode = 'integrity_constraint_violation';
    end if;
    -- The transaction is this one, whatever the statement says.
    new.xid := pg_current_xact_id();
    return new;
end
$$;
create trigger record_once before insert on policy_apply_record
    for each row execute function countersign_record_once();
create trigger record_once before insert on policy_rollback_record
    for each row execute function countersign_record_once();

-- Refuses rows that do not come from a trigger of another table.
create function countersign_from_trigger() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' or pg_trigger_depth() < 2 then
        raise exception '% is written by triggers only: % is refused', tg_table_name, tg_op
            using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end
$$;
create trigger from_trigger before insert or update or delete on policy_sql_changes
    for each row execute function countersign_from_trigger();
create trigger append_only_truncate before truncate on policy_sql_changes
    for each statement execute function countersign_refuse_change();
create trigger from_trigger before insert or update or delete on policy_live_changes
    for each row execute function countersign_from_trigger();
create trigger append_only_truncate before truncate on policy_live_changes
    for each statement execute function countersign_refuse_change();

-- An entry without a seal comes from a trigger: the program writes sealed ones.
create function countersign_sealed_or_traced() returns trigger language plpgsql as $$
begin
    if new.entry_hash is null and pg_trigger_depth() < 2 then
        raise exception '% is append-only: an entry without a seal is refused', tg_table_name
            using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end
$$;
create trigger sealed_or_traced before insert on policy_lifecycle_audit
    for each row execute function countersign_sealed_or_traced();

-- The head says how the record ends, and nothing else: its number is the newest entry's, its checkpoint is replaced by a
-- newer one of this workspace and never taken away.
create function countersign_head_follows() returns trigger language plpgsql as $$
begin
    if tg_op <> 'UPDATE' or new.one is distinct from old.one
        or (new.seq <> old.seq and new.seq <> (select coalesce(max(seq), 0) from policy_lifecycle_audit))
        or (new.checkpoint is null and old.checkpoint is not null) then
        raise exception '% follows the audit record: % is refused', tg_table_name, tg_op
            using errcode = 'integrity_constraint_violation';
    end if;
    if new.checkpoint::text is distinct from old.checkpoint::text
        and new.checkpoint ->> 'workspace' is distinct from (select id::text from workspace) then
        raise exception 'the checkpoint is not one of this workspace: stop servers of earlier releases'
            using errcode = 'integrity_constraint_violation';
    end if;
    return new;
end
$$;
create trigger head_follows before insert or update or delete on policy_audit_head
    for each row execute function countersign_head_follows();
create trigger append_only_truncate before truncate on policy_audit_head
    for each statement execute function countersign_refuse_change();

-- Whether the change is one of a use case. The setting alone does not say so: the role must be one that may write audit
-- entries, which no operator's role may.
create function countersign_is_use_case() returns boolean language sql stable as $$
    select coalesce(current_setting('countersign.permit', true), '') <> ''
        and has_table_privilege(session_user, 'policy_lifecycle_audit', 'insert')
$$;

-- Adds an audit entry about a change made by SQL; returns its number.
create function countersign_trace(subject_type text, subject_id text, summary text, detail json) returns bigint
language plpgsql as $$
declare
    next_seq bigint;
begin
    -- Held until the transaction ends, so that numbers have no gaps.
    perform 1 from policy_audit_head for update;
    select greatest(h.seq, coalesce((select max(a.seq) from policy_lifecycle_audit a), 0)) + 1 into next_seq
        from policy_audit_head h;
    insert into policy_lifecycle_audit (seq, at, event_type, actor, roles, via, subject_type, subject_id, summary, detail)
    values (next_seq, now(), 'manual_failover', 'sql:' || session_user, '{}', 'sql', subject_type, subject_id, summary,
        detail);
    insert into policy_sql_changes
        select a.seq, a.at, a.event_type, a.actor, a.roles, a.via, a.subject_type, a.subject_id, a.summary, a.detail
        from policy_lifecycle_audit a where a.seq = next_seq;
    update policy_audit_head set seq = next_seq;
    return next_seq;
end
$$;

-- Deferred to the commit, because the audit head stays locked from here on: an operator's open transaction must not block
-- every other writer.
create function countersign_record_live_change() returns trigger language plpgsql security definer as $$
declare
    traced bigint;
    was_state text;
    was_pct smallint := 0;
begin
    if tg_op = 'UPDATE' then
        was_state := old.state;
        was_pct := old.canary_pct;
    end if;
    if not countersign_is_use_case() then
        traced := countersign_trace('bundle', new.id::text,
            format('database role %s set bundle %s from %s %% to %s %% of traffic by SQL',
                session_user, new.version, was_pct, new.canary_pct),
            json_build_object('version', new.version, 'from_state', was_state, 'to_state', new.state,
                'from_pct', was_pct, 'to_pct', new.canary_pct, 'digest', new.digest, 'role', session_user,
                'application', current_setting('application_name')));
    end if;
    insert into policy_live_changes (bundle_id, from_state, to_state, from_pct, to_pct, digest, audit_seq)
    values (new.id, was_state, new.state, was_pct, new.canary_pct, new.digest, traced);
    return null;
end
$$;
drop trigger audit_failover on policy_bundles;
drop function countersign_audit_failover();
create constraint trigger record_live_insert after insert on policy_bundles
    deferrable initially deferred for each row
    when (new.active or new.state in ('shadow', 'canary', 'active'))
    execute function countersign_record_live_change();
create constraint trigger record_live_change after update on policy_bundles
    deferrable initially deferred for each row
    when (old.active is distinct from new.active or old.canary_pct is distinct from new.canary_pct
        or (old.state is distinct from new.state
            and (old.state in ('shadow', 'canary', 'active') or new.state in ('shadow', 'canary', 'active'))))
    execute function countersign_record_live_change();

-- The same for the switches of the whole system.
create or replace function countersign_audit_switch() returns trigger language plpgsql security definer as $$
begin
    if not countersign_is_use_case() then
        perform countersign_trace('system', 'policy',
            format('database role %s set the switches by SQL: %s, %s', session_user,
                case when new.pause is null then 'not paused' else 'paused' end,
                case when new.enabled then 'evaluation on' else 'evaluation off' end),
            json_build_object('was_paused', old.pause is not null, 'paused', new.pause is not null,
                'was_enabled', old.enabled, 'enabled', new.enabled, 'bypass_effect', new.bypass_effect,
                'role', session_user, 'application', current_setting('application_name')));
    end if;
    return null;
end
$$;

-- As before, but the setting `countersign.permit` alone no longer switches the upkeep of `state` off.
create or replace function countersign_keep_step() returns trigger language plpgsql security definer as $$
begin
    if new.content::text is distinct from old.content::text or new.digest is distinct from old.digest then
        if old.state not in ('draft', 'changes_requested', 'in_review', 'approved')
            or new.state not in ('draft', 'changes_requested') then
            raise exception 'the content of bundle % is immutable in state %', old.version, old.state
                using errcode = 'integrity_constraint_violation';
        end if;
    end if;
    if countersign_is_use_case() then
        return new;
    end if;
    if new.active is not distinct from old.active and new.canary_pct is not distinct from old.canary_pct then
        return new;
    end if;
    if new.active and new.canary_pct = 100 then
        new.state := 'active';
        new.reached_full_at := now();
        new.rolled_back_at := null;
    elsif new.active then
        new.state := 'canary';
        new.rolled_back_at := null;
    else
        -- Taken out by hand because something was wrong with it: it must not come back by itself.
        new.state := 'rolled_back';
        new.rolled_back_at := now();
    end if;
    if new.active then
        new.activated_at := now();
        new.activated_by := session_user;
        new.stage_started_at := now();
    else
        new.stage_started_at := null;
    end if;
    new.updated_at := now();
    new.revision := old.revision + 1;
    return new;
end
$$;

-- Functions that run as the owner look names up in this schema only, never in the caller's temporary tables.
do $$
declare
    name text;
begin
    foreach name in array array['countersign_record_live_change()', 'countersign_audit_switch()',
        'countersign_keep_step()'] loop
        execute format('alter function %s set search_path = %I, pg_catalog, pg_temp', name, current_schema());
    end loop;
end
$$;
