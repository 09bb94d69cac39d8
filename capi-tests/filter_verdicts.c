/*
 * The verdicts of programs that look at what is no byte of the packet (the kernel's ancillary loads), or
 * stands in a cooked header: the same by the kernel and, where it refuses, by the library.
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

/*
 * The buffer is large because without CAP_NET_ADMIN outside the namespace a frame of immediate mode has
 * room for the largest packet: the default would hold eight of them on "any".
 */
static pcap_t *nonblocking(enum mode m, const char *dev)
{
    struct how how = plain;

    how.nonblock = 1;
    how.buffer = 16 << 20;
    return opened_by(m, dev, how);
}

/*
 * Each program is run as the library does it and once more with the kernel refusing it: the same packets
 * must come.
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

/* What has come, one letter a packet: its number, and on "any" also the direction. */
static void taken(pcap_t *p, char *text, int number_at)
{
    struct pcap_stat st;
    int i;

    CHECK_INT(pcap_stats(p, &st), 0);
    wait_readable(p, (int)st.ps_recv);
    seen.n = 0;
    gather_for(0.05, p, &seen, KEEP);
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

static const struct program from_network = {
    "behind the network offset", 4, {LOAD(BPF_H, SKF_NET_OFF + 2), IF_IS(3)}};

static void body_network_offset(enum mode m)
{
    same_in_userland(m, &from_network);
}

CASE(network_offset_in_userland)
{
    in_modes(RINGS_NOW | MODE_RECVMSG, body_network_offset);
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
    gather(p, &seen, 16);
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
        gather(p, &seen, (int)strlen(want));
        gather_for(0.1, p, &seen, 16);
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

/* The length that a program sees on "any" is that of the packet with its cooked header. */
static void body_cooked_length(enum mode m)
{
    static const struct program sll = {
        "length", 4, {BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), IF_IS(62)}};
    static const struct program sll2 = {
        "length", 4, {BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), IF_IS(66)}};

    cooked_verdicts(m, DLT_LINUX_SLL, &sll);
    cooked_verdicts(m, DLT_LINUX_SLL2, &sll2);
}

CASE(cooked_length)
{
    in_modes(RINGS_NOW | MODE_RECVMSG, body_cooked_length);
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
        wait_received(p, 8);
        CHECK_INT(pcap_stats(p, &st), 0);
        CHECK_INT(st.ps_recv, 8);
        pcap_close(p);
    }
}

CASE(cooked_in_the_kernel)
{
    in_modes(ALL_MODES, body_cooked_kernel);
}
