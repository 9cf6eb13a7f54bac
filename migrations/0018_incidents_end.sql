-- How an incident ends: when its damage stopped, when its cause was gone, when nothing was left to do.

alter table incidents
    add column mitigated_at timestamptz,
    add column resolved_at timestamptz,
    add column closed_at timestamptz;

-- Those of before are known by their status alone; the last line of the timeline is the best there is.
update incidents i
    set resolved_at = (select max(t.at) from incident_timeline t where t.incident_id = i.id)
    where status in ('resolved', 'closed');

-- What was learned from an incident. Every save is a revision that stays.
create table incident_post_mortems (
    incident_id text not null references incidents,
    revision bigint not null check (revision > 0),
    markdown text not null,
    written_by text not null,
    written_at timestamptz not null,
    primary key (incident_id, revision)
);
create trigger append_only before update or delete on incident_post_mortems
    for each row execute function countersign_refuse_change();
