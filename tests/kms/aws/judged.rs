//! moto as the judge of signatures and rights: it knows the users' secrets, and checks.

use keyward::cloud::aws::{Aws, Settings};
use keyward::cloud::{Connection, Environment, Http, HttpSettings, Kind, Request};
use serde_json::json;

use super::ask;
use crate::support::python_server::{PythonServer, venv};

/// Requests that are not judged: those that make the user.
const FREE: &str = "3";

fn iam(url: &str, form: &str) -> String {
    let http = Http::new(HttpSettings::default());
    let authorization =
        "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0";
    let request = Request::new("POST", url, form.as_bytes())
        .header("content-type", "application/x-www-form-urlencoded")
        .header("authorization", authorization);
    let answer = http.send(&request, std::time::Duration::from_secs(60)).unwrap();
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert_eq!(answer.status, 200, "{text}");
    text
}

fn part(xml: &str, tag: &str) -> String {
    let (_, rest) = xml.split_once(&format!("<{tag}>")).unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}

#[test]
fn signatures_and_rights_are_judged() {
    let moto = PythonServer::run(|port| {
        let command = [
            venv("moto_server").into(),
            "-H".into(),
            "127.0.0.1".into(),
            "-p".into(),
            port.to_string().into(),
        ];
        (command.to_vec(), vec![("INITIAL_NO_AUTH_ACTION_COUNT", FREE)])
    });
    let url = moto.url();
    iam(&url, "Action=CreateUser&Version=2010-05-08&UserName=signer");
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": ["kms:CreateKey", "kms:ListKeys"], "Resource": "*" }],
    });
    let policy = keyward::cloud::text::percent(&policy.to_string());
    iam(
        &url,
        &format!(
            "Action=PutUserPolicy&Version=2010-05-08&UserName=signer&PolicyName=p&PolicyDocument={policy}"
        ),
    );
    let made = iam(&url, "Action=CreateAccessKey&Version=2010-05-08&UserName=signer");
    let (key, secret) = (part(&made, "AccessKeyId"), part(&made, "SecretAccessKey"));
    let client = |secret: &str| {
        let variables = [("AWS_ACCESS_KEY_ID", key.as_str()), ("AWS_SECRET_ACCESS_KEY", secret)];
        let settings = Settings { region: Some("eu-west-1".to_owned()), ..Settings::default() };
        let connection = Connection { address: Some(url.clone()), ..Connection::default() };
        Aws::new(settings, connection, Environment::fixed(&variables))
    };
    let right = client(&secret);
    ask(&right, "CreateKey", json!({ "Description": "d" })).unwrap();
    ask(&right, "ListKeys", json!({})).unwrap();
    let denied = ask(&right, "GenerateRandom", json!({ "NumberOfBytes": 8 })).unwrap_err();
    assert_eq!(denied.kind(), Kind::Denied, "{denied}");
    let wrong = ask(&client("made-up"), "ListKeys", json!({})).unwrap_err();
    assert_eq!(wrong.kind(), Kind::Unauthenticated, "{wrong}");
}
