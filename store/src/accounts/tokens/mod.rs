//! Bearer tokens: `csn_` and 32 random letters and digits, stored only as a hash, shown once.

mod authenticate;
mod edit;
mod queries;
mod renew;
mod row;

pub use authenticate::{Bearer, authenticate};
pub(super) use edit::revoke_all;
pub use edit::{NewOwnToken, NewServiceToken, create_on_host, create_own, create_service, revoke, revoke_own};
pub use queries::{list, list_own};
pub use renew::renew;
