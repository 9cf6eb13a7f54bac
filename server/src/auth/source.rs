//! The network that a request comes from.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::Response,
};
use http::{Extensions, HeaderMap};
use ipnet::IpNet;

/// The header in which each proxy adds the address that it was asked from, at the end.
const FORWARDED: &str = "x-forwarded-for";

/// A network of proxies, such as `10.0.0.0/8`, or the address of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyNetwork(IpNet);

impl FromStr for ProxyNetwork {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let network = text
            .parse()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| format!("`{text}` is no network such as `10.0.0.0/8`, and no address"))?;
        if network.prefix_len() == 0 {
            return Err(format!("`{text}` is every address: anybody could claim to come from anywhere"));
        }
        Ok(Self(network))
    }
}

/// The proxies whose `X-Forwarded-For` is believed. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<[ProxyNetwork]>);

impl TrustedProxies {
    /// Proxies in these networks.
    pub fn new(networks: &[ProxyNetwork]) -> Self {
        Self(networks.into())
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.0.contains(&address))
    }

    /// The client of a request that came from `peer`: the last hop that no trusted proxy is. Every hop before that one is
    /// only what a client claims.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let lines: Vec<&str> =
            headers.get_all(FORWARDED).iter().map(|line| line.to_str().unwrap_or_default()).collect();
        let hops = lines.iter().flat_map(|line| line.split(',')).map(str::trim).collect::<Vec<_>>();
        for hop in hops.into_iter().rev() {
            if !self.trust(client) {
                break;
            }
            // What cannot be read was added by nobody who is trusted, so the proxy is the last that is known.
            let Some(address) = address(hop) else { break };
            client = address.to_canonical();
        }
        client
    }
}

/// The address of a hop; some proxies add the port.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

/// Who asked the first proxy.
#[derive(Debug, Clone, Copy)]
struct Client(IpAddr);

/// Middleware: finds the client behind trusted proxies.
pub async fn find_client(State(proxies): State<TrustedProxies>, mut request: Request, next: Next) -> Response {
    if let Some(peer) = peer(request.extensions()) {
        let client = proxies.client(peer, request.headers());
        request.extensions_mut().insert(Client(client));
    }
    next.run(request).await
}

/// The address at the other end of the connection.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip())
}

/// The network that failures are counted for: an IPv4 address, or the /64 of an IPv6 address, of which one customer has
/// all the rest.
pub fn network(extensions: &Extensions) -> String {
    let client = extensions.get::<Client>().map(|client| client.0).or_else(|| peer(extensions));
    match client.map(|address| address.to_canonical()) {
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
    use http::HeaderValue;

    use super::*;

    fn proxies(networks: &[&str]) -> TrustedProxies {
        TrustedProxies::new(&networks.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>())
    }

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

    #[test]
    fn the_client_is_the_last_hop_that_is_no_trusted_proxy() {
        let trusted = ["10.0.0.0/8", "192.0.2.9", "fd00::/8"];
        for (peer, forwarded, client) in [
            // Nobody is believed who is no trusted proxy.
            ("203.0.113.5", vec!["198.51.100.1"], "203.0.113.5"),
            ("11.0.0.1", vec!["198.51.100.1"], "11.0.0.1"),
            ("10.0.0.1", vec!["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.0.0.1", vec!["198.51.100.1"], "198.51.100.1"),
            ("fd00::1", vec!["198.51.100.1"], "198.51.100.1"),
            // What the client claims itself stands to the left of what the proxy added.
            ("10.0.0.1", vec!["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", vec!["1.1.1.1", "10.9.9.9, 198.51.100.1, 192.0.2.9"], "198.51.100.1"),
            ("10.0.0.1", vec!["198.51.100.1:4711"], "198.51.100.1"),
            ("10.0.0.1", vec!["[2001:db8::1]:4711"], "2001:db8::1"),
            ("10.0.0.1", vec!["[2001:db8::1]"], "2001:db8::1"),
            ("10.0.0.1", vec!["::ffff:198.51.100.1"], "198.51.100.1"),
            // Proxies all the way, nothing, and nonsense.
            ("10.0.0.1", vec!["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", vec![], "10.0.0.1"),
            ("10.0.0.1", vec![""], "10.0.0.1"),
            ("10.0.0.1", vec!["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2"),
        ] {
            let mut headers = HeaderMap::new();
            for line in &forwarded {
                headers.append(FORWARDED, HeaderValue::from_static(line));
            }
            let peer: IpAddr = peer.parse().unwrap();
            let found = proxies(&trusted).client(peer, &headers);
            assert_eq!(found, client.parse::<IpAddr>().unwrap(), "{peer} {forwarded:?}");
            assert_eq!(proxies(&[]).client(peer, &headers), peer.to_canonical(), "nobody is trusted unless named");
        }
    }

    #[test]
    fn a_network_that_is_everybody_is_refused() {
        for wrong in ["0.0.0.0/0", "::/0", "10.0.0.0/33", "proxy.example.com", "", "10.0.0.1:80"] {
            assert!(wrong.parse::<ProxyNetwork>().is_err(), "{wrong}");
        }
    }
}
