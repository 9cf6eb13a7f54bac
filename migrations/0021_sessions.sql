-- Sessions have a number, by which records name them and their person ends them, and slide: they end some time after
-- the last request.

alter table sessions
    add column id bigint generated always as identity unique,
    add column last_seen_at timestamptz not null default now(),
    -- What the browser says it is; empty until the first request.
    add column user_agent text not null default '';
