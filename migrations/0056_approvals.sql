-- Approvals at run time: what agents asked people, what people decided, and how their approvals were used.

create table policy_approvals (
    id text primary key,
    -- What is asked for; the decisions of people sign its digest.
    terms json not null,
    context json not null,
    reason text not null,
    rule_written json not null,
    budget json,
    bundle json,
    -- Of the terms, for statements.
    asked_by bigint not null,
    agent text not null,
    action text not null,
    rule text not null,
    rule_digest text not null,
    on_behalf_of text,
    approvers text[] not null,
    decision_id text not null,
    requested_at timestamptz not null,
    expires_at timestamptz not null,
    -- Equal for requests that ask for the same: while one waits, others join it.
    join_key text not null,
    times_asked bigint not null default 1,
    -- Where it stands, for lists; whether it is approved is said by the signed decisions.
    status text not null default 'pending' check (status in ('pending', 'approved', 'denied', 'expired', 'cancelled')),
    ended_at timestamptz,
    usable_until timestamptz,
    scope_kind text,
    uses bigint,
    cancelled_at timestamptz,
    revoked_at timestamptz,
    revoked_by text,
    used bigint not null default 0 check (used >= 0),
    last_used_at timestamptz,
    last_decision_id text,
    check ((status = 'pending') = (ended_at is null))
);
create unique index policy_approvals_waiting on policy_approvals (join_key) where status = 'pending';
create index policy_approvals_due on policy_approvals (expires_at) where status = 'pending';
create index policy_approvals_by_asker on policy_approvals (asked_by, status);
create index policy_approvals_newest on policy_approvals (requested_at desc, id desc);
create index policy_approvals_usable on policy_approvals (asked_by, agent, action, rule_digest) where status = 'approved';
create index policy_approvals_by_decision on policy_approvals (decision_id);
create index policy_approvals_by_use on policy_approvals (last_decision_id) where last_decision_id is not null;

create table policy_approval_actions (
    id bigint generated always as identity primary key,
    approval_id text not null references policy_approvals,
    actor text not null,
    action json not null
);
create index policy_approval_actions_by_request on policy_approval_actions (approval_id, id);

create trigger append_only before update or delete on policy_approval_actions
    for each row execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on policy_approval_actions
    for each statement execute function countersign_refuse_change();
create trigger append_only before delete on policy_approvals
    for each row execute function countersign_refuse_change();
create trigger append_only_truncate before truncate on policy_approvals
    for each statement execute function countersign_refuse_change();
-- What was asked for stays, and a use that was counted stays counted.
create trigger asked_once before update on policy_approvals for each row
    when ((old.id, old.terms::text, old.context::text, old.requested_at, old.decision_id, old.asked_by, old.join_key)
            is distinct from
            (new.id, new.terms::text, new.context::text, new.requested_at, new.decision_id, new.asked_by, new.join_key)
        or new.used < old.used or (old.revoked_at is not null and new.revoked_at is distinct from old.revoked_at))
    execute function countersign_refuse_change();

-- Grows with every change, so that who waits for one need not read the requests.
create sequence policy_approval_changes;
create function countersign_count_approval_change() returns trigger language plpgsql security definer as $$
begin
    perform nextval('policy_approval_changes');
    return null;
end
$$;
create trigger count_change after insert or update on policy_approvals
    for each statement execute function countersign_count_approval_change();
do $$
begin
    execute format('alter function countersign_count_approval_change() set search_path = pg_catalog, %I, pg_temp',
        current_schema());
end
$$;
revoke execute on function countersign_count_approval_change() from public;

-- A change by SQL leaves a trace, as a change of a setting does.
create constraint trigger record_change after insert or update on policy_approvals
    deferrable initially deferred for each row
    execute function countersign_record_change('approval', 'id', 'status used cancelled_at revoked_at usable_until');
create constraint trigger record_change after insert on policy_approval_actions
    deferrable initially deferred for each row
    execute function countersign_record_change('approval', 'approval_id', 'actor');
