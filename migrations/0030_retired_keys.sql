-- When a key stopped signing: what is dated later and signed with it is a forgery by somebody who has an old secret.

alter table signing_keys add column retired_at timestamptz;
-- Keys were replaced when the next one began to sign.
update signing_keys k set retired_at = coalesce((select min(n.used_from) from signing_keys n
        where n.used_from > coalesce(k.used_from, k.added_at)), now())
    where k.state = 'previous';

-- A key goes one way: from next to current to previous. The time of the last step is that of the database.
create or replace function countersign_key_goes_on() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if new.state = 'previous' then
            raise exception 'a signing key goes from next to current to previous: % is refused', tg_op
                using errcode = 'integrity_constraint_violation';
        end if;
        new.retired_at := null;
        return new;
    end if;
    if new.key_id = old.key_id and new.fingerprint = old.fingerprint
        and (new.state = old.state or (old.state, new.state) in
            (('next', 'current'), ('next', 'previous'), ('current', 'previous'))) then
        new.retired_at := case when new.state = 'previous' and old.state <> 'previous' then now() else old.retired_at end;
        return new;
    end if;
    raise exception 'a signing key goes from next to current to previous: % is refused', tg_op
        using errcode = 'integrity_constraint_violation';
end
$$;
create trigger begins before insert on signing_keys
    for each row execute function countersign_key_goes_on();
do $$
begin
    execute format('alter function countersign_key_goes_on() set search_path = pg_catalog, %I, pg_temp', current_schema());
end
$$;
