//! What keyward adds to PKCS#11 under vendor-defined numbers. `include/keyward.h` is made of this file, comments
//! included: `KEYWARD_WRITE_HEADER=1 cargo test --lib header` writes it, and without the variable the same test holds
//! both against each other.
//!
//! The numbers are the vendor bit, "KW" (0x4b57) and a count.

#![allow(non_camel_case_types, non_upper_case_globals, non_snake_case)]

use cryptoki_sys::{
    CK_ATTRIBUTE_TYPE, CK_BBOOL, CK_BYTE_PTR, CK_MECHANISM_TYPE, CK_ULONG, CK_UTF8CHAR_PTR,
    CKA_VENDOR_DEFINED, CKM_VENDOR_DEFINED,
};

#[cfg(test)]
mod header;

const KEYWARD: CK_ULONG = 0x4b57_0000;

/// C_GenerateKeyPair: a wallet's master key, by BIP-32 on secp256k1 and by SLIP-10 on Ed25519, out of a fresh recovery
/// sentence (BIP-39). [`CK_KEYWARD_BIP32_MASTER_PARAMS`], or none.
pub const CKM_KEYWARD_BIP32_MASTER_GEN: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED + KEYWARD + 1;
/// C_DeriveKey: the child of a wallet's private key, a private key too. [`CK_KEYWARD_BIP32_CHILD_PARAMS`].
pub const CKM_KEYWARD_BIP32_CHILD_DERIVE: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED + KEYWARD + 2;
/// C_Sign: ECDSA over a digest of 32 bytes, r ‖ s ‖ recovery ID: 65 bytes. No parameter.
pub const CKM_KEYWARD_ECDSA_RECOVERABLE: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED + KEYWARD + 3;
/// C_DeriveKey: a wallet's master key, a private key, out of a secret key that holds its seed of 16 to 64 bytes.
/// CKA_KEY_TYPE of the template is CKK_EC, for secp256k1, or CKK_EC_EDWARDS, for Ed25519. No parameter.
pub const CKM_KEYWARD_BIP32_MASTER_DERIVE: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED + KEYWARD + 4;
/// C_GenerateKey: a wallet's seed, a generic secret whose CKA_VALUE_LEN is 64, out of a recovery sentence (BIP-39).
/// [`CK_KEYWARD_BIP39_SEED_PARAMS`].
pub const CKM_KEYWARD_BIP39_SEED_IMPORT: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED + KEYWARD + 5;

/// C_GenerateKey out of a password, and C_DeriveKey out of a secret key that holds one: Argon2id (RFC 9106, version
/// 0x13) gives a secret key of 4 bytes or more. [`CK_KEYWARD_ARGON2ID_PARAMS`].
pub const CKM_KEYWARD_ARGON2ID: CK_MECHANISM_TYPE = CKM_VENDOR_DEFINED + KEYWARD + 0x10;

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
/// A private key's chain code in its wallet, 32 bytes. Revealed as CKA_VALUE is: never of a sensitive key.
pub const CKA_KEYWARD_CHAIN_CODE: CK_ATTRIBUTE_TYPE = CKA_VENDOR_DEFINED + KEYWARD + 3;

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

/// The parameter of CKM_KEYWARD_BIP39_SEED_IMPORT.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct CK_KEYWARD_BIP39_SEED_PARAMS {
    /// The recovery sentence: 12, 15, 18, 21 or 24 English words in lower case, with white space between them.
    pub pMnemonic: CK_UTF8CHAR_PTR,
    /// Its length.
    pub ulMnemonicLen: CK_ULONG,
    /// The passphrase in UTF-8, or null.
    pub pPassphrase: CK_UTF8CHAR_PTR,
    /// Its length.
    pub ulPassphraseLen: CK_ULONG,
}

/// The parameter of CKM_KEYWARD_ARGON2ID.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct CK_KEYWARD_ARGON2ID_PARAMS {
    /// The password for C_GenerateKey; null for C_DeriveKey, whose base key is the password.
    pub pPassword: CK_UTF8CHAR_PTR,
    /// Its length.
    pub ulPasswordLen: CK_ULONG,
    /// The salt, 8 bytes or more.
    pub pSalt: CK_BYTE_PTR,
    /// Its length.
    pub ulSaltLen: CK_ULONG,
    /// KiB of memory: 8 for each lane or more, at most 2097152.
    pub ulMemoryKiB: CK_ULONG,
    /// How often it is gone over, from 1 on; memory times passes is at most 67108864.
    pub ulPasses: CK_ULONG,
    /// Lanes, 1 to 64.
    pub ulLanes: CK_ULONG,
}
