-- What reviewers looked at stays as it was: of a packet only its status changes.
create trigger status_only before update on policy_packets for each row
    when ((old.packet_id, old.row_id, old.bundle_id, old.bundle_revision, old.base_id, old.built_by, old.authors,
           old.built_at, old.content::text, old.corpus::text, old.bundle_version, old.base_version, old.notes,
           old.risk_score_bps, old.required_approvals, old.replay_checksum)
          is distinct from
          (new.packet_id, new.row_id, new.bundle_id, new.bundle_revision, new.base_id, new.built_by, new.authors,
           new.built_at, new.content::text, new.corpus::text, new.bundle_version, new.base_version, new.notes,
           new.risk_score_bps, new.required_approvals, new.replay_checksum))
    execute function countersign_refuse_change();

-- The pause and the emergency switch: a change made by SQL is audited when its transaction commits, as one of a bundle is.
create function countersign_audit_switch() returns trigger language plpgsql as $$
declare
    next_seq bigint;
begin
    if coalesce(current_setting('countersign.permit', true), '') <> '' then
        return null;
    end if;
    update policy_audit_head set seq = seq + 1 returning seq into next_seq;
    insert into policy_lifecycle_audit (seq, at, event_type, actor, roles, via, subject_type, subject_id, summary, detail)
    values (next_seq, now(), 'manual_failover', session_user, '{}', 'sql', 'system', 'policy',
        format('database role %s set the switches by SQL: %s, %s', session_user,
            case when new.pause is null then 'not paused' else 'paused' end,
            case when new.enabled then 'evaluation on' else 'evaluation off' end),
        json_build_object('was_paused', old.pause is not null, 'paused', new.pause is not null,
            'was_enabled', old.enabled, 'enabled', new.enabled, 'bypass_effect', new.bypass_effect,
            'role', session_user, 'application', current_setting('application_name')));
    return null;
end
$$;
create constraint trigger audit_switch after update on system_state
    deferrable initially deferred for each row
    when (old.enabled is distinct from new.enabled or old.bypass_effect is distinct from new.bypass_effect
        or old.pause::text is distinct from new.pause::text)
    execute function countersign_audit_switch();
