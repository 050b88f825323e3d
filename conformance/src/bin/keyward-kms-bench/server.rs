//! A Vault that always has the same answers: what it takes to give them is next to nothing, so that what is measured is
//! the client.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\\n\
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEsHxc+2hKSROYOZfjUyT5x+6WjB0r\\n\
    SvidzkzU9LUpG8UBmN2giufjGolblxuPJVlS4Q9YprnVFml45YpFslJKLA==\\n\
    -----END PUBLIC KEY-----\\n";

/// Answers on a port of 127.0.0.1 until the process ends.
pub fn start() -> std::io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    Ok(port)
}

/// What a request's first line is answered with.
fn answer(line: &str) -> String {
    let data = match () {
        () if line.contains("/sign/") => {
            format!(r#""signature":"vault:v1:{}","key_version":1"#, "A".repeat(86))
        }
        () if line.starts_with("LIST") || line.contains("list=true") => r#""keys":["bench"]"#.to_owned(),
        () => format!(
            r#""name":"bench","type":"ecdsa-p256","latest_version":1,"min_decryption_version":1,"min_encryption_version":0,"min_available_version":0,"supports_signing":true,"supports_encryption":false,"supports_decryption":false,"supports_derivation":false,"derived":false,"exportable":false,"deletion_allowed":false,"keys":{{"1":{{"creation_time":"2026-01-01T00:00:00Z","name":"P-256","public_key":"{PUBLIC_KEY}"}}}}"#
        ),
    };
    let body = format!(
        r#"{{"request_id":"0","lease_id":"","renewable":false,"lease_duration":0,"data":{{{data}}},"wrap_info":null,"warnings":null,"auth":null}}"#
    );
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn serve(stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let Ok(mut out) = stream.try_clone() else { return };
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        if !reader.read_line(&mut line).is_ok_and(|len| len > 0) {
            return;
        }
        let Some(()) = skip_rest(&mut reader) else { return };
        if out.write_all(answer(&line).as_bytes()).is_err() {
            return;
        }
    }
}

/// Reads headers and body of a message whose first line was read.
pub fn skip_rest(reader: &mut impl BufRead) -> Option<()> {
    let (mut header, mut len) = (String::new(), 0);
    loop {
        header.clear();
        reader.read_line(&mut header).ok().filter(|len| *len > 0)?;
        if header == "\r\n" {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            len = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; len];
    reader.read_exact(&mut body).ok()
}
