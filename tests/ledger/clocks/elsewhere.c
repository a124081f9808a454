/* Another machine, as far as a process can tell: its wall clock is off by CLOCK_OFFSET seconds, its name is HOST_NAME.
   To be preloaded. The clocks that nobody can set are left as they are: Python's waiting stands on them. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

static long offset;
static const char *name;

__attribute__((constructor)) static void read_environment(void) {
    const char *given = getenv("CLOCK_OFFSET");
    offset = given ? atol(given) : 0;
    name = getenv("HOST_NAME");
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(clock, now);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += offset;
    return failed;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    int (*real)(struct timeval *restrict, void *restrict) = dlsym(RTLD_NEXT, "gettimeofday");
    int failed = real(now, zone);
    if (!failed && now) now->tv_sec += offset;
    return failed;
}

time_t time(time_t *now) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now) *now = exact.tv_sec;
    return exact.tv_sec;
}

int gethostname(char *to, size_t size) {
    if (!name) {
        int (*real)(char *, size_t) = dlsym(RTLD_NEXT, "gethostname");
        return real(to, size);
    }
    strncpy(to, name, size);
    return 0;
}
