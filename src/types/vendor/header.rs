//! `include/keyward.h`, made of `vendor.rs`.

use super::*;

const SOURCE: &str = include_str!("../vendor.rs");
const HEADER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include/keyward.h");
/// Set, it makes the test write the header.
const WRITE: &str = "KEYWARD_WRITE_HEADER";

const HEAD: &str = "\
/*
 * keyward's own mechanisms, attributes and parameter structures for PKCS#11.
 *
 * Include it after a pkcs11.h. The numbers are the vendor bit, \"KW\" (0x4b57) and a count.
 * Generated from src/types/vendor.rs: KEYWARD_WRITE_HEADER=1 cargo test --lib header
 */
#ifndef KEYWARD_H
#define KEYWARD_H

#ifdef __cplusplus
extern \"C\" {
#endif

/* p11-kit's header without CRYPTOKI_COMPAT has GNU names for the same types. */
#ifdef CRYPTOKI_GNU
typedef unsigned char *keyward_utf8_ptr;
typedef unsigned char *keyward_byte_ptr;
typedef unsigned long keyward_ulong;
typedef unsigned char keyward_bool;
#else
typedef CK_UTF8CHAR_PTR keyward_utf8_ptr;
typedef CK_BYTE_PTR keyward_byte_ptr;
typedef CK_ULONG keyward_ulong;
typedef CK_BBOOL keyward_bool;
#endif
";

const TAIL: &str = "
#ifdef __cplusplus
}
#endif

#endif
";

/// The C name of a Rust type.
const TYPES: [(&str, &str); 4] = [
    ("CK_UTF8CHAR_PTR", "keyward_utf8_ptr"),
    ("CK_BYTE_PTR", "keyward_byte_ptr"),
    ("CK_ULONG", "keyward_ulong"),
    ("CK_BBOOL", "keyward_bool"),
];

fn values() -> Vec<(&'static str, CK_ULONG)> {
    macro_rules! numbers {
        ($($name:ident),* $(,)?) => { vec![$((stringify!($name), $name)),*] };
    }
    numbers![
        CKM_KEYWARD_BIP32_MASTER_GEN,
        CKM_KEYWARD_BIP32_CHILD_DERIVE,
        CKM_KEYWARD_ECDSA_RECOVERABLE,
        CKM_KEYWARD_BIP32_MASTER_DERIVE,
        CKM_KEYWARD_BIP39_SEED_IMPORT,
        CKM_KEYWARD_ARGON2ID,
        CKM_KEYWARD_KECCAK_256,
        CKM_KEYWARD_BLAKE3,
        CKM_KEYWARD_BLAKE3_MAC,
        CKA_KEYWARD_WALLET_NAME,
        CKA_KEYWARD_WALLET_ADDRESS,
        CKA_KEYWARD_CHAIN_CODE,
        CK_KEYWARD_MNEMONIC_LEN,
    ]
}

/// A comment, its lines under each other.
fn comment(lines: &[&str], indent: &str) -> String {
    let text =
        lines.iter().map(|line| line.replace(['[', ']', '`'], "").replace('‖', "||").replace("null", "NULL"));
    let text: Vec<String> = text.collect();
    format!("{indent}/* {} */\n", text.join(&format!("\n{indent} * ")))
}

/// The header after `vendor.rs`: every `pub const` and `pub struct` with the comment above it.
fn header() -> String {
    let values = values();
    let mut used = 0;
    let (mut out, mut docs, mut structure) = (String::from(HEAD), Vec::new(), None);
    for line in SOURCE.lines() {
        let text = line.trim_start();
        let indent = if structure.is_some() { "    " } else { "" };
        if let Some(doc) = text.strip_prefix("///") {
            docs.push(doc.trim());
        } else if let Some(constant) = line.strip_prefix("pub const ") {
            let name = constant.split(':').next().unwrap();
            let (_, value) =
                values.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("{name}"));
            let value = if *value > 0xffff { format!("{value:#x}UL") } else { format!("{value}UL") };
            out += &format!("{}#define {name} {value}\n", comment(&docs, ""));
            used += 1;
            docs.clear();
        } else if let Some(name) = line.strip_prefix("pub struct ") {
            let name = name.split(' ').next().unwrap();
            out += &format!("{}typedef struct {name} {{\n", comment(&docs, ""));
            structure = Some(name);
            docs.clear();
        } else if let (Some(name), "}") = (structure, line) {
            out += &format!("}} {name};\n");
            structure = None;
        } else if let (Some(_), Some(field)) = (structure, text.strip_prefix("pub ")) {
            let (name, kind) = field.trim_end_matches(',').split_once(": ").unwrap();
            let (_, kind) =
                TYPES.iter().find(|(known, _)| *known == kind).unwrap_or_else(|| panic!("{kind}"));
            out += &format!("{}{indent}{kind} {name};\n", comment(&docs, indent));
            docs.clear();
        } else if line.is_empty() && !out.ends_with("\n\n") {
            out.push('\n');
        }
    }
    assert_eq!(used, values.len(), "a constant is listed that vendor.rs lacks");
    out.trim_end().to_owned() + "\n" + TAIL
}

#[test]
fn the_header_is_what_vendor_rs_makes() {
    let header = header();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(HEADER, header).unwrap();
    } else {
        let written = std::fs::read_to_string(HEADER).unwrap();
        assert!(header == written, "{HEADER} is old: {WRITE}=1 cargo test --lib header");
    }
}
