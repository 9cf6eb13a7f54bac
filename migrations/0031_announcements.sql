-- What an administrator or the host did to an account without a second person. Safety owners see each announcement until
-- they acknowledge it.

create table announcements (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    kind text not null check (kind in ('handed_over', 'roles_given', 'on_host', 'groups')),
    -- The person whose account it is about; null for the members of groups.
    person_id bigint references people check ((person_id is null) = (kind = 'groups')),
    actor text not null,
    what text not null,
    -- When it was mailed, which happens once.
    mailed_at timestamptz
);
create index announcements_unmailed on announcements (id) where mailed_at is null;
create trigger no_delete before delete on announcements
    for each row execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on announcements
    for each statement execute function countersign_refuse_change();
create trigger stays before update on announcements for each row
    when ((old.id, old.at, old.kind, old.person_id, old.actor, old.what)
        is distinct from (new.id, new.at, new.kind, new.person_id, new.actor, new.what))
    execute function countersign_refuse_change();

-- Who has acknowledged an announcement.
create table announcement_receipts (
    announcement_id bigint not null references announcements,
    person_id bigint not null references people,
    at timestamptz not null,
    primary key (announcement_id, person_id)
);
create trigger append_only before update or delete on announcement_receipts
    for each row execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on announcement_receipts
    for each statement execute function countersign_refuse_change();

-- As in 0029: what is announced, and who has seen it, is not made up by SQL without a trace.
create constraint trigger record_change after insert or update or delete on announcements
    deferrable initially deferred for each row
    execute function countersign_record_change('announcement', 'id', 'at kind person_id actor what');
create constraint trigger record_change after insert or update or delete on announcement_receipts
    deferrable initially deferred for each row
    execute function countersign_record_change('announcement', 'announcement_id', 'person_id');
