//! The tool under the name `softhsm2-util`: that program's options on keyward's tokens, for scripts that use it.
//!
//! PINs are on the command line here, because those scripts have them there. What scripts look for in its output is
//! worded as SoftHSM words it. Exit code 0 done, 1 anything else.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, ValueEnum};

use super::create::{Plan, create};
use super::error::{Error, Result, failed};
use super::files;
use super::formats::{Item, Material, SecretKind, Told};
use super::host::{Host, Known, Session, TokenArg, text};
use super::import;
use super::key::Traits;
use super::output::{self, printable};
use super::passphrase::Passphrase;
use super::pin::Source;
use super::select::{Id, template};
use super::token;
use crate::calls;
use crate::error::ErrorKind;
use crate::token::User;
use crate::types::{SecretBytes, ck};

/// The name that turns the tool into this one.
pub const NAME: &str = "softhsm2-util";

/// Where `--show-config default-pkcs11-lib` looks for the library, seen from the directory of the tool.
const LIBRARIES: &[&str] =
    &["libkeyward.so", "../lib/libkeyward.so", "/usr/local/lib/libkeyward.so", "/usr/lib/libkeyward.so"];

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
    /// Show a setting: default-pkcs11-lib is the path of the library
    #[arg(long, group = "action", value_name = "VAR")]
    show_config: Option<String>,
    /// Delete a token: with --token or --serial
    #[arg(long, group = "action")]
    delete_token: bool,
    /// Import an object: with --slot, --token or --serial, --file-pin, --label, --id, --no-public-key and --pin
    #[arg(long, group = "action", value_name = "PATH")]
    import: Option<PathBuf>,
    /// Show the version
    #[arg(long, short, group = "action")]
    version: bool,
    /// What is imported: a PKCS#8 key pair, an AES key's bytes, or an X.509 certificate
    #[arg(long, value_enum, value_name = "TYPE", default_value_t)]
    import_type: ImportType,
    /// The same as --import-type aes
    #[arg(long)]
    aes: bool,
    /// PIN of the imported file, if it is encrypted
    #[arg(long, allow_hyphen_values = true)]
    file_pin: Option<String>,
    /// Import although the ID is in use
    #[arg(long)]
    force: bool,
    /// Use the first free token
    #[arg(long)]
    free: bool,
    /// ID of the imported object
    #[arg(long, value_name = "HEX")]
    id: Option<String>,
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

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ImportType {
    #[default]
    Keypair,
    Aes,
    Cert,
}

impl ImportType {
    /// The class whose IDs must differ, whether an item is what is imported, and what to say when it is done.
    fn row(self) -> (ck::CK_OBJECT_CLASS, fn(&Material) -> bool, &'static str) {
        match self {
            ImportType::Keypair => (
                ck::CKO_PRIVATE_KEY,
                |m| matches!(m, Material::Private(_)),
                "The key pair has been imported.",
            ),
            ImportType::Aes => {
                (ck::CKO_SECRET_KEY, |m| matches!(m, Material::Secret(..)), "The key has been imported.")
            }
            ImportType::Cert => (
                ck::CKO_CERTIFICATE,
                |m| matches!(m, Material::Certificate(_)),
                "The certificate has been imported.",
            ),
        }
    }
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
    match run(&options).and_then(|text| say(&text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // SoftHSM's own lines begin with the return value where C_InitToken gave one.
            let line = error.to_string();
            let prefix = if line.starts_with("CKR_") { "" } else { "ERROR: " };
            eprintln!("{prefix}{line}");
            ExitCode::FAILURE
        }
    }
}

fn say(text: &str) -> Result<()> {
    output::line(text).map_err(|error| Error::Failed(format!("stdout: {error}")))
}

fn run(options: &Options) -> Result<String> {
    if options.version {
        return Ok(format!("{} (keyward)", env!("CARGO_PKG_VERSION")));
    }
    if let Some(setting) = &options.show_config {
        return show_config(setting);
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
        say(&Options::command().render_help().to_string())?;
        failed("No action was given")
    }
}

fn show_config(setting: &str) -> Result<String> {
    if setting != "default-pkcs11-lib" {
        return failed(format!("Invalid configuration key '{setting}'"));
    }
    let tool = std::env::current_exe().and_then(std::fs::canonicalize);
    let tool = tool.map_err(|error| Error::Failed(format!("the tool's own place is not known: {error}")))?;
    let beside = tool.parent().unwrap_or(Path::new("/"));
    let library = LIBRARIES.iter().find_map(|place| std::fs::canonicalize(beside.join(place)).ok());
    match library {
        Some(library) => Ok(library.display().to_string()),
        None => failed("libkeyward.so is neither beside the tool nor in a usual place"),
    }
}

/// The slot that the options name; says how it was found, as scripts read it.
fn place(host: &Host, options: &Options, new: bool) -> Result<Known> {
    if let Some(slot) = options.slot {
        return by_number(host, slot);
    }
    if options.free && new {
        let free = host.token_in(host.free_slot()?)?;
        say(&format!("Slot {} has a free/uninitialized token.", free.slot))?;
        return Ok(free);
    }
    let or_free = if new { ", or --free" } else { "" };
    let (wanted, what) = match (&options.serial, &options.token) {
        (Some(serial), _) => (serial, "serial"),
        (None, Some(label)) => (label, "token label"),
        (None, None) => {
            return failed(format!(
                "A slot/token must be supplied. Use --slot <number>, --serial <serial>, {}--token <label>{or_free}",
                if new { "" } else { "or " }
            ));
        }
    };
    if !host.tokens()?.iter().any(|token| token.serial == *wanted || token.label == *wanted) {
        return failed(format!(
            "Could not find a slot/token using --serial, {}--token{or_free}{}",
            if new { "" } else { "or " },
            if new { "." } else { "" }
        ));
    }
    let token = host.select(&TokenArg { token: Some(wanted.clone()) })?;
    say(&format!("Found slot {} with matching {what}.", token.slot))?;
    Ok(token)
}

fn by_number(host: &Host, slot: ck::CK_SLOT_ID) -> Result<Known> {
    if host.slots()?.iter().any(|(id, _)| *id == slot) {
        return host.token_in(slot);
    }
    // SoftHSM numbers its free slot after its tokens; scripts say `--slot 0` on a new installation.
    match u64::try_from(host.tokens()?.len()) == Ok(slot) {
        true => host.token_in(host.free_slot()?),
        false => failed(format!("CKR_SLOT_ID_INVALID: Slot {slot} does not exist.")),
    }
}

fn pin(given: &Option<String>, what: &str) -> Result<SecretBytes> {
    match given {
        Some(pin) => Ok(SecretBytes::from(pin.as_bytes())),
        None => Source::prompt_or("--pin and --so-pin").read_new(what),
    }
}

fn init(host: &Host, options: &Options) -> Result<String> {
    let place = place(host, options, true)?;
    let Some(label) = options.label.as_deref().filter(|label| !label.is_empty()) else {
        return failed("A label for the token must be supplied. Use --label <text>");
    };
    if label.len() > 32 {
        return failed("The token label must not have a length greater than 32 chars.");
    }
    let anew = place.has(ck::CKF_TOKEN_INITIALIZED);
    let (so_pin, user_pin) = (pin(&options.so_pin, "SO PIN")?, pin(&options.pin, "user PIN")?);
    let wrong = |error: Error| {
        match &error {
        Error::Failed(why) if anew && why.contains(ErrorKind::PinIncorrect.name()) => Error::Failed(
            "CKR_PIN_INCORRECT: The given SO PIN does not match the one in the token. Needed when reinitializing the token."
                .to_owned(),
        ),
        _ => error,
    }
    };
    let token = token::make(host, &place, label, &so_pin, &user_pin).map_err(wrong)?;
    Ok(match anew {
        true => format!("The token has been initialized on slot {}", token.slot),
        // A slot keeps its number here; scripts look for these words all the same.
        false => format!("The token has been initialized and is reassigned to slot {}", token.slot),
    })
}

fn delete(host: &Host, options: &Options) -> Result<String> {
    let Some(wanted) = options.serial.as_ref().or(options.token.as_ref()) else {
        return failed("A token must be supplied. Use --serial <serial> or --token <label>");
    };
    if !host.tokens()?.iter().any(|token| token.serial == *wanted || token.label == *wanted) {
        return failed("Could not find a token using --serial or --token.");
    }
    let path = host.delete_file(&host.select(&TokenArg { token: Some(wanted.clone()) })?)?;
    Ok(format!("The token ({}) has been deleted.", path.display()))
}

fn import(host: &Host, options: &Options, file: &Path) -> Result<String> {
    let token = place(host, options, false)?;
    let Some(label) = &options.label else {
        return failed("A label for the object must be supplied. Use --label <text>");
    };
    let id = id(options)?;
    let user_pin = match &options.pin {
        Some(pin) => SecretBytes::from(pin.as_bytes()),
        None => Source::prompt_or("--pin").read("user PIN")?,
    };
    let kind = if options.aes { ImportType::Aes } else { options.import_type };
    let (class, wanted, done) = kind.row();
    let session = host.open(&token, true)?;
    login(&session, &user_pin)?;
    if !session.find(&template(Some(class), None, Some(&id)))?.is_empty() && !options.force {
        return failed("The ID is already assigned to another object. Use --force to override this message.");
    }
    let content = files::read(file)?;
    let told = Told { format: None, secret: (kind == ImportType::Aes).then_some(SecretKind::Aes) };
    let items =
        import::items(file, &content, told, &Passphrase::given(options.file_pin.as_deref(), "--file-pin"))?;
    // A file with a key and its certificate is a key pair to SoftHSM, and the certificate is passed over.
    let Some(item) = items.into_iter().find(|item: &Item| wanted(&item.material)) else {
        return failed(format!("{}: there is no such object in it", file.display()));
    };
    let traits = Traits { id: Some(id), ..Traits::default() };
    let plan = Plan {
        label: Some(label),
        traits: &traits,
        public_key: !options.no_public_key,
        twins: options.force,
    };
    create(&session, &[item], &plan)?;
    Ok(done.to_owned())
}

fn login(session: &Session<'_>, pin: &[u8]) -> Result<()> {
    match calls::session::login(session.module, session.handle, User::User, Some(pin), None) {
        Err(error) if error.kind() == ErrorKind::PinIncorrect => {
            failed("The given user PIN does not match the one in the token.")
        }
        other => Ok(other?),
    }
}

fn id(options: &Options) -> Result<Id> {
    let Some(digits) = &options.id else {
        return failed("An ID for the object must be supplied. Use --id <hex>");
    };
    match digits.parse() {
        Ok(id) => Ok(id),
        Err(_) if digits.len() % 2 != 0 => {
            failed("Invalid length on hex string. Please edit --id <hex> to correct error.")
        }
        Err(_) => failed("Invalid character in hex string. Please edit --id <hex> to correct error."),
    }
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
        assert_eq!(id(&options).unwrap(), Id(vec![0xa1, 0xb2]));
        assert_eq!(options.import_type, ImportType::Keypair);
        assert!(parse("softhsm2-util -v").unwrap().version);
        assert!(parse("softhsm2-util --show-slots --init-token").is_err());
        assert!(run(&Options::default()).is_err());
    }
}
