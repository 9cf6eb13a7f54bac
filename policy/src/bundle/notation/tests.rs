//! Notations that authors use, and their repairs.

use serde_json::json;

use super::*;

#[test]
fn other_notations_have_their_repair() {
    for (key, value, repair) in [
        ("risk_score>=", json!(85), json!({">=risk_score": 85})),
        ("risk_score >", json!(85), json!({">risk_score": 85})),
        ("dkim_valid==", json!(true), json!({"==dkim_valid": true})),
        ("state!=", json!("open"), json!({"!=state": "open"})),
        ("name^=", json!("a"), json!({"^=name": "a"})),
        ("ticket?", json!(true), json!({"?ticket": true})),
        (">= risk_score", json!(85), json!({">=risk_score": 85})),
        (" risk_score", json!(85), json!({"risk_score": 85})),
        ("=>risk_score", json!(85), json!({">=risk_score": 85})),
        ("=state", json!("open"), json!({"==state": "open"})),
        ("≥risk_score", json!(85), json!({">=risk_score": 85})),
        ("risk_score ≤", json!(85), json!({"<=risk_score": 85})),
        ("≠state", json!("open"), json!({"!=state": "open"})),
        ("risk_score", json!("≥ 85"), json!({">=risk_score": 85})),
        ("<>state", json!("open"), json!({"!=state": "open"})),
        (">=risk_score>=", json!(85), json!({">=risk_score": 85})),
        ("risk_score", json!(">=85"), json!({">=risk_score": 85})),
        ("risk_score", json!("< 8.5"), json!({"<risk_score": 8.5})),
        ("state", json!("!=open"), json!({"!=state": "open"})),
        ("state", json!("!= open|held"), json!({"!=state": ["open", "held"]})),
        ("vip", json!("==true"), json!({"vip": true})),
        ("domain", json!("^=mail."), json!({"^=domain": "mail."})),
        ("day", json!("Saturday|Sunday"), json!({"day": ["Saturday", "Sunday"]})),
        ("!=day", json!("Saturday || Sunday"), json!({"!=day": ["Saturday", "Sunday"]})),
        ("day==", json!("Saturday|Sunday"), json!({"==day": ["Saturday", "Sunday"]})),
        (">=risk_score", json!("85"), json!({">=risk_score": 85})),
        (">=risk_score", json!(">=85"), json!({">=risk_score": 85})),
        ("risk_score>=", json!("85"), json!({">=risk_score": 85})),
        ("?ticket", json!("false"), json!({"?ticket": false})),
        ("ticket", json!(null), json!({"?ticket": false})),
        ("!=ticket", json!(null), json!({"?ticket": true})),
        ("risk_score", json!({"gte": 60, "$lt": 85}), json!({">=risk_score": 60, "<risk_score": 85})),
    ] {
        let fault = parse(key, &value).unwrap_err();
        let repair_found: Map<String, Value> = fault.repair.clone().unwrap_or_default().into_iter().collect();
        assert_eq!(Value::Object(repair_found), repair, "{key}: {value}: {fault:?}");
        for (key, value) in fault.repair.into_iter().flatten() {
            assert!(parse(&key, &value).is_ok(), "{key}: {value}");
        }
    }
}

#[test]
fn ambiguous_notations_have_no_repair() {
    for (key, value) in [
        ("", json!(1)),
        (">=", json!(1)),
        ("a..b", json!(1)),
        (">=risk<", json!(1)),
        ("risk > 5", json!(true)),
        ("!urgent", json!(true)),
        (">=risk_score", json!(true)),
        (">=risk_score", json!("high")),
        (">=risk_score", json!([1, 2])),
        (">=risk_score", json!("<85")),
        ("risk_score", json!(">=high")),
        ("risk_score", json!(">=60 <85")),
        ("!=risk_score", json!(">=60")),
        ("^=name", json!(["a"])),
        ("?ticket", json!(1)),
        ("tags", json!(["a", null])),
        ("sender", json!({"vip": true})),
    ] {
        let fault = parse(key, &value).unwrap_err();
        assert_eq!(fault.repair, None, "{key}: {value}");
        assert!(fault.suggestion.is_some());
    }
}

#[test]
fn texts_that_merely_look_odd_are_left_alone() {
    for (key, value) in [
        ("subject", json!("> Re: invoice")),
        ("subject", json!("<b>bold</b>")),
        ("subject", json!("?")),
        ("subject", json!("|")),
        ("subject", json!("a|")),
        ("pattern", json!(["a|b"])),
        ("sender_domain", json!("@company.com")),
        ("^=path", json!("a|b")),
        ("a-b/c.d~e", json!("x")),
        ("two words", json!(1)),
    ] {
        assert!(parse(key, &value).is_ok(), "{key}: {value}");
    }
}
