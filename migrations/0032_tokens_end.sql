-- Tokens end: with what they were made with, and by themselves.

-- The token or session a personal token was made with, such as `token:7`. It is revoked with that token.
alter table api_tokens add column made_with text;
create index api_tokens_made_with on api_tokens (made_with) where revoked_at is null;

-- What this migration does is no change by SQL, and from now on changes of the new column are recorded, too.
drop trigger record_change on api_tokens;
-- Tokens of earlier releases never expired.
update api_tokens set expires_at = now() + interval '90 days' where expires_at is null and revoked_at is null;
create constraint trigger record_change after insert or update or delete on api_tokens
    deferrable initially deferred for each row execute function countersign_record_change(
        'token', 'id', 'person_id roles agents reporter token_hash expires_at revoked_at made_with');
