//! The tool under the name `softhsm2-util`: that program's options on keyward's tokens, for scripts that use it.
//!
//! PINs are on the command line here, because those scripts have them there. Exit code 0 done, 1 anything else.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use super::error::{Error, Result, failed};
use super::files;
use super::host::{Host, Known, TokenArg, text};
use super::import;
use super::key::Traits;
use super::output::{self, printable};
use super::pin::Source;
use super::select::{Id, template};
use super::token;
use crate::calls;
use crate::token::User;
use crate::types::{SecretBytes, ck};

/// The name that turns the tool into this one.
pub const NAME: &str = "softhsm2-util";

/// SoftHSM's options on keyward's tokens.
#[derive(Parser, Debug, Default)]
#[command(name = NAME, disable_version_flag = true)]
struct Options {
    /// Initialize the token in a slot: with --slot, --token, --serial or --free, --label, --so-pin and --pin
    #[arg(long, group = "action")]
    init_token: bool,
    /// Show all slots
    #[arg(long, group = "action")]
    show_slots: bool,
    /// Delete a token: with --token or --serial
    #[arg(long, group = "action")]
    delete_token: bool,
    /// Import a PKCS#8 key pair: with --slot, --token or --serial, --label, --id and --pin
    #[arg(long, group = "action", value_name = "PATH")]
    import: Option<PathBuf>,
    /// Show the version
    #[arg(long, short, group = "action")]
    version: bool,
    /// Import the file as it is, as an AES key
    #[arg(long)]
    aes: bool,
    /// Import although the ID is in use
    #[arg(long)]
    force: bool,
    /// Use the first free token
    #[arg(long)]
    free: bool,
    /// ID of the imported object
    #[arg(long, value_name = "HEX")]
    id: Option<Id>,
    /// Label of the token or object
    #[arg(long, allow_hyphen_values = true)]
    label: Option<String>,
    /// Taken and ignored: this works on keyward's tokens
    #[arg(long, value_name = "PATH")]
    module: Option<PathBuf>,
    /// Don't import the public key
    #[arg(long)]
    no_public_key: bool,
    /// PIN of the user
    #[arg(long, allow_hyphen_values = true)]
    pin: Option<String>,
    /// Serial number of the token
    #[arg(long)]
    serial: Option<String>,
    /// Slot of the token
    #[arg(long)]
    slot: Option<ck::CK_SLOT_ID>,
    /// PIN of the SO
    #[arg(long, allow_hyphen_values = true)]
    so_pin: Option<String>,
    /// Label of the token
    #[arg(long)]
    token: Option<String>,
}

/// Runs the tool with these arguments, the program's name first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let options = match Options::try_parse_from(arguments) {
        Ok(options) => options,
        Err(error) => {
            let code = if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
            let _ = error.print();
            return code;
        }
    };
    match run(&options).and_then(|text| output::line(&text).map_err(|error| Error::Failed(error.to_string())))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ERROR: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<String> {
    if options.version {
        return Ok(format!("{} (keyward)", env!("CARGO_PKG_VERSION")));
    }
    let host = Host::start()?;
    if options.init_token {
        init(&host, options)
    } else if options.show_slots {
        show(&host)
    } else if options.delete_token {
        delete(&host, options)
    } else if let Some(file) = &options.import {
        import(&host, options, file)
    } else {
        failed(format!("No action: see {NAME} --help"))
    }
}

/// The slot that the options name.
fn place(host: &Host, options: &Options) -> Result<Known> {
    if let Some(slot) = options.slot {
        // SoftHSM numbers its free slot after its tokens; scripts say `--slot 0` on a new installation.
        let known = host.slots()?.iter().any(|(id, _)| *id == slot);
        let count = u64::try_from(host.tokens()?.len()).unwrap_or(u64::MAX);
        return match known || slot != count {
            true => host.token_in(slot),
            false => host.token_in(host.free_slot()?),
        };
    }
    match (&options.serial, &options.token) {
        (None, None) if options.free => host.token_in(host.free_slot()?),
        (None, None) => failed(
            "A slot/token must be supplied. Use --slot <number>, --serial <serial>, --token <label>, or --free",
        ),
        (serial, label) => host.select(&TokenArg { token: serial.clone().or_else(|| label.clone()) }),
    }
}

fn pin(given: &Option<String>, what: &str) -> Result<SecretBytes> {
    match given {
        Some(pin) => Ok(SecretBytes::from(pin.as_bytes())),
        None => Source::prompt_or("--pin and --so-pin").read_new(what),
    }
}

fn init(host: &Host, options: &Options) -> Result<String> {
    let place = place(host, options)?;
    let Some(label) = options.label.as_deref().filter(|label| (1..=32).contains(&label.len())) else {
        return failed("A label of 1 to 32 bytes for the token must be supplied. Use --label <text>");
    };
    let (so_pin, user_pin) = (pin(&options.so_pin, "SO PIN")?, pin(&options.pin, "user PIN")?);
    let token = token::make(host, &place, label, &so_pin, &user_pin)?;
    Ok(format!("The token has been initialized and is reassigned to slot {}", token.slot))
}

fn delete(host: &Host, options: &Options) -> Result<String> {
    if options.serial.is_none() && options.token.is_none() {
        return failed("A token must be supplied. Use --serial <serial> or --token <label>");
    }
    let path = host.delete_file(&place(host, options)?)?;
    Ok(format!("The token ({}) has been deleted.", path.display()))
}

fn import(host: &Host, options: &Options, file: &Path) -> Result<String> {
    let token = place(host, options)?;
    let Some(label) = &options.label else {
        return failed("A label for the object must be supplied. Use --label <text>");
    };
    if options.id.is_none() {
        return failed("An ID for the object must be supplied. Use --id <hex>");
    }
    let content = files::read(file)?;
    let items = match options.aes {
        true => vec![import::Item::Secret(ck::CKK_AES, SecretBytes::from(content.as_slice()))],
        false => import::items(file, &content)?,
    };
    let user_pin = match &options.pin {
        Some(pin) => SecretBytes::from(pin.as_bytes()),
        None => Source::prompt_or("--pin").read("user PIN")?,
    };
    let session = host.open(&token, true)?;
    session.login(User::User, &user_pin)?;
    let taken = session.find(&template(None, None, options.id.as_ref()))?;
    if !taken.is_empty() && !options.force {
        return failed("The ID is already assigned to another object. Use --force to override this message.");
    }
    let traits = Traits { label: label.clone(), id: options.id.clone(), ..Traits::default() };
    for item in &items {
        import::create(&session, item, &traits, !options.no_public_key)?;
    }
    Ok(if options.aes { "The key has been imported." } else { "The key pair has been imported." }.to_owned())
}

fn show(host: &Host) -> Result<String> {
    let mut lines = vec!["Available slots:".to_owned()];
    for (slot, token) in host.slots()? {
        let info = calls::slot::slot_info(&host.module, slot)?;
        let version = format!("{}.{}", info.hardwareVersion.major, info.hardwareVersion.minor);
        let field =
            |name: &str, value: &str| format!("        {:<18}{}", format!("{name}:"), printable(value));
        lines.push(format!("Slot {slot}"));
        lines.push("    Slot info:".to_owned());
        lines.push(field("Description", &text(&info.slotDescription)));
        lines.push(field("Manufacturer ID", &text(&info.manufacturerID)));
        lines.push(field("Hardware version", &version));
        lines.push(field("Firmware version", &version));
        lines.push(field("Token present", yes(token.is_ok())));
        let Ok(token) = token else { continue };
        lines.push("    Token info:".to_owned());
        lines.push(field("Manufacturer ID", &text(&info.manufacturerID)));
        lines.push(field("Model", &token.model));
        lines.push(field("Hardware version", &version));
        lines.push(field("Firmware version", &version));
        lines.push(field("Serial number", &token.serial));
        lines.push(field("Initialized", yes(token.has(ck::CKF_TOKEN_INITIALIZED))));
        lines.push(field("User PIN init.", yes(token.has(ck::CKF_USER_PIN_INITIALIZED))));
        lines.push(field("Label", &token.label));
    }
    Ok(lines.join("\n"))
}

fn yes(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> std::result::Result<Options, clap::Error> {
        Options::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_options_are_softhsms() {
        let options = parse("softhsm2-util --init-token --free --label=x --so-pin 1234 --pin -5678").unwrap();
        assert!(options.init_token && options.free);
        assert_eq!(options.pin.as_deref(), Some("-5678"));
        let options =
            parse("softhsm2-util --import k.pem --token t --label k --id A1B2 --no-public-key").unwrap();
        assert_eq!(options.id, Some(Id(vec![0xa1, 0xb2])));
        assert!(parse("softhsm2-util -v").unwrap().version);
        assert!(parse("softhsm2-util --show-slots --init-token").is_err());
        assert!(run(&Options::default()).is_err());
    }
}
