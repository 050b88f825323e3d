//! Link arguments of the shared library.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // A host may dlclose us and still hold our function pointers: stay mapped. Nothing runs at unload.
    println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    // The static libraries (AWS-LC, SQLite) keep their symbols to themselves: they must never answer for the host's.
    println!("cargo:rustc-cdylib-link-arg=-Wl,--exclude-libs,ALL");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-Bsymbolic");
}
