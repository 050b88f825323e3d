//! `keyward object import`: keys and certificates out of a file into a token.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value as Json;
use serde_json::json;

use super::create::{Plan, create};
use super::error::{Error, Result, usage};
use super::files;
use super::formats::{self, Format, Item, Refused, SecretKind, Told};
use super::host::{Host, TokenArg};
use super::key::Traits;
use super::output::Answer;
use super::passphrase::{Passphrase, PassphraseArgs};
use super::pin::PinArgs;
use super::select::Shown;

/// Shown below the options.
pub const HELP: &str = "\
The content tells the format: PKCS#8 (plain or under a passphrase), PKCS#1, SEC 1, SubjectPublicKeyInfo, X.509,
PKCS#12, OpenSSH keys, JWK and JWK Sets. Everything in the file comes in, or nothing.

Without --label a key is called what the file calls it: PKCS#12's friendlyName, an SSH comment, a JWK's kid, the
subject of its certificate. Without --id its ID is PKCS#12's localKeyId, else the SHA-1 of its public key. A public key
or certificate takes the ID of the private key that it belongs to, as applications need it.

Examples:
  keyward object import server.pem --label web
  keyward object import server.p12 --passphrase-file p12-passphrase
  keyward object import ~/.ssh/id_ed25519
  keyward object import key.bin --secret aes --label kek --id 07
  keyward object import key.txt --secret generic --format hex --label hmac";

/// `keyward object import`
#[derive(Args, Debug)]
pub struct Import {
    /// The file; "-" is stdin
    pub file: PathBuf,
    /// Label of what comes in (default: what the file calls it)
    #[arg(long, short)]
    pub label: Option<String>,
    #[command(flatten)]
    pub traits: Traits,
    /// Take the file for this format, whatever it looks like
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// The file is a secret key of this type: raw bytes, unless --format says otherwise
    #[arg(long, value_enum, value_name = "TYPE")]
    pub secret: Option<SecretKind>,
    /// Keep no public key object beside a private key
    #[arg(long)]
    pub no_public_key: bool,
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
    #[command(flatten)]
    pub token: TokenArg,
    #[command(flatten)]
    pub pin: PinArgs,
}

/// Runs the verb.
pub fn run(host: &Host, args: &Import) -> Result<Answer> {
    if args.file.as_os_str() == "-" && (args.pin.pin_stdin || args.passphrase.passphrase_stdin) {
        return usage("stdin can't be both the file and what opens it");
    }
    let content = files::read(&args.file)?;
    let told = Told { format: args.format, secret: args.secret };
    let items = items(&args.file, &content, told, &Passphrase::from_source(args.passphrase.source()))?;
    let token = host.select(&args.token)?;
    let session = host.open_user(&token, true, &args.pin)?;
    let plan = Plan {
        label: args.label.as_deref(),
        traits: &args.traits,
        public_key: !args.no_public_key,
        twins: false,
    };
    let made = create(&session, &items, &plan)?;
    let shown = made.handles.into_iter().map(|handle| Shown::one(&session, handle));
    let shown = shown.collect::<Result<Vec<Shown>>>()?;
    let known = match made.known {
        0 => String::new(),
        n => format!("\n{n} certificate(s) of the file were there already"),
    };
    let json = json!({
        "token": { "label": token.label, "serial": token.serial },
        "imported": shown.iter().map(Shown::json).collect::<Vec<Json>>(),
        "already_there": made.known,
    });
    Ok(Answer::new(format!("Imported into {}\n{}{known}", token.name(), Shown::table(&shown)), json))
}

/// What a file holds, with the file's name in what is said of it.
pub fn items(path: &Path, content: &[u8], told: Told, passphrase: &Passphrase<'_>) -> Result<Vec<Item>> {
    formats::read(content, told, passphrase).map_err(|refused| match refused {
        Refused::Content(why) => Error::Failed(format!("{}: {why}", path.display())),
        Refused::Other(error) => error,
    })
}
