//! The servers that one database address names. PostgreSQL writes in one place: after a failover that is another server
//! of the list, and it is found again.

mod address;

use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;
use sqlx::{
    Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
};

use self::address::{Address, is_local};
use crate::{Error, Result, time_limits::TimeLimits};

pub use self::address::AddressError;

/// How connections are named in `pg_stat_activity`.
const APPLICATION: &str = "countersign";
/// How long one server may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// The interval at which to look whether the server in use still takes writes.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Whether this server takes writes, and the number of its timeline: a promotion begins a new one, so a server that was
/// left behind by a promotion has a lower number, also when it takes writes again.
const PROBE: &str = "select case when pg_is_in_recovery() or current_setting('transaction_read_only')::bool then -1
    else ('x' || lpad(left(pg_walfile_name(pg_current_wal_insert_lsn()), 8), 16, '0'))::bit(64)::bigint end";

/// The servers of one database, as an address names them: one or several, of which one takes writes. Cheap to clone;
/// clones remember together how far the database has come.
#[derive(Debug, Clone)]
pub struct Hosts {
    servers: Arc<[PgConnectOptions]>,
    /// The highest timeline that was used.
    timeline: Arc<AtomicI64>,
}

/// A pool that is to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PoolPlan {
    /// The time limits of its connections.
    pub limits: TimeLimits,
    /// Maximum connections.
    pub most: u32,
    /// Connections that stay open when nobody uses them.
    pub kept_open: u32,
}

/// Why no server can be used, for each of them.
#[derive(Debug, thiserror::Error)]
#[error("no server of the database can be used: {}", .0.join("; "))]
struct NoneWrites(Vec<String>);

impl From<PgConnectOptions> for Hosts {
    fn from(options: PgConnectOptions) -> Self {
        Self { servers: Arc::from([options]), timeline: Arc::default() }
    }
}

impl FromStr for Hosts {
    type Err = AddressError;

    /// Reads `postgres://user:password@host:port,host:port/name?…`, as PostgreSQL's own programs do. A host that is not
    /// this machine is reached over TLS with a certificate that is verified, unless `sslmode` says otherwise.
    fn from_str(address: &str) -> Result<Self, Self::Err> {
        let address = Address::split(address)?;
        let servers = address.each()?;
        Ok(Self { servers: servers.into(), timeline: Arc::default() })
    }
}

impl Hosts {
    /// The servers that are not on this machine and may be reached without encryption, because the address says so.
    pub fn unencrypted(&self) -> Vec<String> {
        let plain = |options: &&PgConnectOptions| {
            !is_local(options)
                && matches!(options.get_ssl_mode(), PgSslMode::Disable | PgSslMode::Allow | PgSslMode::Prefer)
        };
        self.servers.iter().filter(plain).map(place).collect()
    }

    /// The server that takes writes. Of several, the one that was promoted last: a server that was left behind by a
    /// promotion and started again would take writes that nobody else has.
    ///
    /// # Errors
    /// [`Error::Unavailable`], with the reason of each server.
    pub async fn writable(&self) -> Result<PgConnectOptions> {
        let (options, probe) = self.find().await?;
        let _ends = tokio::time::timeout(PATIENCE, probe.connection.close()).await;
        Ok(options)
    }

    async fn find(&self) -> Result<(PgConnectOptions, Probe)> {
        let several = self.servers.len() > 1;
        let tried = join_all(self.servers.iter().map(|options| Probe::connect(options, several))).await;
        let mut best: Option<(PgConnectOptions, Probe)> = None;
        let mut reasons = Vec::new();
        let behind = self.timeline.load(Ordering::Relaxed);
        for (options, tried) in self.servers.iter().zip(tried) {
            match tried {
                Ok(probe) if probe.timeline < behind => reasons.push(format!(
                    "`{}` was left behind by a promotion (it is at timeline {}, the database was at {behind})",
                    place(options),
                    probe.timeline
                )),
                Ok(probe) if best.as_ref().is_none_or(|(_, other)| probe.timeline > other.timeline) => {
                    best = Some((options.clone(), probe));
                }
                Ok(_) => {}
                Err(reason) => reasons.push(format!("`{}`: {reason}", place(options))),
            }
        }
        let Some(best) = best else {
            return Err(Error::Unavailable(sqlx::Error::Io(std::io::Error::other(NoneWrites(reasons)))));
        };
        self.timeline.fetch_max(best.1.timeline, Ordering::Relaxed);
        Ok(best)
    }

    /// Pools of connections to the server that takes writes, which do not wait for each other. After a failover they connect
    /// to the one that does then. The first pool connects at once.
    ///
    /// # Errors
    /// As [`Self::writable`].
    pub(crate) async fn pools<const N: usize>(&self, plans: [PoolPlan; N]) -> Result<[PgPool; N]> {
        let (server, probe) = self.find().await?;
        let server = server.application_name(APPLICATION);
        let several = self.servers.len() > 1;
        let began = Instant::now();
        // Connections that were made before this moment, in milliseconds since `began`, lead to another server.
        let moved = Arc::new(AtomicI64::new(i64::MIN));
        let pools = plans.map(|PoolPlan { limits, most, kept_open }| {
            let mut options =
                PgPoolOptions::new().max_connections(most).min_connections(kept_open).acquire_timeout(limits.acquire);
            if several {
                let known = Arc::clone(&moved);
                options = options.before_acquire(move |_, connection| {
                    let made = milliseconds(began.elapsed()).saturating_sub(milliseconds(connection.age));
                    let fresh = made >= known.load(Ordering::Relaxed);
                    Box::pin(async move { Ok(fresh) })
                });
            }
            options.connect_lazy_with(limits.on(server.clone()))
        });
        if let Some(first) = pools.first() {
            drop(first.acquire().await?);
        }
        if several {
            let limited = pools.iter().cloned().zip(plans.map(|plan| plan.limits)).collect();
            let follower = Follower { hosts: self.clone(), pools: limited, server, probe: Some(probe) };
            tokio::spawn(follower.run(move || moved.store(milliseconds(began.elapsed()), Ordering::Relaxed)));
        } else {
            let _ends = tokio::time::timeout(PATIENCE, probe.connection.close()).await;
        }
        Ok(pools)
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A connection that asks whether its server takes writes.
#[derive(Debug)]
struct Probe {
    connection: PgConnection,
    timeline: i64,
}

impl Probe {
    /// Of a single server nothing is asked: there is no other to go to.
    async fn connect(options: &PgConnectOptions, several: bool) -> Result<Self, String> {
        let connect = async {
            let connection = PgConnection::connect_with(options).await.map_err(|error| error.to_string())?;
            let mut probe = Self { connection, timeline: 0 };
            if !several || probe.ask().await? { Ok(probe) } else { Err("it is read-only".to_owned()) }
        };
        match tokio::time::timeout(PATIENCE, connect).await {
            Ok(result) => result,
            Err(_late) => Err(format!("it did not answer within {} s", PATIENCE.as_secs())),
        }
    }

    async fn ask(&mut self) -> Result<bool, String> {
        let timeline: i64 =
            sqlx::query_scalar(PROBE).fetch_one(&mut self.connection).await.map_err(|error| error.to_string())?;
        self.timeline = timeline;
        Ok(timeline >= 0)
    }
}

/// Keeps pools at the server that takes writes.
struct Follower {
    hosts: Hosts,
    pools: Vec<(PgPool, TimeLimits)>,
    server: PgConnectOptions,
    probe: Option<Probe>,
}

impl Follower {
    async fn run(mut self, moved: impl Fn() + Send) {
        while !self.pools.iter().any(|(pool, _)| pool.is_closed()) {
            tokio::time::sleep(LOOK_EVERY).await;
            if self.still_writes().await {
                continue;
            }
            match self.hosts.find().await {
                Ok((server, probe)) => {
                    if place(&server) != place(&self.server) {
                        tracing::warn!("the database takes writes at `{}` now", place(&server));
                        for (pool, limits) in &self.pools {
                            let options = server.clone().application_name(APPLICATION);
                            pool.set_connect_options(limits.on(options));
                        }
                        moved();
                    }
                    (self.server, self.probe) = (server, Some(probe));
                }
                Err(error) => tracing::debug!(%error, "looking for the server that takes writes"),
            }
        }
    }

    /// Asks the server in use. One that was demoted, or left behind by a promotion that was seen elsewhere, counts as
    /// lost.
    async fn still_writes(&mut self) -> bool {
        let Some(mut probe) = self.probe.take() else { return false };
        match tokio::time::timeout(PATIENCE, probe.ask()).await {
            Ok(Ok(true)) if probe.timeline >= self.hosts.timeline.load(Ordering::Relaxed) => {
                self.probe = Some(probe);
                true
            }
            _ => false,
        }
    }
}

/// Where a server is, without the password.
fn place(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => format!("{}:{}", socket.display(), options.get_port()),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

impl fmt::Display for Hosts {
    /// The places of the servers, without a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.servers.iter().map(place).collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str) -> Vec<(String, String)> {
        let hosts = address.parse::<Hosts>().unwrap();
        hosts.servers.iter().map(|options| (place(options), format!("{:?}", options.get_ssl_mode()))).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(place, mode)| ((*place).to_owned(), (*mode).to_owned())).collect()
    }

    #[test]
    fn other_machines_are_verified_unless_the_address_says_otherwise() {
        for local in ["localhost", "127.0.0.1", "127.8.8.8", "[::1]"] {
            assert_eq!(read(&format!("postgres://u:p@{local}/d"))[0].1, "Prefer", "{local}");
        }
        assert_eq!(read("postgres:///d?host=/var/run/postgresql"), pairs(&[("/var/run/postgresql:5432", "Prefer")]));
        for (query, mode) in [
            ("", "VerifyFull"),
            ("?sslrootcert=/ca.pem", "VerifyFull"),
            ("?sslrootcert=system", "VerifyFull"),
            ("?sslmode=require", "Require"),
            ("?sslmode=require&sslrootcert=/ca.pem", "VerifyCa"),
            ("?sslmode=verify-ca", "VerifyCa"),
            ("?sslmode=disable", "Disable"),
            ("?application_name=x&sslmode=prefer", "Prefer"),
        ] {
            assert_eq!(read(&format!("postgresql://u@db.example.com/d{query}"))[0].1, mode, "{query}");
        }
        let plain = "postgres://u@db.example.com:6,127.0.0.1/d?sslmode=disable".parse::<Hosts>().unwrap();
        assert_eq!(plain.unencrypted(), ["db.example.com:6"]);
    }

    #[test]
    fn an_address_names_several_servers() {
        let two = pairs(&[("db1:5432", "VerifyFull"), ("localhost:6000", "Prefer")]);
        assert_eq!(read("postgres://u:p%40@db1,localhost:6000/d?target_session_attrs=read-write"), two);
        assert_eq!(read("postgres://u:p@/d?host=db1,localhost&port=5432,6000&connect_timeout=2"), two);
        let hosts = "postgres://u:a,b@db1,[::1]:7/d".parse::<Hosts>().unwrap();
        assert_eq!(hosts.to_string(), "db1:5432, [::1]:7");
        assert!(hosts.servers.iter().all(|one| one.get_username() == "u" && one.get_database() == Some("d")));
        for wrong in [
            "nonsense",
            "mysql://u@h/d",
            "postgres://u@a,,b/d",
            "postgres://u@a,b:port/d",
            "postgres://u@/d?host=a,b&port=1,2,3",
            "postgres://u@a,b/d?target_session_attrs=standby",
            "postgres://u@a/d?sslmode=perhaps",
        ] {
            assert!(wrong.parse::<Hosts>().is_err(), "{wrong}");
        }
    }
}
