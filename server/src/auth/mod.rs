//! Who is calling: the holder of a bearer token, or the person of a browser session. The answer is a
//! [`Caller`](app::context::Caller) in the request's extensions; what a caller may do is decided by
//! `lifecycle::authority`.

mod identify;
mod local;
mod session;
mod sign_in_limit;
mod signed_in;
mod token;

pub use identify::identify;
pub use local::local_administrator;
pub use session::layer as session_layer;
pub use sign_in_limit::layer as sign_in_limit;
pub use signed_in::{SignedIn, require};
pub use token::{bearer, token_holder};
