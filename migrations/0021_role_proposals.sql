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

-- Since when new powers need a safety owner: one row, written once. Taking safety owners away does not end it.
create table countersigned_since (
    one boolean primary key default true check (one),
    since timestamptz not null
);
