//! What a vault asks for with 401: `Bearer authorization="https://login.../TENANT", resource="https://vault.azure.net"`.

use crate::cloud::{Error, Kind, Response, Result};

/// Expects that the token that is asked for is one for the place that it was asked from. A server that asks for another
/// would use it elsewhere. [`Kind::Unauthenticated`].
pub(super) fn expect_own(answer: &Response, resource: &str) -> Result<()> {
    let Some(asked) = answer.header("www-authenticate").and_then(asked_for) else { return Ok(()) };
    match host(asked).eq_ignore_ascii_case(host(resource)) {
        true => Ok(()),
        false => Err(Error::new(
            Kind::Unauthenticated,
            format!("the service asks for a token for {asked}, and gets ones for {resource} only"),
        )),
    }
}

/// The `resource` or `scope` of a challenge.
fn asked_for(challenge: &str) -> Option<&str> {
    let (scheme, parameters) = challenge.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let value = |wanted: &str| {
        parameters.split(',').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"'))
        })
    };
    value("resource").or_else(|| value("scope"))
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':', '?']).next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_say_what_is_asked_for() {
        let of = |text: String| asked_for(&text).map(|asked| host(asked).to_owned());
        let login = "authorization=\"https://login.windows.net/t\"";
        for (challenge, asked) in [
            (format!("Bearer {login}, resource=\"https://vault.azure.net\""), Some("vault.azure.net")),
            (
                format!("bearer {login},scope=\"https://managedhsm.azure.net/.default\""),
                Some("managedhsm.azure.net"),
            ),
            (
                format!("Bearer {login}, resource=\"https://vault.azure.net@evil/\""),
                Some("vault.azure.net@evil"),
            ),
            (format!("Bearer {login}"), None),
            (String::new(), None),
            ("Bearer".to_owned(), None),
            ("Basic realm=\"x\"".to_owned(), None),
        ] {
            assert_eq!(of(challenge).as_deref(), asked);
        }
    }
}
