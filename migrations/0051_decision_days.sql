-- Decisions lie in one partition for each day (UTC) on which the database recorded them, so that a day can be closed,
-- archived and taken away. A repeated `decision_id` is recognised by a table of ids that is written in the same
-- transaction and keeps an id for 48 hours.

create table policy_decision_ids (
    decision_id text primary key,
    -- Where the decision lies.
    recorded_at timestamptz not null,
    -- When the id was written. It counts for 48 hours from then.
    written_at timestamptz not null default now()
);
create index policy_decision_ids_by_age on policy_decision_ids using brin (written_at) with (autosummarize = on);

-- What operators put beside the tables, to be made again: views that read them, indexes of their own, and grants.
create temporary table beside_the_log (number bigint generated always as identity, make text not null) on commit drop;
do $$
declare
    found record;
    again text;
    views text[] := '{}';
begin
    for found in select c.oid from pg_class c where c.relkind = 'v' and c.oid in (
            with recursive above as (
                select r.ev_class from pg_depend d join pg_rewrite r on r.oid = d.objid
                where d.classid = 'pg_rewrite'::regclass
                    and d.refobjid in ('policy_decisions'::regclass, 'policy_decision_outcomes'::regclass)
                union
                select r.ev_class from above join pg_depend d on d.refobjid = above.ev_class
                    join pg_rewrite r on r.oid = d.objid and d.classid = 'pg_rewrite'::regclass
            ) select ev_class from above) order by c.oid loop
        views := views || found.oid::regclass::text;
        insert into beside_the_log (make) values (format('create view %s as %s', found.oid::regclass, pg_get_viewdef(found.oid)));
        for again in select format('grant %s on %s to %s', a.privilege_type, found.oid::regclass,
                    case when a.grantee = 0 then 'public' else a.grantee::regrole::text end)
                from pg_class c, aclexplode(c.relacl) a where c.oid = found.oid loop
            insert into beside_the_log (make) values (again);
        end loop;
    end loop;
    insert into beside_the_log (make)
        select pg_get_indexdef(i.indexrelid) from pg_index i join pg_class c on c.oid = i.indexrelid
        where i.indrelid in ('policy_decisions'::regclass, 'policy_decision_outcomes'::regclass)
            and not i.indisunique and c.relname not like 'policy\_decision%';
    insert into beside_the_log (make)
        select format('grant %s on %s to %s', a.privilege_type, c.oid::regclass,
            case when a.grantee = 0 then 'public' else a.grantee::regrole::text end)
        from pg_class c, aclexplode(c.relacl) a
        where c.oid in ('policy_decisions'::regclass, 'policy_decision_outcomes'::regclass)
            and a.grantee <> c.relowner and a.privilege_type = 'SELECT';
    foreach again in array views loop
        execute format('drop view if exists %s cascade', again);
    end loop;
end
$$;

alter table policy_decisions rename to former_decisions;
alter table policy_decision_outcomes rename to former_outcomes;
alter table former_outcomes drop constraint policy_decision_outcomes_decision_id_fkey;
alter table former_outcomes rename constraint policy_decision_outcomes_pkey to former_outcomes_pkey;
alter table former_outcomes rename constraint policy_decision_outcomes_status_check to former_outcomes_status_check;
alter table former_decisions rename constraint policy_decisions_pkey to former_decisions_pkey;
drop index policy_decisions_by_time, policy_decisions_by_bundle, policy_decisions_by_agent, policy_decisions_unusual;

-- Orders decisions of the same moment. Each connection reserves 64 numbers at a time, which keeps writing fast; unused
-- numbers leave gaps.
create sequence policy_decisions_number cache 64;
select setval('policy_decisions_number', greatest((select max(seq) from former_decisions), 0) + 1);

create table policy_decisions (
    seq bigint not null default nextval('policy_decisions_number'),
    decision_id text not null,
    -- By the clock of the server that decided.
    decided_at timestamptz not null,
    agent text not null,
    action text not null,
    subject text not null,
    -- `json`, not `jsonb`: kept byte for byte, and `jsonb` refuses some strings that JSON allows.
    context json not null,
    effect text not null,
    status text not null,
    matched_rule text,
    reason text not null,
    budget json,
    -- US dollars. A copy of the budget's cost, so that counts need not parse the budget.
    cost double precision,
    bundle_id bigint,
    bundle_version text,
    bundle_digest text,
    arm text not null,
    mode text not null,
    errors json,
    -- What the other arm decided, while there was a canary or a shadow.
    other_bundle_id bigint,
    other_version text,
    other_digest text,
    other_effect text,
    other_status text,
    other_rule text,
    asked_by bigint,
    -- By the database's clock: what the day, the order and every window of time go by.
    recorded_at timestamptz not null default now(),
    -- When the stage that was under way began: the newest start of a stage of a bundle in service. Null when nothing was
    -- in service.
    stage timestamptz,
    -- True when the minute had too many pairs of agent and action already and this one is counted as `other`.
    other_pair boolean,
    primary key (decision_id, recorded_at)
) partition by range (recorded_at);
-- Pages are ordered by (recorded_at, seq); each common filter has an index of its own.
create index policy_decisions_by_time on policy_decisions (recorded_at, seq);
create index policy_decisions_by_bundle on policy_decisions (bundle_id, recorded_at, seq);
-- Deliberately narrow. Decisions are written far more often than an agent's page is read, and a wider index, with the
-- action, took a third of the time of each write.
create index policy_decisions_by_agent on policy_decisions (agent, recorded_at);
create index policy_decisions_unusual on policy_decisions (status, recorded_at, seq) where status <> 'matched';

create table policy_decision_outcomes (
    decision_id text not null,
    status text not null check (status in ('ok', 'error')),
    cost double precision,
    margin_bps double precision,
    success boolean,
    latency_ms double precision,
    note text,
    reported_at timestamptz not null,
    reported_by text not null,
    -- When the decision was recorded: an outcome lies with the day of its decision.
    recorded_at timestamptz not null,
    primary key (decision_id, recorded_at)
) partition by range (recorded_at);

create trigger append_only before update or delete on policy_decisions
    for each row execute function countersign_refuse_change();
create trigger append_only before update or delete on policy_decision_outcomes
    for each row execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on policy_decisions
    for each statement execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on policy_decision_outcomes
    for each statement execute function countersign_refuse_change();

-- Where a decision goes whose day has no partition yet: none is lost for that. Making the day's partition moves it.
create table policy_decisions_unplaced partition of policy_decisions default;
create table policy_decision_outcomes_unplaced partition of policy_decision_outcomes default;
create trigger append_only_truncate before truncate on policy_decisions_unplaced
    for each statement execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on policy_decision_outcomes_unplaced
    for each statement execute function countersign_refuse_change();

-- The days of the log. A day without a row here has no partition.
create table policy_decision_days (
    day date primary key
);

-- Makes the partition of one table for one day. Attaching locks no writer of other days.
create function countersign_make_partition(parent text, day date) returns void
language plpgsql set timezone = 'UTC' as $$
declare
    part text := parent || to_char(day, '_YYYYMMDD');
    rest text := parent || '_unplaced';
    first timestamptz := day::timestamptz;
    last timestamptz := (day + 1)::timestamptz;
    unplaced boolean;
begin
    execute format('create table %I (like %I including defaults including constraints)', part, parent);
    execute format('create trigger append_only_truncate before truncate on %I
        for each statement execute function countersign_refuse_change()', part);
    execute format('select exists (select from %I where recorded_at >= $1 and recorded_at < $2)', rest)
        into unplaced using first, last;
    if unplaced then
        -- While it is detached, the table has none of the triggers that refuse a change.
        execute format('alter table %I detach partition %I', parent, rest);
        execute format('insert into %I select * from %I where recorded_at >= $1 and recorded_at < $2', part, rest)
            using first, last;
        execute format('delete from %I where recorded_at >= $1 and recorded_at < $2', rest) using first, last;
        execute format('alter table %I attach partition %I default', parent, rest);
    end if;
    execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, part, first, last);
end
$$;

-- Makes the partitions of these days, and of all days of which something was recorded without one; returns how many were
-- made.
create function countersign_make_days(days date[]) returns integer
language plpgsql security definer set timezone = 'UTC' set lock_timeout = '3s' as $$
declare
    wanted date;
    made integer := 0;
begin
    -- One at a time: several servers may start at once.
    perform pg_advisory_xact_lock(hashtext('countersign_make_days'));
    for wanted in select unnest(days) union select recorded_at::date from policy_decisions_unplaced
            union select recorded_at::date from policy_decision_outcomes_unplaced order by 1 loop
        continue when exists (select from policy_decision_days d where d.day = wanted);
        perform countersign_make_partition('policy_decisions', wanted);
        perform countersign_make_partition('policy_decision_outcomes', wanted);
        insert into policy_decision_days (day) values (wanted);
        made := made + 1;
    end loop;
    return made;
end
$$;

-- Functions that run as the owner look names up in this schema only, and are for the role that serves.
do $$
declare
    found record;
begin
    for found in select p.oid::regprocedure as name, p.prosecdef from pg_proc p
        where p.pronamespace = current_schema()::regnamespace and p.proowner = current_user::regrole
            and p.proname in ('countersign_make_partition', 'countersign_make_days') loop
        execute format('alter function %s set search_path = %I, pg_catalog, pg_temp', found.name, current_schema());
        execute format('revoke execute on function %s from public', found.name);
    end loop;
end
$$;

-- As in 0029, and: the log is added to and read, never changed; its partitions are reached through it; what only the
-- owner may do to it goes through functions.
create or replace function countersign_grant() returns void language plpgsql as $$
declare
    here text := quote_ident(current_schema());
    found record;
    columns text;
begin
    if exists (select from pg_roles where rolname = 'countersign') and current_user <> 'countersign' then
        execute format('grant usage on schema %s to countersign', here);
        for found in select c.relname, c.relkind, c.relispartition from pg_class c
            where c.relnamespace = current_schema()::regnamespace and c.relowner = current_user::regrole
                and c.relkind in ('r', 'p', 'v', 'S') loop
            if found.relkind = 'S' then
                execute format('grant usage, select on sequence %I to countersign', found.relname);
            elsif found.relispartition then
                execute format('revoke all on %I from countersign', found.relname);
            elsif found.relkind = 'v' or found.relname in ('_sqlx_migrations', 'policy_sql_changes',
                'policy_live_changes', 'policy_guarded_changes', 'workspace', 'policy_decision_days') then
                execute format('revoke all on %I from countersign', found.relname);
                execute format('grant select on %I to countersign', found.relname);
            elsif found.relname in ('policy_decisions', 'policy_decision_outcomes') then
                execute format('revoke all on %I from countersign', found.relname);
                execute format('grant select, insert on %I to countersign', found.relname);
            else
                execute format('grant select, insert, update, delete on %I to countersign', found.relname);
            end if;
        end loop;
        for found in select p.oid::regprocedure as name from pg_proc p
            where p.pronamespace = current_schema()::regnamespace and p.proowner = current_user::regrole
                and p.proname = 'countersign_make_days' loop
            execute format('grant execute on function %s to countersign', found.name);
        end loop;
    end if;
    if exists (select from pg_roles where rolname = 'countersign_operator') and current_user <> 'countersign_operator' then
        execute format('grant usage on schema %s to countersign_operator', here);
        -- Everything but what lets a person sign in as another.
        for found in select c.oid, c.relname from pg_class c
            where c.relnamespace = current_schema()::regnamespace and c.relowner = current_user::regrole
                and c.relkind in ('r', 'p', 'v') and not c.relispartition and c.relname <> 'sessions' loop
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

-- What was recorded so far. Its day is that of the decision.
select countersign_make_days(array(
    select distinct (decided_at at time zone 'UTC')::date from former_decisions
    union select generate_series((now() at time zone 'UTC')::date, (now() at time zone 'UTC')::date + 7, '1 day')::date));
insert into policy_decisions
    select seq, decision_id, decided_at, agent, action, subject, context, effect, status, matched_rule, reason, budget,
        cost, bundle_id, bundle_version, bundle_digest, arm, mode, errors, other_bundle_id, other_version, other_digest,
        other_effect, other_status, other_rule, asked_by, decided_at,
        -- Earlier stages are not distinguished any more: their decisions are counted by time alone.
        case when decided_at >= live.stage then live.stage end
    from former_decisions, (select max(stage_started_at) as stage from policy_bundles) live;
insert into policy_decision_outcomes
    select o.decision_id, o.status, o.cost, o.margin_bps, o.success, o.latency_ms, o.note, o.reported_at, o.reported_by,
        d.decided_at
    from former_outcomes o join former_decisions d using (decision_id);
insert into policy_decision_ids (decision_id, recorded_at)
    select decision_id, decided_at from former_decisions where decided_at >= now() - interval '48 hours';
drop table former_outcomes;
drop table former_decisions;
do $$
declare
    again text;
begin
    for again in select make from beside_the_log order by number loop
        execute again;
    end loop;
end
$$;
