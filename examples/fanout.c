/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Captures on one device with several threads, each with a handle of one fanout group, and shows what each gets
 * while it runs: pcap-linux(3PCAP). On a terminal the lines are refreshed in place.
 *
 *   cc -pthread examples/fanout.c $(pkg-config --cflags --libs libpcap) -o fanout
 *   fanout [-i device] [-m mode] [-n threads] [-c packets] [-t seconds]
 */
#include <pcap/linux.h>
#include <pcap/pcap.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOST 64
#define INTERVAL 0.5 /* seconds from one report to the next */

static const char *const modes[] = {"hash", "lb", "cpu", "rollover", "rnd", "qm"};

/* One thread and what it has counted, which lies on cache lines of its own. */
struct reader {
    _Alignas(128) pcap_t *handle;
    pthread_t thread;
    atomic_ullong packets, bytes;
    unsigned long long shown; /* packets at the last report */
    int status;
};

static struct reader readers[MOST];
static unsigned long long wanted; /* -c; 0 for all that come */
static atomic_ullong taken;
static atomic_int running;
static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

static void count(unsigned char *user, const struct pcap_pkthdr *header, const unsigned char *data)
{
    struct reader *reader = (struct reader *)user;

    (void)data; /* here the work would be done */
    if (wanted && atomic_fetch_add(&taken, 1) >= wanted) {
        stopped = 1;
        pcap_breakloop(reader->handle);
        return;
    }
    atomic_fetch_add_explicit(&reader->packets, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&reader->bytes, header->caplen, memory_order_relaxed);
}

static void *run(void *arg)
{
    struct reader *reader = arg;

    reader->status = pcap_loop(reader->handle, -1, count, (unsigned char *)reader);
    atomic_fetch_sub(&running, 1);
    return NULL;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void line(const char *name, unsigned long long packets, unsigned drops, double rate)
{
    printf("%-9s %12llu packets %10u drops %12.0f packets/s%s\n", name, packets, drops, rate,
           isatty(STDOUT_FILENO) ? "\033[K" : "");
}

/* One line a thread and one for all; over the last ones, if it is a terminal. */
static void report(int n, double seconds, double since, int first)
{
    unsigned long long all = 0, before = 0, packets;
    unsigned drops = 0;
    struct pcap_stat stat;
    char name[20];
    int i;

    if (!first && isatty(STDOUT_FILENO))
        printf("\033[%dA", n + 2);
    printf("after %.1f seconds\n", seconds);
    for (i = 0; i < n; i++) {
        packets = atomic_load(&readers[i].packets);
        /* Other threads may ask while one reads. */
        if (pcap_stats(readers[i].handle, &stat) != 0)
            stat.ps_drop = 0;
        snprintf(name, sizeof name, "thread %d", i);
        line(name, packets, stat.ps_drop, (double)(packets - readers[i].shown) / since);
        before += readers[i].shown;
        all += packets;
        drops += stat.ps_drop;
        readers[i].shown = packets;
    }
    line("all", all, drops, (double)(all - before) / since);
    fflush(stdout);
}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "fanout: %s: %s\n", what, why);
    return 1;
}

/* Opens all handles at once: none of them captures before the last one is in the group. */
static int open_group(const char *device, int mode, int n)
{
    char text[PCAP_ERRBUF_SIZE] = "";
    pcap_t *handles[MOST], *p = pcap_create(device, text);
    int i, status;

    if (p == NULL)
        return fail(device, text);
    pcap_set_snaplen(p, 128);
    pcap_set_timeout(p, 100);
    pcap_set_buffer_size(p, 8 << 20);
    status = pcap_set_fanout_linux(p, mode, 0, -1);
    if (status == 0)
        status = pcap_activate_group_linux(p, n, handles);
    if (status < 0)
        return fail(device, *pcap_geterr(p) ? pcap_geterr(p) : pcap_statustostr(status));
    for (i = 0; i < n; i++)
        readers[i].handle = handles[i];
    printf("group %d, %d threads\n", pcap_get_fanout_linux(p), n);
    return 0;
}

static void capture(int n, double limit)
{
    struct sigaction action = {.sa_handler = stop};
    struct timespec moment = {0, 10000000};
    double start = now(), last = start, t;
    int i, reports = 0;

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    atomic_store(&running, n);
    for (i = 0; i < n; i++)
        if (pthread_create(&readers[i].thread, NULL, run, &readers[i]) != 0)
            exit(fail("pthread_create", "no thread"));
    /* A thread that ends by itself has failed, or was the one that had enough. */
    while (!stopped && atomic_load(&running) == n && (limit <= 0 || now() - start < limit)) {
        nanosleep(&moment, NULL);
        t = now();
        if (t - last >= INTERVAL) {
            report(n, t - start, t - last, reports++ == 0);
            last = t;
        }
    }
    for (i = 0; i < n; i++)
        pcap_breakloop(readers[i].handle);
    for (i = 0; i < n; i++)
        pthread_join(readers[i].thread, NULL);
    t = now();
    report(n, t - start, t - last, reports == 0);
}

int main(int argc, char **argv)
{
    const char *device = "any";
    int option, n = 2, mode = 0, count_of_modes = (int)(sizeof modes / sizeof *modes), i, failed = 0;
    double limit = 0;

    while ((option = getopt(argc, argv, "i:m:n:c:t:")) != -1) {
        switch (option) {
        case 'i': device = optarg; break;
        case 'n': n = atoi(optarg); break;
        case 'c': wanted = strtoull(optarg, NULL, 10); break;
        case 't': limit = atof(optarg); break;
        case 'm':
            for (mode = 0; mode < count_of_modes && strcmp(modes[mode], optarg) != 0; mode++)
                ;
            break;
        default: n = 0;
        }
    }
    if (n < 1 || n > MOST || mode == count_of_modes || optind != argc) {
        fprintf(stderr, "usage: %s [-i device] [-m hash|lb|cpu|rollover|rnd|qm] [-n threads] [-c packets] [-t seconds]\n",
                argv[0]);
        return 2;
    }
    if (open_group(device, mode, n) != 0)
        return 1;
    capture(n, limit);
    for (i = 0; i < n; i++) {
        if (readers[i].status == PCAP_ERROR)
            failed = fail(device, pcap_geterr(readers[i].handle));
        pcap_close(readers[i].handle);
    }
    return failed;
}
