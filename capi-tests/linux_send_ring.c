/*
 * Rings to send from: what they leave out, what comes in beside them, kernels that have none.
 */
#include "send.h"

static void body_loss(void)
{
    static const unsigned lengths[] = {60, 1515, 13, 0, 60, 66000, 60};
    pcap_send_queue *q;
    unsigned char f[2000];
    pcap_t *p, *at;
    unsigned i, number = 0;

    if (by->bytes == 0)
        return;
    q = pcap_sendqueue_alloc(100000);
    for (i = 0; i < 7; i++)
        add(q, lengths[i] == 60 ? number++ : 99, lengths[i], 0, 0);
    p = sender_created(plain);
    CHECK_INT(pcap_set_tx_ring_linux(p, by->bytes, by->flags | PCAP_TX_RING_LOSS), 0);
    activated(p, 0);
    at = receiver();
    CHECK_INT(pcap_sendqueue_transmit(p, q, 0), q->len);
    CHECK_STR(pcap_geterr(p), "");
    arrive(at, number);
    /* A single packet has somebody who can be told. */
    fill_frame(f, number, sizeof f);
    CHECK_INT(pcap_inject(p, f, 1515), -1);
    CHECK_STARTS(pcap_geterr(p), "send: Invalid argument");
    CHECK_INT(pcap_sendpacket(p, f, 13), -1);
    CHECK_INT(pcap_sendpacket(p, f, 60), 0);
    arrive(at, number + 1);
    pcap_sendqueue_destroy(q);
    pcap_close(at);
    pcap_close(p);
}

CASE(ring_with_loss)
{
    in_ways(body_loss);
}

/* The tenth packet of a queue is a large one, and is refused. */
static void body_children(void)
{
    pcap_send_queue *bad = pcap_sendqueue_alloc(10000);
    pcap_t *p = activated(sender_created(plain), 1);
    int i;

    for (i = 0; i < 10; i++)
        add(bad, (unsigned)i, i == 9 ? 1600 : 60, 0, 0);
    take_turns(p, 12, bad, 9 * (HEADER + 60), "send: ");
    pcap_sendqueue_destroy(bad);
    pcap_close(p);
}

CASE(children_send_too)
{
    in_ways(body_children);
}

/* Whatever packets are sent from, those that come are whole; and a tag is on top of the MTU. */
static void body_received(void)
{
    pcap_t *p = activated(sender_created(plain), 1), *at = receiver();
    pcap_send_queue *q = pcap_sendqueue_alloc(10000);
    static const unsigned lengths[] = {60, 1514, 1518};
    static unsigned char f[1519];
    struct pcap_pkthdr h = {{0, 0}, 0, 0};
    int from = raw_socket("v1"), i;

    for (i = 0; i < 3; i++) {
        fill_frame(f, (unsigned)i, sizeof f);
        if (i == 2)
            memcpy(f + 12, "\x81\x00\x00\x05", 4);
        send_raw(from, f, lengths[i]);
        h.caplen = h.len = lengths[i];
        CHECK_INT(pcap_sendqueue_queue(q, &h, f), 0);
    }
    gather(p, &seen, 3);
    CHECK_INT(seen.n, 3);
    for (i = 0; i < 3; i++)
        CHECK_INT(seen.hdr[i].caplen, lengths[i]);
    fill_frame(f, 1, sizeof f);
    CHECK(memcmp(seen.data[1], f, 1514) == 0, "another packet");
    fill_frame(f, 2, sizeof f);
    memcpy(f + 12, "\x81\x00\x00\x05", 4);
    CHECK(memcmp(seen.data[2], f, 1518) == 0, "another packet, or its tag is lost");
    CHECK_INT(pcap_sendqueue_transmit(p, q, 0), q->len);
    seen.n = 0;
    gather(at, &seen, 6); /* three of which it has sent itself */
    CHECK_INT(seen.n, 6);
    CHECK_INT(seen.hdr[seen.n - 1].caplen, 1518);
    CHECK(memcmp(seen.data[seen.n - 1], f, 1518) == 0, "another packet, or its tag is lost");
    /* One byte more than a tag makes room for. */
    h.caplen = h.len = 1519;
    q->len = 0;
    CHECK_INT(pcap_sendqueue_queue(q, &h, f), 0);
    not_all(p, *q, 0, "send: Message too long (packet 1 of the queue, 1519 bytes)");
    /* An MTU that changes counts. */
    run("ip link set v0 mtu 1000");
    q->len = 0;
    h.caplen = h.len = 1015;
    fill_frame(f, 0, sizeof f);
    CHECK_INT(pcap_sendqueue_queue(q, &h, f), 0);
    not_all(p, *q, 0, "send: Message too long (packet 1 of the queue, 1015 bytes)");
    pcap_sendqueue_destroy(q);
    pcap_close(at);
    pcap_close(p);
}

CASE(receiving_beside)
{
    in_ways(body_received);
}

/* Sends from a ring under rules for the shim; gives back the handle. */
static pcap_t *ring_under(const char *text)
{
    pcap_send_queue *q = queue_of(TOTAL, 60);
    pcap_t *p = created("v0", &plain), *at;

    CHECK_INT(pcap_set_tx_ring_linux(p, 1 << 20, PCAP_TX_RING_LOSS), 0);
    rules(text);
    activated(p, 0);
    rules("");
    at = receiver();
    CHECK_INT(pcap_sendqueue_transmit(p, q, 0), q->len);
    arrive(at, TOTAL);
    pcap_sendqueue_destroy(q);
    pcap_close(at);
    return p;
}

CASE(rings_of_other_kernels)
{
    enter_veth();
    pcap_close(ring_under(REFUSE_V3));
    pcap_close(ring_under(REFUSE_V3 "," REFUSE_V2));
    /* Before 4.11 V3 had no ring to send from: then both are of V2. */
    pcap_close(ring_under("setsockopt:SOL_PACKET:PACKET_TX_RING:EINVAL:1"));
    /* Less where memory is short. */
    pcap_close(ring_under("setsockopt:SOL_PACKET:PACKET_TX_RING:ENOMEM:5"));
}

static void refused_ring(const char *text, const char *why)
{
    pcap_t *p = created("v0", &plain);

    CHECK_INT(pcap_set_tx_ring_linux(p, 1 << 20, PCAP_TX_RING_LOSS | PCAP_TX_RING_COPY), 0);
    rules(text);
    CHECK_INT(pcap_activate(p), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), why);
    rules("");
    CHECK_INT(pcap_activate(p), 0);
    pcap_close(p);
}

CASE(rings_that_cannot_be_had)
{
    pcap_t *p;

    enter_veth();
    refused_ring("setsockopt:SOL_PACKET:PACKET_TX_RING:EPERM:1",
                 "can't create tx ring on packet socket: Operation not permitted");
    refused_ring("setsockopt:SOL_PACKET:PACKET_TX_RING:EINVAL:*",
                 "can't create tx ring on packet socket: Operation not supported");
    refused_ring("setsockopt:SOL_PACKET:PACKET_LOSS:EPERM:1",
                 "setsockopt (PACKET_LOSS): Operation not permitted");
    refused_ring("setsockopt:SOL_PACKET:PACKET_VNET_HDR:EPERM:1",
                 "setsockopt (PACKET_VNET_HDR): Operation not permitted");
    p = created("v0", &plain);
    CHECK_INT(pcap_set_tx_ring_linux(p, -1, 0), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "a ring of -1 bytes cannot be had");
    CHECK_INT(pcap_set_tx_ring_linux(p, 1, 0x10), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "0x10 are no flags of pcap_set_tx_ring_linux");
    CHECK_INT(pcap_set_qdisc_bypass_linux(p, 1), 0);
    rules("setsockopt:SOL_PACKET:PACKET_QDISC_BYPASS:EPERM:1");
    CHECK_INT(pcap_activate(p), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "setsockopt (PACKET_QDISC_BYPASS): Operation not permitted");
    rules("");
    pcap_close(p);
    /* Where nothing can be sent there is none. */
    p = created("any", &plain);
    CHECK_INT(pcap_set_tx_ring_linux(p, 1 << 20, PCAP_TX_RING_LOSS), 0);
    activated(p, 0);
    refused(p, "Sending packets isn't supported on the \"any\" device");
    pcap_close(p);
}
