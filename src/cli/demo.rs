//! `keyward demo`: a tour in a temporary directory that is gone afterwards.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::error::{Error, Result, failed};
use super::host::{Host, Session};
use super::key::{self, Traits};
use super::keytype::KeySpec;
use super::output::{self, Answer, hex};
use super::scratch::Scratch;
use super::select::{Id, KeyArg};
use super::{sign, token};
use crate::backend;
use crate::config::{Config, Environment};
use crate::module::Module;
use crate::token::User;
use crate::types::{SecretBytes, ck};

/// The tour's keys.
const KEYS: [&str; 4] = ["rsa:3072", "ec:p256", "ed25519", "ml-dsa-65"];
const MESSAGE: &[u8] = b"Signed by keyward's demo.\n";

/// Runs the verb; with `quiet` nothing is printed before the end.
pub fn run(quiet: bool) -> Result<Answer> {
    let say = |line: String| match quiet {
        true => Ok(()),
        false => output::line(&line).map_err(|error| Error::Failed(format!("stdout: {error}"))),
    };
    let scratch = Scratch::new("demo")?;
    let dir = scratch.path().to_owned();
    say(format!("A token directory for this tour: {}", dir.display()))?;
    let steps = tour(&dir, &say)?;
    drop(scratch);
    if dir.exists() {
        return failed(format!("{} could not be removed", dir.display()));
    }
    say("Removed the directory. To keep a token: keyward token init --label NAME".to_owned())?;
    Ok(Answer::new("", json!({ "keys": steps })))
}

fn tour(dir: &Path, say: &dyn Fn(String) -> Result<()>) -> Result<Vec<Value>> {
    let host = host_in(dir)?;
    let (so_pin, user_pin) = (random_pin()?, random_pin()?);
    let started = Instant::now();
    let made = token::make(&host, &host.token_in(host.free_slot()?)?, "demo", &so_pin, &user_pin)?;
    say(format!(
        "Initialised {} in slot {} with random PINs ({})",
        made.name(),
        made.slot,
        shown(started.elapsed())
    ))?;
    let session = host.open(&made, true)?;
    session.login(User::User, &user_pin)?;
    say("Logged in".to_owned())?;
    let mut steps = Vec::new();
    for kind in KEYS {
        let (line, step) = try_key(&session, kind)?;
        say(line)?;
        steps.push(step);
    }
    Ok(steps)
}

/// Generates a key, signs, verifies, and sees a forged message refused.
fn try_key(session: &Session<'_>, kind: &str) -> Result<(String, Value)> {
    let spec: KeySpec = kind.parse().map_err(Error::Failed)?;
    let id = key::random_id()?;
    let named = KeyArg { key: None, id: Some(Id(id.clone())) };
    let find = |class| {
        named.find(session, &[class])?.ok_or_else(|| Error::Failed(format!("the {kind} key is gone")))
    };

    let started = Instant::now();
    key::generate(session, &spec, &Traits::default(), &format!("demo {kind}"), &id)?;
    let generated = started.elapsed();
    let (private, public) = (find(ck::CKO_PRIVATE_KEY)?, find(ck::CKO_PUBLIC_KEY)?);
    let mechanism = sign::mechanism_for(session, private, None, MESSAGE.len())?;
    let started = Instant::now();
    let signature = sign::make(session, private, &mechanism, MESSAGE)?;
    let signed = started.elapsed();
    if !sign::check(session, public, &mechanism, MESSAGE, &signature)? {
        return failed(format!("{kind}: a right signature was refused"));
    }
    if sign::check(session, public, &mechanism, b"forged", &signature)? {
        return failed(format!("{kind}: the signature of another message was taken"));
    }
    let name = sign::name(&mechanism);
    let line = format!(
        "{kind:<10} generated in {:<8} {name}: {} bytes signed in {:<8} verified, forgery refused",
        shown(generated),
        signature.len(),
        shown(signed),
    );
    let step =
        json!({ "type": kind, "mechanism": name, "signature_bytes": signature.len(), "verified": true });
    Ok((line, step))
}

/// The library over this directory with its defaults, whatever the person's own configuration says.
fn host_in(dir: &Path) -> Result<Host> {
    let Some(text) = dir.to_str() else { return failed(format!("{} is not UTF-8", dir.display())) };
    let environment = Environment::fixed(&[("KEYWARD_DIR", text)], None, &dir.join("no-such-file"));
    let config = Arc::new(Config::load(&environment, None).map_err(crate::error::Error::from)?);
    let providers = backend::providers(&config)?;
    let module = Module::default();
    module.start(|| Ok((config.clone(), providers)))?;
    Ok(Host { module, config })
}

fn random_pin() -> Result<SecretBytes> {
    let mut bytes = [0; 8];
    crate::crypto::random(&mut bytes)?;
    Ok(SecretBytes::from(hex(&bytes).into_bytes()))
}

fn shown(time: Duration) -> String {
    match time.as_micros() {
        micros @ 0..1000 => format!("{micros} µs"),
        micros => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
    }
}
