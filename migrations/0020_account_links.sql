-- One-time links with which people choose a password of their own, and what a handed-over link costs the account.

-- Invited people have no password until they used their link.
alter table people alter column password_hash drop not null;
alter table people
    -- The person signs nothing before this time.
    add column signs_from timestamptz,
    -- Signatures that the person gave before this time do not count.
    add column signatures_from timestamptz;

create table account_links (
    id bigint generated always as identity primary key,
    person_id bigint not null references people,
    kind text not null check (kind in ('invitation', 'reset')),
    code_hash bytea not null unique,
    -- Whether an administrator got the link to hand it over; otherwise it went to the person's address only.
    handed_over boolean not null,
    created_by text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    -- When it was used, or replaced by a newer one.
    ended_at timestamptz
);
create index account_links_by_person on account_links (person_id) where ended_at is null;
create trigger no_delete before delete on account_links
    for each row execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on account_links
    for each statement execute function countersign_refuse_change();
