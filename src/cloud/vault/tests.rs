//! What a real server (tests/kms/vault) can't be made to do: tokens near their end, servers that don't page, threads
//! that come together.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Instant;

use super::settings::{RoleId, Source};
use super::*;

type Answers = fn(&str, &str) -> (u16, String);

/// A server whose answers follow from a request's line and headers; it ends with the last connection.
struct Fake {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn start(answers: Answers) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let of_thread = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let asked = of_thread.clone();
                std::thread::spawn(move || serve(stream.unwrap(), answers, &asked));
            }
        });
        Fake { address, asked }
    }

    fn vault(&self, auth: Auth) -> Vault {
        let http = HttpSettings { proxy: false, ..HttpSettings::default() };
        let connection = Connection { address: Some(self.address.clone()), http, ..Connection::default() };
        let settings = Settings { connection, namespace: None, auth, client_certificate: None };
        Vault::new(settings, Environment::fixed(&[("SECRET", "the-secret-id")]))
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock())
    }
}

fn serve(mut stream: TcpStream, answers: Answers, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap() == 0 {
                return;
            }
        }
        let len = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; len.unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
        asked.lock().push(line.clone());
        let (status, body) = answers(&line, &head);
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).unwrap();
    }
}

fn app_role() -> Auth {
    Auth::AppRole {
        mount: "approle".to_owned(),
        role_id: RoleId::Text("role".to_owned()),
        secret_id: Some(Source::Variable("SECRET".to_owned())),
    }
}

fn deadline() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

/// A token that was granted for 100 s, 90 s ago.
fn due() -> Token {
    let granted = Instant::now().checked_sub(Duration::from_secs(90)).unwrap();
    Token::granted("old".into(), granted, Duration::from_secs(100), true)
}

fn granted(token: &str, seconds: u32) -> (u16, String) {
    let grant = format!(r#"{{"client_token":"{token}","lease_duration":{seconds},"renewable":true}}"#);
    (200, format!(r#"{{"auth":{grant}}}"#))
}

/// Something that is never the same twice.
fn nanoseconds() -> String {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos().to_string()
}

fn read(vault: &Vault) -> Result<Response> {
    vault.call("GET", "there", None, Repeat::Always, deadline())
}

#[test]
fn a_token_is_renewed_while_it_lasts() {
    let fake = Fake::start(|line, head| match line {
        "POST /v1/auth/token/renew-self" if head.contains("x-vault-token: old") => granted("new", 100),
        "GET /v1/there" if head.contains("x-vault-token: new") => (200, "{}".to_owned()),
        _ => (403, r#"{"errors":["permission denied"]}"#.to_owned()),
    });
    let vault = fake.vault(app_role());
    vault.tokens.set(due());
    read(&vault).unwrap();
    read(&vault).unwrap();
    assert_eq!(fake.asked(), ["POST /v1/auth/token/renew-self", "GET /v1/there", "GET /v1/there"]);
}

#[test]
fn near_its_maximum_a_login_gets_more_than_a_renewal() {
    let fake = Fake::start(|line, head| match line {
        "POST /v1/auth/token/renew-self" => granted("old", 10),
        "POST /v1/auth/approle/login" => granted("new", 100),
        "GET /v1/there" if head.contains("x-vault-token: new") => (200, "{}".to_owned()),
        _ => (403, String::new()),
    });
    let vault = fake.vault(app_role());
    vault.tokens.set(due());
    read(&vault).unwrap();
    let expected = ["POST /v1/auth/token/renew-self", "POST /v1/auth/approle/login", "GET /v1/there"];
    assert_eq!(fake.asked(), expected);
}

#[test]
fn a_token_that_can_not_be_renewed_serves_to_its_end() {
    let fake = Fake::start(|line, head| match line {
        "GET /v1/there" if head.contains("x-vault-token: old") => (200, "{}".to_owned()),
        _ => (400, r#"{"errors":["invalid role or secret ID"]}"#.to_owned()),
    });
    let vault = fake.vault(app_role());
    vault.tokens.set(due());
    read(&vault).unwrap();
    read(&vault).unwrap();
    // Both were tried, and are not tried again at once.
    assert_eq!(fake.asked().len(), 4);
}

#[test]
fn a_new_token_that_is_refused_may_not_do_it() {
    let fake = Fake::start(|line, _| match line {
        "POST /v1/auth/approle/login" => granted(&nanoseconds(), 100),
        _ => (
            403,
            r#"{"errors":["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}"#.to_owned(),
        ),
    });
    let vault = fake.vault(app_role());
    assert_eq!(read(&vault).err().unwrap().kind(), Kind::Denied);
    let (login, there) = ("POST /v1/auth/approle/login", "GET /v1/there");
    assert_eq!(fake.asked(), [login, there, login, there]);
}

#[test]
fn a_server_that_does_not_page_is_asked_once_or_twice() {
    fn names(count: u32) -> (u16, String) {
        let names: Vec<_> = (0..count).map(|at| format!("\"key-{at:04}\"")).collect();
        (200, format!(r#"{{"data":{{"keys":[{}]}}}}"#, names.join(",")))
    }
    let token = || Auth::Token(Some(Source::Variable("SECRET".to_owned())));
    for (answers, count, requests) in [
        ((|_, _| names(499)) as Answers, 499, 1),
        (|_, _| names(500), 500, 2),
        (|_, _| names(501), 501, 1),
        (|_, _| (404, r#"{"errors":[]}"#.to_owned()), 0, 1),
    ] {
        let fake = Fake::start(answers);
        assert_eq!(fake.vault(token()).list("keys", deadline()).unwrap().len(), count);
        assert_eq!(fake.asked().len(), requests);
    }
    let fake = Fake::start(|_, _| (404, r#"{"errors":["no handler for route"]}"#.to_owned()));
    let error = fake.vault(token()).list("keys", deadline()).unwrap_err();
    assert_eq!((error.kind(), error.to_string().contains("no handler")), (Kind::NotFound, true));
}

#[test]
fn one_thread_gets_the_token_for_all_and_its_failure_too() {
    for works in [true, false] {
        let (tokens, made, together) = (Tokens::default(), AtomicU32::new(0), Barrier::new(8));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    together.wait();
                    let got = tokens.get(None, deadline(), |_| {
                        made.fetch_add(1, Ordering::Relaxed);
                        // Until the others are there.
                        std::thread::sleep(Duration::from_secs(1));
                        match works {
                            true => Ok(Token::found("new".into())),
                            false => Err(Error::new(Kind::Sealed, "sealed")),
                        }
                    });
                    assert_eq!(got.err().map(|error| error.kind()), (!works).then_some(Kind::Sealed));
                });
            }
        });
        // A thread that comes late where it failed tries for itself.
        assert!(made.load(Ordering::Relaxed) < 8 && (!works || made.load(Ordering::Relaxed) == 1));
    }
}

#[test]
fn who_logs_out_meanwhile_leaves_no_token() {
    let tokens = Tokens::default();
    let got = tokens.get(None, deadline(), |_| {
        tokens.forget();
        Ok(Token::found("late".into()))
    });
    assert_eq!(got.err().unwrap().kind(), Kind::Unauthenticated);
    let next = tokens.get(None, deadline(), |old| {
        assert!(old.is_none());
        Ok(Token::found("next".into()))
    });
    assert_eq!(&*next.unwrap().text, "next");
}

#[test]
fn statuses_and_words_have_their_kinds() {
    for (status, message, expected) in [
        (400, "signing key not found", Kind::NotFound),
        (400, "encryption key not found", Kind::NotFound),
        (400, "cipher: message authentication failed", Kind::BadCiphertext),
        (400, "invalid ciphertext: version is too new", Kind::NotFound),
        (400, "ciphertext or signature version is disallowed by policy (too old)", Kind::Disabled),
        (400, "check-and-set parameter did not match the current version", Kind::Conflict),
        (400, "key type aes256-gcm96 does not support signing", Kind::Refused),
        (403, "permission denied", Kind::Unauthenticated),
        (403, "1 error occurred:\n\t* permission denied\n\n", Kind::Denied),
        (403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n", Kind::Unauthenticated),
        (404, "no handler for route", Kind::NotFound),
        (405, "1 error occurred:\n\t* unsupported operation\n\n", Kind::Refused),
        (413, "http: request body too large", Kind::Refused),
        (429, "rate limit quota exceeded", Kind::Throttled),
        (500, "1 error occurred:\n\t* failed to RSA decrypt the ciphertext\n\n", Kind::BadCiphertext),
        (500, "1 error occurred:\n\t* refusing to use soft-deleted key\n\n", Kind::Disabled),
        (500, "internal error", Kind::Unavailable),
        (502, "", Kind::Unavailable),
        (503, "Vault is sealed", Kind::Sealed),
        (503, "", Kind::Unavailable),
        (307, "", Kind::Unavailable),
    ] {
        assert_eq!(answer::kind(status, &[message.to_owned()]), expected, "{status} {message}");
    }
    let messages = ["1 error occurred:\n\t* permission denied\n\n".to_owned(), "more".to_owned()];
    assert_eq!(answer::told(&messages), "permission denied; more");
}

#[test]
fn secrets_that_fit_no_header_are_none() {
    for text in ["", "two words", "line\n", "schlüssel"] {
        assert!(login::header_text(text.as_bytes()).is_none(), "{text:?}");
    }
    assert_eq!(login::header_text(b"s.7UUaP7qD").as_deref(), Some("s.7UUaP7qD"));
    assert_eq!(mount_path("/team a/transit/"), "team%20a/transit");
}

#[test]
fn only_the_engine_says_that_there_is_no_document() {
    let server = Fake::start(|line, _| {
        let (status, body) = match line.rsplit('/').next().unwrap_or_default() {
            "none" => (404, r#"{"errors":[]}"#),
            "deleted" => (
                404,
                r#"{"data":{"data":null,"metadata":{"deletion_time":"2026-01-01T00:00:00Z","destroyed":false}}}"#,
            ),
            "route" => (404, r#"{"errors":["no handler for route \"secret/data/route\""]}"#),
            "html" => (404, "<html>not found</html>"),
            "nothing" => (404, ""),
            "json" => (404, r#"{"data":{"metadata":{}}}"#),
            _ => (200, r#"{"data":{}}"#),
        };
        (status, body.to_owned())
    });
    let vault = server.vault(Auth::Token(Some(Source::Variable("SECRET".to_owned()))));
    let get = |name: &str| {
        let path = format!("secret/data/{name}");
        vault.document("GET", &path, None, Repeat::Unsent, deadline()).map_err(|error| error.kind())
    };
    assert!(get("there").unwrap().is_some());
    assert!(get("none").unwrap().is_none());
    assert!(get("deleted").unwrap().is_none());
    for foreign in ["route", "html", "nothing", "json"] {
        assert_eq!(get(foreign).err(), Some(Kind::Unavailable), "{foreign}");
    }
}
