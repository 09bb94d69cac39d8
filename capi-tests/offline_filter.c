/*
 * pcap_offline_filter on programs that are run often, which it may translate: whatever becomes of their
 * memory, whoever calls, and where there may be no machine code. bpf_filter(), which translates nothing, is
 * the judge.
 */
#include "harness.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#undef BPF_STMT
#define BPF_STMT(code, k) {(unsigned short)(code), 0, 0, (bpf_u_int32)(k)}

#define LENGTH 64
#define THREADS 6

static const char *const texts[] = {
    "tcp port 80",
    "ip6 or arp",
    "udp[4:2] > 20",
    "port 53 and not host 10.0.0.1",
    "ip[0] & 0xf = 5 and len / ip[9] < 20",
    "(tcp port 80 or tcp port 8080) and tcp[13] & 0x12 != 0",
};
#define TEXTS (sizeof texts / sizeof *texts)

/* A packet of TCP or UDP, over IPv4 or IPv6, or of ARP, of which `caplen` bytes are left. */
static struct pcap_pkthdr make_packet(unsigned n, unsigned char *to)
{
    static const unsigned char ports[] = {80, 53, 22};
    struct pcap_pkthdr h;

    memset(to, 0, LENGTH);
    to[14] = 0x45;
    to[23] = n & 1 ? 6 : 17;
    if (n % 7 == 1) {
        to[12] = 0x86, to[13] = 0xdd;
        to[20] = to[23];
        to[57] = ports[n / 7 % 3];
    } else {
        to[12] = 0x08, to[13] = n % 7 == 2 ? 0x06 : 0x00;
        to[37] = ports[n / 7 % 3];
        to[26] = 10, to[29] = n % 5 == 0;
        to[39] = (unsigned char)n;
        to[47] = 0x10;
    }
    memset(&h, 0, sizeof h);
    h.len = LENGTH;
    h.caplen = n % 4 == 3 ? n % LENGTH : LENGTH;
    return h;
}

static struct bpf_program compiled(const char *text)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 65535);
    struct bpf_program prog;

    CHECK(pcap_compile(p, &prog, text, 1, PCAP_NETMASK_UNKNOWN) == 0, "%s", pcap_geterr(p));
    pcap_close(p);
    return prog;
}

/* Fails if the program's verdict on some packets is wrong. Returns how many it accepts. */
static int run(const struct bpf_program *prog, unsigned packets)
{
    unsigned char packet[LENGTH];
    unsigned n;
    int accepted = 0;

    for (n = 0; n < packets; n++) {
        struct pcap_pkthdr h = make_packet(n, packet);
        unsigned want = bpf_filter(prog->bf_insns, packet, h.len, h.caplen);

        CHECK_INT((unsigned)pcap_offline_filter(prog, &h, packet), want);
        accepted += want != 0;
    }
    return accepted;
}

/* How many mappings there are of code that comes from no file. */
static int count_code(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    int n = 0;

    CHECK(maps != NULL, "/proc/self/maps: %s", strerror(errno));
    while (fgets(line, sizeof line, maps) != NULL) {
        CHECK(strstr(line, " rwx") == NULL || under_valgrind(), "%s", line);
        n += strstr(line, " r-xp 00000000 00:00 0 \n") != NULL;
    }
    fclose(maps);
    return n;
}

static void check_code(int wanted)
{
#ifdef __x86_64__
    if (!under_valgrind())
        CHECK((count_code() > 0) == wanted, "%d mappings of code", count_code());
#else
    (void)wanted;
#endif
}

CASE(run_often)
{
    size_t i;

    for (i = 0; i < TEXTS; i++) {
        struct bpf_program prog = compiled(texts[i]);
        int accepted = run(&prog, 1000);

        CHECK(accepted > 0 && accepted < 1000, "\"%s\" accepts %d", texts[i], accepted);
        pcap_freecode(&prog);
    }
    check_code(1);
}

/* Programs come and go where others were, and change where they are. */
CASE(memory_is_the_callers)
{
    struct bpf_insn insns[] = {BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_RET | BPF_A, 0)};
    struct bpf_program own = {2, insns};
    unsigned round;

    for (round = 0; round < 200; round++) {
        struct bpf_program prog = compiled(texts[round % TEXTS]);

        run(&prog, round % 3 == 0 ? 70 : 5);
        pcap_freecode(&prog);
        insns[1].code = round % 2 ? BPF_RET | BPF_A : BPF_RET | BPF_K;
        insns[1].k = round / 40;
        run(&own, round % 5 == 0 ? 70 : 3);
    }
}

static void *run_all(void *shared)
{
    struct bpf_program progs[TEXTS];
    size_t i;
    int round;

    for (i = 0; i < TEXTS; i++)
        progs[i] = compiled(texts[i]);
    for (round = 0; round < (under_valgrind() ? 2 : 50); round++) {
        for (i = 0; i < TEXTS; i++) {
            run(&progs[i], 50);
            run((struct bpf_program *)shared + i, 10);
        }
    }
    for (i = 0; i < TEXTS; i++)
        pcap_freecode(&progs[i]);
    return NULL;
}

CASE(in_threads)
{
    struct bpf_program shared[TEXTS];
    pthread_t t[THREADS];
    size_t i;

    for (i = 0; i < TEXTS; i++)
        shared[i] = compiled(texts[i]);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&t[i], NULL, run_all, shared) == 0, "no thread");
    for (i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    for (i = 0; i < TEXTS; i++)
        pcap_freecode(&shared[i]);
}

static struct bpf_program in_handler[TEXTS];
static volatile int signals;

static void run_one(int sig)
{
    (void)sig;
    run(&in_handler[signals++ % TEXTS], 10);
}

CASE(in_a_signal_handler)
{
    struct itimerval often = {{0, 500}, {0, 500}};
    struct bpf_program prog = compiled(texts[0]);
    double end = now() + 10;
    size_t i;

    for (i = 0; i < TEXTS; i++)
        in_handler[i] = compiled(texts[i]);
    signal(SIGVTALRM, run_one);
    setitimer(ITIMER_VIRTUAL, &often, NULL);
    while (signals < (under_valgrind() ? 5 : 200) && now() < end)
        run(&prog, 100);
    memset(&often, 0, sizeof often);
    setitimer(ITIMER_VIRTUAL, &often, NULL);
    CHECK(signals > 0, "no signal came");
    for (i = 0; i < TEXTS; i++)
        pcap_freecode(&in_handler[i]);
    pcap_freecode(&prog);
}

/* A copy of the library, which the dynamic linker takes for another one. */
static int copy_of_the_library(void)
{
    struct stat st;
    Dl_info info;
    int from, to;

    CHECK(dladdr((void *)(uintptr_t)&pcap_offline_filter, &info) != 0, "no library");
    from = open(info.dli_fname, O_RDONLY | O_CLOEXEC);
    to = memfd_create("libpcap", MFD_CLOEXEC);
    CHECK(from >= 0 && to >= 0 && fstat(from, &st) == 0, "%s", strerror(errno));
    while (lseek(to, 0, SEEK_CUR) < st.st_size)
        CHECK(sendfile(to, from, NULL, (size_t)st.st_size) > 0, "%s", strerror(errno));
    close(from);
    return to;
}

static void *run_in_copy(void *offline_filter)
{
    int (*filter)(const struct bpf_program *, const struct pcap_pkthdr *, const u_char *);
    struct bpf_program prog = compiled(texts[0]);
    unsigned char packet[LENGTH];
    unsigned n;

    *(void **)&filter = offline_filter;
    for (n = 0; n < 100; n++) {
        struct pcap_pkthdr h = make_packet(n, packet);

        CHECK_INT(filter(&prog, &h, packet), bpf_filter(prog.bf_insns, packet, h.len, h.caplen));
    }
    pcap_freecode(&prog);
    return NULL;
}

/* The library goes away before the thread that used it, and after. */
CASE(unloaded)
{
    char path[64];
    int round;

    if (under_valgrind())
        skip("translations are kept, and lost with the library");
    snprintf(path, sizeof path, "/proc/self/fd/%d", copy_of_the_library());
    for (round = 0; round < 10; round++) {
        void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL), *filter;
        pthread_t t;

        CHECK(lib != NULL, "%s", dlerror());
        filter = dlsym(lib, "pcap_offline_filter");
        CHECK(filter != NULL && filter != (void *)(uintptr_t)&pcap_offline_filter, "not a copy");
        CHECK(pthread_create(&t, NULL, run_in_copy, filter) == 0, "no thread");
        pthread_join(t, NULL);
        run_in_copy(filter);
        dlclose(lib);
    }
}

/* Lets no memory be executed that could be written, as policies do. */
static void forbid_code(void)
{
    struct sock_filter insns[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, SYS_mprotect},
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, args[2])},
        {BPF_JMP | BPF_JSET | BPF_K, 0, 1, PROT_EXEC},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EACCES},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    struct sock_fprog prog = {sizeof insns / sizeof *insns, insns};

    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "%s", strerror(errno));
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) != 0)
        skip("seccomp: %s", strerror(errno));
}

CASE(without_machine_code)
{
    size_t i;

    if (under_valgrind())
        skip("valgrind makes code, too");
    forbid_code();
    for (i = 0; i < TEXTS; i++) {
        struct bpf_program prog = compiled(texts[i]);
        int accepted = run(&prog, 1000);

        CHECK(accepted > 0 && accepted < 1000, "\"%s\" accepts %d", texts[i], accepted);
        pcap_freecode(&prog);
    }
    check_code(0);
}
