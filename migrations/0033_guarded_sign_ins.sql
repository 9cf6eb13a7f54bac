-- Who is signed in as whom, and who is whom at a sign-in provider, is not made up by SQL without a trace: see 0029. A
-- session becomes a person's in the transaction of the sign-in, which leaves an entry.

create constraint trigger record_change after insert or update or delete on identities
    deferrable initially deferred for each row
    execute function countersign_record_change('identity', 'id', 'person_id issuer subject given_roles unlinked_at');

create constraint trigger record_begin after insert on sessions
    deferrable initially deferred for each row when (new.person_id is not null)
    execute function countersign_record_change('session', 'id', 'person_id id_hash');
-- What would make another person's session of it, or let it live longer.
create constraint trigger record_change after update on sessions
    deferrable initially deferred for each row when (new.person_id is not null)
    execute function countersign_record_change('session', 'id', 'person_id id_hash provider_session created_at expires_at');
