-- People, their browser sessions and their API tokens. Passwords, session ids and tokens are stored as hashes only.

create table people (
    id bigint generated always as identity primary key,
    email text not null constraint people_email_key unique check (email = lower(email)),
    name text not null,
    roles text[] not null,
    password_hash text not null,
    enabled boolean not null default true,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- Failed sign-ins per account name. Names without an account are counted too, so that the limit does not reveal which
-- accounts exist.
create table sign_in_failures (
    account text primary key,
    failures integer not null,
    since timestamptz not null
);

create table sessions (
    id_hash bytea primary key,
    person_id bigint references people,
    data json not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index sessions_by_person on sessions (person_id);
create index sessions_by_expiry on sessions (expires_at);

create table api_tokens (
    id bigint generated always as identity primary key,
    name text not null,
    person_id bigint references people,
    roles text[] not null,
    token_hash bytea not null unique,
    -- The first characters of the token, by which its owner recognises it in a list.
    prefix text not null,
    created_by text not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);
