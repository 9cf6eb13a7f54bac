//! Two real servers of PostgreSQL in synchronous replication, reached over TLS: the one that takes writes is killed under
//! load and the other promoted.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use store::{Hosts, testing};

use crate::{
    postgres_server::{Postgres, place, program, run},
    process::{countersign, start},
    support::folder,
};

/// An authority, and a certificate of it for 127.0.0.1 in `data`.
fn certify(place: &Path, data: &Path) -> PathBuf {
    let authority = place.join("authority.pem");
    let (key, request) = (place.join("authority.key"), place.join("request.pem"));
    let extension = place.join("extension");
    fs::write(&extension, "subjectAltName=IP:127.0.0.1\n").unwrap();
    let openssl = |arguments: &[&str], paths: &[(&str, &Path)]| {
        let mut command = Command::new("openssl");
        command.args(arguments);
        for (name, path) in paths {
            command.arg(name).arg(path);
        }
        run(&mut command);
    };
    let make = ["req", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"];
    openssl(&[&make[..], &["/CN=authority", "-x509"]].concat(), &[("-keyout", &key), ("-out", &authority)]);
    let own = data.join("server.key");
    openssl(
        &[&["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=database"][..]].concat(),
        &[("-keyout", &own), ("-out", &request)],
    );
    openssl(
        &["x509", "-req", "-days", "2", "-CAcreateserial"],
        &[
            ("-in", &request),
            ("-CA", &authority),
            ("-CAkey", &key),
            ("-extfile", &extension),
            ("-out", &data.join("server.crt")),
        ],
    );
    let owner = fs::metadata(data).unwrap();
    for file in ["server.key", "server.crt"] {
        std::os::unix::fs::chown(data.join(file), Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    authority
}

async fn decisions(server: &Postgres) -> Vec<String> {
    let mut db = PgConnection::connect_with(&server.options()).await.unwrap();
    sqlx::query_scalar("select decision_id from policy_decisions").fetch_all(&mut db).await.unwrap()
}

/// A primary and a standby that it waits for.
struct Pair {
    primary: Postgres,
    standby: Postgres,
    place: PathBuf,
    authority: PathBuf,
}

const TLS: &[&str] = &["ssl=on"];
/// What makes a primary wait for its standby, too.
const SYNCHRONOUS: &[&str] = &["ssl=on", "synchronous_standby_names=*"];

impl Pair {
    async fn new() -> Self {
        let place = place();
        let mut primary = Postgres::new(place.join("one"));
        primary.initialise();
        let authority = certify(&place, &primary.data);
        primary.start(TLS);
        primary.run("postgres", "create database countersign").await;
        primary.run("postgres", "create role countersign login").await;
        let mut standby = Postgres::new(place.join("two"));
        run(program("pg_basebackup", &standby.data)
            .args(["-R", "-h", "127.0.0.1", "-U", "countersign_owner", "-c", "fast", "--no-sync", "-p"])
            .arg(primary.port.to_string())
            .arg("-D")
            .arg(&standby.data));
        standby.start(TLS);
        primary.kill();
        primary.start(SYNCHRONOUS);
        Self { primary, standby, place, authority }
    }

    /// The address of both, with a verified certificate.
    fn address(&self, role: &str) -> String {
        format!(
            "postgres://{role}@127.0.0.1:{},127.0.0.1:{}/countersign?target_session_attrs=read-write&sslmode=verify-full\
             &sslrootcert={}",
            self.standby.port,
            self.primary.port,
            self.authority.display()
        )
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = countersign(&self.place.join("data"), arguments);
        command
            .env("DATABASE_URL", self.address("countersign"))
            .env("COUNTERSIGN_MIGRATE_URL", self.address("countersign_owner"))
            .env("HMAC_SECRET", testing::SECRET)
            .env("HMAC_KEY_ID", "test")
            .env("RUST_LOG", "error");
        command
    }

    fn token(&self, role: &str) -> String {
        let mut create = vec!["token", "create", role, "--role", role, "--output", "json"];
        let email = format!("{role}@example.com");
        if role != "service" {
            run(&mut self.command(&["user", "add", &email, "--role", role]));
            create.extend(["--email", &email]);
        }
        let output = self.command(&create).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["token"].as_str().unwrap().to_owned()
    }
}

fn client() -> reqwest::blocking::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::blocking::Client::builder().tls_certs_only([]).no_proxy().timeout(Duration::from_secs(20)).build().unwrap()
}

/// Posts; returns the status, zero when there was no answer.
fn post(client: &reqwest::blocking::Client, url: String, token: &str, body: Value) -> u16 {
    client.post(url).bearer_auth(token).body(body.to_string()).send().map_or(0, |answer| answer.status().as_u16())
}

/// Asks under new ids until `stop` is set; returns the ids that were answered, and the longest wait.
fn ask(address: &str, token: &str, name: &str, stop: &AtomicBool) -> (Vec<String>, Duration) {
    let client = client();
    let (mut answered, mut longest) = (Vec::new(), Duration::ZERO);
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let id = format!("{name}-{number}");
        let began = Instant::now();
        let body = json!({"agent": "a", "action": "b", "decision_id": id});
        let status = post(&client, format!("http://{address}/policy/evaluate"), token, body);
        longest = longest.max(began.elapsed());
        assert_eq!(status, 200, "{id} after {:?}", began.elapsed());
        answered.push(id);
    }
    (answered, longest)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_primary_costs_no_decision_and_writes_come_back_at_the_promoted_standby() {
    let mut pair = Pair::new().await;
    let server = start(&mut pair.command(&["serve", "--addr", "127.0.0.1:0"]));
    let (service, author, safety) = (pair.token("service"), pair.token("author"), pair.token("safety_owner"));
    let address = server.address.clone();
    let draft = |version: &str| {
        let body = crate::support::bundle(version, "deny");
        post(&client(), format!("http://{address}/policy/bundles"), &author, body)
    };
    assert_eq!(tokio::task::block_in_place(|| draft("1.0.0")), 201);

    let stop: &'static AtomicBool = Box::leak(Box::default());
    let askers: Vec<_> = (0..6)
        .map(|number| {
            let (address, service) = (server.address.clone(), service.clone());
            thread::spawn(move || ask(&address, &service, &format!("asker-{number}"), stop))
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(3)).await;
    pair.primary.kill();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(tokio::task::block_in_place(|| draft("2.0.0")), 503, "nothing takes writes");
    let mut db = PgConnection::connect_with(&pair.standby.options()).await.unwrap();
    let promoted: bool = sqlx::query_scalar("select pg_promote()").fetch_one(&mut db).await.unwrap();
    assert!(promoted);
    let since = Instant::now();
    while tokio::task::block_in_place(|| draft("2.0.0")) != 201 {
        assert!(since.elapsed() < Duration::from_secs(20), "writes do not come back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("writes came back {:?} after the promotion", since.elapsed());
    // So do emergency commands, which have connections of their own.
    let pause = || {
        let body = json!({"reason": "look first"});
        post(&client(), format!("http://{address}/policy/system/pause"), &safety, body)
    };
    while tokio::task::block_in_place(pause) != 200 {
        assert!(since.elapsed() < Duration::from_secs(20), "emergency commands do not come back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    // What was left behind is started again by somebody who does not know: it takes writes, but nobody may use it.
    pair.primary.start(TLS);
    let left = decisions(&pair.primary).await.len();
    let hosts: Hosts = pair.address("countersign_owner").parse().unwrap();
    assert_eq!(hosts.writable().await.unwrap().get_port(), pair.standby.port);
    tokio::time::sleep(Duration::from_secs(2)).await;
    stop.store(true, Ordering::Relaxed);
    let (mut acknowledged, mut longest) = (BTreeSet::new(), Duration::ZERO);
    for asker in askers {
        let (ids, wait) = asker.join().expect("every question is answered");
        acknowledged.extend(ids);
        longest = longest.max(wait);
    }
    println!("{} decisions were answered, the slowest after {longest:?}", acknowledged.len());

    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let recorded = decisions(&pair.standby).await;
        let distinct: BTreeSet<String> = recorded.iter().cloned().collect();
        assert_eq!(recorded.len(), distinct.len(), "nothing is recorded twice");
        if distinct == acknowledged {
            break;
        }
        let missing = acknowledged.difference(&distinct).count();
        assert!(Instant::now() < deadline, "{missing} acknowledged decisions are missing");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(decisions(&pair.primary).await.len(), left, "nothing was written to what was left behind");
    drop(server);

    // The zombie alone takes writes, and is not taken for the one that was used.
    hosts.writable().await.unwrap();
    pair.standby.kill();
    let refused = hosts.writable().await.unwrap_err().to_string();
    assert!(refused.contains("left behind by a promotion"), "{refused}");
    fs::remove_dir_all(&pair.place).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_nobody_known_is_refused_with_the_reason() {
    let place = place();
    let mut server = Postgres::new(place.join("one"));
    server.initialise();
    let authority = certify(&place, &server.data);
    server.start(TLS);
    let reach = async |query: &str| {
        let address = format!("postgres://countersign_owner@127.0.0.1:{}/postgres?{query}", server.port);
        let options = address.parse::<Hosts>().unwrap().writable().await.map_err(|error| error.to_string())?;
        let mut db = PgConnection::connect_with(&options).await.unwrap();
        let encrypted: bool = sqlx::query_scalar("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
            .fetch_one(&mut db)
            .await
            .unwrap();
        Ok::<bool, String>(encrypted)
    };
    let trusted = format!("sslmode=verify-full&sslrootcert={}", authority.display());
    assert_eq!(reach(&trusted).await, Ok(true));
    assert_eq!(reach(&trusted.replace("verify-full", "verify-ca")).await, Ok(true));
    assert_eq!(reach("sslmode=require").await, Ok(true));
    assert_eq!(reach("sslmode=disable").await, Ok(false));
    for verified in ["sslmode=verify-full", "sslmode=verify-ca"] {
        let refused = reach(verified).await.unwrap_err();
        assert!(refused.contains("127.0.0.1") && refused.contains("certificate"), "{refused}");
    }
    // The command line says so, too.
    let other = folder();
    let url = format!("postgres://countersign_owner@127.0.0.1:{}/postgres?sslmode=verify-full", server.port);
    let output = countersign(&other, &["user", "list"]).env("DATABASE_URL", url).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(3) && said.contains("certificate"), "{said}");
    server.kill();
    for folder in [place, other] {
        fs::remove_dir_all(folder).unwrap();
    }
}
