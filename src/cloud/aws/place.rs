//! Which region, and where a service listens there.

use super::metadata;
use super::profile::{Profile, Profiles};
use super::{Environment, Machine, Service};
use crate::cloud::{Deadline, Error, Kind, Result};

/// A service's endpoint.
#[derive(Debug)]
pub(super) struct Place {
    pub region: String,
    /// With a path, at least a slash.
    pub url: String,
    /// Where the path begins, and the host.
    path_at: usize,
    host_at: usize,
}

impl Place {
    /// [`Kind::Configuration`] for a URL without a host.
    pub(super) fn new(region: String, url: &str) -> Result<Place> {
        let wrong = || Error::new(Kind::Configuration, format!("no URL of an endpoint: {url:?}"));
        let host_at = url.find("://").ok_or_else(wrong)? + 3;
        let rest = url.get(host_at..).unwrap_or_default();
        let len = rest.find('/').unwrap_or(rest.len());
        if len == 0 || rest.contains(['@', '?', '#']) {
            return Err(wrong());
        }
        let slash = if rest.len() == len { "/" } else { "" };
        Ok(Place { region, url: format!("{url}{slash}"), path_at: host_at + len, host_at })
    }

    /// With its port, if that is written.
    pub(super) fn host(&self) -> &str {
        self.url.get(self.host_at..self.path_at).unwrap_or_default()
    }

    pub(super) fn path(&self) -> &str {
        self.url.get(self.path_at..).unwrap_or_default()
    }
}

/// The region that the environment names.
pub(super) fn region_of(environment: &Environment) -> Option<String> {
    environment.var("AWS_REGION").or_else(|| environment.var("AWS_DEFAULT_REGION"))
}

impl Machine {
    /// Where the slot's service is: the entry's address, or an endpoint that the environment or the profile names, or the
    /// region's. The region comes from the entry, the environment, the profile, a key's ARN, or the instance.
    pub(super) fn place(&self, service: &Service, hint: Option<&str>, deadline: Deadline) -> Result<Place> {
        let profiles = Profiles::read(self)?;
        let profile = profiles.profile(&self.profile_name());
        let region = match self.known_region(profile).or_else(|| hint.map(str::to_owned)) {
            Some(region) => region,
            None => metadata::region(self, deadline).map_err(|error| {
                let why = format!("no AWS region: set region in the entry, or AWS_REGION ({error})");
                Error::new(error.kind(), why)
            })?,
        };
        match self.address.clone().or_else(|| self.endpoint(service.endpoint_variable, profile)) {
            Some(url) => Place::new(region, &url),
            None => {
                let url = self.usual(service.name, &region, profile)?;
                Place::new(region, &url)
            }
        }
    }

    /// Where STS is. It has an endpoint for those who know no region.
    pub(super) fn sts(&self, profiles: &Profiles) -> Result<Place> {
        let profile = profiles.profile(&self.profile_name());
        let region = self.known_region(profile);
        let url = match (self.endpoint("AWS_ENDPOINT_URL_STS", profile), &region) {
            (Some(url), _) => url,
            (None, Some(region)) => self.usual("sts", region, profile)?,
            (None, None) => "https://sts.amazonaws.com".to_owned(),
        };
        Place::new(region.unwrap_or_else(|| "us-east-1".to_owned()), &url)
    }

    /// The profile whose settings count.
    pub(super) fn profile_name(&self) -> String {
        let named = self.settings.profile.clone().or_else(|| self.environment.var("AWS_PROFILE"));
        named.unwrap_or_else(|| "default".to_owned())
    }

    fn known_region(&self, profile: Option<&Profile>) -> Option<String> {
        let of_profile = || profile?.value("region").filter(|region| !region.is_empty()).map(str::to_owned);
        let own = self.settings.region.clone();
        match &self.settings.profile {
            // A profile that the entry names goes before the environment.
            Some(_) => own.or_else(of_profile).or_else(|| region_of(&self.environment)),
            None => own.or_else(|| region_of(&self.environment)).or_else(of_profile),
        }
    }

    fn endpoint(&self, variable: &str, profile: Option<&Profile>) -> Option<String> {
        if self.environment.flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") {
            return None;
        }
        let of_environment =
            self.environment.var(variable).or_else(|| self.environment.var("AWS_ENDPOINT_URL"));
        let url = of_environment.or_else(|| profile?.value("endpoint_url").map(str::to_owned))?;
        Some(url.trim_end_matches('/').to_owned())
    }

    /// AWS's own endpoint.
    fn usual(&self, service: &str, region: &str, profile: Option<&Profile>) -> Result<String> {
        let asked = |own: bool, variable: &str, key: &str| {
            own || self.environment.flag(variable) || profile.is_some_and(|profile| profile.flag(key))
        };
        let fips = asked(self.settings.fips, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
        let dual = asked(self.settings.dualstack, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
        url(service, region, fips, dual)
    }
}

/// Partitions by the beginning of their regions: the suffix of host names, and that of those with IPv6.
const PARTITIONS: [(&str, &str, Option<&str>); 6] = [
    ("cn-", "amazonaws.com.cn", Some("api.amazonwebservices.com.cn")),
    ("eusc-", "amazonaws.eu", Some("api.amazonwebservices.eu")),
    ("us-iso-", "c2s.ic.gov", None),
    ("us-isob-", "sc2s.sgov.gov", None),
    ("us-isof-", "csp.hci.ic.gov", None),
    ("eu-isoe-", "cloud.adc-e.uk", None),
];

fn url(service: &str, region: &str, fips: bool, dual: bool) -> Result<String> {
    let wrong = |why: &str| Err(Error::new(Kind::Configuration, format!("AWS region {region:?}: {why}")));
    let proper = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if region.is_empty() || !region.chars().all(proper) {
        return wrong("not the name of a region");
    }
    let row = PARTITIONS.iter().find(|(prefix, ..)| region.starts_with(prefix));
    let (_, plain, with_ipv6) = *row.unwrap_or(&("", "amazonaws.com", Some("api.aws")));
    let suffix = match (dual, with_ipv6) {
        (false, _) => plain,
        (true, Some(suffix)) => suffix,
        (true, None) => return wrong("no endpoints with IPv6 are known there"),
    };
    let fips = if fips { "-fips" } else { "" };
    Ok(format!("https://{service}{fips}.{region}.{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_follow_the_region() {
        for (region, fips, dual, expected) in [
            ("eu-central-1", false, false, "https://kms.eu-central-1.amazonaws.com"),
            ("us-gov-west-1", true, false, "https://kms-fips.us-gov-west-1.amazonaws.com"),
            ("us-east-2", true, true, "https://kms-fips.us-east-2.api.aws"),
            ("cn-north-1", false, false, "https://kms.cn-north-1.amazonaws.com.cn"),
            ("cn-north-1", false, true, "https://kms.cn-north-1.api.amazonwebservices.com.cn"),
            ("us-iso-east-1", false, false, "https://kms.us-iso-east-1.c2s.ic.gov"),
        ] {
            assert_eq!(url("kms", region, fips, dual).unwrap(), expected);
        }
        for (region, dual) in [("", false), ("evil.example/", false), ("us-iso-east-1", true)] {
            assert_eq!(url("kms", region, false, dual).unwrap_err().kind(), Kind::Configuration);
        }
    }

    #[test]
    fn places_have_a_host_and_a_path() {
        for (url, host, path) in [
            ("http://127.0.0.1:4566", "127.0.0.1:4566", "/"),
            ("https://proxy.example/kms/eu", "proxy.example", "/kms/eu"),
        ] {
            let place = Place::new("x".to_owned(), url).unwrap();
            assert_eq!((place.host(), place.path()), (host, path));
            assert!(place.url.starts_with(url));
        }
        for wrong in ["", "kms", "https://", "https:///x", "https://user@host", "https://host?query"] {
            assert!(Place::new("x".to_owned(), wrong).is_err(), "{wrong}");
        }
    }
}
