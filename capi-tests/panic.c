/*
 * A panic inside the library never crosses into C. Needs the library built with the feature
 * inject-panic: a read step then panics while PCAP_INJECT_PANIC is in the environment.
 */
#include "net.h"

static FILE *stderr_copy;

/* From here on, what the library writes to descriptor 2 is caught. */
static void catch_stderr(void)
{
    stderr_copy = tmpfile();
    CHECK(stderr_copy != NULL, "tmpfile: %s", strerror(errno));
    CHECK(dup2(2, 200) >= 0 && dup2(fileno(stderr_copy), 2) >= 0, "dup2: %s", strerror(errno));
}

static void check_silent(void)
{
    char text[1000];
    ssize_t n = pread(fileno(stderr_copy), text, sizeof text - 1, 0);

    dup2(200, 2);
    fclose(stderr_copy);
    text[n < 0 ? 0 : n] = 0;
    CHECK(n == 0, "written to stderr: %s", text);
}

static void panic_in(struct how how)
{
    pcap_t *p, *other;
    struct pcap_pkthdr *h;
    struct pcap_stat st;
    const unsigned char *data;
    char err[PCAP_ERRBUF_SIZE];
    int n = 0, raw = raw_socket("v1");
    static struct bpf_insn all[] = {BPF_STMT(BPF_RET | BPF_K, 65535)};
    struct bpf_program prog = {1, all};

    how.nonblock = 1;
    p = opened("v0", how);
    other = opened("v0", how);
    send_numbered(raw, 0, 3);
    wait_readable(p, 3);
    catch_stderr();
    setenv("PCAP_INJECT_PANIC", "1", 1);
    int rc = pcap_dispatch(p, -1, count_packet, (unsigned char *)&n);
    unsetenv("PCAP_INJECT_PANIC");
    check_silent();
    CHECK_INT(rc, PCAP_ERROR);
    CHECK_INT(n, 0);
    CHECK(strstr(pcap_geterr(p), "internal error") != NULL, "\"%s\"", pcap_geterr(p));

    CHECK_INT(pcap_dispatch(p, -1, count_packet, (unsigned char *)&n), PCAP_ERROR);
    CHECK_INT(pcap_loop(p, 1, count_packet, (unsigned char *)&n), PCAP_ERROR);
    CHECK_INT(pcap_next_ex(p, &h, &data), PCAP_ERROR);
    CHECK(pcap_next(p, &(struct pcap_pkthdr){{0, 0}, 0, 0}) == NULL, "a packet");
    CHECK_INT(pcap_stats(p, &st), PCAP_ERROR);
    CHECK_INT(pcap_setfilter(p, &prog), PCAP_ERROR);
    CHECK_INT(pcap_inject(p, "01234567890123456789", 20), PCAP_ERROR);
    CHECK(strlen(pcap_geterr(p)) > 0, "no text");
    pcap_breakloop(p);
    (void)pcap_setnonblock(p, 0, err);
    CHECK_INT(n, 0);

    struct caught *c = calloc(1, sizeof *c);
    gather(other, c, 3);
    CHECK_INT(c->n, 3);
    free(c);
    pcap_close(p);
    pcap_close(other);
    close(raw);
}

CASE(injected_panic)
{
    int fds;

    enter_veth();
    panic_in(plain);
    panic_in(immediate);
    fds = count_fds();
    panic_in(plain);
    CHECK_INT(count_fds(), fds);
}
