/* Stands between NSS and the module that $REAL_MODULE names, and writes down how NSS asks for the module's interface and
 * what it is answered: one line "FLAGS RETURN-VALUE VERSION" for each C_GetInterface in the file $ASKED.
 * The types are PKCS#11's, written out: p11-kit's header knows CK_INTERFACE since 0.25 only. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

struct version {
    unsigned char major, minor;
};

struct interface {
    unsigned char *name;
    struct version *functions; /* each list of functions begins with its version */
    unsigned long flags;
};

typedef unsigned long get_interface(unsigned char *, struct version *, struct interface **, unsigned long);
typedef unsigned long get_function_list(void **);

static const unsigned long GENERAL_ERROR = 5;

static void *real(const char *symbol)
{
    const char *path = getenv("REAL_MODULE");
    void *module = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    return module ? dlsym(module, symbol) : NULL;
}

unsigned long C_GetFunctionList(void **list)
{
    get_function_list *get = (get_function_list *)real("C_GetFunctionList");
    return get ? get(list) : GENERAL_ERROR;
}

unsigned long C_GetInterface(unsigned char *name, struct version *version, struct interface **interface,
                             unsigned long flags)
{
    get_interface *get = (get_interface *)real("C_GetInterface");
    unsigned long rv = get ? get(name, version, interface, flags) : GENERAL_ERROR;
    const char *path = getenv("ASKED");
    FILE *asked = path ? fopen(path, "a") : NULL;
    if (asked) {
        struct version none = {0, 0}, is = rv == 0 ? *(*interface)->functions : none;
        fprintf(asked, "%lu %#lx %d.%d\n", flags, rv, is.major, is.minor);
        fclose(asked);
    }
    return rv;
}
