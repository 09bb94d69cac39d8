/*
 * pcap_setfilter with hand-made programs: in the kernel, in userland for packets already in the ring and
 * where the kernel refuses, changed at any time. How the verdicts agree is filter_verdicts.c.
 */
#include "net.h"

#include <linux/filter.h>
#include <pthread.h>
#undef BPF_STMT
#undef BPF_JUMP
#define BPF_STMT(code, k) {(unsigned short)(code), 0, 0, (bpf_u_int32)(k)}
#define BPF_JUMP(code, k, jt, jf) {(unsigned short)(code), jt, jf, (bpf_u_int32)(k)}

#define OTHER_TYPE (TEST_TYPE + 1)
#define ACCEPT BPF_STMT(BPF_RET | BPF_K, 262144)
#define REJECT BPF_STMT(BPF_RET | BPF_K, 0)
#define REFUSE_FILTER "setsockopt:SOL_SOCKET:SO_ATTACH_FILTER:ENOMEM:*"

static struct caught seen;
static char err[PCAP_ERRBUF_SIZE];

static struct bpf_insn all_insns[] = {ACCEPT}, none_insns[] = {REJECT};
static struct bpf_insn type_insns[] = {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
                                       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TEST_TYPE, 0, 1), ACCEPT,
                                       REJECT};
static struct bpf_insn other_insns[] = {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
                                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OTHER_TYPE, 0, 1),
                                        ACCEPT, REJECT};
static struct bpf_program all = {1, all_insns}, none = {1, none_insns}, type = {4, type_insns},
                          other = {4, other_insns};

static pcap_t *nonblocking(enum mode m, const char *dev)
{
    struct how how = plain;

    how.nonblock = 1;
    return opened_by(m, dev, how);
}

/* Frames 0 to 5: the even ones of TEST_TYPE, the odd ones of the other. */
static void send_both(int raw)
{
    unsigned char f[60];
    unsigned i;

    for (i = 0; i < 6; i++) {
        fill_frame(f, i, sizeof f);
        put16(f + 12, i % 2 ? OTHER_TYPE : TEST_TYPE);
        send_raw(raw, f, sizeof f);
    }
}

/* Takes what comes and checks the numbers: a bit for each of the frames. */
static void check_taken(pcap_t *p, unsigned bits)
{
    int i, want = __builtin_popcount(bits);

    seen.n = 0;
    gather_only(p, &seen, want);
    for (i = 0; i < seen.n; i++)
        CHECK(bits & 1u << frame_number(seen.data[i]), "frame %u", frame_number(seen.data[i]));
    CHECK_INT(seen.n, want);
}

static void body_accept(enum mode m)
{
    pcap_t *p = nonblocking(m, "v0");
    int raw = raw_socket("v1");

    CHECK_INT(pcap_setfilter(p, &all), 0);
    send_both(raw);
    check_taken(p, 0x3f);
    CHECK_INT(pcap_setfilter(p, &none), 0);
    send_both(raw);
    check_taken(p, 0);
    CHECK_INT(pcap_setfilter(p, &type), 0);
    send_both(raw);
    check_taken(p, 0x15);
    CHECK_INT(pcap_setfilter(p, &other), 0);
    send_both(raw);
    check_taken(p, 0x2a);
    CHECK_INT(pcap_setfilter(p, &all), 0);
    send_both(raw);
    check_taken(p, 0x3f);
    pcap_close(p);
}

CASE(accept_and_reject)
{
    in_modes(ALL_MODES, body_accept);
}

/* The kernel filters: what it rejects is not even counted. */
static void body_in_kernel(enum mode m)
{
    struct pcap_stat st;
    pcap_t *p = nonblocking(m, "v0");
    int raw = raw_socket("v1");

    CHECK_INT(pcap_setfilter(p, &type), 0);
    CHECK_INT(pcap_stats(p, &st), 0);
    CHECK_INT(st.ps_recv, 0);
    send_both(raw);
    wait_received(p, 3);
    CHECK_INT(pcap_stats(p, &st), 0);
    CHECK_INT(st.ps_recv, 3);
    pcap_close(p);
}

CASE(the_kernel_filters)
{
    in_modes(ALL_MODES, body_in_kernel);
}

/* Refused by the kernel: every packet comes up, the same ones are delivered, nothing is printed. */
static void body_refused(enum mode m)
{
    struct pcap_stat st;
    pcap_t *p = nonblocking(m, "v0");
    int raw = raw_socket("v1"), copy = dup(2);
    FILE *printed = tmpfile();
    char text[200];

    rules(REFUSE_FILTER);
    dup2(fileno(printed), 2);
    CHECK_INT(pcap_setfilter(p, &type), 0);
    dup2(copy, 2);
    CHECK_INT(shim_saw("setsockopt:SOL_SOCKET:SO_ATTACH_FILTER"), 0);
    CHECK(pread(fileno(printed), text, sizeof text, 0) == 0, "something is printed on stderr");
    send_both(raw);
    wait_received(p, 6);
    CHECK_INT(pcap_stats(p, &st), 0);
    CHECK_INT(st.ps_recv, 6);
    check_taken(p, 0x15);
    CHECK_INT(pcap_setfilter(p, &other), 0);
    send_both(raw);
    check_taken(p, 0x2a);
    rules("");
    CHECK_INT(pcap_setfilter(p, &type), 0);
    send_both(raw);
    check_taken(p, 0x15);
    CHECK_INT(pcap_stats(p, &st), 0);
    CHECK_INT(st.ps_recv, 15);
    fclose(printed);
    pcap_close(p);
}

CASE(the_kernel_refuses)
{
    in_modes(ALL_MODES, body_refused);
}

/* From taken by the kernel to refused by it: the kernel's old program must not stay. */
static void body_refused_later(enum mode m)
{
    pcap_t *p = nonblocking(m, "v0");
    int raw = raw_socket("v1");

    CHECK_INT(pcap_setfilter(p, &type), 0);
    rules(REFUSE_FILTER);
    CHECK_INT(pcap_setfilter(p, &other), 0);
    send_both(raw);
    check_taken(p, 0x2a);
    pcap_close(p);
}

CASE(the_kernel_refuses_the_second)
{
    in_modes(ALL_MODES, body_refused_later);
}

/* Packets that wait in the ring obey the filter that is set when they are read. */
static void body_waiting(enum mode m)
{
    pcap_t *p = nonblocking(m, "v0");
    int raw = raw_socket("v1");

    send_both(raw);
    wait_readable(p, 6);
    CHECK_INT(pcap_setfilter(p, &other), 0);
    send_both(raw);
    seen.n = 0;
    gather_only(p, &seen, 6);
    CHECK_INT(seen.n, 6);
    for (int i = 0; i < 6; i++)
        CHECK(frame_number(seen.data[i]) % 2 == 1, "frame %u", frame_number(seen.data[i]));
    pcap_close(p);
}

CASE(packets_in_the_ring)
{
    in_modes(RINGS_NOW | MODE_V1, body_waiting);
}

/* The ring full of what the new filter rejects, in many blocks, then packets that it takes. */
static void body_full_ring(enum mode m)
{
    static unsigned char f[1400];
    pcap_t *p = nonblocking(m, "v0");
    int raw = raw_socket("v1"), i, n = 0;

    fill_frame(f, 0, sizeof f);
    for (i = 0; i < 3000; i++)
        send_raw(raw, f, sizeof f);
    sleep_ms(120);
    CHECK_INT(pcap_setfilter(p, &other), 0);
    for (i = 0; i < 50; i++) {
        CHECK_INT(pcap_dispatch(p, -1, count_packet, (unsigned char *)&n), 0);
        sleep_ms(2);
    }
    send_both(raw);
    check_taken(p, 0x2a);
    pcap_close(p);
}

CASE(a_full_ring)
{
    in_modes(RINGS_NOW | MODE_V1, body_full_ring);
}

/* Rejected packets are not counted by pcap_loop. */
static void body_counts(enum mode m)
{
    pcap_t *p = opened_by(m, "v0", plain);
    int raw = raw_socket("v1");

    rules(REFUSE_FILTER);
    CHECK_INT(pcap_setfilter(p, &other), 0);
    send_both(raw);
    send_both(raw);
    seen.n = 0;
    CHECK_INT(pcap_loop(p, 6, keep, (unsigned char *)&seen), 0);
    CHECK_INT(seen.n, 6);
    pcap_close(p);
}

CASE(rejected_do_not_count)
{
    in_modes(ALL_MODES, body_counts);
}

/* A read that finds only packets that are rejected in userland ends with 0... */
static void body_rejected(enum mode m)
{
    pcap_t *p = opened_by(m, "v0", plain);
    int raw = raw_socket("v1");

    rules(REFUSE_FILTER);
    CHECK_INT(pcap_setfilter(p, &none), 0);
    send_both(raw);
    CHECK_INT(pcap_dispatch(p, -1, keep, (unsigned char *)&seen), 0);
    CHECK_INT(seen.n, 0);
    pcap_close(p);
}

CASE(rejected_end_a_read)
{
    in_modes(ALL_MODES, body_rejected);
}

/* More than two blocks of frames. */
static void send_blocks(int raw, unsigned type)
{
    unsigned char f[1400];
    unsigned i;

    for (i = 0; i < 400; i++) {
        fill_frame(f, i, sizeof f);
        put16(f + 12, type);
        send_raw(raw, f, sizeof f);
    }
}

static void *send_blocks_later(void *raw)
{
    sleep_ms(300);
    send_blocks(*(int *)raw, OTHER_TYPE);
    return NULL;
}

/* ... but not on a ring of blocks without a timeout. */
CASE(rejected_without_timeout)
{
    struct how how = plain;
    pthread_t t;
    int raw, n = 0, rc;
    pcap_t *p;

    enter_veth();
    how.no_timeout = 1;
    p = opened("v0", how);
    raw = raw_socket("v1");
    rules(REFUSE_FILTER);
    CHECK_INT(pcap_setfilter(p, &other), 0);
    send_blocks(raw, TEST_TYPE);
    CHECK(pthread_create(&t, NULL, send_blocks_later, &raw) == 0, "no thread");
    rc = pcap_dispatch(p, -1, count_packet, (unsigned char *)&n);
    CHECK(rc > 0 && rc == n, "dispatch %d, %d packets", rc, n);
    pthread_join(t, NULL);
    pcap_close(p);
}

static pcap_t *changing;

static void keep_and_change(unsigned char *user, const struct pcap_pkthdr *h,
                            const unsigned char *data)
{
    keep(user, h, data);
    CHECK_INT(pcap_setfilter(changing, seen.n == 1 ? &other : &type), 0);
}

/* Set in the callback, a filter rules from the next packet on: 0, then 1, then 2, 3, 4, ... */
static void body_callback(enum mode m)
{
    int raw = raw_socket("v1"), i, rc;
    char got[KEEP + 1] = "";

    changing = nonblocking(m, "v0");
    CHECK_INT(pcap_setfilter(changing, &all), 0);
    send_both(raw);
    wait_readable(changing, 6);
    seen.n = 0;
    for (i = 0; i < 20; i++) {
        rc = pcap_dispatch(changing, -1, keep_and_change, (unsigned char *)&seen);
        CHECK(rc >= 0, "%s", pcap_geterr(changing));
        sleep_ms(2);
    }
    for (i = 0; i < seen.n; i++)
        got[i] = (char)('0' + frame_number(seen.data[i]));
    CHECK_STR(got, "0124");
    pcap_close(changing);
}

CASE(changed_in_the_callback)
{
    in_modes(RINGS_NOW | MODE_V1, body_callback);
}

/* What the program returns is how much of the packet comes, whoever runs it; a cooked header is extra. */
static void cuts(enum mode m, const char *dev, int caplen, int len)
{
    static struct bpf_insn insns[] = {BPF_STMT(BPF_RET | BPF_K, 20)};
    struct bpf_program prog = {1, insns};
    int raw = raw_socket("v1"), in_userland;
    pcap_t *p;

    for (in_userland = 0; in_userland < 2; in_userland++) {
        p = nonblocking(m, dev);
        CHECK_INT(pcap_setdirection(p, PCAP_D_IN), 0);
        rules(in_userland ? REFUSE_FILTER : "");
        CHECK_INT(pcap_setfilter(p, &prog), 0);
        rules("");
        send_numbered(raw, 1, 1);
        seen.n = 0;
        gather(p, &seen, 1);
        CHECK_INT(seen.n, 1);
        CHECK_INT(seen.hdr[0].caplen, caplen);
        CHECK_INT(seen.hdr[0].len, len);
        pcap_close(p);
    }
    close(raw);
}

static void body_returns(enum mode m)
{
    cuts(m, "v0", 20, 60);
    cuts(m, "any", 16 + 20, 16 + 60 - 14);
}

CASE(the_program_cuts)
{
    in_modes(RINGS_NOW | MODE_V1, body_returns);
}

/* The same of a frame that is larger than what a frame of the ring holds, and of one that fits. */
static void body_returns_large(enum mode m)
{
    static unsigned char f[6000];
    static struct bpf_insn insns[] = {BPF_STMT(BPF_RET | BPF_K, 2000)};
    struct bpf_program prog = {1, insns};
    struct pcap_pkthdr *h;
    const unsigned char *data;
    int raw;
    pcap_t *p;

    run("ip link set v0 mtu 1500 && ip link set v1 mtu 1500");
    p = opened_by(m, "v0", plain);
    run("ip link set v0 mtu 9000 && ip link set v1 mtu 9000");
    raw = raw_socket("v1");
    CHECK_INT(pcap_setfilter(p, &prog), 0);
    fill_frame(f, 1, sizeof f);
    send_raw(raw, f, sizeof f);
    send_numbered(raw, 2, 1);
    CHECK_INT(pcap_next_ex(p, &h, &data), 1);
    CHECK_INT(h->caplen, 2000);
    CHECK_INT(h->len, sizeof f);
    CHECK(memcmp(data, f, 2000) == 0, "other bytes");
    CHECK_INT(pcap_next_ex(p, &h, &data), 1);
    CHECK_INT(h->caplen, 60);
    pcap_close(p);
}

CASE(the_program_cuts_large_frames)
{
    in_modes(RINGS_NOW | MODE_V1, body_returns_large);
}

/* That the interface went down, which waits to be told, is no failure of the filter. */
static void body_down(enum mode m)
{
    pcap_t *p = nonblocking(m, "v0");
    int raw;

    run("ip link set v0 down && ip link set v0 up && " VETH_UP);
    CHECK(pcap_setfilter(p, &all) == 0, "%s", pcap_geterr(p));
    raw = raw_socket("v1");
    send_numbered(raw, 1, 1);
    seen.n = 0;
    gather(p, &seen, 1);
    CHECK_INT(seen.n, 1);
    pcap_close(p);
}

CASE(set_after_the_interface_went_down)
{
    in_modes(ALL_MODES, body_down);
}

static void refuse(pcap_t *p, struct bpf_insn *insns, unsigned n)
{
    struct bpf_program prog = {n, insns};

    CHECK_INT(pcap_setfilter(p, &prog), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "BPF program is not valid");
}

/* An invalid program is refused, and the one before it stays in force. */
CASE(invalid_programs)
{
    static struct bpf_insn no_ret[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)};
    static struct bpf_insn jump[] = {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 9), ACCEPT, ACCEPT};
    static struct bpf_insn ja[] = {BPF_STMT(BPF_JMP | BPF_JA, 5), ACCEPT};
    static struct bpf_insn div[] = {BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), ACCEPT};
    static struct bpf_insn mod[] = {BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 0), ACCEPT};
    static struct bpf_insn mem[] = {BPF_STMT(BPF_ST, 16), ACCEPT};
    static struct bpf_insn ldmem[] = {BPF_STMT(BPF_LD | BPF_MEM, 99), ACCEPT};
    static struct bpf_insn op[] = {BPF_STMT(BPF_ALU | 0xf0, 1), ACCEPT};
    int raw;
    pcap_t *p;

    enter_veth();
    raw = raw_socket("v1");
    p = nonblocking(MODE_V3, "v0");
    CHECK_INT(pcap_setfilter(p, &type), 0);
    refuse(p, all_insns, 0);
    refuse(p, no_ret, 1);
    refuse(p, jump, 3);
    refuse(p, ja, 2);
    refuse(p, div, 2);
    refuse(p, mod, 2);
    refuse(p, mem, 2);
    refuse(p, ldmem, 2);
    refuse(p, op, 2);
    CHECK_INT(pcap_setfilter(p, NULL), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "setfilter: No filter specified");
    send_both(raw);
    check_taken(p, 0x15);
    pcap_close(p);
}

/* The caller may do with its program what it likes once it is set. */
static void body_copied(enum mode m)
{
    struct bpf_insn *mine = (struct bpf_insn *)malloc(sizeof type_insns);
    struct bpf_program prog = {4, mine};
    pcap_t *p = nonblocking(m, "v0");
    int raw = raw_socket("v1");

    rules(REFUSE_FILTER);
    memcpy(mine, type_insns, sizeof type_insns);
    CHECK_INT(pcap_setfilter(p, &prog), 0);
    memset(mine, 0xff, sizeof type_insns);
    free(mine);
    send_both(raw);
    check_taken(p, 0x15);
    pcap_close(p);
}

CASE(the_program_is_copied)
{
    in_modes(RINGS_NOW, body_copied);
}

/* Longer than the kernel takes (BPF_MAXINSNS, and what fits in its length): ours does it. */
static void body_long(enum mode m)
{
    static struct bpf_insn insns[70000];
    static const unsigned lengths[] = {4095, 4096, 4097, 65535, 65536, 70000};
    int raw = raw_socket("v1");
    unsigned i, k;
    pcap_t *p;

    for (i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct bpf_program prog = {lengths[i], insns};

        for (k = 0; k < lengths[i] - 4; k++)
            insns[k] = (struct bpf_insn)BPF_STMT(BPF_LD | BPF_IMM, k);
        memcpy(insns + k, type_insns, sizeof type_insns);
        p = nonblocking(m, "v0");
        CHECK(pcap_setfilter(p, &prog) == 0, "%u instructions: %s", lengths[i], pcap_geterr(p));
        send_both(raw);
        check_taken(p, 0x15);
        pcap_close(p);
    }
}

CASE(long_programs)
{
    in_modes(RINGS_NOW, body_long);
}

/* tcpdump gives up its privileges before it sets the filter. */
CASE(without_privileges)
{
    int raw;
    pcap_t *p;

    enter_veth();
    raw = raw_socket("v1");
    p = nonblocking(MODE_V3, "v0");
    if (setgid(65534) != 0 || setuid(65534) != 0)
        skip("cannot become nobody: %s", strerror(errno));
    CHECK_INT(pcap_setfilter(p, &type), 0);
    send_both(raw);
    check_taken(p, 0x15);
    pcap_close(p);
}

CASE(compile)
{
    static const char *const wrong[] = {"this is not", "(", "tcp port", "and", "]"};
    struct bpf_program prog = {7, all_insns};
    int raw;
    size_t i;
    pcap_t *p;

    enter_veth();
    raw = raw_socket("v1");
    p = nonblocking(MODE_V3, "v0");
    CHECK_INT(pcap_compile(p, &prog, "", 1, PCAP_NETMASK_UNKNOWN), 0);
    CHECK_INT(prog.bf_len, 1);
    CHECK(prog.bf_insns[0].code == (BPF_RET | BPF_K) && prog.bf_insns[0].k == 262144, "k %u",
          prog.bf_insns[0].k);
    CHECK_INT(pcap_setfilter(p, &prog), 0);
    pcap_freecode(&prog);
    CHECK(prog.bf_len == 0 && prog.bf_insns == NULL, "not emptied");
    pcap_freecode(&prog);
    send_both(raw);
    check_taken(p, 0x3f);
    CHECK_INT(pcap_compile(p, &prog, NULL, 1, PCAP_NETMASK_UNKNOWN), 0);
    CHECK_INT(prog.bf_len, 1);
    pcap_freecode(&prog);
    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        pcap_geterr(p)[0] = 0;
        CHECK_INT(pcap_compile(p, &prog, wrong[i], 1, PCAP_NETMASK_UNKNOWN), PCAP_ERROR);
        CHECK(strlen(pcap_geterr(p)) > 0, "no text for \"%s\"", wrong[i]);
        CHECK(prog.bf_len == 0 && prog.bf_insns == NULL, "\"%s\": not empty", wrong[i]);
    }
    pcap_close(p);
    p = pcap_open_dead(DLT_EN10MB, 96);
    CHECK_INT(pcap_compile(p, &prog, "", 1, 0), 0);
    CHECK_INT(prog.bf_insns[0].k, 96);
    pcap_freecode(&prog);
    pcap_close(p);
    p = pcap_open_dead(DLT_EN10MB, 0);
    CHECK_INT(pcap_compile(p, &prog, "", 1, 0), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "snaplen of 0 rejects all packets");
    pcap_close(p);
    CHECK(err[0] == 0, "%s", err);
}
