-- People, their browser sessions and their tokens. Secrets are kept as hashes only.

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

-- Failed sign-ins by the account that was tried, whether it exists or not.
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
    prefix text not null,
    created_by text not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);

-- One row a group of settings; a missing row means its defaults.
create table settings (
    key text primary key,
    value json not null,
    updated_at timestamptz not null,
    updated_by text not null
);
