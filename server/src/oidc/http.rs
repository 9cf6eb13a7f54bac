//! Requests to the provider: bounded in time and size, and never redirected.

use std::{pin::Pin, time::Duration};

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::{Client, Url, redirect::Policy};

use crate::error::CliError;

/// Time limit for one request: a person waits for it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum bytes of an answer.
const MAX_BYTES: usize = 1024 * 1024;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum RequestFailed {
    /// The provider cannot be reached, or does not answer in time.
    #[error("{0}")]
    Unreachable(#[from] reqwest::Error),
    /// The answer is too large.
    #[error("the answer has more than {MAX_BYTES} bytes")]
    TooLarge,
    /// The answer cannot be read.
    #[error("{0}")]
    Unreadable(#[from] ::http::Error),
}

/// The client.
#[derive(Debug, Clone)]
pub struct Http(Client);

impl Http {
    /// A client for the provider at `issuer`.
    ///
    /// # Errors
    /// [`CliError::Refused`] when the system offers no certificates.
    pub fn new(issuer: &Url) -> Result<Self, CliError> {
        // Fails if a provider is already installed, which is just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut config = Client::builder()
            // A redirect could send the client's secret to another server.
            .redirect(Policy::none())
            .timeout(TIMEOUT)
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")));
        if issuer.scheme() == "http" {
            // On this machine: no certificate is needed, and no proxy reaches it.
            config = config.tls_certs_only([]).no_proxy();
        }
        let client = config.build();
        client
            .map(Self)
            .map_err(|error| CliError::Refused(format!("no connection to --oidc-issuer can be made: {error}")))
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, RequestFailed> {
        let mut answer = self.0.execute(request.try_into()?).await?;
        let mut response = ::http::Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            response = response.header(name, value);
        }
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await? {
            if body.len() + part.len() > MAX_BYTES {
                return Err(RequestFailed::TooLarge);
            }
            body.extend_from_slice(&part);
        }
        Ok(response.body(body)?)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = RequestFailed;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, RequestFailed>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}
