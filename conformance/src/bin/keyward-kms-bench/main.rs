//! What a cloud slot costs more than the bare HTTP call: signatures over kept-alive connections by 1, 16 and 100 threads,
//! beside a client that writes the same request to a socket and reads the answer, and beside one that connects for each
//! signature. The server is a Vault at a given address, whose transit mount has a P-256 key "bench", or one in this
//! process that does next to nothing. Ratios of rounds that take turns.

#![allow(clippy::print_stdout, missing_docs)]

mod server;

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use keyward_conformance::ck::*;
use keyward_conformance::{Attr, Mech, Module, RO};

const ROUND: Duration = Duration::from_millis(500);
const ROUNDS: usize = 7;
const THREADS: [usize; 3] = [1, 16, 100];

/// A way to make signatures: how many a second.
type Rate = f64;

/// Runs `work` in so many threads for a round; what a thread needs is made before the clock runs.
fn rate<W: FnMut()>(threads: usize, worker: impl Fn() -> W + Sync) -> Rate {
    let (go, done, count) = (AtomicBool::new(false), AtomicBool::new(false), AtomicU64::new(0));
    let ready = AtomicU64::new(0);
    let mut seconds = 0.0;
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut work = worker();
                work();
                ready.fetch_add(1, Ordering::SeqCst);
                while !go.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(1));
                }
                let mut own = 0;
                while !done.load(Ordering::Relaxed) {
                    work();
                    own += 1;
                }
                count.fetch_add(own, Ordering::SeqCst);
            });
        }
        while ready.load(Ordering::SeqCst) < threads as u64 {
            thread::sleep(Duration::from_millis(1));
        }
        let start = Instant::now();
        go.store(true, Ordering::SeqCst);
        thread::sleep(ROUND);
        done.store(true, Ordering::SeqCst);
        seconds = start.elapsed().as_secs_f64();
    });
    count.load(Ordering::SeqCst) as f64 / seconds
}

/// The request that keyward makes, to the same path.
fn request(token: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"input":"{}=","key_version":1,"prehashed":true,"hash_algorithm":"sha2-256","marshaling_algorithm":"jws"}}"#,
        "A".repeat(43)
    );
    format!(
        "POST /v1/transit/sign/bench HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: bare\r\naccept: */*\r\n\
         x-vault-token: {token}\r\nx-vault-request: true\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn connect(port: u16) -> Result<BufReader<TcpStream>, std::io::Error> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

/// One request and its answer.
fn call(connection: &mut BufReader<TcpStream>, request: &[u8]) {
    must("a request", connection.get_mut().write_all(request));
    must("an answer", server::skip_rest(connection).ok_or("the connection ended"));
}

/// The value, or the end of the program: there is nothing to measure.
fn must<T>(who: &str, result: Result<T, impl std::fmt::Debug>) -> T {
    result.unwrap_or_else(|error| {
        eprintln!("keyward-kms-bench: {who}: {error:?}");
        std::process::exit(1)
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// `server`: the port of a Vault on 127.0.0.1, and a token.
fn run(library: &Path, server: Option<(u16, String)>) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    let (port, token) = match server {
        Some(server) => server,
        None => (server::start().map_err(text)?, "bench-token".to_owned()),
    };
    let dir = tempfile::tempdir().map_err(text)?;
    let configuration = dir.path().join("keyward.toml");
    let entry = format!(
        "[log]\nlevel = \"error\"\n[soft]\ndir = \"{}\"\n[[slot]]\nbackend = \"kms\"\nprovider = \"vault\"\n\
         label = \"bench\"\naddress = \"http://127.0.0.1:{port}\"\ntoken_file = \"token\"\n",
        dir.path().join("soft").display()
    );
    std::fs::write(&configuration, entry).map_err(text)?;
    std::fs::write(dir.path().join("token"), &token).map_err(text)?;

    let module = Module::load(library)?;
    let rv = |rv: keyward_conformance::Rv| format!("{rv:?}");
    module.initialize(configuration.to_str()).map_err(rv)?;
    let slot = module.slot_of("bench").map_err(rv)?.ok_or("no slot with the label bench")?;
    let first = module.open_session(slot, RO).map_err(rv)?;
    let keys = first.find(&[Attr::class(CKO_PRIVATE_KEY)]).map_err(rv)?;
    let key = *keys.first().ok_or("the slot shows no private key")?;

    let request = request(&token);
    println!(
        "| threads | bare, kept alive | keyward | of bare | more per signature | a connection each | keyward over it |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for threads in THREADS {
        let bare = || {
            let mut connection = must("the bare client", connect(port));
            let request = &request;
            move || call(&mut connection, request)
        };
        let each = || {
            let request = &request;
            move || call(&mut must("the client with a connection each", connect(port)), request)
        };
        let keyward = || {
            let session = must("keyward", module.open_session(slot, RO));
            move || {
                must("keyward", session.sign_init(&Mech::new(CKM_ECDSA), key));
                must("keyward", session.sign_once(&[7; 32]));
            }
        };
        let (mut rates, mut others, mut ratios, mut over) = (vec![], vec![], vec![], vec![]);
        let mut bares = vec![];
        for _ in 0..ROUNDS {
            let (bare, keyward, each) =
                (rate(threads, bare), rate(threads, keyward), rate(threads.min(16), each));
            ratios.push(keyward / bare);
            over.push(keyward / each);
            bares.push(bare);
            rates.push(keyward);
            others.push(each);
        }
        let (bare, keyward) = (median(bares), median(rates));
        // Each thread's own time, on the cores that there are.
        let cores = thread::available_parallelism().map_or(1, usize::from).min(threads) as f64;
        let more = (1.0 / keyward - 1.0 / bare) * cores * 1e6;
        println!(
            "| {threads} | {bare:.0}/s | {keyward:.0}/s | {:.2} | {more:.0} us | {:.0}/s | {:.2} |",
            median(ratios),
            median(others),
            median(over)
        );
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let server = match &arguments[..] {
        [_] => Some(None),
        [_, port, token] => port.parse().ok().map(|port| Some((port, token.clone()))),
        _ => None,
    };
    let (Some(library), Some(server)) = (arguments.first(), server) else {
        eprintln!("usage: keyward-kms-bench LIBRARY [PORT TOKEN]");
        return ExitCode::from(2);
    };
    match run(Path::new(library), server) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("keyward-kms-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
