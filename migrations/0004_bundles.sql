-- Bundles of rules. The evaluator serves what `version`, `active` and `canary_pct` say, and operators may set these
-- columns by SQL in an emergency: triggers keep the other columns consistent, audit the change and announce it.

create table policy_bundles (
    id bigint generated always as identity primary key,
    version text not null constraint policy_bundles_version_key unique,
    -- Whether the author chose the version. A proposed version is recomputed when the content changes.
    version_chosen boolean not null default true,
    state text not null default 'draft' check (state in ('draft', 'in_review', 'changes_requested', 'approved',
        'rejected', 'shadow', 'canary', 'active', 'superseded', 'rolled_back')),
    active boolean not null default false,
    canary_pct smallint not null default 0 check (canary_pct between 0 and 100),
    -- The document as written. `json`, not `jsonb`: signed content must be returned byte for byte.
    content json not null,
    digest text not null,
    rule_count integer not null,
    notes text not null default '',
    base_version text,
    authors text[] not null,
    created_by text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    stage_started_at timestamptz,
    activated_at timestamptz,
    activated_by text,
    -- When the bundle last reached 100 % of traffic, and when it was rolled back. A rollback may only return to a bundle
    -- that reached 100 % and was not rolled back since.
    reached_full_at timestamptz,
    rolled_back_at timestamptz,
    -- Counts saves; a save based on an older revision is refused.
    revision bigint not null default 1,
    -- Where an imported bundle came from: the origin named in its file, and who imported it. Null for bundles written here.
    provenance json,
    constraint policy_bundles_share check (active = (canary_pct > 0)),
    constraint policy_bundles_stage check (
        (state = 'active') = (active and canary_pct = 100)
        and (state = 'canary') = (active and canary_pct < 100))
);
-- At most one stable bundle, and at most one canary or shadow beside it.
create unique index policy_bundles_one_stable on policy_bundles ((true)) where active and canary_pct = 100;
create unique index policy_bundles_one_canary on policy_bundles ((true))
    where (active and canary_pct < 100) or state = 'shadow';
create index policy_bundles_by_state on policy_bundles (state, id);

create trigger no_delete before delete on policy_bundles
    for each row execute function countersign_refuse_change();

-- Refuses to change content once it is final. The program sets `countersign.permit` in each of its transactions; without
-- the setting, the change was made by SQL, and `state` and the times are derived from `active` and `canary_pct` here.
create function countersign_keep_step() returns trigger language plpgsql as $$
begin
    if new.content::text is distinct from old.content::text or new.digest is distinct from old.digest then
        if old.state not in ('draft', 'changes_requested', 'in_review', 'approved')
            or new.state not in ('draft', 'changes_requested') then
            raise exception 'the content of bundle % is immutable in state %', old.version, old.state
                using errcode = 'integrity_constraint_violation';
        end if;
    end if;
    if coalesce(current_setting('countersign.permit', true), '') <> '' then
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
create trigger keep_step before update on policy_bundles
    for each row execute function countersign_keep_step();

-- Audits a change made by SQL. Deferred to the commit, because the audit head stays locked from here on: an operator's
-- open transaction must not block every other writer.
create function countersign_audit_failover() returns trigger language plpgsql as $$
declare
    next_seq bigint;
begin
    if coalesce(current_setting('countersign.permit', true), '') <> '' then
        return null;
    end if;
    update policy_audit_head set seq = seq + 1 returning seq into next_seq;
    insert into policy_lifecycle_audit (seq, at, event_type, actor, roles, via, subject_type, subject_id, summary, detail)
    values (next_seq, now(), 'manual_failover', session_user, '{}', 'sql', 'bundle', new.id::text,
        format('database role %s set bundle %s from %s %% to %s %% of traffic by SQL',
            session_user, new.version, old.canary_pct, new.canary_pct),
        json_build_object('version', new.version, 'from_state', old.state, 'to_state', new.state,
            'from_pct', old.canary_pct, 'to_pct', new.canary_pct, 'role', session_user,
            'application', current_setting('application_name')));
    return null;
end
$$;
create constraint trigger audit_failover after update of active, canary_pct on policy_bundles
    deferrable initially deferred for each row
    when (old.active is distinct from new.active or old.canary_pct is distinct from new.canary_pct)
    execute function countersign_audit_failover();

-- Announces a change of what is served, so that every server reloads it at once.
create function countersign_announce() returns trigger language plpgsql as $$
begin
    perform pg_notify('countersign_live', tg_table_name);
    return null;
end
$$;
create trigger announce after update on policy_bundles for each row
    when (old.active is distinct from new.active or old.canary_pct is distinct from new.canary_pct
        or old.state is distinct from new.state)
    execute function countersign_announce();
create trigger announce_new after insert on policy_bundles for each row
    when (new.active or new.state = 'shadow')
    execute function countersign_announce();
