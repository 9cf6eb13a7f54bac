//! Reading requests. Every mistake is answered with the place where it was made.

mod body;
mod bundle_id;
mod emergency;
mod if_match;
mod params;
mod query;
mod subject;
mod target;

pub use body::{Json, LARGE, OptionalJson, SMALL, Tree, Written, read_body};
pub use bundle_id::{BundleId, parse_bundle_id};
pub use emergency::Emergency;
pub use if_match::if_match;
pub use params::Params;
pub use query::{check_query, require_known_query};
pub use subject::Subject;
pub use target::{first_segment, wants_page};
