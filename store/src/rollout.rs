//! Putting bundles into service and taking them out. Everything that changes what is live happens under one lock.

mod apply;
mod history;
mod measure;
mod preview;
mod promote;
mod roll_back;

pub use apply::apply;
pub use history::history;
pub use measure::{canary_status, check_gates};
pub use preview::preview;
pub use promote::promote;
pub use roll_back::{RollBack, roll_back};
