/*
 * NULL for every pointer argument of every exported function: an error where there is one to give,
 * never a crash. Each call runs in a child, so that a crash is reported with the call's own text.
 */
#include "net.h"

#include <pcap/linux.h>
#include <pcap/namedb.h>
#include <sys/stat.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#pragma weak pcap_open
#pragma weak pcap_findalldevs_ex
#pragma weak pcap_createsrcstr
#pragma weak pcap_parsesrcstr
#pragma weak pcap_setsampling
#pragma weak pcap_remoteact_accept
#pragma weak pcap_remoteact_accept_ex
#pragma weak pcap_remoteact_list
#pragma weak pcap_remoteact_close
#pragma weak pcap_remoteact_cleanup

static int bad;

static pid_t child(void)
{
    pid_t pid = fork();

    CHECK(pid >= 0, "fork: %s", strerror(errno));
    if (pid == 0)
        alarm(10);
    return pid;
}

static void join(pid_t pid, const char *call)
{
    int status;

    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status))
        fprintf(stderr, "%s: killed by signal %d\n", call, WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        fprintf(stderr, "%s: not the expected result\n", call);
    bad += status != 0;
}

#define IN_CHILD(text, expr)                                                                       \
    do {                                                                                           \
        pid_t pid_ = child();                                                                      \
        if (pid_ == 0)                                                                             \
            _exit((expr) ? 0 : 1);                                                                 \
        join(pid_, text);                                                                          \
    } while (0)

#define RETURNS(expr) IN_CHILD(#expr, ((void)(expr), 1))
#define HOLDS(expr) IN_CHILD(#expr, expr)
#define FAILS(expr) IN_CHILD(#expr " < 0", (expr) < 0)
#define IS_NULL(expr) IN_CHILD(#expr " == NULL", (expr) == NULL)

static void done(void)
{
    CHECK(bad == 0, "%d calls did not behave, see above", bad);
}

static char err[PCAP_ERRBUF_SIZE];
static const struct pcap_pkthdr header = {{1, 2}, 4, 4};
static const unsigned char bytes[64] = {1, 2, 3};
static struct bpf_insn accept_all[] = {BPF_STMT(BPF_RET | BPF_K, 65535)};
static struct bpf_program program = {1, accept_all}, nothing = {0, NULL}, hollow = {5, NULL};

CASE(no_handle_setup)
{
    FAILS(pcap_set_snaplen(NULL, 1));
    FAILS(pcap_set_promisc(NULL, 1));
    FAILS(pcap_set_rfmon(NULL, 1));
    FAILS(pcap_can_set_rfmon(NULL));
    FAILS(pcap_set_timeout(NULL, 1));
    FAILS(pcap_set_buffer_size(NULL, 1));
    FAILS(pcap_set_immediate_mode(NULL, 1));
    FAILS(pcap_set_tstamp_type(NULL, 0));
    FAILS(pcap_set_tstamp_precision(NULL, 0));
    FAILS(pcap_get_tstamp_precision(NULL));
    FAILS(pcap_set_protocol_linux(NULL, 0));
    FAILS(pcap_set_ignore_outgoing_linux(NULL, 1));
    FAILS(pcap_drop_membership_linux(NULL, 2, NULL, 0));
    FAILS(pcap_add_membership_linux(NULL, 2, NULL, 0));
    FAILS(pcap_set_netns_fd_linux(NULL, 0));
    FAILS(pcap_set_netns_linux(NULL, NULL));
    FAILS(pcap_set_busy_poll_linux(NULL, 1));
    FAILS(pcap_set_rxhash_linux(NULL, 1));
    FAILS(pcap_set_ring_block_timeout_linux(NULL, 0));
    FAILS(pcap_set_ring_frame_size_linux(NULL, 0));
    FAILS(pcap_set_ring_block_size_linux(NULL, 0));
    FAILS(pcap_set_ring_version_linux(NULL, 3));
    FAILS(pcap_get_ring_linux(NULL, &(struct pcap_ring_linux){0, 0, 0, 0, 0, 0, 0, 0}));
    FAILS(pcap_set_fanout_linux(NULL, PCAP_FANOUT_HASH, 0, -1));
    FAILS(pcap_set_fanout_program_linux(NULL, NULL));
    FAILS(pcap_set_fanout_ebpf_linux(NULL, -1));
    FAILS(pcap_get_fanout_linux(NULL));
    FAILS(pcap_activate_group_linux(NULL, 1, NULL));
    FAILS(pcap_set_qdisc_bypass_linux(NULL, 1));
    FAILS(pcap_set_tx_ring_linux(NULL, 4096, 0));
    FAILS(pcap_list_tstamp_types(NULL, &(int *){NULL}));
    FAILS(pcap_list_tstamp_types(NULL, NULL));
    FAILS(pcap_activate(NULL));
    RETURNS((pcap_close(NULL), 0));
    done();
}

CASE(no_handle_reading)
{
    struct pcap_pkthdr h, *hp;
    const unsigned char *data;

    FAILS(pcap_loop(NULL, 1, count_packet, NULL));
    FAILS(pcap_loop(NULL, 1, NULL, NULL));
    FAILS(pcap_dispatch(NULL, 1, count_packet, NULL));
    FAILS(pcap_dispatch(NULL, 1, NULL, NULL));
    IS_NULL(pcap_next(NULL, &h));
    IS_NULL(pcap_next(NULL, NULL));
    FAILS(pcap_next_ex(NULL, &hp, &data));
    FAILS(pcap_next_ex(NULL, NULL, NULL));
    FAILS(pcap_next_batch_linux(NULL, &(struct pcap_packet_linux){.data = NULL}, 1));
    FAILS(pcap_next_batch_linux(NULL, NULL, 0));
    FAILS(pcap_packet_facts_linux(NULL, bytes, &(struct pcap_facts_linux){.size = 48}));
    FAILS(pcap_packet_facts_linux(NULL, NULL, NULL));
    RETURNS((pcap_breakloop(NULL), 0));
    FAILS(pcap_getnonblock(NULL, err));
    FAILS(pcap_getnonblock(NULL, NULL));
    FAILS(pcap_setnonblock(NULL, 1, err));
    FAILS(pcap_setnonblock(NULL, 1, NULL));
    FAILS(pcap_get_selectable_fd(NULL));
    IS_NULL(pcap_get_required_select_timeout(NULL));
    FAILS(pcap_fileno(NULL));
    IS_NULL(pcap_file(NULL));
    done();
}

CASE(no_handle_asking)
{
    struct pcap_stat st;

    FAILS(pcap_stats(NULL, &st));
    FAILS(pcap_stats(NULL, NULL));
    FAILS(pcap_stats_linux(NULL, &(struct pcap_stat_linux){.size = 64}));
    FAILS(pcap_stats_linux(NULL, NULL));
    FAILS(pcap_setfilter(NULL, &program));
    FAILS(pcap_setfilter(NULL, NULL));
    FAILS(pcap_setdirection(NULL, PCAP_D_IN));
    FAILS(pcap_inject(NULL, bytes, 60));
    FAILS(pcap_inject(NULL, NULL, 0));
    FAILS(pcap_sendpacket(NULL, bytes, 60));
    FAILS(pcap_sendpacket(NULL, NULL, 0));
    HOLDS(pcap_sendqueue_transmit(NULL, NULL, 0) == 0);
    RETURNS(pcap_sendqueue_destroy(NULL));
    FAILS(pcap_sendqueue_queue(NULL, &(struct pcap_pkthdr){{0, 0}, 0, 0}, bytes));
    FAILS(pcap_sendqueue_queue(&(pcap_send_queue){100, 0, NULL}, NULL, bytes));
    FAILS(pcap_sendqueue_queue(&(pcap_send_queue){100, 0, NULL},
                               &(struct pcap_pkthdr){{0, 0}, 9, 9}, NULL));
    HOLDS((pcap_sendqueue_destroy(pcap_sendqueue_alloc(0)), 1));
    FAILS(pcap_datalink(NULL));
    FAILS(pcap_datalink_ext(NULL));
    FAILS(pcap_list_datalinks(NULL, &(int *){NULL}));
    FAILS(pcap_list_datalinks(NULL, NULL));
    FAILS(pcap_set_datalink(NULL, 1));
    FAILS(pcap_snapshot(NULL));
    FAILS(pcap_is_swapped(NULL));
    FAILS(pcap_major_version(NULL));
    FAILS(pcap_minor_version(NULL));
    FAILS(pcap_bufsize(NULL));
    HOLDS(pcap_geterr(NULL) != NULL);
    RETURNS((close(2), pcap_perror(NULL, "x"), 0));
    RETURNS((close(2), pcap_perror(NULL, NULL), 0));
    done();
}

CASE(no_handle_compiling_and_dumping)
{
    struct bpf_program p = {0, NULL};

    FAILS(pcap_compile(NULL, &p, "", 1, 0));
    FAILS(pcap_compile(NULL, NULL, NULL, 1, 0));
    IS_NULL(pcap_dump_open(NULL, "/dev/null"));
    IS_NULL(pcap_dump_open(NULL, NULL));
    IS_NULL(pcap_dump_fopen(NULL, stdout));
    IS_NULL(pcap_dump_fopen(NULL, NULL));
    IS_NULL(pcap_dump_open_append(NULL, "/dev/null"));
    IS_NULL(pcap_dump_open_append(NULL, NULL));
    done();
}

/* The arguments besides the handle, for one handle. */
static void arguments(pcap_t *p)
{
    struct bpf_program prog = {0, NULL};
    struct pcap_pkthdr *hp;
    const unsigned char *data;
    int n = 0;

    FAILS(pcap_stats(p, NULL));
    FAILS(pcap_setfilter(p, NULL));
    FAILS(pcap_setfilter(p, &nothing));
    FAILS(pcap_setfilter(p, &hollow));
    FAILS(pcap_loop(p, 1, NULL, NULL));
    FAILS(pcap_dispatch(p, 1, NULL, NULL));
    RETURNS(pcap_next(p, NULL));
    FAILS(pcap_next_ex(p, NULL, NULL));
    FAILS(pcap_next_ex(p, &hp, NULL));
    FAILS(pcap_next_ex(p, NULL, &data));
    RETURNS(pcap_dispatch(p, 1, count_packet, (unsigned char *)&n));
    RETURNS(pcap_getnonblock(p, NULL));
    RETURNS(pcap_setnonblock(p, 1, NULL));
    FAILS(pcap_inject(p, NULL, 0));
    FAILS(pcap_inject(p, NULL, 60));
    FAILS(pcap_sendpacket(p, NULL, 0));
    FAILS(pcap_list_datalinks(p, NULL));
    FAILS(pcap_list_tstamp_types(p, NULL));
    FAILS(pcap_compile(p, NULL, "", 1, 0));
    FAILS(pcap_compile(p, NULL, NULL, 1, 0));
    RETURNS(pcap_compile(p, &prog, NULL, 1, 0));
    IS_NULL(pcap_dump_open(p, NULL));
    IS_NULL(pcap_dump_fopen(p, NULL));
    IS_NULL(pcap_dump_open_append(p, NULL));
    RETURNS((close(2), pcap_perror(p, NULL), 0));
    HOLDS(pcap_geterr(p) != NULL && strlen(pcap_geterr(p)) < PCAP_ERRBUF_SIZE);
}

CASE(arguments_of_created)
{
    pcap_t *p = pcap_create("any", err);

    HOLDS(pcap_sendpacket(p, NULL, 60) <= 0); /* 0 on a handle that is not activated */
    arguments(p);
    pcap_close(p);
    done();
}

CASE(arguments_of_dead)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100);

    FAILS(pcap_sendpacket(p, NULL, 60));
    arguments(p);
    pcap_close(p);
    done();
}

/* Each child reads a copy of the handle: the packet is there for all of them. */
static void arguments_live(struct how how)
{
    pcap_t *p;
    int raw = raw_socket("v1");

    how.nonblock = 1;
    p = opened("v0", how);
    send_numbered(raw, 0, 1);
    wait_readable(p, 1);
    FAILS(pcap_sendpacket(p, NULL, 60));
    arguments(p);
    pcap_close(p);
    close(raw);
}

CASE(arguments_of_live)
{
    enter_veth();
    arguments_live(plain);
    arguments_live(immediate);
    done();
}

CASE(opening)
{
    struct bpf_program p = {0, NULL};

    enter_netns();
    HOLDS(pcap_create(NULL, err) != NULL);
    HOLDS(pcap_create(NULL, NULL) != NULL);
    HOLDS(pcap_create("nosuch0", NULL) != NULL);
    HOLDS(pcap_open_live(NULL, 100, 0, 10, err) != NULL);
    HOLDS(pcap_open_live(NULL, 100, 0, 10, NULL) != NULL);
    IS_NULL(pcap_open_live("nosuch0", 100, 0, 10, NULL));
    IS_NULL(pcap_open_offline(NULL, err));
    IS_NULL(pcap_open_offline(NULL, NULL));
    IS_NULL(pcap_open_offline("/nonexistent", NULL));
    IS_NULL(pcap_open_offline_with_tstamp_precision(NULL, 0, err));
    IS_NULL(pcap_open_offline_with_tstamp_precision("/nonexistent", 0, NULL));
    IS_NULL(pcap_open_offline_with_tstamp_precision(NULL, 9, NULL));
    IS_NULL(pcap_fopen_offline(NULL, err));
    IS_NULL(pcap_fopen_offline(NULL, NULL));
    IS_NULL(pcap_fopen_offline_with_tstamp_precision(NULL, 0, err));
    IS_NULL(pcap_fopen_offline_with_tstamp_precision(NULL, 0, NULL));
    HOLDS(pcap_open_dead(-1, -1) != NULL);
    HOLDS(pcap_open_dead_with_tstamp_precision(1, 0, 99) != NULL);
    RETURNS(pcap_compile_nopcap(100, DLT_EN10MB, &p, NULL, 1, 0));
    FAILS(pcap_compile_nopcap(100, DLT_EN10MB, NULL, NULL, 1, 0));
    FAILS(pcap_compile_nopcap(100, DLT_EN10MB, NULL, "", 1, 0));
    done();
}

CASE(devices)
{
    bpf_u_int32 net, mask;

    enter_netns();
    FAILS(pcap_findalldevs(NULL, err));
    FAILS(pcap_findalldevs(NULL, NULL));
    RETURNS(pcap_findalldevs(&(pcap_if_t *){NULL}, NULL));
    RETURNS((pcap_freealldevs(NULL), 0));
    HOLDS(pcap_lookupnet(NULL, &net, &mask, err) == 0 && net == 0 && mask == 0);
    RETURNS(pcap_lookupnet(NULL, NULL, NULL, NULL));
    RETURNS(pcap_lookupnet("lo", NULL, NULL, NULL));
    RETURNS(pcap_lookupnet("lo", NULL, &mask, err));
    RETURNS(pcap_lookupnet("lo", &net, NULL, err));
    FAILS(pcap_lookupnet("nosuch0", &net, &mask, NULL));
    RETURNS(pcap_lookupdev(err));
    RETURNS(pcap_lookupdev(NULL));
    HOLDS(pcap_init(0, NULL) == 0);
    FAILS(pcap_init(77, NULL));
    FAILS(pcap_init(77, err));
    done();
}

CASE(dumping)
{
    RETURNS((pcap_dump(NULL, NULL, NULL), 0));
    RETURNS((pcap_dump(NULL, &header, bytes), 0));
    RETURNS((pcap_dump((unsigned char *)tmpfile(), NULL, NULL), 0));
    RETURNS((pcap_dump((unsigned char *)tmpfile(), NULL, bytes), 0));
    RETURNS((pcap_dump((unsigned char *)tmpfile(), &header, NULL), 0));
    IS_NULL(pcap_dump_file(NULL));
    FAILS(pcap_dump_ftell(NULL));
    FAILS(pcap_dump_ftell64(NULL));
    FAILS(pcap_dump_flush(NULL));
    RETURNS((pcap_dump_close(NULL), 0));
    done();
}

CASE(filters)
{
    HOLDS(bpf_filter(NULL, bytes, 4, 4) == (u_int)-1);
    HOLDS(bpf_filter(NULL, NULL, 0, 0) == (u_int)-1);
    HOLDS(bpf_filter(accept_all, NULL, 0, 0) == 65535);
    HOLDS(bpf_validate(NULL, 0) == 0);
    HOLDS(bpf_validate(NULL, 5) == 0);
    HOLDS(bpf_validate(accept_all, -1) == 0);
    RETURNS(bpf_image(NULL, 0));
    RETURNS((bpf_dump(NULL, 1), 0));
    RETURNS((bpf_dump(&nothing, 1), 0));
    RETURNS((bpf_dump(&nothing, 2), 0));
    RETURNS((bpf_dump(&nothing, 3), 0));
    RETURNS((pcap_freecode(NULL), 0));
    RETURNS((pcap_freecode(&nothing), 0));
    HOLDS(pcap_offline_filter(NULL, &header, bytes) == 0);
    HOLDS(pcap_offline_filter(&nothing, &header, bytes) == 0);
    HOLDS(pcap_offline_filter(&program, NULL, bytes) == 0);
    RETURNS(pcap_offline_filter(&program, &header, NULL));
    RETURNS(pcap_offline_filter(NULL, NULL, NULL));
    done();
}

CASE(names)
{
    int port, lo, hi, proto;
    bpf_u_int32 net;

    (void)net;
    FAILS(pcap_datalink_name_to_val(NULL));
    IS_NULL(pcap_datalink_val_to_name(-1));
    IS_NULL(pcap_datalink_val_to_description(-1));
    HOLDS(pcap_datalink_val_to_description_or_dlt(-1) != NULL);
    FAILS(pcap_tstamp_type_name_to_val(NULL));
    IS_NULL(pcap_tstamp_type_val_to_name(-1));
    IS_NULL(pcap_tstamp_type_val_to_description(-1));
    RETURNS((pcap_free_datalinks(NULL), 0));
    RETURNS((pcap_free_tstamp_types(NULL), 0));
    HOLDS(pcap_strerror(-1) != NULL && pcap_strerror(1 << 30) != NULL);
    HOLDS(pcap_statustostr(-99) != NULL && pcap_statustostr(99) != NULL);
    HOLDS(strncmp(pcap_lib_version(), "libpcap version ", 16) == 0);
    IS_NULL(pcap_nametoaddr(NULL));
    IS_NULL(pcap_nametoaddrinfo(NULL));
    HOLDS(pcap_nametonetaddr(NULL) == 0);
    HOLDS(pcap_nametoport(NULL, &port, &proto) == 0);
    HOLDS(pcap_nametoport(NULL, NULL, NULL) == 0);
    RETURNS(pcap_nametoport("http", NULL, NULL));
    HOLDS(pcap_nametoportrange(NULL, &lo, &hi, &proto) == 0);
    RETURNS(pcap_nametoportrange("1-2", NULL, NULL, NULL));
    FAILS(pcap_nametoproto(NULL));
    FAILS(pcap_nametoeproto(NULL));
    FAILS(pcap_nametollc(NULL));
    IS_NULL(pcap_ether_hostton(NULL));
    IS_NULL(pcap_ether_aton(NULL));
    IS_NULL(pcap_next_etherent(NULL));
    done();
}

CASE(remote)
{
    int type;

    if (pcap_open == NULL)
        skip("this library has no remote group");
    enter_netns();
    IS_NULL(pcap_open(NULL, 100, 0, 10, NULL, err));
    IS_NULL(pcap_open(NULL, 100, 0, 10, NULL, NULL));
    IS_NULL(pcap_open("nosuch0", 100, 0, 10, NULL, NULL));
    FAILS(pcap_findalldevs_ex(NULL, NULL, NULL, err));
    FAILS(pcap_findalldevs_ex(NULL, NULL, NULL, NULL));
    FAILS(pcap_findalldevs_ex("rpcap://", NULL, NULL, err));
    FAILS(pcap_createsrcstr(NULL, PCAP_SRC_IFLOCAL, NULL, NULL, NULL, err));
    FAILS(pcap_createsrcstr(NULL, PCAP_SRC_IFLOCAL, NULL, NULL, NULL, NULL));
    RETURNS(pcap_createsrcstr((char[PCAP_BUF_SIZE]){0}, 99, NULL, NULL, NULL, NULL));
    FAILS(pcap_parsesrcstr(NULL, &type, NULL, NULL, NULL, err));
    FAILS(pcap_parsesrcstr(NULL, NULL, NULL, NULL, NULL, NULL));
    RETURNS(pcap_parsesrcstr("rpcap://lo", NULL, NULL, NULL, NULL, NULL));
    IS_NULL(pcap_setsampling(NULL));
    RETURNS(pcap_setsampling(pcap_open_dead(1, 100)));
    RETURNS(pcap_remoteact_accept(NULL, NULL, NULL, NULL, NULL, err));
    RETURNS(pcap_remoteact_accept(NULL, NULL, NULL, NULL, NULL, NULL));
    RETURNS(pcap_remoteact_accept_ex(NULL, NULL, NULL, NULL, NULL, 0, NULL));
    RETURNS(pcap_remoteact_list(NULL, ',', 0, err));
    RETURNS(pcap_remoteact_list(NULL, ',', 100, NULL));
    FAILS(pcap_remoteact_close(NULL, err));
    FAILS(pcap_remoteact_close(NULL, NULL));
    RETURNS((pcap_remoteact_cleanup(), 0));
    done();
}
