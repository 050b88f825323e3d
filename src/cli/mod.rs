//! The command-line tool: prepares, inspects and operates tokens.
//!
//! It works through `calls` on a `Module` of its own, as an application would, and holds no logic that the library
//! lacks. Each verb's options and code share a file; a verb returns an `output::Answer`, and this file alone
//! decides how it is shown and which exit code follows: 0 done, 1 failed with one line on stderr, 2 usage.

mod confirm;
mod create;
mod demo;
mod device;
mod doctor;
mod error;
mod export;
mod extract;
mod files;
mod formats;
mod host;
mod import;
mod key;
mod keytype;
#[cfg(feature = "kms")]
mod kms;
mod mechanism;
mod migrate;
mod object;
mod output;
mod passphrase;
mod pin;
mod pins;
mod progress;
mod scratch;
mod select;
mod sign;
mod signature;
mod softhsm;
mod token;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use error::{Error, Result};
use output::Answer;

/// Exit codes other than 0, beside the ones of `Error::exit_code`.
const FAILED: u8 = 1;

const HELP: &str = "\
Examples:
  keyward demo                                              a tour in a temporary directory
  keyward token init --label web                            a token, with prompts for its PINs
  keyward key generate --type ec:p256 --label tls --id 01   a key pair in it
  keyward object list
  keyward doctor                                            what is configured, and what is wrong

Files and variables:
  KEYWARD_CONF   keyward.toml to read       KEYWARD_DIR   where soft tokens are kept
  KEYWARD_<SECTION>__<KEY>   any setting    KEYWARD_TOKEN  label or serial for --token

PINs come from a file, a variable, stdin or a prompt: never from the command line.
Exit code 0: done. 1: failed, with one line on stderr. 2: wrong usage.";

/// Operate keyward's PKCS#11 tokens.
#[derive(Parser, Debug)]
#[command(name = "keyward", version, after_help = HELP, arg_required_else_help = true)]
struct Cli {
    /// Print one JSON object on stdout instead of text
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Make, list and delete tokens
    #[command(subcommand)]
    Token(token::Command),
    /// List slots
    #[command(subcommand)]
    Slot(token::SlotCommand),
    /// List, delete, import and export objects
    #[command(subcommand)]
    Object(object::Command),
    /// Generate keys
    #[command(subcommand)]
    Key(key::Command),
    /// List mechanisms
    #[command(subcommand)]
    Mechanism(mechanism::Command),
    /// Change and reset PINs
    #[command(subcommand)]
    Pin(pins::Command),
    /// Sign a file
    #[command(after_help = sign::HELP)]
    Sign(sign::Sign),
    /// Verify a file's signature
    #[command(after_help = sign::HELP)]
    Verify(sign::Verify),
    /// Look after Zymbit devices: health, perimeter events
    #[command(subcommand, after_help = device::HELP)]
    Device(device::Command),
    /// Look after cloud slots: test connection, permissions and latency
    #[cfg(feature = "kms")]
    #[command(subcommand, after_help = kms::HELP)]
    Kms(kms::Command),
    /// Move the objects of another token's store (SoftHSM, NSS, kryoptic) into a token
    #[command(subcommand, after_help = migrate::HELP)]
    Migrate(migrate::Command),
    /// Show the configuration in force and look for what is wrong; exit code 1 if something is
    Doctor,
    /// Show what keyward does, in a temporary directory
    Demo,
}

/// The command line's definition, for man pages and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the tool with these arguments, the program's name first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let name = arguments.first().and_then(|name| Path::new(name).file_name());
    if name.is_some_and(|name| name == softhsm::NAME) {
        return softhsm::main(arguments);
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout with 0, mistakes to stderr with 2.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    finish(run(&cli), cli.json)
}

fn run(cli: &Cli) -> Result<Answer> {
    match &cli.verb {
        Verb::Token(command) => token::run(command),
        Verb::Slot(command) => token::run_slot(command),
        Verb::Object(command) => object::run(command),
        Verb::Key(command) => key::run(command),
        Verb::Mechanism(command) => mechanism::run(command),
        Verb::Pin(command) => pins::run(command),
        Verb::Sign(args) => sign::sign(args),
        Verb::Verify(args) => sign::verify(args),
        Verb::Device(command) => device::run(command, cli.json),
        #[cfg(feature = "kms")]
        Verb::Kms(command) => kms::run(command),
        Verb::Migrate(command) => migrate::run(command),
        Verb::Doctor => doctor::run(),
        Verb::Demo => demo::run(cli.json),
    }
}

/// Shows the outcome and turns it into an exit code.
fn finish(outcome: Result<Answer>, json: bool) -> ExitCode {
    let shown = outcome.and_then(|answer| {
        answer.print(json).map_err(|error| Error::Failed(format!("stdout: {error}")))?;
        Ok(answer.failure)
    });
    match shown {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(failure)) => complain(&failure, FAILED),
        Err(error) => complain(&error.to_string(), error.exit_code()),
    }
}

fn complain(line: &str, code: u8) -> ExitCode {
    eprintln!("keyward: {line}");
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn verbs_parse() {
        for line in [
            "keyward token init --label x --pin-stdin",
            "keyward token init --label x --so-pin-file a --pin-env B --slot 7",
            "keyward --json token list",
            "keyward token delete --token x --yes",
            "keyward object list --class cert --public",
            "keyward key generate --type rsa:3072 --label x --id 01 --usage sign,wrap",
            "keyward object import - --label x",
            "keyward pin unlock --so-pin-file a --new-pin-file b",
            "keyward sign --id 01 --in -",
            "keyward verify --key x --in a --signature b --json",
            "keyward migrate softhsm --from tokens --to web --dry-run",
            "keyward migrate nss --from sql:db --to web --source-pin-file a --pin-file b --json",
            "keyward migrate kryoptic --from token.sql --create --pin-stdin",
            "keyward migrate softhsm --conf a.conf --source-token x --create --same-pins --so-pin-env SO",
            "keyward mechanism list --markdown",
            "keyward device status --library /x.so --json",
            "keyward device watch --count 1 --timeout 5",
            "keyward device clear --yes --serial 0123",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
    }

    #[cfg(feature = "kms")]
    #[test]
    fn verbs_of_cloud_slots_parse() {
        for line in [
            "keyward kms test aws-prod --key tls --count 100 --json",
            "keyward kms mechanisms --provider vault --markdown",
            "keyward kms encrypt-pin --slot aws-prod --key unlock --pin-file pin --out pin.enc",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
    }

    #[test]
    fn mistakes_are_usage() {
        for line in [
            "keyward",
            "keyward token",
            "keyward token init",
            "keyward token init --label x --slot 1 --token y",
            "keyward token init --label x --pin 1234",
            "keyward token init --label x --pin-env A --pin-stdin",
            "keyward key generate --type rsa --label x",
            "keyward key generate --type ec:p256 --label x --id 0",
            "keyward object list --public --pin-env A",
            "keyward sign --in x",
            "keyward migrate softhsm --from a --conf b --to x",
            "keyward migrate softhsm --from a",
            "keyward device clear --yes",
            "keyward device lock-binding --serial 0123",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
