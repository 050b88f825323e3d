//! Security Token Service: a role's credentials, for others or for a web identity's token.

use zeroize::Zeroizing;

use super::Machine;
use super::clock::Clock;
use super::credentials::{Credentials, expiration};
use super::failure;
use super::place::Place;
use super::profile::Profiles;
use super::sigv4::{Scope, Unsigned, sign};
use crate::cloud::text::percent;
use crate::cloud::{Caller, Deadline, Error, Kind, Limits, Repeat, Request, Result};

const CONTENT_TYPE: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// A role to take on.
pub(super) struct Role<'a> {
    pub arn: &'a str,
    pub session: &'a str,
    pub external_id: Option<&'a str>,
    /// Seconds, as the profile writes them.
    pub duration: Option<&'a str>,
}

/// Who asks for it.
pub(super) enum Asking<'a> {
    /// Somebody with keys, and the time they are used at.
    Keys(&'a Credentials, &'a Clock),
    /// The holder of an OIDC token.
    WebIdentity(&'a str),
}

/// The role's credentials. A refusal is [`Kind::Unauthenticated`], whatever STS calls it.
pub(super) fn assume(
    machine: &Machine,
    profiles: &Profiles,
    role: &Role<'_>,
    asking: &Asking<'_>,
    deadline: Deadline,
) -> Result<Credentials> {
    let place = machine.sts(profiles)?;
    let body = form(role, asking);
    let caller = Caller::new(Limits::default());
    let mut corrected = false;
    loop {
        let mut skewed = false;
        let answer = caller.call(Repeat::Always, deadline, |limit| {
            let response = machine.http.send(&request(&place, &body, asking), limit)?;
            if response.is_success() {
                return Ok(response);
            }
            if let Asking::Keys(_, clock) = asking {
                skewed = clock.correct(response.header("date"));
            }
            Err(refused(failure::of("STS", &response)))
        });
        match answer {
            Err(_) if skewed && !corrected => corrected = true,
            answer => return credentials(std::str::from_utf8(&answer?.body).unwrap_or_default()),
        }
    }
}

/// Signed by those who have keys.
fn request<'a>(place: &'a Place, body: &'a [u8], asking: &Asking<'_>) -> Request<'a> {
    let headers = [("content-type", CONTENT_TYPE), ("host", place.host())];
    let mut request = Request::new("POST", &place.url, body);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    if let Asking::Keys(keys, clock) = asking {
        let unsigned = Unsigned { method: "POST", path: place.path(), headers: &headers, body };
        let scope = Scope { region: &place.region, service: "sts", time: clock.now() };
        request.headers.extend(sign(&unsigned, scope, keys));
    }
    request
}

fn refused(error: Error) -> Error {
    match error.is_temporary() {
        true => error,
        false => error.with_kind(Kind::Unauthenticated),
    }
}

fn form(role: &Role<'_>, asking: &Asking<'_>) -> Zeroizing<Vec<u8>> {
    let (action, token) = match asking {
        Asking::Keys(..) => ("AssumeRole", None),
        Asking::WebIdentity(token) => ("AssumeRoleWithWebIdentity", Some(*token)),
    };
    let parameters = [
        ("Action", Some(action)),
        ("Version", Some("2011-06-15")),
        ("RoleArn", Some(role.arn)),
        ("RoleSessionName", Some(role.session)),
        ("ExternalId", role.external_id),
        ("DurationSeconds", role.duration),
        ("WebIdentityToken", token),
    ];
    let len: usize =
        parameters.iter().map(|(name, value)| name.len() + 3 * value.unwrap_or_default().len() + 2).sum();
    let mut body = Zeroizing::new(Vec::with_capacity(len));
    for (name, value) in parameters.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        if !body.is_empty() {
            body.push(b'&');
        }
        body.extend_from_slice(name.as_bytes());
        body.push(b'=');
        body.extend_from_slice(Zeroizing::new(percent(value)).as_bytes());
    }
    body
}

fn credentials(xml: &str) -> Result<Credentials> {
    let part = |tag: &str| {
        element(xml, tag).ok_or_else(|| Error::new(Kind::Corrupt, format!("STS answered without {tag}")))
    };
    Ok(Credentials {
        access_key_id: part("AccessKeyId")?.to_owned(),
        secret_access_key: part("SecretAccessKey")?.into(),
        session_token: Some(part("SessionToken")?.into()),
        expires: Some(expiration(part("Expiration")?)?),
    })
}

/// The text of the first element of a name. Nothing that is read here holds an entity.
pub(super) fn element<'a>(xml: &'a str, tag: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{tag}>"))?;
    rest.split_once(&format!("</{tag}>")).map(|(text, _)| text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let xml = "<AssumeRoleResponse><AssumeRoleResult><Credentials>\n<AccessKeyId>ASIA</AccessKeyId>\
                   <SecretAccessKey>s/+=</SecretAccessKey><SessionToken>t</SessionToken>\
                   <Expiration>2026-11-26T10:28:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
        let found = credentials(xml).unwrap();
        assert_eq!((found.access_key_id.as_str(), &*found.secret_access_key), ("ASIA", "s/+="));
        assert_eq!(found.expires, Some(1_795_688_880));
        assert_eq!(credentials("<AccessKeyId>").unwrap_err().kind(), Kind::Corrupt);
    }

    #[test]
    fn forms_are_encoded() {
        let role =
            Role { arn: "arn:aws:iam::1:role/a b", session: "s", external_id: None, duration: Some("900") };
        let body = form(&role, &Asking::WebIdentity("a+b"));
        let expected = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa%20b\
                        &RoleSessionName=s&DurationSeconds=900&WebIdentityToken=a%2Bb";
        assert_eq!(std::str::from_utf8(&body).unwrap(), expected);
    }
}
