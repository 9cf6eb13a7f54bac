//! Giving and taking roles. Roles that sign, stop or administer are given by two people once the workspace has had two
//! safety owners: an administrator proposes them and a safety owner accepts.

use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Person, Role, RoleChange, RoleProposal, Roles, authorize, may_propose},
    problem::{Code, Problem},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::row::{self, count_with, lock_people};
use crate::{
    Error, Result, Store,
    announcements::{self, Kind},
    countersigned::countersigned,
    held_roles::require_proposer,
    names,
    work::Work,
};

/// What became of a change of roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolesSet {
    /// The person with the roles that took effect at once.
    pub user: Person,
    /// The roles that wait for a safety owner, if any.
    pub proposal: Option<RoleProposal>,
}

/// Sets a person's roles. What takes effect at once does so with the next request. An earlier proposal for the person
/// is replaced.
///
/// # Errors
/// Denied without [`Permission::Administer`]; no such person; administrators who would remove that role from
/// themselves; a change after which nobody could administer.
pub async fn set_roles(store: &Store, actor: &Actor, email: &str, roles: Roles) -> Result<RolesSet> {
    let permit = authorize(actor, Permission::Administer)?;
    let mut work = Work::begin(store, permit).await?;
    lock_people(&mut work).await?;
    let person = row::find_locked(&mut work, email).await?;
    if person.email == actor.name && !Permission::Administer.roles().iter().any(|role| roles.contains(role)) {
        return Err(Problem::invalid_field("/roles", "you cannot take the admin role from yourself").into());
    }
    end_proposal(&mut work, &person).await?;
    let change = change(&mut work, &person, &roles).await?;
    refuse_without_administrator(&mut work, &person).await?;
    let before = names::role_names(&person.roles);
    let changed = Person { roles: change.now, ..person.clone() };
    if changed.roles != person.roles {
        let detail = json!({
            "roles": names::role_names(&changed.roles), "roles_before": before, "enabled": person.enabled,
        });
        work.note(EventType::PersonChanged, "person", person.id, format!("{} got new roles", person.email), detail);
    }
    let proposal = propose(&mut work, &changed, &change.proposed).await?;
    work.commit().await?;
    Ok(RolesSet { user: changed, proposal })
}

/// Stores the roles that take effect at once, and announces those with power; returns the whole change. The caller
/// holds the lock on people.
pub(super) async fn change(work: &mut Work, person: &Person, wanted: &Roles) -> Result<RoleChange> {
    let countersigned = countersigned(work).await?;
    let change = RoleChange::new(work.actor(), person, wanted, countersigned);
    let given: Roles =
        change.now.difference(&person.roles).copied().filter(|role| role.needs_countersignature()).collect();
    if !given.is_empty() {
        let what = format!(
            "{} gave {} the role {}, without a second person",
            work.actor().name,
            person.email,
            names::role_names(&given).join(", ")
        );
        announcements::announce(work, person.id, Kind::RolesGiven, &what).await?;
    }
    sqlx::query("update people set roles = $2, updated_at = now() where id = $1")
        .bind(person.id)
        .bind(&names::role_names(&change.now)[..])
        .execute(work.db())
        .await?;
    Ok(change)
}

/// Proposes roles; nothing when there are none.
///
/// # Errors
/// Denied while the actor signs nothing.
pub(super) async fn propose(work: &mut Work, person: &Person, roles: &Roles) -> Result<Option<RoleProposal>> {
    if roles.is_empty() {
        return Ok(None);
    }
    may_propose(work.actor())?;
    let by = work.actor().name.clone();
    let id: i64 = sqlx::query_scalar(
        "insert into role_proposals (person_id, roles, proposed_by, proposed_at) values ($1, $2, $3, now()) returning id",
    )
    .bind(person.id)
    .bind(&names::role_names(roles)[..])
    .bind(&by)
    .fetch_one(work.db())
    .await?;
    let list = names::role_names(roles).join(", ");
    let detail = json!({"proposal": id, "roles": names::role_names(roles)});
    let summary = format!("{by} proposed {list} for {}", person.email);
    work.note(EventType::RolesProposed, "person", person.id, summary, detail);
    Ok(Some(RoleProposal {
        id,
        person_id: person.id,
        email: person.email.clone(),
        name: person.name.clone(),
        roles: roles.clone(),
        proposed_by: by,
        proposed_at: work.now,
    }))
}

/// Ends the open proposal for a person, which a newer change replaces; returns the roles it would have given.
pub(super) async fn end_proposal(work: &mut Work, person: &Person) -> Result<Roles> {
    let by = work.actor().name.clone();
    let ended: Option<(i64, Vec<String>, String)> = sqlx::query_as(
        "update role_proposals set decision = 'replaced', decided_by = $2, decided_at = now()
         where person_id = $1 and decision is null returning id, roles, proposed_by",
    )
    .bind(person.id)
    .bind(&by)
    .fetch_optional(work.db())
    .await?;
    let Some((id, roles, proposed_by)) = ended else { return Ok(Roles::new()) };
    let detail = json!({"proposal": id, "roles": roles, "proposed_by": proposed_by, "decision": "replaced"});
    let summary = format!("{by} replaced the proposal of {} for {}", roles.join(", "), person.email);
    work.note(EventType::RolesRejected, "person", person.id, summary, detail);
    names::roles(&roles)
}

/// Refuses a change of `person`, already made in this transaction, that left nobody to administer the workspace.
pub(in crate::accounts) async fn refuse_without_administrator(work: &mut Work, person: &Person) -> Result<()> {
    let administered = person.enabled && person.roles.contains(&Role::Admin);
    if administered && count_with(work, Role::Admin).await? == 0 {
        let detail = format!("{} is the last administrator: give another person the role first", person.email);
        return Err(Error::refused(Code::Conflict, detail));
    }
    Ok(())
}

/// The proposals that wait for a safety owner, oldest first.
///
/// # Errors
/// Denied without [`Permission::Read`].
pub async fn proposals(store: &Store, actor: &Actor) -> Result<Vec<RoleProposal>> {
    authorize(actor, Permission::Read)?;
    let rows: Vec<ProposalRow> = sqlx::query_as(
        "select q.id, q.person_id, p.email, p.name, q.roles, q.proposed_by, q.proposed_at
         from role_proposals q join people p on p.id = q.person_id where q.decision is null order by q.id",
    )
    .fetch_all(store.pool())
    .await?;
    rows.into_iter().map(ProposalRow::read).collect()
}

/// Accepts a proposal: the person gets the roles.
///
/// # Errors
/// Denied without [`Permission::Countersign`]; no such proposal; `invalid_transition` when it was decided before; `forbidden`
/// for the proposer and for the person who would get the roles; `conflict` when the proposer could not propose it any more.
pub async fn accept_roles(store: &Store, actor: &Actor, id: i64) -> Result<Person> {
    let permit = authorize(actor, Permission::Countersign)?;
    let mut work = Work::begin(store, permit).await?;
    lock_people(&mut work).await?;
    let proposal = open_locked(&mut work, id).await?;
    proposal.may_accept(&actor.name).map_err(|refused| Error::refused(Code::Forbidden, refused.to_string()))?;
    require_proposer(&mut work, &proposal.proposed_by, proposal.proposed_at).await?;
    let person = row::find_locked(&mut work, &proposal.email).await?;
    let person = Person { roles: person.roles.union(&proposal.roles).copied().collect(), ..person };
    sqlx::query("update people set roles = $2, updated_at = now() where id = $1")
        .bind(person.id)
        .bind(&names::role_names(&person.roles)[..])
        .execute(work.db())
        .await?;
    // The number of safety owners may just have reached two.
    countersigned(&mut work).await?;
    decide(&mut work, &proposal, "accepted", EventType::RolesAccepted).await?;
    work.commit().await?;
    Ok(person)
}

/// Rejects a proposal, or withdraws one's own.
///
/// # Errors
/// Denied without [`Permission::Read`]; no such proposal; `invalid_transition` when it was decided before; `forbidden` for
/// anybody but safety owners and the proposer.
pub async fn reject_roles(store: &Store, actor: &Actor, id: i64) -> Result<RoleProposal> {
    let permit = authorize(actor, Permission::Read)?;
    let mut work = Work::begin(store, permit).await?;
    lock_people(&mut work).await?;
    let proposal = open_locked(&mut work, id).await?;
    if !proposal.may_reject(actor) {
        authorize(actor, Permission::Countersign)?;
    }
    decide(&mut work, &proposal, "rejected", EventType::RolesRejected).await?;
    work.commit().await?;
    Ok(proposal)
}

async fn open_locked(work: &mut Work, id: i64) -> Result<RoleProposal> {
    if let Some(proposal) = proposal_locked(work.db(), id).await? {
        return Ok(proposal);
    }
    let decision: Option<String> = sqlx::query_scalar("select decision from role_proposals where id = $1")
        .bind(id)
        .fetch_optional(work.db())
        .await?;
    Err(decision.map_or_else(|| Error::not_found("proposal", id), |decision| Error::decided(&decision)))
}

async fn proposal_locked(db: impl PgExecutor<'_>, id: i64) -> Result<Option<RoleProposal>> {
    let row: Option<ProposalRow> = sqlx::query_as(
        "select q.id, q.person_id, p.email, p.name, q.roles, q.proposed_by, q.proposed_at
         from role_proposals q join people p on p.id = q.person_id where q.id = $1 and q.decision is null
         for update of q",
    )
    .bind(id)
    .fetch_optional(db)
    .await?;
    row.map(ProposalRow::read).transpose()
}

async fn decide(work: &mut Work, proposal: &RoleProposal, decision: &'static str, event: EventType) -> Result<()> {
    let by = work.actor().name.clone();
    sqlx::query("update role_proposals set decision = $2, decided_by = $3, decided_at = now() where id = $1")
        .bind(proposal.id)
        .bind(decision)
        .bind(&by)
        .execute(work.db())
        .await?;
    let roles = names::role_names(&proposal.roles);
    let detail = json!({"proposal": proposal.id, "roles": roles, "proposed_by": proposal.proposed_by});
    let summary = format!("{by} {decision} {} for {}", roles.join(", "), proposal.email);
    work.note(event, "person", proposal.person_id, summary, detail);
    Ok(())
}

#[derive(sqlx::FromRow)]
struct ProposalRow {
    id: i64,
    person_id: i64,
    email: String,
    name: String,
    roles: Vec<String>,
    proposed_by: String,
    proposed_at: OffsetDateTime,
}

impl ProposalRow {
    fn read(self) -> Result<RoleProposal> {
        Ok(RoleProposal {
            id: self.id,
            person_id: self.person_id,
            email: self.email,
            name: self.name,
            roles: names::roles(&self.roles)?,
            proposed_by: self.proposed_by,
            proposed_at: self.proposed_at.into(),
        })
    }
}
