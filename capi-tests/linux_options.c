/*
 * The options of pcap/linux.h that are set on the socket.
 */
#include "net.h"

#include <pcap/linux.h>

static struct caught seen;

static void body_ignore_outgoing(enum mode m)
{
    int to = raw_socket("v0"), from = raw_socket("v1"), ignore;
    struct how how = plain;
    pcap_t *p;

    how.nonblock = 1;
    how.immediate = m == MODE_V2;
    for (ignore = 0; ignore < 2; ignore++) {
        seen.n = 0;
        p = created("v0", &how);
        CHECK_INT(pcap_set_ignore_outgoing_linux(p, ignore), 0);
        CHECK_INT(pcap_activate(p), 0);
        CHECK_INT(pcap_setnonblock(p, 1, NULL), 0);
        send_numbered(to, 1, 1);
        send_numbered(from, 2, 1);
        gather_only(p, &seen, 2 - ignore);
        CHECK_INT(seen.n, 2 - ignore);
        CHECK_INT(frame_number(seen.data[0]), 1 + ignore);
        pcap_close(p);
    }
}

CASE(ignore_outgoing)
{
    in_modes(RINGS_NOW, body_ignore_outgoing);
}

static int busy_poll_of(pcap_t *p)
{
    int us = -1;
    socklen_t len = sizeof us;

    CHECK(getsockopt(pcap_fileno(p), SOL_SOCKET, SO_BUSY_POLL, &us, &len) == 0, "%s",
          strerror(errno));
    return us;
}

CASE(busy_poll)
{
    int raw;
    pcap_t *p;

    enter_veth();
    raw = raw_socket("v1");
    p = created("v0", &plain);
    CHECK_INT(pcap_set_busy_poll_linux(p, -1), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "can't poll busily for -1 microseconds");
    CHECK_INT(pcap_set_busy_poll_linux(p, 70), 0);
    rules("setsockopt:SOL_SOCKET:SO_BUSY_POLL:EPERM:*");
    CHECK_INT(pcap_activate(p), PCAP_ERROR_PERM_DENIED);
    CHECK_STR(pcap_geterr(p), "Attempt to poll busily for 70 microseconds failed - "
                              "CAP_NET_ADMIN may be required");
    rules("setsockopt:SOL_SOCKET:SO_BUSY_POLL=70:ENOPROTOOPT:*");
    CHECK_INT(pcap_activate(p), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "setsockopt (SO_BUSY_POLL, 70 microseconds): Protocol not available");
    rules("");
    CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
    CHECK_INT(busy_poll_of(p), 70);
    send_numbered(raw, 1, 3);
    CHECK(pcap_loop(p, 3, keep, (unsigned char *)&seen) == 0, "%s", pcap_geterr(p));
    pcap_close(p);
    p = opened("v0", plain);
    CHECK_INT(busy_poll_of(p), 0);
    pcap_close(p);
}

/* A program may set on the descriptor what any socket has. */
CASE(options_of_any_socket)
{
    static const struct {
        int option, value, told;
    } each[] = {{SO_SNDBUF, 100000, 200000}, {SO_PRIORITY, 5, 5}, {SO_RCVLOWAT, 3, 3}, {SO_BROADCAST, 1, 1}};
    struct timeval second = {1, 0};
    unsigned char frame[60];
    pcap_t *p, *q;
    size_t i;
    int raw, fd;

    enter_veth();
    raw = raw_socket("v1");
    p = opened("v0", plain);
    q = opened("v1", plain);
    fd = pcap_fileno(p);
    for (i = 0; i < sizeof each / sizeof *each; i++) {
        int value = each[i].value;
        socklen_t len = sizeof value;

        CHECK(setsockopt(fd, SOL_SOCKET, each[i].option, &value, len) == 0, "%s", strerror(errno));
        CHECK(getsockopt(fd, SOL_SOCKET, each[i].option, &value, &len) == 0, "%s", strerror(errno));
        CHECK_INT(value, each[i].told);
    }
    CHECK(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second) == 0, "SO_SNDTIMEO");
    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second) == 0, "SO_RCVTIMEO");
    send_numbered(raw, 1, 3);
    seen.n = 0;
    CHECK(pcap_loop(p, 3, keep, (unsigned char *)&seen) == 0, "%s", pcap_geterr(p));
    CHECK_INT(frame_number(seen.data[2]), 3);
    fill_frame(frame, 9, sizeof frame);
    CHECK_INT(pcap_inject(p, frame, sizeof frame), sizeof frame);
    seen.n = 0;
    CHECK(pcap_loop(q, 4, keep, (unsigned char *)&seen) == 0, "%s", pcap_geterr(q));
    CHECK_INT(frame_number(seen.data[3]), 9);
    pcap_close(p);
    pcap_close(q);
}
