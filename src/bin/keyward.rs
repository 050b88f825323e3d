//! The command-line tool: everything is in `keyward::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    keyward::cli::main(std::env::args_os())
}
