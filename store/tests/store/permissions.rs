//! Every use case authorizes its actor first: each role is allowed or denied as the permission table says.

use std::{future::Future, pin::Pin};

use lifecycle::{
    authority::{Actor, Permission, Role, Via},
    incident::{Severity, Step},
    problem::{Code, Problem},
    review::{Verdict, guardrails::GuardrailName},
    rollout::freeze::Operation,
    transfer::Upload,
};
use policy::replay::{Dataset, Outcome, OutcomeStatus};
use serde_json::json;
use store::{
    Store, announcements, audit, bundles, decisions, drills, home, identities, incidents, kpi, links::Delivery,
    packets, partner_keys, people, rollout, sessions, settings, system, test_cases, testing, tokens,
};

use crate::fixtures::*;

type UseCaseResult<'a> = Pin<Box<dyn Future<Output = Result<(), store::Error>> + 'a>>;
type UseCase = (&'static str, Permission, for<'a> fn(&'a Store, &'a Actor) -> UseCaseResult<'a>);

macro_rules! case {
    ($name:literal, $permission:ident, |$store:ident, $actor:ident| $call:expr) => {
        ($name, Permission::$permission, |$store, $actor| Box::pin(async move { $call.await.map(drop) }))
    };
}

fn stop() -> rollout::NewFreeze {
    let (name, reason) = ("Stop".to_owned(), "nothing may change now".to_owned());
    rollout::NewFreeze { name, reason, recurrence: None, scope: None, exemptions: Vec::new() }
}

fn outcome() -> Outcome {
    Outcome { status: OutcomeStatus::Ok, cost: None, margin_bps: None, success: None, latency_ms: None, note: None }
}

fn unsigned_upload() -> Upload {
    Upload { document: json!({"rules": []}), import_as_version: None, unsigned: true }
}

fn claims() -> identities::Claims {
    identities::Claims { issuer: "https://login.test".into(), subject: "1".into(), ..identities::Claims::default() }
}

fn invitation() -> people::NewPerson {
    people::NewPerson { email: "x".into(), name: "X".into(), roles: [Role::Viewer].into() }
}

fn own_token() -> tokens::NewOwnToken {
    tokens::NewOwnToken { name: String::new(), roles: [Role::Viewer].into(), expires_in_days: None, password: None }
}

fn partner_key() -> partner_keys::NewPartnerKey {
    partner_keys::NewPartnerKey { name: String::new(), public_key: String::new() }
}

fn use_cases() -> Vec<UseCase> {
    vec![
        case!("audit::list", Read, |s, a| audit::list(s, a, &audit::Filter::default())),
        case!("audit::verify", Read, |s, a| audit::verify(s, a)),
        case!("audit::status", Read, |s, a| audit::status(s, a)),
        case!("audit::export", Read, |s, a| audit::export(s, a)),
        case!("kpi::summary", Read, |s, a| kpi::summary(s, a, None)),
        case!("kpi::detail", Read, |s, a| kpi::detail(s, a, None)),
        case!("kpi::trend", Read, |s, a| kpi::trend(s, a, 2)),
        case!("bundles::list", Read, |s, a| bundles::list(s, a, &bundles::Filter::default())),
        case!("bundles::summaries", Read, |s, a| bundles::summaries(s, a, &bundles::Filter::default())),
        case!("bundles::get", Read, |s, a| bundles::get(s, a, 0)),
        case!("bundles::diff", Read, |s, a| bundles::diff(s, a, 0, 0)),
        case!("bundles::create", EditDrafts, |s, a| bundles::create(s, a, source(None, 1))),
        case!("bundles::update", EditDrafts, |s, a| bundles::update(s, a, 0, 1, source(None, 1))),
        case!("bundles::clone_draft", EditDrafts, |s, a| bundles::clone_draft(s, a, 0)),
        case!("bundles::withdraw", EditDrafts, |s, a| bundles::withdraw(s, a, 0)),
        case!("bundles::export", EditDrafts, |s, a| bundles::export(s, a, 0, 24)),
        case!("bundles::verify", Read, |s, a| bundles::verify(s, a, json!({}))),
        case!("bundles::preview_import", EditDrafts, |s, a| bundles::preview_import(s, a, unsigned_upload())),
        case!("bundles::import", EditDrafts, |s, a| bundles::import(s, a, unsigned_upload())),
        case!("packets::build", BuildPackets, |s, a| packets::build(
            s,
            a,
            packets::BuildPacket { bundle_id: 0, fallback_plan: "back".into(), ..Default::default() }
        )),
        case!("packets::list", Read, |s, a| packets::list(s, a, &packets::Filter::default())),
        case!("packets::get", Read, |s, a| packets::get(s, a, "pktv1:0")),
        case!("packets::verify", Read, |s, a| packets::verify(s, a, "pktv1:0")),
        case!("packets::evidence", Read, |s, a| packets::evidence(s, a, "pktv1:0")),
        case!("packets::act", ActOnPackets, |s, a| packets::act(s, a, "pktv1:0", Verdict::Approve, None)),
        case!("rollout::apply", Apply, |s, a| rollout::apply(s, a, 0, "pktv1:0", None)),
        case!("rollout::promote", Apply, |s, a| rollout::promote(s, a, 0, 50)),
        case!("rollout::roll_back", RollBack, |s, a| rollout::roll_back(
            s,
            a,
            0,
            rollout::RollBack {
                reason: "Emergency".into(),
                rolled_back_by: None,
                create_incident: true,
                triggered_at: None
            }
        )),
        case!("rollout::canary_status", Read, |s, a| rollout::canary_status(s, a, 0)),
        case!("rollout::check_gates", Read, |s, a| rollout::check_gates(s, a, 0, None, None)),
        case!("rollout::freezes", Read, |s, a| rollout::freezes(s, a)),
        case!("rollout::freezes_holding", Read, |s, a| rollout::freezes_holding(s, a, Operation::Apply)),
        case!("rollout::freeze", Pause, |s, a| rollout::freeze(s, a, stop())),
        case!("rollout::end_freeze", Pause, |s, a| rollout::end_freeze(s, a, 0)),
        case!("rollout::history", Read, |s, a| rollout::history(s, a, 5)),
        case!("rollout::preview", Read, |s, a| rollout::preview(s, a, 0)),
        case!("decisions::list", Read, |s, a| decisions::list(s, a, &decisions::Filter::default())),
        case!("decisions::get", Read, |s, a| decisions::get(s, a, "none")),
        case!("decisions::report_outcome", Evaluate, |s, a| decisions::report_outcome(s, a, "none", outcome())),
        case!("decisions::report_outcomes", Evaluate, |s, a| decisions::report_outcomes(s, a, &[])),
        case!("incidents::list", Read, |s, a| incidents::list(s, a, &incidents::Filter::default())),
        case!("incidents::get", Read, |s, a| incidents::get(s, a, "INC-2026-0000")),
        case!("incidents::create", HandleIncidents, |s, a| incidents::create(
            s,
            a,
            incidents::NewIncident {
                title: "Errors".into(),
                severity: Severity::Low,
                source: None,
                agent: None,
                bundle_id: None,
                description: String::new()
            }
        )),
        case!("incidents::advance", HandleIncidents, |s, a| incidents::advance(
            s,
            a,
            "INC-2026-0000",
            Step::Resolve,
            None
        )),
        case!("incidents::post_mortem", Read, |s, a| incidents::post_mortem(s, a, "INC-2026-0000")),
        case!("incidents::save_post_mortem", HandleIncidents, |s, a| incidents::save_post_mortem(
            s,
            a,
            "INC-2026-0000",
            None,
            "x"
        )),
        case!("packets::removed_guards", Read, |s, a| packets::removed_guards(s, a, 0)),
        case!("packets::exceptions_in_service", Read, |s, a| packets::exceptions_in_service(s, a)),
        case!("packets::sign_exception", SignExceptions, |s, a| packets::sign_exception(
            s,
            a,
            "pktv1:none",
            GuardrailName::MarginDelta,
            "As agreed"
        )),
        case!("system::get", Read, |s, a| system::get(s, a)),
        case!("system::pause", Pause, |s, a| system::pause(
            s,
            a,
            system::Engage { reason: " ".into(), ticket: None, trigger_metrics: Vec::new() }
        )),
        case!("system::sign_release", Pause, |s, a| system::sign_release(s, a, "put right")),
        case!("system::disable", DisableEvaluation, |s, a| system::disable(s, a, " ", None)),
        case!("system::enable", DisableEvaluation, |s, a| system::enable(s, a, None)),
        case!("drills::run", Apply, |s, a| drills::run(s, a)),
        case!("drills::list", Read, |s, a| drills::list(s, a, &drills::Filter::default())),
        case!("drills::get", Read, |s, a| drills::get(s, a, 0)),
        case!("home::overview", Read, |s, a| home::overview(s, a)),
        case!("home::badges", Read, |s, a| home::badges(s, a)),
        case!("settings::get", Read, |s, a| settings::get(s, a)),
        case!("settings::keys", Read, |s, a| std::future::ready(settings::keys(s, a))),
        case!("settings::update", Administer, |s, a| settings::update(s, a, settings::Settings::default())),
        case!("settings::below_default", Read, |s, a| settings::below_default(s, a)),
        case!("settings::proposals", Read, |s, a| settings::proposals(s, a, None, None, None)),
        case!("settings::accept", Countersign, |s, a| settings::accept(s, a, 0)),
        case!("settings::reject", Countersign, |s, a| settings::reject(s, a, 0)),
        case!("settings::invariants", Read, |s, a| settings::invariants(s, a)),
        case!("settings::groups", Read, |s, a| settings::groups(s, a)),
        case!("settings::set_groups", Administer, |s, a| settings::set_groups(s, a, Vec::new())),
        case!("identities::own", Read, |s, a| identities::own(s, a)),
        case!("identities::link", Read, |s, a| identities::link(s, a, &claims())),
        case!("identities::unlink", Read, |s, a| identities::unlink(s, a)),
        case!("settings::set_invariants", Administer, |s, a| settings::set_invariants(s, a, Vec::new())),
        case!("test_cases::cases", Read, |s, a| test_cases::cases(s, a, Dataset::Fixtures, None, None)),
        case!("decisions::encoded_corpus", Read, |s, a| decisions::encoded_corpus(
            s,
            a,
            decisions::CorpusFilter::default()
        )),
        case!("test_cases::save", EditDrafts, |s, a| test_cases::save(s, a, &[], &[])),
        case!("people::sign_out", Read, |s, a| people::sign_out(s, a)),
        case!("people::list", Administer, |s, a| people::list(s, a)),
        case!("people::invite", Administer, |s, a| people::invite(s, a, &invitation(), Delivery::HandOver)),
        case!("people::reset", Administer, |s, a| people::reset(s, a, "x@y", Delivery::HandOver)),
        case!("people::get", Administer, |s, a| people::get(s, a, 0)),
        case!("partner_keys::list", Read, |s, a| partner_keys::list(s, a)),
        case!("partner_keys::propose", Administer, |s, a| partner_keys::propose(s, a, &partner_key())),
        case!("partner_keys::accept", Countersign, |s, a| partner_keys::accept(s, a, 0)),
        case!("partner_keys::reject", Read, |s, a| partner_keys::reject(s, a, 0)),
        case!("partner_keys::remove", Administer, |s, a| partner_keys::remove(s, a, 0)),
        case!("announcements::acknowledge", Countersign, |s, a| announcements::acknowledge(s, a, 0)),
        case!("people::proposals", Read, |s, a| people::proposals(s, a)),
        case!("people::accept_roles", Countersign, |s, a| people::accept_roles(s, a, 0)),
        case!("people::reject_roles", Read, |s, a| people::reject_roles(s, a, 0)),
        case!("people::change_password", Read, |s, a| people::change_password(s, a, "::1", "x", "y")),
        case!("people::set_roles", Administer, |s, a| people::set_roles(s, a, "x@y", [Role::Viewer].into())),
        case!("people::set_enabled", Administer, |s, a| people::set_enabled(s, a, "x@y", false)),
        case!("tokens::list", Administer, |s, a| tokens::list(s, a)),
        case!("tokens::revoke", Administer, |s, a| tokens::revoke(s, a, 0)),
        case!("tokens::create_service", Administer, |s, a| tokens::create_service(s, a, program(""))),
        case!("tokens::create_on_host", Administer, |s, a| tokens::create_on_host(s, a, "x@y", own_token())),
        case!("tokens::create_own", Read, |s, a| tokens::create_own(s, a, "::1", own_token())),
        case!("tokens::list_own", Read, |s, a| tokens::list_own(s, a)),
        case!("tokens::revoke_own", Read, |s, a| tokens::revoke_own(s, a, 0)),
        case!("sessions::list_own", Read, |s, a| sessions::list_own(s, a)),
        case!("sessions::end_own", Read, |s, a| sessions::end_own(s, a, 0)),
        case!("people::sign_out_everywhere", Read, |s, a| people::sign_out_everywhere(s, a)),
    ]
}

#[tokio::test]
async fn every_use_case_allows_exactly_the_right_roles() {
    let store = testing::store().await;
    for (name, permission, call) in use_cases() {
        // Pages, programs, the command line and workers call the same use cases: the channel makes no difference.
        let channels = [Via::Session, Via::Token, Via::Cli, Via::Job];
        for (role, via) in Role::ALL.iter().copied().flat_map(|role| channels.map(|via| (role, via))) {
            let person = Actor { via, ..actor(role) };
            let answer = call(&store, &person).await;
            let denied = match answer {
                Ok(()) => false,
                Err(error) => {
                    assert!(
                        !matches!(error, store::Error::Database(_) | store::Error::Internal(_)),
                        "{name} by {role} via {}: {error}",
                        via.name()
                    );
                    matches!(error, store::Error::Denied(_))
                }
            };
            assert_eq!(denied, !permission.roles().contains(&role), "{name} by {role} via {}", via.name());
        }
        // A person whose roles were all taken while they were signed in still signs out: see `account_takeover`.
        if name == "people::sign_out" {
            continue;
        }
        let mut without_roles = actor(Role::Viewer);
        without_roles.roles.clear();
        let problem = Problem::from(call(&store, &without_roles).await.unwrap_err());
        assert_eq!((problem.code, problem.status), (Code::Forbidden, 403), "{name}");
        assert_eq!(problem.extra["permission"], permission.name(), "{name}");
        assert_eq!(problem.extra["roles"].as_array().unwrap().len(), permission.roles().len(), "{name}");
    }
}
