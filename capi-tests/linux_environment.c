/*
 * PCAP_LINUX_OPTIONS: what each key does to a handle of a program that does not know it.
 */
#include "net.h"

/* Both have a struct of this name. */
#define bpf_insn linux_bpf_insn
#include <linux/bpf.h>
#undef bpf_insn
#include <pcap/linux.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static struct caught seen;

static void options(const char *text)
{
    CHECK(setenv("PCAP_LINUX_OPTIONS", text, 1) == 0, "setenv: %s", strerror(errno));
}

static pcap_t *by(const char *text, struct how how)
{
    options(text);
    return opened("v0", how);
}

static struct pcap_ring_linux ring_by(const char *text, struct how how)
{
    struct pcap_ring_linux ring = {sizeof ring, 0, 0, 0, 0, 0, 0, 0};
    pcap_t *p = by(text, how);

    CHECK(pcap_get_ring_linux(p, &ring) == 0, "%s", pcap_geterr(p));
    pcap_close(p);
    return ring;
}

CASE(ring)
{
    enter_veth();
    CHECK_INT(ring_by("", plain).version, 3);
    CHECK_INT(ring_by("ring=2", plain).version, 2);
    CHECK_INT(ring_by("ring=1", plain).version, 1);
    CHECK_INT(ring_by("ring=3", immediate).version, 3);
    CHECK_INT(ring_by("block_size=64k", plain).block_size, 65536);
    CHECK_INT(ring_by("ring=2,frame_size=2K", plain).frame_size, 2048);
    CHECK_INT(ring_by("block_timeout=20", plain).block_timeout_ms, 20);
    CHECK_INT(ring_by("rxhash", plain).rxhash, 1);
    CHECK_INT(ring_by("rxhash=0", plain).rxhash, 0);
    CHECK_INT(ring_by("buffer=4M", plain).blocks, 16);
    CHECK_INT(ring_by("buffer=262145", plain).blocks, 2);
    CHECK_INT(ring_by("timeout=77", plain).block_timeout_ms, 77);
    CHECK_INT(ring_by("immediate", plain).version, 2);
    CHECK_INT(ring_by("immediate=0", immediate).version, 3);
}

static int option_of(pcap_t *p, int level, int option)
{
    int value = -1;
    socklen_t len = sizeof value;

    CHECK(getsockopt(pcap_fileno(p), level, option, &value, &len) == 0, "%s", strerror(errno));
    return value;
}

static int option_by(const char *text, int level, int option)
{
    pcap_t *p = by(text, plain);
    int value = option_of(p, level, option);

    pcap_close(p);
    return value;
}

CASE(socket_options)
{
    enter_veth();
    CHECK_INT(option_by("ignore_outgoing", SOL_PACKET, PACKET_IGNORE_OUTGOING), 1);
    CHECK_INT(option_by("ignore_outgoing=0", SOL_PACKET, PACKET_IGNORE_OUTGOING), 0);
    CHECK_INT(option_by("qdisc_bypass", SOL_PACKET, PACKET_QDISC_BYPASS), 1);
    CHECK_INT(option_by("qdisc_bypass=0", SOL_PACKET, PACKET_QDISC_BYPASS), 0);
    CHECK_INT(option_by("busy_poll=60", SOL_SOCKET, SO_BUSY_POLL), 60);
    CHECK_INT(option_by("tx_ring=64k", SOL_PACKET, PACKET_LOSS), 0);
    CHECK_INT(option_by("tx_ring=64k,loss", SOL_PACKET, PACKET_LOSS), 1);
    CHECK_INT(option_by("tx_ring=64k", SOL_PACKET, PACKET_VNET_HDR), 0);
    CHECK_INT(option_by("tx_ring=64k,copy", SOL_PACKET, PACKET_VNET_HDR), 1);
}

CASE(time_stamps)
{
    pcap_t *p;

    enter_veth();
    CHECK_INT(option_by("tstamp=host", SOL_PACKET, PACKET_TIMESTAMP), 0);
    /* What the device has not got is a warning, as it is when a program asks. */
    options("tstamp=adapter_unsynced");
    p = created("v0", &plain);
    CHECK_INT(pcap_activate(p), PCAP_WARNING_TSTAMP_TYPE_NOTSUP);
    pcap_close(p);
    rules("ioctl:IOCTL:SIOCSHWTSTAMP:OK:*");
    CHECK_INT(option_by("tstamp=adapter_unsynced", SOL_PACKET, PACKET_TIMESTAMP), 64);
    CHECK_INT(option_by("tstamp=adapter", SOL_PACKET, PACKET_TIMESTAMP), 32);
}

CASE(network_namespace)
{
    char text[80], byte;
    pcap_t *p;
    pid_t other;
    int told[2];

    enter_veth();
    pcap_close(by("netns=/proc/self/ns/net", plain));
    CHECK(pipe(told) == 0, "pipe: %s", strerror(errno));
    other = fork();
    CHECK(other >= 0, "fork: %s", strerror(errno));
    if (other == 0) {
        if (unshare(CLONE_NEWNET) != 0 || write(told[1], "", 1) != 1)
            _exit(1);
        alarm(CASE_SECONDS);
        pause();
        _exit(0);
    }
    CHECK(read(told[0], &byte, 1) == 1, "no other namespace");
    snprintf(text, sizeof text, "netns=/proc/%d/ns/net", (int)other);
    options(text);
    p = created("v0", &plain);
    CHECK_INT(pcap_activate(p), PCAP_ERROR_NO_SUCH_DEVICE);
    pcap_close(p);
    pcap_close(opened("any", plain));
    kill(other, SIGTERM);
    waitpid(other, NULL, 0);
}

/* A new member of the group, which was opened by what the environment says. */
static pcap_t *member(const char *text, int mode, int flags)
{
    struct how how = plain;
    pcap_t *p;

    how.nonblock = 1;
    p = by(text, how);
    CHECK_INT((unsigned)option_of(p, SOL_PACKET, PACKET_FANOUT) >> 16, mode | flags);
    return p;
}

CASE(fanout)
{
    pcap_t *p, *q;

    enter_veth();
    p = member("fanout=hash,group=7", PACKET_FANOUT_HASH, 0);
    q = member("group=7,fanout=hash", PACKET_FANOUT_HASH, 0);
    CHECK_INT(pcap_get_fanout_linux(p), 7);
    CHECK_INT(pcap_get_fanout_linux(q), 7);
    pcap_close(p);
    pcap_close(q);
    p = member("fanout=lb+rollover+defrag,group=65535", PACKET_FANOUT_LB,
               PACKET_FANOUT_FLAG_ROLLOVER | PACKET_FANOUT_FLAG_DEFRAG);
    CHECK_INT(pcap_get_fanout_linux(p), 65535);
    pcap_close(p);
    /* What the program asked for counts no more. */
    options("group=9,fanout=rnd");
    p = created("v0", &plain);
    CHECK_INT(pcap_set_fanout_linux(p, PCAP_FANOUT_CPU, 0, 3), 0);
    CHECK_INT(pcap_activate(p), 0);
    CHECK_INT(pcap_get_fanout_linux(p), 9);
    pcap_close(p);
}

/* Two members of a group that has a program which sends frames of TEST_TYPE to the second. */
static void sorted(const char *text, int mode, int others)
{
    pcap_t *p = member(text, mode, 0), *q = member(text, mode, 0);
    unsigned char frame[60];
    int raw = raw_socket("v1"), i;

    for (i = 0; i < 10; i++) {
        send_numbered(raw, 1, 1);
        fill_frame(frame, 2, sizeof frame);
        put16(frame + 12, 0x9000);
        send_raw(raw, frame, sizeof frame);
    }
    seen.n = 0;
    gather(q, &seen, 10 + others);
    CHECK_INT(seen.n, 10 + others);
    for (i = 0; i < 10 && !others; i++)
        CHECK_INT(frame_number(seen.data[i]), 1);
    seen.n = 0;
    gather_only(p, &seen, 10 - others);
    CHECK_INT(seen.n, 10 - others);
    pcap_close(p);
    pcap_close(q);
    close(raw);
}

CASE(fanout_program)
{
    pcap_t *p;

    enter_veth();
    sorted("fanout=cbpf,group=5,fanout_program=ether proto 0x88b5", PACKET_FANOUT_CBPF, 0);
    sorted("fanout_program=ether proto 0x88b5 or vlan 7,group=5", PACKET_FANOUT_CBPF, 0);
    options("group=5,fanout_program=tcp prot 80");
    p = created("v0", &plain);
    CHECK_INT(pcap_activate(p), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "fanout_program: can't parse filter expression: syntax error near \"prot\"");
    pcap_close(p);
}

CASE(fanout_ebpf)
{
    /* Returns 1. */
    static const struct linux_bpf_insn insns[] = {{0xb7, 0, 0, 0, 1}, {0x95, 0, 0, 0, 0}};
    char dir[] = "/tmp/bpf-XXXXXX", path[40], text[80];
    union bpf_attr attr;
    int fd;

    enter_veth();
    memset(&attr, 0, sizeof attr);
    attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    attr.insns = (uintptr_t)insns;
    attr.insn_cnt = 2;
    attr.license = (uintptr_t) "GPL";
    fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof attr);
    if (fd < 0)
        skip("BPF_PROG_LOAD: %s", strerror(errno));
    CHECK(mkdtemp(dir) != NULL, "%s: %s", dir, strerror(errno));
    if (mount("bpf", dir, "bpf", 0, NULL) != 0)
        skip("mount bpf: %s", strerror(errno));
    snprintf(path, sizeof path, "%s/one", dir);
    memset(&attr, 0, sizeof attr);
    attr.pathname = (uintptr_t)path;
    attr.bpf_fd = (unsigned)fd;
    CHECK(syscall(SYS_bpf, BPF_OBJ_PIN, &attr, sizeof attr) == 0, "pin: %s", strerror(errno));
    close(fd);
    snprintf(text, sizeof text, "fanout_ebpf=%s,group=6", path);
    sorted(text, PACKET_FANOUT_EBPF, 10);
    CHECK(umount(dir) == 0 && rmdir(dir) == 0, "%s: %s", dir, strerror(errno));
}

static const struct {
    const char *text, *error;
} bad[] = {
    {"fanuot=hash", "unknown key \"fanuot\", keys: fanout fanout_program "},
    {"ring=2,=3", "unknown key \"\", "},
    {"Ring=2", "unknown key \"Ring\", "},
    {"ring=4", "bad value \"4\" of key \"ring\": expected 1, 2 or 3"},
    {"ring", "bad value \"\" of key \"ring\": expected 1, 2 or 3"},
    {"rxhash=yes", "bad value \"yes\" of key \"rxhash\": expected 1 or 0"},
    {"block_size=4T", "bad value \"4T\" of key \"block_size\": expected bytes, or with k, M or G behind"},
    {"buffer=2G", "bad value \"2G\" of key \"buffer\": expected bytes, "},
    {"timeout=-1", "bad value \"-1\" of key \"timeout\": expected milliseconds"},
    {"group=7", "bad value \"7\" of key \"group\": expected 0 to 65535, with fanout"},
    {"fanout=hash,group=65536", "bad value \"65536\" of key \"group\": expected 0 to 65535, with fanout"},
    {"fanout=hsah", "bad value \"hsah\" of key \"fanout\": expected MODE or MODE+FLAG..., modes hash, lb, cpu,"},
    {"loss", "bad value \"\" of key \"loss\": expected 1 or 0, with tx_ring"},
    {"tx_ring=0", "bad value \"0\" of key \"tx_ring\": expected bytes, "},
    {"tstamp=host_lowprec", "bad value \"host_lowprec\" of key \"tstamp\": expected host, adapter or adapter_unsynced"},
    {"netns=", "bad value \"\" of key \"netns\": expected a path"},
    {"fanout_ebpf=/nonexistent", "bad value \"/nonexistent\" of key \"fanout_ebpf\": expected the path of a pinned program"},
    {"ring=\xff", "it is not UTF-8"},
};

/* Nothing comes of it, and the handle is as the program made it when it is tried again. */
CASE(mistakes)
{
    struct pcap_ring_linux ring = {sizeof ring, 0, 0, 0, 0, 0, 0, 0};
    char text[200], err[PCAP_ERRBUF_SIZE];
    pcap_t *p;
    size_t i;
    int fds;

    enter_veth();
    for (i = 0; i < sizeof bad / sizeof *bad; i++) {
        p = created("v0", &immediate);
        fds = count_fds();
        snprintf(text, sizeof text, "ignore_outgoing,immediate=0,%s", bad[i].text);
        options(text);
        CHECK_INT(pcap_activate(p), PCAP_ERROR);
        snprintf(text, sizeof text, "PCAP_LINUX_OPTIONS: %s", bad[i].error);
        CHECK_STARTS(pcap_geterr(p), text);
        CHECK_INT(count_fds(), fds);
        CHECK(pcap_open_live("v0", 100, 0, 10, err) == NULL, "a handle");
        snprintf(text, sizeof text, "v0: PCAP_LINUX_OPTIONS: %s", bad[i].error);
        CHECK_STARTS(err, text);
        unsetenv("PCAP_LINUX_OPTIONS");
        CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
        CHECK_INT(pcap_get_ring_linux(p, &ring), 0);
        CHECK_INT(ring.version, 2);
        CHECK_INT(option_of(p, SOL_PACKET, PACKET_IGNORE_OUTGOING), 0);
        pcap_close(p);
    }
}

/* It is about packet sockets, and about nothing else. */
CASE(other_handles)
{
    char err[PCAP_ERRBUF_SIZE], name[] = "/tmp/saved-XXXXXX";
    pcap_t *dead, *p;
    pcap_dumper_t *d;
    int fd = mkstemp(name);

    options("nonsense");
    dead = pcap_open_dead(DLT_EN10MB, 100);
    CHECK(dead != NULL && fd >= 0, "no handle");
    d = pcap_dump_open(dead, name);
    CHECK(d != NULL, "%s", pcap_geterr(dead));
    pcap_dump_close(d);
    p = pcap_open_offline(name, err);
    CHECK(p != NULL, "%s", err);
    pcap_close(p);
    p = pcap_create("v0", err);
    CHECK(p != NULL, "%s", err);
    pcap_close(p);
    pcap_close(dead);
    close(fd);
    unlink(name);
}

/* A program that runs with another group than who started it must not listen to him. */
CASE(privileged_programs)
{
    char dir[] = "/tmp/setgid-XXXXXX", copy[40], command[100];
    int status, privileged;

    if (getenv("CAPI_PRIVILEGED") != NULL) {
        pcap_t *p = created("v0", &plain);
        int rc = pcap_activate(p);

        CHECK_INT(getauxval(AT_SECURE), atoi(getenv("CAPI_PRIVILEGED")));
        CHECK(rc == (getauxval(AT_SECURE) ? 0 : PCAP_ERROR), "%d: %s", rc, pcap_geterr(p));
        pcap_close(p);
        return;
    }
    if (under_valgrind())
        skip("valgrind runs no such program");
    enter_veth();
    CHECK(mkdtemp(dir) != NULL, "%s: %s", dir, strerror(errno));
    CHECK(mount("none", dir, "tmpfs", 0, NULL) == 0, "mount tmpfs: %s", strerror(errno));
    snprintf(copy, sizeof copy, "%s/copy", dir);
    snprintf(command, sizeof command, "cp /proc/%d/exe %s", (int)getpid(), copy);
    run("%s", command);
    options("nonsense");
    for (privileged = 0; privileged < 2; privileged++) {
        pid_t pid;

        if (privileged && (chown(copy, 0, 65534) != 0 || chmod(copy, 02755) != 0))
            skip("no other group to give a file to: %s", strerror(errno));
        setenv("CAPI_PRIVILEGED", privileged ? "1" : "0", 1);
        pid = fork();
        CHECK(pid >= 0, "fork: %s", strerror(errno));
        if (pid == 0) {
            execl(copy, copy, "privileged_programs", (char *)NULL);
            _exit(2);
        }
        waitpid(pid, &status, 0);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "privileged %d: %#x", privileged, status);
    }
    CHECK(umount(dir) == 0 && rmdir(dir) == 0, "%s: %s", dir, strerror(errno));
}
