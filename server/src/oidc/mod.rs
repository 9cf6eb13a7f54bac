//! Sign-in through an OpenID Connect provider: authorization code with PKCE, and asking the provider again. Nothing here
//! decides who may come in; it verifies what the provider says.
//!
//! ```text
//! http → arguments → claims → provider
//! ```

mod arguments;
mod claims;
mod http;
mod provider;

pub use arguments::OidcArguments;
pub use provider::{Answer, Asked, Begun, Provider};
