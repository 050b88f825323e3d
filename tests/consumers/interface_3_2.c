/* A program against PKCS#11 3.2: it asks C_GetInterface for "PKCS 11" 3.2 and calls what came with 3.0 and 3.2 through
 * CK_FUNCTION_LIST_3_2. One line "ok", "FAIL" or "skip" for each check. C11 and C++17 alike.
 *
 *   cc -I DIRECTORY-OF-A-3.2-pkcs11.h -I include interface_3_2.c -ldl
 *   PIN=... ./a.out MODULE TOKEN-LABEL
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pkcs11.h>

#include "keyward.h"

#define COUNT(array) ((CK_ULONG)(sizeof(array) / sizeof *(array)))
#define OK(name, rv) expect(name, rv, CKR_OK)

static CK_FUNCTION_LIST_3_2 *p11;
static CK_SESSION_HANDLE session;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_BYTE message[] = "a message of some length, in two parts";
static const CK_ULONG message_len = sizeof message - 1, first_part = 11;

static int say(const char *name, int good) {
    printf("%s %s\n", good ? "ok  " : "FAIL", name);
    return good;
}

static int expect(const char *name, CK_RV rv, CK_RV wanted) {
    if (rv != wanted)
        printf("     0x%lx where 0x%lx was expected\n", rv, wanted);
    return say(name, rv == wanted);
}

/* What nothing goes on without. */
static void must(const char *name, CK_RV rv) {
    if (rv != CKR_OK) {
        expect(name, rv, CKR_OK);
        exit(1);
    }
}

static CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, void *value, size_t len) {
    CK_ATTRIBUTE made;
    made.type = type;
    made.pValue = value;
    made.ulValueLen = (CK_ULONG)len;
    return made;
}
#define SET(type, variable) attribute(type, &(variable), sizeof(variable))

static CK_MECHANISM mechanism(CK_MECHANISM_TYPE type, void *parameter, size_t len) {
    CK_MECHANISM made;
    made.mechanism = type;
    made.pParameter = parameter;
    made.ulParameterLen = (CK_ULONG)len;
    return made;
}

static CK_SIGN_ADDITIONAL_CONTEXT signing(CK_HEDGE_TYPE hedge, CK_BYTE *context, CK_ULONG len) {
    CK_SIGN_ADDITIONAL_CONTEXT made;
    made.hedgeVariant = hedge;
    made.pContext = context;
    made.ulContextLen = len;
    return made;
}

static CK_GCM_MESSAGE_PARAMS gcm(CK_BYTE *iv, CK_GENERATOR_FUNCTION generator, CK_BYTE *tag) {
    CK_GCM_MESSAGE_PARAMS made;
    made.pIv = iv;
    made.ulIvLen = 12;
    made.ulIvFixedBits = 0;
    made.ivGenerator = generator;
    made.pTag = tag;
    made.ulTagBits = 128;
    return made;
}

static CK_ULONG value(CK_OBJECT_HANDLE key, CK_BYTE *to, CK_ULONG room) {
    CK_ATTRIBUTE wanted = attribute(CKA_VALUE, to, room);
    return p11->C_GetAttributeValue(session, key, &wanted, 1) == CKR_OK ? wanted.ulValueLen : CK_UNAVAILABLE_INFORMATION;
}

/* Whether the key's value is this one, in hexadecimal. */
static int has_value(CK_OBJECT_HANDLE key, const char *hex) {
    CK_BYTE bytes[64];
    char text[129] = "";
    CK_ULONG len = value(key, bytes, sizeof bytes);
    for (CK_ULONG at = 0; len <= sizeof bytes && at < len; at++)
        snprintf(text + 2 * at, 3, "%02x", (unsigned)bytes[at]);
    return strcmp(text, hex) == 0;
}

/* --- the interface */

static int interface(void *library) {
    CK_C_GetInterface get;
    CK_C_GetInterfaceList list;
    *(void **)&get = dlsym(library, "C_GetInterface");
    *(void **)&list = dlsym(library, "C_GetInterfaceList");
    CK_UTF8CHAR name[] = "PKCS 11", other[] = "Vendor nobody";
    CK_VERSION wanted = {3, 2}, unknown = {3, 9};
    CK_INTERFACE *found = NULL;
    if (get == NULL || list == NULL || get(name, &wanted, &found, 0) != CKR_OK) {
        puts("skip the interface of 3.2: the module has none");
        return 0;
    }
    p11 = (CK_FUNCTION_LIST_3_2 *)found->pFunctionList;
    say("C_GetInterface: the list says 3.2", p11->version.major == 3 && p11->version.minor == 2);
    say("C_GetInterface: it has its name", strcmp((const char *)found->pInterfaceName, "PKCS 11") == 0);
    int fork_safe = (found->flags & CKF_INTERFACE_FORK_SAFE) != 0;
    say("C_GetInterface: one that survives forks where it says so",
        (get(name, &wanted, &found, CKF_INTERFACE_FORK_SAFE) == CKR_OK) == fork_safe);
    say("C_GetInterface: 3.9 is not there", get(name, &unknown, &found, 0) != CKR_OK);
    say("C_GetInterface: nor is another name", get(other, NULL, &found, 0) != CKR_OK);
    OK("C_GetInterface: a default", get(NULL, NULL, &found, 0));
    CK_INTERFACE interfaces[8];
    CK_ULONG count = COUNT(interfaces), seen = 0;
    OK("C_GetInterfaceList", list(interfaces, &count));
    for (CK_ULONG at = 0; at < count; at++)
        seen += interfaces[at].pFunctionList == (void *)p11;
    say("C_GetInterfaceList: 3.2 is in it once", seen == 1);
    return 1;
}

static void log_in(const char *label, const char *pin) {
    CK_C_INITIALIZE_ARGS locking;
    memset(&locking, 0, sizeof locking);
    locking.flags = CKF_OS_LOCKING_OK;
    must("C_Initialize", p11->C_Initialize(&locking));
    CK_SLOT_ID slots[64];
    CK_ULONG count = COUNT(slots);
    must("C_GetSlotList", p11->C_GetSlotList(CK_TRUE, slots, &count));
    for (CK_ULONG at = 0; at < count; at++) {
        CK_TOKEN_INFO info;
        if (p11->C_GetTokenInfo(slots[at], &info) != CKR_OK || memcmp(info.label, label, strlen(label)) != 0)
            continue;
        CK_FLAGS asynchronous = CKF_SERIAL_SESSION | CKF_ASYNC_SESSION;
        expect("C_OpenSession: no asynchronous sessions", p11->C_OpenSession(slots[at], asynchronous, NULL, NULL, &session),
               CKR_SESSION_ASYNC_NOT_SUPPORTED);
        must("C_OpenSession", p11->C_OpenSession(slots[at], CKF_SERIAL_SESSION, NULL, NULL, &session));
    }
    must("C_Login", p11->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, (CK_ULONG)strlen(pin)));
}

/* --- ML-DSA and SLH-DSA */

struct scheme {
    const char *name;
    CK_MECHANISM_TYPE generation, signature;
    CK_ULONG set, len;
};

/* Room for the longest signature, that of SLH-DSA-SHA2-256f. */
static CK_BYTE signature[49856], another[49856];

static void verified_in_parts(const char *name, CK_MECHANISM *how, CK_OBJECT_HANDLE key, CK_ULONG len, CK_RV wanted) {
    char line[96];
    snprintf(line, sizeof line, "%s: C_VerifySignatureInit, Update, Final%s", name, wanted == CKR_OK ? "" : " refuse");
    CK_RV rv = p11->C_VerifySignatureInit(session, how, key, signature, len);
    if (rv == CKR_OK)
        rv = p11->C_VerifySignatureUpdate(session, message, first_part);
    if (rv == CKR_OK)
        rv = p11->C_VerifySignatureUpdate(session, message + first_part, message_len - first_part);
    if (rv == CKR_OK)
        rv = p11->C_VerifySignatureFinal(session);
    expect(line, rv, wanted);
}

static void sign_and_verify(const struct scheme *scheme) {
    char line[96];
#define LINE(text) (snprintf(line, sizeof line, "%s: %s", scheme->name, text), line)
    CK_ULONG set = scheme->set, len = sizeof signature, kept;
    CK_ATTRIBUTE of_public[] = {SET(CKA_PARAMETER_SET, set), SET(CKA_VERIFY, yes)};
    CK_ATTRIBUTE of_private[] = {SET(CKA_SIGN, yes)};
    CK_MECHANISM make = mechanism(scheme->generation, NULL, 0);
    CK_OBJECT_HANDLE verifying, signing_key;
    if (!OK(LINE("C_GenerateKeyPair"), p11->C_GenerateKeyPair(session, &make, of_public, COUNT(of_public), of_private,
                                                              COUNT(of_private), &verifying, &signing_key)))
        return;
    CK_BYTE one[] = "one", two[] = "two";
    CK_SIGN_ADDITIONAL_CONTEXT once = signing(CKH_DETERMINISTIC_REQUIRED, one, 3);
    CK_SIGN_ADDITIONAL_CONTEXT with_two = signing(CKH_HEDGE_PREFERRED, two, 3);
    CK_MECHANISM how = mechanism(scheme->signature, &once, sizeof once);
    CK_MECHANISM wrong = mechanism(scheme->signature, &with_two, sizeof with_two);
    CK_MECHANISM plain = mechanism(scheme->signature, NULL, 0);
    must("C_SignInit", p11->C_SignInit(session, &how, signing_key));
    OK(LINE("C_Sign"), p11->C_Sign(session, message, message_len, signature, &len));
    say(LINE("the signature's length"), len == scheme->len);
    kept = sizeof another;
    must("C_SignInit", p11->C_SignInit(session, &how, signing_key));
    must("C_Sign", p11->C_Sign(session, message, message_len, another, &kept));
    say(LINE("deterministic: twice the same"), kept == len && memcmp(signature, another, len) == 0);
    must("C_VerifyInit", p11->C_VerifyInit(session, &how, verifying));
    OK(LINE("C_Verify"), p11->C_Verify(session, message, message_len, signature, len));
    must("C_VerifyInit", p11->C_VerifyInit(session, &wrong, verifying));
    expect(LINE("another context"), p11->C_Verify(session, message, message_len, signature, len), CKR_SIGNATURE_INVALID);
    must("C_VerifyInit", p11->C_VerifyInit(session, &plain, verifying));
    expect(LINE("no context"), p11->C_Verify(session, message, message_len, signature, len), CKR_SIGNATURE_INVALID);
    must("C_VerifySignatureInit", p11->C_VerifySignatureInit(session, &how, verifying, signature, len));
    OK(LINE("C_VerifySignature"), p11->C_VerifySignature(session, message, message_len));
    verified_in_parts(scheme->name, &how, verifying, len, CKR_OK);
    signature[len - 1] ^= 1;
    verified_in_parts(scheme->name, &how, verifying, len, CKR_SIGNATURE_INVALID);
#undef LINE
}

/* --- ML-KEM */

static int mac(CK_OBJECT_HANDLE key, CK_BYTE *out) {
    CK_MECHANISM hmac = mechanism(CKM_SHA256_HMAC, NULL, 0);
    CK_ULONG len = 32;
    return p11->C_SignInit(session, &hmac, key) == CKR_OK && p11->C_Sign(session, message, message_len, out, &len) == CKR_OK &&
           len == 32;
}

static void encapsulate(const char *name, CK_ULONG set, CK_ULONG wanted) {
    char line[96];
#define LINE(text) (snprintf(line, sizeof line, "%s: %s", name, text), line)
    CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
    CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE of_public[] = {SET(CKA_PARAMETER_SET, set), SET(CKA_ENCAPSULATE, yes)};
    CK_ATTRIBUTE of_private[] = {SET(CKA_DECAPSULATE, yes)};
    CK_ATTRIBUTE of_secret[] = {SET(CKA_CLASS, secret_key), SET(CKA_KEY_TYPE, generic), SET(CKA_SIGN, yes)};
    CK_MECHANISM make = mechanism(CKM_ML_KEM_KEY_PAIR_GEN, NULL, 0), kem = mechanism(CKM_ML_KEM, NULL, 0);
    CK_OBJECT_HANDLE sealing, opening, ours, theirs;
    if (!OK(LINE("C_GenerateKeyPair"), p11->C_GenerateKeyPair(session, &make, of_public, COUNT(of_public), of_private,
                                                              COUNT(of_private), &sealing, &opening)))
        return;
    CK_BYTE ciphertext[1568], one[32], two[32];
    CK_ULONG len = 0, small = 1;
    must("C_EncapsulateKey", p11->C_EncapsulateKey(session, &kem, sealing, of_secret, 3, NULL, &len, &ours));
    say(LINE("C_EncapsulateKey says the length"), len == wanted);
    expect(LINE("C_EncapsulateKey: too small"),
           p11->C_EncapsulateKey(session, &kem, sealing, of_secret, 3, ciphertext, &small, &ours), CKR_BUFFER_TOO_SMALL);
    OK(LINE("C_EncapsulateKey"), p11->C_EncapsulateKey(session, &kem, sealing, of_secret, 3, ciphertext, &len, &ours));
    OK(LINE("C_DecapsulateKey"), p11->C_DecapsulateKey(session, &kem, opening, of_secret, 3, ciphertext, len, &theirs));
    say(LINE("the same secret, by its HMAC"), mac(ours, one) && mac(theirs, two) && memcmp(one, two, sizeof one) == 0);
    ciphertext[0] ^= 1;
    must("C_DecapsulateKey", p11->C_DecapsulateKey(session, &kem, opening, of_secret, 3, ciphertext, len, &theirs));
    say(LINE("another secret out of a changed one"), mac(theirs, two) && memcmp(one, two, sizeof one) != 0);
    say(LINE("a short one is refused"),
        p11->C_DecapsulateKey(session, &kem, opening, of_secret, 3, ciphertext, len - 1, &theirs) != CKR_OK);
#undef LINE
}

/* --- AES-GCM: messages, and keys wrapped with associated data */

static CK_OBJECT_HANDLE aes(int readable) {
    CK_ULONG bytes = 32;
    CK_ATTRIBUTE of_key[] = {
        SET(CKA_VALUE_LEN, bytes), SET(CKA_ENCRYPT, yes), SET(CKA_DECRYPT, yes), SET(CKA_WRAP, yes), SET(CKA_UNWRAP, yes),
        SET(CKA_EXTRACTABLE, yes), attribute(CKA_SENSITIVE, readable ? &no : &yes, sizeof no),
    };
    CK_MECHANISM make = mechanism(CKM_AES_KEY_GEN, NULL, 0);
    CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
    must("C_GenerateKey", p11->C_GenerateKey(session, &make, of_key, COUNT(of_key), &key));
    return key;
}

static void messages(void) {
    CK_OBJECT_HANDLE key = aes(0);
    CK_MECHANISM how = mechanism(CKM_AES_GCM, NULL, 0);
    CK_BYTE aad[] = "associated", iv[2][12] = {{0}}, tag[2][16], sealed[2][64], opened[64], both[80];
    CK_ULONG len[2] = {64, 64}, at, more;
    CK_GCM_MESSAGE_PARAMS parameter[2] = {gcm(iv[0], CKG_GENERATE, tag[0]), gcm(iv[1], CKG_GENERATE, tag[1])};
    CK_ULONG size = sizeof parameter[0];
    OK("C_MessageEncryptInit", p11->C_MessageEncryptInit(session, &how, key));
    OK("C_EncryptMessage",
       p11->C_EncryptMessage(session, &parameter[0], size, aad, 10, message, message_len, sealed[0], &len[0]));
    OK("C_EncryptMessageBegin", p11->C_EncryptMessageBegin(session, &parameter[1], size, aad, 10));
    at = sizeof sealed[1];
    OK("C_EncryptMessageNext",
       p11->C_EncryptMessageNext(session, &parameter[1], size, message, first_part, sealed[1], &at, 0));
    more = sizeof sealed[1] - at;
    OK("C_EncryptMessageNext: the end", p11->C_EncryptMessageNext(session, &parameter[1], size, message + first_part,
                                                                 message_len - first_part, sealed[1] + at, &more,
                                                                 CKF_END_OF_MESSAGE));
    len[1] = at + more;
    OK("C_MessageEncryptFinal", p11->C_MessageEncryptFinal(session));
    say("each message has an IV of its own", memcmp(iv[0], iv[1], sizeof iv[0]) != 0);
    say("no tag stands in the ciphertext", len[0] == message_len && len[1] == message_len);

    OK("C_MessageDecryptInit", p11->C_MessageDecryptInit(session, &how, key));
    for (int number = 1; number >= 0; number--) {
        at = sizeof opened;
        OK("C_DecryptMessage",
           p11->C_DecryptMessage(session, &parameter[number], size, aad, 10, sealed[number], len[number], opened, &at));
        say("the same message", at == message_len && memcmp(opened, message, at) == 0);
    }
    tag[0][0] ^= 1;
    at = sizeof opened;
    expect("C_DecryptMessage refuses a changed tag",
           p11->C_DecryptMessage(session, &parameter[0], size, aad, 10, sealed[0], len[0], opened, &at),
           CKR_AEAD_DECRYPT_FAILED);
    tag[0][0] ^= 1;
    OK("C_MessageDecryptFinal", p11->C_MessageDecryptFinal(session));

    /* What C_Encrypt gives is the ciphertext with the tag behind it. */
    CK_GCM_PARAMS old;
    old.pIv = iv[0];
    old.ulIvLen = sizeof iv[0];
    old.ulIvBits = 8 * sizeof iv[0];
    old.pAAD = aad;
    old.ulAADLen = 10;
    old.ulTagBits = 128;
    CK_MECHANISM plain = mechanism(CKM_AES_GCM, &old, sizeof old);
    memcpy(both, sealed[0], len[0]);
    memcpy(both + len[0], tag[0], sizeof tag[0]);
    at = sizeof opened;
    must("C_DecryptInit", p11->C_DecryptInit(session, &plain, key));
    OK("C_Decrypt takes what C_EncryptMessage made",
       p11->C_Decrypt(session, both, len[0] + sizeof tag[0], opened, &at));
    say("the same message again", at == message_len && memcmp(opened, message, at) == 0);
}

static void wrapping(void) {
    CK_OBJECT_HANDLE wrapping_key = aes(0), key = aes(1), back = CK_INVALID_HANDLE;
    CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE of_key[] = {SET(CKA_CLASS, secret_key), SET(CKA_KEY_TYPE, type), SET(CKA_SENSITIVE, no),
                             SET(CKA_EXTRACTABLE, yes)};
    CK_BYTE aad[] = "associated", iv[12] = {0}, tag[16], wrapped[64], before[32], after[32];
    CK_ULONG len = 0;
    CK_GCM_MESSAGE_PARAMS parameter = gcm(iv, CKG_GENERATE, tag);
    CK_MECHANISM how = mechanism(CKM_AES_GCM, &parameter, sizeof parameter);
    OK("C_WrapKeyAuthenticated says the length",
       p11->C_WrapKeyAuthenticated(session, &how, wrapping_key, key, aad, 10, NULL, &len));
    say("as long as the key", len == 32);
    len = sizeof wrapped;
    OK("C_WrapKeyAuthenticated", p11->C_WrapKeyAuthenticated(session, &how, wrapping_key, key, aad, 10, wrapped, &len));
    parameter.ivGenerator = CKG_NO_GENERATE;
    OK("C_UnwrapKeyAuthenticated", p11->C_UnwrapKeyAuthenticated(session, &how, wrapping_key, wrapped, len, of_key,
                                                                COUNT(of_key), aad, 10, &back));
    say("the same key", value(key, before, 32) == 32 && value(back, after, 32) == 32 && memcmp(before, after, 32) == 0);
    aad[0] ^= 1;
    CK_RV rv =
        p11->C_UnwrapKeyAuthenticated(session, &how, wrapping_key, wrapped, len, of_key, COUNT(of_key), aad, 10, &back);
    say("C_UnwrapKeyAuthenticated refuses other associated data",
        rv == CKR_WRAPPED_KEY_INVALID || rv == CKR_AEAD_DECRYPT_FAILED);
}

/* --- what runs elsewhere or later */

static void states(void) {
    CK_FLAGS flags = ~0UL;
    CK_UTF8CHAR function[] = "C_Sign";
    CK_ASYNC_DATA data;
    CK_ULONG id = 0;
    memset(&data, 0, sizeof data);
    OK("C_GetSessionValidationFlags", p11->C_GetSessionValidationFlags(session, CKS_LAST_VALIDATION_OK, &flags));
    expect("C_GetSessionValidationFlags of another type", p11->C_GetSessionValidationFlags(session, 99, &flags),
           CKR_ARGUMENTS_BAD);
    expect("C_AsyncComplete: nothing runs", p11->C_AsyncComplete(session, function, &data), CKR_OPERATION_NOT_INITIALIZED);
    expect("C_AsyncGetID: nothing runs", p11->C_AsyncGetID(session, function, &id), CKR_OPERATION_NOT_INITIALIZED);
    expect("C_AsyncJoin: no such ID", p11->C_AsyncJoin(session, function, 1, message, message_len), CKR_SAVED_STATE_INVALID);
    OK("C_SessionCancel", p11->C_SessionCancel(session, CKF_SIGN | CKF_ENCRYPT));
    CK_MECHANISM hash = mechanism(CKM_SHA256, NULL, 0);
    must("C_DigestInit", p11->C_DigestInit(session, &hash));
    OK("C_SessionCancel: a digest", p11->C_SessionCancel(session, CKF_DIGEST));
    OK("C_DigestInit can follow", p11->C_DigestInit(session, &hash));
    OK("C_SessionCancel again", p11->C_SessionCancel(session, CKF_DIGEST));
}

/* --- include/keyward.h: against BIP-32's, BIP-39's, BLAKE3's, Keccak's and Argon2's published vectors */

static void digest(const char *name, CK_MECHANISM_TYPE kind, const char *text, const char *hex) {
    CK_MECHANISM hash = mechanism(kind, NULL, 0);
    CK_BYTE out[32];
    CK_ULONG len = sizeof out;
    char shown[65] = "";
    must(name, p11->C_DigestInit(session, &hash));
    must(name, p11->C_Digest(session, (CK_BYTE *)text, (CK_ULONG)strlen(text), out, &len));
    for (CK_ULONG at = 0; at < len; at++)
        snprintf(shown + 2 * at, 3, "%02x", (unsigned)out[at]);
    say(name, strcmp(shown, hex) == 0);
}

static void wallet(void) {
    static char words[] = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
    CK_UTF8CHAR passphrase[] = "TREZOR";
    CK_KEYWARD_BIP39_SEED_PARAMS sentence = {(CK_UTF8CHAR *)words, sizeof words - 1, passphrase, 6};
    CK_KEYWARD_BIP32_CHILD_PARAMS hardened_zero = {0, CK_TRUE};
    CK_MECHANISM import = mechanism(CKM_KEYWARD_BIP39_SEED_IMPORT, &sentence, sizeof sentence);
    CK_MECHANISM restore = mechanism(CKM_KEYWARD_BIP32_MASTER_DERIVE, NULL, 0);
    CK_MECHANISM child = mechanism(CKM_KEYWARD_BIP32_CHILD_DERIVE, &hardened_zero, sizeof hardened_zero);
    CK_MECHANISM sign = mechanism(CKM_KEYWARD_ECDSA_RECOVERABLE, NULL, 0);
    CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
    CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
    CK_ULONG long_seed = 64, len = 65;
    CK_BYTE short_seed[16], recoverable[65];
    for (CK_BYTE at = 0; at < sizeof short_seed; at++)
        short_seed[at] = at;
    CK_ATTRIBUTE of_seed[] = {SET(CKA_VALUE_LEN, long_seed), SET(CKA_SENSITIVE, no), SET(CKA_EXTRACTABLE, yes)};
    CK_ATTRIBUTE of_value[] = {SET(CKA_CLASS, secret_key), SET(CKA_KEY_TYPE, generic), SET(CKA_VALUE, short_seed),
                               SET(CKA_DERIVE, yes), SET(CKA_SENSITIVE, no), SET(CKA_EXTRACTABLE, yes)};
    CK_ATTRIBUTE of_key[] = {SET(CKA_DERIVE, yes), SET(CKA_SIGN, yes), SET(CKA_SENSITIVE, no), SET(CKA_EXTRACTABLE, yes)};
    CK_OBJECT_HANDLE seed, master, account;
    OK("BIP-39: C_GenerateKey", p11->C_GenerateKey(session, &import, of_seed, COUNT(of_seed), &seed));
    say("BIP-39: the seed",
        has_value(seed, "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e5349553"
                        "1f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04"));
    must("a seed", p11->C_CreateObject(session, of_value, COUNT(of_value), &seed));
    OK("BIP-32: C_DeriveKey, the master", p11->C_DeriveKey(session, &restore, seed, of_key, COUNT(of_key), &master));
    say("BIP-32: m", has_value(master, "e8f32e723decf4051aefac8e2c93c9c5b214313817cdb01a1494b917c8436b35"));
    OK("BIP-32: C_DeriveKey, a child", p11->C_DeriveKey(session, &child, master, of_key, COUNT(of_key), &account));
    say("BIP-32: m/0'", has_value(account, "edb2e14f9ee77d26dd93b4ecede8d16ed408ce149b6cd80b0715a2d911a0afea"));
    must("C_SignInit", p11->C_SignInit(session, &sign, account));
    OK("recoverable ECDSA: C_Sign", p11->C_Sign(session, recoverable, 32, recoverable, &len));
    say("recoverable ECDSA: 65 bytes, with an ID", len == 65 && recoverable[64] < 4);
}

static void password(void) {
    CK_BYTE secret[] = "password", salt[] = "somesalt";
    CK_KEYWARD_ARGON2ID_PARAMS cost = {secret, 8, salt, 8, 65536, 2, 1};
    CK_MECHANISM argon2id = mechanism(CKM_KEYWARD_ARGON2ID, &cost, sizeof cost);
    CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
    CK_ULONG bytes = 32;
    CK_ATTRIBUTE of_key[] = {SET(CKA_KEY_TYPE, generic), SET(CKA_VALUE_LEN, bytes), SET(CKA_SENSITIVE, no),
                             SET(CKA_EXTRACTABLE, yes)};
    CK_OBJECT_HANDLE key;
    if (OK("Argon2id: C_GenerateKey", p11->C_GenerateKey(session, &argon2id, of_key, COUNT(of_key), &key)))
        say("Argon2id: the key", has_value(key, "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"));
}

int main(int argc, char **argv) {
    static const struct scheme schemes[] = {
        {"ML-DSA-44", CKM_ML_DSA_KEY_PAIR_GEN, CKM_ML_DSA, CKP_ML_DSA_44, 2420},
        {"ML-DSA-65", CKM_ML_DSA_KEY_PAIR_GEN, CKM_ML_DSA, CKP_ML_DSA_65, 3309},
        {"ML-DSA-87", CKM_ML_DSA_KEY_PAIR_GEN, CKM_ML_DSA, CKP_ML_DSA_87, 4627},
        {"HashML-DSA-65 with SHA-512", CKM_ML_DSA_KEY_PAIR_GEN, CKM_HASH_ML_DSA_SHA512, CKP_ML_DSA_65, 3309},
        {"SLH-DSA-SHA2-128f", CKM_SLH_DSA_KEY_PAIR_GEN, CKM_SLH_DSA, CKP_SLH_DSA_SHA2_128F, 17088},
        {"SLH-DSA-SHAKE-256f", CKM_SLH_DSA_KEY_PAIR_GEN, CKM_SLH_DSA, CKP_SLH_DSA_SHAKE_256F, 49856},
        {"HashSLH-DSA-SHA2-128f with SHA-512", CKM_SLH_DSA_KEY_PAIR_GEN, CKM_HASH_SLH_DSA_SHA512, CKP_SLH_DSA_SHA2_128F, 17088},
    };
    const char *pin = getenv("PIN");
    void *library = argc == 3 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (pin == NULL || library == NULL) {
        fprintf(stderr, "usage: PIN=... %s MODULE TOKEN-LABEL\n", argv[0]);
        return 2;
    }
    if (!interface(library))
        return 0;
    log_in(argv[2], pin);
    for (CK_ULONG at = 0; at < COUNT(schemes); at++)
        sign_and_verify(&schemes[at]);
    encapsulate("ML-KEM-512", CKP_ML_KEM_512, 768);
    encapsulate("ML-KEM-768", CKP_ML_KEM_768, 1088);
    encapsulate("ML-KEM-1024", CKP_ML_KEM_1024, 1568);
    messages();
    wrapping();
    states();
    CK_SESSION_INFO where;
    CK_MECHANISM_INFO vendor;
    must("C_GetSessionInfo", p11->C_GetSessionInfo(session, &where));
    if (p11->C_GetMechanismInfo(where.slotID, CKM_KEYWARD_BLAKE3, &vendor) == CKR_OK) {
        digest("BLAKE3", CKM_KEYWARD_BLAKE3, "abc", "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
        digest("Keccak-256", CKM_KEYWARD_KECCAK_256, "", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
        wallet();
        password();
    } else {
        puts("skip include/keyward.h: the token has none of its mechanisms");
    }
    OK("C_Finalize", p11->C_Finalize(NULL));
    return 0;
}
