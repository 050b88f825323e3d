//! `credential_process`: a program that prints credentials.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use zeroize::Zeroizing;

use super::credentials::{Answer, Credentials, unauthenticated};
use crate::cloud::{Deadline, Error, Kind, Result, text};

/// The longest output in bytes: less than a pipe holds, so that the program never waits for a reader.
const MAX_OUTPUT: u64 = 32 << 10;

/// Runs the command, as the shell understands it, until the deadline.
pub(super) fn credentials(command: &str, deadline: Deadline) -> Result<Credentials> {
    let failed = |why: &dyn std::fmt::Display| unauthenticated(format!("credential_process: {why}"));
    let mut child = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(&error))?;
    wait(&mut child, deadline)?;
    let mut output = Zeroizing::new(Vec::with_capacity(8 << 10));
    if let Some(pipe) = child.stdout.take() {
        pipe.take(MAX_OUTPUT).read_to_end(&mut output).map_err(|error| failed(&error))?;
    }
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

/// Until it ends well. Without a thread of ours, and without a signal handler in a host that may have its own.
fn wait(child: &mut Child, deadline: Deadline) -> Result<()> {
    let mut pause = Duration::from_millis(1);
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(unauthenticated(format!("credential_process: {status}"))),
            // A host that ignores SIGCHLD is not told how its children end: the output says it.
            Err(_) => return Ok(()),
            Ok(None) if deadline.left().is_zero() => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Error::new(Kind::Broken, "credential_process: no time left"));
            }
            Ok(None) => std::thread::sleep(pause.min(deadline.left())),
        }
        pause = (pause * 2).min(Duration::from_millis(50));
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
        let slow = credentials("sleep 60", Deadline::after(Duration::from_millis(50)));
        assert_eq!(slow.unwrap_err().kind(), Kind::Broken);
    }
}
