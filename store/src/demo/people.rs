//! The people of the example workspace, one per role, with passwords and tokens of their own.

use lifecycle::authority::{Actor, Person, Role, Roles, Via};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::{Result, Store, people, tokens};

/// One line of `demo-credentials.json`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoCredential {
    /// The email to sign in with; `None` for the service, which only has a token.
    pub email: Option<String>,
    /// Display name.
    pub name: String,
    /// The role.
    pub roles: Roles,
    /// The password; `None` for the service.
    pub password: Option<String>,
    /// A bearer token with the same role.
    pub token: String,
}

/// The credentials of the example workspace: the content of `demo-credentials.json`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DemoCredentials(pub Vec<DemoCredential>);

/// The name of each person's token.
const TOKEN: &str = "demo token";
/// The name of the service's token, which is also the name the service acts under.
const SERVICE: &str = "mail-gateway";
const PASSWORD_CHARS: usize = 20;
/// Days that the tokens work for: an example may lie around for long.
const TOKEN_DAYS: u32 = 365;

/// The people: role and display name.
const PEOPLE: [(Role, &str); 7] = [
    (Role::Author, "Amara Osei"),
    (Role::RevenueOps, "Rafael Ortiz"),
    (Role::Approver, "Ingrid Solberg"),
    (Role::RuntimeOwner, "Tomasz Zielinski"),
    (Role::SafetyOwner, "Mei Tanaka"),
    (Role::Admin, "Noor Haddad"),
    (Role::Viewer, "Ellis Reed"),
];

/// The email of the person with this role.
pub fn email(role: Role) -> String {
    format!("{role}@demo.test")
}

/// An actor of the example with one role.
pub(super) fn actor(name: &str, role: Role) -> Actor {
    Actor::new(name, [role].into(), Via::Job)
}

/// Gives each person a new password and a new token, and adds missing people. Earlier passwords and tokens stop
/// working.
pub async fn issue(store: &Store, actor: &Actor) -> Result<DemoCredentials> {
    for token in tokens::list(store, actor).await? {
        if token.revoked_at.is_none() && (token.name == TOKEN || token.name == SERVICE) {
            tokens::revoke(store, actor, token.id).await?;
        }
    }
    let mut credentials = Vec::with_capacity(PEOPLE.len() + 1);
    for (role, name) in PEOPLE {
        credentials.push(person(store, actor, role, name).await?);
    }
    let token = service_token(store, actor).await?;
    let name = SERVICE.to_owned();
    credentials.push(DemoCredential { email: None, name, roles: Roles::from([Role::Service]), password: None, token });
    Ok(DemoCredentials(credentials))
}

async fn person(store: &Store, actor: &Actor, role: Role, name: &str) -> Result<DemoCredential> {
    let (email, roles, password) = (email(role), Roles::from([role]), password());
    let person = match people::by_email(store, &email).await? {
        Some(_) => people::set_password(store, actor, &email, &password).await?,
        None => people::add(store, actor, &email, name, roles.clone(), &password).await?,
    };
    let token = own_token(store, &person, role).await?;
    Ok(DemoCredential { email: Some(email), name: name.to_owned(), roles, password: Some(password), token })
}

/// A token that the person makes for themselves, as on the page *You*.
async fn own_token(store: &Store, person: &Person, role: Role) -> Result<String> {
    let roles = Roles::from([role]);
    let new = tokens::NewOwnToken { name: TOKEN.to_owned(), roles, expires_in_days: Some(TOKEN_DAYS), password: None };
    tokens::create_own(store, &person.actor(Via::Job), "", new).await.map(|(_, plain)| plain)
}

/// The service's token, for every agent of the example.
async fn service_token(store: &Store, actor: &Actor) -> Result<String> {
    let new = tokens::NewServiceToken {
        name: SERVICE.to_owned(),
        agents: vec!["*".to_owned()],
        reporter: true,
        expires_in_days: Some(TOKEN_DAYS),
    };
    tokens::create_service(store, actor, new).await.map(|(_, plain)| plain)
}

/// Random letters and digits, without those that are easily mistaken for each other.
fn password() -> String {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut random = rand::rng();
    (0..PASSWORD_CHARS)
        .filter_map(|_| LETTERS.get(random.random_range(0..LETTERS.len())))
        .map(|letter| char::from(*letter))
        .collect()
}
