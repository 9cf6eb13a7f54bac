//! Requests as rows.

use lifecycle::{
    approval::{
        Action, Request, Scope, Status, Terms, outcome,
        request::{Revocation, Use},
    },
    decision::BundleRef,
    problem::Code,
    signing::{KeyRing, verify},
};
use policy::{Timestamp, bundle::Budget};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sqlx::{PgConnection, types::Json};
use time::OffsetDateTime;

use crate::{Error, Result};

/// The columns of a request `r`, with the decisions about it.
pub(super) const COLUMNS: &str =
    "r.id, r.terms, r.context, r.reason, r.rule_written, r.budget, r.bundle, r.times_asked,
     r.cancelled_at, r.revoked_at, r.revoked_by, r.used, r.last_used_at, r.last_decision_id, r.requested_at,
     coalesce((select json_agg(a.action order by a.id) from policy_approval_actions a where a.approval_id = r.id), '[]')
         as actions";

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub id: String,
    terms: Json<Value>,
    context: Json<Value>,
    reason: String,
    rule_written: Json<Value>,
    budget: Option<Json<Value>>,
    bundle: Option<Json<Value>>,
    times_asked: i64,
    pub cancelled_at: Option<OffsetDateTime>,
    pub revoked_at: Option<OffsetDateTime>,
    revoked_by: Option<String>,
    pub used: i64,
    last_used_at: Option<OffsetDateTime>,
    last_decision_id: Option<String>,
    pub requested_at: OffsetDateTime,
    actions: Json<Value>,
}

impl Row {
    /// What is asked for.
    ///
    /// # Errors
    /// `conflict` when it is not what the agent asked for.
    pub fn terms(&self, keys: &KeyRing) -> Result<Terms> {
        let terms: Terms = value(&self.terms)?;
        verify(keys, &terms).map_err(|error| {
            let detail = format!(
                "the approval request `{}` was changed in the database, and counts for nothing: {error}",
                self.id
            );
            Error::refused(Code::Conflict, detail)
        })?;
        Ok(terms)
    }

    /// The arguments.
    pub fn context(&self) -> Result<Map<String, Value>> {
        value(&self.context)
    }

    /// The decisions of people, genuine or not.
    pub fn actions(&self) -> Result<Vec<Action>> {
        value(&self.actions)
    }

    /// The request as it stands at `now`. A decision that is not genuine is left out.
    pub fn read(self, keys: &KeyRing, now: Timestamp) -> Result<Request> {
        let terms = self.terms(keys)?;
        let mut actions = self.actions()?;
        actions.retain(|action| action.is_genuine(&terms, keys));
        let cancelled = self.cancelled_at.map(Timestamp::from);
        let state = outcome(&terms, &actions, cancelled, None, now);
        let last_use = self.last_used_at.zip(self.last_decision_id.clone());
        let revoked = self.revoked_at.zip(self.revoked_by.clone());
        Ok(Request {
            status: state.status,
            context: self.context()?,
            reason: self.reason,
            rule_written: value(&self.rule_written)?,
            budget: self.budget.as_ref().map(value::<Budget>).transpose()?,
            bundle: self.bundle.as_ref().map(value::<BundleRef>).transpose()?,
            times_asked: self.times_asked,
            actions,
            ended_at: state.ended_at,
            usable_until: state.usable_until,
            scope: state.scope,
            used: self.used,
            last_use: last_use.map(|(at, decision_id)| Use { at: at.into(), decision_id, outcome: None }),
            revoked: revoked.map(|(at, by)| Revocation { by, at: at.into() }),
            terms,
        })
    }
}

fn value<T: DeserializeOwned>(json: &Json<Value>) -> Result<T> {
    T::deserialize(&json.0).map_err(|error| Error::damaged(format!("approval request: {error}")))
}

/// The request with this id, locked until the transaction ends.
pub(super) async fn locked(db: &mut PgConnection, id: &str) -> Result<Row> {
    // Locked first: the decisions about it are read when nobody adds one.
    sqlx::query("select 1 from policy_approvals where id = $1 for update")
        .bind(id.replace('\0', ""))
        .execute(&mut *db)
        .await?;
    by_id(db, id).await
}

/// The request with this id.
pub(super) async fn by_id(db: &mut PgConnection, id: &str) -> Result<Row> {
    let sql = format!("select {COLUMNS} from policy_approvals r where r.id = $1");
    let found = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id.replace('\0', "")).fetch_optional(db).await?;
    found.ok_or_else(|| Error::not_found("approval request", id))
}

/// Writes how a request ended.
pub(super) async fn end(
    db: &mut PgConnection,
    id: &str,
    status: Status,
    (ended_at, usable_until): (Timestamp, Option<Timestamp>),
    scope: &Scope,
) -> Result<()> {
    let approved = status == Status::Approved;
    sqlx::query(
        "update policy_approvals set status = $2, ended_at = $3, usable_until = $4, scope_kind = $5, uses = $6 where id = $1",
    )
    .bind(id)
    .bind(status.name())
    .bind(OffsetDateTime::from(ended_at))
    .bind(usable_until.map(OffsetDateTime::from))
    .bind(approved.then(|| scope.kind.name()))
    .bind(approved.then(|| i64::from(scope.uses())))
    .execute(db)
    .await?;
    Ok(())
}
