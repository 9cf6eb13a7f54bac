//! Running the programs of PostgreSQL, and making a cluster with them.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use super::{
    Binaries, Error,
    account::Account,
    place::{Place, tail},
};

/// The name of the database, and of the role that serves.
pub(super) const NAME: &str = "countersign";
/// The role that owns the tables; also the administrator of this server, which has no other use.
pub(super) const OWNER: &str = "countersign_owner";
/// Makes the three roles, one statement a line. In clusters of earlier releases one role was everything: it becomes the
/// owner. A session cannot rename its own role, so another one does. Nothing is changed the second time.
const MAKE_ROLES: &str = "\
drop role if exists countersign_upgrade
create role countersign_upgrade superuser
set session authorization countersign_upgrade
do $$ begin if not exists (select from pg_roles where rolname = 'countersign_owner') then alter role countersign rename to countersign_owner; end if; end $$
do $$ begin if not exists (select from pg_roles where rolname = 'countersign') then create role countersign login; end if; end $$
do $$ begin if not exists (select from pg_roles where rolname = 'countersign_operator') then create role countersign_operator login; end if; end $$
alter role countersign nosuperuser login
alter role countersign_operator nosuperuser login
set session authorization countersign_owner
drop role countersign_upgrade
";
/// A file in the cluster that says that it has the three roles.
const ROLES_MADE: &str = "countersign-roles";

/// A program of PostgreSQL with a small, known environment, under the right account.
pub(super) fn program(binaries: &Binaries, name: &str, place: &Place, account: Option<&Account>) -> Command {
    let mut command = Command::new(binaries.program(name));
    command.env_clear().env("LC_ALL", "C").env("TZ", "UTC").env("PATH", "/usr/bin:/bin").current_dir(&place.root);
    if let Some(account) = account {
        account.apply_to(&mut command);
    }
    command
}

/// Creates the data in a temporary place and moves it into place, so that an interrupted first run leaves nothing
/// half-done.
pub(super) fn initialise(
    place: &Place,
    account: Option<&Account>,
    binaries: &Binaries,
    durable: bool,
) -> Result<(), Error> {
    let fresh = place.root.join("cluster.new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(Error::io("remove the unfinished", &fresh))?;
    }
    let mut initdb = program(binaries, "initdb", place, account);
    initdb.args(["--username", OWNER, "--encoding=UTF8", "--no-locale", "--auth=trust"]);
    if !durable {
        initdb.arg("--no-sync");
    }
    initdb.arg("--pgdata");
    run("initdb", initdb.arg(&fresh), None)?;
    single_user(place, account, binaries, &fresh, "create database countersign\n")?;
    fs::rename(&fresh, &place.cluster).map_err(Error::io("move into place", &fresh))
}

/// Gives the cluster its three roles, unless it has them.
pub(super) fn make_roles(place: &Place, account: Option<&Account>, binaries: &Binaries) -> Result<(), Error> {
    let made = place.cluster.join(ROLES_MADE);
    if made.exists() {
        return Ok(());
    }
    let said = single_user(place, account, binaries, &place.cluster, MAKE_ROLES)?;
    if said.contains("ERROR:") || said.contains("FATAL:") {
        return Err(Error::Failed { program: "postgres", output: tail(&said) });
    }
    fs::write(&made, "").map_err(Error::io("write", &made))?;
    place.give(&made)
}

/// Runs statements, one a line, on a cluster whose server does not run; returns what PostgreSQL said.
fn single_user(
    place: &Place,
    account: Option<&Account>,
    binaries: &Binaries,
    cluster: &Path,
    statements: &str,
) -> Result<String, Error> {
    let mut single = program(binaries, "postgres", place, account);
    single.arg("--single").arg("-D").arg(cluster).arg("postgres");
    run("postgres", &mut single, Some(statements))
}

/// Runs a program and waits for it to exit; returns what it wrote to standard error.
fn run(name: &'static str, command: &mut Command, input: Option<&str>) -> Result<String, Error> {
    let failed = |output: String| Error::Failed { program: name, output };
    let mut child = command
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| failed(source.to_string()))?;
    if let (Some(text), Some(mut stdin)) = (input, child.stdin.take()) {
        std::io::Write::write_all(&mut stdin, text.as_bytes()).map_err(|source| failed(source.to_string()))?;
    }
    let output = child.wait_with_output().map_err(|source| failed(source.to_string()))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(said) } else { Err(failed(tail(&said))) }
}
