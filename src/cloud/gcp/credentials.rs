//! Google's usual chain: a file, gcloud's own file, the metadata server of the machine.

use std::path::PathBuf;
use std::time::Duration;

use super::file::{self, File};
use crate::cloud::bearer::{Bearer, Fetched};
use crate::cloud::{
    Deadline, Environment, Error, Http, HttpSettings, Kind, Request, Result, SecretText, oauth,
};

/// What keys are used with; nothing else can be done with such a token.
const SCOPE: &str = "https://www.googleapis.com/auth/cloudkms";
/// By number, so that a machine elsewhere does not wait for its name server.
const METADATA: &str = "169.254.169.254";
/// The server is the machine's own and answers at once, or is not there.
const METADATA_LASTS: Duration = Duration::from_secs(3);

/// Where credentials may be, as the entry and the environment say. Nothing is opened yet.
pub(super) struct Places {
    /// `credentials`, or `GOOGLE_APPLICATION_CREDENTIALS`.
    file: Option<PathBuf>,
    /// What `gcloud auth application-default login` writes.
    gcloud: Option<PathBuf>,
    /// Host, and port if it has one.
    metadata: String,
    /// `GOOGLE_CLOUD_QUOTA_PROJECT`
    pub(super) quota_project: Option<String>,
}

impl Places {
    pub(super) fn new(entry: Option<PathBuf>, environment: &Environment) -> Places {
        let path = |name: &str| environment.var(name).map(PathBuf::from);
        let gcloud =
            path("CLOUDSDK_CONFIG").or_else(|| environment.home().map(|home| home.join(".config/gcloud")));
        Places {
            file: entry.or_else(|| path("GOOGLE_APPLICATION_CREDENTIALS")),
            gcloud: gcloud.map(|directory| directory.join("application_default_credentials.json")),
            metadata: environment.var("GCE_METADATA_HOST").unwrap_or_else(|| METADATA.to_owned()),
            quota_project: environment.var("GOOGLE_CLOUD_QUOTA_PROJECT"),
        }
    }
}

/// Gets access tokens. Files are read anew for each, so that rotated ones are found.
pub(super) struct Credentials {
    places: Places,
    bearer: Bearer,
    http: Http,
    metadata: Http,
}

impl Credentials {
    pub(super) fn new(places: Places, settings: &HttpSettings) -> Credentials {
        let direct = HttpSettings {
            proxy: false,
            connect_timeout: settings.connect_timeout.min(METADATA_LASTS),
            ..HttpSettings::default()
        };
        Credentials {
            places,
            bearer: Bearer::default(),
            http: Http::new(settings.clone()),
            metadata: Http::new(direct),
        }
    }

    /// A token that is good for a while.
    pub(super) fn token(&self, deadline: Deadline) -> Result<SecretText> {
        self.bearer.token(deadline, |deadline| self.fetch(deadline))
    }

    /// The service refused this token.
    pub(super) fn refused(&self, token: &SecretText) {
        self.bearer.refused(token);
    }

    fn fetch(&self, deadline: Deadline) -> Result<Fetched> {
        let gcloud = self.places.gcloud.as_ref().filter(|path| path.exists());
        match self.places.file.as_ref().or(gcloud) {
            Some(path) => file::token(&self.http, &File::read(path)?, SCOPE, deadline),
            None => self.by_metadata(deadline),
        }
    }

    fn by_metadata(&self, deadline: Deadline) -> Result<Fetched> {
        let host = &self.places.metadata;
        let url = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/token");
        let request = Request::new("GET", &url, &[]).header("metadata-flavor", "Google");
        let answer = self.metadata.send(&request, deadline.at_most(METADATA_LASTS).left()).map_err(|error| {
            if error.kind() != Kind::Unreachable {
                return error;
            }
            let why = "no Google credentials: neither `credentials` nor GOOGLE_APPLICATION_CREDENTIALS is set, gcloud \
                       has none, and no metadata server answers";
            Error::new(Kind::Unauthenticated, format!("{why} ({error})"))
        })?;
        if answer.header("metadata-flavor") != Some("Google") {
            let why = format!("what answers at {host} is not Google's metadata server");
            return Err(Error::new(Kind::Unauthenticated, why));
        }
        oauth::granted("the metadata server", &answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(entry: Option<&str>, variables: &[(&str, &str)]) -> Places {
        Places::new(entry.map(PathBuf::from), &Environment::fixed(variables))
    }

    #[test]
    fn the_entry_comes_before_the_environment() {
        const SET: &[(&str, &str)] = &[("GOOGLE_APPLICATION_CREDENTIALS", "/env.json"), ("HOME", "/h")];
        assert_eq!(places(Some("/own.json"), SET).file, Some("/own.json".into()));
        assert_eq!(places(None, SET).file, Some("/env.json".into()));
        let gcloud = "/h/.config/gcloud/application_default_credentials.json";
        assert_eq!(places(None, SET).gcloud, Some(gcloud.into()));
        let empty = places(None, &[("GOOGLE_APPLICATION_CREDENTIALS", ""), ("CLOUDSDK_CONFIG", "/c")]);
        assert_eq!((empty.file, empty.metadata.as_str()), (None, METADATA));
        assert_eq!(empty.gcloud, Some("/c/application_default_credentials.json".into()));
        assert_eq!(places(None, &[("GCE_METADATA_HOST", "127.0.0.1:1")]).metadata, "127.0.0.1:1");
    }
}
