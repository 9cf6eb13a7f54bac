-- The workspace, and the keys that sign its records. The database knows ids and fingerprints, never secrets: with them
-- every process finds out at its start whether it holds the right keys.

create table workspace (
    one boolean primary key default true check (one),
    -- Records are signed with keys that are derived for this id, so that they count in no other workspace.
    id uuid not null default gen_random_uuid(),
    -- Records made until then may be signed with a secret itself, as they were before keys were derived; null for a
    -- workspace that never had such records.
    undivided_until timestamptz
);
insert into workspace (undivided_until)
    select case when exists (select from policy_lifecycle_audit) then now() end;

-- An id never changes, and nothing makes older signatures count again.
create trigger append_only before insert or update or delete on workspace
    for each row execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on workspace
    for each statement execute function countersign_refuse_change();

create table signing_keys (
    key_id text primary key,
    -- Of the secret. One id never stands for two secrets.
    fingerprint text not null,
    -- `next`: known, and not used until every server has it. `current`: signs. `previous`: verifies only.
    state text not null check (state in ('next', 'current', 'previous')),
    added_at timestamptz not null default now(),
    -- When it began to sign.
    used_from timestamptz
);
create unique index signing_keys_one_current on signing_keys (state) where state = 'current';
create unique index signing_keys_one_next on signing_keys (state) where state = 'next';

-- A key goes one way: from next to current to previous.
create function countersign_key_goes_on() returns trigger language plpgsql as $$
begin
    if new.key_id = old.key_id and new.fingerprint = old.fingerprint
        and (new.state = old.state or (old.state, new.state) in
            (('next', 'current'), ('next', 'previous'), ('current', 'previous'))) then
        return new;
    end if;
    raise exception 'a signing key goes from next to current to previous: % is refused', tg_op
        using errcode = 'integrity_constraint_violation';
end
$$;
create trigger goes_on before update on signing_keys
    for each row execute function countersign_key_goes_on();
create trigger append_only before delete on signing_keys
    for each row execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on signing_keys
    for each statement execute function countersign_refuse_change();

-- The servers that run now, and the keys that each has: a new key is used once all of them have it.
create table server_keys (
    instance uuid primary key,
    host text not null,
    -- Pairs `id fingerprint`.
    keys text[] not null,
    seen_at timestamptz not null default now()
);
