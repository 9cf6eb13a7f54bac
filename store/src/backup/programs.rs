//! `pg_dump` and `pg_restore`, which read from their environment where the database is: arguments are seen by everybody on
//! the machine.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
};

use percent_encoding::percent_decode_str;
use sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgSslMode},
};

use super::BackupError;

/// Where systems keep the certificates that they trust, in one file.
const TRUSTED: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A program that writes the whole database to its standard output, as it was at `snapshot`.
pub(super) fn dump(program: &Path, database: &PgConnectOptions, snapshot: &str) -> Command {
    let mut command = Command::new(program);
    command.args(["--format=custom", "--no-password", "--lock-wait-timeout=60s", "--snapshot", snapshot]);
    command.envs(environment(database)).env_remove("PGSERVICE").env_remove("PGHOSTADDR");
    command
}

/// A program that reads a dump from its standard input into an empty database: all of it or nothing. What it makes
/// belongs to the role of `database`.
pub(super) fn restore(program: &Path, database: &PgConnectOptions) -> Command {
    let mut command = Command::new(program);
    command.args(["--no-owner", "--no-tablespaces", "--no-password", "--single-transaction", "--exit-on-error"]);
    command.arg("--dbname").arg(database.get_database().unwrap_or_default());
    command.envs(environment(database)).env_remove("PGSERVICE").env_remove("PGHOSTADDR");
    command
}

/// A running program, whose words are collected while it runs.
pub(super) struct Running {
    name: &'static str,
    child: Child,
    said: JoinHandle<String>,
}

impl Running {
    /// Starts a program.
    pub fn start(name: &'static str, command: &mut Command, input: Stdio, output: Stdio) -> Result<Self, BackupError> {
        let failed = |error: std::io::Error| BackupError::Program { program: name, output: error.to_string() };
        let mut child = command.stdin(input).stdout(output).stderr(Stdio::piped()).spawn().map_err(failed)?;
        let errors = child.stderr.take();
        let said = thread::spawn(move || {
            let mut text = Vec::new();
            let _cut_short = errors.map(|mut errors| errors.read_to_end(&mut text));
            String::from_utf8_lossy(&text).into_owned()
        });
        Ok(Self { name, child, said })
    }

    /// What the program writes.
    pub fn output(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Where the program reads.
    pub fn input(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Waits until the program has ended well.
    pub fn finish(mut self) -> Result<(), BackupError> {
        let status = self.child.wait();
        let said = self.said.join().unwrap_or_default();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(BackupError::Program { program: self.name, output: shown(&said, status) }),
            Err(error) => Err(BackupError::Program { program: self.name, output: error.to_string() }),
        }
    }
}

/// The last lines of what a program said.
fn shown(said: &str, status: ExitStatus) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.iter().skip(lines.len().saturating_sub(4)).copied().collect::<Vec<_>>().join(" / ");
    if last.is_empty() { status.to_string() } else { last }
}

/// The environment in which PostgreSQL's programs find a database.
fn environment(database: &PgConnectOptions) -> Vec<(&'static str, String)> {
    // Only for what cannot be read otherwise; some names and addresses have no place in a URL.
    let url = database.clone().host("host").username("user").to_url_lossy();
    let host = match database.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => database.get_host().trim_matches(['[', ']']).to_owned(),
    };
    let mut found = vec![
        ("PGHOST", host),
        ("PGPORT", database.get_port().to_string()),
        ("PGUSER", database.get_username().to_owned()),
        ("PGDATABASE", database.get_database().unwrap_or_default().to_owned()),
        ("PGAPPNAME", "countersign backup".to_owned()),
        ("PGSSLMODE", mode(database.get_ssl_mode()).to_owned()),
    ];
    if let Some(password) = url.password() {
        found.push(("PGPASSWORD", percent_decode_str(password).decode_utf8_lossy().into_owned()));
    }
    if let Some(options) = database.get_options() {
        found.push(("PGOPTIONS", options.to_owned()));
    }
    let named = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    for (variable, name) in [("PGSSLROOTCERT", "sslrootcert"), ("PGSSLCERT", "sslcert"), ("PGSSLKEY", "sslkey")] {
        // sqlx writes a path in this form. Of a certificate that stands in the address itself libpq knows nothing.
        if let Some(path) = named(name).as_deref().and_then(|value| value.strip_prefix("file: ")) {
            found.push((variable, path.to_owned()));
        }
    }
    let verified = matches!(database.get_ssl_mode(), PgSslMode::VerifyCa | PgSslMode::VerifyFull);
    if verified
        && named("sslrootcert").is_none()
        && let Some(trusted) = trusted()
    {
        found.push(("PGSSLROOTCERT", trusted.display().to_string()));
    }
    found
}

/// The certificates that the system trusts.
fn trusted() -> Option<PathBuf> {
    let stated = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    stated.into_iter().chain(TRUSTED.iter().map(PathBuf::from)).find(|file| file.is_file())
}

fn mode(mode: PgSslMode) -> &'static str {
    match mode {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_learn_the_password_by_their_environment_only() {
        let options: PgConnectOptions =
            "postgres://me:p%40ss%20w%2Frd@db.example.com:6000/name?sslmode=verify-full&sslrootcert=/ca.pem"
                .parse()
                .unwrap();
        let command = dump(Path::new("pg_dump"), &options, "00-1");
        assert!(command.get_args().all(|argument| !argument.to_string_lossy().contains("p@ss")));
        let value = |name: &str| {
            command.get_envs().find(|(key, _)| *key == name).and_then(|(_, value)| value?.to_str().map(str::to_owned))
        };
        for (name, expected) in [
            ("PGHOST", "db.example.com"),
            ("PGPORT", "6000"),
            ("PGUSER", "me"),
            ("PGPASSWORD", "p@ss w/rd"),
            ("PGDATABASE", "name"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", "/ca.pem"),
        ] {
            assert_eq!(value(name).as_deref(), Some(expected), "{name}");
        }
        let socket = PgConnectOptions::new_without_pgpass().socket("/run/x").username("u").database("d");
        let command = restore(Path::new("pg_restore"), &socket);
        assert!(command.get_envs().any(|(key, value)| key == "PGHOST" && value.is_some_and(|host| host == "/run/x")));
    }
}
