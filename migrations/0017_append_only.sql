-- What was decided, what came of it, and what went wrong stays as it was written. Nothing of the workspace's history is
-- truncated.

create trigger append_only before update or delete on policy_decisions
    for each row execute function countersign_refuse_change();
create trigger append_only before update or delete on policy_decision_outcomes
    for each row execute function countersign_refuse_change();

create trigger append_only before update or delete on incident_timeline
    for each row execute function countersign_refuse_change();
create trigger no_delete before delete on incidents
    for each row execute function countersign_refuse_change();
-- An incident moves on; what it is about, how severe it is and when it was opened stays.
create trigger steps_only before update on incidents for each row
    when ((old.id, old.number, old.title, old.severity, old.source, old.agent, old.bundle_id, old.bundle_version,
           old.description, old.created_by, old.created_at, old.ack_due_at, old.investigate_due_at)
          is distinct from
          (new.id, new.number, new.title, new.severity, new.source, new.agent, new.bundle_id, new.bundle_version,
           new.description, new.created_by, new.created_at, new.ack_due_at, new.investigate_due_at))
    execute function countersign_refuse_change();
create trigger no_delete before delete on incident_numbers
    for each row execute function countersign_refuse_change();
create trigger one_row before insert or delete on system_state
    for each row execute function countersign_refuse_change();

do $$
declare
    name text;
begin
    foreach name in array array['policy_bundles', 'policy_packets', 'policy_packet_actions', 'policy_apply_record',
        'policy_rollback_record', 'policy_release_record', 'policy_drills', 'policy_decisions',
        'policy_decision_outcomes', 'incidents', 'incident_timeline', 'incident_post_mortems', 'incident_numbers',
        'system_state', 'settings', 'people', 'api_tokens'] loop
        execute format('create trigger append_only_truncate before truncate on %I
            for each statement execute function countersign_refuse_change()', name);
    end loop;
end
$$;
