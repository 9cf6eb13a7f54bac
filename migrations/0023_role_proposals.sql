-- Roles that sign, stop or administer are given by two people, once the workspace has had two safety owners.

create table role_proposals (
    id bigint generated always as identity primary key,
    person_id bigint not null references people,
    -- The roles to be added.
    roles text[] not null,
    proposed_by text not null,
    proposed_at timestamptz not null,
    decision text check (decision in ('accepted', 'rejected', 'replaced')),
    decided_by text,
    decided_at timestamptz,
    check ((decision is null) = (decided_by is null) and (decision is null) = (decided_at is null))
);
create unique index role_proposals_one_open on role_proposals (person_id) where decision is null;
create trigger no_delete before delete on role_proposals
    for each row execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on role_proposals
    for each statement execute function countersign_refuse_change();
-- What was proposed stays as it was, and a decision is final.
create trigger decided_once before update on role_proposals for each row
    when (old.decision is not null
        or (old.id, old.person_id, old.roles, old.proposed_by, old.proposed_at)
            is distinct from (new.id, new.person_id, new.roles, new.proposed_by, new.proposed_at))
    execute function countersign_refuse_change();

-- Since when new powers need a safety owner: one row, written once. Taking safety owners away does not end it.
create table countersigned_since (
    one boolean primary key default true check (one),
    since timestamptz not null
);
create trigger append_only before update or delete on countersigned_since
    for each row execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on countersigned_since
    for each statement execute function countersign_refuse_change();
