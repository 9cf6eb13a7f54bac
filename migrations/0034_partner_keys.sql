-- Public keys of partners, whose exports count here. One is pasted by an administrator and countersigned by a safety owner.

create table partner_keys (
    id bigint generated always as identity primary key,
    -- What people call the partner.
    name text not null,
    -- Made of the key.
    key_id text not null,
    -- The 32 bytes of an Ed25519 key.
    public_key bytea not null check (octet_length(public_key) = 32),
    proposed_by text not null,
    proposed_at timestamptz not null,
    decision text check (decision in ('accepted', 'rejected')),
    decided_by text,
    decided_at timestamptz,
    removed_by text,
    removed_at timestamptz,
    check ((decision is null) = (decided_by is null) and (decision is null) = (decided_at is null)),
    check ((removed_by is null) = (removed_at is null)),
    -- Only what counts is removed.
    check (removed_at is null or coalesce(decision, '') = 'accepted')
);
create unique index partner_keys_once on partner_keys (key_id)
    where decision is distinct from 'rejected' and removed_at is null;
create trigger no_delete before delete on partner_keys
    for each row execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on partner_keys
    for each statement execute function countersign_refuse_change();
-- What was pasted stays as it was; a decision is final, and so is a removal.
create trigger decided_once before update on partner_keys for each row
    when (old.removed_at is not null
        or (old.decision is not null
            and (old.decision, old.decided_by, old.decided_at)
                is distinct from (new.decision, new.decided_by, new.decided_at))
        or (old.id, old.name, old.key_id, old.public_key, old.proposed_by, old.proposed_at)
            is distinct from (new.id, new.name, new.key_id, new.public_key, new.proposed_by, new.proposed_at))
    execute function countersign_refuse_change();
-- A key that SQL makes count leaves a trace: see 0029.
create constraint trigger record_change after insert or update or delete on partner_keys
    deferrable initially deferred for each row
    execute function countersign_record_change('partner_key', 'id', 'name key_id public_key decision decided_by removed_at');
