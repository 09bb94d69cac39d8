/*
 * Fanout groups: by what each mode chooses the handle that gets a packet, and what the flags change.
 */
#include "fanout.h"

#include <sys/syscall.h>

#define FLOWS 64
#define LINK_LAYER (-0x200000) /* SKF_LL_OFF of linux/filter.h */

/* Both directions of each flow, received and sent. */
static void body_hash(enum mode m)
{
    int to = raw_socket("v0"), from = raw_socket("v1"), i, used = 0;
    struct group *g = group_of(m, "v0", PCAP_FANOUT_HASH, 0, MEMBERS);
    unsigned n, f;

    for (n = 0; n < FLOWS * 8; n++) {
        struct flow flow = flow_number(n % FLOWS);

        send_udp(n & 64 ? to : from, n & 128 ? turned(flow) : flow, n);
        if (n % 64 == 63)
            read_all(g);
    }
    gather_all(g, FLOWS * 8);
    each_once(g, 0, FLOWS * 8);
    for (n = FLOWS; n < FLOWS * 8; n++) {
        f = n % FLOWS;
        CHECK(g->at[n] == g->at[f], "flow %u: packet %u at %d, the first at %d", f, n, g->at[n], g->at[f]);
    }
    /* That one gets nothing has a chance of 4 * (3/4)^64, which is 4e-8. */
    for (i = 0; i < MEMBERS; i++)
        used += g->got[i] > 0;
    CHECK_INT(used, MEMBERS);
    close_group(g);
}

CASE(hash)
{
    in_modes(RINGS_NOW, body_hash);
}

static void body_lb(enum mode m)
{
    int from = raw_socket("v1"), i;
    struct group *g = group_of(m, "v0", PCAP_FANOUT_LB, 0, MEMBERS);
    unsigned n;

    for (n = 0; n < 400; n++) {
        send_udp(from, flow_number(0), n);
        if (n % 64 == 63)
            read_all(g);
    }
    gather_all(g, 400);
    each_once(g, 0, 400);
    for (i = 0; i < MEMBERS; i++)
        CHECK_INT(g->got[i], 100);
    for (n = 1; n < 400; n++)
        CHECK_INT(g->at[n], (g->at[n - 1] + 1) % MEMBERS);
    close_group(g);
}

CASE(lb)
{
    in_modes(RINGS_NOW, body_lb);
}

/* 4000 packets, 1000 for each with a standard deviation of 27.4: 151 is 5.5 of those, all four fail by chance once
   in five million runs. */
CASE(rnd)
{
    int from, i;
    struct group *g;
    unsigned n, other = 0;

    enter_veth();
    from = raw_socket("v1");
    g = group_of(MODE_V3, "v0", PCAP_FANOUT_RND, 0, MEMBERS);
    for (n = 0; n < 4000; n++) {
        send_udp(from, flow_number(0), n);
        if (n % 512 == 511)
            read_all(g);
    }
    gather_all(g, 4000);
    each_once(g, 0, 4000);
    for (i = 0; i < MEMBERS; i++)
        CHECK(abs(g->got[i] - 1000) <= 151, "handle %d got %d of 4000", i, g->got[i]);
    for (n = 4; n < 4000; n++)
        other += g->at[n] != g->at[n - 4];
    CHECK(other > 2000, "one after the other: %u are not where the fourth before was", other);
    close_group(g);
}

static int pin_to(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof set, &set);
}

/* What is sent into a veth on a CPU comes in on that CPU. */
CASE(cpu)
{
    int from, cpu, pinned = 0;
    struct group *g;
    unsigned n = 0, before;

    enter_veth();
    write_file("/sys/class/net/v0/queues/rx-0/rps_cpus", "0");
    from = raw_socket("v1");
    g = group_of(MODE_V3, "v0", PCAP_FANOUT_CPU, 0, MEMBERS);
    for (cpu = 0; cpu < 8; cpu++) {
        if (pin_to(cpu) != 0)
            continue;
        pinned++;
        for (before = n; n < before + 20; n++)
            send_udp(from, flow_number(n), n);
        gather_all(g, (int)n);
        for (; before < n; before++)
            CHECK(g->times[before] == 1 && g->at[before] == cpu % MEMBERS, "sent on CPU %d: %d at %d", cpu,
                  g->times[before], g->at[before]);
    }
    CHECK(pinned > 0, "no CPU to run on");
    if (pinned == 1)
        skip("one CPU only");
    close_group(g);
}

/* A frame written to queue q of a TAP device came in on queue q, which the kernel counts from 1. */
CASE(qm)
{
    struct ifreq ifr;
    int fd[6], q;
    struct group *g;
    unsigned char p[UDP_FRAME];
    unsigned n;

    enter_netns();
    memset(&ifr, 0, sizeof ifr);
    strcpy(ifr.ifr_name, "t0");
    ifr.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE;
    for (q = 0; q < 6; q++) {
        if ((fd[q] = open("/dev/net/tun", O_RDWR)) < 0)
            skip("/dev/net/tun: %s", strerror(errno));
        CHECK(ioctl(fd[q], TUNSETIFF, &ifr) == 0, "TUNSETIFF: %s", strerror(errno));
    }
    run("ip link set t0 up");
    g = group_of(MODE_V3, "t0", PCAP_FANOUT_QM, 0, MEMBERS);
    for (n = 0; n < 60; n++) {
        udp_frame(p, flow_number(n), n);
        CHECK_INT(write(fd[n % 6], p, sizeof p), sizeof p);
    }
    gather_all(g, 60);
    each_once(g, 0, 60);
    for (n = 0; n < 60; n++)
        CHECK(g->at[n] == (n % 6 + 1) % MEMBERS, "queue %u: handle %d", n % 6, g->at[n]);
    close_group(g);
}

/* Four blocks of a V3 ring: with less, the kernel does not see it getting full. None is handed over before it is
   full, or its size would not count: until then there are so many milliseconds. */
static int block_ms = 1000;

static pcap_t *with_small_buffer(enum mode m)
{
    pcap_t *p = created_by(m, "v0");

    CHECK_INT(pcap_set_timeout(p, block_ms), 0);
    CHECK_INT(pcap_set_buffer_size(p, 1 << 20), 0);
    return p;
}

static struct group *small_group(enum mode m, int mode, int flags)
{
    pcap_t *p = with_small_buffer(m), *all[2];

    memset(&shared, 0, sizeof shared);
    shared.number_at = NUMBER_AT;
    CHECK_INT(pcap_set_fanout_linux(p, mode, flags, -1), 0);
    CHECK(pcap_activate_group_linux(p, 2, all) == 0, "%s", pcap_geterr(p));
    listen_to(&shared, all[0]);
    listen_to(&shared, all[1]);
    return &shared;
}

/* How many packets a handle has room for that is not read. Where sending takes long, blocks are given longer. */
static int room(enum mode m)
{
    int from = raw_socket("v1"), n;
    double start, took;
    pcap_t *p;

    do {
        p = with_small_buffer(m);
        CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
        start = now();
        for (n = 0; n < NUMBERS; n++)
            send_udp(from, flow_number(1), (unsigned)n);
        took = (now() - start) * 1000;
        n -= dropped(p);
        pcap_close(p);
    } while (took > block_ms / 4 && block_ms < 16000 && (block_ms *= 2));
    CHECK(n < NUMBERS * 3 / 4, "%d of %d fit", n, NUMBERS);
    close(from);
    return n;
}

/* The first is filled, to three quarters, then the next. */
static void body_rollover(enum mode m)
{
    int most = room(m), from = raw_socket("v1"), count = most * 5 / 4, n, changes = 0;
    struct group *g = small_group(m, PCAP_FANOUT_ROLLOVER, 0);

    for (n = 0; n < count; n++)
        send_udp(from, flow_number((unsigned)n), (unsigned)n);
    gather_all(g, count);
    each_once(g, 0, (unsigned)count);
    CHECK_INT(dropped(g->p[0]) + dropped(g->p[1]), 0);
    for (n = 1; n < count; n++)
        changes += g->at[n] != g->at[n - 1];
    CHECK(g->at[0] == 0 && changes == 1, "the first at %d, %d changes, %d and %d", g->at[0], changes, g->got[0],
          g->got[1]);
    CHECK(g->got[0] >= most / 2, "%d of %d fit, and the first got %d", count, most, g->got[0]);
    close_group(g);
}

CASE(rollover)
{
    in_modes(RINGS_NOW, body_rollover);
}

/* One flow, whose handle is not read. */
static void body_rollover_flag(enum mode m)
{
    int most = room(m), from = raw_socket("v1"), count = most * 5 / 4, n, flag, drops, used;
    struct group *g;

    for (flag = 0; flag < 2; flag++) {
        g = small_group(m, PCAP_FANOUT_HASH, flag ? PCAP_FANOUT_FLAG_ROLLOVER : 0);
        for (n = 0; n < count; n++)
            send_udp(from, flow_number(1), (unsigned)n);
        drops = dropped(g->p[0]) + dropped(g->p[1]);
        gather_all(g, flag ? count : count - drops);
        used = (g->got[0] > 0) + (g->got[1] > 0);
        CHECK(g->total + drops == count, "%d came and %d were dropped of %d", g->total, drops, count);
        CHECK_INT(used, flag ? 2 : 1);
        CHECK((drops == 0) == (flag == 1), "flag %d: %d drops", flag, drops);
        close_group(g);
    }
}

CASE(rollover_flag)
{
    in_modes(RINGS_NOW, body_rollover_flag);
}

/* A datagram of two fragments that bears a number, which stands in the first. */
static void send_fragments(int fd, struct flow f, unsigned number)
{
    unsigned char p[34 + 64];

    memset(p, 0, sizeof p);
    udp_frame(p, f, number);
    ipv4(p + 14, f, 64, 0x4000 + number, 0x2000);
    put16(p + UDP_AT + 4, 64 + 32);
    send_raw(fd, p, sizeof p);
    ipv4(p + 14, f, 32, 0x4000 + number, 64 / 8);
    memset(p + UDP_AT, 0, 32);
    put16(p + NUMBER_AT, (1000 + number) >> 16);
    put16(p + NUMBER_AT + 2, 1000 + number);
    send_raw(fd, p, 34 + 32);
}

/* The kernel hashes fragments without their ports: whole packets of the flow may be elsewhere. */
static void body_defrag(enum mode m)
{
    int from = raw_socket("v1"), defrag, apart;
    struct group *g;
    unsigned n;

    for (defrag = 0; defrag < 2; defrag++) {
        g = group_of(m, "v0", PCAP_FANOUT_HASH, defrag ? PCAP_FANOUT_FLAG_DEFRAG : 0, MEMBERS);
        for (n = 0, apart = 0; n < FLOWS; n++) {
            send_udp(from, flow_number(n), 500 + n);
            send_fragments(from, flow_number(n), n);
            read_all(g);
        }
        gather_all(g, FLOWS * (defrag ? 2 : 3));
        CHECK_INT(g->total, FLOWS * (defrag ? 2 : 3));
        for (n = 0; n < FLOWS; n++) {
            CHECK(g->times[n] == 1 && g->times[500 + n] == 1, "%d and %d of %u", g->times[n], g->times[500 + n], n);
            CHECK_INT(g->times[1000 + n], !defrag);
            CHECK_INT(g->len[n], defrag ? 34 + 64 + 32 : 34 + 64);
            apart += g->at[n] != g->at[500 + n];
        }
        CHECK((apart == 0) == (defrag == 1), "with%s: %d flows are apart", defrag ? "" : "out", apart);
        close_group(g);
    }
}

CASE(defrag)
{
    in_modes(RINGS_NOW, body_defrag);
}

/* Sends 60 packets to ports 53, 54 and 55, half of them into v0 and half from it. */
static void send_to_ports(int to, int from)
{
    unsigned n;

    for (n = 0; n < 60; n++)
        send_udp(n & 1 ? to : from, flow_number(n), n);
}

static struct group *chosen_group(enum mode m, const char *dev, const struct bpf_program *program, int n)
{
    pcap_t *p = created_by(m, dev), *all[MEMBERS];
    int i;

    memset(&shared, 0, sizeof shared);
    shared.number_at = NUMBER_AT;
    CHECK_INT(pcap_set_fanout_linux(p, PCAP_FANOUT_CBPF, 0, -1), 0);
    CHECK_INT(pcap_set_fanout_program_linux(p, program), 0);
    CHECK(pcap_activate_group_linux(p, n, all) == 0, "%s", pcap_geterr(p));
    for (i = 0; i < n; i++)
        listen_to(&shared, all[i]);
    return &shared;
}

/* The port's lowest two bits are the handle's number, whichever way the packet goes. */
static void body_cbpf(enum mode m)
{
    struct bpf_insn by_port[] = {
        BPF_STMT(BPF_LDX | BPF_MSH | BPF_B, 14),
        BPF_STMT(BPF_LD | BPF_IND | BPF_H, 14 + 2),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 3),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    struct bpf_program program = {4, by_port};
    int to = raw_socket("v0"), from = raw_socket("v1");
    struct group *g = chosen_group(m, "v0", &program, MEMBERS);
    unsigned n;

    /* It was copied. */
    memset(by_port, 0, sizeof by_port);
    send_to_ports(to, from);
    gather_all(g, 60);
    each_once(g, 0, 60);
    for (n = 0; n < 60; n++)
        CHECK_INT(g->at[n], flow_number(n).pb & 3);
    close_group(g);
}

CASE(cbpf)
{
    in_modes(RINGS_NOW, body_cbpf);
}

/* A program of a snapshot length of 1 returns 1 for what it accepts. */
static void by_expression(const char *dev, int dlt, int number_at, int copies)
{
    int to = raw_socket("v0"), from = raw_socket("v1");
    pcap_t *dead = pcap_open_dead(dlt, 1);
    struct bpf_program program;
    struct group *g;
    unsigned n;

    CHECK(pcap_compile(dead, &program, "udp port 54", 1, 0) == 0, "%s", pcap_geterr(dead));
    g = chosen_group(MODE_V3, dev, &program, 2);
    g->number_at = number_at;
    pcap_freecode(&program);
    pcap_close(dead);
    send_to_ports(to, from);
    gather_all(g, 60 * copies);
    CHECK_INT(g->total, 60 * copies);
    CHECK_INT(g->got[1], 20 * copies);
    for (n = 0; n < 60; n++)
        CHECK_INT(g->at[n], flow_number(n).pb == 54);
    close_group(g);
}

CASE(cbpf_by_expression)
{
    enter_veth();
    by_expression("v0", DLT_EN10MB, NUMBER_AT, 1);
}

/* Cooked: each packet is seen as it leaves one end and as it enters the other. */
CASE(cbpf_cooked)
{
    enter_veth();
    by_expression("any", DLT_LINUX_SLL, NUMBER_AT + 2, 2);
}

/* A program of extended BPF: the byte at `at` of the frame, of which the lowest bit. */
static int load_ebpf(int at)
{
    struct {
        uint8_t code, regs;
        int16_t off;
        int32_t imm;
    } insns[] = {
        {0xbf, 0x16, 0, 0},                /* r6 = r1 */
        {0x30, 0, 0, LINK_LAYER + at},   /* r0 = the byte */
        {0x57, 0, 0, 1},                   /* r0 &= 1 */
        {0x95, 0, 0, 0},                   /* exit */
    };
    /* The start of union bpf_attr: bpf(2). */
    struct {
        uint32_t type, count;
        uint64_t insns, license, rest[16];
    } attr = {1 /* BPF_PROG_TYPE_SOCKET_FILTER */, 4, (uintptr_t)insns, (uintptr_t)"BSD", {0}};

    return (int)syscall(SYS_bpf, 5 /* BPF_PROG_LOAD */, &attr, sizeof attr);
}

static void body_ebpf(enum mode m)
{
    int to = raw_socket("v0"), from = raw_socket("v1"), fd = load_ebpf(UDP_AT + 3);
    pcap_t *p = created_by(m, "v0"), *all[2];
    unsigned n;

    if (fd < 0)
        skip("bpf: %s", strerror(errno));
    memset(&shared, 0, sizeof shared);
    shared.number_at = NUMBER_AT;
    /* Alone, it asks for a new group of its mode. */
    CHECK_INT(pcap_set_fanout_ebpf_linux(p, fd), 0);
    close(fd);
    CHECK(pcap_activate_group_linux(p, 2, all) == 0, "%s", pcap_geterr(p));
    listen_to(&shared, all[0]);
    listen_to(&shared, all[1]);
    send_to_ports(to, from);
    gather_all(&shared, 60);
    each_once(&shared, 0, 60);
    for (n = 0; n < 60; n++)
        CHECK_INT(shared.at[n], flow_number(n).pb & 1);
    close_group(&shared);
}

CASE(ebpf)
{
    in_modes(RINGS_NOW, body_ebpf);
}

static void body_ignore_outgoing(enum mode m)
{
    int to = raw_socket("v0"), from = raw_socket("v1"), how;
    struct group *g = &shared;
    pcap_t *p, *all[2];
    unsigned n;

    /* Not at all, by the group's flag, by the handle's option. */
    for (how = 0; how < 3; how++) {
        p = created_by(m, "v0");
        memset(g, 0, sizeof *g);
        g->number_at = NUMBER_AT;
        CHECK_INT(pcap_set_ignore_outgoing_linux(p, how == 2), 0);
        CHECK_INT(pcap_set_fanout_linux(p, PCAP_FANOUT_LB, how == 1 ? PCAP_FANOUT_FLAG_IGNORE_OUTGOING : 0, -1), 0);
        CHECK(pcap_activate_group_linux(p, 2, all) == 0, "%s", pcap_geterr(p));
        listen_to(g, all[0]);
        listen_to(g, all[1]);
        send_to_ports(to, from);
        gather_all(g, how ? 30 : 60);
        for (n = 0; n < 60; n++)
            CHECK_INT(g->times[n], !(n & 1) || how == 0);
        close_group(g);
    }
}

CASE(ignore_outgoing)
{
    in_modes(RINGS_NOW, body_ignore_outgoing);
}

/* What loops back is seen twice, and delivered once: those that take turns are out of step. */
CASE(loopback)
{
    int lo, ignore;
    struct group *g;
    unsigned n;

    enter_netns();
    lo = raw_socket("lo");
    for (ignore = 0; ignore < 2; ignore++) {
        g = group_of(MODE_V3, "lo", PCAP_FANOUT_LB, ignore ? PCAP_FANOUT_FLAG_IGNORE_OUTGOING : 0, 2);
        for (n = 0; n < 40; n++)
            send_udp(lo, flow_number(n), n);
        gather_all(g, 40);
        each_once(g, 0, 40);
        CHECK(abs(g->got[0] - g->got[1]) == (ignore ? 0 : 40), "%d and %d", g->got[0], g->got[1]);
        close_group(g);
    }
}
