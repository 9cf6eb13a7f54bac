-- Bundles. `version`, `active` and `canary_pct` are what serving reads; operators may set them by SQL in an emergency.

create table policy_bundles (
    id bigint generated always as identity primary key,
    version text not null constraint policy_bundles_version_key unique,
    -- Whether its author chose the version. One that was proposed moves on with the content.
    version_chosen boolean not null default true,
    state text not null default 'draft' check (state in ('draft', 'in_review', 'changes_requested', 'approved',
        'rejected', 'shadow', 'canary', 'active', 'superseded', 'rolled_back')),
    active boolean not null default false,
    canary_pct smallint not null default 0 check (canary_pct between 0 and 100),
    -- The document as written. `json`, not `jsonb`: what was signed must come back byte for byte.
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
    -- When it last reached 100 %, and when it was taken out as bad: they decide what a rollback may return to.
    reached_full_at timestamptz,
    rolled_back_at timestamptz,
    revision bigint not null default 1,
    constraint policy_bundles_share check (active = (canary_pct > 0)),
    constraint policy_bundles_stage check (
        (state = 'active') = (active and canary_pct = 100)
        and (state = 'canary') = (active and canary_pct < 100))
);
-- At any moment at most one stable bundle, and one beside it.
create unique index policy_bundles_one_stable on policy_bundles ((true)) where active and canary_pct = 100;
create unique index policy_bundles_one_canary on policy_bundles ((true))
    where (active and canary_pct < 100) or state = 'shadow';
create index policy_bundles_by_state on policy_bundles (state, id);

-- What is on, what is paused. One row.
create table system_state (
    one boolean primary key default true check (one),
    enabled boolean not null default true,
    bypass_effect text not null default 'allow' check (bypass_effect in ('allow', 'deny', 'needs_approval')),
    pause json,
    changed_at timestamptz not null default now(),
    changed_by text not null default 'system'
);
insert into system_state default values;

-- Saved test cases, beside the built-in ones.
create table policy_fixtures (
    case_id text primary key,
    agent text not null,
    action text not null,
    context json not null,
    expected_effect text check (expected_effect in ('allow', 'deny', 'needs_approval')),
    created_by text not null,
    created_at timestamptz not null default now()
);

create trigger no_delete before delete on policy_bundles
    for each row execute function countersign_refuse_change();

-- The program names itself in every transaction that touches serving columns; a change without that name was made by
-- SQL. Then `state` and the times are kept in step here.
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

-- A change made by SQL is audited when its transaction commits.
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

-- Every change of what is live is announced.
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
create trigger announce after update on system_state for each row execute function countersign_announce();
