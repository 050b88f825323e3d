//! `keyward kms test`: whether a slot's service is there, what it shows, what its credentials may do, how long it takes.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use crate::backend::kms::client::{Act, KeyVersion, KmsClient, Listed, Material, Signing};
use crate::backend::kms::{self, Opened};
use crate::cli::error::{Result, failed, usage};
use crate::cli::output::{Answer, Table};
use crate::cli::pin::PinArgs;
use crate::cli::progress::Bar;
use crate::cloud::{self, Deadline, Kind};
use crate::config::{Config, Environment};
use crate::crypto::{self, Hash, PublicKey};
use crate::types::ck;

/// Which slot, and how often.
#[derive(Args, Debug)]
pub struct Test {
    /// Label of the slot
    #[arg(value_name = "SLOT")]
    pub slot: String,
    /// Label of the key to sign with; without it the first that signs
    #[arg(long, value_name = "LABEL")]
    pub key: Option<String>,
    /// Signatures to time
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub count: u32,
    #[command(flatten)]
    pub pin: PinArgs,
}

/// What an attempt showed of a permission.
struct Finding {
    act: Act,
    outcome: cloud::Result<String>,
}

/// A service under test.
struct Probe<'a> {
    client: &'a dyn KmsClient,
    limit: Duration,
    findings: Vec<Finding>,
}

impl Probe<'_> {
    fn deadline(&self) -> Deadline {
        Deadline::after(self.limit)
    }

    /// Tries an act, and keeps what it showed.
    fn attempt<T>(
        &mut self,
        act: Act,
        tell: impl FnOnce(&T) -> String,
        ask: impl FnOnce(&dyn KmsClient, Deadline) -> cloud::Result<T>,
    ) -> Option<T> {
        let answer = ask(self.client, self.deadline());
        let (outcome, answer) = match answer {
            Ok(answer) => (Ok(tell(&answer)), Some(answer)),
            Err(error) => (Err(error), None),
        };
        self.findings.push(Finding { act, outcome });
        answer
    }

    /// The keys that come into question, those of the configuration first, with their newest version that can be read.
    fn keys(&mut self, mut known: Vec<Listed>, wanted: Option<&str>) -> Vec<(Listed, KeyVersion)> {
        let listed = self.attempt(
            Act::List,
            |listed: &Vec<Listed>| format!("{} keys", listed.len()),
            |client, deadline| client.list(deadline),
        );
        known.extend(listed.into_iter().flatten());
        let candidates: Vec<Listed> = match wanted {
            None => known,
            Some(wanted) => {
                known.retain(|key| key.label == wanted);
                if known.is_empty() {
                    // Without the right to list, a key can still be named.
                    known.push(Listed { name: wanted.to_owned(), label: wanted.to_owned() });
                }
                known
            }
        };
        let mut keys = Vec::new();
        let mut trouble = None;
        for key in candidates {
            match self.client.read(&key.name, self.deadline()) {
                Ok(versions) => {
                    keys.extend(versions.into_iter().take(1).map(|version| (key.clone(), version)));
                }
                Err(error) => trouble = Some(error),
            }
        }
        let outcome = match (trouble, keys.len()) {
            (Some(error), 0) => Err(error),
            (_, count) => Ok(format!("{count} keys readable")),
        };
        self.findings.push(Finding { act: Act::Read, outcome });
        keys
    }
}

/// What a key signs in the test: a digest that nobody wants signed, or a message that says what it is.
const MESSAGE: &[u8] = b"keyward kms test";

/// The request that fits a key; `None` for one that does not sign.
fn request<'a>(
    version: &KeyVersion,
    digests: &'a [crypto::DigestValue; 3],
    mu: &'a [u8; 64],
) -> Option<Signing<'a>> {
    let [sha256, sha384, sha512] = digests;
    let allows = |kind| version.mechanisms.contains(&kind);
    if version.usage & ck::CKF_SIGN == 0 {
        return None;
    }
    let Material::Pair(info) = &version.material else {
        let macs = [
            (ck::CKM_SHA256_HMAC, Hash::Sha256),
            (ck::CKM_SHA384_HMAC, Hash::Sha384),
            (ck::CKM_SHA512_HMAC, Hash::Sha512),
            (ck::CKM_SHA224_HMAC, Hash::Sha224),
            (ck::CKM_SHA_1_HMAC, Hash::Sha1),
        ];
        let found = macs.iter().find(|(kind, _)| allows(*kind));
        return found.map(|(_, hash)| Signing::Hmac { hash: *hash, message: MESSAGE });
    };
    let by_hash = [
        (ck::CKM_SHA256_RSA_PKCS, ck::CKM_SHA256_RSA_PKCS_PSS, Hash::Sha256, sha256),
        (ck::CKM_SHA384_RSA_PKCS, ck::CKM_SHA384_RSA_PKCS_PSS, Hash::Sha384, sha384),
        (ck::CKM_SHA512_RSA_PKCS, ck::CKM_SHA512_RSA_PKCS_PSS, Hash::Sha512, sha512),
    ];
    match PublicKey::from_spki(info).ok()? {
        PublicKey::Rsa(_) => by_hash
            .iter()
            .find_map(|(pkcs1, pss, hash, digest)| match () {
                () if allows(*pkcs1) => Some(Signing::RsaPkcs1 { hash: *hash, digest }),
                () if allows(*pss) => Some(Signing::RsaPss { hash: *hash, digest, salt_len: hash.len() }),
                () => None,
            })
            .or_else(|| version.raw_pkcs1.then_some(Signing::RsaPkcs1Raw { data: MESSAGE })),
        PublicKey::Ec(key) => Some(Signing::Ecdsa {
            digest: match key.curve().order_len() {
                32 => sha256,
                48 => sha384,
                _ => sha512,
            },
        }),
        PublicKey::Ed25519(_) => Some(Signing::Ed25519 { message: MESSAGE }),
        PublicKey::MlDsa(_) if version.mu => Some(Signing::MlDsaMu { mu }),
        PublicKey::MlDsa(_) => Some(Signing::MlDsa { message: MESSAGE }),
        PublicKey::X25519(_) | PublicKey::MlKem(_) | PublicKey::SlhDsa(_) => None,
    }
}

/// Times of signatures, ascending.
struct Times(Vec<Duration>);

impl Times {
    /// The time that so many of a hundred don't exceed, in milliseconds.
    fn percentile(&self, percent: usize) -> f64 {
        let at = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(at).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    }
}

/// Tests.
pub fn run(args: &Test) -> Result<Answer> {
    let config = Config::load(&Environment::process(), None).map_err(crate::error::Error::from)?;
    let Some(Opened { client, connection, named }) = kms::open(&config, &args.slot)? else {
        return usage(format!("no [[slot]] with backend = \"kms\" has the label {}", args.slot));
    };
    let mut probe = Probe { client: &*client, limit: connection.limits.total, findings: Vec::new() };
    if connection.secret_pin {
        let secret = args.pin.source().read(&format!("the secret of {}", args.slot))?;
        if let Err(error) = client.authenticate(&secret, probe.deadline()) {
            return failed(format!("{}: login: {error}", args.slot));
        }
    }
    let keys = probe.keys(named, args.key.as_deref());
    let digests = [Hash::Sha256, Hash::Sha384, Hash::Sha512].map(|hash| crypto::digest(hash, MESSAGE));
    let mut mu = [0; 64];
    mu.copy_from_slice(digests.get(2).map_or(&[0; 64], |digest| digest));
    let signer =
        keys.iter().find_map(|(key, version)| Some((key, version, request(version, &digests, &mu)?)));
    let mut times = None;
    let mut signed_with = None;
    if let Some((key, version, request)) = signer {
        let act = if matches!(request, Signing::Hmac { .. }) { Act::Mac } else { Act::Sign };
        let told = format!("{} ({})", key.label, version.resource);
        let first =
            probe.attempt(act, |_| told.clone(), |client, deadline| client.sign(version, request, deadline));
        if first.is_some() {
            times = Some(time(&probe, version, request, args.count)?);
            signed_with = Some(key.label.clone());
        }
    }
    if client.traits().max_random >= 32 {
        let mut bytes = [0; 32];
        probe.attempt(
            Act::Random,
            |()| "32 bytes".to_owned(),
            |client, deadline| client.random(&mut bytes, deadline),
        );
    }
    Ok(answer(args, &probe, signed_with, times))
}

fn time(probe: &Probe<'_>, version: &KeyVersion, request: Signing<'_>, count: u32) -> Result<Times> {
    let bar = Bar::new("signing", count.try_into().unwrap_or(usize::MAX));
    let mut times = Vec::new();
    for _ in 0..count {
        let start = Instant::now();
        if let Err(error) = probe.client.sign(version, request, probe.deadline()) {
            return failed(format!("after {} signatures: {error}", times.len()));
        }
        times.push(start.elapsed());
        bar.step();
    }
    times.sort();
    Ok(Times(times))
}

fn answer(args: &Test, probe: &Probe<'_>, signed_with: Option<String>, times: Option<Times>) -> Answer {
    let service = probe.client.service();
    let mut table = Table::new(&["act", "outcome", "permission", "detail"]);
    let mut rows = Vec::new();
    for Finding { act, outcome } in &probe.findings {
        let (word, detail) = match outcome {
            Ok(detail) => ("found", detail.clone()),
            Err(error) if error.kind() == Kind::Denied => ("missing", error.to_string()),
            Err(error) => ("failed", error.to_string()),
        };
        let permission = service.permissions.iter().find(|(of, _)| of == act).map_or("", |(_, name)| *name);
        let act = format!("{act:?}").to_lowercase();
        rows.push(json!({ "act": act, "outcome": word, "permission": permission, "detail": detail }));
        table.row([act, word.to_owned(), permission.to_owned(), detail]);
    }
    let mut text = table.render("nothing was asked");
    let mut latency = Value::Null;
    if let (Some(key), Some(times)) = (&signed_with, &times) {
        let [p50, p95, p99] = [50, 95, 99].map(|percent| times.percentile(percent));
        let count = times.0.len();
        text.push_str(&format!(
            "\n{count} signatures with {key}: p50 {p50:.2} ms, p95 {p95:.2} ms, p99 {p99:.2} ms"
        ));
        latency = json!({ "key": key, "count": count, "p50_ms": p50, "p95_ms": p95, "p99_ms": p99 });
    }
    let json = json!({
        "slot": args.slot, "provider": service.provider, "place": probe.client.identity(),
        "permissions": rows, "latency": latency,
    });
    let mut answer = Answer::new(text, json);
    answer.failure = match (&args.key, signed_with) {
        (_, Some(_)) => None,
        (Some(key), None) => Some(format!("{}: no signature was made with {key}", args.slot)),
        (None, None) => Some(format!("{}: no key was found that signs", args.slot)),
    };
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles() {
        let times = Times((1..=100).map(Duration::from_millis).collect());
        assert_eq!([50, 95, 99].map(|percent| times.percentile(percent).round()), [50.0, 95.0, 99.0]);
        assert_eq!(Times(vec![Duration::from_millis(7)]).percentile(99).round(), 7.0);
    }
}
