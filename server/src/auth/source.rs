//! The network that a request comes from.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::Extensions;

/// The address at the other end of the connection. `X-Forwarded-For` is ignored, because callers can forge it.
pub fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip())
}

/// The network that failures are counted for: an IPv4 address, or the /64 of an IPv6 address, of which one customer has
/// all the rest.
pub fn network(extensions: &Extensions) -> String {
    match peer(extensions).map(|address| address.to_canonical()) {
        None => String::new(),
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_addresses_or_halves_of_them() {
        let source = |address: &str| {
            let mut extensions = Extensions::new();
            extensions.insert(ConnectInfo::<SocketAddr>(address.parse().unwrap()));
            network(&extensions)
        };
        assert_eq!(source("10.0.0.7:55"), "10.0.0.7");
        assert_eq!(source("[::ffff:10.0.0.7]:55"), "10.0.0.7", "the same address in another spelling");
        assert_eq!(source("[2001:db8:1:2:3:4:5:6]:55"), "2001:db8:1:2::/64");
        assert_eq!(source("[2001:db8:1:2:9::]:56"), "2001:db8:1:2::/64");
        assert_eq!(network(&Extensions::new()), "");
    }
}
