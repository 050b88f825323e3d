//! `keyward object import`: PKCS#8 private keys and X.509 certificates in PEM or DER, secret keys as raw bytes.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use der::asn1::AnyRef;
use der::{Class, Decode, Encode, SliceReader, Tag, Tagged};
use serde_json::Value as Json;
use serde_json::json;

use super::error::{Error, Result, failed, usage};
use super::files;
use super::host::{Host, Session, TokenArg};
use super::key::{Traits, random_id, refuse_twin};
use super::keytype;
use super::output::Answer;
use super::pin::PinArgs;
use super::select::Shown;
use crate::calls;
use crate::crypto::{Hash, PrivateKey, digest};
use crate::mechanism::material;
use crate::object::{Attributes, Template};
use crate::token::ObjectHandle;
use crate::types::{SecretBytes, ck};

/// Shown below the options.
pub const HELP: &str = "\
A file may hold several PEM blocks: a private key and its certificate get the same ID, as applications need it.
Without --id a key's ID is the SHA-1 of its public key, and a certificate takes the ID of its private key.

Examples:
  keyward object import server.pem --label web
  keyward object import ca.crt --label ca
  keyward object import key.bin --secret aes --label kek --id 07";

/// `keyward object import`
#[derive(Args, Debug)]
pub struct Import {
    /// PKCS#8 private key or X.509 certificate, PEM or DER; "-" is stdin
    pub file: PathBuf,
    #[command(flatten)]
    pub traits: Traits,
    /// The file is a secret key of this type, as raw bytes
    #[arg(long, value_enum, value_name = "TYPE")]
    pub secret: Option<SecretKind>,
    /// Keep no public key object beside a private key
    #[arg(long)]
    pub no_public_key: bool,
    #[command(flatten)]
    pub token: TokenArg,
    #[command(flatten)]
    pub pin: PinArgs,
}

/// Types of secret keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SecretKind {
    /// AES
    Aes,
    /// Generic secrets, HMAC keys among them
    Generic,
}

/// Something that a file holds.
pub enum Item {
    /// A PKCS#8 PrivateKeyInfo.
    Key(Box<PrivateKey>),
    /// An X.509 certificate.
    Certificate(Vec<u8>),
    /// The value of a secret key.
    Secret(ck::CK_KEY_TYPE, SecretBytes),
}

/// Runs the verb.
pub fn run(host: &Host, args: &Import) -> Result<Answer> {
    if args.file.as_os_str() == "-" && args.pin.pin_stdin {
        return usage("stdin can't be both the file and the PIN");
    }
    let content = files::read(&args.file)?;
    let items = match args.secret {
        Some(SecretKind::Aes) => vec![Item::Secret(ck::CKK_AES, SecretBytes::from(content.as_slice()))],
        Some(SecretKind::Generic) => {
            vec![Item::Secret(ck::CKK_GENERIC_SECRET, SecretBytes::from(content.as_slice()))]
        }
        None => items(&args.file, &content)?,
    };
    let token = host.select(&args.token)?;
    let session = host.open_user(&token, true, &args.pin)?;
    let mut made = Vec::new();
    for item in &items {
        made.extend(create(&session, item, &args.traits, !args.no_public_key)?);
    }
    let shown =
        made.into_iter().map(|handle| Shown::one(&session, handle)).collect::<Result<Vec<Shown>>>()?;
    let json = json!({
        "token": { "label": token.label, "serial": token.serial },
        "imported": shown.iter().map(Shown::json).collect::<Vec<Json>>(),
    });
    Ok(Answer::new(format!("Imported into {}\n{}", token.name(), Shown::table(&shown)), json))
}

/// What a file holds, private keys first, so that certificates find their IDs.
pub fn items(path: &Path, content: &[u8]) -> Result<Vec<Item>> {
    let refused = |why: &str| Error::Failed(format!("{}: {why}", path.display()));
    let text = std::str::from_utf8(content).ok().filter(|text| text.contains("-----BEGIN "));
    let mut items = match text {
        Some(text) => {
            // `openssl ecparam -genkey` writes the curve before the key, which names it again.
            let blocks = blocks(text).filter(|block| !block.starts_with("-----BEGIN EC PARAMETERS-----"));
            blocks.map(|block| pem_item(block).map_err(|why| refused(&why))).collect::<Result<_>>()?
        }
        None => vec![der_item(content).map_err(|why| refused(&why))?],
    };
    items.sort_by_key(|item| !matches!(item, Item::Key(_)));
    if items.is_empty() {
        return Err(refused("no complete PEM block"));
    }
    Ok(items)
}

/// The PEM blocks of a text, from BEGIN to END; what stands between them is left out.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let begin = rest.get(rest.find("-----BEGIN ")?..)?;
        let end = begin.find("-----END ")?;
        let tail = begin.get(end + "-----END ".len()..)?;
        let end = end + "-----END ".len() + tail.find("-----")? + "-----".len();
        let (block, after) = begin.split_at_checked(end)?;
        rest = after;
        Some(block)
    })
}

fn pem_item(block: &str) -> std::result::Result<Item, String> {
    let (label, der) = der::pem::decode_vec(block.as_bytes()).map_err(|error| format!("bad PEM: {error}"))?;
    let der = SecretBytes::from(der);
    match label {
        "PRIVATE KEY" => private_key(&der),
        "CERTIFICATE" | "X509 CERTIFICATE" => certificate(&der),
        "ENCRYPTED PRIVATE KEY" => {
            Err("the key is encrypted: `openssl pkey -in FILE` decrypts it".to_owned())
        }
        "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {
            Err("not a PKCS#8 key: `openssl pkey -in FILE -out NEW` converts it".to_owned())
        }
        other => Err(format!("{other:?} can't be imported: only PRIVATE KEY (PKCS#8) and CERTIFICATE")),
    }
}

fn der_item(der: &[u8]) -> std::result::Result<Item, String> {
    // A PrivateKeyInfo starts with its version, a certificate with a SEQUENCE.
    let first = || -> der::Result<Tag> {
        let outer = AnyRef::decode(&mut SliceReader::new(der)?)?;
        Ok(AnyRef::decode(&mut SliceReader::new(outer.value())?)?.tag())
    };
    match first() {
        Ok(Tag::Integer) => private_key(der),
        Ok(Tag::Sequence) => certificate(der),
        _ => Err("neither PEM nor a DER private key or certificate; --secret TYPE takes raw secret keys"
            .to_owned()),
    }
}

fn private_key(der: &[u8]) -> std::result::Result<Item, String> {
    match PrivateKey::from_pkcs8(der) {
        Ok(key) => Ok(Item::Key(Box::new(key))),
        Err(error) => Err(format!("the private key can't be read: {error}")),
    }
}

fn certificate(der: &[u8]) -> std::result::Result<Item, String> {
    match Fields::of(der) {
        Ok(_) => Ok(Item::Certificate(der.to_vec())),
        Err(error) => Err(format!("the certificate can't be read: {error}")),
    }
}

/// What CKO_CERTIFICATE keeps beside the certificate, in DER.
struct Fields {
    serial: Vec<u8>,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    public_key: Vec<u8>,
}

impl Fields {
    /// By their places alone: certificates that a strict parser refuses are in use.
    fn of(certificate: &[u8]) -> der::Result<Fields> {
        let certificate = AnyRef::from_der(certificate)?;
        let tbs = AnyRef::decode(&mut SliceReader::new(certificate.value())?)?;
        let mut fields = SliceReader::new(tbs.value())?;
        let mut serial = AnyRef::decode(&mut fields)?;
        if serial.tag().class() == Class::ContextSpecific {
            // It was the version.
            serial = AnyRef::decode(&mut fields)?;
        }
        let _signature_algorithm = AnyRef::decode(&mut fields)?;
        let issuer = AnyRef::decode(&mut fields)?;
        let _validity = AnyRef::decode(&mut fields)?;
        let subject = AnyRef::decode(&mut fields)?;
        let public_key = AnyRef::decode(&mut fields)?;
        Ok(Fields {
            serial: serial.to_der()?,
            issuer: issuer.to_der()?,
            subject: subject.to_der()?,
            public_key: public_key.to_der()?,
        })
    }
}

/// Creates what an item stands for; `public_key` adds the public half of a private key.
pub fn create(
    session: &Session<'_>,
    item: &Item,
    traits: &Traits,
    public_key: bool,
) -> Result<Vec<ObjectHandle>> {
    match item {
        Item::Key(key) => create_pair(session, key, traits, public_key),
        Item::Certificate(der) => create_certificate(session, der, traits).map(|handle| vec![handle]),
        Item::Secret(key_type, value) => {
            let id = match &traits.id {
                Some(id) => id.0.clone(),
                None => random_id()?,
            };
            refuse_twin(session, false, &traits.label, &id)?;
            let usages = keytype::family(*key_type).map(|family| family.usages).unwrap_or_default();
            let template = traits.template(ck::CKO_SECRET_KEY, &id, usages);
            let template = template.with(ck::CKA_KEY_TYPE, *key_type).with(ck::CKA_VALUE, value.clone());
            Ok(vec![calls::object::create(session.module, session.handle, template)?])
        }
    }
}

fn create_pair(
    session: &Session<'_>,
    key: &PrivateKey,
    traits: &Traits,
    public: bool,
) -> Result<Vec<ObjectHandle>> {
    let key_type = key_type(key);
    let id = match &traits.id {
        Some(id) => id.0.clone(),
        None => fingerprint(&key.public().to_spki()?),
    };
    refuse_twin(session, true, &traits.label, &id)?;
    let empty = |class| Attributes::new().with(ck::CKA_CLASS, class).with(ck::CKA_KEY_TYPE, key_type);
    let (mut of_public, mut of_private) = (empty(ck::CKO_PUBLIC_KEY), empty(ck::CKO_PRIVATE_KEY));
    material::fill_pair(&mut of_public, &mut of_private, key)?;
    let usages = keytype::family(key_type).map(|family| family.usages).unwrap_or_default();
    let create = |class, material: &Attributes| {
        let template = with_material(traits.template(class, &id, usages), material);
        calls::object::create(session.module, session.handle, template)
    };
    let private = create(ck::CKO_PRIVATE_KEY, &of_private)?;
    if !public {
        return Ok(vec![private]);
    }
    match create(ck::CKO_PUBLIC_KEY, &of_public) {
        Ok(public) => Ok(vec![private, public]),
        Err(error) => {
            // Half a pair would be in the way of the next try.
            calls::object::destroy(session.module, session.handle, private)?;
            Err(error.into())
        }
    }
}

/// A template with a key's material, but for what C_CreateObject computes itself.
fn with_material(template: Template, material: &Attributes) -> Template {
    let given = material.iter().filter(|(id, _)| ![ck::CKA_CLASS, ck::CKA_MODULUS_BITS].contains(id));
    given.fold(template, |template, (id, value)| template.with(id, value.clone()))
}

fn key_type(key: &PrivateKey) -> ck::CK_KEY_TYPE {
    match key {
        PrivateKey::Rsa(_) => ck::CKK_RSA,
        PrivateKey::Ec(_) => ck::CKK_EC,
        PrivateKey::Ed25519(_) => ck::CKK_EC_EDWARDS,
        PrivateKey::X25519(_) => ck::CKK_EC_MONTGOMERY,
        PrivateKey::MlDsa(_) => ck::CKK_ML_DSA,
    }
}

fn fingerprint(public_key_info: &[u8]) -> Vec<u8> {
    digest(Hash::Sha1, public_key_info).to_vec()
}

fn create_certificate(session: &Session<'_>, der: &[u8], traits: &Traits) -> Result<ObjectHandle> {
    let Ok(fields) = Fields::of(der) else { return failed("the certificate can't be read") };
    let same = Template::new().with(ck::CKA_CLASS, ck::CKO_CERTIFICATE).with(ck::CKA_VALUE, der);
    if !session.find(&same)?.is_empty() {
        return failed("the certificate is there already");
    }
    let id = match &traits.id {
        Some(id) => id.0.clone(),
        None => id_of_key(session, &fields.public_key)?,
    };
    let template = Template::new()
        .with(ck::CKA_CLASS, ck::CKO_CERTIFICATE)
        .with(ck::CKA_CERTIFICATE_TYPE, ck::CKC_X_509)
        .with(ck::CKA_TOKEN, true)
        .with(ck::CKA_PRIVATE, false)
        .with(ck::CKA_LABEL, traits.label.as_str())
        .with(ck::CKA_ID, id)
        .with(ck::CKA_SUBJECT, fields.subject)
        .with(ck::CKA_ISSUER, fields.issuer)
        .with(ck::CKA_SERIAL_NUMBER, fields.serial)
        .with(ck::CKA_VALUE, der);
    Ok(calls::object::create(session.module, session.handle, template)?)
}

/// The CKA_ID of the private key that a certificate belongs to: applications pair them by it.
fn id_of_key(session: &Session<'_>, public_key_info: &[u8]) -> Result<Vec<u8>> {
    for class in [ck::CKO_PRIVATE_KEY, ck::CKO_PUBLIC_KEY] {
        let key = Template::new().with(ck::CKA_CLASS, class).with(ck::CKA_PUBLIC_KEY_INFO, public_key_info);
        if let Some(key) = session.find(&key)?.first() {
            let id = session.attributes(*key, &[ck::CKA_ID])?;
            if let Some(id) = id.bytes(ck::CKA_ID).filter(|id| !id.is_empty()) {
                return Ok(id.to_vec());
            }
        }
    }
    Ok(fingerprint(public_key_info))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_cut_out() {
        let text =
            "noise\n-----BEGIN A-----\nAA==\n-----END A-----\nx\n-----BEGIN B-----\nAA==\n-----END B-----";
        let found: Vec<&str> = blocks(text).collect();
        assert_eq!(found.len(), 2);
        assert!(found[1].starts_with("-----BEGIN B-----") && found[1].ends_with("-----END B-----"));
        assert_eq!(blocks("-----BEGIN A-----\nAA==\n-----END A").count(), 0);
    }

    #[test]
    fn refusals_say_what_to_do() {
        let refusal = |content: &str| match items(Path::new("f"), content.as_bytes()) {
            Err(error) => error.to_string(),
            Ok(_) => String::new(),
        };
        let block = |label: &str| format!("-----BEGIN {label}-----\nMAA=\n-----END {label}-----\n");
        assert!(refusal(&block("RSA PRIVATE KEY")).contains("openssl pkey"));
        assert!(refusal(&block("ENCRYPTED PRIVATE KEY")).contains("decrypts"));
        assert!(refusal(&block("CERTIFICATE")).contains("can't be read"));
        assert!(refusal("hello").contains("--secret"));
        assert!(refusal("-----BEGIN X").contains("no complete PEM block"));
    }
}
