//! Whatever is asked, decided, edited, revoked and used in whatever order: what an approval allows was approved.

use std::{collections::BTreeSet, time::Duration};

use policy::{
    Timestamp,
    bundle::{
        Digest, Risk,
        approval::{ApprovalRule, ApprovalTerms},
    },
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{
    Action, Call, NotAllowed, Scope, ScopeKind, Spendable, Status, Terms, Verdict, check_grant, may_decide, outcome,
};
use crate::{
    authority::{Actor, HeldRoles, Role, Roles, Via},
    signing::{Key, KeyRing},
};

const PEOPLE: [&str; 4] = ["ada@example.com", "grace@example.com", "lena@example.com", "Otto@example.com"];

fn keys() -> KeyRing {
    KeyRing { current: Key::new("k", "a secret of the workspace"), previous: Vec::new() }
}

fn rule(version: u8, risk: Option<Risk>, guardrail: bool) -> ApprovalRule {
    ApprovalRule {
        id: "refund-ask".into(),
        digest: Digest::of(&json!({"version": version})),
        reason: "A person looks at every refund".into(),
        terms: ApprovalTerms { unbound: vec!["asked_at".into()], ..ApprovalTerms::default() },
        risk,
        guardrail,
        written: Map::new(),
    }
}

/// A call with one thing after the other changed.
#[derive(Debug, Clone, Copy)]
struct Asked {
    token: i64,
    agent: &'static str,
    subject: Option<&'static str>,
    session: Option<&'static str>,
    on_behalf_of: Option<&'static str>,
    amount: i64,
    asked_at: i64,
}

const ORIGINAL: Asked = Asked {
    token: 7,
    agent: "billing.refund",
    subject: Some("order-1"),
    session: Some("s1"),
    on_behalf_of: Some("lena@example.com"),
    amount: 9_007_199_254_740_993,
    asked_at: 1,
};

impl Asked {
    fn context(&self) -> Map<String, Value> {
        let Value::Object(context) = json!({"amount": self.amount, "asked_at": self.asked_at}) else { unreachable!() };
        context
    }

    /// Whether it is the call that was approved, but for what the rule leaves unbound.
    fn is_same(&self, other: &Self) -> bool {
        self.is_same_asker(other) && self.amount == other.amount
    }

    fn is_same_asker(&self, other: &Self) -> bool {
        (self.token, self.agent, self.subject, self.on_behalf_of) == (other.token, other.agent, other.subject, other.on_behalf_of)
    }
}

fn asked() -> impl Strategy<Value = Asked> {
    prop_oneof![
        6 => Just(ORIGINAL),
        1 => Just(Asked { token: 8, ..ORIGINAL }),
        1 => Just(Asked { agent: "billing.refunds", ..ORIGINAL }),
        1 => Just(Asked { subject: None, ..ORIGINAL }),
        1 => Just(Asked { session: Some("s2"), ..ORIGINAL }),
        1 => Just(Asked { on_behalf_of: Some("otto@example.com"), ..ORIGINAL }),
        2 => Just(Asked { amount: ORIGINAL.amount + 1, ..ORIGINAL }),
        1 => Just(Asked { amount: 5, ..ORIGINAL }),
        2 => Just(Asked { asked_at: 2, ..ORIGINAL }),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Decide { who: usize, approve: bool, scope: ScopeKind },
    Wait(u64),
    Edit(u8),
    Revoke,
    Cancel,
    TakeRole(usize),
    /// The database was changed by hand: the request is about another amount.
    Forge,
    Use(Asked),
}

fn step() -> impl Strategy<Value = Step> {
    let scope = prop_oneof![
        3 => Just(ScopeKind::Once), 1 => Just(ScopeKind::Session), 1 => Just(ScopeKind::Until), 1 => Just(ScopeKind::Box)
    ];
    prop_oneof![
        6 => (0..PEOPLE.len(), prop::bool::weighted(0.9), scope)
            .prop_map(|(who, approve, scope)| Step::Decide { who, approve, scope }),
        2 => (1_u64..2_000).prop_map(Step::Wait),
        1 => (0_u8..2).prop_map(Step::Edit),
        1 => Just(Step::Revoke),
        1 => Just(Step::Cancel),
        1 => (0..PEOPLE.len()).prop_map(Step::TakeRole),
        1 => Just(Step::Forge),
        10 => asked().prop_map(Step::Use),
    ]
}

struct World {
    terms: Terms,
    /// What people saw when they decided.
    shown: Terms,
    actions: Vec<Action>,
    cancelled_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    used: i64,
    version: u8,
    risk: Option<Risk>,
    guardrail: bool,
    holders: BTreeSet<usize>,
    now: Timestamp,
}

impl World {
    fn new(risk: Option<Risk>, guardrail: bool, quorum: u8) -> Self {
        let rule = rule(0, risk, guardrail);
        let context = ORIGINAL.context();
        let call = call(&ORIGINAL, &context, &rule);
        let (context_key, context_digest) = call.context_digest(&keys());
        let now = Timestamp::from_unix_seconds(1_000_000);
        let terms = Terms {
            id: "apr_0".into(),
            asked_by: ORIGINAL.token,
            agent: ORIGINAL.agent.into(),
            action: "refund".into(),
            subject: ORIGINAL.subject.map(Into::into),
            on_behalf_of: ORIGINAL.on_behalf_of.map(Into::into),
            session: ORIGINAL.session.map(Into::into),
            context_digest,
            context_key,
            unbound: rule.terms.unbound.clone(),
            rule: rule.id.clone(),
            rule_digest: rule.digest.to_string(),
            guardrail,
            risk,
            decision_id: "d-1".into(),
            requested_at: now,
            expires_at: now.plus(Duration::from_secs(3600)),
            usable_for: 3600,
            approvers: vec!["approver".into(), "otto@example.com".into()],
            quorum,
        };
        Self {
            shown: terms.clone(),
            terms,
            actions: Vec::new(),
            cancelled_at: None,
            revoked_at: None,
            used: 0,
            version: 0,
            risk,
            guardrail,
            holders: (0..PEOPLE.len()).collect(),
            now,
        }
    }

    fn decide(&mut self, who: usize, approve: bool, kind: ScopeKind) {
        let actor = Actor::new(PEOPLE[who], [Role::Approver].into(), Via::Session);
        let state = outcome(&self.terms, &self.actions, self.cancelled_at, None, self.now);
        if state.status != Status::Pending || !self.holders.contains(&who) || may_decide(&self.terms, &actor).is_err() {
            return;
        }
        let conditions = (kind == ScopeKind::Box).then(|| ORIGINAL_BOX.clone());
        let until = (kind == ScopeKind::Until).then(|| self.now.plus(Duration::from_secs(7200)));
        let scope = Scope { kind, until, count: (kind != ScopeKind::Once).then_some(2), conditions };
        let verdict = if approve { Verdict::Approve } else { Verdict::Deny };
        let Ok(scope) = scope.checked(&self.terms, &ORIGINAL.context(), self.now) else { return };
        let action = Action::record(&self.terms, &actor, (verdict, Some("seen"), scope), self.now, &keys()).unwrap();
        self.actions.push(action);
    }

    fn try_use(&mut self, asked: &Asked) -> Result<(), NotAllowed> {
        let rule = rule(self.version, self.risk, self.guardrail);
        let context = asked.context();
        let holder = |who: &usize| (PEOPLE[*who].to_owned(), Roles::from([Role::Approver]));
        let standing = HeldRoles::of(self.holders.iter().map(holder));
        let spendable = Spendable {
            terms: &self.terms,
            context: &ORIGINAL.context(),
            actions: &self.actions,
            cancelled_at: self.cancelled_at,
            revoked_at: self.revoked_at,
            used: self.used,
        };
        check_grant(&spendable, &call(asked, &context, &rule), &standing, &keys(), self.now)?;
        self.used += 1;
        Ok(())
    }

    /// Whether the call was approved, told apart from the code under test: by who may, in time, not denied, under the same
    /// rule; that very call once, or one of a scope that all of them chose.
    fn was_approved(&self, asked: &Asked) -> Result<(), String> {
        let denied = self.actions.iter().any(|action| action.decision == Verdict::Deny);
        let mut signers: Vec<&Action> = Vec::new();
        for action in &self.actions {
            let who = PEOPLE.iter().position(|name| *name == action.actor).unwrap();
            let may = self.holders.contains(&who) && action.actor != "lena@example.com";
            if may && action.at < self.terms.expires_at && signers.iter().all(|known| known.actor != action.actor) {
                signers.push(action);
            }
        }
        let needed = usize::from(self.terms.quorum);
        let same = asked.is_same(&ORIGINAL);
        let within = signers.first().is_some_and(|first| {
            let agreed = signers.iter().take(needed).all(|one| one.scope == first.scope);
            let wide = agreed && !self.guardrail && self.risk != Some(Risk::High);
            let kind = if wide { first.scope.kind } else { ScopeKind::Once };
            let uses = if wide { i64::from(first.scope.uses()) } else { 1 };
            let inside = match kind {
                ScopeKind::Once => same,
                ScopeKind::Session => asked.is_same_asker(&ORIGINAL) && asked.session == ORIGINAL.session,
                ScopeKind::Until => asked.is_same_asker(&ORIGINAL),
                ScopeKind::Box => asked.is_same_asker(&ORIGINAL) && asked.amount >= 1_000,
            };
            inside && self.used <= uses
        });
        let checks = [
            (!denied, "it was denied"),
            (signers.len() >= needed, "too few approved"),
            (self.version == 0, "the rule was changed"),
            (self.cancelled_at.is_none(), "it was cancelled"),
            (self.revoked_at.is_none(), "it was revoked"),
            (self.terms == self.shown, "the request was changed after it was shown"),
            (within, "the call is not what was approved, or was used too often"),
        ];
        match checks.into_iter().find(|(holds, _)| !holds) {
            Some((_, why)) => Err(why.to_owned()),
            None => Ok(()),
        }
    }
}

static ORIGINAL_BOX: std::sync::LazyLock<Map<String, Value>> =
    std::sync::LazyLock::new(|| serde_json::from_value(json!({">=amount": 1000})).unwrap());

fn call<'a>(asked: &'a Asked, context: &'a Map<String, Value>, rule: &'a ApprovalRule) -> Call<'a> {
    Call {
        asked_by: asked.token,
        agent: asked.agent,
        action: "refund",
        subject: asked.subject,
        on_behalf_of: asked.on_behalf_of,
        session: asked.session,
        context,
        rule,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_allowed_was_approved(
        steps in prop::collection::vec(step(), 1..30),
        high in prop::bool::weighted(0.2), guardrail in prop::bool::weighted(0.2), quorum in 1_u8..3,
    ) {
        let quorum = if high { 2 } else { quorum };
        let mut world = World::new(high.then_some(Risk::High), guardrail, quorum);
        let mut allowed = 0;
        for step in steps {
            match step {
                Step::Decide { who, approve, scope } => world.decide(who, approve, scope),
                Step::Wait(seconds) => world.now = world.now.plus(Duration::from_secs(seconds)),
                Step::Edit(version) => world.version = version,
                Step::Revoke => world.revoked_at = world.revoked_at.or(Some(world.now)),
                Step::Cancel => world.cancelled_at = world.cancelled_at.or(Some(world.now)),
                Step::TakeRole(who) => { world.holders.remove(&who); }
                Step::Forge => world.terms.quorum = 1,
                Step::Use(asked) => {
                    if world.try_use(&asked).is_ok() {
                        allowed += 1;
                        let approved = world.was_approved(&asked);
                        prop_assert!(approved.is_ok(), "{approved:?}: {asked:?} of {:?}", world.actions);
                    }
                }
            }
        }
        prop_assert!(i64::from(allowed) == world.used);
    }
}

#[test]
fn an_approved_call_is_allowed_once_and_a_changed_one_says_what_changed() {
    let mut world = World::new(None, false, 1);
    assert_eq!(world.try_use(&ORIGINAL), Err(NotAllowed::Pending));
    world.decide(2, true, ScopeKind::Once);
    assert_eq!(world.try_use(&ORIGINAL), Err(NotAllowed::Pending), "the agent acts for her");
    world.decide(0, true, ScopeKind::Once);
    let changed = world.try_use(&Asked { amount: ORIGINAL.amount + 1, ..ORIGINAL }).unwrap_err();
    assert!(changed.detail().contains("/context/amount"), "{changed:?}");
    assert_eq!(world.try_use(&Asked { token: 8, ..ORIGINAL }), Err(NotAllowed::Unknown));
    assert_eq!(world.try_use(&Asked { asked_at: 99, ..ORIGINAL }), Ok(()));
    assert_eq!(world.try_use(&ORIGINAL), Err(NotAllowed::Spent));
}

#[test]
fn endings_are_told_apart_and_a_late_click_counts_until_expiry() {
    let mut world = World::new(None, false, 1);
    world.now = world.terms.expires_at.minus(Duration::from_micros(1));
    world.decide(0, true, ScopeKind::Once);
    world.now = world.terms.expires_at.plus(Duration::from_secs(3599));
    assert_eq!(world.try_use(&ORIGINAL), Ok(()));
    let mut world = World::new(None, false, 1);
    world.now = world.terms.expires_at;
    world.decide(0, true, ScopeKind::Once);
    assert_eq!(world.try_use(&ORIGINAL), Err(NotAllowed::Expired));
    let mut world = World::new(None, false, 1);
    world.decide(0, false, ScopeKind::Once);
    assert_eq!(world.try_use(&ORIGINAL), Err(NotAllowed::Denied(Some("seen".into()))));
    let mut world = World::new(None, false, 1);
    world.cancelled_at = Some(world.now);
    assert_eq!(world.try_use(&ORIGINAL), Err(NotAllowed::Cancelled));
}

#[test]
fn a_request_that_was_changed_in_the_database_has_no_approvals() {
    let mut world = World::new(None, false, 2);
    world.decide(0, true, ScopeKind::Once);
    world.terms.quorum = 1;
    assert_eq!(world.try_use(&ORIGINAL), Err(NotAllowed::Pending));
}
