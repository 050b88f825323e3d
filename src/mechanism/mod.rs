//! One row per mechanism: what it is called, which keys and parameters it takes, and the function for each operation.
//!
//! C_GetMechanismList, C_GetMechanismInfo, dispatch, the CLI's listing and `docs/mechanisms.md` all read the same
//! rows (PKCS#11 v3.2, section 6). A family of mechanisms lives in one file with its rows; `TABLE` joins them in the
//! order of their numbers. Nothing here holds a lock or state: an operation owns what it needs and is dropped whole.
//!
//! [`material`] turns a key's attributes into a parsed [`Key`] and back, and keeps them consistent.

mod aes;
mod aes_modes;
mod block_mac;
mod chacha;
mod cipher;
mod derivation;
mod derive;
mod des;
mod descriptor;
mod dh;
mod digest;
mod dsa;
mod ec;
mod edwards;
mod encapsulation;
mod encrypt_data;
mod errors;
mod hash_derive;
mod hmac;
mod hybrid_wrap;
mod kdf;
mod key;
mod key_wrap;
mod legacy;
mod message;
mod ml_dsa;
mod ml_kem;
mod otp;
mod prehash;
mod rsa;
mod secret;
mod shapes;
mod slh_dsa;
mod wallet;

pub mod external;
pub mod material;
pub mod op;
pub mod params;

pub use derivation::{Base, Derivation, Derive, Derived, Source};
pub use descriptor::{
    CipherFn, DecapsulateFn, Descriptor, DigestFn, EncapsulateFn, GenerateFn, GenerateNodeFn, GeneratePairFn,
    GenerateParametersFn, MadePair, Ops, Provider, SignCountingFn, SignFn, UnwrapFn, VerifyFn, WrapFn,
};
pub use key::Key;
pub use message::{IvGenerator, Message, MessageForm, MessageKind};
pub use params::{Iv, Mechanism, OtpParams, ParamKind, Params, Reply};

use crate::types::ck;

/// Every family's rows.
const FAMILIES: &[&[Descriptor]] = &[
    digest::ROWS,
    hmac::ROWS,
    hmac::BLAKE2B_ROWS,
    hmac::OTHER_ROWS,
    hash_derive::ROWS,
    secret::ROWS,
    rsa::ROWS,
    ec::ROWS,
    edwards::ROWS,
    derive::ROWS,
    aes::ROWS,
    key_wrap::ROWS,
    ml_dsa::ROWS,
    wallet::ROWS,
    kdf::simple::ROWS,
    dh::ROWS,
    dsa::ROWS,
    hybrid_wrap::ROWS,
    aes_modes::ROWS,
    block_mac::ROWS,
    chacha::ROWS,
    des::ROWS,
    encrypt_data::ROWS,
    kdf::hkdf::ROWS,
    kdf::pbkdf2::ROWS,
    kdf::sp800_108::ROWS,
    kdf::tls::ROWS,
    kdf::tls_keys::ROWS,
    kdf::ike::ROWS,
    ml_kem::ROWS,
    slh_dsa::ROWS,
    otp::ROWS,
    kdf::argon2::ROWS,
];

const COUNT: usize = {
    let mut count = 0;
    let mut family = 0;
    while family < FAMILIES.len() {
        count += FAMILIES[family].len();
        family += 1;
    }
    count
};

/// All rows, ascending by mechanism number, so that a look-up is a binary search.
static TABLE: [&Descriptor; COUNT] = sorted();

/// The rows' numbers side by side, for the search to stay within a few cache lines.
static KINDS: [ck::CK_MECHANISM_TYPE; COUNT] = {
    let table = sorted();
    let mut kinds = [0; COUNT];
    let mut row = 0;
    while row < COUNT {
        kinds[row] = table[row].kind;
        row += 1;
    }
    kinds
};

/// Joins the families: an insertion sort, run by the compiler.
const fn sorted() -> [&'static Descriptor; COUNT] {
    let mut table = [&FAMILIES[0][0]; COUNT];
    let mut filled = 0;
    let mut family = 0;
    while family < FAMILIES.len() {
        let mut row = 0;
        while row < FAMILIES[family].len() {
            let new = &FAMILIES[family][row];
            let mut at = filled;
            while at > 0 && table[at - 1].kind > new.kind {
                table[at] = table[at - 1];
                at -= 1;
            }
            table[at] = new;
            filled += 1;
            row += 1;
        }
        family += 1;
    }
    table
}

/// The row of a mechanism; `None` where keyward does not have it.
pub fn descriptor(kind: ck::CK_MECHANISM_TYPE) -> Option<&'static Descriptor> {
    KINDS.binary_search(&kind).ok().and_then(|i| TABLE.get(i).copied())
}

/// Whether `policy.legacy = "deny"` switches the mechanism off, here or in another library.
pub fn is_legacy(kind: ck::CK_MECHANISM_TYPE) -> bool {
    match descriptor(kind) {
        Some(row) => row.legacy,
        None => legacy::is_old_elsewhere(kind),
    }
}

/// Every row of this build, ascending by mechanism number: with the feature `fips` the approved ones.
pub fn all() -> impl Iterator<Item = &'static Descriptor> {
    TABLE.iter().copied().filter(|row| row.is_of_build())
}

#[cfg(test)]
mod tests;
