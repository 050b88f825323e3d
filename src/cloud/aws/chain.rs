//! Where credentials come from: the first of the places that AWS's own tools look at.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::clock::Clock;
use super::credentials::{Credentials, unauthenticated};
use super::profile::{Profile, Profiles};
use super::sts::{Asking, Role, assume};
use super::{Machine, metadata, process};
use crate::cloud::{Deadline, Error, Kind, Result, SecretText};

/// Roles that stand on other profiles' credentials, in a row.
const MAX_ROLES: usize = 8;

/// New credentials: those of the entry's profile if it names one, else the environment's, a profile's, a web identity's, the
/// container's or the instance's.
pub(super) fn fetch(machine: &Machine, clock: &Clock, deadline: Deadline) -> Result<Credentials> {
    let chain = Chain { machine, clock, deadline };
    let found = chain.fetch();
    // Whatever was refused on the way, it leaves this slot without credentials.
    found.map_err(|error| match error.kind() {
        Kind::Denied | Kind::NotFound | Kind::Refused => error.with_kind(Kind::Unauthenticated),
        _ => error,
    })
}

struct Chain<'a> {
    machine: &'a Machine,
    clock: &'a Clock,
    deadline: Deadline,
}

impl Chain<'_> {
    fn fetch(&self) -> Result<Credentials> {
        let Machine { environment, settings, .. } = self.machine;
        let named = settings.profile.is_some();
        if !named && let Some(found) = self.environment() {
            return Ok(found);
        }
        let profiles = Profiles::read(self.machine)?;
        let name = self.machine.profile_name();
        match self.profile(&profiles, &name, 0)? {
            Some(found) => return Ok(found),
            None if named
                || environment.var("AWS_PROFILE").is_some_and(|_| profiles.profile(&name).is_none()) =>
            {
                return Err(unauthenticated(format!("AWS profile {name:?} has no credentials")));
            }
            None => {}
        }
        if let Some(file) = environment.var("AWS_WEB_IDENTITY_TOKEN_FILE") {
            let role = environment.var("AWS_ROLE_ARN");
            let arn =
                role.ok_or_else(|| configuration("AWS_WEB_IDENTITY_TOKEN_FILE without AWS_ROLE_ARN"))?;
            let session = environment.var("AWS_ROLE_SESSION_NAME");
            let session = session.as_deref().unwrap_or(env!("CARGO_PKG_NAME"));
            let role = Role { arn: &arn, session, external_id: None, duration: None };
            return self.web_identity(&profiles, &role, &file);
        }
        self.ambient()
    }

    /// What the machine gives to all that runs on it.
    fn ambient(&self) -> Result<Credentials> {
        if let Some(url) = metadata::container_endpoint(self.machine)? {
            return metadata::container_credentials(self.machine, &url, self.deadline);
        }
        metadata::instance_credentials(self.machine, self.deadline).map_err(|error| {
            let kind = match error.kind() {
                // No instance metadata: this is no EC2 instance.
                Kind::Unreachable => Kind::Unauthenticated,
                kind => kind,
            };
            Error::new(
                kind,
                format!(
                    "no AWS credentials: none in the environment or a profile, no web identity, no container's, and \
                     none from instance metadata ({error})"
                ),
            )
        })
    }

    fn environment(&self) -> Option<Credentials> {
        let environment = &self.machine.environment;
        Some(Credentials {
            access_key_id: environment.var("AWS_ACCESS_KEY_ID")?,
            secret_access_key: environment.var("AWS_SECRET_ACCESS_KEY")?.into(),
            session_token: environment.var("AWS_SESSION_TOKEN").map(Into::into),
            expires: None,
        })
    }

    /// A profile's credentials; none where it says nothing about any.
    fn profile(&self, profiles: &Profiles, name: &str, depth: usize) -> Result<Option<Credentials>> {
        let Some(profile) = profiles.profile(name) else { return Ok(None) };
        if depth > MAX_ROLES {
            return Err(configuration(&format!("AWS profile {name:?}: source_profile leads in a circle")));
        }
        if let Some(arn) = profile.value("role_arn") {
            return self.role(profiles, profile, name, arn, depth).map(Some);
        }
        if let Some(found) = keys(profile) {
            return Ok(Some(found));
        }
        if let Some(command) = profile.value("credential_process") {
            return process::credentials(command, self.deadline).map(Some);
        }
        if profile.mentions("sso_") {
            return Err(configuration(&format!(
                "AWS profile {name:?} signs in with SSO, which needs a person and a browser: use a role, or \
                 credential_process = \"aws configure export-credentials --profile {name}\" in another profile"
            )));
        }
        Ok(None)
    }

    fn role(
        &self,
        profiles: &Profiles,
        profile: &Profile,
        name: &str,
        arn: &str,
        depth: usize,
    ) -> Result<Credentials> {
        let role = Role {
            arn,
            session: profile.value("role_session_name").unwrap_or(env!("CARGO_PKG_NAME")),
            external_id: profile.value("external_id"),
            duration: profile.value("duration_seconds"),
        };
        if profile.value("mfa_serial").is_some() {
            return Err(configuration(&format!("AWS profile {name:?}: mfa_serial needs a person")));
        }
        if let Some(file) = profile.value("web_identity_token_file") {
            return self.web_identity(profiles, &role, file);
        }
        let source = match (profile.value("source_profile"), profile.value("credential_source")) {
            // A profile that is its own source has keys beside the role.
            (Some(source), _) if source == name => keys(profile),
            (Some(source), _) => self.profile(profiles, source, depth + 1)?,
            (None, Some("Environment")) => self.environment(),
            (None, Some("Ec2InstanceMetadata")) => {
                Some(metadata::instance_credentials(self.machine, self.deadline)?)
            }
            (None, Some("EcsContainer")) => match metadata::container_endpoint(self.machine)? {
                Some(url) => Some(metadata::container_credentials(self.machine, &url, self.deadline)?),
                None => None,
            },
            (None, _) => {
                return Err(configuration(&format!("AWS profile {name:?}: a role without a source")));
            }
        };
        let source = source
            .ok_or_else(|| unauthenticated(format!("AWS profile {name:?}: its source has no credentials")))?;
        assume(self.machine, profiles, &role, &Asking::Keys(&source, self.clock), self.deadline)
    }

    /// The token's file is read each time: Kubernetes replaces it.
    fn web_identity(&self, profiles: &Profiles, role: &Role<'_>, file: &str) -> Result<Credentials> {
        let path = PathBuf::from(file);
        let token = std::fs::read_to_string(&path).map(Zeroizing::new);
        let token = token.map_err(|error| configuration(&format!("{}: {error}", path.display())))?;
        assume(self.machine, profiles, role, &Asking::WebIdentity(token.trim()), self.deadline)
    }
}

fn keys(profile: &Profile) -> Option<Credentials> {
    Some(Credentials {
        access_key_id: profile.value("aws_access_key_id")?.to_owned(),
        secret_access_key: profile.value("aws_secret_access_key")?.into(),
        session_token: profile.value("aws_session_token").map(SecretText::from),
        expires: None,
    })
}

fn configuration(why: &str) -> Error {
    Error::new(Kind::Configuration, why)
}
