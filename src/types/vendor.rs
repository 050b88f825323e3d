//! What keyward adds to PKCS#11 under vendor-defined numbers: `include/keyward.h` for Rust. A test holds both against
//! each other.
//!
//! The numbers are the vendor bit, "KW" (0x4b57) and a count.

#![allow(non_camel_case_types, non_upper_case_globals, non_snake_case)]

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_BBOOL, CK_MECHANISM_TYPE, CK_ULONG, CK_UTF8CHAR_PTR, CKA_VENDOR_DEFINED,
    CKM_VENDOR_DEFINED,
};

const KEYWARD: CK_ULONG = 0x4b57_0000;

/// C_GenerateKeyPair: a BIP-32 wallet's master key. [`CK_KEYWARD_BIP32_MASTER_PARAMS`], or none.
pub const CKM_KEYWARD_BIP32_MASTER_GEN: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED + KEYWARD + 1;
/// C_DeriveKey: the child of a wallet's private key. [`CK_KEYWARD_BIP32_CHILD_PARAMS`].
pub const CKM_KEYWARD_BIP32_CHILD_DERIVE: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED + KEYWARD + 2;
/// C_Sign: ECDSA over a digest of 32 bytes, r ‖ s ‖ recovery ID: 65 bytes. No parameter.
pub const CKM_KEYWARD_ECDSA_RECOVERABLE: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED + KEYWARD + 3;

/// C_Digest: Keccak-256 as Ethereum has it, with the padding from before SHA-3. No parameter.
pub const CKM_KEYWARD_KECCAK_256: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED + KEYWARD + 0x20;
/// C_Digest: BLAKE3, 32 bytes. No parameter.
pub const CKM_KEYWARD_BLAKE3: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED + KEYWARD + 0x21;
/// C_Sign: BLAKE3 in its keyed mode, with a generic secret of 32 bytes: 32 bytes. No parameter.
pub const CKM_KEYWARD_BLAKE3_MAC: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED + KEYWARD + 0x22;

/// The name of the wallet that a key belongs to.
pub const CKA_KEYWARD_WALLET_NAME: CK_ATTRIBUTE_TYPE = CKA_VENDOR_DEFINED + KEYWARD + 1;
/// A key's path in its wallet, such as m/44'/60'/0'.
pub const CKA_KEYWARD_WALLET_ADDRESS: CK_ATTRIBUTE_TYPE = CKA_VENDOR_DEFINED + KEYWARD + 2;

/// The least room for a recovery sentence: 24 words of up to eight letters, the spaces, and reserve.
pub const CK_KEYWARD_MNEMONIC_LEN: CK_ULONG = 256;

/// The parameter of CKM_KEYWARD_BIP32_MASTER_GEN.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct CK_KEYWARD_BIP32_MASTER_PARAMS {
    /// The wallet's name in ASCII, or null.
    pub pWalletName: CK_UTF8CHAR_PTR,
    /// Its length.
    pub ulWalletNameLen: CK_ULONG,
    /// Where the recovery sentence (BIP-39) goes, or null: then it is never shown, and the wallet can't be recovered.
    pub pMnemonic: CK_UTF8CHAR_PTR,
    /// In: the room there, at least CK_KEYWARD_MNEMONIC_LEN. Out: the sentence's length.
    pub ulMnemonicLen: CK_ULONG,
}

/// The parameter of CKM_KEYWARD_BIP32_CHILD_DERIVE.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct CK_KEYWARD_BIP32_CHILD_PARAMS {
    /// The child's number, below 2^31.
    pub ulIndex: CK_ULONG,
    /// CK_TRUE for a hardened child.
    pub bHardened: CK_BBOOL,
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = include_str!("../../include/keyward.h");

    /// The numbers that the header defines.
    fn defined() -> Vec<(&'static str, CK_ULONG)> {
        let define = |line: &'static str| {
            let mut words = line.strip_prefix("#define ")?.split_whitespace();
            let (name, value) = (words.next()?, words.next()?.strip_suffix("UL")?);
            let value = match value.strip_prefix("0x") {
                Some(digits) => CK_ULONG::from_str_radix(digits, 16),
                None => value.parse(),
            };
            Some((name, value.unwrap()))
        };
        HEADER.lines().filter_map(define).collect()
    }

    #[test]
    fn the_header_has_the_same_numbers() {
        macro_rules! numbers {
            ($($name:ident),* $(,)?) => { vec![$((stringify!($name), $name)),*] };
        }
        let ours = numbers![
            CKM_KEYWARD_BIP32_MASTER_GEN,
            CKM_KEYWARD_BIP32_CHILD_DERIVE,
            CKM_KEYWARD_ECDSA_RECOVERABLE,
            CKM_KEYWARD_KECCAK_256,
            CKM_KEYWARD_BLAKE3,
            CKM_KEYWARD_BLAKE3_MAC,
            CKA_KEYWARD_WALLET_NAME,
            CKA_KEYWARD_WALLET_ADDRESS,
            CK_KEYWARD_MNEMONIC_LEN,
        ];
        assert_eq!(defined(), ours);
    }

    #[test]
    fn the_header_has_the_same_structures() {
        for fields in
            [&["pWalletName", "ulWalletNameLen", "pMnemonic", "ulMnemonicLen"][..], &["ulIndex", "bHardened"]]
        {
            let places: Vec<_> =
                fields.iter().map(|field| HEADER.find(&format!("{field};")).unwrap()).collect();
            assert!(places.is_sorted(), "{fields:?}");
        }
    }
}
