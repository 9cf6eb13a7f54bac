-- The token or session that everything came through, and what a token is limited to.

-- Agent patterns that a program's token may ask for, and whether it reports outcomes for other tokens. A person's token
-- has no patterns: its roles limit it.
alter table api_tokens
    add column agents text[] not null default '{}',
    add column reporter boolean not null default false;
-- Until now a program's token was limited to no agents.
update api_tokens set agents = '{*}' where person_id is null;
-- Until now an administrator could make a token that acts as another person. Such tokens end here.
update api_tokens t set revoked_at = now() from people p
where p.id = t.person_id and t.revoked_at is null and t.created_by like '%@%' and t.created_by <> p.email;

-- The number of the token a decision was asked with. Only that token, or a named reporter, reports its outcome.
alter table policy_decisions add column asked_by bigint;

alter table policy_lifecycle_audit add column credential text;
alter table policy_packet_actions add column credential text;
alter table policy_apply_record add column credential text;
alter table policy_rollback_record add column credential text;

-- Sealing an entry may not change what it came through either.
create trigger credential_stays before update on policy_lifecycle_audit for each row
    when (old.credential is distinct from new.credential)
    execute function countersign_refuse_change();
