//! `keyward key`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::error::{Result, failed};
use super::host::{Host, Session, TokenArg};
use super::keytype::{KeySpec, Usage, with_usages};
use super::output::{Answer, hex};
use super::pin::PinArgs;
use super::progress::Spinner;
use super::select::{Id, template};
use crate::calls;
use crate::mechanism::{Mechanism, Params};
use crate::object::Template;
use crate::types::ck;

/// `keyward key ...`
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Generate a secret key or a key pair in a token
    #[command(after_help = HELP)]
    Generate(Generate),
}

const HELP: &str = "\
Types:
  rsa:2048 rsa:3072 rsa:4096         ec:p256 ec:p384 ec:p521 ec:secp256k1
  ed25519 x25519                     ml-dsa-44 ml-dsa-65 ml-dsa-87
  aes:128 aes:192 aes:256            generic:BITS (HMAC keys and the like)

Examples:
  keyward key generate --type rsa:3072 --label web --id 01
  keyward key generate --type ml-dsa-65 --label release --token signing --pin-file pin
  keyward key generate --type aes:256 --label kek --usage wrap --extractable";

/// `keyward key generate`
#[derive(Args, Debug)]
pub struct Generate {
    /// Type of key: rsa:3072, ec:p256, ed25519, ml-dsa-65, aes:256, ...
    #[arg(long = "type", value_name = "TYPE")]
    pub kind: KeySpec,
    /// Label of the key
    #[arg(long, short)]
    pub label: String,
    #[command(flatten)]
    pub traits: Traits,
    #[command(flatten)]
    pub token: TokenArg,
    #[command(flatten)]
    pub pin: PinArgs,
}

/// What a new key may do, and the ID by which others find it.
#[derive(Args, Debug, Clone, Default)]
pub struct Traits {
    /// ID that ties key pair and certificate together (default: chosen by the tool)
    #[arg(long, value_name = "HEX")]
    pub id: Option<Id>,
    /// What the key may do, comma-separated (default: what its type is mostly used for)
    #[arg(long, value_enum, value_delimiter = ',')]
    pub usage: Vec<Usage>,
    /// Let the key leave the token, wrapped by another key or under a passphrase
    #[arg(long)]
    pub extractable: bool,
    /// Together with --extractable: let the key's value be read
    #[arg(long)]
    pub not_sensitive: bool,
    /// Ask for the PIN again before each use of the private key
    #[arg(long)]
    pub always_authenticate: bool,
}

impl Traits {
    /// The attributes of a key of this class, which may do `default` unless `--usage` says otherwise.
    pub fn template(
        &self,
        class: ck::CK_OBJECT_CLASS,
        label: &str,
        id: &[u8],
        default: &[Usage],
    ) -> Template {
        let usages = if self.usage.is_empty() { default } else { &self.usage };
        let mut template = Template::new()
            .with(ck::CKA_CLASS, class)
            .with(ck::CKA_TOKEN, true)
            .with(ck::CKA_LABEL, label)
            .with(ck::CKA_ID, id);
        if class == ck::CKO_PUBLIC_KEY {
            template = template.with(ck::CKA_PRIVATE, false);
        } else {
            template = template
                .with(ck::CKA_PRIVATE, true)
                .with(ck::CKA_SENSITIVE, !self.not_sensitive)
                .with(ck::CKA_EXTRACTABLE, self.extractable);
        }
        if class == ck::CKO_PRIVATE_KEY && self.always_authenticate {
            template = template.with(ck::CKA_ALWAYS_AUTHENTICATE, true);
        }
        with_usages(template, class, usages)
    }
}

/// Runs a verb.
pub fn run(command: &Command) -> Result<Answer> {
    let Command::Generate(args) = command;
    let host = Host::start()?;
    let token = host.select(&args.token)?;
    let session = host.open_user(&token, true, &args.pin)?;
    let id = match &args.traits.id {
        Some(id) => id.0.clone(),
        None => random_id()?,
    };
    let class = if args.kind.family.pair { ck::CKO_PRIVATE_KEY } else { ck::CKO_SECRET_KEY };
    refuse_twin(&session, class, &args.label, &id)?;
    generate(&session, &args.kind, &args.traits, &args.label, &id)?;
    let line =
        format!("Generated {} \"{}\" with ID {} in {}", args.kind.name, args.label, hex(&id), token.name());
    let json = json!({
        "type": args.kind.name,
        "label": args.label,
        "id": hex(&id),
        "token": { "label": token.label, "serial": token.serial },
    });
    Ok(Answer::new(line, json))
}

/// An ID for a key that was given none.
pub fn random_id() -> Result<Vec<u8>> {
    let mut id = vec![0; 8];
    crate::crypto::random(&mut id)?;
    Ok(id)
}

/// Two keys of one class with the same label and ID can't be told apart by any application.
pub fn refuse_twin(session: &Session<'_>, class: ck::CK_OBJECT_CLASS, label: &str, id: &[u8]) -> Result<()> {
    match session.find(&template(Some(class), Some(label), Some(&Id(id.to_vec()))))?.is_empty() {
        true => Ok(()),
        false => failed(format!("a key with the label \"{label}\" and the ID {} is there already", hex(id))),
    }
}

/// Generates the key or key pair.
pub fn generate(
    session: &Session<'_>,
    kind: &KeySpec,
    traits: &Traits,
    label: &str,
    id: &[u8],
) -> Result<()> {
    let _spinner = Spinner::new(&format!("Generating {}", kind.name));
    let family = kind.family;
    let mechanism = Mechanism { kind: family.generation, params: Params::None };
    let with_type = |class| {
        let template =
            traits.template(class, label, id, family.usages).with(ck::CKA_KEY_TYPE, family.key_type);
        kind.attributes.iter().fold(template, |template, (id, value)| template.with(*id, value.clone()))
    };
    if family.pair {
        let private = traits.template(ck::CKO_PRIVATE_KEY, label, id, family.usages);
        let private = private.with(ck::CKA_KEY_TYPE, family.key_type);
        let public = with_type(ck::CKO_PUBLIC_KEY);
        calls::key::generate_pair(session.module, session.handle, &mechanism, public, private)?;
    } else {
        calls::key::generate(session.module, session.handle, &mechanism, with_type(ck::CKO_SECRET_KEY))?;
    }
    Ok(())
}
