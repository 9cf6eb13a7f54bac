//! Settings, people and tokens.

#[cfg(feature = "ssr")]
use std::str::FromStr;

use leptos::prelude::*;
#[cfg(feature = "ssr")]
use lifecycle::{
    authority::{Actor, Permission, Role, Roles, authorize},
    metrics::GateConfig,
    problem::Problem,
    rollout::{WatchConfig, WatchMode},
};
use lifecycle::{
    authority::{Person, Token},
    settings::Settings,
    signing::KeyNames,
};
use policy::bundle::{Effect, Operator, Scalar, condition::key_of};
use policy::{Timestamp, bundle::Invariant};
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use serde_json::{Map, Value};

use crate::error::{AppError, Reply};

/// What the settings page shows: people and tokens only to administrators.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workspace {
    /// The settings.
    pub settings: Settings,
    /// What must hold of every bundle.
    pub invariants: Vec<Invariant>,
    /// Everyone who can sign in; none when the reader may not see them.
    pub people: Option<Vec<Person>>,
    /// All tokens, newest first; none when the reader may not see them.
    pub tokens: Option<Vec<Token>>,
    /// What the signing keys are called.
    pub keys: KeyNames,
    /// When this was read.
    pub as_of: Timestamp,
}

/// A new token; the only time its secret is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minted {
    /// What it is for.
    pub name: String,
    /// The secret.
    pub secret: String,
}

/// Reads the workspace.
///
/// # Errors
/// `unauthenticated` for strangers; the database cannot be read.
#[server(prefix = "/api", endpoint = "workspace/read", output = Reply)]
pub async fn read_workspace() -> Result<Workspace, AppError> {
    let actor = crate::context::actor()?;
    let store = crate::context::app_context()?.store;
    let administers = actor.may(Permission::Administer);
    Ok(Workspace {
        settings: store::settings::get(&store, &actor).await?,
        invariants: store::settings::invariants(&store, &actor).await?,
        people: if administers { Some(store::people::list(&store, &actor).await?) } else { None },
        tokens: if administers { Some(store::tokens::list(&store, &actor).await?) } else { None },
        keys: store::settings::keys(&store, &actor)?,
        as_of: crate::context::now(),
    })
}

/// Sets gates and approvals. Rates are sent in percent, the stage in hours: as people say them.
///
/// # Errors
/// `forbidden` without the permission to administer; `invalid_field` for values out of range.
#[server(prefix = "/api", endpoint = "workspace/save-settings", output = Reply)]
pub async fn save_settings(
    min_sample_size: String,
    max_error_percent: String,
    max_deny_percent: String,
    max_cost_percent: String,
    min_stage_hours: String,
    approvals: String,
    approvals_high_risk: String,
    approval_hours: String,
) -> Result<(), AppError> {
    let actor = crate::context::actor()?;
    may_administer(&actor)?;
    let store = crate::context::app_context()?.store;
    let gates = GateConfig {
        min_sample_size: number("min_sample_size", &min_sample_size)?,
        max_error_rate: number::<f64>("max_error_percent", &max_error_percent)? / 100.0,
        max_deny_rate: number::<f64>("max_deny_percent", &max_deny_percent)? / 100.0,
        max_cost_increase: number::<f64>("max_cost_percent", &max_cost_percent)? / 100.0,
        min_stage_seconds: seconds("min_stage_hours", &min_stage_hours)?,
    };
    let approvals = number("approvals", &approvals)?;
    let approvals_high_risk = number("approvals_high_risk", &approvals_high_risk)?;
    let approval_hours = number("approval_hours", &approval_hours)?;
    store::settings::change(&store, &actor, |settings| {
        settings.gates = gates;
        settings.review.approvals = approvals;
        settings.review.approvals_high_risk = approvals_high_risk;
        settings.review.approval_hours = approval_hours;
    })
    .await?;
    Ok(())
}

/// Sets the limits of automatic rollback; rates are sent in percent.
///
/// # Errors
/// `forbidden` without the permission to administer; `invalid_field` for values out of range.
#[server(prefix = "/api", endpoint = "workspace/save-watch", output = Reply)]
pub async fn save_watch(
    mode: String,
    fewest_decisions: String,
    error_percent: String,
    times_stable: String,
    deny_percent: String,
    cost_percent: String,
    no_match_percent: String,
) -> Result<(), AppError> {
    let actor = crate::context::actor()?;
    may_administer(&actor)?;
    let store = crate::context::app_context()?.store;
    let mode = WatchMode::ALL
        .into_iter()
        .find(|known| known.name() == mode)
        .ok_or_else(|| Problem::invalid_field("/mode", format!("`{mode}` is not something to do about a limit")))?;
    let watch = WatchConfig {
        mode,
        min_sample_size: number("fewest_decisions", &fewest_decisions)?,
        max_error_rate: number::<f64>("error_percent", &error_percent)? / 100.0,
        error_rate_factor: number("times_stable", &times_stable)?,
        max_deny_rate: number::<f64>("deny_percent", &deny_percent)? / 100.0,
        max_cost_increase: number::<f64>("cost_percent", &cost_percent)? / 100.0,
        max_no_match_rate: number::<f64>("no_match_percent", &no_match_percent)? / 100.0,
    };
    store::settings::change(&store, &actor, |settings| settings.watch = watch).await?;
    Ok(())
}

/// Adds an invariant. Its conditions come as rows of a field, an operator (as in a rule's key, `==` for equality) and a
/// value as typed; rows without a field are passed over.
///
/// # Errors
/// `forbidden` without the permission to administer; `invalid_field` for what cannot be read, and for an id in use.
#[server(prefix = "/api", endpoint = "workspace/add-invariant", output = Reply)]
pub async fn add_invariant(
    id: String,
    agent: String,
    action: String,
    demand: String,
    note: String,
    #[server(default)] fields: Vec<String>,
    #[server(default)] operators: Vec<String>,
    #[server(default)] values: Vec<String>,
) -> Result<(), AppError> {
    let actor = crate::context::actor()?;
    may_administer(&actor)?;
    let store = crate::context::app_context()?.store;
    let (never, always) = match demand.split_once(' ') {
        Some(("never", effect)) => (effect.parse::<Effect>().ok(), None),
        Some(("always", effect)) => (None, effect.parse().ok()),
        _ => (None, None),
    };
    let typed = |text: String| text.trim().to_owned();
    let invariant = Invariant {
        id: typed(id),
        agent: typed(agent),
        action: typed(action),
        never,
        always,
        when: conditions(&fields, &operators, &values),
        note: typed(note),
    };
    store::settings::change_invariants(&store, &actor, |all| {
        all.push(invariant);
        Ok(())
    })
    .await?;
    Ok(())
}

/// Removes an invariant.
///
/// # Errors
/// `forbidden` without the permission to administer; there is none of this name.
#[server(prefix = "/api", endpoint = "workspace/remove-invariant", output = Reply)]
pub async fn remove_invariant(id: String) -> Result<(), AppError> {
    let actor = crate::context::actor()?;
    may_administer(&actor)?;
    let store = crate::context::app_context()?.store;
    store::settings::change_invariants(&store, &actor, |all| {
        match all.iter().position(|invariant| invariant.id == id) {
            Some(at) => {
                all.remove(at);
                Ok(())
            }
            None => Err(Problem::invalid_field("/id", format!("there is no invariant `{id}`"))),
        }
    })
    .await?;
    Ok(())
}

/// Gives a person other roles.
///
/// # Errors
/// `forbidden` without the permission to administer; nobody has this email.
#[server(prefix = "/api", endpoint = "workspace/set-roles", output = Reply)]
pub async fn set_roles(email: String, #[server(default)] roles: Vec<String>) -> Result<(), AppError> {
    let store = crate::context::app_context()?.store;
    store::people::set_roles(&store, &crate::context::actor()?, &email, read_roles(&roles)?).await?;
    Ok(())
}

/// Adds a person.
///
/// # Errors
/// `forbidden` without the permission to administer; the email is taken or the password too weak.
#[server(prefix = "/api", endpoint = "workspace/add-person", output = Reply)]
pub async fn add_person(
    email: String,
    name: String,
    password: String,
    #[server(default)] roles: Vec<String>,
) -> Result<(), AppError> {
    let store = crate::context::app_context()?.store;
    store::people::add(&store, &crate::context::actor()?, &email, &name, read_roles(&roles)?, &password).await?;
    Ok(())
}

/// Makes a token for a program.
///
/// # Errors
/// `forbidden` without the permission to administer; a name or roles are missing.
#[server(prefix = "/api", endpoint = "workspace/create-token", output = Reply)]
pub async fn create_token(
    name: String,
    #[server(default)] roles: Vec<String>,
    days: String,
) -> Result<Minted, AppError> {
    let store = crate::context::app_context()?.store;
    let days: u64 = number("days", &days)?;
    let expires_at =
        (days > 0).then(|| crate::context::now().plus(std::time::Duration::from_secs(days.min(3660) * 86_400)));
    let new = store::tokens::NewToken { name, email: None, roles: read_roles(&roles)?, expires_at };
    let (token, secret) = store::tokens::create(&store, &crate::context::actor()?, new).await?;
    Ok(Minted { name: token.name, secret })
}

/// Revokes a token, at once and for good.
///
/// # Errors
/// `forbidden` without the permission to administer; there is no such token.
#[server(prefix = "/api", endpoint = "workspace/revoke-token", output = Reply)]
pub async fn revoke_token(id: i64) -> Result<(), AppError> {
    let store = crate::context::app_context()?.store;
    store::tokens::revoke(&store, &crate::context::actor()?, id).await?;
    Ok(())
}

/// For what reads before it writes: whoever may not write is told so, and nothing of what there is.
#[cfg(feature = "ssr")]
fn may_administer(actor: &Actor) -> Result<(), AppError> {
    authorize(actor, Permission::Administer).map_err(store::Error::from)?;
    Ok(())
}

/// Conditions from rows of a form.
#[cfg(feature = "ssr")]
fn conditions(fields: &[String], operators: &[String], values: &[String]) -> Map<String, Value> {
    let cell = |column: &[String], at: usize| column.get(at).map(|text| text.trim().to_owned()).unwrap_or_default();
    fields
        .iter()
        .enumerate()
        .filter(|(_, field)| !field.trim().is_empty())
        .map(|(at, field)| {
            let operator = Operator::ALL.into_iter().find(|operator| operator.prefix() == cell(operators, at));
            let operator = operator.unwrap_or(Operator::Equals);
            (key_of(operator, field.trim()), typed_value(operator, &cell(values, at)))
        })
        .collect()
}

/// A value as typed: a number, `true`, `false`, text, or several separated by commas where a list is possible. Text in
/// quotes stays text.
#[cfg(feature = "ssr")]
fn typed_value(operator: Operator, text: &str) -> Value {
    let one = |text: &str| match serde_json::from_str::<Value>(text) {
        Ok(value) if Scalar::read(&value).is_some() => value,
        _ => Value::String(text.to_owned()),
    };
    match operator {
        Operator::Present => Value::Bool(text != "false"),
        Operator::StartsWith => Value::String(text.to_owned()),
        Operator::Equals | Operator::Differs if text.contains(',') => {
            Value::Array(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(one).collect())
        }
        _ => one(text),
    }
}

/// A number typed into the field `name`.
#[cfg(feature = "ssr")]
fn number<T: FromStr>(name: &str, typed: &str) -> Result<T, AppError> {
    let words = name.replace('_', " ");
    typed.trim().parse().map_err(|_| {
        Problem::invalid_field(format!("/{name}"), format!("{words}: `{typed}` is not such a number")).into()
    })
}

/// Hours as typed, in whole seconds.
#[cfg(feature = "ssr")]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a range that fits; the store checks it"
)]
fn seconds(name: &str, typed: &str) -> Result<u64, AppError> {
    let hours: f64 = number(name, typed)?;
    if !hours.is_finite() || hours < 0.0 {
        return Err(Problem::invalid_field(format!("/{name}"), "is a number of hours, 0 or more").into());
    }
    Ok((hours * 3600.0).round().min(1e12) as u64)
}

#[cfg(feature = "ssr")]
fn read_roles(names: &[String]) -> Result<Roles, AppError> {
    names
        .iter()
        .map(|name| {
            Role::from_name(name)
                .ok_or_else(|| Problem::invalid_field("/roles", format!("`{name}` is not a role")).into())
        })
        .collect()
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use policy::bundle::Condition;

    use super::*;

    #[test]
    fn typed_numbers_are_read_or_refused_by_name() {
        assert_eq!(number::<u64>("min_sample_size", " 100 ").unwrap(), 100);
        let refused = number::<u64>("min_sample_size", "many").unwrap_err();
        assert!(refused.detail().contains("min sample size"), "{refused}");
        assert_eq!(seconds("h", "0.5").unwrap(), 1800);
        assert!(["-1", "NaN", "inf", "a day"].iter().all(|wrong| seconds("h", wrong).is_err()));
    }

    #[test]
    fn conditions_are_read_from_rows_as_typed() {
        let column = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let read = conditions(
            &column(&["risk_score", "", "category", "sender_vip", "ticket", "code"]),
            &column(&["<", "==", "==", "==", "?", "!="]),
            &column(&["20", "x", "phishing, malware", "true", "", "\"7\""]),
        );
        let expected = serde_json::json!({"<risk_score": 20, "category": ["phishing", "malware"], "sender_vip": true,
            "?ticket": true, "!=code": "7"});
        assert_eq!(Value::Object(read.clone()), expected);
        assert!(read.iter().all(|(key, value)| Condition::parse(key, value).is_ok()));
    }

    #[test]
    fn unknown_roles_are_refused() {
        assert!(read_roles(&["author".into(), "king".into()]).is_err());
        assert_eq!(read_roles(&["author".into()]).unwrap(), [Role::Author].into());
    }
}
