//! `keyward pin`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::error::{Result, failed};
use super::host::{Host, Known, Session, TokenArg};
use super::output::Answer;
use super::pin::{NewPinArgs, PinArgs, SoPinArgs};
use crate::calls;
use crate::token::User;

/// `keyward pin ...`
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Change the user PIN, or with --so the SO PIN
    #[command(after_help = CHANGE_HELP)]
    Change(Change),
    /// Set a new user PIN with the SO PIN, after the old one was forgotten or locked; objects are kept
    #[command(after_help = UNLOCK_HELP)]
    Unlock(Unlock),
}

const CHANGE_HELP: &str = "\
With --pin-stdin the first line is the old PIN, the second the new one.

Examples:
  keyward pin change --token web
  keyward pin change --token web --pin-file old --new-pin-file new
  keyward pin change --token web --so";

const UNLOCK_HELP: &str = "\
With --pin-stdin the first line is the SO PIN, the second the new user PIN.

Example:
  keyward pin unlock --token web --so-pin-file so --new-pin-env NEW_PIN";

/// `keyward pin change`
#[derive(Args, Debug)]
pub struct Change {
    /// Change the SO PIN
    #[arg(long)]
    pub so: bool,
    #[command(flatten)]
    pub token: TokenArg,
    #[command(flatten)]
    pub pin: PinArgs,
    #[command(flatten)]
    pub so_pin: SoPinArgs,
    #[command(flatten)]
    pub new: NewPinArgs,
}

/// `keyward pin unlock`
#[derive(Args, Debug)]
pub struct Unlock {
    #[command(flatten)]
    pub token: TokenArg,
    #[command(flatten)]
    pub so_pin: SoPinArgs,
    /// Read the SO PIN and the new user PIN from stdin, one line each
    #[arg(long)]
    pub pin_stdin: bool,
    #[command(flatten)]
    pub new: NewPinArgs,
}

/// Runs a verb.
pub fn run(command: &Command) -> Result<Answer> {
    let host = Host::start()?;
    match command {
        Command::Change(args) => change(&host, args),
        Command::Unlock(args) => unlock(&host, args),
    }
}

fn change(host: &Host, args: &Change) -> Result<Answer> {
    let token = host.select(&args.token)?;
    let stdin = args.pin.pin_stdin;
    let who = if args.so { "SO" } else { "user" };
    let source = if args.so { args.so_pin.source(stdin) } else { args.pin.source() };
    let old = source.read(&format!("old {who} PIN of {}", token.name()))?;
    let session = host.open(&token, true)?;
    // The old PIN is checked before the new one is asked for. C_SetPIN changes the SO's only while the SO is logged in.
    session.login(if args.so { User::So } else { User::User }, &old)?;
    let new = new_pin(&token, args.new.source(stdin), who)?;
    calls::slot::set_pin(session.module, session.handle, Some(&old), Some(&new))?;
    done(&token, who, "Changed")
}

fn unlock(host: &Host, args: &Unlock) -> Result<Answer> {
    let token = host.select(&args.token)?;
    let session: Session<'_> = host.open_so(&token, &args.so_pin, args.pin_stdin)?;
    let new = new_pin(&token, args.new.source(args.pin_stdin), "user")?;
    calls::slot::init_pin(session.module, session.handle, Some(&new))?;
    done(&token, "user", "Set")
}

fn new_pin(token: &Known, source: super::pin::Source<'_>, who: &str) -> Result<crate::types::SecretBytes> {
    let new = source.read_new(&format!("new {who} PIN"))?;
    let (min, max) = token.pin_len;
    match (min..=max).contains(&new.len()) {
        true => Ok(new),
        false => failed(format!("the new PIN has {} bytes; {min} to {max} are allowed", new.len())),
    }
}

fn done(token: &Known, who: &str, verb: &str) -> Result<Answer> {
    let json =
        json!({ "token": { "label": token.label, "serial": token.serial }, "pin": who.to_lowercase() });
    Ok(Answer::new(format!("{verb} the {who} PIN of {}", token.name()), json))
}
