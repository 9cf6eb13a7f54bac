//! A person at a sign-in provider, and why signing in there may be refused.

use policy::Timestamp;
use serde::{Deserialize, Serialize};
use strum::VariantArray;

use super::Roles;

/// Who a person is at a sign-in provider: issuer and subject, never an email.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The provider.
    pub issuer: String,
    /// The person's name there, which never changes.
    pub subject: String,
    /// When the account was linked, or made at the first sign-in.
    pub linked_at: Timestamp,
    /// When the provider last confirmed the person.
    pub confirmed_at: Timestamp,
    /// The roles that groups give.
    pub roles: Roles,
}

/// Why signing in through the provider, or linking an account with it, was refused. The name travels in an address; the
/// page has the words.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    VariantArray,
    strum::IntoStaticStr,
    strum::EnumString,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum SignInRefused {
    /// The provider does not answer, or answers nothing that can be read.
    Unreachable,
    /// The provider refused, or the person went back.
    Declined,
    /// The sign-in is unknown, was used, is too old, or began in another browser.
    UsedUp,
    /// The ID token was made for another sign-in, another program, or by another person.
    NotTrusted,
    /// The ID token has expired.
    Expired,
    /// No group of the person gives a role here.
    NoRoles,
    /// The account is disabled here.
    Disabled,
    /// The provider gives no email that it has verified.
    NoEmail,
    /// Another account here has the person's email.
    EmailTaken,
    /// The identity belongs to another account here.
    LinkedElsewhere,
    /// The account is linked with another identity.
    AlreadyLinked,
    /// The link was not followed on the page You.
    NotFromHere,
    /// The password was not given on the page You within the last minutes.
    NotConfirmed,
}

impl SignInRefused {
    /// The name in an address.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The refusal called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// The HTTP status of the page that explains the refusal.
    pub const fn status(self) -> u16 {
        match self {
            Self::Unreachable => 503,
            Self::UsedUp | Self::NotTrusted | Self::Expired | Self::NotFromHere => 400,
            Self::Declined | Self::NoRoles | Self::Disabled | Self::NoEmail | Self::NotConfirmed => 403,
            Self::EmailTaken | Self::LinkedElsewhere | Self::AlreadyLinked => 409,
        }
    }

    /// What happened and what to do, in a few sentences.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unreachable => "The sign-in provider does not answer at the moment. Try again in a minute.",
            Self::Declined => "The sign-in provider did not let you in. Try again, or ask its operator.",
            Self::UsedUp => {
                "This sign-in was used already, took longer than ten minutes, or began in another browser. Start again."
            }
            Self::NotTrusted => {
                "The answer of the sign-in provider does not belong to this sign-in, so it was not trusted. Start again; if \
                 it happens again, inform an administrator."
            }
            Self::Expired => {
                "The answer of the sign-in provider had expired. Start again; if it happens again, the clock of this server \
                 or of the provider is wrong, and an administrator can help."
            }
            Self::NoRoles => {
                "You are known to the sign-in provider, but none of your groups there has a role here. Ask the person who manages \
                 your groups, or ask an administrator of this workspace to give one of your groups a role in Settings."
            }
            Self::Disabled => "Your account is disabled here. An administrator of this workspace can enable it.",
            Self::NoEmail => {
                "The sign-in provider gives no email of yours that it has verified. Ask its operator, or an administrator."
            }
            Self::EmailTaken => {
                "An account here has your email already, and an email alone does not make it yours. Sign in to that account, \
                 and link it on the page You. If it is not yours, ask an administrator."
            }
            Self::LinkedElsewhere => {
                "You are linked with another account here already. Sign out, and sign in through the provider."
            }
            Self::AlreadyLinked => {
                "Your account is linked with another person at the sign-in provider. Unlink it first, on the page You."
            }
            Self::NotFromHere => "An account is linked with the link on this page only. Follow it here.",
            Self::NotConfirmed => {
                "Give your password first: the person who is linked with an account signs in to it from then on."
            }
        }
    }

    /// All refusals.
    pub const ALL: &'static [Self] = Self::VARIANTS;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_found_again_by_its_name_and_says_what_to_do() {
        for &refused in SignInRefused::ALL {
            assert_eq!(SignInRefused::from_name(refused.name()), Some(refused));
            assert!(refused.words().ends_with('.') && refused.status() >= 400);
        }
        assert_eq!(SignInRefused::from_name("<script>"), None);
    }
}
