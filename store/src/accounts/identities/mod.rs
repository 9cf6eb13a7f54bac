//! People at a sign-in provider: signing in there, linking an account, and asking again whether the provider still
//! confirms them. What the provider says was verified before it comes here.

mod check;
mod link;
mod pending;
mod row;
mod sign_in;

use std::collections::BTreeSet;

pub use check::{Due, confirm, delete_unused, due, end_unconfirmed};
pub use lifecycle::authority::{Identity, SignInRefused};
pub use link::{link, own, unlink};
pub use pending::{Pending, Started, start, take};
pub use sign_in::sign_in;

/// What the provider says about a person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// The provider.
    pub issuer: String,
    /// The person's name there, which never changes.
    pub subject: String,
    /// Their email, if the provider gives one that it does not call unverified.
    pub email: Option<String>,
    /// Their name.
    pub name: Option<String>,
    /// Their groups.
    pub groups: BTreeSet<String>,
}

impl Claims {
    /// The person as records of refused sign-ins name them.
    fn account(&self) -> String {
        format!("{} at {}", self.subject, self.issuer)
    }
}
