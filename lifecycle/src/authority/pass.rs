//! How an actor came in: with which token or session, and what that credential is limited to.

use std::{fmt, str::FromStr};

use policy::{Timestamp, bundle::NamePattern};
use serde::{Deserialize, Serialize};

/// The token or browser session an actor came with. It is named by its number and never by its secret, so that records
/// may hold it: `token:7`, `session:12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Credential {
    /// The bearer token with this number.
    Token(i64),
    /// The browser session with this number.
    Session(i64),
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(number) => write!(f, "token:{number}"),
            Self::Session(number) => write!(f, "session:{number}"),
        }
    }
}

/// The text names neither a token nor a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a credential is written `token:7` or `session:12`")]
pub struct NotACredential;

impl FromStr for Credential {
    type Err = NotACredential;

    fn from_str(text: &str) -> Result<Self, NotACredential> {
        let (kind, number) = text.split_once(':').ok_or(NotACredential)?;
        let number = number.parse().map_err(|_| NotACredential)?;
        match kind {
            "token" => Ok(Self::Token(number)),
            "session" => Ok(Self::Session(number)),
            _ => Err(NotACredential),
        }
    }
}

impl From<Credential> for String {
    fn from(credential: Credential) -> Self {
        credential.to_string()
    }
}

impl TryFrom<String> for Credential {
    type Error = NotACredential;

    fn try_from(text: String) -> Result<Self, NotACredential> {
        text.parse()
    }
}

/// The agents a token may speak for. A program's token is always limited to some.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AgentScope {
    /// Patterns as in rules: a name, a prefix such as `inbox.*` or `mcp__github__*`, or `*`. A token without patterns speaks for none.
    pub agents: Vec<String>,
    /// Whether the token may also report outcomes of decisions that another token asked for.
    pub reporter: bool,
}

impl AgentScope {
    /// Whether `agent` is one of the agents.
    pub fn covers(&self, agent: &str) -> bool {
        self.agents.iter().filter_map(|text| NamePattern::parse(text)).any(|pattern| pattern.matches(agent))
    }
}

/// How an actor came in. The default is that of actors that need no credential: jobs and the command line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pass {
    /// The token or session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Credential>,
    /// The agents the credential is limited to; `None` for one that is not limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<AgentScope>,
    /// The actor signs nothing before this time, which has not come yet: an administrator handed a link to the
    /// account over, and so might hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signs_from: Option<Timestamp>,
}

impl Pass {
    /// The pass of an actor with this credential and no limits.
    pub fn with(credential: Credential) -> Self {
        Self { credential: Some(credential), ..Self::default() }
    }

    /// Whether the actor may ask for decisions of `agent`.
    pub fn covers(&self, agent: &str) -> bool {
        self.scope.as_ref().is_none_or(|scope| scope.covers(agent))
    }

    /// Whether the actor may report what became of a decision of `agent` that was asked for with the token `asked_by`.
    /// `None` stands for a decision from before askers were recorded.
    pub fn may_report(&self, agent: &str, asked_by: Option<i64>) -> bool {
        let asked_itself = asked_by.is_none_or(|number| self.credential == Some(Credential::Token(number)));
        let reports_for_others = self.scope.as_ref().is_some_and(|scope| scope.reporter);
        self.covers(agent) && (asked_itself || reports_for_others)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope(agents: &[&str], reporter: bool) -> Pass {
        let agents = agents.iter().map(|agent| (*agent).to_owned()).collect();
        Pass { scope: Some(AgentScope { agents, reporter }), ..Pass::with(Credential::Token(7)) }
    }

    #[test]
    fn a_scope_covers_the_agents_of_its_patterns_and_no_others() {
        let pass = scope(&["inbox.*", "billing"], false);
        assert!(pass.covers("inbox.triage") && pass.covers("billing"));
        for other in ["inbox", "inboxes.triage", "billing.x", "", "*", "inbox."] {
            assert!(!pass.covers(other), "{other}");
        }
        assert!(!scope(&[], true).covers("billing"), "no pattern is no agent");
        assert!(!scope(&["not a pattern"], true).covers("not a pattern"));
        assert!(Pass::default().covers("billing"), "without a scope there is no limit");
    }

    #[test]
    fn outcomes_come_from_the_asker_or_a_named_reporter() {
        let (own, reporter) = (scope(&["inbox.*"], false), scope(&["inbox.*"], true));
        assert!(own.may_report("inbox.triage", Some(7)));
        assert!(own.may_report("inbox.triage", None), "from before askers were recorded");
        assert!(!own.may_report("inbox.triage", Some(8)), "another token asked");
        assert!(!own.may_report("billing", Some(7)) && !own.may_report("billing", None), "outside the scope");
        assert!(reporter.may_report("inbox.triage", Some(8)));
        assert!(!reporter.may_report("billing", Some(8)), "a reporter is limited to its agents");
        assert!(!Pass::default().may_report("billing", Some(8)), "nobody reports for others without the right");
    }

    proptest! {
        #[test]
        fn a_credential_is_read_back_as_it_was_written(number in any::<i64>(), token in any::<bool>()) {
            let credential = if token { Credential::Token(number) } else { Credential::Session(number) };
            prop_assert_eq!(credential.to_string().parse(), Ok(credential));
            let json = serde_json::to_string(&credential).unwrap();
            prop_assert_eq!(serde_json::from_str::<Credential>(&json).unwrap(), credential);
        }

        #[test]
        fn other_text_is_no_credential(text in "[a-z]{0,8}:?[a-z0-9-]{0,8}") {
            if let Ok(credential) = text.parse::<Credential>() {
                prop_assert!(text.starts_with("token:") || text.starts_with("session:"), "{credential}");
            }
        }
    }
}
