/*
 * pcap_setfilter with hand-made programs: the kernel's verdict, ours for packets already in the ring
 * and where the kernel refuses or cannot see the cooked header, and that they agree.
 */
#include "net.h"

#include <linux/filter.h>
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

/* Takes what comes within a moment and checks the numbers: a bit for each of the frames. */
static void check_taken(pcap_t *p, unsigned bits)
{
    int i, want = __builtin_popcount(bits);

    seen.n = 0;
    gather(p, &seen, want + 1, 0.2);
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
    sleep_ms(120);
    CHECK_INT(pcap_setfilter(p, &other), 0);
    send_both(raw);
    seen.n = 0;
    gather(p, &seen, 7, 0.3);
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

    changing = nonblocking(m, "v0");
    CHECK_INT(pcap_setfilter(changing, &all), 0);
    send_both(raw);
    sleep_ms(120);
    seen.n = 0;
    for (i = 0; i < 20; i++) {
        rc = pcap_dispatch(changing, -1, keep_and_change, (unsigned char *)&seen);
        CHECK(rc >= 0, "%s", pcap_geterr(changing));
        sleep_ms(2);
    }
    CHECK_INT(seen.n, 4);
    CHECK_INT(frame_number(seen.data[0]), 0);
    CHECK_INT(frame_number(seen.data[1]), 1);
    CHECK_INT(frame_number(seen.data[2]), 2);
    CHECK_INT(frame_number(seen.data[3]), 4);
    pcap_close(changing);
}

CASE(changed_in_the_callback)
{
    in_modes(RINGS_NOW | MODE_V1, body_callback);
}

/* What the program returns is how much the kernel gives. */
static void body_returns(enum mode m)
{
    static struct bpf_insn insns[] = {BPF_STMT(BPF_RET | BPF_K, 20)};
    struct bpf_program prog = {1, insns};
    pcap_t *p = nonblocking(m, "v0");
    int raw = raw_socket("v1");

    CHECK_INT(pcap_setfilter(p, &prog), 0);
    send_numbered(raw, 1, 1);
    seen.n = 0;
    gather(p, &seen, 1, 2);
    CHECK_INT(seen.n, 1);
    CHECK_INT(seen.hdr[0].caplen, 20);
    CHECK_INT(seen.hdr[0].len, 60);
    pcap_close(p);
}

CASE(the_program_cuts)
{
    in_modes(RINGS_NOW | MODE_V1, body_returns);
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

/*
 * Programs that look at what is no byte of the packet, or stands in a cooked header. Each is run as
 * the library does it and once more with the kernel refusing it: the same packets must come.
 */
struct program {
    const char *what;
    unsigned n;
    struct bpf_insn insns[12];
};

#define LOAD(size, k) BPF_STMT(BPF_LD | size | BPF_ABS, k)
#define AUX(k) LOAD(BPF_W, SKF_AD_OFF + SKF_AD_##k)
#define IF_IS(k) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1), ACCEPT, REJECT

static const struct program aux_programs[] = {
    {"vlan tag present", 4, {AUX(VLAN_TAG_PRESENT), IF_IS(1)}},
    {"no vlan tag present", 4, {AUX(VLAN_TAG_PRESENT), IF_IS(0)}},
    {"vlan 100", 5, {AUX(VLAN_TAG), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfff), IF_IS(100)}},
    {"tci", 4, {AUX(VLAN_TAG), IF_IS(0xa064)}},
    {"tpid", 4, {AUX(VLAN_TPID), IF_IS(0x88a8)}},
    {"outgoing", 4, {AUX(PKTTYPE), IF_IS(PACKET_OUTGOING)}},
    {"broadcast", 4, {AUX(PKTTYPE), IF_IS(PACKET_BROADCAST)}},
    {"protocol", 4, {AUX(PROTOCOL), IF_IS(OTHER_TYPE)}},
    {"hatype", 4, {AUX(HATYPE), IF_IS(1)}},
    {"length 60", 4, {BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), IF_IS(60)}},
    {"behind the network offset", 4, {LOAD(BPF_H, SKF_NET_OFF + 2), IF_IS(3)}},
    {"behind the link offset", 4, {LOAD(BPF_H, SKF_LL_OFF + 16), IF_IS(3)}},
    {"byte beyond the end", 4, {LOAD(BPF_B, 60), IF_IS(0)}},
    {"xor", 5,
     {LOAD(BPF_H, 16), BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 1), IF_IS(3)}},
    {"ip header length", 5,
     {BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 17), BPF_STMT(BPF_MISC | BPF_TXA, 0), IF_IS(12)}},
};

/* Fourteen kinds of traffic over v0, in and out, tagged and not. */
static void send_variety(int v1, int v0)
{
    static const struct {
        int out;
        unsigned tpid, tci, type;
        const unsigned char *to;
    } kinds[] = {
        {0, 0, 0, TEST_TYPE, mac_v0},          {0, 0, 0, OTHER_TYPE, mac_v0},
        {0, 0, 0, TEST_TYPE, mac_all},         {0, 0x8100, 100, TEST_TYPE, mac_v0},
        {0, 0x8100, 0xa064, TEST_TYPE, mac_v0}, {0, 0x8100, 0, OTHER_TYPE, mac_v0},
        {0, 0x88a8, 100, TEST_TYPE, mac_all},  {1, 0, 0, TEST_TYPE, mac_v1},
        {1, 0, 0, OTHER_TYPE, mac_all},
    };
    unsigned char f[64];
    unsigned i;
    size_t n;

    for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        fill_frame(f, i, 60);
        memcpy(f, kinds[i].to, 6);
        put16(f + 12, kinds[i].type);
        n = 60;
        if (kinds[i].tpid) {
            memmove(f + 16, f + 12, 48);
            put16(f + 12, kinds[i].tpid);
            put16(f + 14, kinds[i].tci);
            n = 64;
        }
        send_raw(kinds[i].out ? v0 : v1, f, n);
    }
}

/* What comes, one letter a packet: its number, and on "any" also the direction. */
static void taken(pcap_t *p, char *text, int number_at)
{
    int i;

    seen.n = 0;
    gather(p, &seen, KEEP, 0.15);
    for (i = 0; i < seen.n; i++) {
        const unsigned char *d = seen.data[i];
        /* The tag, where it was put back, moves the number on. */
        unsigned tag = get16(d + (number_at == 20 ? 0 : number_at - 2));
        unsigned n = get32(d + number_at + (tag == 0x8100 || tag == 0x88a8 ? 4 : 0));

        text[i] = (char)('a' + n % 26);
    }
    text[i] = 0;
}

static void same_in_userland(enum mode m, const struct program *prog)
{
    struct bpf_program program = {prog->n, (struct bpf_insn *)(uintptr_t)prog->insns};
    char kernel[KEEP + 1], ours[KEEP + 1];
    int v1 = raw_socket("v1"), v0 = raw_socket("v0");
    pcap_t *p;

    p = nonblocking(m, "v0");
    rules("");
    CHECK_INT(pcap_setfilter(p, &program), 0);
    CHECK(shim_saw("setsockopt:SOL_SOCKET:SO_ATTACH_FILTER") > 0, "%s: not in the kernel",
          prog->what);
    send_variety(v1, v0);
    taken(p, kernel, 14);
    pcap_close(p);

    p = nonblocking(m, "v0");
    rules(REFUSE_FILTER);
    CHECK_INT(pcap_setfilter(p, &program), 0);
    send_variety(v1, v0);
    taken(p, ours, 14);
    CHECK(strcmp(kernel, ours) == 0, "%s: the kernel takes \"%s\", userland \"%s\"", prog->what,
          kernel, ours);
    pcap_close(p);
    rules("");
    close(v1);
    close(v0);
}

static void body_aux(enum mode m)
{
    size_t i;

    for (i = 0; i < sizeof aux_programs / sizeof aux_programs[0]; i++)
        same_in_userland(m, &aux_programs[i]);
}

CASE(kernel_loads_in_userland)
{
    in_modes(RINGS_NOW | MODE_RECVMSG, body_aux);
}

#define IND(size, k) BPF_STMT(BPF_LDX | BPF_IMM, 2), BPF_STMT(BPF_LD | size | BPF_IND, (k) - 2)

static const struct program sll_programs[] = {
    {"packet type", 4, {LOAD(BPF_H, 0), IF_IS(PACKET_OUTGOING)}},
    {"not outgoing", 4, {LOAD(BPF_H, 0), IF_IS(PACKET_HOST)}},
    {"low byte of the packet type", 4, {LOAD(BPF_B, 1), IF_IS(PACKET_BROADCAST)}},
    {"packet type and hardware type", 4, {LOAD(BPF_W, 0), IF_IS(0x00040001)}},
    {"hardware type", 4, {LOAD(BPF_H, 2), IF_IS(1)}},
    {"address length", 4, {LOAD(BPF_H, 4), IF_IS(6)}},
    {"address", 4, {LOAD(BPF_W, 8), IF_IS(2)}},
    {"last byte of the address", 4, {LOAD(BPF_B, 11), IF_IS(2)}},
    {"protocol", 4, {LOAD(BPF_H, 14), IF_IS(OTHER_TYPE)}},
    {"low byte of the protocol", 4, {LOAD(BPF_B, 15), IF_IS(TEST_TYPE & 0xff)}},
    {"word over the end of the header", 4, {LOAD(BPF_W, 14), IF_IS((bpf_u_int32)TEST_TYPE << 16)}},
    {"payload", 4, {LOAD(BPF_W, 16), IF_IS(1)}},
    {"half word of payload", 4, {LOAD(BPF_H, 18), IF_IS(8)}},
    {"payload, indirect", 5, {IND(BPF_W, 16), IF_IS(1)}},
    {"protocol, indirect", 5, {IND(BPF_H, 14), IF_IS(OTHER_TYPE)}},
    {"length", 4, {BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), IF_IS(62)}},
    {"nibble of payload", 5,
     {BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 19), BPF_STMT(BPF_MISC | BPF_TXA, 0), IF_IS(12)}},
};

static const struct program sll2_programs[] = {
    {"protocol", 4, {LOAD(BPF_H, 0), IF_IS(OTHER_TYPE)}},
    {"protocol and what follows", 4, {LOAD(BPF_W, 0), IF_IS((bpf_u_int32)OTHER_TYPE << 16)}},
    {"reserved", 4, {LOAD(BPF_H, 2), IF_IS(0)}},
    {"interface", 4, {LOAD(BPF_W, 4), IF_IS(0)}}, /* its index is put in */
    {"half of the interface", 4, {LOAD(BPF_H, 4), IF_IS(0)}},
    {"hardware type", 4, {LOAD(BPF_H, 8), IF_IS(1)}},
    {"packet type", 4, {LOAD(BPF_B, 10), IF_IS(PACKET_OUTGOING)}},
    {"packet type and address length", 4, {LOAD(BPF_H, 10), IF_IS(0x0406)}},
    {"address length", 4, {LOAD(BPF_B, 11), IF_IS(6)}},
    {"address", 4, {LOAD(BPF_W, 14), IF_IS(1)}},
    {"payload", 4, {LOAD(BPF_W, 20), IF_IS(1)}},
    {"payload, indirect", 5, {IND(BPF_W, 20), IF_IS(7)}},
    {"interface, indirect", 5, {IND(BPF_W, 4), IF_IS(0)}},
    {"packet type, indirect", 5, {IND(BPF_B, 10), IF_IS(PACKET_OUTGOING)}},
    {"length", 4, {BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), IF_IS(66)}},
};

/* Untagged traffic only: a tag that is put back is not there for the kernel's filter. */
static void send_untagged(int v1, int v0)
{
    unsigned char f[60];
    unsigned i;

    for (i = 0; i < 8; i++) {
        fill_frame(f, i, sizeof f);
        memcpy(f, i & 1 ? mac_all : i & 4 ? mac_v1 : mac_v0, 6);
        memcpy(f + 6, i & 4 ? mac_v0 : mac_v1, 6);
        put16(f + 12, i & 2 ? OTHER_TYPE : TEST_TYPE);
        send_raw(i & 4 ? v0 : v1, f, sizeof f);
    }
}

/* What the program says of the finished packets, cooked header and all, is what the handle must take. */
static void cooked_verdicts(enum mode m, int dlt, const struct program *prog)
{
    struct bpf_program program;
    struct bpf_insn insns[12];
    char want[KEEP + 1], got[KEEP + 1];
    int at = dlt == DLT_LINUX_SLL ? 16 : 20, i, n = 0, v1 = raw_socket("v1"), v0 = raw_socket("v0");
    pcap_t *p;

    memcpy(insns, prog->insns, sizeof insns);
    if (strncmp(prog->what, "interface", 9) == 0)
        insns[prog->n - 3].k = if_nametoindex("v0");
    program.bf_len = prog->n;
    program.bf_insns = insns;

    p = nonblocking(m, "any");
    CHECK_INT(pcap_set_datalink(p, dlt), 0);
    send_untagged(v1, v0);
    seen.n = 0;
    gather(p, &seen, 16, 1);
    CHECK_INT(seen.n, 16);
    for (i = 0; i < seen.n; i++)
        if (pcap_offline_filter(&program, &seen.hdr[i], seen.data[i]))
            want[n++] = (char)('a' + get32(seen.data[i] + at));
    want[n] = 0;
    pcap_close(p);

    for (i = 0; i < 2; i++) {
        p = nonblocking(m, "any");
        rules(i ? REFUSE_FILTER : "");
        CHECK_INT(pcap_set_datalink(p, dlt), 0);
        CHECK_INT(pcap_setfilter(p, &program), 0);
        send_untagged(v1, v0);
        seen.n = 0;
        gather(p, &seen, 16, 0.12);
        for (n = 0; n < seen.n; n++)
            got[n] = (char)('a' + get32(seen.data[n] + at));
        got[n] = 0;
        CHECK(strcmp(got, want) == 0, "DLT %d, %s, %s: took \"%s\", expected \"%s\"", dlt,
              prog->what, i ? "refused" : "as it likes", got, want);
        pcap_close(p);
    }
    rules("");
    close(v1);
    close(v0);
}

static void body_sll(enum mode m)
{
    size_t i;

    for (i = 0; i < sizeof sll_programs / sizeof sll_programs[0]; i++)
        cooked_verdicts(m, DLT_LINUX_SLL, &sll_programs[i]);
}

CASE(cooked_sll)
{
    in_modes(RINGS_NOW | MODE_RECVMSG, body_sll);
}

static void body_sll2(enum mode m)
{
    size_t i;

    for (i = 0; i < sizeof sll2_programs / sizeof sll2_programs[0]; i++)
        cooked_verdicts(m, DLT_LINUX_SLL2, &sll2_programs[i]);
}

CASE(cooked_sll2)
{
    in_modes(RINGS_NOW | MODE_RECVMSG, body_sll2);
}

/* The protocol test of a cooked header, the commonest of filters, is one that the kernel can do. */
static void body_cooked_kernel(enum mode m)
{
    struct bpf_insn sll[] = {LOAD(BPF_H, 14), IF_IS(OTHER_TYPE)};
    struct bpf_insn sll2[] = {LOAD(BPF_H, 0), IF_IS(OTHER_TYPE)};
    struct bpf_program programs[2] = {{4, sll}, {4, sll2}};
    int i, v1 = raw_socket("v1"), v0 = raw_socket("v0");
    struct pcap_stat st;
    pcap_t *p;

    for (i = 0; i < 2; i++) {
        p = nonblocking(m, "any");
        CHECK_INT(pcap_set_datalink(p, i ? DLT_LINUX_SLL2 : DLT_LINUX_SLL), 0);
        CHECK_INT(pcap_setfilter(p, &programs[i]), 0);
        send_untagged(v1, v0);
        CHECK_INT(pcap_stats(p, &st), 0);
        CHECK_INT(st.ps_recv, 8);
        pcap_close(p);
    }
}

CASE(cooked_in_the_kernel)
{
    in_modes(ALL_MODES, body_cooked_kernel);
}
