/*
 * The distribution's library beside the one that is tested: both are asked, and say the same.
 */
#ifndef CAPI_DISTRIBUTION_H
#define CAPI_DISTRIBUTION_H

#include "harness.h"

#include <dlfcn.h>
#include <glob.h>

/* A case that needs it is skipped where it is not there. */
static inline void *distribution(void)
{
    glob_t found;
    void *lib;

    if (glob("/usr/lib/*/libpcap.so.0.8", 0, NULL, &found) != 0)
        skip("no libpcap of the distribution's");
    /* It calls functions of its own by name: those must not be ours. */
    lib = dlopen(found.gl_pathv[0], RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    CHECK(lib != NULL, "%s", dlerror());
    globfree(&found);
    return lib;
}

#endif
