/* A consumer in C: loads a PKCS#11 module, logs in, makes a P-256 key for this session, signs, verifies.
 *
 *   cc -o sign sign.c $(pkg-config --cflags p11-kit-1) -ldl
 *   PIN=1234 ./sign /usr/local/lib/libkeyward.so TOKEN-LABEL
 *
 * Only the header is p11-kit's; the functions are the module's own, through the table that it hands out.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

static CK_FUNCTION_LIST *p11;

static void must(const char *call, CK_RV rv) {
    if (rv != CKR_OK) {
        fprintf(stderr, "%s: 0x%lx\n", call, (unsigned long)rv);
        exit(1);
    }
}
#define CALL(function, ...) must(#function, p11->function(__VA_ARGS__))

/* The slot whose token has this label; labels are padded with blanks. */
static CK_SLOT_ID find_slot(const char *label) {
    CK_SLOT_ID slots[64];
    CK_ULONG count = sizeof slots / sizeof *slots;
    CALL(C_GetSlotList, CK_TRUE, slots, &count);
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        char padded[sizeof info.label + 1];
        snprintf(padded, sizeof padded, "%-32s", label);
        if (p11->C_GetTokenInfo(slots[i], &info) == CKR_OK && memcmp(info.label, padded, sizeof info.label) == 0)
            return slots[i];
    }
    fprintf(stderr, "no token is called %s\n", label);
    exit(1);
}

int main(int argc, char **argv) {
    const char *pin = getenv("PIN");
    if (argc != 3 || pin == NULL) {
        fprintf(stderr, "usage: PIN=... %s MODULE TOKEN-LABEL\n", argv[0]);
        return 2;
    }
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    CK_C_GetFunctionList list;
    *(void **)&list = dlsym(library, "C_GetFunctionList");
    if (list == NULL || list(&p11) != CKR_OK) {
        fprintf(stderr, "%s is no PKCS#11 module\n", argv[1]);
        return 1;
    }
    CK_C_INITIALIZE_ARGS locking = {.flags = CKF_OS_LOCKING_OK};
    CALL(C_Initialize, &locking);

    CK_SESSION_HANDLE session;
    CALL(C_OpenSession, find_slot(argv[2]), CKF_SERIAL_SESSION, NULL, NULL, &session);
    CALL(C_Login, session, CKU_USER, (CK_UTF8CHAR_PTR)pin, strlen(pin));

    /* prime256v1, as a DER object identifier */
    CK_BYTE curve[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE public_template[] = {{CKA_EC_PARAMS, curve, sizeof curve}, {CKA_VERIFY, &yes, sizeof yes}};
    CK_ATTRIBUTE private_template[] = {{CKA_SIGN, &yes, sizeof yes}, {CKA_SENSITIVE, &yes, sizeof yes}};
    CK_MECHANISM generation = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_OBJECT_HANDLE public_key, private_key;
    CALL(C_GenerateKeyPair, session, &generation, public_template, 2, private_template, 2, &public_key, &private_key);

    CK_BYTE digest[32], signature[64];
    CK_ULONG length = sizeof signature;
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    CALL(C_GenerateRandom, session, digest, sizeof digest);
    CALL(C_SignInit, session, &ecdsa, private_key);
    CALL(C_Sign, session, digest, sizeof digest, signature, &length);
    CALL(C_VerifyInit, session, &ecdsa, public_key);
    CALL(C_Verify, session, digest, sizeof digest, signature, length);

    digest[0] ^= 1;
    CALL(C_VerifyInit, session, &ecdsa, public_key);
    if (p11->C_Verify(session, digest, sizeof digest, signature, length) != CKR_SIGNATURE_INVALID) {
        fprintf(stderr, "a signature over other data was accepted\n");
        return 1;
    }
    CALL(C_Logout, session);
    CALL(C_CloseSession, session);
    CALL(C_Finalize, NULL);
    printf("a signature of %lu bytes, verified\n", length);
    dlclose(library);
    return 0;
}
