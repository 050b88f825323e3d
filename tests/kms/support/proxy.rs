//! A proxy between keyward and a server over HTTP that does what networks and services do on a bad day.
//!
//! Each request takes the next fault of the queue, if there is one, and is otherwise passed on. What was asked is kept.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What happens to a request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It is answered so much later.
    Late(Duration),
    /// The connection ends without an answer, before the server sees anything.
    Reset,
    /// The connection ends in the middle of the server's answer.
    HalfBody,
    /// This status, with Retry-After if there is one, in seconds.
    Status(u16, Option<u32>),
    /// The server's answer, with one text replaced by another of the same length.
    Replaced(&'static str, &'static str),
}

/// The proxy. It ends when this is dropped.
pub struct Proxy {
    /// Where it listens.
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: u16,
    faults: Mutex<VecDeque<Fault>>,
    asked: Mutex<Vec<String>>,
    ended: AtomicBool,
}

impl Proxy {
    /// In front of a server on 127.0.0.1.
    pub fn start(upstream: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            upstream,
            faults: Mutex::default(),
            asked: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let of_thread = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                if of_thread.ended.load(Ordering::Relaxed) {
                    break;
                }
                let shared = of_thread.clone();
                thread::spawn(move || shared.serve(client.unwrap()));
            }
        });
        Proxy { port, shared }
    }

    /// `http://127.0.0.1:PORT`
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What happens to the next requests, one each.
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.faults.lock().unwrap().extend(faults);
    }

    /// The service is well again.
    pub fn clear(&self) {
        self.shared.faults.lock().unwrap().clear();
    }

    /// Method and path of every request since the last question.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.asked.lock().unwrap())
    }

    /// Faults that nobody met yet.
    pub fn pending(&self) -> usize {
        self.shared.faults.lock().unwrap().len()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// A message as it came: the lines up to the empty one, and the body.
struct Message {
    head: String,
    body: Vec<u8>,
}

impl Message {
    /// `None` at the connection's end.
    fn read(stream: &mut impl BufRead) -> Option<Message> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let lower = head.to_ascii_lowercase();
        let mut body = Vec::new();
        if let Some(at) = lower.find("content-length:") {
            let len = lower[at + 15..].lines().next()?.trim().parse().ok()?;
            body.resize(len, 0);
            stream.read_exact(&mut body).ok()?;
        } else if lower.contains("transfer-encoding: chunked") {
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).ok()?;
                let len = usize::from_str_radix(line.trim(), 16).ok()?;
                let mut chunk = vec![0; len + 2];
                stream.read_exact(&mut chunk).ok()?;
                body.extend_from_slice(line.as_bytes());
                body.extend_from_slice(&chunk);
                if len == 0 {
                    break;
                }
            }
        }
        Some(Message { head, body })
    }

    fn bytes(&self) -> Vec<u8> {
        [self.head.as_bytes(), &self.body].concat()
    }
}

impl Shared {
    fn serve(&self, client: TcpStream) {
        let mut reader = BufReader::new(client.try_clone().unwrap());
        let mut client = client;
        while let Some(request) = Message::read(&mut reader) {
            let line = request.head.lines().next().unwrap_or_default();
            let asked = line.rsplit_once(' ').map_or(line, |(asked, _)| asked).to_owned();
            self.asked.lock().unwrap().push(asked);
            let fault = self.faults.lock().unwrap().pop_front();
            let answer = match fault {
                Some(Fault::Reset) => break,
                Some(Fault::Status(status, retry_after)) => {
                    let wait = retry_after.map(|wait| format!("Retry-After: {wait}\r\n")).unwrap_or_default();
                    format!("HTTP/1.1 {status} Fault\r\n{wait}Content-Length: 2\r\n\r\n{{}}").into_bytes()
                }
                fault => {
                    if let Some(Fault::Late(time)) = fault {
                        thread::sleep(time);
                    }
                    let Some(answer) = self.pass_on(&request) else { break };
                    match fault {
                        Some(Fault::HalfBody) => {
                            let half = answer.head.len() + answer.body.len() / 2;
                            let _ = client.write_all(&answer.bytes()[..half]);
                            break;
                        }
                        Some(Fault::Replaced(from, to)) => {
                            assert_eq!(from.len(), to.len());
                            let text = String::from_utf8(answer.bytes()).unwrap();
                            assert!(text.contains(from), "the answer has no {from}");
                            text.replacen(from, to, 1).into_bytes()
                        }
                        _ => answer.bytes(),
                    }
                }
            };
            if client.write_all(&answer).is_err() {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
    }

    fn pass_on(&self, request: &Message) -> Option<Message> {
        let mut server = TcpStream::connect(("127.0.0.1", self.upstream)).ok()?;
        server.write_all(&request.bytes()).ok()?;
        Message::read(&mut BufReader::new(server))
    }
}
