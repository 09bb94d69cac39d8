/*
 * The harness of the C tests: named cases, one process per case.
 *
 *   prog --list      prints the names of the cases, one a line
 *   prog NAME        runs that case: exit 0 = ok, 1 = failed (why: stderr), 77 = skipped (why: stderr)
 *
 * A case that hangs is killed by SIGALRM. It says nothing of namespaces and packets: that is net.h.
 */
#ifndef CAPI_HARNESS_H
#define CAPI_HARNESS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SKIPPED 77
#define CASE_SECONDS 240
/* Seconds that a case waits for what must come: whoever waits for it may not be run for some time. */
#define PATIENCE 20

struct test_case {
    const char *name;
    void (*run)(void);
    struct test_case *next;
};

static struct test_case *first_case, **last_case = &first_case;

static inline void add_case(struct test_case *c)
{
    *last_case = c;
    last_case = &c->next;
}

#define CASE(n)                                                                                    \
    static void n(void);                                                                           \
    static struct test_case n##_case = {#n, n, NULL};                                              \
    __attribute__((constructor)) static void n##_add(void)                                         \
    {                                                                                              \
        add_case(&n##_case);                                                                       \
    }                                                                                              \
    static void n(void)

__attribute__((format(printf, 4, 5), noreturn)) static inline void
fail_at(const char *file, int line, const char *cond, const char *fmt, ...)
{
    va_list ap;

    fprintf(stderr, "%s:%d: %s: ", file, line, cond);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}

__attribute__((format(printf, 1, 2), noreturn)) static inline void skip(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(SKIPPED);
}

/* CHECK(cond, fmt, ...): the text says what was got. */
#define CHECK(cond, ...)                                                                           \
    do {                                                                                           \
        if (!(cond))                                                                               \
            fail_at(__FILE__, __LINE__, #cond, __VA_ARGS__);                                       \
    } while (0)

#define CHECK_INT(got, want)                                                                       \
    do {                                                                                           \
        long long got_ = (long long)(got), want_ = (long long)(want);                              \
        if (got_ != want_)                                                                         \
            fail_at(__FILE__, __LINE__, #got, "expected %lld, got %lld", want_, got_);             \
    } while (0)

#define CHECK_STR(got, want)                                                                       \
    do {                                                                                           \
        const char *got_ = (got), *want_ = (want);                                                 \
        if (got_ == NULL || strcmp(got_, want_) != 0)                                              \
            fail_at(__FILE__, __LINE__, #got, "expected \"%s\", got \"%s\"", want_,                \
                    got_ ? got_ : "(null)");                                                       \
    } while (0)

/* Our error texts may go on where libpcap's end: compare the start only. "" wants no text at all. */
#define CHECK_STARTS(got, want)                                                                    \
    do {                                                                                           \
        const char *got_ = (got), *want_ = (want);                                                 \
        if (got_ == NULL || strncmp(got_, want_, strlen(want_)) != 0 || (!*want_ && *got_))        \
            fail_at(__FILE__, __LINE__, #got, "expected it to begin \"%s\", got \"%s\"", want_,    \
                    got_ ? got_ : "(null)");                                                       \
    } while (0)

static inline double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void sleep_ms(int ms)
{
    struct timespec t = {ms / 1000, (ms % 1000) * 1000000L};

    while (nanosleep(&t, &t) < 0 && errno == EINTR)
        ;
}

/*
 * Whether something takes less than `limit` seconds: it is measured again where it took longer, for who measures is not
 * always run when he could be. What is slow by itself is slow each time.
 */
#define AGAIN(attempt, took, limit) ((attempt) == 0 || ((took) >= (limit) && (attempt) < 10))

static inline int under_valgrind(void)
{
    return getenv("CAPI_VALGRIND") != NULL;
}

static inline int count_fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;

    CHECK(d != NULL, "/proc/self/fd: %s", strerror(errno));
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

int main(int argc, char **argv)
{
    struct test_case *c;

    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (c = first_case; c != NULL; c = c->next)
            puts(c->name);
        return 0;
    }
    for (c = first_case; argc == 2 && c != NULL; c = c->next) {
        if (strcmp(argv[1], c->name) == 0) {
            alarm(CASE_SECONDS);
            c->run();
            return 0;
        }
    }
    fprintf(stderr, "usage: %s --list | CASE\n", argv[0]);
    return 2;
}

#endif
