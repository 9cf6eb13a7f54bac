-- Attempts to sign in, counted before the password is looked at. The wait grows with the failures of one source and one
-- account, so that nobody can lock another person out.

drop table sign_in_failures;
create table sign_in_attempts (
    -- A hash of the account's name: names without an account are counted too, and may be of any length.
    account bytea not null,
    source text not null,
    failures integer not null,
    last_at timestamptz not null,
    primary key (account, source)
);
create index sign_in_attempts_by_time on sign_in_attempts (last_at);
