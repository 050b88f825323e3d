//! Amazon Web Services: signed requests of the JSON protocols, with the credentials and the region that the machine has.
//!
//! [`Aws`] is one account's region. Nothing is read or asked before the first call. Locks: the credentials' and the
//! endpoints', each held for a look or a change, none while a request is on its way.

mod chain;
mod clock;
mod credentials;
mod failure;
mod metadata;
mod place;
mod process;
mod profile;
mod sigv4;
mod sts;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;

use self::clock::Clock;
use self::credentials::{Cache, Credentials};
use self::place::Place;
use self::sigv4::{Scope, Unsigned};
use super::{
    Caller, Connection, Deadline, Environment, Http, HttpSettings, Kind, Limits, Repeat, Request, Response,
    Result,
};
use crate::config::{self, SlotReader};

/// A service of AWS that speaks one of the JSON protocols.
#[derive(Debug)]
pub struct Service {
    /// Its name in host names and signatures: `kms`.
    pub name: &'static str,
    /// The variable that names another endpoint: `AWS_ENDPOINT_URL_KMS`.
    pub endpoint_variable: &'static str,
    /// What operations are prefixed with: `TrentService`.
    pub target: &'static str,
    /// The media type of bodies.
    pub content_type: &'static str,
}

/// Key Management Service.
pub static KMS: Service = Service {
    name: "kms",
    endpoint_variable: "AWS_ENDPOINT_URL_KMS",
    target: "TrentService",
    content_type: "application/x-amz-json-1.1",
};

/// Secrets Manager.
pub static SECRETS_MANAGER: Service = Service {
    name: "secretsmanager",
    endpoint_variable: "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    target: "secretsmanager",
    content_type: "application/x-amz-json-1.1",
};

/// The keys of a `[[slot]]` that are AWS's own.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `region`; else the machine's.
    pub region: Option<String>,
    /// `profile`: only this one's credentials are used.
    pub profile: Option<String>,
    /// `config_file` instead of `~/.aws/config`.
    pub config_file: Option<PathBuf>,
    /// `credentials_file` instead of `~/.aws/credentials`.
    pub credentials_file: Option<PathBuf>,
    /// `fips`: endpoints that are validated by FIPS 140.
    pub fips: bool,
    /// `dualstack`: endpoints with IPv6.
    pub dualstack: bool,
}

impl Settings {
    /// Reads them.
    pub fn read(reader: &mut SlotReader<'_>) -> config::Result<Settings> {
        Ok(Settings {
            region: reader.text("region")?.map(str::to_owned),
            profile: reader.text("profile")?.map(str::to_owned),
            config_file: reader.path("config_file")?,
            credentials_file: reader.path("credentials_file")?,
            fips: reader.flag("fips", false)?,
            dualstack: reader.flag("dualstack", false)?,
        })
    }
}

/// One account's region.
#[derive(Debug)]
pub struct Aws {
    machine: Machine,
    caller: Caller,
    clock: Clock,
    credentials: Cache,
    /// Where each service was found.
    places: Mutex<Vec<(&'static str, Arc<Place>)>>,
    region_hint: OnceLock<String>,
}

/// What the entry and the machine say about credentials and endpoints, and the ways to ask for them.
#[derive(Debug)]
struct Machine {
    environment: Environment,
    settings: Settings,
    address: Option<String>,
    http: Http,
    /// For link-local services: no proxy, short limits.
    metadata: Http,
    metadata_caller: Caller,
}

impl Aws {
    /// Reads the entry. No network.
    pub fn read(reader: &mut SlotReader<'_>, connection: Connection) -> config::Result<Aws> {
        Ok(Aws::new(Settings::read(reader)?, connection, Environment::Process))
    }

    /// The same from values. No network.
    pub fn new(settings: Settings, connection: Connection, environment: Environment) -> Aws {
        let mut http = connection.http;
        http.ca_file = http.ca_file.or_else(|| environment.var("AWS_CA_BUNDLE").map(PathBuf::from));
        let seconds = Duration::from_secs;
        let metadata = HttpSettings { proxy: false, connect_timeout: seconds(1), ..HttpSettings::default() };
        let machine = Machine {
            environment,
            settings,
            address: connection.address,
            http: Http::new(http),
            metadata: Http::new(metadata),
            metadata_caller: Caller::new(Limits { attempt: seconds(2), total: seconds(5) }),
        };
        Aws {
            machine,
            caller: Caller::new(connection.limits),
            clock: Clock::default(),
            credentials: Cache::default(),
            places: Mutex::default(),
            region_hint: OnceLock::new(),
        }
    }

    /// A deadline for a whole call.
    pub fn deadline(&self) -> Deadline {
        self.caller.deadline()
    }

    /// What tells this place from others, without asking anybody: endpoint, region, profile and credentials file, as far
    /// as they are set.
    pub fn identity(&self) -> String {
        let Machine { environment, settings, address, .. } = &self.machine;
        let region = settings.region.clone().or_else(|| place::region_of(environment));
        let profile = settings.profile.clone().or_else(|| environment.var("AWS_PROFILE"));
        let file = settings.credentials_file.as_ref().map(|path| path.display().to_string());
        let parts: Vec<String> = [address.clone(), region, profile, file].into_iter().flatten().collect();
        parts.join(" ")
    }

    /// The region of a key's ARN: used where neither the entry nor the machine's settings name one.
    pub fn suggest_region(&self, region: &str) {
        let _ = self.region_hint.set(region.to_owned());
    }

    /// Calls an operation with a JSON body, and answers a success. An error has the kind that its code stands for.
    /// Credentials that are refused are replaced once, where there are newer ones; a clock that is wrong is corrected once.
    pub fn call(
        &self,
        service: &'static Service,
        operation: &str,
        body: &[u8],
        repeat: Repeat,
        deadline: Deadline,
    ) -> Result<Response> {
        let place = self.place(service, deadline)?;
        let mut refused = None;
        let mut corrected = false;
        loop {
            let credentials = self.credentials(refused.as_ref(), deadline)?;
            let mut skewed = false;
            let answer = self.caller.call(repeat, deadline, |limit| {
                let call = Call { service, operation, body, place: &place };
                call.attempt(&self.machine.http, &self.clock, &credentials, limit, &mut skewed)
            });
            match answer {
                Err(error) if error.kind() == Kind::Unauthenticated => match (skewed, corrected, &refused) {
                    (true, false, _) => {
                        tracing::warn!("the machine's clock is wrong: AWS's is used");
                        corrected = true;
                    }
                    (_, _, None) => refused = Some(credentials),
                    _ => return Err(error),
                },
                other => return other,
            }
        }
    }

    fn credentials(
        &self,
        refused: Option<&Arc<Credentials>>,
        deadline: Deadline,
    ) -> Result<Arc<Credentials>> {
        let fetch = || chain::fetch(&self.machine, &self.clock, deadline);
        self.credentials.current(refused, self.clock.now(), deadline, fetch)
    }

    fn place(&self, service: &'static Service, deadline: Deadline) -> Result<Arc<Place>> {
        let known = |places: &Vec<(&str, Arc<Place>)>| {
            places.iter().find(|(name, _)| *name == service.name).map(|(_, place)| place.clone())
        };
        if let Some(place) = known(&self.places.lock()) {
            return Ok(place);
        }
        let place = self.machine.place(service, self.region_hint.get().map(String::as_str), deadline)?;
        let place = Arc::new(place);
        self.places.lock().push((service.name, place.clone()));
        Ok(place)
    }
}

/// One call, however often it is tried.
struct Call<'a> {
    service: &'static Service,
    operation: &'a str,
    body: &'a [u8],
    place: &'a Place,
}

impl Call<'_> {
    fn attempt(
        &self,
        http: &Http,
        clock: &Clock,
        credentials: &Credentials,
        limit: Duration,
        skewed: &mut bool,
    ) -> Result<Response> {
        let target = format!("{}.{}", self.service.target, self.operation);
        let headers = [
            ("content-type", self.service.content_type),
            ("host", self.place.host()),
            ("x-amz-target", target.as_str()),
        ];
        let unsigned =
            Unsigned { method: "POST", path: self.place.path(), headers: &headers, body: self.body };
        let scope = Scope { region: &self.place.region, service: self.service.name, time: clock.now() };
        let mut request = Request::new("POST", &self.place.url, self.body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.headers.extend(sigv4::sign(&unsigned, scope, credentials));
        let response = http.send(&request, limit)?;
        if response.is_success() {
            return Ok(response);
        }
        let error = failure::of(self.operation, &response);
        if error.kind() == Kind::Unauthenticated {
            *skewed = clock.correct(response.header("date"));
        }
        Err(error)
    }
}
