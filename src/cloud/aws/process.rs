//! `credential_process`: a program that prints credentials.

use std::io::{ErrorKind, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use zeroize::Zeroizing;

use super::credentials::{Answer, Credentials, unauthenticated};
use crate::cloud::{Deadline, Error, Kind, Result, text};

/// The longest output in bytes.
const MAX_OUTPUT: usize = 32 << 10;
/// How long a look at the output takes before the program itself is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Runs the command, as the shell understands it, until the deadline.
pub(super) fn credentials(command: &str, deadline: Deadline) -> Result<Credentials> {
    let failed = |why: std::io::Error| unauthenticated(format!("credential_process: {why}"));
    // A socket, since reading from it can be bounded in time.
    let (output, theirs) = UnixStream::pair().map_err(failed)?;
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(OwnedFd::from(theirs))
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let output = read(output, &mut child, deadline)?;
    judge(&mut child, deadline)?;
    #[derive(serde::Deserialize)]
    struct Version {
        #[serde(rename = "Version")]
        version: u32,
    }
    let Version { version } = text::from_json("credential_process", &output)?;
    if version != 1 {
        return Err(Error::new(Kind::Corrupt, format!("credential_process: version {version} is not known")));
    }
    text::from_json::<Answer>("credential_process", &output)?.credentials()
}

/// What it prints, until it ends: a process that it leaves behind may hold the output open for ever. Without a thread of
/// ours, and without a signal handler in a host that may have its own.
fn read(mut from: UnixStream, child: &mut Child, deadline: Deadline) -> Result<Zeroizing<Vec<u8>>> {
    let failed = |why: std::io::Error| unauthenticated(format!("credential_process: {why}"));
    let mut output = Zeroizing::new(vec![0; MAX_OUTPUT]);
    let mut len = 0;
    from.set_read_timeout(Some(LOOK)).map_err(failed)?;
    while let Some(room) = output.get_mut(len..).filter(|room| !room.is_empty()) {
        match from.read(room) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if !matches!(child.try_wait(), Ok(None)) {
                    break;
                }
                expect_time(child, deadline)?;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    output.truncate(len);
    Ok(output)
}

fn expect_time(child: &mut Child, deadline: Deadline) -> Result<()> {
    if !deadline.left().is_zero() {
        return Ok(());
    }
    let _ = child.kill();
    let _ = child.wait();
    Err(Error::new(Kind::Broken, "credential_process: no time left"))
}

/// Whether it ended well.
fn judge(child: &mut Child, deadline: Deadline) -> Result<()> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(unauthenticated(format!("credential_process: {status}"))),
            // A host that ignores SIGCHLD is not told how its children end: the output says it.
            Err(_) => return Ok(()),
            Ok(None) => {
                expect_time(child, deadline)?;
                std::thread::sleep(LOOK.min(deadline.left()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(command: &str) -> Result<Credentials> {
        credentials(command, Deadline::after(Duration::from_secs(20)))
    }

    #[test]
    fn a_program_answers() {
        let found = run(
            r#"echo '{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "S", "SessionToken": "T", "Expiration": "2000-02-29T00:00:00Z"}'"#,
        );
        let found = found.unwrap();
        assert_eq!((found.access_key_id.as_str(), found.expires), ("A", Some(951_782_400)));
        assert_eq!(found.session_token.as_deref(), Some("T"));
    }

    #[test]
    fn what_it_does_wrong_is_told() {
        assert_eq!(run("exit 3").unwrap_err().kind(), Kind::Unauthenticated);
        assert_eq!(run("echo '{\"Version\": 2}'").unwrap_err().kind(), Kind::Corrupt);
        assert_eq!(run("echo planted").unwrap_err().kind(), Kind::Corrupt);
        // A process that stays behind, with the output in its hand, and more output than is taken.
        assert_eq!(run("sleep 5 & echo '{\"Version\": 2}'").unwrap_err().kind(), Kind::Corrupt);
        assert!(run("head -c 200000 /dev/zero").is_err());
        let slow = credentials("sleep 60", Deadline::after(Duration::from_millis(50)));
        assert_eq!(slow.unwrap_err().kind(), Kind::Broken);
    }
}
