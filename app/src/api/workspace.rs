//! The settings, and what the page of the settings shows of people and tokens.

#[cfg(feature = "ssr")]
use std::str::FromStr;

use leptos::prelude::*;
#[cfg(feature = "ssr")]
use lifecycle::{
    authority::{Actor, Permission, authorize},
    metrics::GateConfig,
    problem::Problem,
    rollout::{WatchConfig, WatchMode},
    settings::ProposalStatus,
};
use lifecycle::{
    authority::{GroupRoles, Person, RoleProposal, Token},
    settings::{Proposal, Settings},
    signing::KeyNames,
    transfer::PartnerKey,
};
#[cfg(feature = "ssr")]
use policy::bundle::{Effect, Operator, Scalar, condition::key_of};
use policy::{Timestamp, bundle::Invariant};
use serde::{Deserialize, Serialize};
#[cfg(feature = "ssr")]
use serde_json::{Map, Value};

use crate::error::{AppError, Reply};

/// The content of the settings page. People and tokens are for administrators only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workspace {
    /// The settings.
    pub settings: Settings,
    /// The invariants of the workspace.
    pub invariants: Vec<Invariant>,
    /// The proposals to weaken a safeguard that wait.
    pub proposals: Vec<Proposal>,
    /// Everyone who can sign in; `None` for readers without the permission.
    pub people: Option<Vec<Person>>,
    /// All tokens, newest first; `None` for readers without the permission.
    pub tokens: Option<Vec<Token>>,
    /// New roles of people that wait for a safety owner.
    pub role_proposals: Vec<RoleProposal>,
    /// The roles that groups at the sign-in provider give.
    pub groups: Vec<GroupRoles>,
    /// What people call the sign-in provider, if there is one.
    pub provider: Option<String>,
    /// The names of the signing keys.
    pub keys: KeyNames,
    /// The public keys of partners.
    pub partner_keys: Vec<PartnerKey>,
    /// When this was read.
    pub as_of: Timestamp,
}

/// Gates and approvals as typed: rates in percent, the stage in hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsForm {
    /// Number of decisions that a canary needs in its stage.
    pub min_sample_size: String,
    /// Number of different subjects that they are about.
    pub min_subjects: String,
    /// Highest error rate, percent.
    pub max_error_percent: String,
    /// Highest deny rate, percent.
    pub max_deny_percent: String,
    /// Whether a higher deny rate passes where stable denies the same.
    #[serde(default)]
    pub deny_like_stable: bool,
    /// Highest increase of the average cost, percent.
    pub max_cost_percent: String,
    /// Cost that is allowed on top, USD.
    pub cost_allowance: String,
    /// Highest cost that intervals count with, USD; empty for ten times the largest budget.
    #[serde(default)]
    pub cost_bound: String,
    /// Whether a pass needs the whole interval within the limit.
    #[serde(default)]
    pub require_confidence: bool,
    /// Whether a canary is promoted by itself.
    #[serde(default)]
    pub automatic_promotion: bool,
    /// Minimum duration of a stage, hours.
    pub min_stage_hours: String,
    /// Number of approvals for an ordinary packet.
    pub approvals: String,
    /// Number of approvals for a risky packet.
    pub approvals_high_risk: String,
    /// How long an approval is valid, hours.
    pub approval_hours: String,
}

/// The limits of automatic rollback as typed: rates in percent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchForm {
    /// The name of a `WatchMode`.
    pub mode: String,
    /// Number of decisions that a canary needs in the window.
    pub fewest_decisions: String,
    /// Number of different subjects that they are about.
    pub fewest_subjects: String,
    /// Error rate, percent.
    pub error_percent: String,
    /// The error rate as a multiple of stable's.
    pub times_stable: String,
    /// Deny rate, percent.
    pub deny_percent: String,
    /// Increase of the average cost over stable's, percent.
    pub cost_percent: String,
    /// Rate of decisions without a matching rule, percent.
    pub no_match_percent: String,
    /// By how much a rate has to exceed stable's on the same requests, percentage points.
    pub margin_points: String,
}

/// A new invariant as typed. Its conditions are rows of three columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvariantForm {
    /// The name of the invariant.
    pub id: String,
    /// An agent, or a pattern of agents.
    pub agent: String,
    /// An action, or `*`.
    pub action: String,
    /// `never` or `always`, and an effect.
    pub demand: String,
    /// The reason for the invariant.
    pub note: String,
    /// The field of each condition; rows without a field are ignored.
    #[serde(default)]
    pub fields: Vec<String>,
    /// The operator of each condition, as in a rule's key; `==` for equality.
    #[serde(default)]
    pub operators: Vec<String>,
    /// The value of each condition.
    #[serde(default)]
    pub values: Vec<String>,
}

/// What became of a change of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// Whether a part weakens a safeguard, and waits for a safety owner.
    pub proposed: bool,
}

/// Reads the workspace.
///
/// # Errors
/// `unauthenticated` without a signed-in person; `unavailable` when the database cannot be read.
#[server(prefix = "/api", endpoint = "workspace/read", output = Reply)]
pub async fn read_workspace() -> Result<Workspace, AppError> {
    let actor = crate::context::actor()?;
    let context = crate::context::app_context()?;
    let store = context.store;
    let administers = actor.may(Permission::Administer);
    Ok(Workspace {
        settings: store::settings::get(&store, &actor).await?,
        invariants: store::settings::invariants(&store, &actor).await?,
        proposals: store::settings::proposals(&store, &actor, Some(ProposalStatus::Pending), Some(100), None)
            .await?
            .items,
        people: if administers { Some(store::people::list(&store, &actor).await?) } else { None },
        tokens: if administers { Some(store::tokens::list(&store, &actor).await?) } else { None },
        role_proposals: store::people::proposals(&store, &actor).await?,
        groups: store::settings::groups(&store, &actor).await?,
        provider: context.provider.map(|name| name.to_string()),
        keys: store::settings::keys(&store, &actor)?,
        partner_keys: store::partner_keys::list(&store, &actor).await?,
        as_of: crate::context::now(),
    })
}

/// Sets gates and approvals.
///
/// # Errors
/// `forbidden` without the permission to administer; `invalid_field` for values out of range.
#[server(prefix = "/api", endpoint = "workspace/save-settings", output = Reply)]
pub async fn save_settings(settings: SettingsForm) -> Result<Saved, AppError> {
    let actor = crate::context::actor()?;
    may_administer(&actor)?;
    let store = crate::context::app_context()?.store;
    let form = settings;
    let gates = GateConfig {
        min_sample_size: number("min_sample_size", &form.min_sample_size)?,
        min_subjects: number("min_subjects", &form.min_subjects)?,
        max_error_rate: rate("max_error_percent", &form.max_error_percent)?,
        max_deny_rate: rate("max_deny_percent", &form.max_deny_percent)?,
        deny_like_stable: form.deny_like_stable,
        max_cost_increase: rate("max_cost_percent", &form.max_cost_percent)?,
        cost_allowance: number("cost_allowance", &form.cost_allowance)?,
        cost_bound: match form.cost_bound.trim() {
            "" => None,
            typed => Some(number("cost_bound", typed)?),
        },
        require_confidence: form.require_confidence,
        automatic_promotion: form.automatic_promotion,
        min_stage_seconds: seconds("min_stage_hours", &form.min_stage_hours)?,
    };
    let approvals = number("approvals", &form.approvals)?;
    let approvals_high_risk = number("approvals_high_risk", &form.approvals_high_risk)?;
    let approval_hours = number("approval_hours", &form.approval_hours)?;
    let changed = store::settings::change(&store, &actor, |settings| {
        settings.gates = gates;
        settings.review.approvals = approvals;
        settings.review.approvals_high_risk = approvals_high_risk;
        settings.review.approval_hours = approval_hours;
    })
    .await?;
    Ok(Saved { proposed: changed.proposal.is_some() })
}

/// Sets the limits of automatic rollback.
///
/// # Errors
/// `forbidden` without the permission to administer; `invalid_field` for values out of range.
#[server(prefix = "/api", endpoint = "workspace/save-watch", output = Reply)]
pub async fn save_watch(limits: WatchForm) -> Result<Saved, AppError> {
    let actor = crate::context::actor()?;
    may_administer(&actor)?;
    let store = crate::context::app_context()?.store;
    let form = limits;
    let mode = WatchMode::ALL.into_iter().find(|mode| mode.name() == form.mode).ok_or_else(|| {
        Problem::invalid_field("/mode", format!("`{}` is not something to do about a limit", form.mode))
    })?;
    let watch = WatchConfig {
        mode,
        min_sample_size: number("fewest_decisions", &form.fewest_decisions)?,
        min_subjects: number("fewest_subjects", &form.fewest_subjects)?,
        max_error_rate: rate("error_percent", &form.error_percent)?,
        error_rate_factor: number("times_stable", &form.times_stable)?,
        max_deny_rate: rate("deny_percent", &form.deny_percent)?,
        max_cost_increase: rate("cost_percent", &form.cost_percent)?,
        max_no_match_rate: rate("no_match_percent", &form.no_match_percent)?,
        paired_margin: rate("margin_points", &form.margin_points)?,
    };
    let changed = store::settings::change(&store, &actor, |settings| settings.watch = watch).await?;
    Ok(Saved { proposed: changed.proposal.is_some() })
}

/// Adds an invariant.
///
/// # Errors
/// `forbidden` without the permission to administer; `invalid_field` for a value that cannot be read, and for an id in
/// use.
#[server(prefix = "/api", endpoint = "workspace/add-invariant", output = Reply)]
pub async fn add_invariant(invariant: InvariantForm) -> Result<(), AppError> {
    let actor = crate::context::actor()?;
    may_administer(&actor)?;
    let store = crate::context::app_context()?.store;
    let form = invariant;
    let (never, always) = match form.demand.split_once(' ') {
        Some(("never", effect)) => (effect.parse::<Effect>().ok(), None),
        Some(("always", effect)) => (None, effect.parse().ok()),
        _ => (None, None),
    };
    let trimmed = |text: &str| text.trim().to_owned();
    let invariant = Invariant {
        id: trimmed(&form.id),
        agent: trimmed(&form.agent),
        action: trimmed(&form.action),
        never,
        always,
        when: conditions(&form.fields, &form.operators, &form.values),
        note: trimmed(&form.note),
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
/// `forbidden` without the permission to administer; `invalid_field` for an unknown id.
#[server(prefix = "/api", endpoint = "workspace/remove-invariant", output = Reply)]
pub async fn remove_invariant(id: String) -> Result<Saved, AppError> {
    let actor = crate::context::actor()?;
    may_administer(&actor)?;
    let store = crate::context::app_context()?.store;
    let changed = store::settings::change_invariants(&store, &actor, |all| {
        match all.iter().position(|invariant| invariant.id == id) {
            Some(at) => {
                all.remove(at);
                Ok(())
            }
            None => Err(Problem::invalid_field("/id", format!("there is no invariant `{id}`"))),
        }
    })
    .await?;
    Ok(Saved { proposed: changed.proposal.is_some() })
}

/// Refuses callers without the permission to administer before a server function reads anything, so that its errors
/// reveal nothing.
#[cfg(feature = "ssr")]
fn may_administer(actor: &Actor) -> Result<(), AppError> {
    authorize(actor, Permission::Administer).map_err(store::Error::from)?;
    Ok(())
}

/// The conditions in the rows of a form.
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

/// A value as typed: a number, `true`, `false`, text, or, where the operator takes a list, several values separated by
/// commas. Text in quotes stays text.
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
pub(super) fn number<T: FromStr>(name: &str, typed: &str) -> Result<T, AppError> {
    let words = name.replace('_', " ");
    typed.trim().parse().map_err(|_| {
        Problem::invalid_field(format!("/{name}"), format!("{words}: `{typed}` is not such a number")).into()
    })
}

/// A percentage typed into the field `name`, as a share.
#[cfg(feature = "ssr")]
fn rate(name: &str, typed: &str) -> Result<f64, AppError> {
    Ok(number::<f64>(name, typed)? / 100.0)
}

/// Hours typed into the field `name`, in whole seconds.
#[cfg(feature = "ssr")]
fn seconds(name: &str, typed: &str) -> Result<u64, AppError> {
    let hours: f64 = number(name, typed)?;
    if !hours.is_finite() || hours < 0.0 {
        return Err(Problem::invalid_field(format!("/{name}"), "is a number of hours, 0 or more").into());
    }
    // The bound fits a u64; the store checks the range.
    Ok((hours * 3600.0).round().min(1e12) as u64)
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
}
