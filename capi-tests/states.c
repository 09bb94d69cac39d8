/*
 * Each call in each wrong state: handles not yet activated, handles of pcap_open_dead, settings of an
 * activated handle, and everything that pcap_activate and pcap_open_live may answer.
 */
#include "net.h"

#include <pcap/linux.h>
#include <pthread.h>

static char err[PCAP_ERRBUF_SIZE];
static struct bpf_insn accept_all[] = {BPF_STMT(BPF_RET | BPF_K, 65535)};
static struct bpf_insn no_return[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)};
static struct bpf_program good = {1, accept_all}, empty = {0, accept_all}, bad = {1, no_return};

/* The value of a call and the text that it leaves. */
#define GIVES(expr, value, text)                                                                   \
    do {                                                                                           \
        pcap_geterr(p)[0] = 0;                                                                     \
        CHECK_INT(expr, value);                                                                    \
        CHECK_STARTS(pcap_geterr(p), text);                                                        \
    } while (0)

#define NOT_YET(expr) GIVES(expr, PCAP_ERROR_NOT_ACTIVATED, "This handle hasn't been activated yet")

CASE(created_calls)
{
    pcap_t *p = pcap_create("v0", err);
    struct pcap_stat st;
    struct pcap_pkthdr h, *hp;
    const unsigned char *data;

    NOT_YET(pcap_stats(p, &st));
    NOT_YET(pcap_setfilter(p, &good));
    NOT_YET(pcap_setdirection(p, PCAP_D_IN));
    NOT_YET(pcap_inject(p, "abc", 3));
    NOT_YET(pcap_loop(p, 1, count_packet, NULL));
    NOT_YET(pcap_dispatch(p, 1, count_packet, NULL));
    NOT_YET(pcap_next_ex(p, &hp, &data));
    CHECK(pcap_next(p, &h) == NULL, "a packet");
    GIVES(pcap_setdirection(p, (pcap_direction_t)99), PCAP_ERROR, "Invalid direction");
    GIVES(pcap_inject(p, "abc", 0), PCAP_ERROR,
          "The number of bytes to be injected must not be zero: ");
    GIVES(pcap_inject(p, "abc", (size_t)3 << 30), PCAP_ERROR,
          "More than 2147483647 bytes cannot be injected: ");
    /* libpcap takes only -1 for an error here; the text is there all the same. */
    GIVES(pcap_sendpacket(p, (const unsigned char *)"abc", 3), 0,
          "This handle hasn't been activated yet");
    GIVES(pcap_sendpacket(p, (const unsigned char *)"abc", 0), PCAP_ERROR,
          "The number of bytes to be sent must be positive: ");
    GIVES(pcap_sendpacket(p, (const unsigned char *)"abc", -1), PCAP_ERROR,
          "The number of bytes to be sent must be positive: ");
    pcap_breakloop(p);
    pcap_close(p);
}

CASE(created_getters)
{
    pcap_t *p = pcap_create("v0", err);
    int *list = NULL;

    CHECK_INT(pcap_datalink(p), PCAP_ERROR_NOT_ACTIVATED);
    CHECK_INT(pcap_datalink_ext(p), PCAP_ERROR_NOT_ACTIVATED);
    CHECK_INT(pcap_list_datalinks(p, &list), PCAP_ERROR_NOT_ACTIVATED);
    CHECK_INT(pcap_snapshot(p), PCAP_ERROR_NOT_ACTIVATED);
    CHECK_INT(pcap_is_swapped(p), PCAP_ERROR_NOT_ACTIVATED);
    CHECK_INT(pcap_major_version(p), PCAP_ERROR_NOT_ACTIVATED);
    CHECK_INT(pcap_minor_version(p), PCAP_ERROR_NOT_ACTIVATED);
    CHECK_INT(pcap_bufsize(p), PCAP_ERROR_NOT_ACTIVATED);
    GIVES(pcap_set_datalink(p, DLT_EN10MB), PCAP_ERROR,
          "EN10MB is not one of the DLTs supported by this device");
    CHECK(pcap_file(p) == NULL, "a file");
    CHECK_INT(pcap_fileno(p), -1);
    CHECK_INT(pcap_get_selectable_fd(p), -1);
    CHECK(pcap_get_required_select_timeout(p) == NULL, "a timeout");
    CHECK_INT(pcap_get_tstamp_precision(p), PCAP_TSTAMP_PRECISION_MICRO);
    CHECK_INT(pcap_can_set_rfmon(p), 0);
    CHECK_INT(pcap_list_tstamp_types(p, &list), 1);
    CHECK_INT(list[0], PCAP_TSTAMP_HOST);
    pcap_free_tstamp_types(list);
    pcap_close(p);
}

CASE(created_nonblock)
{
    pcap_t *p;

    enter_veth();
    p = pcap_create("v0", err);
    GIVES(pcap_getnonblock(p, err), PCAP_ERROR_NOT_ACTIVATED, "This handle hasn't been activated yet");
    GIVES(pcap_setnonblock(p, 1, err), 0, "");
    CHECK_INT(pcap_activate(p), 0);
    CHECK_INT(pcap_getnonblock(p, err), 1);
    pcap_close(p);
}

CASE(created_compile_and_dump)
{
    pcap_t *p = pcap_create("v0", err);
    struct bpf_program prog = {0, NULL};

    GIVES(pcap_compile(p, &prog, "", 1, 0), PCAP_ERROR,
          "not-yet-activated pcap_t passed to pcap_compile");
    CHECK(pcap_dump_open(p, "/dev/null") == NULL, "a dumper");
    CHECK_STR(pcap_geterr(p), "/dev/null: not-yet-activated pcap_t passed to pcap_dump_open");
    CHECK(pcap_dump_fopen(p, stdout) == NULL, "a dumper");
    CHECK(strlen(pcap_geterr(p)) > 0, "no text");
    pcap_close(p);
}

CASE(created_settings)
{
    pcap_t *p = pcap_create("v0", err);

    CHECK_INT(pcap_set_snaplen(p, -5), 0);
    CHECK_INT(pcap_set_promisc(p, 1), 0);
    CHECK_INT(pcap_set_rfmon(p, 0), 0);
    CHECK_INT(pcap_set_timeout(p, -3), 0);
    CHECK_INT(pcap_set_buffer_size(p, -1), 0);
    CHECK_INT(pcap_set_immediate_mode(p, 1), 0);
    CHECK_INT(pcap_set_protocol_linux(p, 0x800), 0);
    CHECK_INT(pcap_set_tstamp_type(p, PCAP_TSTAMP_HOST), 0);
    CHECK_INT(pcap_set_tstamp_type(p, -1), PCAP_WARNING_TSTAMP_TYPE_NOTSUP);
    CHECK_INT(pcap_set_tstamp_type(p, 99), PCAP_WARNING_TSTAMP_TYPE_NOTSUP);
    CHECK_INT(pcap_set_tstamp_type(p, PCAP_TSTAMP_ADAPTER), PCAP_WARNING_TSTAMP_TYPE_NOTSUP);
    CHECK_INT(pcap_set_tstamp_precision(p, -1), PCAP_ERROR_TSTAMP_PRECISION_NOTSUP);
    CHECK_INT(pcap_set_tstamp_precision(p, 2), PCAP_ERROR_TSTAMP_PRECISION_NOTSUP);
    CHECK_INT(pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO), 0);
    CHECK_INT(pcap_get_tstamp_precision(p), PCAP_TSTAMP_PRECISION_NANO);
    pcap_close(p);
}

#define TOO_LATE(expr)                                                                             \
    GIVES(expr, PCAP_ERROR_ACTIVATED, "can't perform  operation on activated capture")

static void all_too_late(pcap_t *p)
{
    TOO_LATE(pcap_set_snaplen(p, 100));
    TOO_LATE(pcap_set_promisc(p, 1));
    TOO_LATE(pcap_set_rfmon(p, 0));
    TOO_LATE(pcap_set_timeout(p, 1));
    TOO_LATE(pcap_set_buffer_size(p, -1));
    TOO_LATE(pcap_set_immediate_mode(p, 1));
    TOO_LATE(pcap_set_tstamp_type(p, PCAP_TSTAMP_HOST));
    TOO_LATE(pcap_set_tstamp_type(p, -1));
    TOO_LATE(pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO));
    TOO_LATE(pcap_set_tstamp_precision(p, -1));
    TOO_LATE(pcap_set_protocol_linux(p, 0));
    TOO_LATE(pcap_set_ignore_outgoing_linux(p, 1));
    TOO_LATE(pcap_set_netns_fd_linux(p, 12345));
    TOO_LATE(pcap_set_netns_linux(p, "/nonexistent"));
    TOO_LATE(pcap_set_busy_poll_linux(p, -1));
    TOO_LATE(pcap_set_rxhash_linux(p, 1));
    TOO_LATE(pcap_set_ring_block_timeout_linux(p, 0));
    TOO_LATE(pcap_set_ring_frame_size_linux(p, -1));
    TOO_LATE(pcap_set_ring_block_size_linux(p, 1));
    TOO_LATE(pcap_set_ring_version_linux(p, 3));
    TOO_LATE(pcap_set_fanout_linux(p, PCAP_FANOUT_HASH, 0, -1));
    TOO_LATE(pcap_set_fanout_linux(p, -1, -1, -2));
    TOO_LATE(pcap_set_fanout_program_linux(p, NULL));
    TOO_LATE(pcap_set_fanout_ebpf_linux(p, -1));
    TOO_LATE(pcap_activate_group_linux(p, 1, &(pcap_t *){NULL}));
    TOO_LATE(pcap_set_qdisc_bypass_linux(p, 1));
    TOO_LATE(pcap_set_tx_ring_linux(p, 4096, 0));
    TOO_LATE(pcap_set_tx_ring_linux(p, -1, 0));
    TOO_LATE(pcap_activate(p));
}

CASE(activated_settings)
{
    pcap_t *p;

    enter_veth();
    p = opened("v0", plain);
    all_too_late(p);
    CHECK_INT(pcap_snapshot(p), 262144);
    pcap_close(p);
    p = opened("any", plain);
    all_too_late(p);
    pcap_close(p);
}

CASE(dead_settings)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100);

    all_too_late(p);
    pcap_close(p);
}

#define DEAD(expr, text) GIVES(expr, PCAP_ERROR, text)

CASE(dead_calls)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100);
    struct pcap_stat st;
    struct pcap_pkthdr h, *hp;
    const unsigned char *data;
    const char *no_packets = "Packets aren't available from a pcap_open_dead pcap_t";
    const char *no_mode = "A pcap_open_dead pcap_t does not have a non-blocking mode setting";

    DEAD(pcap_stats(p, &st), "Statistics aren't available from a pcap_open_dead pcap_t");
    DEAD(pcap_setfilter(p, &good), "A filter cannot be set on a pcap_open_dead pcap_t");
    DEAD(pcap_setdirection(p, PCAP_D_IN),
         "The packet direction cannot be set on a pcap_open_dead pcap_t");
    DEAD(pcap_setdirection(p, (pcap_direction_t)99), "Invalid direction");
    DEAD(pcap_inject(p, "abc", 3), "Packets can't be sent on a pcap_open_dead pcap_t");
    DEAD(pcap_sendpacket(p, (const unsigned char *)"abc", 3),
         "Packets can't be sent on a pcap_open_dead pcap_t");
    DEAD(pcap_can_set_rfmon(p), "Rfmon mode doesn't apply on a pcap_open_dead pcap_t");
    DEAD(pcap_loop(p, 1, count_packet, NULL), no_packets);
    DEAD(pcap_dispatch(p, 1, count_packet, NULL), no_packets);
    DEAD(pcap_next_ex(p, &hp, &data), no_packets);
    CHECK(pcap_next(p, &h) == NULL, "a packet");
    DEAD(pcap_getnonblock(p, err), no_mode);
    CHECK_STR(err, no_mode);
    err[0] = 0;
    DEAD(pcap_setnonblock(p, 1, err), no_mode);
    CHECK_STR(err, no_mode);
    pcap_breakloop(p);
    pcap_close(p);
}

CASE(dead_getters)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100);
    int *list = NULL;

    CHECK_INT(pcap_datalink(p), DLT_EN10MB);
    CHECK_INT(pcap_datalink_ext(p), 0);
    CHECK_INT(pcap_snapshot(p), 100);
    CHECK_INT(pcap_is_swapped(p), 0);
    CHECK_INT(pcap_major_version(p), 0);
    CHECK_INT(pcap_minor_version(p), 0);
    CHECK_INT(pcap_bufsize(p), 0);
    CHECK(pcap_file(p) == NULL, "a file");
    CHECK_INT(pcap_fileno(p), 0); /* QUIRK of libpcap: the descriptor of a zeroed structure */
    CHECK_INT(pcap_get_selectable_fd(p), 0);
    CHECK(pcap_get_required_select_timeout(p) == NULL, "a timeout");
    CHECK_INT(pcap_get_tstamp_precision(p), PCAP_TSTAMP_PRECISION_MICRO);
    CHECK_INT(pcap_list_datalinks(p, &list), 1);
    CHECK_INT(list[0], DLT_EN10MB);
    pcap_free_datalinks(list);
    CHECK_INT(pcap_list_tstamp_types(p, &list), 1);
    CHECK_INT(list[0], PCAP_TSTAMP_HOST);
    pcap_free_tstamp_types(list);
    GIVES(pcap_set_datalink(p, DLT_EN10MB), 0, "");
    GIVES(pcap_set_datalink(p, DLT_NULL), -1, "NULL is not one of the DLTs supported by this device");
    GIVES(pcap_set_datalink(p, 9999), -1, "DLT 9999 is not one of the DLTs supported by this device");
    CHECK_INT(pcap_set_datalink(p, DLT_EN10MB), 0); /* leaves the last failure's text */
    CHECK_STARTS(pcap_geterr(p), "DLT 9999 is not one of the DLTs");
    pcap_close(p);
    p = pcap_open_dead_with_tstamp_precision(DLT_RAW, 7, PCAP_TSTAMP_PRECISION_NANO);
    CHECK_INT(pcap_get_tstamp_precision(p), PCAP_TSTAMP_PRECISION_NANO);
    CHECK_INT(pcap_snapshot(p), 7);
    pcap_close(p);
    p = pcap_open_dead_with_tstamp_precision(DLT_RAW, 7, 99);
    CHECK_INT(pcap_get_tstamp_precision(p), PCAP_TSTAMP_PRECISION_MICRO);
    pcap_close(p);
}

CASE(live_getters)
{
    pcap_t *p;
    int *list = NULL;

    enter_veth();
    p = opened("v0", plain);
    CHECK_INT(pcap_datalink(p), DLT_EN10MB);
    CHECK_INT(pcap_datalink_ext(p), 0);
    CHECK_INT(pcap_snapshot(p), 262144);
    CHECK_INT(pcap_is_swapped(p), 0);
    CHECK_INT(pcap_major_version(p), 0);
    CHECK_INT(pcap_minor_version(p), 0);
    CHECK_INT(pcap_bufsize(p), 262144);
    CHECK(pcap_file(p) == NULL, "a file");
    CHECK(pcap_fileno(p) > 2, "%d", pcap_fileno(p));
    CHECK_INT(pcap_get_selectable_fd(p), pcap_fileno(p));
    CHECK_INT(pcap_can_set_rfmon(p), 0);
    CHECK_INT(pcap_list_datalinks(p, &list), 2);
    CHECK(list[0] == DLT_EN10MB && list[1] == DLT_DOCSIS, "%d, %d", list[0], list[1]);
    pcap_free_datalinks(list);
    CHECK_INT(pcap_list_tstamp_types(p, &list), 1);
    pcap_free_tstamp_types(list);
    GIVES(pcap_set_datalink(p, DLT_DOCSIS), 0, "");
    CHECK_INT(pcap_datalink(p), DLT_DOCSIS);
    GIVES(pcap_set_datalink(p, DLT_RAW), -1, "RAW is not one of the DLTs supported by this device");
    pcap_close(p);
}

CASE(live_refusals)
{
    pcap_t *p;

    enter_veth();
    p = opened("v0", plain);
    GIVES(pcap_setfilter(p, NULL), PCAP_ERROR, "setfilter: No filter specified");
    GIVES(pcap_setfilter(p, &empty), PCAP_ERROR, "BPF program is not valid");
    GIVES(pcap_setfilter(p, &bad), PCAP_ERROR, "BPF program is not valid");
    GIVES(pcap_setdirection(p, (pcap_direction_t)99), PCAP_ERROR, "Invalid direction");
    GIVES(pcap_inject(p, "abc", 0), PCAP_ERROR,
          "The number of bytes to be injected must not be zero: ");
    GIVES(pcap_inject(p, "abc", 3), PCAP_ERROR, "send: Invalid argument");
    CHECK(pcap_dump_open(p, "/nonexistent/x") == NULL, "a dumper");
    CHECK_STR(pcap_geterr(p), "/nonexistent/x: No such file or directory");
    CHECK(pcap_dump_open(p, NULL) == NULL, "a dumper");
    CHECK_STR(pcap_geterr(p), "A null pointer was supplied as the file name");
    pcap_close(p);
    p = opened("any", plain);
    GIVES(pcap_inject(p, "abc", 3), PCAP_ERROR,
          "Sending packets isn't supported on the \"any\" device");
    GIVES(pcap_sendpacket(p, (const unsigned char *)"abc", 3), PCAP_ERROR,
          "Sending packets isn't supported on the \"any\" device");
    pcap_close(p);
}

/* pcap_activate of `dev` gives `rc`, with this text. */
static pcap_t *activates(pcap_t *p, int rc, const char *text)
{
    CHECK_INT(pcap_activate(p), rc);
    if (text != NULL)
        CHECK_STARTS(pcap_geterr(p), text);
    return p;
}

CASE(activate_errors)
{
    pcap_t *p;
    int fds;

    enter_veth();
    run("ip link add down0 type veth peer name down1");
    fds = count_fds();
    pcap_close(activates(pcap_create("nosuch0", err), PCAP_ERROR_NO_SUCH_DEVICE, "No such device exists"));
    pcap_close(activates(pcap_create("", err), PCAP_ERROR_NO_SUCH_DEVICE, "No such device exists"));
    pcap_close(activates(pcap_create("fifteen-letters", err), PCAP_ERROR_NO_SUCH_DEVICE,
                         "No such device exists"));
    pcap_close(activates(pcap_create("sixteen--letters", err), PCAP_ERROR_NO_SUCH_DEVICE,
                         "No such device exists"));
    pcap_close(activates(pcap_create("down0", err), PCAP_ERROR_IFACE_NOT_UP, "That device is not up"));
    p = pcap_create("v0", err);
    CHECK_INT(pcap_set_rfmon(p, 1), 0);
    pcap_close(activates(p, PCAP_ERROR_RFMON_NOTSUP, "That device doesn't support monitor mode"));
    p = pcap_create("any", err);
    CHECK_INT(pcap_set_rfmon(p, 1), 0);
    pcap_close(activates(p, PCAP_ERROR_RFMON_NOTSUP, "That device doesn't support monitor mode"));
    CHECK_INT(count_fds(), fds);
}

CASE(activate_any_promisc_warns)
{
    pcap_t *p;

    enter_netns();
    p = pcap_create("any", err);
    CHECK_INT(pcap_set_promisc(p, 1), 0);
    activates(p, PCAP_WARNING_PROMISC_NOTSUP, "Promiscuous mode not supported on the \"any\" device");
    CHECK_INT(pcap_datalink(p), DLT_LINUX_SLL);
    CHECK_INT(pcap_activate(p), PCAP_ERROR_ACTIVATED);
    pcap_close(p);
}

static int snapshot_for(const char *dev, int snaplen)
{
    pcap_t *p = pcap_create(dev, err);
    int got;

    CHECK_INT(pcap_set_snaplen(p, snaplen), 0);
    activates(p, 0, NULL);
    got = pcap_snapshot(p);
    pcap_close(p);
    return got;
}

CASE(activate_snaplens)
{
    enter_veth();
    CHECK_INT(snapshot_for("v0", -5), 262144);
    CHECK_INT(snapshot_for("v0", 0), 262144);
    CHECK_INT(snapshot_for("v0", 1), 1);
    CHECK_INT(snapshot_for("v0", 262144), 262144);
    CHECK_INT(snapshot_for("v0", 262145), 262144);
    CHECK_INT(snapshot_for("v0", 0x7fffffff), 262144);
    CHECK_INT(snapshot_for("any", 1), 21); /* room for the SLL2 header and a byte */
    CHECK_INT(snapshot_for("any", 21), 21);
    CHECK_INT(snapshot_for("any", 96), 96);
}

static void buffer_works(int size, int immediate_mode)
{
    struct how how = plain;
    int raw = raw_socket("v1"), n = 0;
    pcap_t *p;

    how.buffer = size;
    how.immediate = immediate_mode;
    p = opened("v0", how);
    send_numbered(raw, 0, 1);
    CHECK_INT(pcap_loop(p, 1, count_packet, (unsigned char *)&n), 0);
    CHECK_INT(n, 1);
    pcap_close(p);
    close(raw);
}

CASE(activate_buffer_sizes)
{
    static const int sizes[] = {1, 4096, 100000, 262144, 262145, 300000, 3000001, 64 << 20};
    size_t i;

    enter_veth();
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        buffer_works(sizes[i], 0);
        buffer_works(sizes[i], 1);
    }
}

CASE(activate_timeouts)
{
    static const int timeouts[] = {-1, -1000, 1, 0x7fffffff};
    size_t i;
    pcap_t *p;

    enter_veth();
    for (i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
        p = pcap_create("v0", err);
        CHECK_INT(pcap_set_timeout(p, timeouts[i]), 0);
        pcap_close(activates(p, 0, NULL));
    }
}

CASE(activate_tstamps)
{
    pcap_t *p;

    enter_veth();
    p = pcap_create("v0", err);
    CHECK_INT(pcap_set_tstamp_type(p, PCAP_TSTAMP_ADAPTER), PCAP_WARNING_TSTAMP_TYPE_NOTSUP);
    CHECK_INT(pcap_set_tstamp_precision(p, 17), PCAP_ERROR_TSTAMP_PRECISION_NOTSUP);
    pcap_close(activates(p, 0, NULL)); /* what was refused is not applied */
    p = pcap_create("v0", err);
    CHECK_INT(pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO), 0);
    activates(p, 0, NULL);
    CHECK_INT(pcap_get_tstamp_precision(p), PCAP_TSTAMP_PRECISION_NANO);
    pcap_close(p);
}

CASE(activate_again_after_failure)
{
    pcap_t *p;
    int raw, n = 0, fds;

    enter_netns();
    fds = count_fds();
    p = pcap_create("v0", err);
    CHECK_INT(pcap_set_snaplen(p, 99), 0);
    CHECK_INT(pcap_set_timeout(p, 50), 0);
    activates(p, PCAP_ERROR_NO_SUCH_DEVICE, "No such device exists");
    CHECK_INT(pcap_datalink(p), PCAP_ERROR_NOT_ACTIVATED);
    run("ip link add v0 type veth peer name v1");
    activates(p, PCAP_ERROR_IFACE_NOT_UP, "That device is not up");
    CHECK_INT(pcap_set_immediate_mode(p, 1), 0);
    run("ip link set v0 up && ip link set v1 up");
    activates(p, 0, NULL);
    CHECK_INT(pcap_snapshot(p), 99);
    raw = raw_socket("v1");
    send_numbered(raw, 0, 1);
    CHECK_INT(pcap_loop(p, 1, count_packet, (unsigned char *)&n), 0);
    CHECK_INT(n, 1);
    close(raw);
    pcap_close(p);
    CHECK_INT(count_fds(), fds);
}

static void open_live_fails(const char *dev, const char *text)
{
    err[0] = 0;
    CHECK(pcap_open_live(dev, 100, 0, 10, err) == NULL, "a handle for \"%s\"", dev);
    CHECK_STARTS(err, text);
}

CASE(open_live)
{
    pcap_t *p;

    enter_veth();
    run("ip link add down0 type veth peer name down1");
    open_live_fails("nosuch0", "nosuch0: No such device exists (No such device exists)");
    open_live_fails("", ": No such device exists (No such device exists)");
    open_live_fails("down0", "down0: That device is not up");
    open_live_fails("a-name-much-too-long",
                    "a-name-much-too-long: No such device exists (No such device exists)");
    err[0] = 0;
    p = pcap_open_live("v0", 100, 1, 10, err);
    CHECK(p != NULL, "%s", err);
    CHECK_STR(err, "");
    CHECK_INT(pcap_snapshot(p), 100);
    CHECK_INT(pcap_activate(p), PCAP_ERROR_ACTIVATED);
    pcap_close(p);
    p = pcap_open_live("any", 100, 1, 10, err);
    CHECK(p != NULL, "%s", err);
    CHECK_STR(err, "Promiscuous mode not supported on the \"any\" device");
    pcap_close(p);
    p = pcap_open_live(NULL, 100, 0, 10, err);
    CHECK(p != NULL, "%s", err);
    CHECK_INT(pcap_datalink(p), DLT_LINUX_SLL);
    pcap_close(p);
}

CASE(open_live_without_permission)
{
    enter_netns();
    if (setgid(65534) != 0 || setuid(65534) != 0)
        skip("cannot become nobody: %s", strerror(errno));
    open_live_fails("lo", "lo: You don't have permission to perform this capture on that device "
                          "(Attempt to create packet socket failed - CAP_NET_RAW may be required)");
}

CASE(status_texts)
{
    static const struct {
        int code;
        const char *text;
    } table[] = {
        {PCAP_WARNING, "Generic warning"},
        {PCAP_WARNING_TSTAMP_TYPE_NOTSUP,
         "That type of time stamp is not supported by that device"},
        {PCAP_WARNING_PROMISC_NOTSUP, "That device doesn't support promiscuous mode"},
        {PCAP_ERROR, "Generic error"},
        {PCAP_ERROR_BREAK, "Loop terminated by pcap_breakloop"},
        {PCAP_ERROR_NOT_ACTIVATED, "The pcap_t has not been activated"},
        {PCAP_ERROR_ACTIVATED, "The setting can't be changed after the pcap_t is activated"},
        {PCAP_ERROR_NO_SUCH_DEVICE, "No such device exists"},
        {PCAP_ERROR_RFMON_NOTSUP, "That device doesn't support monitor mode"},
        {PCAP_ERROR_NOT_RFMON, "That operation is supported only in monitor mode"},
        {PCAP_ERROR_PERM_DENIED,
         "You don't have permission to perform this capture on that device"},
        {PCAP_ERROR_IFACE_NOT_UP, "That device is not up"},
        {PCAP_ERROR_CANTSET_TSTAMP_TYPE,
         "That device doesn't support setting the time stamp type"},
        {PCAP_ERROR_PROMISC_PERM_DENIED,
         "You don't have permission to capture in promiscuous mode on that device"},
        {PCAP_ERROR_TSTAMP_PRECISION_NOTSUP,
         "That device doesn't support that time stamp precision"},
        {-13, "Packet capture is not supported on that device"},
        {-14, "Unknown error: -14"},
        {0, "Unknown error: 0"},
        {4, "Unknown error: 4"},
    };
    size_t i;

    for (i = 0; i < sizeof table / sizeof table[0]; i++)
        CHECK_STR(pcap_statustostr(table[i].code), table[i].text);
}

static const struct bpf_insn an_insn = BPF_STMT(BPF_RET | BPF_K, 77);

/* Texts that nobody frees: those of this thread, each to be overwritten only by its own. */
static void get_texts(const char *texts[4], int number)
{
    texts[0] = pcap_strerror(number);
    texts[1] = pcap_statustostr(number);
    texts[2] = pcap_datalink_val_to_description_or_dlt(number);
    texts[3] = bpf_image(&an_insn, number);
}

static void *get_other_texts(void *texts)
{
    get_texts(texts, 20002);
    return NULL;
}

CASE(texts_of_two_threads)
{
    const char *mine[4], *others[4];
    char before[4][100];
    pthread_t t;
    int i;

    get_texts(mine, 10001);
    for (i = 0; i < 4; i++)
        snprintf(before[i], sizeof before[i], "%s", mine[i]);
    CHECK(pthread_create(&t, NULL, get_other_texts, others) == 0, "no thread");
    pthread_join(t, NULL);
    for (i = 0; i < 4; i++) {
        CHECK(strstr(before[i], "10001") != NULL, "%s", before[i]);
        CHECK_STR(mine[i], before[i]);
    }
}
