//! `keyward migrate`: another token's objects, every attribute with them, out of its files into a token of keyward's.
//!
//! The files are read directly, with the PIN, rather than through the module that wrote them: a module gives away
//! extractable keys only, and a key that shall stay in its token is the normal case. Nothing is written to a source.
//!
//! `source` is what a source is; `softhsm`, `nss` and `kryoptic` are those there are. `plan` decides what becomes of
//! each object, `prove` uses keys to see that they are the same, `report` tells what was done. Objects are written in
//! one transaction, then read back from the file and compared; if anything differs, all of them go again.

mod kryoptic;
mod nss;
mod open;
mod pbe;
mod plan;
mod prove;
mod report;
mod softhsm;
mod source;
mod sqlite;

use clap::{Args, Subcommand};

use super::error::{Error, Result, failed, usage};
use super::host::{Host, Known, TokenArg};
use super::output::Answer;
use super::pin::{PinArgs, SoPinArgs, SourcePinArgs};
use super::progress::{Bar, Spinner};
use super::token;
use crate::backend::soft::{self, Adoption};
use crate::mechanism::{Key, material};
use crate::object::Attributes;
use crate::token::ObjectHandle;
use crate::types::{SecretBytes, ck, padded};
use plan::{Fate, Item};
use report::Report;
use source::Source;

/// Shown below the options.
pub const HELP: &str = "\
The source is read and never written; stop what uses it, so that nothing changes meanwhile.
With --pin-stdin the PINs come in this order: the source's, with --create the new token's SO PIN, the token's user PIN.

Examples:
  keyward migrate softhsm --create --same-pins          the only token of /etc/softhsm/softhsm2.conf, as it is
  keyward migrate softhsm --from DIR --to web --dry-run
  keyward migrate nss --from ~/.pki/nssdb --to web
  keyward migrate kryoptic --from token.sql --create";

/// `keyward migrate ...`
#[derive(Subcommand, Debug)]
pub enum Command {
    /// A token of SoftHSM 2, files or SQLite
    #[command(after_help = HELP)]
    Softhsm(Softhsm),
    /// NSS's cert9.db and key4.db
    #[command(after_help = HELP)]
    Nss(Nss),
    /// A token of kryoptic's, in SQLite
    #[command(after_help = HELP)]
    Kryoptic(Kryoptic),
}

/// `keyward migrate softhsm`
#[derive(Args, Debug)]
pub struct Softhsm {
    #[command(flatten)]
    from: softhsm::From,
    #[command(flatten)]
    into: Into,
}

/// `keyward migrate nss`
#[derive(Args, Debug)]
pub struct Nss {
    #[command(flatten)]
    from: nss::From,
    #[command(flatten)]
    into: Into,
}

/// `keyward migrate kryoptic`
#[derive(Args, Debug)]
pub struct Kryoptic {
    #[command(flatten)]
    from: kryoptic::From,
    #[command(flatten)]
    into: Into,
}

/// Where the objects go, and how.
#[derive(Args, Debug)]
pub struct Into {
    /// Label or serial number of the token that takes the objects; with --create its label (default: the source's)
    #[arg(long, value_name = "LABEL|SERIAL", required_unless_present = "create")]
    pub to: Option<String>,
    /// Make the token if it isn't there, with the source's serial number and so its slot ID, where that is possible
    #[arg(long)]
    pub create: bool,
    /// Give the new token the source's user PIN, and its SO PIN, which is asked for and checked
    #[arg(long, requires = "create")]
    pub same_pins: bool,
    /// Read and check everything, write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Move the rest where keyward can't hold some of the objects
    #[arg(long)]
    pub skip_unsupported: bool,
    #[command(flatten)]
    pub source_pin: SourcePinArgs,
    #[command(flatten)]
    pub pin: PinArgs,
    #[command(flatten)]
    pub so_pin: SoPinArgs,
}

/// Runs a verb.
pub fn run(command: &Command) -> Result<Answer> {
    match command {
        Command::Softhsm(args) => migrate(&softhsm::find(&args.from)?, &args.into),
        Command::Nss(args) => migrate(&nss::find(&args.from)?, &args.into),
        Command::Kryoptic(args) => migrate(&kryoptic::find(&args.from)?, &args.into),
    }
}

fn migrate(source: &dyn Source, args: &Into) -> Result<Answer> {
    let host = Host::start()?;
    let target = target(&host, source, args)?;
    let source_pin = match source.wants_pin() {
        true => Some(
            args.source_pin.source(args.pin.pin_stdin).read(&format!("user PIN of the {}", source.name()))?,
        ),
        false => None,
    };
    let mut items = plan::plan(source.read(source_pin.as_deref())?);
    let (unsupported, damaged) = plan::blocked(&items);
    let blocked = unsupported + damaged;
    if args.dry_run || blocked > 0 && !args.skip_unsupported {
        return dry(&host, source, target.as_ref(), args, source_pin, items);
    }
    let (target, pin) = match target {
        Some(token) => {
            let pin = target_pin(&token, args, source_pin)?;
            (token, pin)
        }
        None => create(&host, source, args, source_pin)?,
    };
    let adoption = Adoption::begin(&host.config, &target.serial, &pin)?;
    mark_there(&adoption, &mut items)?;
    write(&host, &target, adoption, &pin, &mut items)?;
    let failure =
        (damaged > 0).then(|| format!("{damaged} objects of the source are damaged and were left out"));
    Ok(Report { source, target: Some(&target), items: &items, written: true, failure }.answer())
}

/// The token that takes the objects; `None` where it is still to be made.
fn target(host: &Host, source: &dyn Source, args: &Into) -> Result<Option<Known>> {
    let name = args.to.clone().unwrap_or_else(|| source.label().to_owned());
    let there = host.tokens()?.iter().any(|token| token.serial == name || token.label == name);
    match there || !args.create {
        true => host.select(&TokenArg { token: Some(name) }).map(Some),
        false if name.is_empty() || name.len() > 32 => {
            usage("--to: give the new token a label of 1 to 32 bytes, the source has none")
        }
        false => Ok(None),
    }
}

/// The user PIN of a token that is there: the source's, if it was made with that.
fn target_pin(token: &Known, args: &Into, source_pin: Option<SecretBytes>) -> Result<SecretBytes> {
    match source_pin.filter(|_| args.same_pins) {
        Some(pin) => Ok(pin),
        None => args.pin.source().read(&format!("user PIN of {}", token.name())),
    }
}

/// What would be done. A token that is there is asked what it has, if its PIN was given.
fn dry(
    host: &Host,
    source: &dyn Source,
    target: Option<&Known>,
    args: &Into,
    source_pin: Option<SecretBytes>,
    mut items: Vec<Item>,
) -> Result<Answer> {
    let (unsupported, damaged) = plan::blocked(&items);
    if let Some(token) = target.filter(|_| args.dry_run) {
        let pin = target_pin(token, args, source_pin)?;
        mark_there(&Adoption::begin(&host.config, &token.serial, &pin)?, &mut items)?;
    }
    let skipped = args.skip_unsupported && damaged == 0;
    let failure = (unsupported + damaged > 0 && !skipped).then(|| {
        format!(
            "{} objects can't be moved ({unsupported} unsupported, {damaged} damaged): \
             --skip-unsupported moves the others",
            unsupported + damaged
        )
    });
    Ok(Report { source, target, items: &items, written: false, failure }.answer())
}

fn mark_there(adoption: &Adoption, items: &mut [Item]) -> Result<()> {
    let kept = adoption.handles()?.into_iter().map(|handle| adoption.object(handle));
    let kept: Vec<Attributes> = kept.collect::<crate::error::Result<_>>()?;
    plan::mark_there(items, &kept);
    Ok(())
}

/// Makes the token, if possible under the source's serial number: programs may find it by that, or by its slot.
fn create(
    host: &Host,
    source: &dyn Source,
    args: &Into,
    source_pin: Option<SecretBytes>,
) -> Result<(Known, SecretBytes)> {
    let label = args.to.as_deref().unwrap_or(source.label());
    let so_source = args.so_pin.source(args.pin.pin_stdin);
    let so_pin = match args.same_pins {
        true => so_source.read(&format!("SO PIN of the {}", source.name()))?,
        false => so_source.read_new("new SO PIN")?,
    };
    if args.same_pins && source.is_so_pin(&so_pin)? == Some(false) {
        return failed(format!("the SO PIN is not that of the {}", source.name()));
    }
    let pin = match (args.same_pins, source_pin) {
        (true, Some(pin)) => pin,
        _ => args.pin.source().read_new("new user PIN")?,
    };
    let free = host.token_in(host.free_slot()?)?;
    token::check_pins(&free, &so_pin, &pin)?;
    let made = {
        let _spinner = Spinner::new("Initialising the token");
        soft::create_as(&host.config, source.serial(), padded(label), &so_pin, &pin)?
    };
    let token = match made {
        true => host.select(&TokenArg { token: Some(source.serial().to_owned()) })?,
        false => token::make(host, &free, label, &so_pin, &pin)?,
    };
    Ok((token, pin))
}

/// Writes what moves, reads it back from the file and uses it. All or nothing.
fn write(host: &Host, target: &Known, adoption: Adoption, pin: &[u8], items: &mut [Item]) -> Result<()> {
    let private = plan::private_halves(items);
    let mut moving: Vec<&mut Item> = items.iter_mut().filter(|item| item.fate == Fate::Move).collect();
    let handles = {
        let _spinner = Spinner::new("Writing");
        let added = adoption.add(moving.iter().map(|item| item.attributes.clone()).collect());
        added.map_err(|error| Error::Failed(format!("{}; nothing was moved", Error::from(error))))?
    };
    drop(adoption);
    // What another process would find, rather than what this one remembers.
    let written = Adoption::begin(&host.config, &target.serial, pin)?;
    let bar = Bar::new("Using every key", handles.len());
    for (item, handle) in moving.iter_mut().zip(&handles) {
        let public = item.key.as_ref().and_then(plan::spki);
        let half = public.and_then(|spki| private.get(&spki));
        if let Err(error) = check(&written, *handle, item, half) {
            written.withdraw(&handles)?;
            return failed(format!("\"{}\": {error}; nothing was moved", item.shown.label));
        }
        bar.step();
    }
    Ok(())
}

/// Whether the object in the token is the one that was to be written, and its key the source's. `private` is the
/// source's private half of a key pair's key.
fn check(token: &Adoption, handle: ObjectHandle, item: &Item, private: Option<&Key>) -> Result<()> {
    let object = token.object(handle)?;
    let same = item.attributes.iter().all(|(id, value)| object.get(id) == Some(value));
    let more = object.iter().any(|(id, _)| id != ck::CKA_UNIQUE_ID && !item.attributes.contains(id));
    if !same || more {
        return Err(Error::Failed("the token kept something else than was written".to_owned()));
    }
    let Some(before) = &item.key else { return Ok(()) };
    let after = material::key(&object)?;
    if plan::spki(before) != plan::spki(&after) {
        return Err(Error::Failed("the public half is another one".to_owned()));
    }
    match (&after, private) {
        (Key::Secret { .. }, _) => {
            prove::same_key(before, &after)?;
            prove::same_key(&after, before)?;
        }
        (Key::Private(own), _) => {
            prove::same_key(before, &Key::Public(own.public()))?;
            if let Some(public) = prove::public(before) {
                prove::same_key(&after, &Key::Public(public))?;
            }
        }
        (Key::Public(_), Some(private)) => prove::same_key(private, &after)?,
        (Key::Public(_), None) | (Key::Otp(_), _) => {}
    }
    Ok(())
}
