//! The address at which people reach the server, when a proxy stands before it.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

/// `https://policy.example.com`: scheme and host, no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    https: bool,
}

impl PublicUrl {
    /// Whether the address needs TLS, so that cookies never travel without.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Whether the address leads to the machine it is used on, so that nobody else reaches the server by it.
    pub fn is_loopback(&self) -> bool {
        let Ok(uri) = self.text.parse::<http::Uri>() else { return false };
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The beginning of every link to this server: the public address, or the one that the server listens on.
    pub fn base(public: Option<&Self>, address: SocketAddr) -> String {
        public.map_or_else(|| format!("http://{address}"), |public| public.text.clone())
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an address such as https://policy.example.com, without a path");
        let uri: http::Uri = text.parse().map_err(|_| wrong())?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().filter(|authority| !authority.host().is_empty()).ok_or_else(wrong)?;
        if authority.as_str().contains('@') || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(wrong());
        }
        Ok(Self { text: format!("{}://{authority}", if https { "https" } else { "http" }), https })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_and_a_host_and_nothing_else() {
        let read = |text: &str| text.parse::<PublicUrl>();
        let public = read("https://policy.example.com/").unwrap();
        assert!(public.is_https());
        let address: SocketAddr = "127.0.0.1:3000".parse().unwrap();
        assert_eq!(PublicUrl::base(Some(&public), address), "https://policy.example.com");
        assert_eq!(PublicUrl::base(None, address), "http://127.0.0.1:3000");
        assert!(!read("http://localhost:8080").unwrap().is_https());
        for (url, loopback) in [
            ("http://localhost:8080", true),
            ("http://127.0.0.1:3000", true),
            ("http://[::1]:3000", true),
            ("https://policy.example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("http://10.0.0.7", false),
        ] {
            assert_eq!(read(url).unwrap().is_loopback(), loopback, "{url}");
        }
        for wrong in
            ["policy.example.com", "ftp://x", "https://", "https://x/app", "https://x?y", "https://u:p@x", "/x", ""]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
