//! Writes what a package of keyward holds beside the library and the tool, into the directory that it is given:
//!
//! ```text
//! man/keyward*.1              a page for the tool and for each of its verbs
//! completions/keyward.bash    and keyward.fish, _keyward (zsh)
//! NOTICES                     licences of the crates that are linked in
//! ```
//!
//! The pages and completions are made from the command line's own definition, so they can't disagree with it. This is
//! a crate of its own so that its dependencies reach neither the library nor the tool.

mod notices;

use std::error::Error;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let [_, directory] = arguments.as_slice() else {
        eprintln!("usage: keyward-packaging DIRECTORY");
        return ExitCode::from(2);
    };
    match write_all(Path::new(directory)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("keyward-packaging: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write_all(directory: &Path) -> Result<()> {
    let man = fresh(directory.join("man"))?;
    let completions = fresh(directory.join("completions"))?;
    let mut command = keyward::cli::command().disable_help_subcommand(true);
    command.build();
    man_pages(&command, &man)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        clap_complete::generate_to(shell, &mut command, "keyward", &completions)?;
    }
    fs::write(directory.join("NOTICES"), notices::of_linked_crates()?)?;
    Ok(())
}

/// The directory, empty: a page of a verb that is gone must not stay.
fn fresh(directory: PathBuf) -> Result<PathBuf> {
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// A page for the command and, as `keyward-token-init.1`, for each below it.
fn man_pages(command: &Command, directory: &Path) -> Result<()> {
    let man =
        Man::new(command.clone()).manual("keyward").source(concat!("keyward ", env!("CARGO_PKG_VERSION")));
    let page = &mut File::create(directory.join(man.get_filename()))?;
    man.render_title(page)?;
    man.render_name_section(page)?;
    man.render_synopsis_section(page)?;
    man.render_description_section(page)?;
    man.render_options_section(page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(page)?;
    }
    if let Some(help) = command.get_after_help() {
        // Not clap_mangen's own section: it would fill the lines of the examples like prose.
        let mut notes = Roff::new();
        notes.control("SH", ["NOTES"]).control("nf", []).text([roman(help.to_string())]).control("fi", []);
        notes.to_writer(page)?;
    }
    command
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set())
        .try_for_each(|verb| man_pages(verb, directory))
}
