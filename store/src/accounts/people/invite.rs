//! Inviting people. The administrator gives email, name and roles; the person chooses the password.

use const_format::concatcp;
use lifecycle::{
    audit::EventType,
    authority::{Actor, Permission, Person, RoleProposal, Roles, authorize},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    roles,
    row::{COLUMNS, Row, checked_email, checked_name, email_taken, lock_people},
};
use crate::{
    Result, Store,
    accounts::links::{self, Delivery, Kind, Link},
    announcements, names,
    work::Work,
};

/// Whom to invite: the body of `POST /users`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPerson {
    /// The email, which identifies the person everywhere.
    pub email: String,
    /// Display name.
    pub name: String,
    /// The roles the person is to have.
    pub roles: Roles,
}

/// An invited person.
pub struct Invited {
    /// The person, who cannot sign in yet.
    pub person: Person,
    /// The link with which they choose their password.
    pub link: Link,
    /// The roles that wait for a safety owner, if any.
    pub proposal: Option<RoleProposal>,
}

/// Adds a person without a password, and makes the link with which they choose one.
///
/// # Errors
/// Denied without [`Permission::Administer`]; an email without `@` or one that is taken.
pub async fn invite(store: &Store, actor: &Actor, new: &NewPerson, delivery: Delivery) -> Result<Invited> {
    let permit = authorize(actor, Permission::Administer)?;
    let (email, name) = (checked_email(&new.email)?, checked_name(&new.name)?);
    let mut work = Work::begin(store, permit).await?;
    lock_people(&mut work).await?;
    let row: Row =
        sqlx::query_as(concatcp!("insert into people (email, name, roles) values ($1, $2, '{}') returning ", COLUMNS))
            .bind(&email)
            .bind(name)
            .fetch_one(work.db())
            .await
            .map_err(email_taken)?;
    let added = row.read()?;
    let change = roles::change(&mut work, &added, &new.roles).await?;
    let person = Person { roles: change.now, ..added };
    let link = links::create(&mut work, person.id, Kind::Invitation, delivery).await?;
    let detail = json!({
        "roles": names::role_names(&person.roles), "handed_over": delivery == Delivery::HandOver,
        "expires_at": link.expires_at,
    });
    work.note(EventType::PersonInvited, "person", person.id, format!("{email} was invited"), detail);
    if delivery == Delivery::HandOver {
        let what = format!(
            "{} invited {email} with a link to hand over, with which anybody can take the account: it signs nothing for \
             24 hours after that",
            work.actor().name
        );
        announcements::announce(&mut work, person.id, announcements::Kind::HandedOver, &what).await?;
    }
    let proposal = roles::propose(&mut work, &person, &change.proposed).await?;
    work.commit().await?;
    Ok(Invited { person, link, proposal })
}
