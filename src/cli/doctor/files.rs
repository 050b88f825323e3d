//! The token directory and the token files: permissions, PIN records, integrity.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::super::error::Result;
use super::super::host::Host;
use super::super::progress::Spinner;
use super::{Level, Report};
use crate::config::Soft;
use crate::store::{Header, PinPolicy, Role, SqliteStore, Store};

const GROUP_MAY: u32 = 0o070;
const OTHERS_MAY: u32 = 0o077;
const OTHERS_MAY_WRITE: u32 = 0o022;

/// The token directory.
pub fn directory(report: &mut Report, soft: &Soft) {
    let dir = &soft.dir;
    let subject = "directory";
    let shown = dir.display();
    match fs::metadata(dir) {
        Ok(found) if !found.is_dir() => {
            report.add(Level::Problem, subject, format!("{shown} is no directory"))
        }
        Ok(found) => {
            permissions(report, subject, &format!("{shown}"), &found, soft);
            if let Err(error) = fs::read_dir(dir) {
                report.add(Level::Problem, subject, format!("{shown}: {error}"));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            report.add(Level::Info, subject, format!("{shown} is not there yet; the first token makes it"));
        }
        Err(error) => report.add(Level::Problem, subject, format!("{shown}: {error}")),
    }
}

/// Mode and owner. Others that can read have the sealed file to guess PINs on; others that can write can destroy it.
/// A group that `soft.file_mode` lets in is no other.
fn permissions(report: &mut Report, subject: &str, what: &str, found: &Metadata, soft: &Soft) {
    let mode = found.permissions().mode() & 0o7777;
    let text = format!("{what}, mode {mode:04o}");
    let group = if soft.file_mode & GROUP_MAY != 0 { GROUP_MAY } else { 0 };
    if mode & OTHERS_MAY_WRITE & !group != 0 {
        report.add(Level::Problem, subject, format!("{text}: others can write it; chmod go-rwx"));
    } else {
        report.check(
            mode & OTHERS_MAY & !group == 0,
            subject,
            text,
            (Level::Warning, "others can read it; chmod go-rwx"),
        );
    }
    // The owner of a process's entry in /proc is its effective user.
    let own = fs::metadata("/proc/self").map(|process| process.uid());
    if own.is_ok_and(|own| own != found.uid()) {
        report.add(Level::Warning, subject, format!("{what} belongs to user {}", found.uid()));
    }
}

/// Every soft token's file.
pub fn tokens(report: &mut Report, host: &Host) {
    let soft = &host.config.soft;
    let Ok(entries) = fs::read_dir(&soft.dir) else { return };
    let mut paths: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "token"));
    paths.sort();
    for path in paths {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let subject = format!("token {name}");
        match fs::metadata(&path) {
            Ok(found) => permissions(report, &subject, &path.display().to_string(), &found, soft),
            Err(error) => report.add(Level::Problem, &subject, format!("{}: {error}", path.display())),
        }
        if let Err(error) = token(report, host, &subject, &path) {
            report.add(Level::Problem, &subject, error.to_string());
        }
    }
}

fn token(report: &mut Report, host: &Host, subject: &str, path: &Path) -> Result<()> {
    let store = SqliteStore::open(path, &host.store_options(true))?;
    let header = store.header()?;
    let text = format!("label \"{}\", {} object(s)", header.label_text(), store.count()?);
    report.add(Level::Info, subject, text);
    if path.file_stem().is_none_or(|stem| stem != header.serial.as_str()) {
        let text = format!("the file of token {} was renamed; call it {0}.token", header.serial);
        report.add(Level::Problem, subject, text);
    }
    let soft = &host.config.soft;
    let policy = PinPolicy { max_failures: soft.max_pin_failures, delay: soft.pin_delay };
    pin(report, subject, &header, policy, Role::So, "SO PIN");
    pin(report, subject, &header, policy, Role::User, "user PIN");
    let _spinner = Spinner::new(&format!("Checking {}", path.display()));
    let faults = store.check()?;
    if faults.is_empty() {
        report.add(Level::Ok, subject, "integrity check passed");
    }
    for fault in faults {
        report.add(
            Level::Problem,
            subject,
            format!("integrity check: {fault}; restore the file from a copy"),
        );
    }
    Ok(())
}

fn pin(report: &mut Report, subject: &str, header: &Header, policy: PinPolicy, role: Role, name: &str) {
    let Some(record) = header.pin(role) else {
        report.add(Level::Warning, subject, format!("{name} not set: `keyward pin unlock` sets it"));
        return;
    };
    let kdf = record.kdf();
    let bad =
        "weaker than the default; change the PIN under a stronger soft.kdf unless the token is throw-away";
    report.check(!kdf.is_weak(), subject, format!("{name}: {kdf}"), (Level::Warning, bad));
    let (state, failures) = (policy.state_of(header, role), header.failures(role).count);
    if state.locked {
        let help = if role == Role::User { "; `keyward pin unlock` sets a new one" } else { "" };
        report.add(Level::Problem, subject, format!("{name} locked after {failures} wrong ones{help}"));
    } else if failures > 0 {
        report.add(
            Level::Warning,
            subject,
            format!("{name}: {failures} wrong one(s) since the last right one"),
        );
    }
}
