//! The shorter way from a request to its decision: an ordinary body is read in one pass, its context is decided upon and
//! recorded as the text it came as, and no tree is made of it. Whatever is out of the ordinary (an escape outside the
//! context, a member nobody knows, a size near a limit, anything wrong) is left to [`super::decide`], which answers every
//! body; both agree on those that this one takes.

use policy::{
    Timestamp,
    limits::{MAX_CONTEXT_BYTES, MAX_CONTEXT_FIELDS, MAX_NESTING, MAX_STRING_BYTES},
};

use super::{
    evaluate::{About, MAX_ID_BYTES, record},
    pending_decision::Made,
    serving::Serving,
};

/// How much longer a context may become when it is written anew: `1e15` becomes `1000000000000000.0`.
const LONGER: usize = 8;

/// Decides what `body` asks; none when that is for [`super::decide`] to say.
pub fn decide_text(serving: &Serving, body: &[u8], now: Timestamp) -> Option<Made> {
    let asked = Asked::read(std::str::from_utf8(body).ok()?)?;
    let context = asked.context.unwrap_or("{}");
    let about = About {
        agent: asked.agent?,
        action: asked.action?,
        subject: asked.subject.map(str::to_owned),
        id: asked.id.map(str::to_owned),
    };
    // Every bundle reads the whole context, so one that is no JSON is found out. Without a bundle nobody reads it.
    let served = serving.enabled && (serving.stable.is_some() || serving.canary.is_some());
    if !served {
        return None;
    }
    let ask = |prepared: &policy::engine::Prepared| {
        prepared.answer_json(asked.agent.unwrap_or_default(), asked.action.unwrap_or_default(), context.as_bytes())
    };
    Some(Made::about(record(serving, about, now, ask).ok()?, context))
}

/// The members of an ordinary question.
#[derive(Debug, Default, PartialEq, Eq)]
struct Asked<'a> {
    agent: Option<&'a str>,
    action: Option<&'a str>,
    subject: Option<&'a str>,
    id: Option<&'a str>,
    context: Option<&'a str>,
}

impl<'a> Asked<'a> {
    fn read(body: &'a str) -> Option<Self> {
        let (mut asked, mut text) = (Self::default(), Text { text: body, at: 0 });
        text.expect(b'{')?;
        loop {
            let key = text.string()?;
            text.expect(b':')?;
            let (place, most) = match key {
                "context" => {
                    let context = text.object()?;
                    if asked.context.replace(context).is_some() {
                        return None;
                    }
                    if !text.goes_on()? {
                        return Some(asked);
                    }
                    continue;
                }
                "agent" => (&mut asked.agent, MAX_STRING_BYTES),
                "action" => (&mut asked.action, MAX_STRING_BYTES),
                "subject" => (&mut asked.subject, MAX_STRING_BYTES),
                "decision_id" => (&mut asked.id, MAX_ID_BYTES),
                _ => return None,
            };
            let value = text.string()?;
            if value.is_empty() || value.len() > most || place.replace(value).is_some() {
                return None;
            }
            if !text.goes_on()? {
                return Some(asked);
            }
        }
    }
}

/// A body on its way past.
struct Text<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Text<'a> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.text.as_bytes().get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    /// The next byte that is no space.
    fn solid(&mut self) -> Option<u8> {
        loop {
            let byte = self.next()?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
        }
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.solid()? == wanted).then_some(())
    }

    /// Whether another member follows; none when the body does not end where its object does.
    fn goes_on(&mut self) -> Option<bool> {
        match self.solid()? {
            b',' => Some(true),
            b'}' => self.solid().is_none().then_some(false),
            _ => None,
        }
    }

    /// A string that says what it is, without escapes.
    fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let from = self.at;
        loop {
            match self.next()? {
                b'"' => return self.text.get(from..self.at - 1),
                b'\\' | 0..=0x1f => return None,
                _ => {}
            }
        }
    }

    /// An object, from brace to brace; whether it is one is for those to say who read it. None when it is near the
    /// limits of a context, or may have the character NUL in it.
    fn object(&mut self) -> Option<&'a str> {
        self.expect(b'{')?;
        let (from, mut depth, mut deepest, mut fields) = (self.at - 1, 1_usize, 1_usize, 0);
        while depth > 0 {
            match self.next()? {
                b'{' | b'[' => {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                b'}' | b']' => depth -= 1,
                b':' => fields += 1,
                b'"' => self.skip_string()?,
                _ => {}
            }
        }
        let object = self.text.get(from..self.at)?;
        let small =
            fields <= MAX_CONTEXT_FIELDS && object.len() <= MAX_CONTEXT_BYTES / LONGER && deepest <= MAX_NESTING;
        small.then_some(object)
    }

    /// The rest of a string of the context. Only NUL begins with `\u0000`.
    fn skip_string(&mut self) -> Option<()> {
        loop {
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => {
                    let escape = self.next()?;
                    if escape == b'u' && self.text.as_bytes().get(self.at..self.at + 4) == Some(b"0000") {
                        return None;
                    }
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lifecycle::decision::{BundleRef, Record};
    use policy::{bundle::Effect, engine::Prepared};

    use super::*;
    use crate::evaluation::{ArmInService, Question, decide};

    fn serving() -> Serving {
        let rules = serde_json::json!({"rules": [
            {"id": "high-risk", "agent": "a.b", "action": "*", "effect": "deny", "reason": "Risk is too high here",
             "conditions": {">=risk": 50}},
            {"id": "nested-low", "agent": "*", "action": "c", "effect": "allow", "reason": "Somewhere deep is low",
             "conditions": {"<deep.down": 3, "name": ["x", "y\u{e9}"]}},
        ]});
        let source: policy::bundle::Source = serde_json::from_value(rules).unwrap();
        let arm = |id, percent| ArmInService {
            bundle: BundleRef { id, version: "1.0.0".into(), digest: "sha256:00".into() },
            percent,
            prepared: Arc::new(Prepared::from(source.clone().parse_rules().bundle)),
        };
        Serving {
            enabled: true,
            bypass_effect: Effect::Allow,
            paused: false,
            stable: Some(arm(1, 100)),
            canary: Some(arm(2, 50)),
        }
    }

    /// What the longer way makes of `body`.
    fn tree(body: &str) -> Option<Record> {
        let question: Question = serde_json::from_str(body).ok()?;
        Some(decide(&serving(), question, "", Timestamp::EPOCH).ok()?.whole().unwrap().into_owned())
    }

    fn read(body: &str) -> Option<Record> {
        Some(decide_text(&serving(), body.as_bytes(), Timestamp::EPOCH)?.whole().unwrap().into_owned())
    }

    #[test]
    fn what_is_taken_is_decided_and_recorded_as_by_the_longer_way() {
        let id = r#""decision_id":"d-1""#;
        for context in [
            r#"{}"#,
            r#"{"risk":51}"#,
            r#" { "risk" : 5.1e1 , "risk" : 3 } "#,
            r#"{"risk":"high","x":[1,{"y":"}]{["}]}"#,
            r#"{"deep":{"down":-0.0},"name":"y\u00e9","big":123456789012345678901234567890}"#,
            r#"{"name":"ünï\"code\\","deep":{"down":1E2}}"#,
        ] {
            let body = format!(r#"{{"agent":"a.b", "action":"c","context":{context},"subject":"s",{id}}}"#);
            let (short, long) = (read(&body), tree(&body));
            assert!(short.is_some(), "{body}");
            assert_eq!(short, long, "{body}");
        }
        assert_eq!(
            read(&format!(r#"{{"action":"c","agent":"q",{id}}} "#)),
            tree(&format!(r#"{{"action":"c","agent":"q",{id}}}"#))
        );
    }

    #[test]
    fn what_is_wrong_or_out_of_the_ordinary_is_left_to_the_longer_way() {
        let many = format!("{{{}}}", (0..513).map(|n| format!("\"f{n}\":1")).collect::<Vec<_>>().join(","));
        let deep = format!("{{\"x\":{}1{}}}", "[".repeat(200), "]".repeat(200));
        let long = format!("{{\"x\":\"{}\"}}", "x".repeat(10_000));
        for context in [
            &many,
            &deep,
            &long,
            r#"{"x":1e999}"#,
            r#"{"x":"\ud800"}"#,
            r#"{"x":"a\u0000"}"#,
            r#"{"x":01}"#,
            r#"{"x":]}"#,
            r#"{"x":tru}"#,
            r#"{"x" 1}"#,
            r#"{"x":1,}"#,
            "[]",
            "null",
            "{\"x\":\"\n\"}",
            r#"{"x":1}}"#,
            r#"{"x":{}"#,
        ] {
            assert_eq!(read(&format!(r#"{{"agent":"a.b","action":"c","context":{context}}}"#)), None, "{context}");
        }
        for body in [
            "",
            "{}",
            "[]",
            r#"{"agent":"a"}"#,
            r#"{"agent":"a","action":"b"} x"#,
            r#"{"agent":"","action":"b"}"#,
            r#"{"agent":"a","agent":"a","action":"b"}"#,
            r#"{"agent":"a\n","action":"b"}"#,
            r#"{"agent":"a","action":"b","x":1}"#,
            r#"{"agent":"a","action":"b","subject":null}"#,
            r#"{"agent":"a","action":"b",}"#,
            r#"{"agent":"a" "action":"b"}"#,
            r#"{"agent":"a","action":3}"#,
            r#"{"agent":"a","action":"b","context":{},"context":{}}"#,
        ] {
            assert_eq!(read(body), None, "{body}");
        }
        let long_id = format!(r#"{{"agent":"a","action":"b","decision_id":"{}"}}"#, "x".repeat(201));
        assert_eq!(read(&long_id), None);
    }
}
