//! Actors, bundles, records and steps that several tests share.

use lifecycle::{
    authority::{Actor, Role, Via},
    bundle::Record as Bundle,
    decision::{BundleRef, Mode, OtherArm, Record},
    problem::{Code, Problem},
    review::{Packet, Verdict},
};
use policy::{
    bundle::Source,
    engine::{Arm, Status},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store::{
    Store, bundles, decisions, packets,
    people::{self, SignedIn},
    rollout,
    sessions::{BEGUN, PERSON_ID, PgSessions},
    settings,
};
use time::{Duration, OffsetDateTime};
use tower_sessions::{
    SessionStore,
    session::{Id, Record as SessionRecord},
};

/// What the cookie layer does after a sign-in; returns the id in the cookie.
pub async fn take_up(store: &Store, signed_in: &SignedIn) -> Id {
    let data =
        [(PERSON_ID.to_owned(), signed_in.person.id.into()), (BEGUN.to_owned(), signed_in.session.to_string().into())];
    let expiry_date = OffsetDateTime::now_utc() + Duration::days(7);
    let mut record = SessionRecord { id: Id::default(), data: data.into(), expiry_date };
    PgSessions::new(store.clone()).create(&mut record).await.unwrap();
    record.id
}

/// A new session of a person.
pub async fn session(store: &Store, email: &str) -> Id {
    let signed_in = people::sign_in_to_demo(store, email, "10.0.0.1").await.unwrap().unwrap();
    take_up(store, &signed_in).await
}

pub fn actor(role: Role) -> Actor {
    Actor::new(format!("{role}@example.com"), [role].into(), Via::Session)
}

/// A program's token for every agent.
pub fn program(name: &str) -> store::tokens::NewServiceToken {
    store::tokens::NewServiceToken {
        name: name.into(),
        agents: vec!["*".into()],
        reporter: false,
        expires_in_days: None,
    }
}

/// A person on the command line of the host.
pub fn host() -> Actor {
    Actor { via: Via::Cli, ..actor(Role::Admin) }
}

pub fn author() -> Actor {
    actor(Role::Author)
}

pub fn approver() -> Actor {
    actor(Role::Approver)
}

pub fn owner() -> Actor {
    actor(Role::RuntimeOwner)
}

pub fn safety() -> Actor {
    actor(Role::SafetyOwner)
}

pub fn admin() -> Actor {
    actor(Role::Admin)
}

/// The people: some hold several roles, one only reads.
pub fn people() -> Vec<Actor> {
    [
        ("ann@x", &[Role::Author][..]),
        ("abe@x", &[Role::Author, Role::Approver]),
        ("cat@x", &[Role::Approver]),
        ("sue@x", &[Role::SafetyOwner]),
        ("sam@x", &[Role::SafetyOwner, Role::RuntimeOwner]),
        ("rob@x", &[Role::RuntimeOwner]),
        ("rex@x", &[Role::RuntimeOwner, Role::Author]),
        ("vic@x", &[Role::Viewer]),
        ("all@x", &[Role::Admin]),
    ]
    .map(|(name, roles)| Actor::new(name, roles.iter().copied().collect(), Via::Session))
    .to_vec()
}

/// A request to roll a bundle back, which opens an incident when asked to.
pub fn rollback(reason: &str, create_incident: bool) -> rollout::RollBack {
    rollout::RollBack { reason: reason.into(), rolled_back_by: None, create_incident, triggered_at: None }
}

/// The database's clock.
pub async fn now(store: &Store) -> OffsetDateTime {
    sqlx::query_scalar("select now()").fetch_one(store.pool()).await.unwrap()
}

/// Changes the database as an attacker with every right in it can: triggers do not fire.
pub async fn tamper(store: &Store, sql: &str) {
    as_owner(store, &format!("begin; set local session_replication_role = replica; {sql}; commit;")).await;
}

/// Runs statements as the role that owns the tables, which may change the schema.
pub async fn as_owner(store: &Store, sql: &str) {
    let mut db = owner_connection(store).await;
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut db).await.unwrap();
}

/// A connection as the role that owns the tables.
pub async fn owner_connection(store: &Store) -> PgConnection {
    PgConnection::connect_with(&store::testing::as_owner(&store.pool().connect_options())).await.unwrap()
}

pub fn code(error: store::Error) -> Code {
    Problem::from(error).code
}

/// A bundle of one rule that holds mail of at least this risk for approval and allows the rest.
pub fn source(version: Option<&str>, threshold: i64) -> Source {
    Source::read(json!({
        "version": version,
        "rules": [
            {"id": "hold-risky", "agent": "inbox.triage", "action": "quarantine", "conditions": {">=risk_score": threshold},
             "effect": "needs_approval", "reason": "Risky mail is looked at by a person", "priority": 80,
             "budget": {"cost": 0.05, "compute": 1, "risk": "low"}},
            {"id": "allow-rest", "agent": "inbox.triage", "action": "quarantine", "effect": "allow",
             "reason": "All other mail may be quarantined", "priority": 10}
        ]
    }))
    .unwrap()
}

pub async fn submit(store: &Store, bundle: i64) -> Packet {
    let request =
        packets::BuildPacket { bundle_id: bundle, fallback_plan: "Roll back to stable.".into(), ..Default::default() };
    packets::build(store, &author(), request).await.unwrap()
}

/// A new bundle with an approved packet.
pub async fn approved(store: &Store, version: Option<&str>, threshold: i64) -> (Bundle, Packet) {
    let draft = bundles::create(store, &author(), source(version, threshold)).await.unwrap();
    let packet = submit(store, draft.id).await;
    let mut packet = packets::act(store, &approver(), &packet.packet_id, Verdict::Approve, None).await.unwrap();
    if packet.content.required_approvals > 1 {
        packet = packets::act(store, &safety(), &packet.packet_id, Verdict::Approve, None).await.unwrap();
    }
    (bundles::get(store, &author(), draft.id).await.unwrap(), packet)
}

/// A new bundle at 10 %.
pub async fn canary(store: &Store, version: Option<&str>, threshold: i64) -> Bundle {
    let (bundle, packet) = approved(store, version, threshold).await;
    rollout::apply(store, &owner(), bundle.id, &packet.packet_id, None).await.unwrap()
}

/// Sets gates without a minimum stage duration and with a minimum sample size of 2, about any subject.
pub async fn fast_gates(store: &Store) {
    let mut settings = settings::get(store, &admin()).await.unwrap();
    settings.gates.min_stage_seconds = 0;
    settings.gates.min_sample_size = 2;
    settings.gates.min_subjects = 1;
    set(store, settings).await;
}

/// Sets settings whatever they weaken: an administrator proposes, a safety owner accepts.
pub async fn set(store: &Store, wanted: settings::Settings) {
    let changed = settings::update(store, &admin(), wanted).await.unwrap();
    if let Some(proposal) = changed.proposal {
        settings::accept(store, &safety(), proposal.id).await.unwrap();
    }
}

/// A new bundle at 100 %, through every stage.
pub async fn stable(store: &Store, version: Option<&str>, threshold: i64) -> Bundle {
    fast_gates(store).await;
    let bundle = canary(store, version, threshold).await;
    for target in [50, 100] {
        serve(store, bundle.id, 5).await;
        rollout::promote(store, &owner(), bundle.id, target).await.unwrap();
    }
    bundles::get(store, &author(), bundle.id).await.unwrap()
}

/// Records `count` decisions of each arm that is live; `id` is the bundle of the arm recorded first.
pub async fn serve(store: &Store, id: i64, count: usize) {
    let now = now(store).await;
    let live = store::system::live(store).await.unwrap();
    let reference =
        |bundle: &Bundle| BundleRef { id: bundle.id, version: bundle.version.clone(), digest: bundle.digest.clone() };
    let on_canary = live.canary.as_ref().is_some_and(|canary| canary.id == id);
    let (own, other) = if on_canary { (&live.canary, &live.stable) } else { (&live.stable, &live.canary) };
    let arm = if on_canary { Arm::Canary } else { Arm::Stable };
    let mut records = Vec::new();
    for (arm, own, other) in [(arm, own, other), (if on_canary { Arm::Stable } else { Arm::Canary }, other, own)] {
        let Some(own) = own else { continue };
        records.extend((0..count).map(|_| decision(now, arm, reference(own), other.as_ref().map(reference))));
    }
    decisions::append(store, &records).await.unwrap();
}

/// A decision of `bundle`, and of `other` as the other arm.
pub fn decision(at: OffsetDateTime, arm: Arm, bundle: BundleRef, other: Option<BundleRef>) -> Record {
    let context = json!({"risk_score": 12, "text": "with \u{0} and ünïcode"});
    Record {
        decision_id: uuid::Uuid::now_v7().to_string(),
        decided_at: at.into(),
        agent: "inbox.triage".into(),
        action: "quarantine".into(),
        subject: "user-1".into(),
        context: context.as_object().cloned().unwrap_or_default(),
        effect: policy::bundle::Effect::Allow,
        status: Status::Matched,
        matched_rule: Some("allow-rest".into()),
        reason: "All other mail may be quarantined".into(),
        budget: None,
        bundle: Some(bundle),
        arm,
        mode: Mode::Normal,
        errors: Vec::new(),
        other_arm: other.map(|bundle| OtherArm {
            bundle,
            effect: policy::bundle::Effect::Allow,
            status: Status::Matched,
            matched_rule: Some("allow-rest".into()),
        }),
        outcome: None,
        asked_by: None,
    }
}

/// The last `count` audit entries, oldest first, as `event version`.
pub async fn events(store: &Store, count: usize) -> Vec<String> {
    let filter = store::audit::Filter { limit: Some(500), ..Default::default() };
    let entries = store::audit::list(store, &admin(), &filter).await.unwrap().items;
    let mut events: Vec<String> = entries
        .into_iter()
        .take(count)
        .map(|entry| {
            let event = serde_json::to_value(entry.event_type).unwrap();
            let version = entry.detail.get("version").and_then(Value::as_str).unwrap_or_default();
            format!("{} {version}", event.as_str().unwrap()).trim().to_owned()
        })
        .collect();
    events.reverse();
    events
}
