/*
 * A C++ exception thrown by the callback passes through pcap_loop and pcap_dispatch; the handle goes
 * on from the next packet, on the block ring and on the frame ring.
 */
#include "net.h"

#include <stdexcept>

static int thrown, taken;

static void throws(unsigned char *, const struct pcap_pkthdr *, const unsigned char *data)
{
    if (frame_number(data) % 2 == 0)
        throw std::runtime_error("from the callback");
    taken++;
}

static void through(const struct how &how, bool loop)
{
    int raw = raw_socket("v1");
    pcap_t *p = opened("v0", how);
    double end = now() + PATIENCE;

    thrown = taken = 0;
    CHECK_INT(pcap_setdirection(p, PCAP_D_IN), 0);
    send_numbered(raw, 0, 10);
    while (thrown + taken < 10 && now() < end) {
        try {
            int rc = loop ? pcap_loop(p, 1, throws, NULL) : pcap_dispatch(p, -1, throws, NULL);

            CHECK(rc >= 0, "rc %d: %s", rc, pcap_geterr(p));
        } catch (const std::runtime_error &e) {
            CHECK_STR(e.what(), "from the callback");
            thrown++;
        }
    }
    CHECK_INT(thrown, 5);
    CHECK_INT(taken, 5);
    pcap_close(p);
    close(raw);
}

CASE(exception_through_loop)
{
    enter_veth();
    through(plain, true);
    through(immediate, true);
}

CASE(exception_through_dispatch)
{
    enter_veth();
    through(plain, false);
    through(immediate, false);
}
