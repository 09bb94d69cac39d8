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
        gather(p, &seen, 2, ignore ? 0.3 : 2);
        CHECK_INT(seen.n, 2 - ignore);
        CHECK_INT(frame_number(seen.data[0]), 1 + ignore);
        pcap_close(p);
    }
}

CASE(ignore_outgoing)
{
    in_modes(RINGS_NOW, body_ignore_outgoing);
}
