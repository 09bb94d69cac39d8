/*
 * What the manual says of functions that no other program here calls for success, and its errors
 * that no other one provokes. docs/functions.md tells where each function and error is tested.
 */
#include "distribution.h"
#include "net.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static char err[PCAP_ERRBUF_SIZE];
static char path[] = "/tmp/capi-documented-XXXXXX";

static void make_path(void)
{
    int fd = mkstemp(path);

    CHECK(fd >= 0, "mkstemp: %s", strerror(errno));
    close(fd);
}

/* A file header of this machine's byte order, whose words may be changed. */
struct file {
    uint32_t magic;
    uint16_t major, minor;
    uint32_t reserved[2], snaplen, linktype;
};

static const struct file right = {0xa1b2c3d4, 2, 4, {0, 0}, 65535, DLT_EN10MB};

static FILE *stream_of(const void *bytes, size_t size)
{
    FILE *f = tmpfile();

    CHECK(f != NULL, "tmpfile: %s", strerror(errno));
    CHECK(fwrite(bytes, 1, size, f) == size, "fwrite: %s", strerror(errno));
    rewind(f);
    return f;
}

static void write_savefile(const struct file *header, size_t size)
{
    FILE *f = fopen(path, "wb");
    const uint32_t record[] = {1, 2, 4, 60, 0x04030201};

    CHECK(f != NULL, "%s: %s", path, strerror(errno));
    CHECK(fwrite(header, 1, size, f) == size, "fwrite: %s", strerror(errno));
    if (size == sizeof(*header))
        CHECK(fwrite(record, 1, sizeof record, f) == sizeof record, "%s", strerror(errno));
    fclose(f);
}

CASE(names_of_link_types)
{
    CHECK_INT(pcap_datalink_name_to_val("EN10MB"), DLT_EN10MB);
    CHECK_INT(pcap_datalink_name_to_val("en10mb"), DLT_EN10MB);
    CHECK_INT(pcap_datalink_name_to_val("NOSUCH"), PCAP_ERROR);
    CHECK_STR(pcap_datalink_val_to_name(DLT_EN10MB), "EN10MB");
    CHECK(pcap_datalink_val_to_name(-1) == NULL, "a name");
    CHECK_STR(pcap_datalink_val_to_description(DLT_EN10MB), "Ethernet");
    CHECK(pcap_datalink_val_to_description(-1) == NULL, "a description");
    CHECK_STR(pcap_datalink_val_to_description_or_dlt(DLT_EN10MB), "Ethernet");
    CHECK_STR(pcap_datalink_val_to_description_or_dlt(5000), "DLT 5000");
}

CASE(names_of_time_stamps)
{
    CHECK_INT(pcap_tstamp_type_name_to_val("adapter"), PCAP_TSTAMP_ADAPTER);
    CHECK_INT(pcap_tstamp_type_name_to_val("nosuch"), PCAP_ERROR);
    CHECK_STR(pcap_tstamp_type_val_to_name(PCAP_TSTAMP_HOST), "host");
    CHECK(pcap_tstamp_type_val_to_name(99) == NULL, "a name");
    CHECK_STR(pcap_tstamp_type_val_to_description(PCAP_TSTAMP_HOST), "Host");
    CHECK(pcap_tstamp_type_val_to_description(99) == NULL, "a description");
}

/* What a call wrote to a descriptor. */
static int begin_capture(int fd)
{
    int saved = dup(fd), file;

    make_path();
    file = open(path, O_RDWR | O_TRUNC);
    CHECK(saved >= 0 && file >= 0 && dup2(file, fd) == fd, "redirect: %s", strerror(errno));
    close(file);
    return saved;
}

static const char *end_capture(int fd, int saved)
{
    static char text[1000];
    FILE *f;

    fflush(NULL);
    CHECK(dup2(saved, fd) == fd, "dup2: %s", strerror(errno));
    f = fopen(path, "r");
    CHECK(f != NULL, "%s: %s", path, strerror(errno));
    text[fread(text, 1, sizeof(text) - 1, f)] = 0;
    fclose(f);
    unlink(path);
    return text;
}

CASE(programs)
{
    static const unsigned char packet[60] = {[12] = 8};
    struct bpf_insn code[] = {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
                              BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x800, 0, 1),
                              BPF_STMT(BPF_RET | BPF_K, 100), BPF_STMT(BPF_RET | BPF_K, 0)};
    struct bpf_insn wrong[] = {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12)};
    struct bpf_program program = {4, code};
    struct pcap_pkthdr header = {{0, 0}, sizeof(packet), sizeof(packet)};
    int saved;

    CHECK_INT(bpf_filter(code, packet, 60, 60), 100);
    CHECK_INT(bpf_filter(code, packet, 60, 13), 0);
    CHECK_INT(pcap_offline_filter(&program, &header, packet), 100);
    CHECK_INT(bpf_validate(code, 4), 1);
    CHECK_INT(bpf_validate(wrong, 1), 0);
    CHECK_STARTS(bpf_image(code, 0), "(000) ldh      [12]");
    saved = begin_capture(1);
    bpf_dump(&program, 1);
    CHECK_STR(end_capture(1, saved),
              "(000) ldh      [12]\n(001) jeq      #0x800           jt 2\tjf 3\n"
              "(002) ret      #100\n(003) ret      #0\n");
}

CASE(perror_prints)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100);
    int saved;

    CHECK_INT(pcap_inject(p, "", 0), PCAP_ERROR);
    saved = begin_capture(2);
    pcap_perror(p, "prefix");
    CHECK_STARTS(end_capture(2, saved),
                 "prefix: The number of bytes to be injected must not be zero");
    pcap_close(p);
}

static void check_savefile(pcap_t *p, long fraction)
{
    struct pcap_pkthdr *header;
    const unsigned char *data;

    CHECK(p != NULL, "%s", err);
    CHECK(pcap_file(p) != NULL, "no stream");
    CHECK_INT(pcap_is_swapped(p), 0);
    CHECK_INT(pcap_major_version(p), 2);
    CHECK_INT(pcap_next_ex(p, &header, &data), 1);
    CHECK_INT(header->ts.tv_usec, fraction);
    CHECK_INT(header->len, 60);
    CHECK_INT(pcap_next_ex(p, &header, &data), PCAP_ERROR_BREAK);
    pcap_close(p);
}

CASE(savefiles)
{
    const u_int nano = PCAP_TSTAMP_PRECISION_NANO;

    make_path();
    write_savefile(&right, sizeof(right));
    check_savefile(pcap_open_offline(path, err), 2);
    check_savefile(pcap_open_offline_with_tstamp_precision(path, nano, err), 2000);
    check_savefile(pcap_fopen_offline(fopen(path, "rb"), err), 2);
    check_savefile(pcap_fopen_offline_with_tstamp_precision(fopen(path, "rb"), nano, err), 2000);
    unlink(path);
}

/* A savefile with this header does not open, and that is why. */
static void refused(struct file header, size_t size, const char *why)
{
    FILE *f = stream_of(&header, size);

    CHECK(pcap_fopen_offline(f, err) == NULL, "it opened");
    CHECK_STARTS(err, why);
    fclose(f);
    make_path();
    write_savefile(&header, size);
    CHECK(pcap_open_offline(path, err) == NULL, "it opened");
    CHECK(strstr(err, why) != NULL, "%s", err);
    unlink(path);
    memcpy(path + strlen(path) - 6, "XXXXXX", 6);
}

CASE(savefiles_that_do_not_open)
{
    struct file header = right;
    FILE *f;

    CHECK(pcap_open_offline("/nonexistent/file", err) == NULL, "it opened");
    CHECK_STR(err, "/nonexistent/file: No such file or directory");
    CHECK(pcap_open_offline(NULL, err) == NULL, "it opened");
    CHECK_STR(err, "A null pointer was supplied as the file name");
    CHECK(pcap_fopen_offline(NULL, err) == NULL, "it opened");
    CHECK_STR(err, "Null FILE * pointer provided to savefile open routine");
    make_path();
    write_savefile(&right, sizeof(right));
    CHECK(pcap_open_offline_with_tstamp_precision(path, 9, err) == NULL, "it opened");
    CHECK(strstr(err, "unknown time stamp resolution 9") != NULL, "%s", err);
    f = fopen(path, "r");
    CHECK(pcap_fopen_offline_with_tstamp_precision(f, 9, err) == NULL, "it opened");
    CHECK_STR(err, "unknown time stamp resolution 9");
    fclose(f);
    unlink(path);
    memcpy(path + strlen(path) - 6, "XXXXXX", 6);
    CHECK(pcap_open_offline("/proc/self/mem", err) == NULL, "it opened");
    CHECK(strstr(err, "error reading dump file: ") != NULL, "%s", err);
    stdin = NULL;
    CHECK(pcap_open_offline("-", err) == NULL, "it opened");
    CHECK_STARTS(err, "The standard input is not open");

    refused(right, 3, "truncated dump file; tried to read 4 file header bytes, only got 3");
    refused(right, 23, "truncated dump file; tried to read 24 file header bytes, only got 19");
    header.magic = 0x12345678;
    refused(header, sizeof(header), "unknown file format");
    header = right;
    header.major = 3;
    refused(header, sizeof(header), "unsupported pcap savefile version 3.4");
    header = right;
    header.linktype |= 0x03ff0000;
    refused(header, sizeof(header), "savefile linktype reserved field not zero (0x03ff0000)");
}

CASE(what_a_savefile_cannot)
{
    struct pcap_stat stats;
    pcap_t *p;
    struct pcap_pkthdr *header;
    const unsigned char *data;
    FILE *f;

    make_path();
    write_savefile(&right, sizeof(right));
    CHECK_INT(truncate(path, sizeof(right) + 18), 0);
    p = pcap_open_offline(path, err);
    CHECK(p != NULL, "%s", err);
    CHECK_INT(pcap_inject(p, "x", 1), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "Sending packets isn't supported on savefiles");
    CHECK_INT(pcap_sendpacket(p, (const unsigned char *)"x", 1), PCAP_ERROR);
    CHECK_INT(pcap_setdirection(p, PCAP_D_IN), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "Setting direction is not supported on savefiles");
    CHECK_INT(pcap_setnonblock(p, 1, err), PCAP_ERROR);
    CHECK_STARTS(err, "Savefiles cannot be put into non-blocking mode");
    CHECK_INT(pcap_stats(p, &stats), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "Statistics aren't available from savefiles");
    CHECK_INT(pcap_next_ex(p, &header, &data), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "truncated dump file; tried to read 4 captured bytes, only got 2");
    pcap_close(p);
    p = pcap_open_offline(path, err);
    CHECK_INT(pcap_loop(p, -1, count_packet, NULL), PCAP_ERROR);
    pcap_close(p);
    p = pcap_open_offline(path, err);
    CHECK_INT(pcap_dispatch(p, -1, count_packet, NULL), PCAP_ERROR);
    pcap_close(p);

    f = stream_of(&right, sizeof(right));
    p = pcap_fopen_offline(f, err);
    CHECK(p != NULL, "%s", err);
    pcap_breakloop(p);
    CHECK_INT(pcap_dispatch(p, -1, count_packet, NULL), PCAP_ERROR_BREAK);
    pcap_close(p);
    unlink(path);
}

CASE(dumps_that_do_not_open)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100), *odd = pcap_open_dead(5000, 100);
    FILE *full = fopen("/dev/full", "w");

    CHECK(pcap_dump_open(p, "/nonexistent/file") == NULL, "it opened");
    CHECK_STR(pcap_geterr(p), "/nonexistent/file: No such file or directory");
    CHECK(pcap_dump_open(odd, "/dev/null") == NULL, "it opened");
    CHECK_STARTS(pcap_geterr(odd), "/dev/null: link-layer type 5000 isn't supported in savefiles");
    setvbuf(full, NULL, _IONBF, 0);
    CHECK(pcap_dump_fopen(p, full) == NULL, "it opened");
    CHECK_STARTS(pcap_geterr(p), "Can't write to stream: No space left on device");
    fclose(full);
    pcap_close(p);
    pcap_close(odd);
}

CASE(character_encodings)
{
    CHECK_INT(pcap_init(99, err), PCAP_ERROR);
    CHECK_STARTS(err, "Unknown options specified");
    CHECK_INT(pcap_init(PCAP_CHAR_ENC_LOCAL, err), 0);
    CHECK_INT(pcap_init(PCAP_CHAR_ENC_UTF_8, err), PCAP_ERROR);
    CHECK_STARTS(err, "Multiple pcap_init calls with different character encodings");
    CHECK(pcap_lookupdev(err) == NULL, "a device");
    CHECK_STARTS(err, "pcap_lookupdev() is deprecated and is not supported in programs "
                      "calling pcap_init()");
}

CASE(activated)
{
    pcap_t *p;

    enter_veth();
    p = pcap_create("any", err);
    CHECK_INT(pcap_activate(p), 0);
    CHECK_INT(pcap_activate(p), PCAP_ERROR_ACTIVATED);
    CHECK_STARTS(pcap_geterr(p), "can't perform  operation on activated capture");
    CHECK_INT(pcap_inject(p, "0123456789abcdefghij", 20), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "Sending packets isn't supported on the \"any\" device");
    pcap_close(p);
    p = pcap_create("any", err);
    CHECK_INT(pcap_set_promisc(p, 1), 0);
    CHECK_INT(pcap_activate(p), PCAP_WARNING_PROMISC_NOTSUP);
    CHECK_STARTS(pcap_geterr(p), "Promiscuous mode not supported on the \"any\" device");
    pcap_close(p);
}

CASE(remote)
{
    struct pcap_rmtauth auth = {RPCAP_RMTAUTH_NULL, NULL, NULL};
    pcap_if_t *list = NULL;
    char text[PCAP_BUF_SIZE];
    int type;
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100);

    CHECK(pcap_open("rpcap://host/lo", 100, 0, 10, &auth, err) == NULL, "it opened");
    CHECK_STARTS(err, "pcap_open() is not supported");
    CHECK_INT(pcap_findalldevs_ex("rpcap://", &auth, &list, err), PCAP_ERROR);
    CHECK_INT(pcap_createsrcstr(text, PCAP_SRC_IFLOCAL, NULL, NULL, "lo", err), PCAP_ERROR);
    CHECK_INT(pcap_parsesrcstr("rpcap://lo", &type, NULL, NULL, NULL, err), PCAP_ERROR);
    CHECK(pcap_setsampling(p) == NULL, "a structure");
    CHECK_STARTS(pcap_geterr(p), "Capture sampling is not supported");
    CHECK_INT(pcap_remoteact_accept("", "0", "", text, &auth, err), PCAP_ERROR);
    CHECK_INT(pcap_remoteact_accept_ex("", "0", "", text, &auth, 0, err), PCAP_ERROR);
    CHECK_INT(pcap_remoteact_list(text, ',', sizeof(text), err), PCAP_ERROR);
    CHECK_INT(pcap_remoteact_close("host", err), PCAP_ERROR);
    pcap_remoteact_cleanup();
    pcap_close(p);
}

CASE(activation_warns)
{
    int tun;
    pcap_t *p;

    enter_netns();
    tun = make_tun("t0", 9999);
    p = pcap_create("t0", err);
    CHECK_INT(pcap_activate(p), PCAP_WARNING);
    CHECK_STARTS(pcap_geterr(p),
                 "arptype 9999 not supported by libpcap - falling back to cooked socket");
    pcap_close(p);
    close(tun);
}

/* A process that has as many files open as it may: both libraries say the same. */
CASE(no_descriptor_left)
{
    int (*their_findalldevs)(pcap_if_t **, char *);
    pcap_t *(*their_create)(const char *, char *);
    char their_err[PCAP_ERRBUF_SIZE] = "";
    struct rlimit limit;
    pcap_if_t *list;
    void *lib = distribution();

    *(void **)&their_findalldevs = dlsym(lib, "pcap_findalldevs");
    *(void **)&their_create = dlsym(lib, "pcap_create");
    CHECK(their_findalldevs != NULL && their_create != NULL, "%s", dlerror());
    enter_veth();
    CHECK_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = (rlim_t)dup(0);
    close((int)limit.rlim_cur);
    CHECK_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);

    CHECK_INT(their_findalldevs(&list, their_err), PCAP_ERROR);
    CHECK_INT(pcap_findalldevs(&list, err), PCAP_ERROR);
    CHECK(list == NULL, "a list");
    CHECK_STR(err, their_err);
    CHECK(their_create("v0", their_err) == NULL, "a handle");
    CHECK(pcap_create("v0", err) == NULL, "a handle");
    CHECK_STR(err, "socket for SIOCETHTOOL(ETHTOOL_GET_TS_INFO): Too many open files");
    CHECK_STR(err, their_err);
}

CASE(names_that_are_none)
{
    struct bpf_program program;
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100);

    CHECK_INT(pcap_compile(p, &program, "host no.such.invalid", 1, 0), PCAP_ERROR);
    CHECK_STR(pcap_geterr(p), "unknown host 'no.such.invalid' (column 1)");
    CHECK_INT(pcap_compile(p, &program, "host", 1, 0), PCAP_ERROR);
    CHECK_STARTS(pcap_geterr(p), "can't parse filter expression: syntax error");
    pcap_close(p);
}

CASE(dump_without_permission)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100);

    CHECK(geteuid() != 0 || seteuid(65534) == 0, "seteuid: %s", strerror(errno));
    CHECK(pcap_dump_open(p, "/etc/passwd") == NULL, "it opened");
    CHECK_STR(pcap_geterr(p), "/etc/passwd: Permission denied");
    pcap_close(p);
}
