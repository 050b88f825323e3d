//! `keyward object export`: public keys and certificates for anybody; private and secret keys only where their
//! attributes allow it, and encrypted unless the caller insists.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::error::{Error, Result, failed, usage};
use super::extract;
use super::files;
use super::formats::{self, Bundle, Format};
use super::host::{Host, Session, TokenArg};
use super::output::Answer;
use super::passphrase::PassphraseArgs;
use super::pin::PinArgs;
use super::progress::Spinner;
use super::select::{Class, Selection, Shown, class_word};
use crate::crypto::{PrivateKey, PublicKey};
use crate::object::attribute;
use crate::token::ObjectHandle;
use crate::types::{SecretBytes, ck};

/// Shown below the options.
pub const HELP: &str = "\
Public keys: pem, der, ssh (a line for authorized_keys), jwk. Certificates: pem, der.
Private keys: pem and der (PKCS#8), pkcs12 (with its certificates), ssh, all under a passphrase; with --plain also in
clear, and as jwk. Secret keys: raw, hex, base64, jwk, with --plain only.

A key has to be extractable. One that is sensitive leaves under a passphrase only.

Examples:
  keyward object export --label web --class public            its SubjectPublicKeyInfo in PEM
  keyward object export --label web --class public --format ssh >>authorized_keys
  keyward object export --label web --class cert --chain --out web.crt
  keyward object export --label web --format pkcs12 --out web.p12
  keyward object export --label web --class private --passphrase-env PASSPHRASE --out web.key
  keyward object export --label kek --class secret --plain --out kek.bin";

/// `keyward object export`
#[derive(Args, Debug)]
pub struct Export {
    #[command(flatten)]
    pub selection: Selection,
    /// How to write it (default: pem; raw for a secret key)
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Where to write it (default: stdout)
    #[arg(long, short, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write a private or secret key in clear: whoever reads the file has the key
    #[arg(long)]
    pub plain: bool,
    /// Write a certificate with those of its issuers that are in the token
    #[arg(long)]
    pub chain: bool,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    #[command(flatten)]
    pub token: TokenArg,
    #[command(flatten)]
    pub pin: PinArgs,
}

/// What is to be written.
struct Order {
    class: Option<Class>,
    format: Format,
    /// Under this passphrase; in clear without one.
    passphrase: Option<SecretBytes>,
    chain: bool,
}

/// What is written.
struct Encoded {
    content: SecretBytes,
    /// Whether it is a private or secret key, encrypted or not.
    secret: bool,
    /// Whether it may be shown on a terminal.
    text: bool,
}

/// Runs the verb.
pub fn run(host: &Host, args: &Export) -> Result<Answer> {
    let order = order(args)?;
    let token = host.select(&args.token)?;
    let secret = matches!(order.class, Some(Class::Private | Class::Secret));
    let session = match secret || asks_for_login(&args.pin) {
        true => host.open_user(&token, false, &args.pin)?,
        false => host.open(&token, false)?,
    };
    let object = choose(&session, &args.selection, order.class)?;
    let shown = Shown::one(&session, object)?;
    let encoded = {
        let _spinner = Spinner::new("Exporting");
        encode(&session, &shown, &order)?
    };
    let mut json = shown.json();
    let text = deliver(&encoded, args.out.as_deref())?;
    if encoded.secret && order.passphrase.is_none() {
        eprintln!("keyward: warning: the key is in clear now: whoever reads the file has it");
    }
    if let Some(object) = json.as_object_mut() {
        match &args.out {
            Some(out) => object.insert("file".to_owned(), out.display().to_string().into()),
            None => object.insert(word(order.format), text.clone().into()),
        };
    }
    Ok(Answer::new(text.trim_end(), json!({ "exported": json })))
}

fn word(format: Format) -> String {
    use clap::ValueEnum;
    format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Settles what the options mean, and reads the passphrase: before the PIN, as `--passphrase-stdin` says.
fn order(args: &Export) -> Result<Order> {
    if args.selection.is_everything() {
        return usage("say which object with --label, --id or --class");
    }
    let class = match (args.selection.class, args.format) {
        // It is for private keys and nothing else.
        (None, Some(Format::Pkcs12)) => Some(Class::Private),
        (class, _) => class,
    };
    let (private, secret) = (class == Some(Class::Private), class == Some(Class::Secret));
    let format = args.format.unwrap_or(if secret { Format::Raw } else { Format::Pem });
    if (private || secret) && args.out.is_none() {
        return usage("a key's value goes into a file only: --out FILE");
    }
    if !private && !secret && args.plain {
        return usage("--plain is for private and secret keys: add --class private or --class secret");
    }
    if secret && !args.plain {
        return usage("a secret key can be written in clear only: --plain says that it shall");
    }
    if private && format == Format::Jwk && !args.plain {
        return usage("a JWK can be written in clear only: --plain says that it shall");
    }
    if format == Format::Pkcs12 && args.plain {
        return usage("a PKCS#12 file is always under a passphrase: leave --plain out");
    }
    if args.chain && class.is_some_and(|class| class != Class::Cert) {
        return usage("--chain is for certificates; a PKCS#12 file has them anyway");
    }
    let passphrase = match private && !args.plain {
        true => Some(args.passphrase.source().read_new("passphrase of the file")?),
        false => None,
    };
    Ok(Order { class, format, passphrase, chain: args.chain })
}

fn asks_for_login(pin: &PinArgs) -> bool {
    pin.pin_file.is_some() || pin.pin_env.is_some() || pin.pin_stdin
}

/// The one object meant: private and secret keys only where they were named as such.
fn choose(session: &Session<'_>, selection: &Selection, class: Option<Class>) -> Result<ObjectHandle> {
    let selection = Selection { class, ..selection.clone() };
    let mut found = session.find(&selection.template())?;
    if class.is_none() {
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

fn encode(session: &Session<'_>, object: &Shown, order: &Order) -> Result<Encoded> {
    match object.attributes.class() {
        ck::CKO_PUBLIC_KEY => public(session, object, order.format),
        ck::CKO_CERTIFICATE => certificate(session, object, order),
        ck::CKO_PRIVATE_KEY => private(session, object, order),
        ck::CKO_SECRET_KEY => secret(session, object, order.format),
        other => failed(format!("objects of class {} can't be exported", class_word(other))),
    }
}

fn refused<T>(what: &str, format: Format) -> Result<T> {
    usage(format!("{what} can't be written as {}: see --help", word(format)))
}

fn public(session: &Session<'_>, object: &Shown, format: Format) -> Result<Encoded> {
    let spki = value(session, object.handle, ck::CKA_PUBLIC_KEY_INFO)?;
    let key = || PublicKey::from_spki(&spki);
    let content = match format {
        Format::Pem => formats::pem("PUBLIC KEY", &spki),
        Format::Der => Ok(spki),
        Format::Ssh => formats::ssh_public(&key()?, &object.label()),
        Format::Jwk => formats::jwk_public(&key()?, &object.label()),
        _ => return refused("a public key", format),
    };
    let content = content.map_err(Error::Failed)?;
    Ok(Encoded { content, secret: false, text: format != Format::Der })
}

fn certificate(session: &Session<'_>, object: &Shown, order: &Order) -> Result<Encoded> {
    let leaf = value(session, object.handle, ck::CKA_VALUE)?;
    let chain = if order.chain { extract::chain(session, &leaf)? } else { vec![leaf.to_vec()] };
    let mut content = Vec::new();
    for certificate in &chain {
        match order.format {
            Format::Pem => {
                content.extend_from_slice(&formats::pem("CERTIFICATE", certificate).map_err(Error::Failed)?)
            }
            Format::Der => content.extend_from_slice(certificate),
            other => return refused("a certificate", other),
        }
    }
    Ok(Encoded { content: content.into(), secret: false, text: order.format == Format::Pem })
}

fn private(session: &Session<'_>, object: &Shown, order: &Order) -> Result<Encoded> {
    let passphrase = order.passphrase.as_deref();
    let key = extract::private_key(session, object, passphrase.is_some())?;
    let label = object.label();
    let content = match (order.format, passphrase) {
        (Format::Pem, _) => {
            let label = if passphrase.is_some() { "ENCRYPTED PRIVATE KEY" } else { "PRIVATE KEY" };
            pkcs8(&key, passphrase).and_then(|der| formats::pem(label, &der))
        }
        (Format::Der, _) => pkcs8(&key, passphrase),
        (Format::Ssh, _) => formats::ssh_private(&key, &label, passphrase),
        (Format::Jwk, None) => formats::jwk_private(&key, &label),
        (Format::Pkcs12, Some(passphrase)) => {
            let chain = extract::chain_of_key(session, &key)?;
            let id = object.attributes.bytes(ck::CKA_ID).unwrap_or_default();
            formats::pkcs12(&Bundle { key: &key, label: &label, id, chain: &chain }, passphrase)
        }
        (other, _) => return refused("a private key", other),
    };
    Ok(Encoded { content: content.map_err(Error::Failed)?, secret: true, text: false })
}

fn pkcs8(key: &PrivateKey, passphrase: Option<&[u8]>) -> std::result::Result<SecretBytes, String> {
    let der = key.to_pkcs8().map_err(|error| error.to_string())?;
    match passphrase {
        Some(passphrase) => formats::encrypt_pkcs8(&der, passphrase),
        None => Ok(der),
    }
}

fn secret(session: &Session<'_>, object: &Shown, format: Format) -> Result<Encoded> {
    let value = extract::secret_key(session, object)?;
    let content = match format {
        Format::Raw => value,
        Format::Hex => formats::hex(&value),
        Format::Base64 => formats::base64(&value),
        Format::Jwk => formats::jwk_secret(&value, &object.label()),
        _ => return refused("a secret key", format),
    };
    Ok(Encoded { content, secret: true, text: false })
}

fn value(session: &Session<'_>, object: ObjectHandle, kind: ck::CK_ATTRIBUTE_TYPE) -> Result<SecretBytes> {
    match session.attributes(object, &[kind])?.bytes(kind).filter(|value| !value.is_empty()) {
        Some(value) => Ok(SecretBytes::from(value)),
        None => failed(format!("the object has no {}", attribute::name(kind))),
    }
}

/// Writes the file, or returns the text for stdout.
fn deliver(encoded: &Encoded, out: Option<&Path>) -> Result<String> {
    match (out, encoded.secret) {
        (Some(out), true) => files::write_secret(out, &encoded.content)?,
        (Some(out), false) => files::write(out, &encoded.content)?,
        (None, false) if encoded.text => return Ok(String::from_utf8_lossy(&encoded.content).into_owned()),
        (None, _) => return usage("this is not text, and goes into a file only: --out FILE"),
    }
    Ok(format!("Wrote {}", out.unwrap_or(Path::new("")).display()))
}
