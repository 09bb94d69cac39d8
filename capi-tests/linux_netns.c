/*
 * Capturing in another network namespace. The other one has devices of the same names as ours, and a
 * process that waits in it.
 */
#include "net.h"

#include <linux/if_arp.h>
#include <pcap/linux.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/time.h>

static struct caught seen;
static pid_t keeper;
static char path[64];
static int own_fd, other_fd;

/* Ours and the other one, each with v0, v1 and lo. */
static void enter_two(void)
{
    int told[2];
    char byte;

    enter_veth();
    own_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    CHECK(pipe(told) == 0, "pipe: %s", strerror(errno));
    keeper = fork();
    CHECK(keeper >= 0, "fork: %s", strerror(errno));
    if (keeper == 0) {
        if (unshare(CLONE_NEWNET) != 0)
            _exit(1);
        close(told[0]);
        write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
        write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
        byte = 0;
        if (write(told[1], &byte, 1) != 1)
            _exit(1);
        close(told[1]);
        alarm(CASE_SECONDS);
        pause();
        _exit(0);
    }
    close(told[1]);
    CHECK(read(told[0], &byte, 1) == 1, "no other namespace");
    close(told[0]);
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)keeper);
    other_fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(own_fd >= 0 && other_fd >= 0, "%s: %s", path, strerror(errno));
    CHECK(setns(other_fd, CLONE_NEWNET) == 0, "setns: %s", strerror(errno));
    run("ip link set lo up");
    make_veth();
    CHECK(setns(own_fd, CLONE_NEWNET) == 0, "setns: %s", strerror(errno));
}

static void leave_two(void)
{
    kill(keeper, SIGTERM);
    waitpid(keeper, NULL, 0);
}

/* Runs a command there. */
static void run_there(const char *command)
{
    CHECK(setns(other_fd, CLONE_NEWNET) == 0, "setns: %s", strerror(errno));
    run("%s", command);
    CHECK(setns(own_fd, CLONE_NEWNET) == 0, "setns: %s", strerror(errno));
}

static int raw_there(const char *dev)
{
    int fd;

    CHECK(setns(other_fd, CLONE_NEWNET) == 0, "setns: %s", strerror(errno));
    fd = raw_socket(dev);
    CHECK(setns(own_fd, CLONE_NEWNET) == 0, "setns: %s", strerror(errno));
    return fd;
}

/* This thread is in our own namespace, as ever. */
static void check_own(void)
{
    struct stat own, now_in;

    CHECK(fstat(own_fd, &own) == 0 && stat("/proc/thread-self/ns/net", &now_in) == 0, "stat");
    CHECK(own.st_ino == now_in.st_ino, "in another namespace than before");
}

static pcap_t *created_there(const char *dev, struct how how, int by_fd)
{
    pcap_t *p = created(dev, &how);

    CHECK(by_fd ? pcap_set_netns_fd_linux(p, other_fd) == 0 : pcap_set_netns_linux(p, path) == 0,
          "%s", pcap_geterr(p));
    check_own();
    return p;
}

static pcap_t *opened_there(const char *dev, struct how how, int by_fd)
{
    pcap_t *p = created_there(dev, how, by_fd);

    CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
    check_own();
    CHECK_INT(pcap_setnonblock(p, 1, NULL), 0);
    return p;
}

CASE(devices_of_the_same_name)
{
    struct how how = plain;
    int here, there, by_fd, v2, before;
    pcap_t *p;

    enter_two();
    here = raw_socket("v1");
    there = raw_there("v1");
    before = count_fds();
    for (by_fd = 0; by_fd < 2; by_fd++)
        for (v2 = 0; v2 < 2; v2++) {
            how.immediate = v2;
            p = opened_there("v0", how, by_fd);
            send_numbered(here, 1, 5);
            send_numbered(there, 100, 5);
            seen.n = 0;
            gather_only(p, &seen, 5);
            CHECK_INT(seen.n, 5);
            CHECK_INT(frame_number(seen.data[0]), 100);
            CHECK_INT(pcap_inject(p, seen.data[0], 60), 60);
            pcap_close(p);
        }
    CHECK_INT(count_fds(), before);
    /* Taken back, it is our own. */
    how.immediate = 0;
    for (by_fd = 0; by_fd < 3; by_fd++) {
        p = created_there("v0", how, by_fd & 1);
        if (by_fd == 0)
            CHECK_INT(pcap_set_netns_fd_linux(p, -1), 0);
        else
            CHECK_INT(pcap_set_netns_linux(p, by_fd == 1 ? NULL : ""), 0);
        CHECK_INT(pcap_activate(p), 0);
        CHECK_INT(pcap_setnonblock(p, 1, NULL), 0);
        send_numbered(there, 100, 1);
        send_numbered(here, 1, 1);
        seen.n = 0;
        gather_only(p, &seen, 1);
        CHECK_INT(seen.n, 1);
        CHECK_INT(frame_number(seen.data[0]), 1);
        pcap_close(p);
    }
    leave_two();
}

/* The descriptor may be closed, and the process be gone that was in the namespace. */
CASE(namespace_that_is_left)
{
    int there;
    pcap_t *p, *q;

    enter_two();
    there = raw_there("v1");
    p = created_there("v0", plain, 1);
    q = opened_there("v0", plain, 0);
    close(other_fd);
    leave_two();
    CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
    CHECK_INT(pcap_setnonblock(p, 1, NULL), 0);
    send_numbered(there, 1, 3);
    gather(p, &seen, 3);
    CHECK_INT(seen.n, 3);
    seen.n = 0;
    gather(q, &seen, 3);
    CHECK_INT(seen.n, 3);
    pcap_close(p);
    pcap_close(q);
}

CASE(devices_that_are_in_one_only)
{
    pcap_t *p;
    int there;

    enter_two();
    run("ip link add x0 type veth peer name x1; ip link set x0 up; ip link set x1 up");
    run_there("ip link add y0 type veth peer name y1; ip link set y0 up; ip link set y1 up;"
              "ip link add z0 type veth peer name z1;" UNTIL_UP("2", "y[01]"));
    p = created_there("x0", plain, 0);
    CHECK_INT(pcap_activate(p), PCAP_ERROR_NO_SUCH_DEVICE);
    check_own();
    pcap_close(p);
    p = created_there("z0", plain, 0);
    CHECK_INT(pcap_activate(p), PCAP_ERROR_IFACE_NOT_UP);
    check_own();
    run_there("ip link set z0 up; ip link set z1 up");
    CHECK(pcap_activate(p) == 0, "again: %s", pcap_geterr(p));
    pcap_close(p);
    there = raw_there("y1");
    p = opened_there("y0", plain, 0);
    send_numbered(there, 7, 1);
    gather(p, &seen, 1);
    CHECK_INT(seen.n, 1);
    pcap_close(p);
    leave_two();
}

CASE(any_device)
{
    struct how how = plain;
    int here, there;
    pcap_t *p;

    enter_two();
    here = raw_socket("v1");
    there = raw_there("v1");
    p = opened_there("any", how, 0);
    send_numbered(here, 1, 3);
    send_numbered(there, 100, 2);
    /* Each is seen as it leaves v1, and as it comes to v0. */
    gather_only(p, &seen, 4);
    CHECK_INT(seen.n, 4);
    CHECK_INT(get32(seen.data[0] + 16), 100);
    pcap_close(p);
    leave_two();
}

static int promiscuity(const char *dev, int there)
{
    char command[200];
    FILE *f;
    int n = -1;

    if (there)
        CHECK(setns(other_fd, CLONE_NEWNET) == 0, "setns: %s", strerror(errno));
    snprintf(command, sizeof command,
             "unset LD_PRELOAD LD_LIBRARY_PATH; ip -d link show %s | sed -n 's/.*promiscuity \\([0-9]*\\).*/\\1/p'", dev);
    f = popen(command, "r");
    CHECK(f != NULL && fscanf(f, "%d", &n) == 1, "no promiscuity");
    pclose(f);
    if (there)
        CHECK(setns(own_fd, CLONE_NEWNET) == 0, "setns: %s", strerror(errno));
    return n;
}

CASE(promiscuous_mode_there)
{
    struct how how = plain;
    pcap_t *p;

    enter_two();
    how.promisc = 1;
    p = opened_there("v0", how, 0);
    CHECK_INT(promiscuity("v0", 1), 1);
    CHECK_INT(promiscuity("v0", 0), 0);
    pcap_close(p);
    CHECK_INT(promiscuity("v0", 1), 0);
    leave_two();
}

static pcap_t *asked;
static struct pcap_stat answer;

static void on_time(int number)
{
    (void)number;
    pcap_stats(asked, &answer);
}

/* What the other interface misses counts, and nothing of ours; a signal handler may ask, too. */
CASE(drops_of_the_interface)
{
    struct itimerval timer = {{0, 1000}, {0, 1000}}, off = {{0, 0}, {0, 0}};
    struct how how = plain;
    struct pcap_stat st;
    pcap_t *p;
    int i;

    enter_two();
    if (shim_missed == NULL)
        skip("the shim is not preloaded");
    how.promisc = 1;
    p = opened_there("v0", how, 0);
    CHECK_INT(pcap_stats(p, &st), 0);
    CHECK_INT(st.ps_ifdrop, 0);
    shim_missed(12);
    CHECK_INT(pcap_stats(p, &st), 0);
    CHECK_INT(st.ps_ifdrop, 12);
    asked = p;
    signal(SIGPROF, on_time);
    setitimer(ITIMER_PROF, &timer, NULL);
    for (i = 0; i < 20000 && (i < 2000 || answer.ps_ifdrop == 0); i++) {
        free(malloc(100));
        CHECK_INT(pcap_stats(p, &st), 0);
        CHECK_INT(st.ps_ifdrop, 12);
    }
    setitimer(ITIMER_PROF, &off, NULL);
    CHECK_INT(answer.ps_ifdrop, 12);
    pcap_close(p);
    how.promisc = 0;
    p = opened_there("v0", how, 0);
    shim_missed(50);
    CHECK_INT(pcap_stats(p, &st), 0);
    CHECK_INT(st.ps_ifdrop, 0);
    pcap_close(p);
    shim_missed(0);
    leave_two();
}

CASE(cooked_device)
{
    static const unsigned char packet[40] = {0x45, 0, 0, 40};
    struct how how = plain;
    int tun, immediate;
    pcap_t *p;

    enter_two();
    CHECK(setns(other_fd, CLONE_NEWNET) == 0, "setns: %s", strerror(errno));
    tun = make_tun("c0", ARPHRD_PPP);
    CHECK(setns(own_fd, CLONE_NEWNET) == 0, "setns: %s", strerror(errno));
    for (immediate = 0; immediate < 2; immediate++) {
        how.immediate = immediate;
        p = opened_there("c0", how, 0);
        CHECK_INT(pcap_datalink(p), DLT_LINUX_SLL);
        CHECK(write(tun, packet, sizeof packet) == sizeof packet, "%s", strerror(errno));
        seen.n = 0;
        gather(p, &seen, 1);
        CHECK_INT(seen.n, 1);
        CHECK_INT(seen.hdr[0].caplen, 16 + sizeof packet);
        CHECK_INT(get16(seen.data[0] + 2), ARPHRD_PPP);
        CHECK(memcmp(seen.data[0] + 16, packet, sizeof packet) == 0, "another packet");
        pcap_close(p);
    }
    leave_two();
}

/* Only wired Ethernet may be DOCSIS. */
CASE(wireless_device)
{
    int wireless, *list, n;
    pcap_t *p;

    enter_two();
    for (wireless = 0; wireless < 2; wireless++) {
        rules(wireless ? "ioctl:IOCTL:SIOCGIWNAME:OK:*" : "");
        p = opened_there("v0", plain, 0);
        n = pcap_list_datalinks(p, &list);
        CHECK_INT(n, wireless ? 1 : 2);
        pcap_free_datalinks(list);
        pcap_close(p);
    }
    leave_two();
}

static void *delete_later(void *unused)
{
    (void)unused;
    sleep_ms(100);
    run_there("ip link del v0");
    return NULL;
}

CASE(interface_going_away)
{
    double start;
    pthread_t t;
    pcap_t *p;
    int raw, i, rc, waits = 0;

    enter_two();
    raw = raw_there("v1");
    p = opened_there("v0", plain, 1);
    run_there("ip link set v0 down");
    for (i = 0; i < 20; i++) {
        rc = pcap_dispatch(p, -1, keep, (unsigned char *)&seen);
        CHECK(rc == 0, "while down: %d, %s", rc, pcap_geterr(p));
        waits += pcap_get_required_select_timeout(p) != NULL;
        sleep_ms(2);
    }
    CHECK(waits > 0, "no select timeout while the interface is down");
    run_there("ip link set v0 up && " VETH_UP);
    CHECK(pcap_dispatch(p, -1, keep, (unsigned char *)&seen) >= 0, "%s", pcap_geterr(p));
    seen.n = 0;
    send_numbered(raw, 1, 1);
    gather(p, &seen, 1);
    CHECK_INT(seen.n, 1);
    CHECK_INT(pcap_setnonblock(p, 0, NULL), 0);
    start = now();
    CHECK(pthread_create(&t, NULL, delete_later, NULL) == 0, "no thread");
    CHECK_INT(pcap_loop(p, -1, keep, (unsigned char *)&seen), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "The interface disappeared");
    CHECK(now() - start < PATIENCE, "%.3f s", now() - start);
    pthread_join(t, NULL);
    pcap_close(p);
    leave_two();
}

static void fails(const char *where, int rc, const char *text)
{
    pcap_t *p = created("v0", &plain);
    int fds = count_fds();

    CHECK_INT(pcap_set_netns_linux(p, where), 0);
    CHECK_INT(pcap_activate(p), rc);
    CHECK_STR(pcap_geterr(p), text);
    check_own();
    CHECK_INT(count_fds(), fds);
    /* It can be tried again. */
    CHECK_INT(pcap_set_netns_linux(p, path), 0);
    CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
    pcap_close(p);
}

CASE(what_is_no_namespace)
{
    char text[120];
    pcap_t *p;
    int null = open("/dev/null", O_RDONLY);

    enter_two();
    fails("/nonexistent", PCAP_ERROR,
          "can't open network namespace /nonexistent: No such file or directory");
    fails("/dev/null", PCAP_ERROR, "can't enter network namespace /dev/null: it is none");
    fails("/proc/self/ns/mnt", PCAP_ERROR,
          "can't enter network namespace /proc/self/ns/mnt: it is none");
    p = created("v0", &plain);
    CHECK_INT(pcap_set_netns_fd_linux(p, 12345), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "can't copy descriptor 12345: Bad file descriptor");
    CHECK_INT(pcap_set_netns_fd_linux(p, null), 0);
    CHECK_INT(pcap_activate(p), PCAP_ERROR);
    snprintf(text, sizeof text, "can't enter network namespace of descriptor %d: it is none", null);
    CHECK_STR(pcap_geterr(p), text);
    pcap_close(p);
    leave_two();
}

CASE(without_privileges)
{
    char text[200];
    pcap_t *p;

    enter_two();
    p = created("v0", &plain);
    CHECK(seteuid(65534) == 0 || errno == EINVAL, "seteuid: %s", strerror(errno));
    if (geteuid() == 0)
        skip("no other user to become");
    CHECK_INT(pcap_set_netns_fd_linux(p, other_fd), 0);
    CHECK_INT(pcap_activate(p), PCAP_ERROR_PERM_DENIED);
    snprintf(text, sizeof text,
             "Attempt to enter network namespace of descriptor %d failed - CAP_SYS_ADMIN may be required",
             other_fd);
    CHECK_STR(pcap_geterr(p), text);
    check_own();
    CHECK(seteuid(0) == 0, "seteuid: %s", strerror(errno));
    CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
    pcap_close(p);
    leave_two();
}

/* The types of time stamps are those of the device there. */
CASE(time_stamp_types)
{
    pcap_t *p;
    int *types, n;

    enter_two();
    if (shim_ts_info == NULL)
        skip("the shim is not preloaded");
    run_there("ip link add y0 type veth peer name y1; ip link set y0 up; ip link set y1 up");
    p = created("y0", &plain);
    CHECK_INT(pcap_list_tstamp_types(p, &types), 1);
    pcap_free_tstamp_types(types);
    shim_ts_info(0x70, 2);
    CHECK_INT(pcap_set_netns_linux(p, path), 0);
    n = pcap_list_tstamp_types(p, &types);
    CHECK_INT(n, 3);
    pcap_free_tstamp_types(types);
    shim_ts_info(0, 0);
    CHECK_INT(pcap_set_netns_linux(p, NULL), 0);
    CHECK_INT(pcap_list_tstamp_types(p, &types), 1);
    pcap_free_tstamp_types(types);
    pcap_close(p);
    leave_two();
}

static pcap_t *cancelled;

static void *activate_for_ever(void *unused)
{
    (void)unused;
    for (;;) {
        cancelled = created_there("v0", plain, 0);
        pcap_activate(cancelled);
        check_own();
        pcap_close(cancelled);
        pthread_testcancel();
    }
    return NULL;
}

/* A thread that is cancelled meanwhile is cancelled later, and was in its own namespace throughout. */
CASE(cancelled_threads)
{
    pthread_t t;
    void *result;
    int i;

    enter_two();
    for (i = 0; i < (under_valgrind() ? 3 : 20); i++) {
        CHECK(pthread_create(&t, NULL, activate_for_ever, NULL) == 0, "no thread");
        sleep_ms(1 + i * 3);
        CHECK_INT(pthread_cancel(t), 0);
        CHECK_INT(pthread_join(t, &result), 0);
        CHECK(result == PTHREAD_CANCELED, "not cancelled");
    }
    check_own();
    leave_two();
}

/* A handle on v0 that is to be in group 7, here or there. */
static pcap_t *in_group(int there, int mode)
{
    struct how how = plain;
    pcap_t *p = there ? created_there("v0", how, 1) : created("v0", &how);

    CHECK_INT(pcap_set_fanout_linux(p, mode, 0, 7), 0);
    return p;
}

/* Groups of one number here and there are two: what is wrong with joining the one says nothing of the other. */
CASE(fanout_groups)
{
    pcap_t *here, *there, *p;

    enter_two();
    here = in_group(0, PCAP_FANOUT_LB);
    CHECK(pcap_activate(here) == 0, "%s", pcap_geterr(here));
    there = in_group(1, PCAP_FANOUT_HASH);
    CHECK(pcap_activate(there) == 0, "%s", pcap_geterr(there));
    CHECK_INT(pcap_get_fanout_linux(there), 7);

    p = in_group(1, PCAP_FANOUT_CPU);
    CHECK_INT(pcap_activate(p), PCAP_ERROR);
    CHECK(strcmp(pcap_geterr(p), "can't join fanout group 7: its mode is hash, not cpu") == 0, "%s", pcap_geterr(p));
    pcap_close(p);
    pcap_close(there);
    p = in_group(1, PCAP_FANOUT_CBPF);
    CHECK_INT(pcap_activate(p), PCAP_ERROR);
    CHECK(strstr(pcap_geterr(p), "needs a program"), "%s", pcap_geterr(p));
    pcap_close(p);
    pcap_close(here);
    check_own();
    leave_two();
}
