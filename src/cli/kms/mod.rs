//! `keyward kms`: cloud slots, for the person who sets them up.

mod encrypt_pin;
mod mechanisms;
mod test;

use clap::Subcommand;

use super::error::Result;
use super::output::Answer;

pub const HELP: &str = "\
A slot is named by its label: that of the [[slot]] entry in keyward.toml with backend = \"kms\".

  keyward kms test aws-prod                      connect, list, sign, and say which permissions are missing
  keyward kms test transit --key tls --count 100 latency of a hundred signatures with one key
  keyward kms mechanisms --markdown              what each provider does
  keyward kms encrypt-pin --slot aws-prod --key unlock --out pin.enc
                                                 a soft token's PIN, for the slot alone to read";

/// Look after cloud slots
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Connect to a slot's service, list its keys, sign, and show latency and permissions
    Test(test::Test),
    /// Encrypt a PIN for a slot's key, to unlock a soft token with it
    #[command(after_help = encrypt_pin::HELP)]
    EncryptPin(encrypt_pin::EncryptPin),
    /// List what each provider does with its keys
    Mechanisms(mechanisms::Mechanisms),
}

/// Runs a verb.
pub fn run(command: &Command) -> Result<Answer> {
    match command {
        Command::Test(args) => test::run(args),
        Command::EncryptPin(args) => encrypt_pin::run(args),
        Command::Mechanisms(args) => mechanisms::run(args),
    }
}
