//! Tests that need environment variables of their own: a process has one set for all threads.

use std::process::{Command, Stdio};

const NAME: &str = "KEYWARD_TEST_CHILD";

/// Runs the named test again in a process with these variables and none of the others, and answers false; in that
/// process, answers true.
pub fn in_child(test: &str, variables: &[(&str, &str)]) -> bool {
    if std::env::var(NAME).is_ok_and(|name| name == test) {
        return true;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env_clear()
        .env("HOME", "/nonexistent")
        .env(NAME, test)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    // A name that fits no test would pass without having run.
    let ran = output.status.success() && text.contains("1 passed");
    assert!(ran, "{test}: {text}{}", String::from_utf8_lossy(&output.stderr));
    false
}
