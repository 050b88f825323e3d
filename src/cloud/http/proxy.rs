//! Proxies, as the environment names them for every program: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, in
//! small letters too.

use std::net::IpAddr;

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::url::{self, Url};
use crate::cloud::{Error, Kind, Result};

/// An HTTP proxy.
pub(super) struct Proxy {
    pub host: String,
    pub port: u16,
    /// The Proxy-Authorization header's value.
    pub authorization: Option<Zeroizing<String>>,
}

/// Which requests go through which.
#[derive(Default)]
pub(super) struct Proxies {
    https: Option<Proxy>,
    http: Option<Proxy>,
    /// Hosts that are reached without, in small letters.
    direct: Vec<String>,
}

impl Proxies {
    /// Reads the variables. [`Kind::Configuration`] for a proxy that is not spoken to: going past it would be wrong.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Proxies> {
        let named = |name: &str| {
            let found = variable(&name.to_ascii_lowercase()).or_else(|| variable(name));
            found.filter(|value| !value.is_empty())
        };
        let proxy =
            |name| named(name).or_else(|| named("ALL_PROXY")).map(|text| Proxy::parse(&text)).transpose();
        let direct = named("NO_PROXY").unwrap_or_default().to_ascii_lowercase();
        let direct = direct.split([',', ' ']).filter(|entry| !entry.is_empty()).map(str::to_owned).collect();
        // In a CGI program, HTTP_PROXY is the header `Proxy` of whoever sent the request.
        let is_cgi = variable("REQUEST_METHOD").is_some();
        let http = if is_cgi { proxy("http_proxy")? } else { proxy("HTTP_PROXY")? };
        Ok(Proxies { https: proxy("HTTPS_PROXY")?, http, direct })
    }

    /// The proxy of a request.
    pub fn of(&self, url: &Url<'_>) -> Option<&Proxy> {
        let proxy = if url.is_https { &self.https } else { &self.http };
        proxy.as_ref().filter(|_| !self.direct.iter().any(|entry| is_meant(entry, url)))
    }
}

impl Proxy {
    fn parse(text: &str) -> Result<Proxy> {
        let refused = |why: &str| Error::new(Kind::Configuration, format!("the environment's proxy: {why}"));
        let rest = match text.split_once("://") {
            Some(("http", rest)) => rest,
            Some((scheme, _)) => return Err(refused(&format!("{scheme} is not spoken, only http"))),
            None => text,
        };
        let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let (host, port) = url::split(place).ok_or_else(|| refused("no host"))?;
        let authorization = user.map(|user| {
            let user = decoded(if user.contains(':') { user.to_owned() } else { format!("{user}:") });
            Zeroizing::new(format!("Basic {}", *Zeroizing::new(Base64::encode_string(&user))))
        });
        Ok(Proxy { host: host.to_owned(), port: port.unwrap_or(80), authorization })
    }
}

/// A user and password without their %XX.
fn decoded(text: String) -> Zeroizing<Vec<u8>> {
    let text = Zeroizing::new(text);
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let digits =
            more.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        let (byte, used) = match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => (byte, 3),
            None => (*first, 1),
        };
        bytes.push(byte);
        rest = rest.get(used..).unwrap_or_default();
    }
    bytes
}

/// Whether an entry of NO_PROXY means this host: `*`, a name and what is below it, an address, a network; each with a
/// port, or for all.
fn is_meant(entry: &str, url: &Url<'_>) -> bool {
    let address = url.host.parse::<IpAddr>().ok();
    if let (Some(address), Some((network, bits))) = (address, entry.split_once('/')) {
        return is_within(address, network, bits);
    }
    if let (Some(address), Ok(entry)) = (address, entry.parse::<IpAddr>()) {
        return address == entry;
    }
    let Some((name, port)) = url::split(entry.trim_start_matches("*.").trim_start_matches('.')) else {
        return entry == "*";
    };
    let host = url.host.to_ascii_lowercase();
    let below = host.strip_suffix(name);
    port.is_none_or(|port| port == url.port)
        && below.is_some_and(|below| below.is_empty() || (below.ends_with('.') && address.is_none()))
}

/// Whether an address is in a network that is written as `10.0.0.0/8`.
fn is_within(address: IpAddr, network: &str, bits: &str) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let (Ok(network), Ok(bits)) = (network.parse(), bits.parse::<u32>()) else { return false };
    let ((address, width), (network, same)) = (number(address), number(network));
    let differs = (address ^ network).leading_zeros() < bits;
    width == same && bits <= width && !differs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies> {
        Proxies::read(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn place(proxies: &Proxies, url: &str) -> Option<(String, u16)> {
        proxies.of(&Url::parse(url).unwrap()).map(|proxy| (proxy.host.clone(), proxy.port))
    }

    #[test]
    fn each_scheme_has_its_own_or_the_one_for_all() {
        let own = proxies(&[("https_proxy", "http://one:8080/"), ("HTTP_PROXY", "two")]).unwrap();
        assert_eq!(place(&own, "https://kms.example/"), Some(("one".to_owned(), 8080)));
        assert_eq!(place(&own, "http://kms.example/"), Some(("two".to_owned(), 80)));
        let all = proxies(&[("ALL_PROXY", "[::1]:3128"), ("http_proxy", "")]).unwrap();
        for url in ["https://kms.example/", "http://kms.example/"] {
            assert_eq!(place(&all, url), Some(("::1".to_owned(), 3128)));
        }
        assert_eq!(place(&proxies(&[]).unwrap(), "https://kms.example/"), None);
    }

    #[test]
    fn who_asks_is_told() {
        let proxy = Proxy::parse("http://us%65r:p%40ss%@one").unwrap();
        let told = proxy.authorization.unwrap();
        assert_eq!(Base64::decode_vec(told.strip_prefix("Basic ").unwrap()).unwrap(), b"user:p@ss%");
        assert_eq!(**Proxy::parse("user@one").unwrap().authorization.unwrap(), *"Basic dXNlcjo=");
    }

    #[test]
    fn a_proxy_that_is_not_spoken_to_is_no_way_around_it() {
        for text in ["socks5://one", "https://one", "http://", "http://one:x"] {
            let refused = proxies(&[("HTTPS_PROXY", text)]).map(|_| ()).unwrap_err();
            assert_eq!(refused.kind(), Kind::Configuration, "{text}");
        }
        // A password is in no message.
        let refused = proxies(&[("HTTPS_PROXY", "http://user:secret@one:x")]).map(|_| ()).unwrap_err();
        assert!(!refused.to_string().contains("secret"), "{refused}");
    }

    #[test]
    fn some_hosts_are_reached_without() {
        let through = |entries: &str, url: &str| {
            place(&proxies(&[("ALL_PROXY", "one"), ("no_proxy", entries)]).unwrap(), url).is_some()
        };
        for (entries, url) in [
            ("*", "https://kms.example/"),
            ("a, EXAMPLE", "https://kms.example/"),
            (".example", "https://kms.Example/"),
            ("*.example", "https://kms.example/"),
            ("kms.example:443", "https://kms.example/"),
            ("127.0.0.1", "http://127.0.0.1:8200/"),
            ("10.0.0.0/8", "http://10.1.2.3/"),
            ("::1", "http://[::1]/"),
            ("fd00::/8", "http://[fd12::1]/"),
        ] {
            assert!(!through(entries, url), "{entries} {url}");
        }
        for (entries, url) in [
            ("none", "https://kms.example/"),
            ("ample", "https://kms.example/"),
            ("kms.example:8443", "https://kms.example/"),
            ("0.0.1", "http://127.0.0.1/"),
            ("10.0.0.0/8", "http://11.1.2.3/"),
            ("10.0.0.0/33", "http://10.0.0.0/"),
            ("::/0", "http://10.0.0.0/"),
        ] {
            assert!(through(entries, url), "{entries} {url}");
        }
    }
}
