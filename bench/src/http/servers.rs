//! The services to measure, each a process of its own on a loopback address. All of them end with this program.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::client::{Connection, get, post};

/// A running service.
pub struct Server {
    child: Child,
    pub at: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ask for an orderly stop first: Countersign then stops its database.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        for _ in 0..100 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            sleep(Duration::from_millis(100));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts `program` and waits until `path` answers 200. The output of the service goes to `name` with the extension
    /// `.log`.
    ///
    /// # Errors
    /// When the service does not become ready.
    pub fn start(name: &Path, at: SocketAddr, program: &mut Command, path: &str) -> Result<Self, String> {
        let fail = |error: std::io::Error| format!("{}: {error}", name.display());
        let log = File::create(name.with_extension("log")).map_err(fail)?;
        let child = program.stdout(log.try_clone().map_err(fail)?).stderr(log).stdin(Stdio::null()).spawn();
        let mut server = Self { child: child.map_err(fail)?, at };
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(90) {
            if let Ok((200, _)) = Connection::open(at).and_then(|mut connection| connection.ask(&get(path))) {
                return Ok(server);
            }
            if let Ok(Some(status)) = server.child.try_wait() {
                return Err(format!("{} ended with {status}", name.display()));
            }
            sleep(Duration::from_millis(100));
        }
        Err(format!("{} does not answer", name.display()))
    }
}

/// A free port on the loopback address.
///
/// # Errors
/// When there is no free port.
pub fn free() -> Result<SocketAddr, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    listener.local_addr().map_err(|error| error.to_string())
}

/// Countersign, with a bundle in service.
pub struct Countersign {
    pub server: Server,
    /// A token that may evaluate.
    pub token: String,
    /// How the database stores acknowledged decisions.
    pub durability: String,
}

/// Starts `program` in `folder` with the decision log that `log` names, and puts `bundle` into service as the runbook
/// does in an emergency: by SQL.
///
/// # Errors
/// When a step fails.
pub fn countersign(program: &Path, folder: &Path, log: &str, bundle: &str) -> Result<Countersign, String> {
    let fail = |error: std::io::Error| error.to_string();
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(fail)?;
    let at = free()?;
    let mut command = Command::new(program);
    command.args(["serve", "--demo", "--decision-log", log, "--addr", &at.to_string(), "--data-dir"]).arg(folder);
    let server = Server::start(&folder.join("countersign"), at, &mut command, "/readyz")?;
    let people: Value = fs::read(folder.join("demo-credentials.json"))
        .map_err(fail)
        .and_then(|text| serde_json::from_slice(&text).map_err(|error| error.to_string()))?;
    let token = |role: &str| {
        let mut people = people.as_array().into_iter().flatten();
        let person =
            people.find(|person| person["roles"].as_array().is_some_and(|roles| roles.iter().any(|has| has == role)));
        person
            .and_then(|person| person["token"].as_str())
            .map(str::to_owned)
            .ok_or_else(|| format!("no token for {role}"))
    };
    let (author, service) = (token("author")?, token("service")?);
    let (status, body) = Connection::open(at)?.ask(&post("/policy/bundles", Some(&author), bundle))?;
    let draft: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    let id = draft["id"].as_i64().ok_or_else(|| format!("the bundle was refused with {status}: {draft}"))?;
    sql(
        folder,
        &format!(
            "BEGIN; UPDATE policy_bundles SET active = false, canary_pct = 0 WHERE active; \
             UPDATE policy_bundles SET active = true, canary_pct = 100 WHERE id = {id}; COMMIT;"
        ),
    )?;
    let setting = |name: &str| sql(folder, &format!("SHOW {name}"));
    let durability = format!(
        "{}, synchronous_commit = {}, fsync = {}",
        if log == "durable" { "reply after commit" } else { "reply from memory, committed in batches behind it" },
        setting("synchronous_commit")?.trim(),
        setting("fsync")?.trim()
    );
    sleep(Duration::from_secs(2));
    Ok(Countersign { server, token: service, durability })
}

/// The number of decisions in the log.
///
/// # Errors
/// When the database does not answer.
pub fn decisions(folder: &Path) -> Result<usize, String> {
    let count = sql(folder, "SELECT count(*) FROM policy_decisions")?;
    count.trim().parse().map_err(|_| format!("not a count: {count}"))
}

fn sql(folder: &Path, text: &str) -> Result<String, String> {
    let output = Command::new("psql")
        .args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-U", "countersign", "-d", "countersign", "-h"])
        .arg(folder.join("postgres/socket"))
        .args(["-c", text])
        .output()
        .map_err(|error| format!("psql: {error}"))?;
    if !output.status.success() {
        return Err(format!("psql: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Starts the empty handler, whose binary lies next to this one.
///
/// # Errors
/// When the handler does not become ready.
pub fn empty(folder: &Path) -> Result<Server, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?.with_file_name("empty");
    let at = free()?;
    Server::start(&folder.join("empty"), at, Command::new(program).arg(at.to_string()), "/")
}

/// Starts Cerbos with `policy` and its audit log.
///
/// # Errors
/// When Cerbos does not become ready.
pub fn cerbos(program: &Path, folder: &Path, policy: &str) -> Result<Server, String> {
    let fail = |error: std::io::Error| error.to_string();
    let policies: PathBuf = folder.join("cerbos/policies");
    fs::create_dir_all(&policies).map_err(fail)?;
    fs::write(policies.join("request.json"), policy).map_err(fail)?;
    let (at, other) = (free()?, free()?);
    let shown = |path: &Path| path.display().to_string();
    let configuration = serde_json::json!({
        "server": {"httpListenAddr": at.to_string(), "grpcListenAddr": other.to_string()},
        "storage": {"driver": "disk", "disk": {"directory": shown(&policies), "watchForChanges": false}},
        "audit": {
            "enabled": true, "accessLogsEnabled": false, "decisionLogsEnabled": true, "backend": "file",
            "file": {"path": shown(&folder.join("cerbos/audit.log"))},
        },
        "telemetry": {"disabled": true},
    });
    let file = folder.join("cerbos/configuration.json");
    fs::write(&file, configuration.to_string()).map_err(fail)?;
    let mut command = Command::new(program);
    // Otherwise a log line for each request would be measured too.
    command.args(["server", "--log-level=warn"]).arg(format!("--config={}", file.display()));
    Server::start(&folder.join("cerbos/cerbos"), at, &mut command, "/_cerbos/health")
}
