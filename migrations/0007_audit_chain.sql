-- The keyed hash chain of the audit record: each entry's hash needs the hash before it and a key that is not in here.

alter table policy_lifecycle_audit add column key_id text;
create index policy_lifecycle_audit_unsealed on policy_lifecycle_audit (seq) where entry_hash is null;

-- A signed statement of how long the chain is, as of the last entry; see the table below.
alter table policy_audit_head add column checkpoint json;

-- The same statement from time to time, kept: a chain that is shorter than one of them was cut.
create table policy_audit_checkpoints (
    id bigint generated always as identity primary key,
    head_seq bigint not null,
    at timestamptz not null,
    checkpoint json not null
);
create index policy_audit_checkpoints_by_head on policy_audit_checkpoints (head_seq, id);
create trigger append_only before update or delete on policy_audit_checkpoints
    for each row execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on policy_audit_checkpoints
    for each statement execute function countersign_refuse_change();

-- Still append-only, with one exception: an entry without a seal (written by SQL, which has no key, or by an older
-- version of the program) may get one, once, and nothing else of it may change.
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
drop trigger append_only on policy_lifecycle_audit;
create trigger append_only before delete on policy_lifecycle_audit
    for each row execute function countersign_refuse_change();
create trigger seal_only before update on policy_lifecycle_audit
    for each row execute function countersign_seal_only();
