//! The live state, the safety pause and the emergency switch.

mod emergency_switch;
mod pause;
mod queries;
mod release_record;
mod required_text;
mod servers;
mod serving;
mod switches;
mod ticket;
mod trigger;

pub use emergency_switch::{disable, enable};
pub use pause::{Engage, pause, sign_release};
pub use queries::{CHANNEL, Live, get, live, live_mark, watch};
pub(crate) use release_record::releases;
pub use servers::{Servers, report_serving, servers};
pub(crate) use serving::{arms, read, serving_checksum};
pub(crate) use switches::{refuse_when_paused, switches_now};
pub(crate) use ticket::add_to_ticket_in_force;
