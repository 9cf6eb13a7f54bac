//! The terms of approvals as written in a rule: who may decide, how many people, until when, and what an approval is not
//! bound to. They mean something from format 1.1 on.

use policy::bundle::{
    Format,
    approval_terms::{MEMBERS, ROLES, is_default},
};
use serde_json::Value;

use super::{Content, RawRule, RuleKey, rule};

/// The items of a member with a list. A value that is no list is its only item, so that it can be seen and removed.
pub fn items(rule: &RawRule, member: &str) -> Vec<Value> {
    match rule.get(member) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items.clone(),
        Some(other) => vec![other.clone()],
    }
}

/// Whether an approver is a role rather than a person.
pub fn is_role(approver: &Value) -> bool {
    approver.as_str().is_some_and(|name| ROLES.contains(&name))
}

/// The approvers with `role` or without it. Roles stand before people; all else keeps its order, which is part of the
/// rule digest.
pub fn with_role(mut approvers: Vec<Value>, role: &str, on: bool) -> Vec<Value> {
    approvers.retain(|approver| approver != role);
    if on {
        let end = approvers.iter().rposition(is_role).map_or(0, |last| last + 1);
        approvers.insert(end, role.into());
    }
    approvers
}

/// The approvers with other people. The roles stay, before them.
pub fn with_people(mut approvers: Vec<Value>, people: Vec<Value>) -> Vec<Value> {
    approvers.retain(is_role);
    approvers.extend(people);
    approvers
}

/// Whether the rule states any terms.
pub fn any_stated(rule: &RawRule) -> bool {
    MEMBERS.into_iter().filter_map(|member| rule.get(member)).any(|value| !is_default(value))
}

impl Content {
    /// The format of the bundle.
    pub fn format(&self) -> Format {
        self.head().format.unwrap_or_default()
    }

    /// Writes a member with terms, or removes it when there is no value or it says nothing. The first one that is
    /// written makes the bundle one of format 1.1, since it would mean nothing in 1.0.
    pub(super) fn set_term(&mut self, key: RuleKey, member: &str, value: Option<Value>) {
        let value = value.filter(|value| !is_default(value));
        let writes = value.is_some();
        if self.edit_rule(key, |rule| rule::set(rule, member, value)) && writes && self.format() < Format::V1_1 {
            self.edit_head(|head| head.format = Some(Format::V1_1));
        }
    }
}

#[cfg(test)]
mod tests {
    use policy::bundle::Source;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::{Edit, EditHistory, EditRefused};

    fn content(format: Option<Format>) -> Content {
        Content::new(Source { format, rules: vec![rule::blank("aaa")], ..Source::default() })
    }

    fn edit(member: &'static str, value: Option<Value>) -> Edit {
        Edit::Terms { key: RuleKey(0), member, value }
    }

    #[test]
    fn the_first_term_sets_the_format_in_the_same_step() {
        for format in [None, Some(Format::V1_0)] {
            let mut history = EditHistory::new(content(format));
            history.apply(&edit("quorum", Some(json!(2)))).unwrap();
            assert_eq!(history.content().format(), Format::V1_1);
            assert_eq!(history.content().rules()[0].rule["quorum"], 2);
            assert_eq!(history.undo().as_deref(), Some("edit quorum"));
            assert_eq!(*history.content(), content(format));
            assert!(!history.can_undo());
        }
    }

    #[test]
    fn removing_the_last_term_leaves_the_format() {
        let stated = content(None).edited(&edit("approvers", Some(json!(["safety_owner"])))).unwrap();
        assert!(any_stated(&stated.rules()[0].rule));
        for nothing in [None, Some(json!([])), Some(Value::Null)] {
            let removed = stated.edited(&edit("approvers", nothing)).unwrap();
            assert_eq!(removed, content(Some(Format::V1_1)));
            assert!(!any_stated(&removed.rules()[0].rule));
        }
    }

    #[test]
    fn a_default_is_not_written() {
        let before = content(None);
        for nothing in [None, Some(json!([])), Some(Value::Null)] {
            assert_eq!(before.edited(&edit("unbound", nothing)), Err(EditRefused::Nothing));
        }
        let gone = Edit::Terms { key: RuleKey(7), member: "quorum", value: Some(json!(2)) };
        assert_eq!(before.edited(&gone), Err(EditRefused::Nothing));
    }

    #[test]
    fn roles_stand_before_people() {
        let ann = json!("ann@x.test");
        let approvers = with_role(vec![json!("approver"), ann.clone()], "safety_owner", true);
        assert_eq!(approvers, [json!("approver"), json!("safety_owner"), ann.clone()]);
        let people = with_people(approvers, vec![json!("bob@x.test")]);
        assert_eq!(people, [json!("approver"), json!("safety_owner"), json!("bob@x.test")]);
        assert_eq!(with_role(people, "approver", false), [json!("safety_owner"), json!("bob@x.test")]);
        assert_eq!(with_role(vec![ann.clone()], "approver", true), [json!("approver"), ann]);
    }

    #[test]
    fn a_value_that_is_no_list_can_be_seen() {
        let mut rule = rule::blank("aaa");
        assert_eq!(items(&rule, "approvers"), [json!(null); 0]);
        rule::set(&mut rule, "approvers", Some(json!("safety_owner")));
        assert_eq!(items(&rule, "approvers"), [json!("safety_owner")]);
    }

    fn approver() -> impl Strategy<Value = Value> {
        prop_oneof![
            prop::sample::select(ROLES.to_vec()).prop_map(Value::from),
            "[a-z]{1,3}@x".prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
        ]
    }

    proptest! {
        /// A role that is chosen is there once; one that is not, not at all; and nothing else is lost or moved.
        #[test]
        fn choosing_a_role_changes_that_role_only(
            approvers in prop::collection::vec(approver(), 0..6),
            role in prop::sample::select(ROLES.to_vec()),
            on in any::<bool>(),
        ) {
            let others = |all: &[Value]| all.iter().filter(|one| **one != role).cloned().collect::<Vec<_>>();
            let after = with_role(approvers.clone(), role, on);
            prop_assert_eq!(others(&after), others(&approvers));
            prop_assert_eq!(after.iter().filter(|one| **one == role).count(), usize::from(on));
        }
    }
}
