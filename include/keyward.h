/*
 * keyward's own mechanisms, attributes and parameter structures for PKCS#11.
 *
 * Include it after a pkcs11.h. The numbers are the vendor bit, "KW" (0x4b57) and a count.
 * Generated from src/types/vendor.rs: KEYWARD_WRITE_HEADER=1 cargo test --lib header
 */
#ifndef KEYWARD_H
#define KEYWARD_H

#ifdef __cplusplus
extern "C" {
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

/* C_GenerateKeyPair: a wallet's master key, by BIP-32 on secp256k1 and by SLIP-10 on Ed25519, out of a fresh recovery
 * sentence (BIP-39). CK_KEYWARD_BIP32_MASTER_PARAMS, or none. */
#define CKM_KEYWARD_BIP32_MASTER_GEN 0xcb570001UL
/* C_DeriveKey: the child of a wallet's private key, a private key too. CK_KEYWARD_BIP32_CHILD_PARAMS. */
#define CKM_KEYWARD_BIP32_CHILD_DERIVE 0xcb570002UL
/* C_Sign: ECDSA over a digest of 32 bytes, r || s || recovery ID: 65 bytes. No parameter. */
#define CKM_KEYWARD_ECDSA_RECOVERABLE 0xcb570003UL
/* C_DeriveKey: a wallet's master key, a private key, out of a secret key that holds its seed of 16 to 64 bytes.
 * CKA_KEY_TYPE of the template is CKK_EC, for secp256k1, or CKK_EC_EDWARDS, for Ed25519. No parameter. */
#define CKM_KEYWARD_BIP32_MASTER_DERIVE 0xcb570004UL
/* C_GenerateKey: a wallet's seed, a generic secret whose CKA_VALUE_LEN is 64, out of a recovery sentence (BIP-39).
 * CK_KEYWARD_BIP39_SEED_PARAMS. */
#define CKM_KEYWARD_BIP39_SEED_IMPORT 0xcb570005UL

/* C_GenerateKey out of a password, and C_DeriveKey out of a secret key that holds one: Argon2id (RFC 9106, version
 * 0x13) gives a secret key of 4 bytes or more. CK_KEYWARD_ARGON2ID_PARAMS. */
#define CKM_KEYWARD_ARGON2ID 0xcb570010UL

/* C_Digest: Keccak-256 as Ethereum has it, with the padding from before SHA-3. No parameter. */
#define CKM_KEYWARD_KECCAK_256 0xcb570020UL
/* C_Digest: BLAKE3, 32 bytes. No parameter. */
#define CKM_KEYWARD_BLAKE3 0xcb570021UL
/* C_Sign: BLAKE3 in its keyed mode, with a generic secret of 32 bytes: 32 bytes. No parameter. */
#define CKM_KEYWARD_BLAKE3_MAC 0xcb570022UL

/* The name of the wallet that a key belongs to. */
#define CKA_KEYWARD_WALLET_NAME 0xcb570001UL
/* A key's path in its wallet, such as m/44'/60'/0'. */
#define CKA_KEYWARD_WALLET_ADDRESS 0xcb570002UL
/* A private key's chain code in its wallet, 32 bytes. Revealed as CKA_VALUE is: never of a sensitive key. */
#define CKA_KEYWARD_CHAIN_CODE 0xcb570003UL

/* The least room for a recovery sentence: 24 words of up to eight letters, the spaces, and reserve. */
#define CK_KEYWARD_MNEMONIC_LEN 256UL

/* The parameter of CKM_KEYWARD_BIP32_MASTER_GEN. */
typedef struct CK_KEYWARD_BIP32_MASTER_PARAMS {
    /* The wallet's name in ASCII, or NULL. */
    keyward_utf8_ptr pWalletName;
    /* Its length. */
    keyward_ulong ulWalletNameLen;
    /* Where the recovery sentence (BIP-39) goes, or NULL: then it is never shown, and the wallet can't be recovered. */
    keyward_utf8_ptr pMnemonic;
    /* In: the room there, at least CK_KEYWARD_MNEMONIC_LEN. Out: the sentence's length. */
    keyward_ulong ulMnemonicLen;
} CK_KEYWARD_BIP32_MASTER_PARAMS;

/* The parameter of CKM_KEYWARD_BIP32_CHILD_DERIVE. */
typedef struct CK_KEYWARD_BIP32_CHILD_PARAMS {
    /* The child's number, below 2^31. */
    keyward_ulong ulIndex;
    /* CK_TRUE for a hardened child. */
    keyward_bool bHardened;
} CK_KEYWARD_BIP32_CHILD_PARAMS;

/* The parameter of CKM_KEYWARD_BIP39_SEED_IMPORT. */
typedef struct CK_KEYWARD_BIP39_SEED_PARAMS {
    /* The recovery sentence: 12, 15, 18, 21 or 24 English words in lower case, with white space between them. */
    keyward_utf8_ptr pMnemonic;
    /* Its length. */
    keyward_ulong ulMnemonicLen;
    /* The passphrase in UTF-8, or NULL. */
    keyward_utf8_ptr pPassphrase;
    /* Its length. */
    keyward_ulong ulPassphraseLen;
} CK_KEYWARD_BIP39_SEED_PARAMS;

/* The parameter of CKM_KEYWARD_ARGON2ID. */
typedef struct CK_KEYWARD_ARGON2ID_PARAMS {
    /* The password for C_GenerateKey; NULL for C_DeriveKey, whose base key is the password. */
    keyward_utf8_ptr pPassword;
    /* Its length. */
    keyward_ulong ulPasswordLen;
    /* The salt, 8 bytes or more. */
    keyward_byte_ptr pSalt;
    /* Its length. */
    keyward_ulong ulSaltLen;
    /* KiB of memory: 8 for each lane or more, at most 2097152. */
    keyward_ulong ulMemoryKiB;
    /* How often it is gone over, from 1 on; memory times passes is at most 67108864. */
    keyward_ulong ulPasses;
    /* Lanes, 1 to 64. */
    keyward_ulong ulLanes;
} CK_KEYWARD_ARGON2ID_PARAMS;

#ifdef __cplusplus
}
#endif

#endif
