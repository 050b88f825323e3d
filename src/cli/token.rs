//! `keyward token` and `keyward slot`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::confirm;
use super::error::{Result, failed, usage};
use super::host::{Host, Known, TokenArg, text};
use super::output::{Answer, Table};
use super::pin::{PinArgs, SoPinArgs};
use super::progress::Spinner;
use crate::calls;
use crate::token::User;
use crate::types::{SecretBytes, ck};

/// `keyward token ...`
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Make a token and set both its PINs
    #[command(after_help = INIT_HELP)]
    Init(Init),
    /// List the initialised tokens
    List,
    /// Delete a token with everything in it
    Delete(Delete),
}

const INIT_HELP: &str = "\
The SO PIN unlocks and resets the user PIN; the user PIN opens the keys. Without PIN options both are asked for.

Examples:
  keyward token init --label web
  keyward token init --label ci --so-pin-env SO_PIN --pin-env USER_PIN
  printf '%s\\n%s\\n' \"$SO_PIN\" \"$USER_PIN\" | keyward token init --label ci --pin-stdin
  keyward token init --token ci --label ci2 --yes    # destroys what is in the token \"ci\"";

/// `keyward token init`
#[derive(Args, Debug)]
pub struct Init {
    /// Label of the new token, at most 32 bytes
    #[arg(long, short)]
    pub label: String,
    /// Initialise the token in this free slot (default: the first free one)
    #[arg(long, value_name = "ID", group = "place")]
    pub slot: Option<ck::CK_SLOT_ID>,
    /// Initialise the free slot whose token will have this serial number
    #[arg(long, group = "place")]
    pub serial: Option<String>,
    /// Initialise an existing token anew: destroys its objects, needs its SO PIN
    #[arg(long, short, value_name = "LABEL|SERIAL", group = "place")]
    pub token: Option<String>,
    /// Don't ask before objects are destroyed
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub so_pin: SoPinArgs,
    #[command(flatten)]
    pub pin: PinArgs,
}

/// `keyward token delete`
#[derive(Args, Debug)]
pub struct Delete {
    /// Label or serial number of the token
    #[arg(long, short, value_name = "LABEL|SERIAL")]
    pub token: String,
    /// Don't ask
    #[arg(long)]
    pub yes: bool,
}

/// Runs a verb.
pub fn run(command: &Command) -> Result<Answer> {
    let host = Host::start()?;
    match command {
        Command::Init(args) => init(&host, args),
        Command::List => list(&host),
        Command::Delete(args) => delete(&host, args),
    }
}

fn init(host: &Host, args: &Init) -> Result<Answer> {
    if args.label.is_empty() || args.label.len() > 32 {
        return usage("--label: a label has 1 to 32 bytes");
    }
    let place = place(host, args)?;
    let anew = place.has(ck::CKF_TOKEN_INITIALIZED);
    if anew {
        confirm::destroy(
            &format!("Every object in {} will be destroyed", place.name()),
            place.word(),
            args.yes,
        )?;
    }
    let stdin = args.pin.pin_stdin;
    let so_source = args.so_pin.source(stdin);
    let so_pin = if anew { so_source.read("SO PIN") } else { so_source.read_new("new SO PIN") }?;
    let user_pin = args.pin.source().read_new("new user PIN")?;
    let token = make(host, &place, &args.label, &so_pin, &user_pin)?;
    let file = host.token_file(&token.serial);
    let kept = file.as_ref().map(|path| format!(", kept in {}", path.display())).unwrap_or_default();
    let line = format!("Initialised {} in slot {}{kept}", token.name(), token.slot);
    let mut json = describe(&token);
    if let (Some(object), Some(file)) = (json.as_object_mut(), file) {
        object.insert("file".to_owned(), file.display().to_string().into());
    }
    Ok(Answer::new(line, json))
}

/// Initialises the token in a slot and sets both PINs.
pub fn make(
    host: &Host,
    place: &Known,
    label: &str,
    so_pin: &SecretBytes,
    user_pin: &SecretBytes,
) -> Result<Known> {
    check_pins(place, so_pin, user_pin)?;
    let _spinner = Spinner::new("Initialising the token");
    calls::slot::init_token(&host.module, place.slot, Some(so_pin), crate::types::padded(label))?;
    let token = host.token_in(place.slot)?;
    let session = host.open(&token, true)?;
    session.login(User::So, so_pin)?;
    calls::slot::init_pin(&host.module, session.handle, Some(user_pin))?;
    drop(session);
    host.token_in(place.slot)
}

/// Fails for PINs that a new token would refuse. Both are checked first, so that no token is left behind without a user
/// PIN.
pub fn check_pins(place: &Known, so_pin: &[u8], user_pin: &[u8]) -> Result<()> {
    let (min, max) = place.pin_len;
    for (what, pin) in [("SO", so_pin), ("user", user_pin)] {
        if !(min..=max).contains(&pin.len()) {
            return failed(format!("the {what} PIN has {} bytes; {min} to {max} are allowed", pin.len()));
        }
    }
    Ok(())
}

/// The slot to initialise. An existing token is taken only where it was named as one.
fn place(host: &Host, args: &Init) -> Result<Known> {
    if let Some(token) = &args.token {
        return host.select(&TokenArg { token: Some(token.clone()) });
    }
    let place = match (args.slot, &args.serial) {
        (Some(slot), _) => host.token_in(slot)?,
        (None, Some(serial)) => {
            let all = host.slots()?.into_iter().filter_map(|(_, token)| token.ok());
            match all.into_iter().find(|token| token.serial == *serial) {
                Some(place) => place,
                None => {
                    return failed(format!(
                        "no slot has the serial number {serial}: see `keyward slot list`"
                    ));
                }
            }
        }
        (None, None) => host.token_in(host.free_slot()?)?,
    };
    match place.has(ck::CKF_TOKEN_INITIALIZED) {
        true => usage(format!(
            "slot {} holds the {}: name it with --token to destroy it",
            place.slot,
            place.name()
        )),
        false => Ok(place),
    }
}

fn list(host: &Host) -> Result<Answer> {
    let mut table = Table::new(&["label", "serial", "slot", "model", "state"]);
    let mut tokens = Vec::new();
    for (slot, token) in host.slots()? {
        match token {
            Ok(token) if token.has(ck::CKF_TOKEN_INITIALIZED) => {
                let state = state(&token).join(", ");
                let cells = [&token.label, &token.serial, &slot.to_string(), &token.model, &state];
                table.row(cells.map(String::clone));
                tokens.push(describe(&token));
            }
            Ok(_) => {}
            Err(error) => {
                let none = || "?".to_owned();
                table.row([none(), none(), slot.to_string(), none(), format!("can't be read: {error}")]);
                tokens.push(json!({ "slot": slot, "error": error.to_string() }));
            }
        }
    }
    let empty = format!("No tokens in {}", host.config.soft.dir.display());
    Ok(Answer::new(table.render(&empty), json!({ "tokens": tokens })))
}

/// CKF_ bits worth telling, and how.
const STATES: &[(ck::CK_FLAGS, &str)] = &[
    (ck::CKF_WRITE_PROTECTED, "read-only"),
    (ck::CKF_USER_PIN_COUNT_LOW, "wrong user PINs"),
    (ck::CKF_USER_PIN_FINAL_TRY, "last try for the user PIN"),
    (ck::CKF_USER_PIN_LOCKED, "user PIN locked"),
    (ck::CKF_USER_PIN_TO_BE_CHANGED, "user PIN to be changed"),
    (ck::CKF_SO_PIN_COUNT_LOW, "wrong SO PINs"),
    (ck::CKF_SO_PIN_FINAL_TRY, "last try for the SO PIN"),
    (ck::CKF_SO_PIN_LOCKED, "SO PIN locked"),
];

/// What is worth telling about a token's state; "ready" where nothing is.
pub fn state(token: &Known) -> Vec<&'static str> {
    let mut state: Vec<_> =
        STATES.iter().filter(|(flag, _)| token.has(*flag)).map(|(_, text)| *text).collect();
    if token.has(ck::CKF_LOGIN_REQUIRED) && !token.has(ck::CKF_USER_PIN_INITIALIZED) {
        state.push("user PIN not set");
    }
    if state.is_empty() {
        state.push("ready");
    }
    state
}

fn describe(token: &Known) -> Value {
    json!({
        "label": token.label,
        "serial": token.serial,
        "slot": token.slot,
        "model": token.model,
        "login_required": token.has(ck::CKF_LOGIN_REQUIRED),
        "user_pin_set": token.has(ck::CKF_USER_PIN_INITIALIZED),
        "user_pin_locked": token.has(ck::CKF_USER_PIN_LOCKED),
        "so_pin_locked": token.has(ck::CKF_SO_PIN_LOCKED),
        "read_only": token.has(ck::CKF_WRITE_PROTECTED),
    })
}

fn delete(host: &Host, args: &Delete) -> Result<Answer> {
    let token = host.select(&TokenArg { token: Some(args.token.clone()) })?;
    confirm::destroy(&format!("{} and every key in it will be gone", token.name()), token.word(), args.yes)?;
    let path = host.delete_file(&token)?;
    let line = format!("Deleted {}, {}", token.name(), path.display());
    Ok(Answer::new(line, json!({ "deleted": { "label": token.label, "serial": token.serial } })))
}

/// `keyward slot ...`
#[derive(Subcommand, Debug)]
pub enum SlotCommand {
    /// List every slot, the free one included
    List,
}

/// Runs a verb.
pub fn run_slot(command: &SlotCommand) -> Result<Answer> {
    let SlotCommand::List = command;
    let host = Host::start()?;
    let mut table = Table::new(&["slot", "description", "token"]);
    let mut slots = Vec::new();
    for (slot, token) in host.slots()? {
        let description = text(&calls::slot::slot_info(&host.module, slot)?.slotDescription);
        let initialized = token.as_ref().is_ok_and(|token| token.has(ck::CKF_TOKEN_INITIALIZED));
        let shown = match &token {
            Ok(token) if initialized => token.label.clone(),
            Ok(_) => "(free)".to_owned(),
            Err(error) => format!("can't be read: {error}"),
        };
        table.row([slot.to_string(), description.clone(), shown]);
        slots.push(json!({
            "slot": slot,
            "description": description,
            "initialized": initialized,
            "label": token.as_ref().ok().filter(|_| initialized).map(|token| &token.label),
            "serial": token.as_ref().ok().map(|token| &token.serial),
            "error": token.as_ref().err().map(ToString::to_string),
        }));
    }
    Ok(Answer::new(table.render("No slots"), json!({ "slots": slots })))
}
