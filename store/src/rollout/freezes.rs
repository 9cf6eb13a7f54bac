//! Freezes: making, reading and ending them, and asking them before an apply or a promotion.

use const_format::concatcp;
use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, authorize},
    problem::{Code, Problem},
    rollout::freeze::{Exemption, Freeze, Holding, Operation, Recurrence, Scope, Step, holding, refusal},
};
use policy::{Fault, Timestamp, bundle::name::NamePattern};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;

use crate::{Error, Result, Store, bundles::row::Row as Bundle, json::text, text::is_readable, work::Work};

/// The columns of [`Row`].
const COLUMNS: &str = "id, name, reason, recurrence, scope, exemptions, created_by, created_at, ended_by, ended_at";
/// Most freezes at a time.
const MOST: i64 = 100;
/// Most agents of a scope, and most exemptions of a freeze.
const MOST_LISTED: usize = 100;

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    name: String,
    reason: String,
    recurrence: Option<Json<Value>>,
    scope: Json<Value>,
    exemptions: Json<Value>,
    created_by: String,
    created_at: OffsetDateTime,
    ended_by: Option<String>,
    ended_at: Option<OffsetDateTime>,
}

impl Row {
    fn read(self) -> Result<Freeze> {
        let damaged = |error| Error::damaged(format!("freeze {}: {error}", self.id));
        Ok(Freeze {
            id: self.id,
            recurrence: self.recurrence.map(|json| serde_json::from_value(json.0)).transpose().map_err(damaged)?,
            scope: serde_json::from_value(self.scope.0).map_err(damaged)?,
            exemptions: serde_json::from_value(self.exemptions.0).map_err(damaged)?,
            name: self.name,
            reason: self.reason,
            created_by: self.created_by,
            created_at: self.created_at.into(),
            ended_by: self.ended_by,
            ended_at: self.ended_at.map(Into::into),
        })
    }
}

/// The body of `POST /policy/freezes`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewFreeze {
    /// What it is called.
    pub name: String,
    /// Why nothing may change.
    pub reason: String,
    /// When it holds; absent stops the line until it is ended.
    #[serde(default)]
    pub recurrence: Option<Recurrence>,
    /// What it counts for; everything when absent.
    #[serde(default)]
    pub scope: Option<Scope>,
    /// Who may pass.
    #[serde(default)]
    pub exemptions: Vec<Exemption>,
}

/// The freezes that were not ended, in the order they were made.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn freezes(store: &Store, actor: &Actor) -> Result<Vec<Freeze>> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    open(&mut db).await
}

/// What the freezes make an apply or promotion of this bundle wait for now, for this person.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn freezes_holding(store: &Store, actor: &Actor, operation: Operation) -> Result<Vec<Holding>> {
    authorize(actor, Permission::Read)?;
    let mut db = store.pool().acquire().await?;
    let now: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(&mut *db).await?;
    let step = Step { operation, agents: &[], actor: &actor.name };
    Ok(holding(&open(&mut db).await?, &step, now.into()))
}

/// Makes a freeze, or stops the line.
///
/// # Errors
/// Denied without [`Permission::Pause`]; values outside their range and exempt people who do not exist, with their pointers; too
/// many freezes.
pub async fn freeze(store: &Store, actor: &Actor, new: NewFreeze) -> Result<Freeze> {
    let permit = authorize(actor, Permission::Pause)?;
    let now: OffsetDateTime = sqlx::query_scalar("select now()").fetch_one(store.pool()).await?;
    let new = checked(new, now.into())?;
    let mut work = Work::begin_serving(store, permit).await?;
    refuse_strangers(&mut work, &new.exemptions).await?;
    let open: i64 =
        sqlx::query_scalar("select count(*) from policy_freezes where ended_at is null").fetch_one(work.db()).await?;
    if open >= MOST {
        return Err(Error::refused(Code::Conflict, format!("there are {MOST} freezes: end one first")));
    }
    let scope = new.scope.unwrap_or(Scope::ALL);
    let recurrence = new.recurrence.as_ref().map(text).transpose()?;
    let sql = concatcp!(
        "insert into policy_freezes (name, reason, recurrence, scope, exemptions, created_by, created_at)
         values ($1, $2, $3::json, $4::json, $5::json, $6, $7) returning ",
        COLUMNS
    );
    let row: Row = sqlx::query_as(sql)
        .bind(&new.name)
        .bind(&new.reason)
        .bind(recurrence)
        .bind(text(&scope)?)
        .bind(text(&new.exemptions)?)
        .bind(work.actor().name.clone())
        .bind(OffsetDateTime::from(work.now))
        .fetch_one(work.db())
        .await?;
    let made = row.read()?;
    let summary = match made.recurrence {
        Some(_) => format!("the freeze {} was made: {}", made.name, made.reason),
        None => format!("the line was stopped: {} ({})", made.name, made.reason),
    };
    work.note(EventType::FreezeMade, "freeze", made.id, summary, json!({"freeze": made}));
    work.commit().await?;
    Ok(made)
}

/// Ends a freeze. One that was ended stays as it is.
///
/// # Errors
/// Denied without [`Permission::Pause`]; no such freeze.
pub async fn end_freeze(store: &Store, actor: &Actor, id: i64) -> Result<Freeze> {
    let permit = authorize(actor, Permission::Pause)?;
    let mut work = Work::begin_serving(store, permit).await?;
    let sql = concatcp!("select ", COLUMNS, " from policy_freezes where id = $1 for update");
    let found: Option<Row> = sqlx::query_as(sql).bind(id).fetch_optional(work.db()).await?;
    let found = found.ok_or_else(|| Error::refused(Code::NotFound, format!("there is no freeze `{id}`")))?.read()?;
    if found.ended_at.is_some() {
        return Ok(found);
    }
    let sql = concatcp!("update policy_freezes set ended_by = $2, ended_at = $3 where id = $1 returning ", COLUMNS);
    let ended: Row = sqlx::query_as(sql)
        .bind(id)
        .bind(work.actor().name.clone())
        .bind(OffsetDateTime::from(work.now))
        .fetch_one(work.db())
        .await?;
    let ended = ended.read()?;
    let summary = format!("the freeze {} was ended", ended.name);
    work.note(EventType::FreezeEnded, "freeze", id, summary, json!({"freeze": ended}));
    work.commit().await?;
    Ok(ended)
}

/// Refuses an apply or a promotion that a freeze holds. A freeze that the actor passes is recorded.
pub(super) async fn refuse_when_frozen(
    work: &mut Work,
    operation: Operation,
    bundle: &Bundle,
    stable: Option<&Bundle>,
) -> Result<()> {
    let freezes = open(work.db()).await?;
    let agents = changed_agents(bundle, stable);
    let actor = work.actor().name.clone();
    let found = holding(&freezes, &Step { operation, agents: &agents, actor: &actor }, work.now);
    match refusal(&found, operation) {
        Some(why) => {
            let freezes = serde_json::to_value(&found).map_err(Error::damaged)?;
            Err(Problem::new(Code::Frozen, why).with("freezes", freezes).into())
        }
        None => {
            for passed in found {
                let summary = format!("{actor} passed the freeze {} with {}", passed.name, bundle.version);
                let detail = json!({"version": bundle.version, "operation": operation, "freeze": passed});
                work.note(EventType::FreezePassed, "freeze", passed.freeze_id, summary, detail);
            }
            Ok(())
        }
    }
}

/// Why the bundle would have to wait for a freeze now, in a sentence, and what holds it.
pub(super) async fn frozen(
    db: &mut PgConnection,
    operation: Operation,
    bundle: &Bundle,
    stable: Option<&Bundle>,
    actor: &Actor,
    now: Timestamp,
) -> Result<(Option<String>, Vec<Holding>)> {
    let freezes = open(db).await?;
    let agents = changed_agents(bundle, stable);
    let found = holding(&freezes, &Step { operation, agents: &agents, actor: &actor.name }, now);
    Ok((refusal(&found, operation), found))
}

async fn open(db: &mut PgConnection) -> Result<Vec<Freeze>> {
    let sql = concatcp!("select ", COLUMNS, " from policy_freezes where ended_at is null order by id");
    let rows: Vec<Row> = sqlx::query_as(sql).fetch_all(db).await?;
    rows.into_iter().map(Row::read).collect()
}

/// The agents of the rules that `bundle` adds, changes or removes. Empty, which counts as all, when something else than
/// rules changes.
fn changed_agents(bundle: &Bundle, stable: Option<&Bundle>) -> Vec<String> {
    let rules = |bundle: &Bundle| -> Vec<Value> {
        bundle.content.0.get("rules").and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let rest = |bundle: &Bundle| {
        let names = ["default_effect", "on_error", "schema"];
        names.map(|name| bundle.content.0.get(name).cloned())
    };
    let Some(stable) = stable.filter(|stable| rest(stable) == rest(bundle)) else { return Vec::new() };
    let (before, after) = (rules(stable), rules(bundle));
    let changed =
        before.iter().filter(|rule| !after.contains(rule)).chain(after.iter().filter(|rule| !before.contains(rule)));
    let mut agents: Vec<String> =
        changed.map(|rule| rule.get("agent").and_then(Value::as_str).unwrap_or("*").to_owned()).collect();
    agents.sort();
    agents.dedup();
    agents
}

/// An exemption of nobody would never count, or for a person who is invited with that email later.
async fn refuse_strangers(work: &mut Work, exemptions: &[Exemption]) -> Result<()> {
    let named: Vec<&str> = exemptions.iter().map(|exemption| exemption.person.as_str()).collect();
    let known: Vec<String> = sqlx::query_scalar("select email from people where enabled and email = any($1)")
        .bind(named)
        .fetch_all(work.db())
        .await?;
    let strangers = exemptions.iter().enumerate().filter(|(_, exemption)| !known.contains(&exemption.person));
    let faults: Vec<Fault> = strangers
        .map(|(at, _)| {
            Fault::new(format!("/exemptions/{at}/person"), "is the email of an enabled person of this workspace")
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Problem::invalid_fields(faults).into()) }
}

/// The freeze without blanks around its texts, if its values are in their ranges and it holds at some time from `now` on.
fn checked(new: NewFreeze, now: Timestamp) -> Result<NewFreeze> {
    let trimmed = |text: &str| text.trim().to_owned();
    let exemptions = new.exemptions.iter().map(|exemption| Exemption {
        person: trimmed(&exemption.person).to_lowercase(),
        reason: trimmed(&exemption.reason),
        ..exemption.clone()
    });
    let exemptions = exemptions.collect();
    let new = NewFreeze { name: trimmed(&new.name), reason: trimmed(&new.reason), exemptions, ..new };
    let mut faults = Vec::new();
    for (pointer, text, least, most) in [("/name", &new.name, 1, 100), ("/reason", &new.reason, 10, 500)] {
        if !is_readable(text, least, most) {
            faults.push(Fault::new(pointer, format!("has {least} to {most} visible characters on one line")));
        }
    }
    if let Some(fault) = new.recurrence.as_ref().and_then(|recurrence| recurrence.check(now).err()) {
        faults.push(Fault::new(format!("/recurrence{}", fault.pointer()), fault.to_string()));
    }
    let agents = new.scope.as_ref().map(|scope| scope.agents.as_slice()).unwrap_or_default();
    for (at, agent) in agents.iter().enumerate() {
        if let Err(fault) = NamePattern::read(agent) {
            faults.push(Fault::new(format!("/scope/agents/{at}"), format!("is no agent and no pattern: {fault}")));
        }
    }
    for (at, exemption) in new.exemptions.iter().enumerate() {
        for (member, text, most) in [("person", &exemption.person, 200), ("reason", &exemption.reason, 500)] {
            if !is_readable(text, 1, most) {
                faults.push(Fault::new(
                    format!("/exemptions/{at}/{member}"),
                    format!("has 1 to {most} visible characters on one line"),
                ));
            }
        }
    }
    if agents.len() > MOST_LISTED {
        faults.push(Fault::new("/scope/agents", format!("has at most {MOST_LISTED} agents")));
    }
    if new.exemptions.len() > MOST_LISTED {
        faults.push(Fault::new("/exemptions", format!("has at most {MOST_LISTED} people")));
    }
    if faults.is_empty() { Ok(new) } else { Err(Problem::invalid_fields(faults).into()) }
}
