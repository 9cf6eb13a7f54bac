//! The client of a running server: its address, the token to act with, and how refusals are reported.

use std::{
    error::Error,
    io::{Read, Write},
    time::Duration,
};

use http::{Method, Uri, header};
use lifecycle::problem::{Code, Problem};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{blocking::Response, redirect::Policy};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::error::CliError;

/// Time limit for connecting to a server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a server may send nothing: building a packet over a million decisions takes a while.
const READ_TIMEOUT: Duration = Duration::from_secs(600);
/// Maximum bytes of an answer that is read into memory: a packet with a bundle of the largest size.
const MAX_ANSWER_BYTES: u64 = 256 * 1024 * 1024;

/// The server to talk to, and the token to act with. Flattened into every command that needs a server.
#[derive(Clone, clap::Args)]
pub struct Server {
    /// Address of the server.
    #[arg(long, env = "COUNTERSIGN_URL", default_value = "http://127.0.0.1:3000", value_name = "URL")]
    url: String,
    /// API token (`csn_…`) to act with.
    #[arg(long, env = "COUNTERSIGN_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
}

// Tokens do not belong in logs.
impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Server {
    /// A client of this server. Nothing is sent yet.
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
        // Fails if a provider is already installed, which is just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut config = reqwest::blocking::Client::builder()
            // A redirect could send the token to another server.
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            // Applies to each wait: for the head of an answer, and for the next part of its body.
            .timeout(READ_TIMEOUT)
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")));
        if parsed.as_ref().and_then(Uri::scheme_str) == Some("http") {
            // No certificate is needed, and the system may have none.
            config = config.tls_certs_only([]);
        }
        if is_loopback(host) {
            // A proxy cannot reach the loopback address of this machine.
            config = config.no_proxy();
        }
        let http = config
            .build()
            .map_err(|error| CliError::Refused(format!("no connection can be made: {}", cause(&error))))?;
        let token = self.token.clone().filter(|token| !token.is_empty());
        Ok(Client { http, base: base.to_owned(), token })
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A connection to one server with one token.
#[derive(Debug)]
pub struct Client {
    http: reqwest::blocking::Client,
    base: String,
    token: Option<String>,
}

impl Client {
    /// Gets `path`, which begins with a slash; `query` is encoded here.
    ///
    /// # Errors
    /// [`CliError::Answered`] with the server's problem; [`CliError::Unreachable`] when there is none.
    pub fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, CliError> {
        self.parse(self.send(Method::GET, &with_query(path, query), &[], Vec::new())?)
    }

    /// Deletes what is at `path`.
    ///
    /// # Errors
    /// The server cannot be reached, or refuses.
    pub fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.parse(self.send(Method::DELETE, path, &[], Vec::new())?)
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
        self.parse(self.send(Method::POST, path, headers, bytes)?)
    }

    /// Posts `bytes` unchanged: a file whose signature covers its bytes.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn post_bytes<T: DeserializeOwned>(&self, path: &str, bytes: Vec<u8>) -> Result<T, CliError> {
        self.parse(self.send(Method::POST, path, &[], bytes)?)
    }

    /// Copies the answer of `path` to `to`, whatever its length; returns the number of bytes.
    ///
    /// # Errors
    /// As [`Self::get`]; [`CliError::Usage`] when `to` cannot be written.
    pub fn download(&self, path: &str, query: &[(&str, &str)], to: &mut impl Write) -> Result<u64, CliError> {
        let mut response = self.send(Method::GET, &with_query(path, query), &[], Vec::new())?;
        let (mut chunk, mut total) = (vec![0; 64 * 1024], 0_u64);
        loop {
            let read = response.read(&mut chunk).map_err(|error| self.broken_off(&error))?;
            if read == 0 {
                return Ok(total);
            }
            to.write_all(chunk.get(..read).unwrap_or_default())
                .map_err(|error| CliError::Usage(format!("the answer cannot be written: {error}")))?;
            total += read as u64;
        }
    }

    /// The number of a bundle that the user named by its number or version.
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

    fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Result<Response, CliError> {
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.base))
            .header(header::ACCEPT, "application/json, application/problem+json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if method != Method::GET {
            request = request.header(header::CONTENT_TYPE, "application/json").body(body);
        }
        let request = request
            .build()
            .map_err(|error| CliError::Usage(format!("the request cannot be written: {}", cause(&error))))?;
        let response = self.http.execute(request).map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() { Ok(response) } else { Err(self.refusal(response)) }
    }

    /// The error for a response whose status is not a success.
    fn refusal(&self, response: Response) -> CliError {
        let status = response.status();
        let location = response.headers().get(header::LOCATION).cloned();
        let text = read_text(response).unwrap_or_default();
        if let Ok(mut problem) = serde_json::from_str::<Problem>(&text) {
            if problem.code == Code::Unauthenticated {
                problem.detail = match self.token {
                    None => "give an API token with --token or COUNTERSIGN_TOKEN".to_owned(),
                    Some(_) => "the token is unknown here, expired or revoked".to_owned(),
                };
            }
            return CliError::Answered(Box::new(problem));
        }
        if let Some(there) = location.as_ref().and_then(|to| to.to_str().ok()) {
            return CliError::Unreachable(format!("{} points to {there}: use that as --url", self.base));
        }
        CliError::Unreachable(format!("{} answered {status}, but not as a Countersign server does", self.base))
    }

    fn parse<T: DeserializeOwned>(&self, response: Response) -> Result<T, CliError> {
        let text = read_text(response).map_err(|error| self.broken_off(&error))?;
        serde_json::from_str(&text).map_err(|error| {
            CliError::Unreachable(format!("{} does not answer as a Countersign server does: {error}", self.base))
        })
    }

    fn broken_off(&self, error: &std::io::Error) -> CliError {
        CliError::Unreachable(format!("the answer of {} broke off: {error}", self.base))
    }

    fn unreachable(&self, error: &reqwest::Error) -> CliError {
        CliError::Unreachable(format!(
            "the server at {} cannot be reached: {}. Is it running? Name another with --url or COUNTERSIGN_URL",
            self.base,
            cause(error)
        ))
    }
}

fn read_text(response: Response) -> std::io::Result<String> {
    let mut text = String::new();
    response.take(MAX_ANSWER_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// The innermost cause of `error`: the outer ones only repeat the address.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost
}

/// The characters that are percent-encoded in a path segment or a query value.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// `text` as one segment of a path.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// `path` with a query string.
pub fn with_query(path: &str, query: &[(&str, &str)]) -> String {
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
    fn only_http_addresses_are_accepted() {
        for url in ["http://127.0.0.1:3000", "https://policy.example.com/", "http://[::1]:3000"] {
            assert!(server(url).client().is_ok(), "{url}");
        }
        for url in ["", "127.0.0.1:3000", "ftp://example.com", "http://"] {
            assert!(matches!(server(url).client(), Err(CliError::Usage(_))), "{url}");
        }
        assert!(!format!("{:?}", server("http://localhost")).contains("secret"));
    }

    #[test]
    fn a_closed_port_is_unreachable() {
        // Port 9 of the loopback address: nothing listens there.
        let client = server("http://127.0.0.1:9").client().unwrap();
        let error = client.get::<Value>("/policy/system", &[]).unwrap_err();
        assert!(matches!(&error, CliError::Unreachable(text) if text.contains("--url")), "{error}");
    }

    #[test]
    fn paths_and_queries_are_percent_encoded() {
        assert_eq!(segment("pktv1:0a/../b c"), "pktv1:0a%2F..%2Fb%20c");
        assert_eq!(with_query("/x", &[("since", "2026-01-01T00:00:00+02:00")]), "/x?since=2026-01-01T00:00:00%2B02:00");
    }
}
