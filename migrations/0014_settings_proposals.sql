-- Proposals to weaken a safeguard: a setting, or an invariant. A safety owner accepts or rejects each once.

create table settings_proposals (
    id bigint generated always as identity primary key,
    -- The changes: setting, value before and value after. `json`, not `jsonb`: numbers stay as they were proposed.
    changes json not null,
    status text not null default 'pending' check (status in ('pending', 'accepted', 'rejected', 'superseded')),
    proposed_by text not null,
    proposed_at timestamptz not null,
    decided_by text,
    decided_at timestamptz,
    constraint settings_proposals_decided check ((status in ('accepted', 'rejected')) = (decided_by is not null))
);
create index settings_proposals_by_status on settings_proposals (status, id);
create trigger no_delete before delete on settings_proposals
    for each row execute function countersign_refuse_change();
-- What was proposed stays as it was, and a decision is final.
create trigger decided_once before update on settings_proposals for each row
    when (old.status <> 'pending'
        or (old.id, old.changes::text, old.proposed_by, old.proposed_at)
            is distinct from (new.id, new.changes::text, new.proposed_by, new.proposed_at))
    execute function countersign_refuse_change();
