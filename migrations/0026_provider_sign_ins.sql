-- Sign-ins that have begun and wait for the browser to come back from the provider, on whatever server it does.

create table provider_sign_ins (
    -- Hashes of what the browser keeps in a cookie, and of what the provider sends back with it.
    browser_id_hash bytea primary key,
    state_id_hash bytea not null,
    nonce_secret text not null,
    verifier_secret text not null,
    -- The page to open afterwards.
    next text not null,
    -- The person who links their account; null for signing in.
    person_id bigint references people,
    expires_at timestamptz not null
);
create index provider_sign_ins_by_expiry on provider_sign_ins (expires_at);
