//! Talking to a running server: where it is, who asks, and how its refusals come back.

use std::{
    io::{Read, Write},
    time::Duration,
};

use http::{Method, Request, Response, Uri, header};
use lifecycle::problem::{Code, Problem};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use ureq::{
    Agent, Body,
    tls::{RootCerts, TlsConfig},
};

use super::CliError;

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How long it may be silent: building a packet over a million decisions takes a while.
const ANSWER: Duration = Duration::from_secs(600);
/// Most bytes of an answer that is kept in memory: a bundle of the largest size, with its packet around it.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Which server to talk to, and as whom. Flattened into every command that needs one.
#[derive(Clone, clap::Args)]
pub struct Server {
    /// Address of the server.
    #[arg(long, env = "COUNTERSIGN_URL", default_value = "http://127.0.0.1:3000", value_name = "URL")]
    url: String,
    /// API token (`csn_…`) to act with.
    #[arg(long, env = "COUNTERSIGN_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
}

// Tokens do not belong into logs.
impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Server {
    /// A client for it. Nothing is sent yet.
    ///
    /// # Errors
    /// [`CliError::Usage`] when the address is not an `http` or `https` one.
    pub fn client(&self) -> Result<Client, CliError> {
        let base = self.url.trim_end_matches('/');
        let parsed: Option<Uri> = base.parse().ok();
        let host = parsed.as_ref().filter(|uri| matches!(uri.scheme_str(), Some("http" | "https"))).and_then(Uri::host);
        let Some(host) = host else {
            return Err(CliError::Usage(format!(
                "`{}` is not the address of a server; write it like http://127.0.0.1:3000 (--url or COUNTERSIGN_URL)",
                self.url
            )));
        };
        let mut config = Agent::config_builder()
            // A refusal is an answer: its problem says more than its status.
            .http_status_as_error(false)
            // A token is not carried elsewhere.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            // The certificates the system trusts, those of a company's own authority included.
            .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build());
        if is_loopback(host) {
            // No proxy can know what this machine's loopback address is.
            config = config.proxy(None);
        }
        let token = self.token.clone().filter(|token| !token.is_empty());
        Ok(Client { agent: config.build().new_agent(), base: base.to_owned(), token })
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A connection to one server, as one person.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    base: String,
    token: Option<String>,
}

impl Client {
    /// Reads `path`, which begins with a slash; `query` is encoded here.
    ///
    /// # Errors
    /// [`CliError::Answered`] with the server's problem; [`CliError::Unreachable`] when there is none.
    pub fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, CliError> {
        self.json(self.send(Method::GET, &with_query(path, query), &[], Vec::new())?)
    }

    /// Posts `body` as JSON.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, CliError> {
        self.post_with(path, &[], body)
    }

    /// Posts `body` as JSON with further headers, such as `X-Emergency-Override`.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn post_with<T: DeserializeOwned>(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &impl Serialize,
    ) -> Result<T, CliError> {
        let bytes = serde_json::to_vec(body)
            .map_err(|error| CliError::Usage(format!("the request cannot be written as JSON: {error}")))?;
        self.json(self.send(Method::POST, path, headers, bytes)?)
    }

    /// Posts `bytes` as they are: a file the server is to judge byte by byte.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn post_bytes<T: DeserializeOwned>(&self, path: &str, bytes: Vec<u8>) -> Result<T, CliError> {
        self.json(self.send(Method::POST, path, &[], bytes)?)
    }

    /// Copies what `path` answers to `to`, however long it is; answers the number of bytes.
    ///
    /// # Errors
    /// As [`Self::get`]; [`CliError::Usage`] when `to` cannot be written.
    pub fn download(&self, path: &str, query: &[(&str, &str)], to: &mut impl Write) -> Result<u64, CliError> {
        let mut response = self.send(Method::GET, &with_query(path, query), &[], Vec::new())?;
        let mut from = response.body_mut().with_config().limit(u64::MAX).reader();
        let (mut chunk, mut total) = (vec![0; 64 * 1024], 0_u64);
        loop {
            let read = from.read(&mut chunk).map_err(|error| self.broken_off(&error))?;
            if read == 0 {
                return Ok(total);
            }
            to.write_all(chunk.get(..read).unwrap_or_default())
                .map_err(|error| CliError::Usage(format!("the answer cannot be written: {error}")))?;
            total += read as u64;
        }
    }

    /// The number of a bundle that is named by its number or by its version.
    ///
    /// # Errors
    /// As [`Self::get`]; `not_found` when no bundle has the version.
    pub fn bundle_id(&self, named: &str) -> Result<i64, CliError> {
        if let Ok(number) = named.parse() {
            return Ok(number);
        }
        let version = named.strip_prefix('v').unwrap_or(named);
        let found: Value = self.get("/policy/bundles", &[("version", version), ("fields", "summary")])?;
        found.pointer("/bundles/0/id").and_then(Value::as_i64).ok_or_else(|| {
            Problem::new(Code::NotFound, format!("there is no bundle with the number or version `{named}`")).into()
        })
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Response<Body>, CliError> {
        let mut request = Request::builder()
            .method(method.clone())
            .uri(format!("{}{path}", self.base))
            .header(header::ACCEPT, "application/json, application/problem+json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let unusable = |error: http::Error| CliError::Usage(format!("the request cannot be written: {error}"));
        let answered = if method == Method::GET {
            self.agent.run(request.body(()).map_err(unusable)?)
        } else {
            let request = request.header(header::CONTENT_TYPE, "application/json");
            self.agent.run(request.body(body).map_err(unusable)?)
        };
        let mut response = answered.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(&mut response))
    }

    /// What a status other than success means.
    fn refusal(&self, response: &mut Response<Body>) -> CliError {
        let status = response.status();
        let text = response.body_mut().with_config().limit(LARGEST).read_to_string().unwrap_or_default();
        if let Ok(mut problem) = serde_json::from_str::<Problem>(&text) {
            if problem.code == Code::Unauthenticated {
                problem.detail = match self.token {
                    None => "give an API token with --token or COUNTERSIGN_TOKEN".to_owned(),
                    Some(_) => "the token is unknown here, expired or revoked".to_owned(),
                };
            }
            return CliError::Answered(Box::new(problem));
        }
        if let Some(there) = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()) {
            return CliError::Unreachable(format!("{} points to {there}: use that as --url", self.base));
        }
        CliError::Unreachable(format!("{} answered {status}, but not as a Countersign server does", self.base))
    }

    fn json<T: DeserializeOwned>(&self, mut response: Response<Body>) -> Result<T, CliError> {
        let text = response
            .body_mut()
            .with_config()
            .limit(LARGEST)
            .read_to_string()
            .map_err(|error| self.broken_off(&error))?;
        serde_json::from_str(&text).map_err(|error| {
            CliError::Unreachable(format!("{} does not answer as a Countersign server does: {error}", self.base))
        })
    }

    fn broken_off(&self, error: &impl std::fmt::Display) -> CliError {
        CliError::Unreachable(format!("the answer of {} broke off: {error}", self.base))
    }

    fn unreachable(&self, error: &ureq::Error) -> CliError {
        CliError::Unreachable(format!(
            "the server at {} cannot be reached: {error}. Is it running? Name another with --url or COUNTERSIGN_URL",
            self.base
        ))
    }
}

/// `text` as one segment of a path.
pub fn segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                segment.push(char::from(byte))
            }
            other => segment.push_str(&format!("%{other:02X}")),
        }
    }
    segment
}

fn with_query(path: &str, query: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        query.iter().map(|(name, value)| format!("{}={}", segment(name), segment(value))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> Server {
        Server { url: url.to_owned(), token: Some("csn_secret".to_owned()) }
    }

    #[test]
    fn only_addresses_of_servers_are_taken() {
        for url in ["http://127.0.0.1:3000", "https://policy.example.com/", "http://[::1]:3000"] {
            assert!(server(url).client().is_ok(), "{url}");
        }
        for url in ["", "127.0.0.1:3000", "ftp://example.com", "http://"] {
            assert!(matches!(server(url).client(), Err(CliError::Usage(_))), "{url}");
        }
        assert!(!format!("{:?}", server("http://localhost")).contains("secret"));
    }

    #[test]
    fn nobody_there_is_unreachable() {
        // Port 9 of the loopback address: nothing listens there.
        let client = server("http://127.0.0.1:9").client().unwrap();
        let failure = client.get::<Value>("/policy/system", &[]).unwrap_err();
        assert!(matches!(&failure, CliError::Unreachable(text) if text.contains("--url")), "{failure}");
    }

    #[test]
    fn names_are_encoded() {
        assert_eq!(segment("pktv1:0a/../b c"), "pktv1:0a%2F..%2Fb%20c");
        assert_eq!(with_query("/x", &[("since", "2026-01-01T00:00:00+02:00")]), "/x?since=2026-01-01T00:00:00%2B02:00");
    }
}
