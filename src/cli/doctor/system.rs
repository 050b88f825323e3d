//! Around the tokens: slots, interfaces, the library's file, the host's limits.

use std::path::PathBuf;

use super::super::host::Host;
use super::{Level, Report};
use crate::ffi;
use crate::types::ck;

/// What a login locks in memory stays far below this; the rest is other libraries' in the same process.
const MEMLOCK_NEEDED: u64 = 64 << 10;
const LIBRARY: &str = "libkeyward.so";

/// Slots and the free one.
pub fn slots(report: &mut Report, host: &Host) {
    match host.slots() {
        Ok(slots) => {
            let known: Vec<_> = slots.iter().filter_map(|(_, token)| token.as_ref().ok()).collect();
            let tokens = known.iter().filter(|token| token.has(ck::CKF_TOKEN_INITIALIZED)).count();
            let free = known.iter().find(|token| !token.has(ck::CKF_TOKEN_INITIALIZED));
            let text = match free {
                Some(free) => format!("{tokens} token(s), free slot {}", free.slot),
                None => format!("{tokens} token(s), no free slot"),
            };
            report.check(free.is_some(), "slots", text, (Level::Warning, "no token can be initialised"));
        }
        Err(error) => report.add(Level::Problem, "slots", error.to_string()),
    }
}

/// What C_GetInterfaceList offers.
pub fn interfaces(report: &mut Report) {
    let versions = ffi::VERSIONS.iter().map(|version| format!("{}.{}", version.major, version.minor));
    let missing = ffi::unsupported().len();
    let text = format!(
        "PKCS #11 {}; {} of {} functions",
        versions.collect::<Vec<_>>().join(", "),
        ffi::FUNCTIONS - missing,
        ffi::FUNCTIONS
    );
    report.add(Level::Ok, "interfaces", text);
}

/// Where applications find the library.
pub fn library(report: &mut Report) {
    let own = std::env::current_exe().ok();
    let beside = own.as_deref().and_then(|exe| exe.parent());
    let near = beside.into_iter().flat_map(|dir| [dir.join(LIBRARY), dir.join("../lib").join(LIBRARY)]);
    let usual = [
        "/usr/lib",
        "/usr/lib/pkcs11",
        "/usr/local/lib",
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
    ];
    let usual = usual.iter().map(|dir| PathBuf::from(dir).join(LIBRARY));
    match near.chain(usual).find(|path| path.is_file()) {
        Some(path) => {
            let path = path.canonicalize().unwrap_or(path);
            report.add(Level::Ok, "library", path.display().to_string());
        }
        None => {
            let text = format!(
                "no {LIBRARY} beside this program or in the usual places; applications need its path"
            );
            report.add(Level::Warning, "library", text);
        }
    }
}

/// RLIMIT_MEMLOCK and RLIMIT_CORE of this process, whose children and siblings mostly share them.
pub fn limits(report: &mut Report) {
    let Ok(limits) = std::fs::read_to_string("/proc/self/limits") else { return };
    if let Some(soft) = soft_limit(&limits, "Max locked memory") {
        let text = format!(
            "RLIMIT_MEMLOCK: {}",
            soft.map_or("unlimited".to_owned(), |bytes| format!("{bytes} bytes"))
        );
        let bad = "keys may be swapped to disk; raise it (ulimit -l)";
        report.check(soft.is_none_or(|bytes| bytes >= MEMLOCK_NEEDED), "limits", text, (Level::Warning, bad));
    }
    if soft_limit(&limits, "Max core file size").is_some_and(|soft| soft != Some(0)) {
        let text = "core dumps are on; token keys are left out of them, keys in use are not (ulimit -c 0)";
        report.add(Level::Info, "limits", text);
    }
}

/// A soft limit from the table in `/proc/self/limits`; the inner `None` is "unlimited".
fn soft_limit(limits: &str, name: &str) -> Option<Option<u64>> {
    let soft = limits.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?;
    if soft == "unlimited" { Some(None) } else { soft.parse().ok().map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max core file size        0                    unlimited            bytes     \n\
                    Max locked memory         8388608              8388608              bytes     \n";
        assert_eq!(soft_limit(text, "Max locked memory"), Some(Some(8388608)));
        assert_eq!(soft_limit(text, "Max core file size"), Some(Some(0)));
        assert_eq!(
            soft_limit("Max locked memory unlimited unlimited bytes", "Max locked memory"),
            Some(None)
        );
        assert_eq!(soft_limit(text, "Max x"), None);
    }
}
