//! `keyward object`: list and delete here, import and export in files of their own.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::confirm;
use super::error::{Result, failed, usage};
use super::export::{self, Export};
use super::host::{Host, TokenArg};
use super::import::{self, Import};
use super::output::Answer;
use super::pin::PinArgs;
use super::select::{Selection, Shown};
use crate::calls;

/// `keyward object ...`
#[derive(Subcommand, Debug)]
pub enum Command {
    /// List objects
    List(List),
    /// Delete the objects of a selection
    Delete(Delete),
    /// Bring the keys and certificates of a file into a token
    #[command(after_help = import::HELP)]
    Import(Import),
    /// Write a key or a certificate to stdout or a file
    #[command(after_help = export::HELP)]
    Export(Export),
}

/// `keyward object list`
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    pub selection: Selection,
    /// Only what is seen without the PIN
    #[arg(long, conflicts_with = "user-pin")]
    pub public: bool,
    #[command(flatten)]
    pub token: TokenArg,
    #[command(flatten)]
    pub pin: PinArgs,
}

/// `keyward object delete`
#[derive(Args, Debug)]
pub struct Delete {
    #[command(flatten)]
    pub selection: Selection,
    /// Don't ask
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub token: TokenArg,
    #[command(flatten)]
    pub pin: PinArgs,
}

/// Runs a verb.
pub fn run(command: &Command) -> Result<Answer> {
    let host = Host::start()?;
    match command {
        Command::List(args) => list(&host, args),
        Command::Delete(args) => delete(&host, args),
        Command::Import(args) => import::run(&host, args),
        Command::Export(args) => export::run(&host, args),
    }
}

fn list(host: &Host, args: &List) -> Result<Answer> {
    let token = host.select(&args.token)?;
    let session =
        if args.public { host.open(&token, false)? } else { host.open_user(&token, false, &args.pin)? };
    let objects = Shown::all(&session, &args.selection)?;
    let json = json!({
        "token": { "label": token.label, "serial": token.serial },
        "objects": objects.iter().map(Shown::json).collect::<Vec<Value>>(),
    });
    Ok(Answer::new(Shown::table(&objects), json))
}

fn delete(host: &Host, args: &Delete) -> Result<Answer> {
    if args.selection.is_everything() {
        return usage("say which objects with --label, --id or --class");
    }
    let token = host.select(&args.token)?;
    let session = host.open_user(&token, true, &args.pin)?;
    let objects = Shown::all(&session, &args.selection)?;
    if objects.is_empty() {
        return failed(format!("{} has no such object", token.name()));
    }
    let many = objects.len();
    if !args.yes {
        eprintln!("{}", Shown::table(&objects));
    }
    confirm::destroy(
        &format!("{many} object(s) of {} will be deleted", token.name()),
        &many.to_string(),
        args.yes,
    )?;
    for object in &objects {
        calls::object::destroy(session.module, session.handle, object.handle)?;
    }
    let json = json!({ "deleted": objects.iter().map(Shown::json).collect::<Vec<Value>>() });
    Ok(Answer::new(format!("Deleted {many} object(s)\n{}", Shown::table(&objects)), json))
}
