//! Against servers that say exactly what a test wants. TLS is tested with real servers (tests/kms).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use super::*;

const LONG: Duration = Duration::from_secs(60);

/// A server on `address` that hears requests and says `answers`, one each, whatever they are; then it closes. The
/// requests come out of the channel, each with the number of its connection.
fn server(address: &str, answers: &[&[u8]]) -> (String, Receiver<(usize, String)>) {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut answers: VecDeque<Vec<u8>> = answers.iter().map(|answer| answer.to_vec()).collect();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for (connection, stream) in listener.incoming().enumerate() {
            let mut reader = BufReader::new(stream.unwrap());
            while !answers.is_empty()
                && let Some(request) = hear(&mut reader)
            {
                let answer = answers.pop_front().unwrap();
                tell.send((connection, request)).unwrap();
                if reader.get_mut().write_all(&answer).is_err() || is_last(&answer) {
                    break;
                }
            }
            let _ = reader.get_mut().shutdown(Shutdown::Both);
            if answers.is_empty() {
                break;
            }
        }
    });
    (url, told)
}

/// Whether the server ends the connection after this answer: every one that says so, or does not say how long it is.
fn is_last(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer).to_ascii_lowercase();
    text.contains("close")
        || !(text.contains("content-length") || text.contains("chunked") || text.contains(" 204"))
}

fn hear(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        reader.read_line(&mut request).ok().filter(|len| *len > 0)?;
    }
    let len = request.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; len.map_or(0, |len| len.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    Some(request + &String::from_utf8(body).unwrap())
}

fn direct() -> Http {
    Http::new(HttpSettings { proxy: false, ..HttpSettings::default() })
}

fn get(http: &Http, url: &str) -> Result<Response> {
    http.send(&Request::new("GET", url, &[]), LONG)
}

/// Body of an answer, or the kind of the failure, with the connection's later fate: whether it was kept.
fn answered(answer: &[u8]) -> (std::result::Result<String, Kind>, bool) {
    let (url, _told) = server("127.0.0.1", &[answer]);
    let http = direct();
    let answer = get(&http, &url);
    let text = answer.map(|answer| String::from_utf8(answer.body.to_vec()).unwrap());
    (text.map_err(|error| error.kind()), !http.idle.lock().is_empty())
}

#[test]
fn a_request_is_what_was_asked_for() {
    let answer = b"HTTP/1.1 200 OK\r\nX-Some: a b \r\ncontent-length: 2\r\n\r\nok";
    let (url, told) = server("127.0.0.1", &[answer, answer]);
    let http = direct();
    let body = "x".repeat(3 * TOGETHER);
    for body in ["short", &body] {
        let request = Request::new("POST", &url, body.as_bytes()).header("x-token", "secret");
        let answer = http.send(&request, LONG).unwrap();
        assert_eq!((answer.status, answer.is_success(), &**answer.body), (200, true, &b"ok"[..]));
        assert_eq!((answer.header("x-some"), answer.header("x-other")), (Some("a b"), None));
        let authority = url.trim_start_matches("http://");
        let expected = format!(
            "POST / HTTP/1.1\r\n{USER_AGENT}host: {authority}\r\naccept: */*\r\nx-token: secret\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        // Both on one connection.
        assert_eq!(told.recv().unwrap(), (0, expected));
    }
}

#[test]
fn ipv6_is_spoken() {
    let (url, told) = server("::1", &[b"HTTP/1.1 204 No Content\r\n\r\n"]);
    assert!(url.starts_with("http://[::1]:"));
    assert_eq!(get(&direct(), &format!("{url}/a?b")).unwrap().status, 204);
    let (_, request) = told.recv().unwrap();
    assert!(request.starts_with("GET /a?b HTTP/1.1\r\n") && request.contains("host: [::1]:"), "{request}");
}

#[test]
fn bodies_end_where_they_say() {
    for (answer, body, kept) in [
        (&b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"[..], "body", true),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4, 4\r\nConnection: Close\r\n\r\nbody", "body", false),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nbody", "body", false),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\nConnection: keep-alive\r\n\r\nbody", "body", true),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end", false),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", true),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "", true),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nbody\r\n0B\r\n and  more.\r\n0\r\n\r\n", "body and  more.", true),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\nTrailer: x\r\nother: y\r\n\r\n", "", true),
        // More than was announced: whatever it is, the connection is not used again.
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodyHTTP/1.1 200 OK\r\n", "body", false),
    ] {
        assert_eq!(answered(answer), (Ok(body.to_owned()), kept), "{}", String::from_utf8_lossy(answer));
    }
}

#[test]
fn long_bodies_come_whole() {
    let text: String = (0..200_000).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
    let plain = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len());
    let mut chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned();
    for chunk in text.as_bytes().chunks(7777) {
        chunked += &format!("{:x}\r\n{}\r\n", chunk.len(), std::str::from_utf8(chunk).unwrap());
    }
    chunked += "0\r\n\r\n";
    for answer in [plain, chunked] {
        assert_eq!(answered(answer.as_bytes()), (Ok(text.clone()), true));
    }
}

#[test]
fn what_is_no_answer_is_none() {
    let endless = [b"HTTP/1.1 200 OK\r\nx: ", &[b'y'; 70 << 10][..]].concat();
    for (answer, kind) in [
        (&b""[..], Kind::Broken),
        (b"HTTP/1.1 200 OK\r\nContent-Le", Kind::Broken),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhalf", Kind::Broken),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n4\r\nbody\r\n",
            Kind::Broken,
        ),
        (b"SSH-2.0-x\r\n\r\n", Kind::Corrupt),
        (&endless, Kind::Corrupt),
        (b"HTTP/1.1 101 Switching\r\n\r\n", Kind::Corrupt),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbody", Kind::Corrupt),
        (b"HTTP/1.1 200 OK\r\nContent-Length: +4\r\n\r\nbody", Kind::Corrupt),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 16777217\r\n\r\n", Kind::Corrupt),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            Kind::Corrupt,
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", Kind::Corrupt),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbodyX\r\n0\r\n\r\n", Kind::Corrupt),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", Kind::Corrupt),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", Kind::Corrupt),
    ] {
        assert_eq!(answered(answer), (Err(kind), false), "{}", String::from_utf8_lossy(answer));
    }
}

#[test]
fn a_connection_that_was_closed_is_not_used_again() {
    // The server closes after each answer without having said so.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            hear(&mut reader).unwrap();
            reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        }
    });
    let http = direct();
    for _ in 0..3 {
        get(&http, &url).unwrap();
        let idle = || http.idle.lock().front().is_some_and(|kept| kept.stream.is_idle());
        while idle() {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(UNSEEN);
    }
}

#[test]
fn time_limits_are_kept() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let begin = Instant::now();
    let failed =
        direct().send(&Request::new("GET", &url, &[]), Duration::from_millis(100)).map(|_| ()).unwrap_err();
    assert_eq!(failed.kind(), Kind::Broken);
    assert!(begin.elapsed() >= Duration::from_millis(100));
    // Nobody listens there any more.
    drop(listener);
    assert_eq!(get(&direct(), &url).map(|_| ()).unwrap_err().kind(), Kind::Unreachable);
}

#[test]
fn headers_that_end_early_are_not_sent() {
    for value in ["a\r\nx: y", "a\0", "\u{e4}"] {
        let request = Request::new("GET", "http://127.0.0.1:9/", &[]).header("x-token", value);
        let (url, told) = server("127.0.0.1", &[b""]);
        let failed = direct().send(&Request { url: &url, ..request }, LONG).map(|_| ()).unwrap_err();
        assert_eq!(failed.kind(), Kind::Configuration);
        assert!(!failed.to_string().contains(value) && told.try_recv().is_err());
    }
}

/// A client that goes through this proxy.
fn through(proxy: &str) -> Http {
    let http = direct();
    let proxies =
        Proxies::read(|name| (name == "ALL_PROXY").then(|| proxy.replace("//", "//me:pw@"))).unwrap();
    let tls = trust::config(&http.settings).unwrap();
    assert!(http.way.set(Way { tls, proxies }).is_ok());
    http
}

#[test]
fn a_proxy_is_told_where_to() {
    let (proxy, told) = server("127.0.0.1", &[b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]);
    get(&through(&proxy), "http://kms.example:8200/v1?x").unwrap();
    let (_, request) = told.recv().unwrap();
    assert!(request.starts_with("GET http://kms.example:8200/v1?x HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("host: kms.example:8200\r\n"), "{request}");
    assert!(request.contains("proxy-authorization: Basic bWU6cHc=\r\n"), "{request}");

    // With TLS it sees no more than the server's name.
    for (answer, what) in [
        (&b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n"[..], "407"),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", "talks"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "ended"),
    ] {
        let (proxy, told) = server("127.0.0.1", &[answer]);
        let request = Request::new("GET", "https://[::1]/v1", &[]).header("x-token", "secret");
        let failed = through(&proxy).send(&request, LONG).map(|_| ()).unwrap_err();
        assert_eq!(failed.kind(), Kind::Unreachable);
        assert!(failed.to_string().contains(what) || what == "ended", "{failed}");
        let (_, asked) = told.recv().unwrap();
        assert!(asked.starts_with("CONNECT [::1]:443 HTTP/1.1\r\nhost: [::1]:443\r\n"), "{asked}");
        assert!(asked.contains("proxy-authorization: Basic bWU6cHc=\r\n"), "{asked}");
        assert!(!asked.contains("secret") && !asked.contains("v1"), "{asked}");
    }
}
