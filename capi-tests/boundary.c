/*
 * The rules of the C boundary: what a callback may do with the handle that called it, and that a
 * longjmp out of pcap_loop leaves the handle whole. Every case runs on the block ring (TPACKET_V3)
 * and on the frame ring of immediate mode.
 */
#include "net.h"

#include <setjmp.h>

#define SENT 5

struct reentry {
    pcap_t *p;
    int raw;                                      /* sends into v1 */
    void (*act)(struct reentry *, const unsigned char *); /* done in the first callback */
    int rc;                                       /* what the act got */
    struct caught seen;                           /* what the callbacks got, in order */
    int outer;                                    /* calls of the outer callback */
    int rc_loop;
};

static struct reentry r;

static void callback(unsigned char *user, const struct pcap_pkthdr *h, const unsigned char *data)
{
    CHECK(user == (unsigned char *)&r, "user pointer %p", (void *)user);
    keep((unsigned char *)&r.seen, h, data);
    if (r.outer++ == 0 && r.act != NULL)
        r.act(&r, data);
}

static void check_numbers(unsigned first, int count)
{
    int i;

    CHECK_INT(r.seen.n, count);
    for (i = 0; i < count; i++)
        CHECK_INT(frame_number(r.seen.data[i]), first + (unsigned)i);
}

/* Opens v0, sends SENT frames into it, waits until they are all in the ring. */
static void start(struct how how)
{
    memset(&r, 0, sizeof r);
    r.p = opened("v0", how);
    r.raw = raw_socket("v1");
    CHECK_INT(pcap_setdirection(r.p, PCAP_D_IN), 0);
    send_numbered(r.raw, 0, SENT);
    wait_readable(r.p, SENT);
}

static void finish(void)
{
    pcap_close(r.p);
    close(r.raw);
}

static void on_both_rings(void (*body)(void))
{
    int fds;

    enter_veth();
    fds = count_fds();
    start(plain);
    body();
    start(immediate);
    body();
    CHECK_INT(count_fds(), fds);
}

static void loop_with(void (*act)(struct reentry *, const unsigned char *), int cnt)
{
    r.act = act;
    r.rc_loop = pcap_loop(r.p, cnt, callback, (unsigned char *)&r);
}

/* breakloop: -2 at once, and the packets behind it are not lost. */
static void act_breakloop(struct reentry *x, const unsigned char *data)
{
    (void)data;
    pcap_breakloop(x->p);
}

static void body_breakloop(void)
{
    loop_with(act_breakloop, -1);
    CHECK_INT(r.rc_loop, PCAP_ERROR_BREAK);
    check_numbers(0, 1);
    loop_with(NULL, SENT - 1);
    CHECK_INT(r.rc_loop, 0);
    check_numbers(0, SENT);
    finish();
}

CASE(breakloop_in_callback)
{
    on_both_rings(body_breakloop);
}

static void act_stats(struct reentry *x, const unsigned char *data)
{
    struct pcap_stat st = {0, 0, 0};

    (void)data;
    x->rc = pcap_stats(x->p, &st);
    CHECK(st.ps_recv >= SENT && st.ps_drop == 0, "recv %u drop %u", st.ps_recv, st.ps_drop);
}

static void body_stats(void)
{
    loop_with(act_stats, SENT);
    CHECK_INT(r.rc_loop, 0);
    CHECK_INT(r.rc, 0);
    check_numbers(0, SENT);
    finish();
}

CASE(stats_in_callback)
{
    on_both_rings(body_stats);
}

/* A filter set in the callback rules from the next packet on, even when that is in the ring already. */
static void act_setfilter(struct reentry *x, const unsigned char *data)
{
    static struct bpf_insn none[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    struct bpf_program prog = {1, none};

    (void)data;
    x->rc = pcap_setfilter(x->p, &prog);
}

static void body_setfilter(void)
{
    char err[PCAP_ERRBUF_SIZE];
    int rc, i;

    CHECK_INT(pcap_setnonblock(r.p, 1, err), 0);
    r.act = act_setfilter;
    for (i = 0; i < 20; i++) {
        rc = pcap_dispatch(r.p, -1, callback, (unsigned char *)&r);
        CHECK(rc == 0 || rc == 1, "dispatch %d: %s", rc, pcap_geterr(r.p));
        sleep_ms(2);
    }
    CHECK_INT(r.rc, 0);
    check_numbers(0, 1);
    finish();
}

CASE(setfilter_in_callback)
{
    on_both_rings(body_setfilter);
}

static void act_inject(struct reentry *x, const unsigned char *data)
{
    unsigned char f[60];

    (void)data;
    fill_frame(f, 99, sizeof f);
    x->rc = pcap_inject(x->p, f, sizeof f);
}

static void body_inject(void)
{
    loop_with(act_inject, SENT);
    CHECK_INT(r.rc_loop, 0);
    CHECK_INT(r.rc, 60);
    check_numbers(0, SENT);
    finish();
}

CASE(inject_in_callback)
{
    on_both_rings(body_inject);
}

static void act_geterr(struct reentry *x, const unsigned char *data)
{
    char *text = pcap_geterr(x->p);

    (void)data;
    CHECK(text != NULL, "NULL");
    x->rc = pcap_setdirection(x->p, (pcap_direction_t)17);
    CHECK(pcap_geterr(x->p) == text, "pcap_geterr moved");
    CHECK_STR(text, "Invalid direction");
}

static void body_geterr(void)
{
    loop_with(act_geterr, SENT);
    CHECK_INT(r.rc_loop, 0);
    CHECK_INT(r.rc, -1);
    check_numbers(0, SENT);
    finish();
}

CASE(geterr_in_callback)
{
    on_both_rings(body_geterr);
}

/* After pcap_close in the callback, the loop ends and touches nothing that is gone. */
static void act_close(struct reentry *x, const unsigned char *data)
{
    unsigned char before = data[0];

    pcap_close(x->p);
    (void)before;
}

static void body_close(void)
{
    loop_with(act_close, -1);
    CHECK_INT(r.rc_loop, PCAP_ERROR_BREAK);
    check_numbers(0, 1);
    close(r.raw);
}

CASE(close_in_callback)
{
    on_both_rings(body_close);
}

static void body_close_dispatch(void)
{
    r.act = act_close;
    r.rc_loop = pcap_dispatch(r.p, -1, callback, (unsigned char *)&r);
    CHECK_INT(r.rc_loop, PCAP_ERROR_BREAK);
    check_numbers(0, 1);
    close(r.raw);
}

CASE(close_in_callback_of_dispatch)
{
    on_both_rings(body_close_dispatch);
}

/* Nested reads take the packets that follow; none comes twice, none is lost. */
static void act_dispatch(struct reentry *x, const unsigned char *data)
{
    (void)data;
    x->rc = pcap_dispatch(x->p, 2, keep, (unsigned char *)&x->seen);
}

static void body_dispatch(void)
{
    loop_with(act_dispatch, SENT - 2);
    CHECK_INT(r.rc, 2);
    CHECK_INT(r.rc_loop, 0);
    CHECK_INT(r.outer, SENT - 2);
    check_numbers(0, SENT);
    finish();
}

CASE(nested_dispatch)
{
    on_both_rings(body_dispatch);
}

static void act_next_ex(struct reentry *x, const unsigned char *data)
{
    struct pcap_pkthdr *h;
    const unsigned char *next;

    (void)data;
    x->rc = pcap_next_ex(x->p, &h, &next);
    CHECK_INT(x->rc, 1);
    keep((unsigned char *)&x->seen, h, next);
}

static void body_next_ex(void)
{
    loop_with(act_next_ex, SENT - 1);
    CHECK_INT(r.rc_loop, 0);
    check_numbers(0, SENT);
    finish();
}

CASE(nested_next_ex)
{
    on_both_rings(body_next_ex);
}

/* The rest of the packets came in: with the direction set to "out", none of them is delivered. */
static void act_setdirection(struct reentry *x, const unsigned char *data)
{
    (void)data;
    x->rc = pcap_setdirection(x->p, PCAP_D_OUT);
}

static void body_setdirection(void)
{
    int out = raw_socket("v0"); /* the kernel never shows a socket its own packets */

    send_numbered(out, 1000, 1);
    close(out);
    loop_with(act_setdirection, 2);
    CHECK_INT(r.rc_loop, 0);
    CHECK_INT(r.rc, 0);
    CHECK_INT(r.seen.n, 2);
    CHECK_INT(frame_number(r.seen.data[0]), 0);
    CHECK_INT(frame_number(r.seen.data[1]), 1000);
    finish();
}

CASE(setdirection_in_callback)
{
    on_both_rings(body_setdirection);
}

static void act_setnonblock(struct reentry *x, const unsigned char *data)
{
    char err[PCAP_ERRBUF_SIZE] = "";

    (void)data;
    x->rc = pcap_setnonblock(x->p, 1, err);
    CHECK_INT(pcap_getnonblock(x->p, err), 1);
}

static void body_setnonblock(void)
{
    loop_with(act_setnonblock, SENT);
    CHECK_INT(r.rc_loop, 0);
    CHECK_INT(r.rc, 0);
    check_numbers(0, SENT);
    CHECK_INT(pcap_dispatch(r.p, -1, callback, (unsigned char *)&r), 0);
    finish();
}

CASE(setnonblock_in_callback)
{
    on_both_rings(body_setnonblock);
}

/* What only asks: nothing of it may fail or disturb the loop. */
static void act_getters(struct reentry *x, const unsigned char *data)
{
    int *list = NULL;

    (void)data;
    CHECK_INT(pcap_datalink(x->p), DLT_EN10MB);
    CHECK_INT(pcap_snapshot(x->p), 262144);
    CHECK(pcap_fileno(x->p) >= 0 && pcap_get_selectable_fd(x->p) >= 0, "no descriptor");
    CHECK(pcap_list_datalinks(x->p, &list) > 0, "%s", pcap_geterr(x->p));
    pcap_free_datalinks(list);
    CHECK_INT(pcap_set_snaplen(x->p, 100), PCAP_ERROR_ACTIVATED);
    CHECK_INT(pcap_activate(x->p), PCAP_ERROR_ACTIVATED);
    CHECK(pcap_get_required_select_timeout(x->p) == NULL, "a select timeout");
}

static void body_getters(void)
{
    loop_with(act_getters, SENT);
    CHECK_INT(r.rc_loop, 0);
    check_numbers(0, SENT);
    finish();
}

CASE(getters_in_callback)
{
    on_both_rings(body_getters);
}

/* The bytes lent to a callback stay whole while it calls what does not read. */
static void act_data_stays(struct reentry *x, const unsigned char *data)
{
    unsigned char want[60];

    send_numbered(x->raw, 50, 20);
    sleep_ms(60);
    act_stats(x, data);
    act_setnonblock(x, data);
    fill_frame(want, 0, sizeof want);
    CHECK(memcmp(data, want, sizeof want) == 0, "the packet changed under the callback");
}

static void body_data_stays(void)
{
    loop_with(act_data_stays, 1);
    CHECK_INT(r.rc_loop, 0);
    finish();
}

CASE(data_stays_in_callback)
{
    on_both_rings(body_data_stays);
}

static jmp_buf env;

static void act_longjmp(struct reentry *x, const unsigned char *data)
{
    (void)x;
    (void)data;
    longjmp(env, 1);
}

static void body_longjmp(void)
{
    if (setjmp(env) == 0) {
        loop_with(act_longjmp, -1);
        CHECK(0, "pcap_loop returned %d", r.rc_loop);
    }
    check_numbers(0, 1);
    loop_with(NULL, SENT - 1);
    CHECK_INT(r.rc_loop, 0);
    check_numbers(0, SENT);
    finish();
}

CASE(longjmp_and_go_on)
{
    on_both_rings(body_longjmp);
}

static void body_longjmp_close(void)
{
    if (setjmp(env) == 0)
        loop_with(act_longjmp, -1);
    check_numbers(0, 1);
    finish();
}

CASE(longjmp_and_close)
{
    on_both_rings(body_longjmp_close);
}

/* Many jumps leak no slot of the ring: more of them than the ring has frames or blocks. */
static void body_longjmp_often(void)
{
    volatile int i;

    for (i = 0; i < SENT; i++)
        if (setjmp(env) == 0) {
            r.outer = 0;
            loop_with(act_longjmp, -1);
        }
    check_numbers(0, SENT);
    for (i = 0; i < 100; i++) {
        send_numbered(r.raw, 100 + (unsigned)i, 1);
        if (setjmp(env) == 0) {
            r.outer = 0;
            loop_with(act_longjmp, -1);
        }
    }
    CHECK_INT(r.seen.n, SENT + 100);
    for (i = 0; i < 100; i++)
        CHECK_INT(frame_number(r.seen.data[SENT + i]), 100 + i);
    finish();
}

CASE(longjmp_often)
{
    on_both_rings(body_longjmp_often);
}
