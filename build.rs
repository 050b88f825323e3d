//! Link arguments of the shared library.

use std::path::PathBuf;

/// AWS-LC registers destructors that lock its random generators for good when the process exits; a host's own exit
/// handler that still signs would wait for ever. Nothing of ours needs a destructor: the section is dropped whole.
const NO_DESTRUCTORS: &str =
    "SECTIONS { /DISCARD/ : { *(.fini_array .fini_array.*) } } INSERT AFTER .text;\n";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let arguments = [
        // A host may dlclose us and still hold our function pointers: stay mapped.
        "-Wl,-z,nodelete",
        // The static libraries (AWS-LC, SQLite) keep their symbols to themselves: they never answer for the host's.
        "-Wl,--exclude-libs,ALL",
        "-Wl,-Bsymbolic",
    ];
    for argument in arguments {
        println!("cargo:rustc-cdylib-link-arg={argument}");
    }
    if let Some(directory) = std::env::var_os("OUT_DIR") {
        let script = PathBuf::from(directory).join("no-destructors.ld");
        if std::fs::write(&script, NO_DESTRUCTORS).is_ok() {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-T,{}", script.display());
        }
    }
}
