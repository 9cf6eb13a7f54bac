//! Putting bundles into service and taking them out. Everything that changes the live state happens under one lock.

mod apply;
mod freezes;
mod guarded;
mod history;
mod measure;
mod missing_key;
mod preview;
mod promote;
mod promote_automatically;
mod proof;
mod records;
mod roll_back;
mod watch;

pub use apply::apply;
pub(crate) use apply::{Order, Signers, apply_in, evidence_of};
pub use freezes::{NewFreeze, end_freeze, freeze, freezes, freezes_holding};
pub use guarded::{LookedAt, check_changes};
pub use history::history;
pub(crate) use measure::measure as measure_stage;
pub use measure::{canary_status, check_gates};
pub use preview::preview;
pub use promote::promote;
pub use promote_automatically::promote_when_due;
pub use proof::check_serving;
pub(crate) use records::{apply_record, store_apply};
pub(crate) use roll_back::roll_back_in;
pub use roll_back::{RollBack, roll_back};
pub use watch::{Watched, watch};
