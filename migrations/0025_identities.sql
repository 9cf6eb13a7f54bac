-- People at a sign-in provider, and the sessions that began there.

create table identities (
    id bigint generated always as identity primary key,
    person_id bigint not null references people,
    -- Who the person is: never an email.
    issuer text not null,
    subject text not null,
    -- The roles that groups gave. Those given here are not among them.
    given_roles text[] not null default '{}',
    linked_at timestamptz not null,
    -- When the provider last confirmed the person.
    confirmed_at timestamptz not null,
    unlinked_at timestamptz
);
create unique index identities_one_person on identities (issuer, subject) where unlinked_at is null;
create unique index identities_one_identity on identities (person_id) where unlinked_at is null;
create trigger no_delete before delete on identities
    for each row execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on identities
    for each statement execute function countersign_refuse_change();
-- An identity never becomes another person's.
create trigger identity_stays before update on identities for each row
    when (old.unlinked_at is not null
        or (old.id, old.person_id, old.issuer, old.subject, old.linked_at)
            is distinct from (new.id, new.person_id, new.issuer, new.subject, new.linked_at))
    execute function countersign_refuse_change();

create table provider_sessions (
    id bigint generated always as identity primary key,
    identity_id bigint not null references identities,
    -- The tokens with which the provider is asked again, encrypted with the key called `key_id`.
    sealed_secret bytea not null,
    key_id text not null,
    confirmed_at timestamptz not null,
    -- Nobody asks before: another server is asking, or has just failed to.
    ask_from timestamptz not null
);
create index provider_sessions_by_identity on provider_sessions (identity_id);
create index provider_sessions_by_time on provider_sessions (confirmed_at);

alter table sessions add column provider_session bigint references provider_sessions on delete cascade;
create index sessions_by_provider_session on sessions (provider_session) where provider_session is not null;
