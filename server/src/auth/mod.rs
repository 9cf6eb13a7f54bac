//! Authentication: the caller is the holder of a bearer token, or the person of a browser session. The result is a
//! [`Caller`](app::context::Caller) in the request's extensions; `lifecycle::authority` decides what a caller may do.

mod identify;
mod local;
mod session;
mod sign_in_limit;
mod signed_in;
mod source;
mod token;

pub use identify::{Refused, identify};
pub use local::local_administrator;
pub use session::{begin as begin_session, layer as session_layer};
pub use sign_in_limit::layer as sign_in_limit;
pub use signed_in::{SignedIn, require};
pub use source::{ProxyNetwork, TrustedProxies, find_client, network};
pub use token::{bearer, token_holder};
