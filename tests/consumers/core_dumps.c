/* Uses a cloud key like a careful application: logs in, decrypts, wipes what it was given, and waits.
 *
 *   core_dumps LIBRARY TOKEN KEY CIPHERTEXT [PIN-FILE]
 *
 * It says "ready" when a core dump can be taken. The PIN and the plaintext pass through `buffer` alone, which is wiped.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

static CK_FUNCTION_LIST *p11;
static unsigned char buffer[4096];

static void must(const char *call, CK_RV rv) {
    if (rv != CKR_OK) {
        fprintf(stderr, "%s: 0x%lx\n", call, (unsigned long)rv);
        exit(1);
    }
}
#define CALL(function, ...) must(#function, p11->function(__VA_ARGS__))

/* Reads a file without a buffer in between. */
static CK_ULONG read_file(const char *path) {
    int file = open(path, O_RDONLY);
    ssize_t len = file < 0 ? -1 : read(file, buffer, sizeof buffer);
    if (len <= 0) {
        perror(path);
        exit(1);
    }
    close(file);
    return (CK_ULONG)len;
}

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
    if (argc < 5) return 2;
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList list = library ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
    if (!list) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    must("C_GetFunctionList", list(&p11));
    CALL(C_Initialize, NULL);
    CK_SESSION_HANDLE session;
    CALL(C_OpenSession, find_slot(argv[2]), CKF_SERIAL_SESSION, NULL, NULL, &session);
    if (argc > 5) {
        CK_ULONG len = read_file(argv[5]);
        CALL(C_Login, session, CKU_USER, buffer, len);
        explicit_bzero(buffer, sizeof buffer);
    }

    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof class}, {CKA_LABEL, argv[3], strlen(argv[3])}};
    CK_OBJECT_HANDLE key;
    CK_ULONG found;
    CALL(C_FindObjectsInit, session, wanted, 2);
    CALL(C_FindObjects, session, &key, 1, &found);
    CALL(C_FindObjectsFinal, session);
    if (found != 1) {
        fprintf(stderr, "no private key is called %s\n", argv[3]);
        return 1;
    }
    CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &oaep, sizeof oaep};
    unsigned char ciphertext[512];
    CK_ULONG ciphertext_len = read_file(argv[4]);
    if (ciphertext_len > sizeof ciphertext) return 1;
    memcpy(ciphertext, buffer, ciphertext_len);
    for (int round = 0; round < 3; round++) {
        CK_ULONG len = sizeof buffer;
        CALL(C_DecryptInit, session, &mechanism, key);
        CALL(C_Decrypt, session, ciphertext, ciphertext_len, buffer, &len);
        explicit_bzero(buffer, sizeof buffer);
    }
    if (write(1, "ready\n", 6) != 6) return 1;
    /* Until whoever started it is gone, or kills it. */
    while (read(0, buffer, sizeof buffer) > 0) {}
    return 0;
}
