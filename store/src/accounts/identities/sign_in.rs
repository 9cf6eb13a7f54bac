//! Signing in through the provider. Who signs in for the first time becomes a person here.

use const_format::concatcp;
use lifecycle::{
    audit::EventType,
    authority::{Actor, Pass, Person, Roles, SignInRefused, Via},
};
use serde_json::json;

use super::{
    Claims,
    row::{self, add_session, end_sessions, follow},
};
use crate::{
    Result, Store,
    accounts::{
        people::{SignedIn, row as people},
        sessions,
    },
    work::Work,
};

/// Signs the person in whom the provider has confirmed. `secret` is what the provider is asked again with; `source` is
/// the network that the request came from. A session begins, which ends when the provider no longer confirms the person.
/// Takes no actor: the provider vouches for the person.
///
/// # Errors
/// The database failed. A refusal is no error: what follows from the person's groups is stored in any case.
pub async fn sign_in(
    store: &Store,
    claims: &Claims,
    secret: &[u8],
    source: &str,
) -> Result<Result<SignedIn, SignInRefused>> {
    let mut work = Work::begin(store, row::permit()?).await?;
    people::lock_people(&mut work).await?;
    let wanted = row::wanted(&mut work, claims).await?;
    let known = match row::find_locked(&mut work, claims).await? {
        Some(known) => return_of(&mut work, known, &wanted).await?,
        None => join(&mut work, claims, &wanted).await?,
    };
    let result = match known {
        Ok((identity, person)) => {
            let provider_session = add_session(&mut work, store, identity, secret).await?;
            let detail = json!({"source": source, "issuer": claims.issuer, "subject": claims.subject});
            let summary = format!("{} signed in through {}", person.email, claims.issuer);
            let (session, credential) = sessions::begin(&mut work, person.id, Some(provider_session)).await?;
            work.note_by(
                Actor { pass: Pass::with(credential), ..person.actor(Via::Session) },
                EventType::SignedIn,
                ("person", person.id.to_string()),
                summary,
                detail,
            );
            Ok(SignedIn { person, session })
        }
        Err(refused) => {
            store.refusals().note_sign_in(source, &claims.account());
            Err(refused)
        }
    };
    work.commit().await?;
    Ok(result)
}

/// A person who was here before, with the roles that their groups give now.
async fn return_of(work: &mut Work, known: row::Row, wanted: &Roles) -> Result<Result<(i64, Person), SignInRefused>> {
    let person = people::by_id_locked(work, known.person_id).await?;
    if !person.enabled {
        return Ok(Err(SignInRefused::Disabled));
    }
    let person = follow(work, &known, person, wanted).await?;
    if person.roles.is_empty() {
        end_sessions(work, known.id).await?;
        return Ok(Err(SignInRefused::NoRoles));
    }
    Ok(Ok((known.id, person)))
}

/// A stranger becomes a person here, unless another account has their email: an email proves nothing.
async fn join(work: &mut Work, claims: &Claims, wanted: &Roles) -> Result<Result<(i64, Person), SignInRefused>> {
    if wanted.is_empty() {
        return Ok(Err(SignInRefused::NoRoles));
    }
    let Some(email) = claims.email.as_deref().and_then(|email| people::checked_email(email).ok()) else {
        return Ok(Err(SignInRefused::NoEmail));
    };
    if people::find(&mut *work.db(), &email).await?.is_some() {
        return Ok(Err(SignInRefused::EmailTaken));
    }
    let name = claims.name.as_deref().and_then(|name| people::checked_name(name).ok());
    let name = name.or_else(|| email.split('@').next()).unwrap_or(&email);
    let added: people::Row = sqlx::query_as(concatcp!(
        "insert into people (email, name, roles) values ($1, $2, '{}') returning ",
        people::COLUMNS
    ))
    .bind(&email)
    .bind(name)
    .fetch_one(work.db())
    .await?;
    let person = added.read()?;
    let identity = row::insert(work, person.id, claims).await?;
    let detail = json!({"name": person.name, "issuer": claims.issuer, "subject": claims.subject});
    let summary = format!("{email} joined at their first sign-in through {}", claims.issuer);
    work.note(EventType::PersonJoined, "person", person.id, summary, detail);
    let person = follow(work, &identity, person, wanted).await?;
    Ok(Ok((identity.id, person)))
}
