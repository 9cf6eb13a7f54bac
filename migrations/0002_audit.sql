-- The record of who decided what. It can be added to, never changed.

create table policy_lifecycle_audit (
    seq bigint primary key,
    at timestamptz not null,
    event_type text not null,
    actor text not null,
    roles text[] not null,
    via text not null,
    subject_type text not null,
    subject_id text not null,
    summary text not null,
    detail json not null,
    -- For the chain that seals the entries.
    prev_hash bytea,
    entry_hash bytea
);
create index policy_lifecycle_audit_by_subject on policy_lifecycle_audit (subject_type, subject_id, seq);
create index policy_lifecycle_audit_by_event on policy_lifecycle_audit (event_type, seq);
create index policy_lifecycle_audit_by_actor on policy_lifecycle_audit (actor, seq);
create index policy_lifecycle_audit_by_time on policy_lifecycle_audit (at, seq);

-- The last number given. Whoever adds an entry locks this row until the transaction ends, so numbers have no gaps.
create table policy_audit_head (
    one boolean primary key default true check (one),
    seq bigint not null
);
insert into policy_audit_head (seq) values (0);

create function countersign_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only: % is refused', tg_table_name, tg_op using errcode = 'integrity_constraint_violation';
end
$$;

create trigger append_only before update or delete on policy_lifecycle_audit
    for each row execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on policy_lifecycle_audit
    for each statement execute function countersign_refuse_change();
