//! Proofs of invariants compared with every input of a small domain.

use proptest::prelude::*;

use super::{
    Meter,
    invariants::{InvariantProof, as_rule, prove, prove_within},
    tests::{bundles, conditions, inputs},
};
use crate::{
    bundle::{
        ActionPattern, AgentPattern, Bundle, Effect,
        invariant::{Demand, Statement},
    },
    engine::{Prepared, Status},
};

fn statements() -> impl Strategy<Value = Statement> {
    let agent = prop_oneof![
        Just(AgentPattern::Any),
        Just(AgentPattern::Prefix("in.".to_owned())),
        Just(AgentPattern::Exact("in.box".to_owned())),
        Just(AgentPattern::Exact("nobody".to_owned())),
    ];
    let action = prop_oneof![
        Just(ActionPattern::Any),
        Just(ActionPattern::Exact("go".to_owned())),
        Just(ActionPattern::Prefix("go_".to_owned())),
    ];
    let effect = prop::sample::select(Effect::ALL.to_vec());
    let demand = (effect, any::<bool>())
        .prop_map(|(effect, never)| if never { Demand::Never(effect) } else { Demand::Always(effect) });
    (agent, action, demand, conditions()).prop_map(|(agent, action, demand, conditions)| Statement {
        id: "statement".to_owned(),
        agent,
        action,
        demand,
        conditions,
    })
}

/// A bundle that matches exactly where the statement applies.
fn asked(statement: &Statement) -> Prepared {
    let rules = vec![as_rule(statement)];
    Prepared::new(&Bundle { rules, default_effect: Effect::Deny, on_error: Effect::Deny, schema: None })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn proofs_agree_with_trying_every_input(bundle in bundles(), statement in statements()) {
        let prepared = Prepared::new(&bundle);
        let asked = asked(&statement);
        let broken = inputs().into_iter().find(|input| {
            asked.decide(input).status == Status::Matched
                && statement.demand.is_broken_by(prepared.decide(input).effect)
        });
        match prove(&bundle, &statement) {
            InvariantProof::Holds => prop_assert!(broken.is_none(), "{statement} is broken by {broken:?}"),
            InvariantProof::Violated(witness) => {
                prop_assert_eq!(asked.decide(&witness).status, Status::Matched, "{} is not about {:?}", statement, witness);
                prop_assert!(statement.demand.is_broken_by(prepared.decide(&witness).effect));
            }
            InvariantProof::Undecided => prop_assert!(false, "undecided: {statement}"),
        }
        // Without a budget, nothing is claimed.
        let nothing = prove_within(&bundle, &statement, &mut Meter::new(0, 0));
        prop_assert_eq!(nothing, InvariantProof::Undecided);
    }
}
