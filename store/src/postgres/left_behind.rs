//! What a killed server left behind: the server itself, its backends, and files that name a process. A backend keeps
//! the cluster's shared memory until it ends, and while it does PostgreSQL refuses to start; one in the middle of a long
//! statement does not notice that its server is gone.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{Error, place::Place};

/// How long an orderly stop may take before a harder one is tried.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(20);
/// How long backends without a server may take to notice it, and then to end.
const BACKEND_TIMEOUT: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(20);

/// Ends every process that still works on the cluster, and removes files that would keep a new server from starting. To
/// be called by the holder of the place's lock, while no server of its own runs.
///
/// # Errors
/// [`Error::StillRunning`] when a process does not end.
pub(super) fn clear(place: &Place) -> Result<(), Error> {
    let steps = match stated_pid(place) {
        // The number may belong to another process by now.
        Some(server) if processes(place).contains(&server) => {
            let number = server.as_raw_nonzero();
            tracing::info!("stopping the PostgreSQL that an earlier run left behind (process {number})");
            // SIGINT is PostgreSQL's fast stop (ends sessions, writes everything), SIGQUIT its immediate one; a server
            // passes both on to its backends.
            if end(place, &[(Signal::INT, STOP_TIMEOUT), (Signal::QUIT, STOP_TIMEOUT)], Some(server)) {
                return remove_stale_files(place);
            }
            [(Signal::KILL, BACKEND_TIMEOUT); 3]
        }
        _ => [(Signal::TERM, BACKEND_TIMEOUT), (Signal::QUIT, BACKEND_TIMEOUT), (Signal::KILL, BACKEND_TIMEOUT)],
    };
    if !gone_within(place, BACKEND_TIMEOUT) {
        tracing::info!("ending the backends of a PostgreSQL that was killed");
        end(place, &steps, None);
    }
    match processes(place).first() {
        Some(pid) => Err(Error::StillRunning { pid: pid.as_raw_nonzero().get(), cluster: place.cluster.clone() }),
        None => remove_stale_files(place),
    }
}

/// Sends one signal after the other, to one process or to all, until none works on the cluster any more.
fn end(place: &Place, steps: &[(Signal, Duration)], only: Option<Pid>) -> bool {
    steps.iter().any(|(signal, patience)| {
        for pid in processes(place).into_iter().filter(|pid| only.is_none_or(|only| only == *pid)) {
            let _gone = kill_process(pid, *signal);
        }
        gone_within(place, *patience)
    })
}

fn gone_within(place: &Place, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        if processes(place).is_empty() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(POLL);
    }
}

/// The processes of PostgreSQL that work on the cluster: it is the working directory of a server and of its backends. A
/// process that has ended but was not yet collected by its parent has none.
fn processes(place: &Place) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw));
    pids.filter(|pid| {
        let number = pid.as_raw_nonzero();
        fs::read_link(format!("/proc/{number}/cwd")).is_ok_and(|folder| folder == place.cluster)
            // A person's shell may be there, too.
            && fs::read_to_string(format!("/proc/{number}/comm")).is_ok_and(|name| name.trim() == "postgres")
    })
    .collect()
}

/// The process that `postmaster.pid` names.
pub(super) fn stated_pid(place: &Place) -> Option<Pid> {
    let text = fs::read_to_string(place.cluster.join("postmaster.pid")).ok()?;
    text.lines().next()?.trim().parse().ok().and_then(Pid::from_raw)
}

/// PostgreSQL removes the files of a server that is gone, except when they name a process that runs: after a restart of
/// the machine or of a container another process may have the number. Then, and when a full disk has left no number,
/// the files are removed here.
fn remove_stale_files(place: &Place) -> Result<(), Error> {
    let pid_file = place.cluster.join("postmaster.pid");
    let misleads = match stated_pid(place) {
        Some(pid) => fs::exists(format!("/proc/{}", pid.as_raw_nonzero())).unwrap_or(false),
        None => pid_file.exists(),
    };
    if misleads && fs::exists("/proc/self").unwrap_or(false) {
        remove(&pid_file)?;
    }
    remove(&place.socket.join(".s.PGSQL.5432.lock"))?;
    remove(&place.socket.join(".s.PGSQL.5432"))
}

fn remove(file: &std::path::Path) -> Result<(), Error> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove the stale", file)(error)),
        _ => Ok(()),
    }
}
