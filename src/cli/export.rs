//! `keyward object export`: public keys and certificates; secrets only where their attributes and the caller agree.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use der::pem::LineEnding;
use serde_json::json;
use zeroize::Zeroizing;

use super::error::{Error, Result, failed, usage};
use super::files;
use super::host::{Host, Session, TokenArg};
use super::output::Answer;
use super::pin::PinArgs;
use super::select::{Class, Selection, Shown, class_word};
use crate::mechanism::material;
use crate::object::attribute;
use crate::token::ObjectHandle;
use crate::types::{SecretBytes, ck};

/// Shown below the options.
pub const HELP: &str = "\
Examples:
  keyward object export --label web --class public            its SubjectPublicKeyInfo in PEM
  keyward object export --label web --class cert --out web.crt
  keyward object export --label kek --class secret --force-secret --out kek.bin";

/// `keyward object export`
#[derive(Args, Debug)]
pub struct Export {
    #[command(flatten)]
    pub selection: Selection,
    /// How to write it
    #[arg(long, value_enum, default_value_t = Format::Pem)]
    pub format: Format,
    /// Where to write it (default: stdout)
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write a private or secret key that is extractable and not sensitive: its value will lie in a file
    #[arg(long)]
    pub force_secret: bool,
    #[command(flatten)]
    pub token: TokenArg,
    #[command(flatten)]
    pub pin: PinArgs,
}

/// Encodings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// PEM
    Pem,
    /// DER
    Der,
}

/// What is written, and under which PEM label; `None` for a secret key, which is raw bytes.
struct Encoded {
    pem: Option<&'static str>,
    secret: bool,
    der: SecretBytes,
}

/// Runs the verb.
pub fn run(host: &Host, args: &Export) -> Result<Answer> {
    if args.selection.is_everything() {
        return usage("say which object with --label, --id or --class");
    }
    let secret = matches!(args.selection.class, Some(Class::Private | Class::Secret));
    if secret && !args.force_secret {
        return usage("this would write the key's value into a file: --force-secret says that it shall");
    }
    if secret && args.out.is_none() {
        return usage("a key's value goes into a file only: --out FILE");
    }
    let token = host.select(&args.token)?;
    let session = match secret || asks_for_login(&args.pin) {
        true => host.open_user(&token, false, &args.pin)?,
        false => host.open(&token, false)?,
    };
    let object = choose(&session, &args.selection)?;
    let shown = Shown::one(&session, object)?;
    let encoded = encode(&session, object, shown.attributes.class())?;
    let mut json = shown.json();
    let text = deliver(&encoded, args.format, args.out.as_deref())?;
    if let Some(object) = json.as_object_mut() {
        match &args.out {
            Some(out) => object.insert("file".to_owned(), out.display().to_string().into()),
            None => object.insert("pem".to_owned(), text.clone().into()),
        };
    }
    Ok(Answer::new(text.trim_end(), json!({ "exported": json })))
}

fn asks_for_login(pin: &PinArgs) -> bool {
    pin.pin_file.is_some() || pin.pin_env.is_some() || pin.pin_stdin
}

/// The one object meant: private and secret keys only where they were named as such.
fn choose(session: &Session<'_>, selection: &Selection) -> Result<ObjectHandle> {
    let mut found = session.find(&selection.template())?;
    if selection.class.is_none() {
        let mut open = Vec::new();
        for object in found {
            let class = session.attributes(object, &[ck::CKA_CLASS])?.class();
            if [ck::CKO_PUBLIC_KEY, ck::CKO_CERTIFICATE].contains(&class) {
                open.push(object);
            }
        }
        found = open;
    }
    match found[..] {
        [object] => Ok(object),
        [] => failed("no such object, or none that is seen without the PIN: see `keyward object list`"),
        _ => failed(format!("{} objects match: narrow it down with --label, --id and --class", found.len())),
    }
}

fn encode(session: &Session<'_>, object: ObjectHandle, class: ck::CK_OBJECT_CLASS) -> Result<Encoded> {
    match class {
        ck::CKO_PUBLIC_KEY => value(session, object, ck::CKA_PUBLIC_KEY_INFO, "PUBLIC KEY"),
        ck::CKO_CERTIFICATE => value(session, object, ck::CKA_VALUE, "CERTIFICATE"),
        ck::CKO_PRIVATE_KEY | ck::CKO_SECRET_KEY => {
            let shown = session.attributes(object, &[ck::CKA_SENSITIVE, ck::CKA_EXTRACTABLE])?;
            if shown.flag(ck::CKA_SENSITIVE) || !shown.flag(ck::CKA_EXTRACTABLE) {
                return failed("the key is sensitive or not extractable: its value stays in the token");
            }
            let everything: Vec<ck::CK_ATTRIBUTE_TYPE> = attribute::all().map(|row| row.id).collect();
            let der = material::wrap_encoding(&session.attributes(object, &everything)?)?;
            let pem = Some("PRIVATE KEY").filter(|_| class == ck::CKO_PRIVATE_KEY);
            Ok(Encoded { pem, secret: true, der })
        }
        other => failed(format!("objects of class {} can't be exported", class_word(other))),
    }
}

fn value(
    session: &Session<'_>,
    object: ObjectHandle,
    kind: ck::CK_ATTRIBUTE_TYPE,
    pem: &'static str,
) -> Result<Encoded> {
    match session.attributes(object, &[kind])?.bytes(kind).filter(|value| !value.is_empty()) {
        Some(der) => Ok(Encoded { pem: Some(pem), secret: false, der: SecretBytes::from(der) }),
        None => failed(format!("the object has no {}", attribute::name(kind))),
    }
}

/// Writes the file, or returns the text for stdout.
fn deliver(encoded: &Encoded, format: Format, out: Option<&Path>) -> Result<String> {
    let pem = match (encoded.pem, format) {
        (Some(label), Format::Pem) => Some(
            der::pem::encode_string(label, LineEnding::LF, &encoded.der)
                .map(Zeroizing::new)
                .map_err(|error| Error::Failed(format!("PEM: {error}")))?,
        ),
        _ => None,
    };
    match (out, &pem) {
        (Some(out), _) => {
            let content = pem.as_ref().map_or(&*encoded.der, |pem| pem.as_bytes());
            if encoded.secret {
                files::write_secret(out, content)?
            } else {
                files::write(out, content)?
            }
            Ok(format!("Wrote {}", out.display()))
        }
        (None, Some(pem)) => Ok(pem.to_string()),
        (None, None) => usage("DER goes into a file only: --out FILE"),
    }
}
