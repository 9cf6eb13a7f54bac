//! What an ID token or the user info endpoint says about a person.

use std::collections::{BTreeSet, HashMap};

use openidconnect::{AdditionalClaims, IdTokenClaims, UserInfoClaims, core::CoreGenderClaim};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::identities::Claims;

/// Longest subject that is accepted, in bytes: the standard's limit.
const MAX_SUBJECT: usize = 255;
/// Most groups that are read of one person.
const MAX_GROUPS: usize = 10_000;

/// The claims that the standard does not name; the groups are one of them.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub struct OtherClaims(pub HashMap<String, Value>);

impl AdditionalClaims for OtherClaims {}

/// The claims that count, from one source; `None` for those that it does not have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Read {
    pub subject: String,
    pub email: Option<String>,
    pub name: Option<String>,
    pub groups: Option<BTreeSet<String>>,
}

impl Read {
    /// The claims of a verified ID token.
    pub fn id_token(claims: &IdTokenClaims<OtherClaims, CoreGenderClaim>, groups: &str) -> Self {
        let name = claims.name().and_then(|names| names.get(None)).map(|name| name.to_string());
        Self {
            subject: claims.subject().to_string(),
            email: email(claims.email().map(|email| email.as_str()), claims.email_verified()),
            name,
            groups: read_groups(claims.additional_claims(), groups),
        }
    }

    /// The claims of the user info endpoint.
    pub fn user_info(claims: &UserInfoClaims<OtherClaims, CoreGenderClaim>, groups: &str) -> Self {
        let name = claims.name().and_then(|names| names.get(None)).map(|name| name.to_string());
        Self {
            subject: claims.subject().to_string(),
            email: email(claims.email().map(|email| email.as_str()), claims.email_verified()),
            name,
            groups: read_groups(claims.additional_claims(), groups),
        }
    }

    /// Whether nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.email.is_some() && self.groups.is_some()
    }

    /// Takes from `other` what is missing here. Both are about the same person.
    pub fn or(self, other: Self) -> Self {
        Self {
            subject: self.subject,
            email: self.email.or(other.email),
            name: self.name.or(other.name),
            groups: self.groups.or(other.groups),
        }
    }

    /// The claims as the store takes them. A person without the claim has no groups.
    pub fn at(self, issuer: &str) -> Option<Claims> {
        let Self { subject, email, name, groups } = self;
        let fits = !subject.is_empty() && subject.len() <= MAX_SUBJECT && !subject.chars().any(char::is_control);
        fits.then(|| Claims { issuer: issuer.to_owned(), subject, email, name, groups: groups.unwrap_or_default() })
    }
}

/// An email that the provider does not call unverified.
fn email(email: Option<&str>, verified: Option<bool>) -> Option<String> {
    email.filter(|_| verified != Some(false)).map(str::to_owned)
}

/// The groups in the claim called `name`: a list, or one group alone.
fn read_groups(claims: &OtherClaims, name: &str) -> Option<BTreeSet<String>> {
    match claims.0.get(name)? {
        Value::Array(list) => Some(list.iter().filter_map(Value::as_str).take(MAX_GROUPS).map(str::to_owned).collect()),
        Value::String(one) => Some([one.clone()].into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn groups_are_a_list_or_one_and_an_unverified_email_is_none() {
        let of = |value: Value| read_groups(&OtherClaims([("groups".to_owned(), value)].into()), "groups");
        assert_eq!(of(json!(["a", 1, "b", "a"])), Some(["a".to_owned(), "b".to_owned()].into()));
        assert_eq!(of(json!("a")), Some(["a".to_owned()].into()));
        assert_eq!(of(json!([])), Some(BTreeSet::new()));
        assert_eq!(of(json!({"a": true})), None);
        assert_eq!(email(Some("a@x"), Some(false)), None);
        assert_eq!(
            (email(Some("a@x"), None), email(Some("a@x"), Some(true))),
            (Some("a@x".into()), Some("a@x".into()))
        );
    }

    #[test]
    fn what_is_missing_comes_from_the_other_source() {
        let token = Read { subject: "s".into(), email: Some("a@x".into()), ..Read::default() };
        let info = Read { email: Some("b@x".into()), groups: Some(["g".to_owned()].into()), ..token.clone() };
        let both = token.or(info);
        assert!(both.is_complete());
        let claims = both.at("https://i").unwrap();
        assert_eq!((claims.email.as_deref(), claims.groups.len()), (Some("a@x"), 1));
        assert!(Read::default().at("https://i").is_none(), "nobody without a subject");
    }
}
