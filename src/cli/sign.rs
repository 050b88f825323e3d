//! `keyward sign` and `keyward verify`.

use std::borrow::Cow;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::error::{Error, Result, failed, usage};
use super::files;
use super::host::{Host, Session, TokenArg};
use super::output::{Answer, hex};
use super::pin::PinArgs;
use super::progress::Spinner;
use super::select::KeyArg;
use super::signature::{self, Encoding};
use crate::calls;
use crate::error::ErrorKind;
use crate::mechanism::{self, Descriptor, Mechanism, ParamKind, Params};
use crate::module::operation::{Answer as Produced, Output};
use crate::token::ObjectHandle;
use crate::types::{ck, length, ulong};

/// Shown below the options of both.
pub const HELP: &str = "\
Without --mechanism: SHA256_RSA_PKCS, ECDSA_SHA256, EDDSA, ML_DSA, SLH_DSA or SHA256_HMAC, as the key is.
An ECDSA signature is r || s, as PKCS#11 has it; with --format der it is what OpenSSL and Java read. Verifying tells
them apart by their length unless --format says which it is.

Examples:
  keyward sign --key release --in app.tar --out app.sig
  keyward verify --key release --in app.tar --signature app.sig
  keyward sign --key web --mechanism CKM_SHA384_RSA_PKCS_PSS --in data
  keyward sign --key tls --format der --in data --out data.sig";

/// `keyward sign`
#[derive(Args, Debug)]
pub struct Sign {
    #[command(flatten)]
    pub work: Work,
    /// Where to write the signature (default: hexadecimal digits on stdout)
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How to write an ECDSA signature
    #[arg(long, value_enum, default_value_t = Encoding::Raw)]
    pub format: Encoding,
}

/// `keyward verify`
#[derive(Args, Debug)]
pub struct Verify {
    #[command(flatten)]
    pub work: Work,
    /// The signature
    #[arg(long, short, value_name = "FILE")]
    pub signature: PathBuf,
    /// How the ECDSA signature is written (default: its length tells)
    #[arg(long, value_enum)]
    pub format: Option<Encoding>,
}

/// What both take.
#[derive(Args, Debug)]
pub struct Work {
    #[command(flatten)]
    pub key: KeyArg,
    /// Mechanism, with or without CKM_
    #[arg(long, short, value_name = "NAME")]
    pub mechanism: Option<String>,
    /// The data; "-" is stdin
    #[arg(long = "in", short, value_name = "FILE")]
    pub input: PathBuf,
    #[command(flatten)]
    pub token: TokenArg,
    #[command(flatten)]
    pub pin: PinArgs,
}

/// Signs.
pub fn sign(args: &Sign) -> Result<Answer> {
    let work = &args.work;
    let data = input(work)?;
    let host = Host::start()?;
    let token = host.select(&work.token)?;
    let session = host.open_user(&token, false, &work.pin)?;
    let Some(key) = work.key.find(&session, &[ck::CKO_PRIVATE_KEY, ck::CKO_SECRET_KEY])? else {
        return failed(format!("{} has no private or secret key with {}", token.name(), work.key.name()));
    };
    let mechanism = mechanism_for(&session, key, work.mechanism.as_deref(), data.len())?;
    let half = signature_half(&session, key)?;
    if args.format == Encoding::Der && half.is_none() {
        return usage("--format der is for ECDSA: a signature by this key has one form only");
    }
    let _spinner = Spinner::new("Signing");
    let mut signature = make(&session, key, &mechanism, &data)?;
    if args.format == Encoding::Der {
        signature = signature::to_der(&signature).map_err(|error| Error::Failed(format!("DER: {error}")))?;
    }
    let mut json = json!({ "mechanism": name(&mechanism), "signature": hex(&signature) });
    let text = match &args.out {
        None => hex(&signature),
        Some(out) => {
            files::write(out, &signature)?;
            if let Some(object) = json.as_object_mut() {
                object.insert("file".to_owned(), out.display().to_string().into());
            }
            format!("Signed with {}, wrote {} bytes to {}", name(&mechanism), signature.len(), out.display())
        }
    };
    Ok(Answer::new(text, json))
}

/// Verifies.
pub fn verify(args: &Verify) -> Result<Answer> {
    let work = &args.work;
    let data = input(work)?;
    let signature = files::read(&args.signature)?;
    let host = Host::start()?;
    let token = host.select(&work.token)?;
    // A public key needs no PIN; only where there is none with this name, the user is asked.
    let public = host.open(&token, false)?;
    let (session, key) = match work.key.find(&public, &[ck::CKO_PUBLIC_KEY])? {
        Some(key) => (public, key),
        None => {
            drop(public);
            let session = host.open_user(&token, false, &work.pin)?;
            match work.key.find(&session, &[ck::CKO_PUBLIC_KEY, ck::CKO_SECRET_KEY])? {
                Some(key) => (session, key),
                None => {
                    return failed(format!(
                        "{} has no public or secret key with {}",
                        token.name(),
                        work.key.name()
                    ));
                }
            }
        }
    };
    let mechanism = mechanism_for(&session, key, work.mechanism.as_deref(), data.len())?;
    let raw = as_raw(&signature, args.format, signature_half(&session, key)?);
    let valid = match raw {
        Some(raw) => check(&session, key, &mechanism, &data, &raw)?,
        None => false,
    };
    let json = json!({ "mechanism": name(&mechanism), "valid": valid });
    let mut answer = Answer::new(if valid { "The signature is valid" } else { "" }, json);
    answer.failure = (!valid).then(|| "the signature is not valid".to_owned());
    Ok(answer)
}

fn signature_half(session: &Session<'_>, key: ObjectHandle) -> Result<Option<usize>> {
    Ok(signature::half_len(&session.attributes(key, &[ck::CKA_KEY_TYPE, ck::CKA_EC_PARAMS])?))
}

/// The signature as the mechanism takes it; `None` for one that is not what it was said to be.
fn as_raw(signature: &[u8], told: Option<Encoding>, half: Option<usize>) -> Option<Cow<'_, [u8]>> {
    match (half, told) {
        (Some(half), Some(Encoding::Der)) => signature::from_der(signature, half).map(Cow::Owned),
        (Some(half), None) if signature.len() != 2 * half => signature::from_der(signature, half)
            .map_or(Some(Cow::Borrowed(signature)), |raw| Some(Cow::Owned(raw))),
        (None, Some(Encoding::Der)) => None,
        _ => Some(Cow::Borrowed(signature)),
    }
}

fn input(work: &Work) -> Result<zeroize::Zeroizing<Vec<u8>>> {
    if work.input.as_os_str() == "-" && work.pin.pin_stdin {
        return usage("stdin can't be both the data and the PIN");
    }
    files::read(&work.input)
}

/// C_SignInit and C_Sign.
pub fn make(session: &Session<'_>, key: ObjectHandle, mechanism: &Mechanism, data: &[u8]) -> Result<Vec<u8>> {
    let (module, handle) = (session.module, session.handle);
    calls::operation::sign_init(module, handle, Some(mechanism), key)?;
    let mut signature = match calls::operation::sign(module, handle, data, Output::Size)? {
        Produced::Size(len) | Produced::TooSmall(len) | Produced::Written(len) => vec![0; len],
    };
    match calls::operation::sign(module, handle, data, Output::Buffer(&mut signature))? {
        Produced::Written(len) => {
            signature.truncate(len);
            Ok(signature)
        }
        Produced::Size(_) | Produced::TooSmall(_) => {
            failed("the token changed its mind about the signature's size")
        }
    }
}

/// C_VerifyInit and C_Verify; false for a signature that is not valid.
pub fn check(
    session: &Session<'_>,
    key: ObjectHandle,
    mechanism: &Mechanism,
    data: &[u8],
    signature: &[u8],
) -> Result<bool> {
    calls::operation::verify_init(session.module, session.handle, Some(mechanism), key)?;
    match calls::operation::verify(session.module, session.handle, data, signature) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::SignatureInvalid | ErrorKind::SignatureLenRange) => {
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// What a type of key signs with, where nobody says.
const DEFAULTS: &[(ck::CK_KEY_TYPE, ck::CK_MECHANISM_TYPE)] = &[
    (ck::CKK_RSA, ck::CKM_SHA256_RSA_PKCS),
    (ck::CKK_EC, ck::CKM_ECDSA_SHA256),
    (ck::CKK_EC_EDWARDS, ck::CKM_EDDSA),
    (ck::CKK_ML_DSA, ck::CKM_ML_DSA),
    (ck::CKK_SLH_DSA, ck::CKM_SLH_DSA),
    (ck::CKK_GENERIC_SECRET, ck::CKM_SHA256_HMAC),
];

/// The mechanism that was named, or the key's own.
pub fn mechanism_for(
    session: &Session<'_>,
    key: ObjectHandle,
    named: Option<&str>,
    data_len: usize,
) -> Result<Mechanism> {
    let row = match named {
        Some(named) => by_name(named)?,
        None => {
            let key_type = session.attributes(key, &[ck::CKA_KEY_TYPE])?.key_type();
            let default = DEFAULTS.iter().find(|(known, _)| Some(*known) == key_type);
            let row = default.and_then(|(_, kind)| mechanism::descriptor(*kind));
            row.ok_or_else(|| Error::Usage("this type of key needs --mechanism".to_owned()))?
        }
    };
    Ok(Mechanism { kind: row.kind, params: params(row, data_len)? })
}

fn by_name(name: &str) -> Result<&'static Descriptor> {
    let bare = name.strip_prefix("CKM_").unwrap_or(name);
    let row = mechanism::all()
        .find(|row| row.name.strip_prefix("CKM_").is_some_and(|own| own.eq_ignore_ascii_case(bare)));
    row.ok_or_else(|| Error::Usage(format!("there is no mechanism {name}: see `keyward mechanism list`")))
}

/// A hash as mechanisms' names spell it, with its CKM_, its CKG_MGF1_ and its length in bytes.
const HASHES: &[(&str, ck::CK_MECHANISM_TYPE, ck::CK_RSA_PKCS_MGF_TYPE, usize)] = &[
    ("CKM_SHA1_", ck::CKM_SHA_1, ck::CKG_MGF1_SHA1, 20),
    ("CKM_SHA224_", ck::CKM_SHA224, ck::CKG_MGF1_SHA224, 28),
    ("CKM_SHA256_", ck::CKM_SHA256, ck::CKG_MGF1_SHA256, 32),
    ("CKM_SHA384_", ck::CKM_SHA384, ck::CKG_MGF1_SHA384, 48),
    ("CKM_SHA512_", ck::CKM_SHA512, ck::CKG_MGF1_SHA512, 64),
    ("CKM_SHA3_224_", ck::CKM_SHA3_224, ck::CKG_MGF1_SHA3_224, 28),
    ("CKM_SHA3_256_", ck::CKM_SHA3_256, ck::CKG_MGF1_SHA3_256, 32),
    ("CKM_SHA3_384_", ck::CKM_SHA3_384, ck::CKG_MGF1_SHA3_384, 48),
    ("CKM_SHA3_512_", ck::CKM_SHA3_512, ck::CKG_MGF1_SHA3_512, 64),
];

/// The usual parameters: PSS with the mechanism's hash throughout and a salt as long as it, nothing where nothing is
/// needed. CKM_RSA_PKCS_PSS signs a digest, whose length tells the hash.
fn params(row: &Descriptor, data_len: usize) -> Result<Params> {
    match row.param {
        ParamKind::Pss => {
            let named = HASHES.iter().find(|(prefix, ..)| row.name.starts_with(prefix));
            let hash = named.or_else(|| HASHES.iter().find(|(.., len)| *len == data_len));
            match hash {
                Some((_, hash, mgf, len)) => {
                    Ok(Params::Pss { hash: *hash, mgf: *mgf, salt_len: ulong(*len) })
                }
                None => usage(format!("{} signs a digest; {data_len} bytes are none", row.name)),
            }
        }
        _ => Ok(Params::None),
    }
}

/// The name of a mechanism.
pub fn name(mechanism: &Mechanism) -> String {
    let row = mechanism::descriptor(mechanism.kind);
    row.map_or_else(|| format!("mechanism {}", length(mechanism.kind)), |row| row.name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_and_without_prefix() {
        assert_eq!(by_name("CKM_ML_DSA").unwrap().kind, ck::CKM_ML_DSA);
        assert_eq!(by_name("ecdsa_sha256").unwrap().kind, ck::CKM_ECDSA_SHA256);
        assert!(by_name("CKM_ROT13").is_err());
    }

    #[test]
    fn every_default_signs() {
        for (key_type, kind) in DEFAULTS {
            let row = mechanism::descriptor(*kind).unwrap();
            assert!(row.ops.sign.is_some() && row.takes(*key_type), "{}", row.name);
        }
    }

    #[test]
    fn pss_takes_its_hash_from_the_name_or_the_digest() {
        let salt = |name: &str, len| match params(by_name(name).unwrap(), len) {
            Ok(Params::Pss { salt_len, .. }) => Some(salt_len),
            _ => None,
        };
        assert_eq!(salt("SHA384_RSA_PKCS_PSS", 5), Some(48));
        assert_eq!(salt("RSA_PKCS_PSS", 64), Some(64));
        assert_eq!(salt("RSA_PKCS_PSS", 5), None);
    }
}
