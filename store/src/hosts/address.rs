//! Reading the address of a database, which may name several servers.

use std::{net::IpAddr, str::FromStr};

use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// Why an address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AddressError(String);

/// An address before it is read: what stands for all hosts, and the hosts.
pub(super) struct Address<'a> {
    scheme: &'a str,
    user: &'a str,
    hosts: Vec<String>,
    /// The rest of the address for each host.
    path: &'a str,
    query: Vec<&'a str>,
    root_certificate: Option<&'a str>,
    mode: Option<&'a str>,
}

impl<'a> Address<'a> {
    pub fn split(address: &'a str) -> Result<Self, AddressError> {
        let wrong = |text: &str| AddressError(text.to_owned());
        let (scheme, rest) = address
            .split_once("://")
            .filter(|(scheme, _)| matches!(*scheme, "postgres" | "postgresql"))
            .ok_or_else(|| wrong("it does not begin with `postgres://`"))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let mut found = Self {
            scheme,
            user,
            hosts: hosts.split(',').map(str::to_owned).collect(),
            path,
            query: Vec::new(),
            root_certificate: None,
            mode: None,
        };
        let (mut named, mut ports) = (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            match key {
                "host" if value.contains(',') => named = Some(value),
                "port" if value.contains(',') => ports = Some(value),
                "target_session_attrs" if matches!(value, "read-write" | "primary" | "any") => {}
                "target_session_attrs" => {
                    return Err(wrong("target_session_attrs is `read-write` here: the server has to take writes"));
                }
                // Every server gets three seconds.
                "connect_timeout" => {}
                "sslrootcert" if value == "system" => found.root_certificate = Some(value),
                _ => {
                    match key {
                        "sslmode" => found.mode = Some(value),
                        "sslrootcert" => found.root_certificate = Some(value),
                        _ => {}
                    }
                    found.query.push(pair);
                }
            }
        }
        if let Some(named) = named {
            found.hosts = named.split(',').map(str::to_owned).collect();
        }
        if let Some(ports) = ports {
            let ports: Vec<&str> = ports.split(',').collect();
            if ports.len() != found.hosts.len() {
                return Err(wrong("it has another number of ports than of hosts"));
            }
            found.hosts = found.hosts.iter().zip(ports).map(|(host, port)| format!("{host}:{port}")).collect();
        }
        if found.hosts.len() > 1 && found.hosts.iter().any(String::is_empty) {
            return Err(wrong("one of its hosts is empty"));
        }
        Ok(found)
    }

    pub fn each(&self) -> Result<Vec<PgConnectOptions>, AddressError> {
        let read = |host: &String| {
            let at = if self.user.is_empty() { "" } else { "@" };
            let query = self.query.join("&");
            let url = format!("{}://{}{at}{host}{}?{query}", self.scheme, self.user, self.path);
            let options = PgConnectOptions::from_str(&url).map_err(|error| AddressError(error.to_string()))?;
            Ok(self.protected(options))
        };
        self.hosts.iter().map(read).collect()
    }

    /// As `sslmode` says, or, without it, with a verified certificate for a host that is not this machine. Certificates
    /// that were given are used, as PostgreSQL's own programs do.
    fn protected(&self, options: PgConnectOptions) -> PgConnectOptions {
        let stated = self.mode.is_some() || std::env::var_os("PGSSLMODE").is_some();
        let mode = match options.get_ssl_mode() {
            _ if self.root_certificate == Some("system") => PgSslMode::VerifyFull,
            PgSslMode::Require if self.root_certificate.is_some() => PgSslMode::VerifyCa,
            _ if !stated && !is_local(&options) => PgSslMode::VerifyFull,
            mode => mode,
        };
        options.ssl_mode(mode)
    }
}

/// Whether the server is on this machine.
pub(super) fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    options.get_socket().is_some()
        || host.is_empty()
        || host.starts_with('/')
        || host == "localhost"
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
