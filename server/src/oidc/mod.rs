//! Sign-in through an OpenID Connect provider: authorization code with PKCE, and asking the provider again. Nothing here
//! decides who may come in; it verifies what the provider says.
//!
//! ```text
//! arguments, http → claims → client → provider
//! ```

mod arguments;
mod claims;
mod client;
mod http;
mod provider;

pub use arguments::OidcArguments;
pub use provider::{Asked, Begun, Confirmation, Provider};
