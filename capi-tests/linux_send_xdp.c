/*
 * Sending by XDP, in what it differs from the other ways: nobody on the way sees the packets, one socket of an
 * interface can, and what the other end drops is told.
 */
#include "send.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>

static pcap_t *xdp_created(void)
{
    pcap_t *p = created("v0", &plain);

    CHECK_INT(pcap_set_tx_ring_linux(p, 1 << 20, PCAP_TX_RING_XDP), 0);
    return p;
}

static void enter(void)
{
    if (!has_xdp())
        skip("this kernel does not tell what an XDP socket has sent");
    enter_veth();
}

static void *larger_soon(void *unused)
{
    sleep_ms(100);
    run("ip link set v1 mtu 1500");
    return unused;
}

/* The other end takes no more than 118 bytes: what it drops is sent again, and nothing else is, or lost. */
CASE(drops)
{
    static const unsigned lengths[] = {60, 60, 1000, 60, 61, 999, 1000, 60};
    const unsigned first = 2 * (HEADER + 60);
    pcap_send_queue *q = pcap_sendqueue_alloc(100000), rest;
    char err[PCAP_ERRBUF_SIZE];
    pcap_t *p, *at;
    pthread_t thread;
    unsigned i, sent;

    enter();
    p = activated(xdp_created(), 1);
    at = receiver();
    for (i = 0; i < 8; i++)
        add(q, i, lengths[i], 0, 0);
    run("ip link set v1 mtu 100");
    not_all(p, *q, first, "send: No buffer space available (packet 3 of the queue, 1000 bytes)");
    rest = rest_of(q, first);
    for (i = 0; i < 3; i++)
        not_all(p, rest, 0, "send: No buffer space available (packet 1 of the queue, 1000 bytes)");
    run("ip link set v1 mtu 1014"); /* with its header */
    sent = pcap_sendqueue_transmit(p, &rest, 0);
    CHECK_INT(sent, rest.len);
    arrive(at, 8);
    for (i = 0; i < 8; i++)
        CHECK_INT(seen.hdr[i].len, lengths[i]);
    /* A handle that waits goes on as soon as it can. */
    CHECK(pcap_setnonblock(p, 0, err) == 0, "%s", err);
    run("ip link set v1 mtu 100");
    seen.n = 0;
    CHECK_INT(pthread_create(&thread, NULL, larger_soon, NULL), 0);
    CHECK_INT(pcap_sendqueue_transmit(p, q, 0), q->len);
    pthread_join(thread, NULL);
    arrive(at, 8);
    pcap_sendqueue_destroy(q);
    pcap_close(at);
    pcap_close(p);
}

/* More than the ring has room for, and around its end many times, also after packets that did not go. */
CASE(many)
{
    pcap_send_queue *q = queue_of(TOTAL, 60), *bad = pcap_sendqueue_alloc(10000);
    pcap_t *p, *at;
    unsigned i;

    enter();
    p = created("v0", &plain);
    CHECK_INT(pcap_set_tx_ring_linux(p, SMALL, PCAP_TX_RING_XDP), 0);
    activated(p, 1);
    for (i = 0; i < 5; i++)
        add(bad, i, i == 2 ? 1000 : 60, 0, 0);
    run("ip link set v1 mtu 100");
    for (i = 0; i < (under_valgrind() ? 1 : 10); i++) {
        not_all(p, *bad, 2 * (HEADER + 60), "send: No buffer space available (packet 3 of the queue");
        at = receiver();
        CHECK_INT(pcap_sendqueue_transmit(p, q, 0), q->len);
        arrive(at, TOTAL);
        pcap_close(at);
    }
    pcap_sendqueue_destroy(q);
    pcap_sendqueue_destroy(bad);
    pcap_close(p);
}

CASE(unseen)
{
    pcap_send_queue *q = queue_of(10, 60);
    struct how how = immediate;
    struct caught *none = calloc(1, sizeof *none);
    pcap_t *p, *at, *beside;

    enter();
    how.nonblock = 1;
    p = activated(xdp_created(), 0);
    beside = opened("v0", how);
    at = receiver();
    CHECK_INT(pcap_sendqueue_transmit(p, q, 0), q->len);
    arrive(at, 10);
    gather_for(0.1, beside, none, 1);
    CHECK_INT(none->n, 0);
    free(none);
    pcap_sendqueue_destroy(q);
    pcap_close(beside);
    pcap_close(at);
    pcap_close(p);
}

CASE(children)
{
    pcap_send_queue *bad = pcap_sendqueue_alloc(10000);
    pcap_t *p;
    int i;

    enter();
    p = activated(xdp_created(), 1);
    for (i = 0; i < 5; i++)
        add(bad, (unsigned)i, i == 2 ? 1000 : 60, 0, 0);
    run("ip link set v1 mtu 100");
    take_turns(p, 30, bad, 2 * (HEADER + 60), "send: No buffer space available (packet 3 of the queue");
    pcap_sendqueue_destroy(bad);
    pcap_close(p);
}

CASE(one_of_an_interface)
{
    pcap_send_queue *q = queue_of(10, 60);
    double end = now() + PATIENCE;
    pcap_t *p, *other, *at;
    int rc;

    enter();
    p = activated(xdp_created(), 0);
    other = xdp_created();
    CHECK_INT(pcap_activate(other), PCAP_ERROR);
    CHECK_STR(pcap_geterr(other), "v0: another XDP socket sends by the interface's first queue");
    pcap_close(p);
    /* The kernel ends a socket some time after it was closed. */
    while ((rc = pcap_activate(other)) == PCAP_ERROR && now() < end)
        CHECK_STARTS(pcap_geterr(other), "v0: another XDP socket sends");
    CHECK(rc == 0, "%s", pcap_geterr(other));
    at = receiver();
    CHECK_INT(pcap_sendqueue_transmit(other, q, 0), q->len);
    arrive(at, 10);
    pcap_sendqueue_destroy(q);
    pcap_close(at);
    pcap_close(other);
}

CASE(large_packets)
{
    pcap_send_queue *q = pcap_sendqueue_alloc(10000);
    long page = sysconf(_SC_PAGESIZE);
    char text[100];
    pcap_t *p, *at;

    enter();
    run("ip link set v0 mtu %ld", page);
    run("ip link set v1 mtu %ld", page);
    p = xdp_created();
    CHECK_INT(pcap_activate(p), PCAP_ERROR);
    snprintf(text, sizeof text, "packets of %ld bytes are too large for XDP: %ld are the most", page + 18,
             page);
    CHECK_STR(pcap_geterr(p), text);
    run("ip link set v0 mtu 1500");
    activated(p, 0);
    at = receiver();
    /* What was made for a smaller MTU sends no more than it was made for. */
    run("ip link set v0 mtu %ld", page);
    add(q, 0, 2048, 0, 0);
    add(q, 1, 2049, 0, 0);
    not_all(p, *q, HEADER + 2048, "send: Message too long (packet 2 of the queue, 2049 bytes)");
    arrive(at, 1);
    pcap_sendqueue_destroy(q);
    pcap_close(at);
    pcap_close(p);
}

/* Where there is no Ethernet it is the ring of the packet socket. */
CASE(no_ethernet)
{
    static const unsigned char ip[20] = {0x45, 0, 0, 20, 0, 0, 0, 0, 64, 253};
    unsigned char got[100];
    pcap_t *p, *other;
    int tun;

    enter();
    tun = make_tun("t0", 0xfffe); /* ARPHRD_NONE */
    p = created("t0", &plain);
    CHECK_INT(pcap_set_tx_ring_linux(p, 1 << 20, PCAP_TX_RING_XDP), 0);
    activated(p, 0);
    other = created("t0", &plain);
    CHECK_INT(pcap_set_tx_ring_linux(other, 1 << 20, PCAP_TX_RING_XDP), 0);
    activated(other, 0);
    CHECK_INT(pcap_sendpacket(p, ip, sizeof ip), 0);
    CHECK_INT(read(tun, got, sizeof got), sizeof ip);
    CHECK(memcmp(got, ip, sizeof ip) == 0, "another packet");
    pcap_close(other);
    pcap_close(p);
    close(tun);
}

CASE(other_namespaces)
{
    pcap_send_queue *q = queue_of(10, 60);
    pcap_t *p, *at;
    int there;

    enter();
    at = receiver();
    there = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    CHECK(there >= 0, "%s", strerror(errno));
    enter_netns();
    p = xdp_created();
    CHECK_INT(pcap_set_netns_fd_linux(p, there), 0);
    activated(p, 0);
    CHECK_INT(pcap_sendqueue_transmit(p, q, 0), q->len);
    arrive(at, 10);
    pcap_sendqueue_destroy(q);
    pcap_close(at);
    pcap_close(p);
    close(there);
}

static void refused_xdp(const char *text, int status, const char *why)
{
    pcap_t *p = xdp_created();

    rules(text);
    CHECK_INT(pcap_activate(p), status);
    CHECK_STR(pcap_geterr(p), why);
    rules("");
    CHECK_INT(pcap_activate(p), 0);
    pcap_close(p);
}

CASE(kernels_without)
{
    enter();
    refused_xdp("setsockopt:SOL_XDP:XDP_MAX_TX_SKB_BUDGET:ENOPROTOOPT:1", PCAP_ERROR,
                "XDP needs Linux 6.17 to send");
    refused_xdp("setsockopt:SOL_XDP:XDP_UMEM_REG:EPERM:1", PCAP_ERROR_PERM_DENIED,
                "Attempt to open an XDP socket failed - CAP_NET_RAW may be required");
    refused_xdp("setsockopt:SOL_XDP:XDP_UMEM_REG:ENOMEM:1", PCAP_ERROR,
                "can't send by XDP: Cannot allocate memory");
}

CASE(by_the_environment)
{
    pcap_send_queue *q = queue_of(10, 60);
    pcap_t *p, *other, *at;

    enter();
    CHECK_INT(setenv("PCAP_LINUX_OPTIONS", "xdp,tx_ring=1M", 1), 0);
    p = opened("v0", plain);
    CHECK_INT(unsetenv("PCAP_LINUX_OPTIONS"), 0);
    other = xdp_created();
    CHECK_INT(pcap_activate(other), PCAP_ERROR);
    at = receiver();
    CHECK_INT(pcap_sendqueue_transmit(p, q, 0), q->len);
    arrive(at, 10);
    pcap_sendqueue_destroy(q);
    pcap_close(at);
    pcap_close(other);
    pcap_close(p);
}
