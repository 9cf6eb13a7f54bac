-- Three roles. `countersign_owner` owns the tables and migrates them. `countersign` serves: it reads and writes, and can
-- neither switch a trigger off nor change a table. `countersign_operator` reads, and may put a bundle into service or
-- take it out by hand in an emergency.

-- Roles belong to the whole server. Where this role may not make them, an administrator does.
do $$
declare
    name text;
begin
    foreach name in array array['countersign', 'countersign_operator'] loop
        if not exists (select from pg_roles where rolname = name) then
            begin
                execute format('create role %I nologin', name);
            exception when insufficient_privilege or duplicate_object or unique_violation then
                raise notice 'the role % is not made: %', name, sqlerrm;
            end;
        end if;
    end loop;
end
$$;

-- Gives the two roles what they need on everything that the current role owns. Called after each migration.
create function countersign_grant() returns void language plpgsql as $$
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
            elsif found.relkind = 'v'
                or found.relname in ('_sqlx_migrations', 'policy_sql_changes', 'policy_live_changes', 'workspace') then
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
