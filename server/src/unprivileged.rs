//! A server that root started goes on as an ordinary user: an attacker who breaks into it is not root.

use std::path::Path;

use rustix::{
    process::{Gid, Uid},
    thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid},
};
use store::postgres::{HandedOver, hand_over};

use crate::error::CliError;

/// How the names of the files and folders begin that a server keeps in its data directory.
const FILES: [&str; 6] =
    ["hmac-key.json", "audit-checkpoint.json", "buffered-decisions", "demo-credentials.json", "archive", ".tmp"];

/// Goes on as the account that owns the data directory, or is given it. To be called before there are other threads:
/// each thread has a user of its own, which later ones get from the first.
///
/// # Errors
/// [`CliError::Refused`] when the files could not be given to that account, or the system refused.
pub fn go_on(data_dir: &Path) -> Result<(), CliError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let threads = std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    let next = if threads == 1 {
        hand_over(data_dir, &FILES).map_err(|error| CliError::Refused(error.to_string()))?
    } else {
        HandedOver::Stays("it has other threads already".to_owned())
    };
    match next {
        HandedOver::Unchanged => {}
        HandedOver::Stays(reason) => tracing::warn!(
            "this server goes on as root, because {reason}: start it as a user of its own, or give it a data directory of \
             its own that others may enter, such as /var/lib/countersign"
        ),
        HandedOver::To { user, group } => {
            become_user(Uid::from_raw(user), Gid::from_raw(group))
                .map_err(|error| CliError::Refused(format!("root cannot go on as user {user}: {error}")))?;
            tracing::info!(user, "started by root, going on as an ordinary user");
        }
    }
    Ok(())
}

/// For good: neither the saved user nor a group is kept.
fn become_user(user: Uid, group: Gid) -> rustix::io::Result<()> {
    set_thread_groups(&[group])?;
    set_thread_res_gid(group, group, group)?;
    set_thread_res_uid(user, user, user)
}
