//! Addresses: `http` and `https`, without a user (RFC 3986, RFC 9110 section 4.2).

use crate::cloud::{Error, Kind, Result};

/// An address in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Url<'a> {
    /// Scheme, host and port as they are written: what a person needs to know, and what connections are kept by.
    pub origin: &'a str,
    /// Whether TLS is spoken.
    pub is_https: bool,
    /// Host and port as they are written: the Host header.
    pub authority: &'a str,
    /// A name or an IP address; IPv6 without brackets.
    pub host: &'a str,
    /// As written, or the scheme's own.
    pub port: u16,
    /// Path and query. Empty, or without the first slash, where that was left out.
    target: &'a str,
}

impl<'a> Url<'a> {
    /// [`Kind::Configuration`] for what is none.
    pub fn parse(url: &'a str) -> Result<Url<'a>> {
        let refused = || Error::new(Kind::Configuration, format!("{} is no address", origin(url)));
        let (is_https, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(refused()),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = split(authority).ok_or_else(refused)?;
        let target = rest.get(authority.len()..).and_then(|target| target.split('#').next());
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(refused());
        }
        let own = if is_https { 443 } else { 80 };
        Ok(Url {
            origin: origin(url),
            is_https,
            authority,
            host,
            port: port.unwrap_or(own),
            target: target.unwrap_or_default(),
        })
    }

    /// What a request line names it by, in two parts.
    pub fn target(&self) -> [&'a str; 2] {
        [if self.target.starts_with('/') { "" } else { "/" }, self.target]
    }
}

/// Scheme, host and port of any text, without the path and query.
fn origin(url: &str) -> &str {
    let after = url.find("://").map_or(0, |at| at + 3);
    let len = url.get(after..).and_then(|rest| rest.find(['/', '?', '#'])).unwrap_or(url.len() - after);
    url.get(..after + len).unwrap_or(url)
}

/// Host, without the brackets of IPv6, and port of `host`, `host:port`, `[::1]`, `[::1]:port`.
pub(super) fn split(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, rest) = match authority.strip_prefix('[') {
        Some(inside) => inside.split_once(']').filter(|(host, _)| host.contains(':'))?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    let port = match rest {
        "" | ":" => None,
        // Not what `parse` takes, too: a sign.
        _ => Some(
            rest.strip_prefix(':').filter(|port| port.bytes().all(|b| b.is_ascii_digit()))?.parse().ok()?,
        ),
    };
    (!host.is_empty() && host.bytes().all(is_plain)).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_their_parts() {
        let parts = |url| {
            let url = Url::parse(url).unwrap();
            (url.origin, url.authority, url.host, url.port, url.target().concat())
        };
        assert_eq!(
            parts("https://kms.example/v1/x?list=true#part"),
            ("https://kms.example", "kms.example", "kms.example", 443, "/v1/x?list=true".to_owned())
        );
        assert_eq!(
            parts("http://[::1]:8200?q"),
            ("http://[::1]:8200", "[::1]:8200", "::1", 8200, "/?q".to_owned())
        );
        assert_eq!(parts("http://10.0.0.1"), ("http://10.0.0.1", "10.0.0.1", "10.0.0.1", 80, "/".to_owned()));
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_path() {
        for url in [
            "kms.example/x",
            "ftp://kms.example",
            "https://",
            "https://user@kms.example/",
            "https://kms.example:x/",
            "https://kms.example:+1/",
            "https://kms.example:65536/",
            "https://[kms]/",
            "https://[::1/",
            "https://[::1]x/",
            "https://kms.example/a b",
            "https://kms.example/\r\n",
            "https://kms\\.example/",
            "https://kms.ex\u{e4}mple/",
        ] {
            assert_eq!(Url::parse(url).unwrap_err().kind(), Kind::Configuration, "{url:?}");
        }
        let refused = Url::parse("https://a@b/secret?token").unwrap_err().to_string();
        assert_eq!(refused, "https://a@b is no address");
    }
}
