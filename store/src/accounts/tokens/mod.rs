//! Bearer tokens: `csn_` and 32 random letters and digits, stored only as a hash, shown once.

mod authenticate;
mod edit;
mod queries;
mod row;

pub use authenticate::{Bearer, authenticate};
pub use edit::{NewToken, create, revoke};
pub use queries::list;
