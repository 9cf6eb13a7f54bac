//! Which provider the host trusts.

use std::fmt;

use reqwest::Url;

use crate::error::CliError;

/// The sign-in provider. Flattened into the arguments of `serve`. Which groups have which roles is a setting of the
/// workspace.
#[derive(Clone, Default, clap::Args)]
pub struct OidcArguments {
    /// Sign-in provider (OpenID Connect), such as `https://login.example.com/realms/main`. Register
    /// `<address of this server>/oidc/callback` there as redirect URI.
    #[arg(long, env = "COUNTERSIGN_OIDC_ISSUER", value_name = "URL")]
    pub oidc_issuer: Option<String>,
    /// Name of this program at the sign-in provider.
    #[arg(long, env = "COUNTERSIGN_OIDC_CLIENT_ID", value_name = "ID")]
    pub oidc_client_id: Option<String>,
    /// Secret of this program at the sign-in provider, if it has one.
    #[arg(long, env = "COUNTERSIGN_OIDC_CLIENT_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub oidc_client_secret: Option<String>,
    /// What people call the sign-in provider; the host of its address unless given.
    #[arg(long, env = "COUNTERSIGN_OIDC_NAME", value_name = "NAME")]
    pub oidc_name: Option<String>,
    /// Scopes to ask for, beside `openid`. Some providers give groups only for a scope of that name, and some need
    /// `offline_access` to be asked again whether the person still belongs to them.
    #[arg(long, env = "COUNTERSIGN_OIDC_SCOPES", value_name = "SCOPES", default_value = "email profile")]
    pub oidc_scopes: String,
    /// The claim that lists a person's groups, in the ID token or at the user info endpoint.
    #[arg(long, env = "COUNTERSIGN_OIDC_GROUPS_CLAIM", value_name = "CLAIM", default_value = "groups")]
    pub oidc_groups_claim: String,
}

impl fmt::Debug for OidcArguments {
    /// The secret does not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcArguments")
            .field("oidc_issuer", &self.oidc_issuer)
            .field("oidc_client_id", &self.oidc_client_id)
            .finish_non_exhaustive()
    }
}

/// The arguments that are given: an empty environment variable is none.
pub(super) fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// The address of the provider.
///
/// # Errors
/// [`CliError::Usage`] for one that others could read or change on the way, or that is no address.
pub(super) fn issuer(text: &str) -> Result<Url, CliError> {
    let wrong = || {
        CliError::Usage(format!(
            "--oidc-issuer `{text}` is not an address such as https://login.example.com, which begins with https unless \
             it is on this machine"
        ))
    };
    let url: Url = text.parse().map_err(|_| wrong())?;
    let host = url.host_str().map(|host| host.trim_matches(['[', ']']).to_owned()).ok_or_else(wrong)?;
    let here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    match url.scheme() {
        "https" if plain => Ok(url),
        "http" if plain && here => Ok(url),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_reached_with_tls_unless_it_is_here() {
        for fine in
            ["https://login.example.com/realms/main", "http://127.0.0.1:4000", "http://[::1]/", "http://localhost"]
        {
            assert!(issuer(fine).is_ok(), "{fine}");
        }
        for wrong in [
            "http://login.example.com",
            "http://localhost.example.com",
            "login.example.com",
            "https://login.example.com/?x=1",
            "https://u:p@login.example.com",
            "file:///etc/passwd",
            "",
        ] {
            assert!(issuer(wrong).is_err(), "{wrong}");
        }
        let arguments = OidcArguments { oidc_client_secret: Some("s3cret".to_owned()), ..OidcArguments::default() };
        assert!(!format!("{arguments:?}").contains("s3cret"));
    }
}
