/*
 * keyward's own mechanisms, attributes and parameter structures for PKCS#11.
 *
 * Include it after a pkcs11.h. The numbers are the vendor bit, "KW" (0x4b57) and a count.
 * The same in Rust: src/types/vendor.rs. A test holds both against each other.
 */
#ifndef KEYWARD_H
#define KEYWARD_H

#ifdef __cplusplus
extern "C" {
#endif

/* p11-kit's header without CRYPTOKI_COMPAT has GNU names for the same types. */
#ifdef CRYPTOKI_GNU
typedef unsigned char *keyward_utf8_ptr;
typedef unsigned long keyward_ulong;
typedef unsigned char keyward_bool;
#else
typedef CK_UTF8CHAR_PTR keyward_utf8_ptr;
typedef CK_ULONG keyward_ulong;
typedef CK_BBOOL keyward_bool;
#endif

/* C_GenerateKeyPair: a BIP-32 wallet's master key. CK_KEYWARD_BIP32_MASTER_PARAMS, or none. */
#define CKM_KEYWARD_BIP32_MASTER_GEN   0xcb570001UL
/* C_DeriveKey: the child of a wallet's private key. CK_KEYWARD_BIP32_CHILD_PARAMS. */
#define CKM_KEYWARD_BIP32_CHILD_DERIVE 0xcb570002UL
/* C_Sign, C_Verify: ECDSA over a digest of 32 bytes with a key on secp256k1, r || s || recovery ID: 65 bytes. No
 * parameter. The recovery ID is 0 to 3. Tokens of software sign with s in the order's lower half. */
#define CKM_KEYWARD_ECDSA_RECOVERABLE  0xcb570003UL

/* C_Digest: Keccak-256 as Ethereum has it, with the padding from before SHA-3. No parameter. */
#define CKM_KEYWARD_KECCAK_256         0xcb570020UL
/* C_Digest: BLAKE3, 32 bytes. No parameter. */
#define CKM_KEYWARD_BLAKE3             0xcb570021UL
/* C_Sign: BLAKE3 in its keyed mode, with a generic secret of 32 bytes: 32 bytes. No parameter. */
#define CKM_KEYWARD_BLAKE3_MAC         0xcb570022UL

/* The name of the wallet that a key belongs to. */
#define CKA_KEYWARD_WALLET_NAME        0xcb570001UL
/* A key's path in its wallet, such as m/44'/60'/0'. */
#define CKA_KEYWARD_WALLET_ADDRESS     0xcb570002UL

/* The least room for a recovery sentence. */
#define CK_KEYWARD_MNEMONIC_LEN        256UL

typedef struct CK_KEYWARD_BIP32_MASTER_PARAMS {
    /* The wallet's name in ASCII, or NULL. */
    keyward_utf8_ptr pWalletName;
    keyward_ulong    ulWalletNameLen;
    /* Where the recovery sentence (BIP-39) goes, or NULL: then it is never shown, and the wallet can't be recovered. */
    keyward_utf8_ptr pMnemonic;
    /* In: the room there, at least CK_KEYWARD_MNEMONIC_LEN. Out: the sentence's length. */
    keyward_ulong    ulMnemonicLen;
} CK_KEYWARD_BIP32_MASTER_PARAMS;

typedef struct CK_KEYWARD_BIP32_CHILD_PARAMS {
    /* The child's number, below 2^31. */
    keyward_ulong ulIndex;
    /* CK_TRUE for a hardened child. */
    keyward_bool  bHardened;
} CK_KEYWARD_BIP32_CHILD_PARAMS;

#ifdef __cplusplus
}
#endif

#endif
