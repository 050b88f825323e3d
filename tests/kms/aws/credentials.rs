//! Every place that credentials come from, and credentials that expire in the middle.

use keyward::cloud::aws::{Aws, Settings};
use keyward::cloud::{Connection, Environment, Kind};
use serde_json::json;

use super::{MOCK_REGION, Mock, ask};

const ROLE: &str = "arn:aws:iam::111122223333:role/keyward";
const USER: &str = "aws_access_key_id = AKIDSTATIC\naws_secret_access_key = static-PLANTED/+\n";

/// A home with these files, and a client that lives there with these variables.
struct Home {
    dir: tempfile::TempDir,
    variables: Vec<(String, String)>,
    settings: Settings,
}

impl Home {
    fn new(mock: &Mock) -> Home {
        let home =
            Home { dir: tempfile::tempdir().unwrap(), variables: Vec::new(), settings: Settings::default() };
        let path = home.path("");
        // No test asks the machine's own metadata service.
        home.var("HOME", &path)
            .var("AWS_ENDPOINT_URL", &mock.url())
            .var("AWS_REGION", MOCK_REGION)
            .var("AWS_EC2_METADATA_DISABLED", "true")
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn var(mut self, name: &str, value: &str) -> Home {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn file(self, name: &str, text: &str) -> Home {
        std::fs::create_dir_all(self.dir.path().join(".aws")).unwrap();
        std::fs::write(self.dir.path().join(name), text).unwrap();
        self
    }

    fn client(&self) -> Aws {
        let variables: Vec<(&str, &str)> =
            self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Aws::new(self.settings.clone(), Connection::default(), Environment::fixed(&variables))
    }
}

fn works(aws: &Aws) -> Result<(), keyward::cloud::Error> {
    ask(aws, "GenerateRandom", json!({ "NumberOfBytes": 8 })).map(drop)
}

/// Works; after its credentials expired it works with new ones, got by one more request of this kind.
#[track_caller]
fn works_and_renews(mock: &Mock, aws: &Aws, request: &str) {
    let start = mock.asked(request);
    works(aws).unwrap();
    works(aws).unwrap();
    assert_eq!(mock.asked(request) - start, 1, "kept");
    mock.control(json!({ "expire": true }));
    works(aws).unwrap();
    works(aws).unwrap();
    assert_eq!(mock.asked(request) - start, 2, "renewed once");
}

#[test]
fn the_environments() {
    let mock = Mock::start();
    let home = Home::new(&mock)
        .var("AWS_ACCESS_KEY_ID", super::KEY)
        .var("AWS_SECRET_ACCESS_KEY", super::SECRET)
        .file(".aws/credentials", "[default]\naws_access_key_id = other\naws_secret_access_key = other\n");
    works(&home.client()).unwrap();
    let wrong = home.var("AWS_SESSION_TOKEN", "made-up").client();
    assert_eq!(works(&wrong).unwrap_err().kind(), Kind::Unauthenticated);
}

#[test]
fn a_profiles() {
    let mock = Mock::start();
    let home = Home::new(&mock)
        .file(".aws/config", &format!("[profile work]\nregion = {MOCK_REGION}\n"))
        .file(".aws/credentials", &format!("[work]\n{USER}"));
    let none = works(&home.client()).unwrap_err();
    assert_eq!(none.kind(), Kind::Unauthenticated);
    assert!(none.to_string().contains("no AWS credentials"), "{none}");
    let mut home = home.var("AWS_PROFILE", "work").var("AWS_REGION", "");
    works(&home.client()).unwrap();
    home = home.var("AWS_PROFILE", "missing").var("AWS_REGION", MOCK_REGION);
    assert_eq!(works(&home.client()).unwrap_err().kind(), Kind::Unauthenticated);
    home.settings.profile = Some("work".to_owned());
    works(&home.client()).unwrap();
}

#[test]
fn a_process() {
    let mock = Mock::start();
    let answer = format!(
        r#"{{"Version": 1, "AccessKeyId": "{}", "SecretAccessKey": "{}"}}"#,
        super::KEY,
        super::SECRET
    );
    let home = Home::new(&mock).file("answer.json", &answer);
    let command = format!("cat {}", home.path("answer.json"));
    let home = home.file(".aws/config", &format!("[default]\ncredential_process = {command}\n"));
    works(&home.client()).unwrap();
}

#[test]
fn a_role_on_anothers_keys() {
    let mock = Mock::start();
    let role = |more: &str| format!("[default]\nrole_arn = {ROLE}\nsource_profile = base\n{more}");
    let home = Home::new(&mock)
        .file(".aws/config", &role("external_id = outside\nduration_seconds = 900\n"))
        .file(".aws/credentials", &format!("[base]\n{USER}"));
    works_and_renews(&mock, &home.client(), "AssumeRole");
    // With a machine whose clock is wrong.
    mock.control(json!({ "clock": 7200 }));
    works(&home.client()).unwrap();
    mock.control(json!({ "clock": 0 }));
    let home = home.file(".aws/config", &role("external_id = wrong\n"));
    assert_eq!(works(&home.client()).unwrap_err().kind(), Kind::Unauthenticated);
    let home = home.file(".aws/config", &role("mfa_serial = arn:aws:iam::1:mfa/me\n"));
    assert_eq!(works(&home.client()).unwrap_err().kind(), Kind::Configuration);
    let home = home.file(".aws/config", &format!("[default]\nrole_arn = {ROLE}\nsource_profile = b\n[profile b]\nrole_arn = {ROLE}\nsource_profile = default\n"));
    assert_eq!(works(&home.client()).unwrap_err().kind(), Kind::Configuration);
}

#[test]
fn a_web_identitys() {
    let mock = Mock::start();
    let home = Home::new(&mock).file("token", "web-PLANTED\n");
    let token = home.path("token");
    let home = home.var("AWS_WEB_IDENTITY_TOKEN_FILE", &token).var("AWS_ROLE_ARN", ROLE);
    works_and_renews(&mock, &home.client(), "AssumeRoleWithWebIdentity");
    let home = home.file("token", "made-up");
    let refused = works(&home.client()).unwrap_err();
    assert_eq!(refused.kind(), Kind::Unauthenticated);
    assert!(!refused.to_string().contains("made-up"));
}

#[test]
fn a_containers() {
    let mock = Mock::start();
    let home = Home::new(&mock).file("token", "container-PLANTED\n");
    let (token, url) = (home.path("token"), format!("{}/container", mock.url()));
    let home = home
        .var("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url)
        .var("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token);
    works_and_renews(&mock, &home.client(), "/container");
    let home = home.file("token", "made-up");
    assert_eq!(works(&home.client()).unwrap_err().kind(), Kind::Unauthenticated);
    let home = home.var("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/container");
    assert_eq!(works(&home.client()).unwrap_err().kind(), Kind::Configuration);
}

#[test]
fn an_instances_with_its_region() {
    let mock = Mock::start();
    let home = Home::new(&mock)
        .var("AWS_EC2_METADATA_DISABLED", "false")
        .var("AWS_REGION", "")
        .var("AWS_EC2_METADATA_SERVICE_ENDPOINT", &mock.url());
    let aws = home.client();
    works_and_renews(&mock, &aws, "/latest/meta-data/iam/security-credentials/the-role");
    assert_eq!(mock.asked("/latest/meta-data/placement/region"), 1);
    // Sixteen threads at once ask for credentials once.
    let before = mock.asked("/latest/meta-data/iam/security-credentials/the-role");
    let aws = home.client();
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..16).map(|_| scope.spawn(|| works(&aws))).collect();
        calls.into_iter().for_each(|call| call.join().unwrap().unwrap());
    });
    assert_eq!(mock.asked("/latest/meta-data/iam/security-credentials/the-role") - before, 1);
}

#[test]
fn single_sign_on_is_refused_with_a_reason() {
    let mock = Mock::start();
    let home = Home::new(&mock).file(".aws/config", "[default]\nsso_session = x\nsso_account_id = 1\n");
    let refused = works(&home.client()).unwrap_err();
    assert_eq!(refused.kind(), Kind::Configuration);
    assert!(refused.to_string().contains("SSO"), "{refused}");
}

#[test]
fn the_region_may_be_a_keys() {
    let mock = Mock::start();
    let home = Home::new(&mock)
        .var("AWS_REGION", "")
        .var("AWS_ACCESS_KEY_ID", super::KEY)
        .var("AWS_SECRET_ACCESS_KEY", super::SECRET);
    let aws = home.client();
    let unknown = works(&aws).unwrap_err();
    assert!(unknown.to_string().contains("region"), "{unknown}");
    aws.suggest_region(MOCK_REGION);
    works(&aws).unwrap();
}

/// The process's own environment, as on Kubernetes: in a process of its own.
#[test]
fn a_program_finds_everything_in_its_environment() {
    let mock = Mock::start();
    mock.key("ECC_NIST_P256", "SIGN_VERIFY", "mine");
    let home = Home::new(&mock).file("token", "web-PLANTED\n").var("AWS_ROLE_ARN", ROLE);
    let token = home.path("token");
    let home = home.var("AWS_WEB_IDENTITY_TOKEN_FILE", &token);
    let log = home.path("log");
    let text = format!(
        "[log]\ntarget = \"file:{log}\"\nlevel = \"trace\"\n[[slot]]\nbackend = \"kms\"\nprovider = \"aws\"\nlabel = \"eks\"\n"
    );
    let home = home.file("keyward.toml", &text);
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_keyward"))
        .env_clear()
        .envs(home.variables.iter().map(|(name, value)| (name, value)))
        .env("KEYWARD_CONF", home.path("keyward.toml"))
        .args(["kms", "test", "eks", "--count", "3"])
        .output()
        .unwrap();
    let told =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}");
    assert!(told.contains("kms:Sign") && told.contains("3 signatures with mine"), "{told}");
    let log = std::fs::read_to_string(log).unwrap_or_default();
    assert!(!told.contains("PLANTED") && !log.contains("PLANTED"), "{told}{log}");
    assert_eq!(mock.asked("AssumeRoleWithWebIdentity"), 1);
}
