//! Asking before anything is destroyed.

use std::io::{self, BufRead, IsTerminal, Write};

use super::error::{Error, Result, failed, usage};

/// Lets the caller go on only if the person types `word`, or said `--yes`. Without a terminal nobody can be asked.
pub fn destroy(what: &str, word: &str, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return usage(format!("{what}: confirm with --yes"));
    }
    let typed = ask(&format!("{what}. Type \"{word}\" to go on: "));
    match typed.map_err(|error| Error::Failed(format!("no answer: {error}")))? == word {
        true => Ok(()),
        false => failed("nothing was changed"),
    }
}

/// The same for what destroys more than its own files: the person types the word, and then "yes". A script names the
/// word in an option of the verb's; that is for the verb to check.
pub fn twice(what: &str, word: &str) -> Result<()> {
    if !io::stdin().is_terminal() {
        return usage("this is confirmed at a terminal, or with --yes --serial SERIAL");
    }
    let questions = [
        (format!("{what}\nType {word} to go on: "), word),
        ("Really? Type yes to do it: ".to_owned(), "yes"),
    ];
    for (question, answer) in questions {
        let typed = ask(&question).map_err(|error| Error::Failed(format!("no answer: {error}")))?;
        if typed != answer {
            return failed("nothing was changed");
        }
    }
    Ok(())
}

fn ask(question: &str) -> io::Result<String> {
    let mut err = io::stderr().lock();
    write!(err, "{question}")?;
    err.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
