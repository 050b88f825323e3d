//! `keyward kms encrypt-pin`: a soft token's PIN, for a cloud key alone to read.

use std::path::PathBuf;

use base64ct::{Base64, Encoding};
use clap::Args;
use serde_json::json;

use super::super::error::{Result, failed, usage};
use super::super::files;
use super::super::host::{Host, Session, TokenArg};
use super::super::output::Answer;
use super::super::pin::PinArgs;
use crate::calls;
use crate::config::OAEP_HASHES;
use crate::mechanism::{Mechanism, Params};
use crate::module::operation::{Answer as Produced, Output};
use crate::object::Template;
use crate::token::ObjectHandle;
use crate::types::ck;

/// Shown below the options.
pub const HELP: &str = "\
The PIN is encrypted here with the public half of an RSA key (OAEP); the service is asked for that half only. The file
is no secret. A configuration names it to unlock a token:

  [[soft.pin]]
  token = \"web\"
  kms = \"aws-prod\"
  key = \"unlock\"
  ciphertext = \"pin.enc\"

Example:
  keyward kms encrypt-pin --slot aws-prod --key unlock --pin-file pin --out pin.enc";

/// `keyward kms encrypt-pin`
#[derive(Args, Debug)]
pub struct EncryptPin {
    /// Label of the slot
    #[arg(long, value_name = "LABEL")]
    pub slot: String,
    /// Label of the RSA key
    #[arg(long, value_name = "LABEL")]
    pub key: String,
    /// Hash of OAEP: sha256, sha1, sha384 or sha512
    #[arg(long, default_value = "sha256")]
    pub hash: String,
    /// Where to write the ciphertext, in Base64
    #[arg(long, short, value_name = "FILE")]
    pub out: PathBuf,
    #[command(flatten)]
    pub pin: PinArgs,
}

/// Encrypts.
pub fn run(args: &EncryptPin) -> Result<Answer> {
    let Some((_, (hash, mgf))) = OAEP_HASHES.iter().find(|(name, _)| *name == args.hash) else {
        let known: Vec<_> = OAEP_HASHES.iter().map(|(name, _)| *name).collect();
        return usage(format!("--hash: {:?} is none of {}", args.hash, known.join(", ")));
    };
    let host = Host::start()?;
    let slot = host.select(&TokenArg { token: Some(args.slot.clone()) })?;
    let session = host.open(&slot, false)?;
    let template = Template::new()
        .with(ck::CKA_CLASS, ck::CKO_PUBLIC_KEY)
        .with(ck::CKA_KEY_TYPE, ck::CKK_RSA)
        .with(ck::CKA_LABEL, args.key.as_bytes());
    // The newest version comes first.
    let Some(&key) = session.find(&template)?.first() else {
        return failed(format!("slot {} has no RSA key with the label {}", args.slot, args.key));
    };
    let pin = args.pin.source().read_new("PIN to encrypt")?;
    let params = Params::Oaep { hash: *hash, mgf: *mgf, label: Vec::new() };
    let mechanism = Mechanism { kind: ck::CKM_RSA_PKCS_OAEP, params };
    let ciphertext = encrypt(&session, &mechanism, key, &pin)?;
    files::write(&args.out, format!("{}\n", Base64::encode_string(&ciphertext)).as_bytes())?;
    let line = format!("Encrypted the PIN for {} of slot {}, in {}", args.key, args.slot, args.out.display());
    Ok(Answer::new(line, json!({ "slot": args.slot, "key": args.key, "file": args.out })))
}

fn encrypt(session: &Session<'_>, mechanism: &Mechanism, key: ObjectHandle, pin: &[u8]) -> Result<Vec<u8>> {
    let (module, handle) = (session.module, session.handle);
    calls::operation::encrypt_init(module, handle, Some(mechanism), key)?;
    let mut ciphertext = match calls::operation::encrypt(module, handle, pin, Output::Size)? {
        Produced::Size(len) | Produced::TooSmall(len) | Produced::Written(len) => vec![0; len],
    };
    match calls::operation::encrypt(module, handle, pin, Output::Buffer(&mut ciphertext))? {
        Produced::Written(len) => {
            ciphertext.truncate(len);
            Ok(ciphertext)
        }
        Produced::Size(_) | Produced::TooSmall(_) => failed("the key changed its mind about the size"),
    }
}
