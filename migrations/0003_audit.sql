-- The audit record: who did what, and when. Entries are appended and never changed or deleted; triggers refuse both.
-- The entries form a keyed hash chain. The key is not in the database, so database access alone cannot forge the chain.

create table policy_lifecycle_audit (
    seq bigint primary key,
    at timestamptz not null,
    event_type text not null,
    actor text not null,
    roles text[] not null,
    via text not null,
    subject_type text not null,
    subject_id text not null,
    summary text not null,
    detail json not null,
    -- The seal: the hash of the previous entry, the hash of this one, and the name of the key. All three are null until
    -- the entry is sealed.
    prev_hash bytea,
    entry_hash bytea,
    key_id text
);
create index policy_lifecycle_audit_by_subject on policy_lifecycle_audit (subject_type, subject_id, seq);
create index policy_lifecycle_audit_by_event on policy_lifecycle_audit (event_type, seq);
create index policy_lifecycle_audit_by_actor on policy_lifecycle_audit (actor, seq);
create index policy_lifecycle_audit_by_time on policy_lifecycle_audit (at, seq);
create index policy_lifecycle_audit_unsealed on policy_lifecycle_audit (seq) where entry_hash is null;

-- The number of the newest entry, in one row. Writers lock the row until they commit, so numbers have no gaps.
create table policy_audit_head (
    one boolean primary key default true check (one),
    seq bigint not null,
    -- The newest checkpoint: a signed statement of the length and the last hash of the chain.
    checkpoint json
);
insert into policy_audit_head (seq) values (0);

-- Earlier checkpoints. A chain shorter than any of them has been cut.
create table policy_audit_checkpoints (
    id bigint generated always as identity primary key,
    head_seq bigint not null,
    at timestamptz not null,
    checkpoint json not null
);
create index policy_audit_checkpoints_by_head on policy_audit_checkpoints (head_seq, id);

-- Refuses the statement. Every append-only table of the schema uses it.
create function countersign_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only: % is refused', tg_table_name, tg_op using errcode = 'integrity_constraint_violation';
end
$$;

-- Allows one update: an unsealed entry may be sealed once, with every other column unchanged. Entries written by SQL
-- are unsealed, because the database has no key.
create function countersign_seal_only() returns trigger language plpgsql as $$
begin
    if old.prev_hash is null and old.entry_hash is null and old.key_id is null
        and new.prev_hash is not null and new.entry_hash is not null and new.key_id is not null
        and (new.seq, new.at, new.event_type, new.actor, new.roles, new.via, new.subject_type, new.subject_id,
             new.summary, new.detail::text)
            is not distinct from
            (old.seq, old.at, old.event_type, old.actor, old.roles, old.via, old.subject_type, old.subject_id,
             old.summary, old.detail::text) then
        return new;
    end if;
    raise exception '% is append-only: % is refused', tg_table_name, tg_op using errcode = 'integrity_constraint_violation';
end
$$;

create trigger seal_only before update on policy_lifecycle_audit
    for each row execute function countersign_seal_only();
create trigger append_only before delete on policy_lifecycle_audit
    for each row execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on policy_lifecycle_audit
    for each statement execute function countersign_refuse_change();

create trigger append_only before update or delete on policy_audit_checkpoints
    for each row execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on policy_audit_checkpoints
    for each statement execute function countersign_refuse_change();
