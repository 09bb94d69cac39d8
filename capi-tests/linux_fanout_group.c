/*
 * Fanout groups: opening them, joining them, leaving them, and what is said where that fails.
 */
#include "fanout.h"

#include <linux/net_tstamp.h>
#include <pthread.h>
#include <sys/resource.h>

static char err[PCAP_ERRBUF_SIZE];

static pcap_t *wanting(const char *dev, int mode, int flags, int group)
{
    pcap_t *p = created_by(MODE_V3, dev);

    CHECK(pcap_set_fanout_linux(p, mode, flags, group) == 0, "%s", pcap_geterr(p));
    return p;
}

static pcap_t *joined(const char *dev, int mode, int flags, int group)
{
    pcap_t *p = wanting(dev, mode, flags, group);

    CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
    return p;
}

/* Activation fails with a text, and closes what it has opened. */
static void refused(pcap_t *p, const char *text)
{
    int fds = count_fds();

    CHECK_INT(pcap_activate(p), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), text);
    CHECK_INT(count_fds(), fds);
    pcap_close(p);
}

CASE(numbers)
{
    pcap_t *a, *b, *c, *plainly, *dead = pcap_open_dead(DLT_EN10MB, 100);
    int group;

    enter_veth();
    a = wanting("v0", PCAP_FANOUT_LB, 0, -1);
    CHECK_INT(pcap_get_fanout_linux(a), PCAP_ERROR_NOT_ACTIVATED);
    CHECK_INT(pcap_activate(a), 0);
    group = pcap_get_fanout_linux(a);
    CHECK(group >= 0 && group <= 65535, "group %d", group);
    b = joined("v0", PCAP_FANOUT_LB, PCAP_FANOUT_FLAG_UNIQUEID, 0);
    CHECK(pcap_get_fanout_linux(b) != group, "the same group twice");
    /* Whoever joins such a group later does so by its number. */
    c = joined("v0", PCAP_FANOUT_LB, 0, group);
    CHECK_INT(pcap_get_fanout_linux(c), group);
    pcap_close(c);
    c = joined("v0", PCAP_FANOUT_HASH, 0, 65535);
    CHECK_INT(pcap_get_fanout_linux(c), 65535);
    plainly = opened("v0", plain);
    CHECK_INT(pcap_get_fanout_linux(plainly), PCAP_ERROR);
    CHECK_STR(pcap_geterr(plainly), "the handle is in no fanout group");
    CHECK_INT(pcap_get_fanout_linux(dead), PCAP_ERROR);
    pcap_close(a);
    pcap_close(b);
    pcap_close(c);
    pcap_close(plainly);
    pcap_close(dead);
}

#define NONSENSE(text, ...)                                                                        \
    do {                                                                                           \
        CHECK_INT(pcap_set_fanout_linux(p, __VA_ARGS__), PCAP_ERROR);                              \
        CHECK_STR(pcap_geterr(p), text);                                                           \
    } while (0)

CASE(nonsense)
{
    struct bpf_insn accept[] = {BPF_STMT(BPF_RET | BPF_K, 1)}, bad[] = {BPF_STMT(BPF_LD | BPF_IMM, 1)};
    struct bpf_program program = {1, accept}, endless = {1, bad};
    pcap_t *p;

    enter_veth();
    p = created("v0", &plain);
    NONSENSE("8 is not a fanout mode", 8, 0, 1);
    NONSENSE("-1 is not a fanout mode", -1, 0, 1);
    NONSENSE("0x800 has bits that are no fanout flag", PCAP_FANOUT_HASH, 0x800, 1);
    NONSENSE("0xffff1000 has bits that are no fanout flag", PCAP_FANOUT_HASH, -61440, 1);
    NONSENSE("65536 is not a fanout group: -1 to 65535 are", PCAP_FANOUT_HASH, 0, 65536);
    NONSENSE("-2 is not a fanout group: -1 to 65535 are", PCAP_FANOUT_HASH, 0, -2);
    NONSENSE("fanout mode rollover does not go with the flag rollover", PCAP_FANOUT_ROLLOVER,
             PCAP_FANOUT_FLAG_ROLLOVER, 1);
    NONSENSE("fanout flag uniqueid does not go with a group, which is 5", PCAP_FANOUT_HASH,
             PCAP_FANOUT_FLAG_UNIQUEID, 5);
    CHECK_INT(pcap_set_fanout_program_linux(p, NULL), PCAP_ERROR);
    CHECK_INT(pcap_set_fanout_ebpf_linux(p, -1), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "the fanout program's descriptor: Bad file descriptor");
    /* None of it counts. */
    CHECK_INT(pcap_activate(p), 0);
    CHECK_INT(pcap_get_fanout_linux(p), PCAP_ERROR);
    pcap_close(p);
    p = wanting("v0", PCAP_FANOUT_HASH, 0, 77);
    CHECK_INT(pcap_set_fanout_linux(p, PCAP_FANOUT_LB, 0, -2), PCAP_ERROR);
    CHECK_INT(pcap_activate(p), 0);
    CHECK_INT(pcap_get_fanout_linux(p), 77);
    pcap_close(p);

    p = wanting("v0", PCAP_FANOUT_HASH, 0, 1);
    CHECK_INT(pcap_set_fanout_program_linux(p, &program), 0);
    refused(p, "a fanout program of classic BPF is for mode cbpf, not hash");
    p = wanting("v0", PCAP_FANOUT_CBPF, 0, 1);
    CHECK_INT(pcap_set_fanout_ebpf_linux(p, 0), 0);
    refused(p, "a fanout program of extended BPF is for mode ebpf, not cbpf");
    p = wanting("v0", PCAP_FANOUT_EBPF, 0, 1);
    CHECK_INT(pcap_set_fanout_ebpf_linux(p, 0), 0);
    refused(p, "setsockopt (PACKET_FANOUT_DATA): Invalid argument");
    p = wanting("v0", PCAP_FANOUT_CBPF, 0, 1);
    CHECK_INT(pcap_set_fanout_program_linux(p, &endless), 0);
    refused(p, "setsockopt (PACKET_FANOUT_DATA): Invalid argument");
    refused(wanting("v0", PCAP_FANOUT_CBPF, 0, 1), "the fanout group is new, and its mode cbpf needs a program");
    refused(wanting("v0", PCAP_FANOUT_EBPF, 0, -1), "the fanout group is new, and its mode ebpf needs a program");
}

/* What differs between the group 7 and who wants to join it. */
static void differences(int own)
{
    pcap_t *p;

    refused(wanting("v0", PCAP_FANOUT_LB, PCAP_FANOUT_FLAG_ROLLOVER, 7),
            "can't join fanout group 7: its mode is hash, not lb");
    refused(wanting("v1", PCAP_FANOUT_HASH, PCAP_FANOUT_FLAG_ROLLOVER, 7),
            "can't join fanout group 7: its interface is v0, not v1");
    refused(wanting("any", PCAP_FANOUT_HASH, PCAP_FANOUT_FLAG_ROLLOVER, 7),
            "can't join fanout group 7: its interface is v0, not any");
    p = wanting("v0", PCAP_FANOUT_HASH, PCAP_FANOUT_FLAG_ROLLOVER, 7);
    CHECK_INT(pcap_set_protocol_linux(p, ETHERTYPE_IP), 0);
    refused(p, "can't join fanout group 7: its protocol is 0x0003, not 0x0800");
    refused(wanting("v0", PCAP_FANOUT_HASH, PCAP_FANOUT_FLAG_DEFRAG, 7),
            own ? "can't join fanout group 7: its flags are rollover, not defrag"
                : "can't join fanout group 7: its flags are others than defrag");
    refused(wanting("v0", PCAP_FANOUT_HASH, 0, 7),
            own ? "can't join fanout group 7: its flags are rollover, not none"
                : "can't join fanout group 7: its flags are others than none");
    refused(wanting("v1", PCAP_FANOUT_RND, 0, 7),
            own ? "can't join fanout group 7: its mode is hash, not rnd, its interface is v0, not v1, "
                  "its flags are rollover, not none"
                : "can't join fanout group 7: its mode is hash, not rnd, its interface is v0, not v1");
    p = joined("v0", PCAP_FANOUT_HASH, PCAP_FANOUT_FLAG_ROLLOVER, 7);
    pcap_close(p);
}

CASE(mismatch)
{
    pcap_t *p;

    enter_veth();
    p = joined("v0", PCAP_FANOUT_HASH, PCAP_FANOUT_FLAG_ROLLOVER, 7);
    differences(1);
    pcap_close(p);
    /* The group went with its last member. */
    p = joined("v0", PCAP_FANOUT_LB, 0, 7);
    pcap_close(p);
}

CASE(mismatch_with_another_process)
{
    int ready[2], end[2], status;
    char byte;
    pid_t pid;
    pcap_t *p;

    enter_veth();
    CHECK(pipe(ready) == 0 && pipe(end) == 0, "pipe: %s", strerror(errno));
    pid = fork();
    CHECK(pid >= 0, "fork: %s", strerror(errno));
    if (pid == 0) {
        alarm(CASE_SECONDS);
        close(end[1]);
        p = joined("v0", PCAP_FANOUT_HASH, PCAP_FANOUT_FLAG_ROLLOVER, 7);
        CHECK(write(ready[1], "", 1) == 1 && read(end[0], &byte, 1) == 0, "pipe: %s", strerror(errno));
        pcap_close(p);
        exit(0);
    }
    CHECK(read(ready[0], &byte, 1) == 1, "the other process has no group");
    differences(0);
    close(end[1]);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0, "status %#x", status);
}

/* Kernels that have no groups, do not know what is asked, or do not tell who is in a group. */
CASE(poorer_kernels)
{
    struct rlimit limit;
    pcap_t *p, *q;
    int lowest;

    enter_veth();
    rules("setsockopt:SOL_PACKET:PACKET_FANOUT:ENOPROTOOPT:1");
    refused(wanting("v0", PCAP_FANOUT_LB, 0, 7),
            "setsockopt (PACKET_FANOUT) for mode lb, flags none: Protocol not available");
    rules("setsockopt:SOL_PACKET:PACKET_FANOUT:EINVAL:1");
    refused(wanting("v0", PCAP_FANOUT_QM, PCAP_FANOUT_FLAG_ROLLOVER | PCAP_FANOUT_FLAG_DEFRAG, 7),
            "setsockopt (PACKET_FANOUT) for group 7, mode qm, flags rollover+defrag: Invalid argument");
    rules("setsockopt:SOL_PACKET:PACKET_FANOUT:ENOMEM:1");
    refused(wanting("v0", PCAP_FANOUT_LB, 0, -1),
            "setsockopt (PACKET_FANOUT): no number or no memory for a new group: Cannot allocate memory");
    rules("");

    p = joined("v0", PCAP_FANOUT_HASH, 0, 7);
    q = wanting("v0", PCAP_FANOUT_LB, 0, 7);
    /* A descriptor for the capture, one to wake it up by, and none to ask who is in the group. */
    lowest = dup(0);
    close(lowest);
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit: %s", strerror(errno));
    limit.rlim_cur = (rlim_t)lowest + 2;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit: %s", strerror(errno));
    CHECK_INT(pcap_activate(q), PCAP_ERROR);
    CHECK_STR(pcap_geterr(q), "can't join fanout group 7: the kernel does not know mode lb, flags none, or the group "
                              "has others, or another interface or protocol: Invalid argument");
    pcap_close(q);
    pcap_close(p);
}

CASE(full)
{
    int i, fd[256], members = 7;
    struct sockaddr_ll sll;

    enter_veth();
    memset(&sll, 0, sizeof sll);
    sll.sll_family = AF_PACKET;
    sll.sll_ifindex = (int)if_nametoindex("v0");
    sll.sll_protocol = htons(ETH_P_ALL);
    for (i = 0; i < 256; i++) {
        fd[i] = socket(AF_PACKET, SOCK_RAW, 0);
        CHECK(bind(fd[i], (struct sockaddr *)&sll, sizeof sll) == 0, "bind: %s", strerror(errno));
        CHECK(setsockopt(fd[i], SOL_PACKET, PACKET_FANOUT, &members, sizeof members) == 0, "member %d: %s", i,
              strerror(errno));
    }
    refused(wanting("v0", PCAP_FANOUT_HASH, 0, 7), "fanout group 7 has no place left: No space left on device");
    close(fd[100]);
    pcap_close(joined("v0", PCAP_FANOUT_HASH, 0, 7));
}

/* A group that has a program is joined without one. */
CASE(program_of_the_group)
{
    struct bpf_insn second[] = {BPF_STMT(BPF_RET | BPF_K, 1)};
    struct bpf_program program = {1, second};
    struct group *g = &shared;
    pcap_t *a, *b;
    int from, i;

    enter_veth();
    from = raw_socket("v1");
    g->number_at = NUMBER_AT;
    a = wanting("v0", PCAP_FANOUT_CBPF, 0, 9);
    CHECK_INT(pcap_set_fanout_program_linux(a, &program), 0);
    CHECK_INT(pcap_activate(a), 0);
    b = joined("v0", PCAP_FANOUT_CBPF, 0, 9);
    listen_to(g, a);
    listen_to(g, b);
    for (i = 0; i < 20; i++)
        send_udp(from, flow_number((unsigned)i), (unsigned)i);
    gather_all(g, 20);
    each_once(g, 0, 20);
    CHECK_INT(g->got[1], 20);
    close_group(g);
}

/* A handle that is closed leaves its share to the others; a filter takes from a share. */
static void body_members(enum mode m)
{
    int from = raw_socket("v1"), i;
    struct group *g = group_of(m, "v0", PCAP_FANOUT_LB, 0, 3);
    struct bpf_program program;
    unsigned n;

    pcap_close(g->p[1]);
    g->p[1] = NULL;
    for (n = 0; n < 60; n++)
        send_udp(from, flow_number(n), n);
    gather_all(g, 60);
    each_once(g, 0, 60);
    CHECK(g->got[0] == 30 && g->got[2] == 30, "%d and %d", g->got[0], g->got[2]);

    for (i = 0; i < 3; i += 2) {
        CHECK(pcap_compile(g->p[i], &program, "udp port 54", 1, 0) == 0, "%s", pcap_geterr(g->p[i]));
        CHECK(pcap_setfilter(g->p[i], &program) == 0, "%s", pcap_geterr(g->p[i]));
        pcap_freecode(&program);
    }
    forget(g);
    for (n = 0; n < 60; n++)
        send_udp(from, flow_number(n), n);
    gather_all(g, 20);
    for (n = 0; n < 60; n++)
        CHECK_INT(g->times[n], flow_number(n).pb == 54);
    CHECK(g->got[0] == 10 && g->got[2] == 10, "%d and %d", g->got[0], g->got[2]);
    close_group(g);
}

CASE(members)
{
    in_modes(RINGS_NOW, body_members);
}

/* None or all: the second finds no room for its descriptor. */
CASE(group_fails)
{
    pcap_t *p, *all[3] = {NULL, NULL, NULL};
    struct rlimit limit;
    int fds, i;

    enter_veth();
    p = created("v0", &plain);
    CHECK_INT(pcap_activate_group_linux(p, 2, all), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "the handle is to be in no fanout group");
    CHECK_INT(pcap_set_fanout_linux(p, PCAP_FANOUT_HASH, 0, -1), 0);
    CHECK_INT(pcap_activate_group_linux(p, 0, all), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "0 is no number of handles");
    CHECK_INT(pcap_activate_group_linux(p, -5, all), PCAP_ERROR);
    CHECK_INT(pcap_activate_group_linux(p, 2, NULL), PCAP_ERROR);
    fds = count_fds();
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit: %s", strerror(errno));
    /* The lowest that is free, and room for two handles of two each at most. */
    i = dup(0);
    close(i);
    limit.rlim_cur = (rlim_t)i + 4;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit: %s", strerror(errno));
    CHECK(pcap_activate_group_linux(p, 3, all) < 0, "all three are there");
    CHECK(strstr(pcap_geterr(p), "Too many open files") != NULL, "%s", pcap_geterr(p));
    for (i = 0; i < 3; i++)
        CHECK(all[i] == NULL, "a handle in spite of all");
    limit.rlim_cur = limit.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit: %s", strerror(errno));
    CHECK_INT(count_fds(), fds);
    CHECK_INT(pcap_get_fanout_linux(p), PCAP_ERROR_NOT_ACTIVATED);

    /* It can be tried again, and the options are all handles'. */
    CHECK_INT(pcap_set_snaplen(p, 77), 0);
    CHECK_INT(pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO), 0);
    CHECK(pcap_activate_group_linux(p, 3, all) == 0, "%s", pcap_geterr(p));
    for (i = 0; i < 3; i++) {
        CHECK_INT(pcap_snapshot(all[i]), 77);
        CHECK_INT(pcap_get_tstamp_precision(all[i]), PCAP_TSTAMP_PRECISION_NANO);
        CHECK_INT(pcap_get_fanout_linux(all[i]), pcap_get_fanout_linux(p));
        CHECK_INT(pcap_activate(all[i]), PCAP_ERROR_ACTIVATED);
    }
    CHECK_INT(pcap_activate_group_linux(p, 3, all), PCAP_ERROR_ACTIVATED);
    for (i = 0; i < 3; i++)
        pcap_close(all[i]);
}

/* What pcap_activate() warns of. */
CASE(group_warns)
{
    pcap_t *p, *all[2];
    struct how how = plain;

    enter_veth();
    how.promisc = 1;
    p = created("any", &how);
    CHECK_INT(pcap_set_fanout_linux(p, PCAP_FANOUT_LB, 0, -1), 0);
    CHECK_INT(pcap_activate_group_linux(p, 2, all), PCAP_WARNING_PROMISC_NOTSUP);
    CHECK_STR(pcap_geterr(p), "Promiscuous mode not supported on the \"any\" device");
    pcap_close(all[0]);
    pcap_close(all[1]);
}

enum { RFMON = 1, HARDWARE_TIME };

/* A handle and, with the same options, a group: what activating them returns. */
static void both_return(const char *dev, int option, const char *rule, int status)
{
    pcap_t *p, *all[2] = {NULL, NULL};
    int group, i, rc;

    for (group = 0; group < 2; group++) {
        p = wanting(dev, PCAP_FANOUT_LB, 0, -1);
        CHECK_INT(pcap_set_rfmon(p, option == RFMON), 0);
        if (option == HARDWARE_TIME)
            CHECK_INT(pcap_set_tstamp_type(p, PCAP_TSTAMP_ADAPTER), 0);
        rules(rule);
        rc = group ? pcap_activate_group_linux(p, 2, all) : pcap_activate(p);
        rules("");
        CHECK(rc == status, "%s, %s: %d, %s", dev, rule, rc, pcap_geterr(p));
        CHECK((all[0] == p) == (group && status >= 0), "%s: %d, the first is %p", dev, rc, (void *)all[0]);
        for (i = 1; i < 2 && all[i] != NULL; i++)
            pcap_close(all[i]);
        pcap_close(p);
    }
}

CASE(group_returns_what_activation_does)
{
    int tun;

    enter_veth();
    run("ip link add down0 type veth peer name down1");
    tun = make_tun("t0", 9999);
    rules("");
    both_return("v0", 0, "", 0);
    both_return("nosuch0", 0, "", PCAP_ERROR_NO_SUCH_DEVICE);
    both_return("down0", 0, "", PCAP_ERROR_IFACE_NOT_UP);
    both_return("v0", RFMON, "", PCAP_ERROR_RFMON_NOTSUP);
    both_return("v0", 0, "socket:EPERM:*", PCAP_ERROR_PERM_DENIED);
    both_return("v0", 0, "socket:EAFNOSUPPORT:*", PCAP_ERROR_CAPTURE_NOTSUP);
    both_return("t0", 0, "", PCAP_WARNING);
    shim_ts_info(SOF_TIMESTAMPING_SYS_HARDWARE, 1U << HWTSTAMP_FILTER_ALL);
    both_return("v0", HARDWARE_TIME, "", PCAP_WARNING_TSTAMP_TYPE_NOTSUP);
    close(tun);
}

/* Packets that a member had no room for: the machine is busy. */
static unsigned all_dropped(struct group *g)
{
    unsigned drops = 0;
    int i;

    for (i = 0; i < g->n; i++)
        drops += (unsigned)dropped(g->p[i]);
    return drops;
}

/* How many packets the sender has sent, and how many it may: it waits for those who receive, whatever they wait for. */
static volatile unsigned sent, may_send;
static volatile int sending;

static void *sender(void *arg)
{
    int from = *(int *)arg;

    while (sending) {
        if (sent < may_send) {
            send_udp(from, flow_number(sent), sent);
            sent++;
        }
        if (sent % 16 == 0 || sent == may_send)
            usleep(200);
    }
    return NULL;
}

static void start_sending(pthread_t *thread, int *from, unsigned most)
{
    sent = 0;
    may_send = most;
    sending = 1;
    CHECK(pthread_create(thread, NULL, sender, from) == 0, "no thread");
}

/* Reads until so many have been sent. */
static void read_until(struct group *g, unsigned n)
{
    double end = now() + PATIENCE;

    while (sent < n && now() < end)
        read_all(g);
    CHECK(sent >= n, "%u packets sent, not %u", sent, n);
}

static void stop_sending(pthread_t thread)
{
    sending = 0;
    pthread_join(thread, NULL);
}

#define JOINING 40
#define MEANWHILE 100 /* packets that are sent while one joins */

/*
 * Handles join while packets come, some of them in between the binding and the joining: none comes twice. What
 * comes after a whole group is active is all there.
 */
static void body_joining(enum mode m)
{
    struct group *g = group_of(m, "v0", PCAP_FANOUT_LB, 0, 1);
    int from = raw_socket("v1"), number = pcap_get_fanout_linux(g->p[0]), i;
    unsigned n, most = 0, missing = 0;
    pthread_t thread;
    pcap_t *p;

    start_sending(&thread, &from, 0);
    for (i = 0; i < JOINING; i++) {
        may_send += MEANWHILE;
        p = created_by(m, "v0");
        CHECK_INT(pcap_set_fanout_linux(p, PCAP_FANOUT_LB, 0, number), 0);
        CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
        listen_to(g, p);
        read_until(g, may_send);
    }
    stop_sending(thread);
    gather_all(g, g->total);
    sleep_ms(150); /* a block is held back for so long */
    gather_all(g, g->total);
    for (n = 0; n < NUMBERS; n++) {
        CHECK(g->times[n] <= 1, "packet %u came %d times", n, g->times[n]);
        if (g->times[n])
            most = n;
    }
    CHECK(most > MEANWHILE, "%u packets in all", most);
    for (n = 0; n < most; n++)
        missing += g->times[n] == 0;
    /* In the moment between joining and listening, all that are sent meanwhile at most: a half, a third, a quarter, ... */
    CHECK(missing <= all_dropped(g) + most / 10, "%u of %u packets came to nobody while %d joined", missing, most, i);
    close_group(g);
}

CASE(joining)
{
    in_modes(RINGS_NOW, body_joining);
}

static void body_group_under_traffic(enum mode m)
{
    int from = raw_socket("v1"), round, at_once = 0;
    unsigned n, first, active, last, late, missing;
    struct group *g;
    pthread_t thread;

    /* The handles begin one after the other, at once, unless the machine is busy with something else just then. */
    for (round = 0; round < 5 || (!at_once && round < 50); round++) {
        late = 0;
        missing = 0;
        start_sending(&thread, &from, NUMBERS / 2);
        shared.n = 0;
        read_until(&shared, 32);
        g = group_of(m, "v0", PCAP_FANOUT_LB, 0, MEMBERS);
        active = sent + 1; /* one may be on its way */
        may_send = NUMBERS;
        read_until(g, active + 300);
        stop_sending(thread);
        last = sent;
        for (n = active; n < last; n++)
            missing += g->times[n] == 0;
        gather_all(g, g->total + (int)missing - (int)all_dropped(g));
        for (missing = 0, first = 0; first < NUMBERS && !g->times[first]; first++)
            ;
        for (n = first; n < last; n++) {
            CHECK(g->times[n] <= 1, "packet %u came %d times, the first is %u", n, g->times[n], first);
            missing += g->times[n] == 0 && n >= active;
            late += g->times[n] == 0 && n >= first + 32;
        }
        CHECK(missing <= all_dropped(g), "%u of packets %u to %u are missing", missing, active, last);
        at_once |= late <= all_dropped(g);
        close_group(g);
    }
    CHECK(at_once, "%u of packets %u to %u are missing", late, first + 32, last);
}

CASE(group_under_traffic)
{
    in_modes(RINGS_NOW, body_group_under_traffic);
}

/* A program that knows no group opens as ever, beside one. */
CASE(beside_a_group)
{
    double end = now() + PATIENCE;
    int from, i;
    struct group *g;
    pcap_t *p;
    int n = 0;

    enter_veth();
    from = raw_socket("v1");
    g = group_of(MODE_V3, "v0", PCAP_FANOUT_LB, 0, 2);
    p = opened("v0", plain);
    CHECK(pcap_setnonblock(p, 1, err) == 0, "%s", err);
    for (i = 0; i < 20; i++)
        send_udp(from, flow_number((unsigned)i), (unsigned)i);
    gather_all(g, 20);
    each_once(g, 0, 20);
    while (n < 20 && now() < end) {
        CHECK(pcap_dispatch(p, -1, count_packet, (unsigned char *)&n) >= 0, "%s", pcap_geterr(p));
        sleep_ms(2);
    }
    CHECK_INT(n, 20);
    pcap_close(p);
    close_group(g);
}
