/*
 * pcap_compile and pcap_compile_nopcap at the C boundary: error texts, what a failure leaves behind,
 * threads, and texts of any size. What programs mean is tested elsewhere.
 *
 * The texts are the newest libpcap's; ours may go on where they end. Where the distribution's library
 * agrees, it is asked, too.
 */
#include "distribution.h"
#include "net.h"

#include <pthread.h>

/* pcap_compile_nopcap is deprecated, and tested. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

/* The distribution's library. */
static struct {
    pcap_t *(*open_dead)(int, int);
    void (*close)(pcap_t *);
    int (*compile)(pcap_t *, struct bpf_program *, const char *, int, bpf_u_int32);
    char *(*geterr)(pcap_t *);
} theirs;

static void load_theirs(void)
{
    void *lib = distribution();

#define LOAD(name) CHECK((*(void **)&theirs.name = dlsym(lib, "pcap_" #name)) != NULL, #name)
    LOAD(open_dead);
    LOAD(close);
    LOAD(compile);
    LOAD(geterr);
}

static struct bpf_insn garbage[1];

/* Compiles into a program that is full of something else; a failure must leave it empty. */
static int compiled(pcap_t *p, struct bpf_program *prog, const char *text, int optimize)
{
    int rc;

    prog->bf_len = 77;
    prog->bf_insns = garbage;
    rc = pcap_compile(p, prog, text, optimize, PCAP_NETMASK_UNKNOWN);
    if (rc == 0) {
        CHECK(prog->bf_len > 0 && prog->bf_insns != NULL && prog->bf_insns != garbage, "\"%s\"", text);
        CHECK(bpf_validate(prog->bf_insns, (int)prog->bf_len), "\"%s\": not valid", text);
    } else {
        CHECK_INT(rc, PCAP_ERROR);
        CHECK(prog->bf_len == 0 && prog->bf_insns == NULL, "\"%s\": not empty", text);
        CHECK(pcap_geterr(p)[0] != 0, "\"%s\": no text", text);
    }
    return rc;
}

/* The program of a right expression; returns how many instructions it has. */
static unsigned compiles(pcap_t *p, const char *text, int optimize)
{
    struct bpf_program prog;
    unsigned len;

    CHECK(compiled(p, &prog, text, optimize) == 0, "\"%.60s\": %s", text, pcap_geterr(p));
    len = prog.bf_len;
    pcap_freecode(&prog);
    return len;
}

/* The text of a wrong expression begins so. */
static void fails(pcap_t *p, const char *text, int optimize, const char *want)
{
    struct bpf_program prog;

    CHECK(compiled(p, &prog, text, optimize) != 0, "\"%.60s\" compiles", text);
    if (strncmp(pcap_geterr(p), want, strlen(want)) != 0)
        fail_at(__FILE__, __LINE__, text, "expected \"%s\", got \"%s\"", want, pcap_geterr(p));
    CHECK(strlen(pcap_geterr(p)) < PCAP_ERRBUF_SIZE, "too long");
    pcap_freecode(&prog);
}

#define SYNTAX "can't parse filter expression: syntax error"

/* What the distribution's library says of it. */
enum { SAME, NEWER };

static const struct {
    int dlt, who;
    const char *text, *error;
} table[] = {
    {DLT_EN10MB, SAME, "(", SYNTAX},
    {DLT_EN10MB, SAME, ")", SYNTAX},
    {DLT_EN10MB, SAME, "and", SYNTAX},
    {DLT_EN10MB, SAME, "not", SYNTAX},
    {DLT_EN10MB, SAME, "tcp and", SYNTAX},
    {DLT_EN10MB, SAME, "tcp udp", SYNTAX},
    {DLT_EN10MB, SAME, "tcp prot 80", SYNTAX},
    {DLT_EN10MB, SAME, "tcp port", SYNTAX},
    {DLT_EN10MB, SAME, "port http https", SYNTAX},
    {DLT_EN10MB, SAME, "10.0.0.1", SYNTAX},
    {DLT_EN10MB, SAME, "(80)", SYNTAX},
    {DLT_EN10MB, SAME, "(tcp", SYNTAX},
    {DLT_EN10MB, SAME, "tcp)", SYNTAX},
    {DLT_EN10MB, SAME, "()", SYNTAX},
    {DLT_EN10MB, SAME, "port (80 or)", SYNTAX},
    {DLT_EN10MB, SAME, "port (80 81)", SYNTAX},
    {DLT_EN10MB, SAME, "port ((80 or 81) or 82)", SYNTAX},
    {DLT_EN10MB, SAME, "src src host 1.2.3.4", SYNTAX},
    {DLT_EN10MB, SAME, "host src 1.2.3.4", SYNTAX},
    {DLT_EN10MB, SAME, "src gateway foo", SYNTAX},
    {DLT_EN10MB, SAME, "src and dst", SYNTAX},
    {DLT_EN10MB, SAME, "net 10.0.0.0 mask", SYNTAX},
    {DLT_EN10MB, SAME, "net 10.0.0.0 mask 8", SYNTAX},
    {DLT_EN10MB, SAME, "net 10.0.0.0/a", SYNTAX},
    {DLT_EN10MB, SAME, "net foo/8", "unknown network 'foo'"},
    {DLT_EN10MB, SAME, "greater -1", SYNTAX},
    {DLT_EN10MB, SAME, "byte 0 = foo", SYNTAX},
    {DLT_EN10MB, SAME, "byte 0 + 1", SYNTAX},
    {DLT_EN10MB, SAME, "ip[0", SYNTAX},
    {DLT_EN10MB, SAME, "ip[0] =", SYNTAX},
    {DLT_EN10MB, SAME, "ip[0:] = 1", SYNTAX},
    {DLT_EN10MB, SAME, "ip[0:foo] = 1", SYNTAX},
    {DLT_EN10MB, SAME, "ip[0] = = 1", SYNTAX},
    {DLT_EN10MB, SAME, "ip[0] + 1", SYNTAX},
    {DLT_EN10MB, SAME, "len >", SYNTAX},
    {DLT_EN10MB, SAME, "foo[0] = 1", SYNTAX},
    {DLT_EN10MB, SAME, "ip [ 0 ] = 1 = 2", SYNTAX},
    {DLT_EN10MB, SAME, "tcp ]", SYNTAX},
    {DLT_EN10MB, SAME, "]", SYNTAX},
    {DLT_EN10MB, SAME, "@", SYNTAX},
    {DLT_EN10MB, SAME, "tcp @ udp", SYNTAX},
    {DLT_EN10MB, SAME, "tcp & udp", SYNTAX},
    {DLT_EN10MB, SAME, "$", SYNTAX},
    {DLT_EN10MB, SAME, "\\", SYNTAX},
    {DLT_EN10MB, SAME, "host \\", SYNTAX},
    {DLT_EN10MB, NEWER, "port 99999999999", "decimal number 99999999999 overflows 32 bits"},
    {DLT_EN10MB, NEWER, "port 0x1ffffffff", "hexadecimal number 0x1ffffffff overflows 32 bits"},
    {DLT_EN10MB, NEWER, "port 0777777777777", "octal number 0777777777777 overflows 32 bits"},
    {DLT_EN10MB, SAME, "port 08", "number 08 contains non-octal digit"},
    {DLT_EN10MB, NEWER, "less 4294967296", "decimal number 4294967296 overflows 32 bits"},
    {DLT_EN10MB, SAME, "host 1:2", SYNTAX},
    {DLT_EN10MB, SAME, "host ::1::2", SYNTAX},
    {DLT_EN10MB, NEWER, "host 1:2:3:4:5:6:7:8:9", "invalid Ethernet address 1:2:3:4:5:6:7:8:"},
    {DLT_EN10MB, NEWER, "link host 0:1:2:3:4", "invalid Ethernet address 0:1:2:3:"},
    {DLT_EN10MB, SAME, "vlan foo", SYNTAX},
    {DLT_EN10MB, SAME, "vlan -1", SYNTAX},
    {DLT_EN10MB, SAME, "ifindex eth0", SYNTAX},
    {DLT_EN10MB, NEWER, "type mgt", "'type/subtype' not supported on DLT_EN10MB (Ethernet)"},
    {DLT_EN10MB, SAME, "wlan type foo", "unknown 802.11 type name \"foo\""},
    {DLT_EN10MB, NEWER, "inbound outbound",
     "not a live capture, 'inbound' not supported on DLT_EN10MB (Ethernet)"},
    {DLT_EN10MB, SAME, "llc foo", "unknown LLC type name \"foo\""},
    {DLT_EN10MB, SAME, "on 5", SYNTAX},
    {DLT_EN10MB, SAME, "reason foo", "unknown PF reason \"foo\""},
    {DLT_EN10MB, SAME, "tcp port 80 and (udp port 53", SYNTAX},
    {DLT_EN10MB, SAME, "tcp port 80 and udp port 53)", SYNTAX},
    {DLT_EN10MB, NEWER, "port 65536", "port number 65536 greater than maximum 65535"},
    {DLT_EN10MB, NEWER, "portrange 1-99999", "port number 99999 greater than maximum 65535"},
    {DLT_EN10MB, NEWER, "portrange http", "port range 'http' contains no hyphen"},
    {DLT_EN10MB, SAME, "host 256.1.1.1", "invalid IPv4 address '256.1.1.1'"},
    {DLT_EN10MB, SAME, "net 10.0.0.1/8", "non-network bits set in \"10.0.0.1/8\""},
    {DLT_EN10MB, NEWER, "net 10.0.0.0/33", "netmask length 33 greater than maximum 32"},
    {DLT_EN10MB, SAME, "net ::1/64", "non-network bits set in \"::1/64\""},
    {DLT_EN10MB, SAME, "ip6 net ::1/129", "mask length must be <= 128"},
    {DLT_EN10MB, NEWER, "ip host ::1", "'ip' is not a valid qualifier for 'host <IPv6 address>'"},
    {DLT_EN10MB, NEWER, "tcp host 10.0.0.1",
     "'tcp' is not a valid qualifier for 'host <IPv4 address>'"},
    {DLT_EN10MB, NEWER, "addr1 host 10.0.0.1", "'addr1' is valid for 802.11 syntax only"},
    {DLT_EN10MB, NEWER, "port 10.0.0.1", "'port' qualifier applied to IPv4 address"},
    {DLT_EN10MB, NEWER, "proto 10.0.0.1", "'proto' qualifier applied to IPv4 address"},
    {DLT_EN10MB, NEWER, "protochain 10.0.0.1", "'protochain' qualifier applied to IPv4 address"},
    {DLT_EN10MB, NEWER, "port 10.0.0.0/8",
     "'port' qualifier applied to IPv4 address and prefix length"},
    {DLT_EN10MB, NEWER, "port 10.0.0.0 mask 255.0.0.0",
     "'port' qualifier applied to IPv4 address and netmask"},
    {DLT_EN10MB, NEWER, "portrange ::1", "'portrange' qualifier applied to IPv6 address"},
    {DLT_EN10MB, NEWER, "protochain ::/0",
     "'protochain' qualifier applied to IPv6 address and prefix length"},
    {DLT_EN10MB, NEWER, "ip proto 256", "protocol number 256 greater than maximum 255"},
    {DLT_EN10MB, NEWER, "iso proto 256", "ISO protocol 256 greater than maximum 255"},
    {DLT_EN10MB, NEWER, "isis proto 32", "IS-IS PDU type 32 greater than maximum 31"},
    {DLT_EN10MB, NEWER, "link proto 65536", "EtherType 65536 greater than maximum 65535"},
    {DLT_EN10MB, NEWER, "ip6 protochain nosuch", "unknown 'ip6 protochain' value 'nosuch'"},
    {DLT_EN10MB, NEWER, "proto nosuch", "unknown 'proto' value 'nosuch'"},
    {DLT_EN10MB, NEWER, "link proto nosuch", "unknown 'link proto' value 'nosuch'"},
    {DLT_EN10MB, SAME, "port nosuchport", "unknown port 'nosuchport'"},
    {DLT_EN10MB, SAME, "host nosuch.invalid", "unknown host 'nosuch.invalid'"},
    {DLT_EN10MB, SAME, "net nosuch.invalid", "unknown network 'nosuch.invalid'"},
    {DLT_EN10MB, NEWER, "link host nosuch.invalid", "unknown Ethernet-like host 'nosuch.invalid'"},
    {DLT_EN10MB, NEWER, "tcp gateway foo", "'tcp' is not a valid qualifier for 'gateway'"},
    {DLT_EN10MB, NEWER, "decnet host 64.1", "invalid DECnet address '64.1'"},
    {DLT_EN10MB, NEWER, "decnet net foo", "'decnet' is not a valid qualifier for 'net'"},
    {DLT_EN10MB, NEWER, "host 00:11:22:33:44:55", "Ethernet address used in non-ether expression"},
    {DLT_EN10MB, NEWER, "host $1", "'link' is the only valid proto qualifier for 'host $XX'"},
    {DLT_EN10MB, SAME, "tcp or 80", "syntax error in filter expression"},
    {DLT_EN10MB, SAME, "tcp or 10.0.0.1", "syntax error in filter expression"},
    {DLT_EN10MB, SAME, "ip[0:3] = 1", "data size must be 1, 2, or 4"},
    {DLT_EN10MB, SAME, "ip[0:5] = 1", "data size must be 1, 2, or 4"},
    {DLT_EN10MB, SAME, "1 / 0 = 1", "division by zero"},
    {DLT_EN10MB, SAME, "1 % 0 = 1", "modulus by zero"},
    {DLT_EN10MB, SAME, "len << 32 = 1", "shift by more than 31 bits"},
    {DLT_EN10MB, SAME, "len >> 33 = 1", "shift by more than 31 bits"},
    {DLT_EN10MB, SAME, "tcp[0] / (1 - 1) = 1", "division by zero"},
    {DLT_EN10MB, SAME, "ip broadcast", "netmask not known, so 'ip broadcast' not supported"},
    {DLT_EN10MB, NEWER, "tcp broadcast", "'tcp' is not a valid qualifier for 'broadcast'"},
    {DLT_EN10MB, NEWER, "tcp multicast", "'tcp' is not a valid qualifier for 'multicast'"},
    {DLT_EN10MB, NEWER, "byte 0 = 256", "byte argument 256 greater than maximum 255"},
    {DLT_EN10MB, SAME, "vlan 4096", "VLAN tag 4096 greater than maximum 4095"},
    {DLT_EN10MB, SAME, "mpls 1048576", "MPLS label 1048576 greater than maximum 1048575"},
    {DLT_EN10MB, SAME, "pppoes 65536", "PPPoE session number 65536 greater than maximum 65535"},
    {DLT_EN10MB, SAME, "geneve 16777216", "Geneve VNI 16777216 greater than maximum 16777215"},
    {DLT_EN10MB, NEWER, "vxlan 16777216", "VXLAN VNI 16777216 greater than maximum 16777215"},
    {DLT_EN10MB, NEWER, "inbound",
     "not a live capture, 'inbound' not supported on DLT_EN10MB (Ethernet)"},
    {DLT_EN10MB, NEWER, "ifindex 1",
     "not a live capture, 'ifindex' not supported on DLT_EN10MB (Ethernet)"},
    {DLT_EN10MB, NEWER, "radio", "'radio' cannot be used as an abbreviation"},
    {DLT_EN10MB, SAME, "radio[0] = 1", "radio information not present in capture"},
    {DLT_EN10MB, NEWER, "wlan type mgt", "'type/subtype' not supported on DLT_EN10MB (Ethernet)"},
    {DLT_EN10MB, SAME, "wlan type 3", "invalid 802.11 type value 0x03"},
    {DLT_EN10MB, SAME, "wlan type mgt subtype foo", "unknown 802.11 subtype name \"foo\""},
    {DLT_EN10MB, SAME, "wlan subtype foo", "unknown 802.11 type name"},
    {DLT_EN10MB, NEWER, "wlan dir 4", "invalid 802.11 direction value 0x4"},
    {DLT_EN10MB, SAME, "dir foo", "unknown 802.11 direction"},
    {DLT_EN10MB, NEWER, "dir tods", "'dir' not supported on DLT_EN10MB (Ethernet)"},
    {DLT_EN10MB, NEWER, "lane", "'lane' supported only on SUNATM"},
    {DLT_EN10MB, NEWER, "vpi 1", "'vpi' supported only on SUNATM"},
    {DLT_EN10MB, NEWER, "connectmsg", "'connectmsg' supported only on SUNATM"},
    {DLT_EN10MB, NEWER, "fisu", "'fisu' supported only on SS7"},
    {DLT_EN10MB, SAME, "opc 1", "'opc' supported only on SS7"},
    {DLT_EN10MB, NEWER, "ifname foo", "'ifname' supported only on PFLOG linktype"},
    {DLT_EN10MB, NEWER, "rulenum 1", "'rnr' supported only on PFLOG linktype"},
    {DLT_EN10MB, NEWER, "reason match", "'reason' supported only on PFLOG linktype"},
    {DLT_EN10MB, NEWER, "action pass", "'action' supported only on PFLOG linktype"},
    {DLT_EN10MB, NEWER, "isis[0] = 1", "'isis' does not support the index operation"},
    {DLT_EN10MB, NEWER, "l1[0] = 1", "'l1' does not support the index operation"},
    {DLT_EN10MB, NEWER, "link", "'link' cannot be used as an abbreviation"},
    {DLT_EN10MB, NEWER, "ah[0] = 1 and iso[0] = 1", "'ah' does not support the index operation"},
    {DLT_EN10MB, SAME, "ip and arp", "expression rejects all packets"},
    {DLT_EN10MB, SAME, "tcp and not ip and not ip6", "expression rejects all packets"},
    {DLT_EN10MB, SAME, "pppoed and pppoes 65536 or tcp udp",
     "PPPoE session number 65536 greater than maximum 65535"},
    {DLT_EN10MB, NEWER, "port 99999 or (", "port number 99999 greater than maximum 65535"},
    {DLT_EN10MB, NEWER, "ra host 00:11:22:33:44:55",
     "Ethernet address used in non-ether expression"},
    {DLT_EN10MB, SAME, "iso and ip broadcast",
     "netmask not known, so 'ip broadcast' not supported"},
    {DLT_IEEE802_11, NEWER, "link host $1",
     "'link host $XX' not supported on DLT_IEEE802_11 (802.11)"},
    {DLT_IEEE802_11, NEWER, "wlan dir 4", "invalid 802.11 direction value 0x4"},
    {DLT_IEEE802_11, SAME, "wlan type 1", "invalid 802.11 type value 0x01"},
    {DLT_IEEE802_11, SAME, "wlan type mgt subtype 1", "invalid 802.11 subtype value 0x01"},
    {DLT_IEEE802_11, SAME, "wlan type mgt subtype rts", "unknown 802.11 subtype name \"rts\""},
    {DLT_IEEE802_11, SAME, "subtype nosuch", "unknown 802.11 type name"},
    {DLT_IEEE802_11, NEWER, "addr1 host 1.2.3.4", "'addr1' is valid for 802.11 syntax only"},
    {DLT_IEEE802_11, NEWER, "mpls and foo", "'mpls' not supported on DLT_IEEE802_11 (802.11)"},
    {DLT_PFLOG, SAME, "reason nosuch", "unknown PF reason \"nosuch\""},
    {DLT_PFLOG, SAME, "action nosuch", "unknown PF action \"nosuch\""},
    {DLT_PFLOG, NEWER, "vlan", "'vlan' not supported on DLT_PFLOG (OpenBSD pflog file)"},
    {DLT_PFLOG, SAME, "rulenum foo", SYNTAX},
    {DLT_PFLOG, NEWER, "subrulenum 4294967296", "decimal number 4294967296 overflows 32 bits"},
    {DLT_PFLOG, SAME, "ifname aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
     "ifname interface names can only be 15 characters"},
    {DLT_SUNATM, NEWER, "vpi 256", "VPI 256 greater than maximum 255"},
    {DLT_SUNATM, NEWER, "vci 65536", "VCI 65536 greater than maximum 65535"},
    {DLT_SUNATM, SAME, "vpi foo", SYNTAX},
    {DLT_SUNATM, SAME, "vpi (1 and 2", SYNTAX},
    {DLT_MTP2, NEWER, "sio 256", "sio 256 greater than maximum 255"},
    {DLT_MTP2, NEWER, "opc 16384", "opc 16384 greater than maximum 16383"},
    {DLT_MTP2, NEWER, "dpc 16384", "dpc 16384 greater than maximum 16383"},
    {DLT_MTP2, NEWER, "sls 16", "sls 16 greater than maximum 15"},
    {DLT_MTP2, NEWER, "hsls 16", "hsls 16 greater than maximum 15"},
    {DLT_MTP2, NEWER, "hopc 16384", "hopc 16384 greater than maximum 16383"},
    {DLT_MTP2, NEWER, "fisu and vpi 1", "'vpi' supported only on SUNATM"},
    {DLT_LINUX_SLL, NEWER, "link host 00:11:22:33:44:55",
     "'link host XX:XX:XX:XX:XX:XX' not supported on DLT_LINUX_SLL (Linux cooked v1)"},
    {DLT_LINUX_SLL, NEWER, "link broadcast",
     "'broadcast' not supported on DLT_LINUX_SLL (Linux cooked v1)"},
    {DLT_LINUX_SLL, NEWER, "link multicast",
     "'multicast' not supported on DLT_LINUX_SLL (Linux cooked v1)"},
    {DLT_LINUX_SLL, NEWER, "mpls", "'mpls' not supported on DLT_LINUX_SLL (Linux cooked v1)"},
    {DLT_LINUX_SLL, SAME, "radio[0] = 1", "radio information not present in capture"},
    {DLT_LINUX_SLL2, SAME, "ifindex foo", SYNTAX},
    {DLT_RAW, NEWER, "link host 00:11:22:33:44:55",
     "'link host XX:XX:XX:XX:XX:XX' not supported on DLT_RAW (Raw IPv4/IPv6)"},
    {DLT_RAW, NEWER, "vlan", "'vlan' not supported on DLT_RAW (Raw IPv4/IPv6)"},
    {DLT_RAW, NEWER, "link[0] = 1 and gateway foo",
     "'gateway' not supported on DLT_RAW (Raw IPv4/IPv6)"},
    {DLT_RAW, NEWER, "llc", "'llc' not supported on DLT_RAW (Raw IPv4/IPv6)"},
    {DLT_RAW, SAME, "stp", "expression rejects all packets"},
    {DLT_PPP, NEWER, "vlan", "'vlan' not supported on DLT_PPP (Point-to-Point Protocol)"},
    {DLT_PPP, NEWER, "broadcast", "'broadcast' not supported on DLT_PPP (Point-to-Point Protocol)"},
    {DLT_FRELAY, NEWER, "vlan", "'vlan' not supported on DLT_FRELAY (Frame Relay)"},
    {DLT_USB_LINUX, NEWER, "ip",
     "link-layer type filtering not implemented for DLT_USB_LINUX (USB with Linux header)"},
    {DLT_USB_LINUX_MMAPPED, NEWER, "ip",
     "link-layer type filtering not implemented for DLT_USB_LINUX_MMAPPED"},
    {DLT_USER0, NEWER, "tcp",
     "link-layer type filtering not implemented for DLT_USER0 (Private use 0)"},
    {9999, NEWER, "tcp", "unknown data link type 9999"},
    {9999, NEWER, "", "unknown data link type 9999"},
};

CASE(texts)
{
    size_t i;

    enter_netns(); /* nobody there who knows names */
    for (i = 0; i < sizeof table / sizeof table[0]; i++) {
        pcap_t *p = pcap_open_dead(table[i].dlt, 65535);

        fails(p, table[i].text, 1, table[i].error);
        pcap_close(p);
    }
}

CASE(texts_of_the_distribution)
{
    size_t i;

    load_theirs();
    enter_netns();
    for (i = 0; i < sizeof table / sizeof table[0]; i++) {
        pcap_t *p = pcap_open_dead(table[i].dlt, 65535), *q;
        struct bpf_program prog;

        if (table[i].who == SAME) {
            q = theirs.open_dead(table[i].dlt, 65535);
            CHECK_INT(theirs.compile(q, &prog, table[i].text, 1, PCAP_NETMASK_UNKNOWN), -1);
            fails(p, table[i].text, 1, theirs.geterr(q));
            theirs.close(q);
        }
        pcap_close(p);
    }
}

CASE(texts_go_on)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 65535);

    fails(p, "tcp prot 80", 1, SYNTAX " near \"prot\" (column 5)");
    fails(p, "tcp port", 1, SYNTAX " at the end (column 9)");
    fails(p, "tcp and\nhost 256.1.1.1", 1, "invalid IPv4 address '256.1.1.1' (line 2, column 1)");
    pcap_close(p);
}

/* Libpcap acts while it parses: what comes first is told first. */
CASE(first_in_reading_order)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 65535);

    fails(p, "vlan 4096 and (", 1, "VLAN tag 4096 ");
    fails(p, "( and vlan 4096", 1, SYNTAX);
    fails(p, "port 99999 or host 256.1.1.1", 1, "port number 99999 ");
    fails(p, "host 256.1.1.1 or port 99999", 1, "invalid IPv4 address ");
    fails(p, "vpi 1 and host 256.1.1.1", 1, "'vpi' supported only on SUNATM");
    fails(p, "host 256.1.1.1 and vpi 1", 1, "invalid IPv4 address ");
    fails(p, "ip and arp and vpi 1", 1, "'vpi' supported only on SUNATM");
    fails(p, "len / 0 = 1 and foo bar", 1, "division by zero");
    pcap_close(p);
}

/* What only the optimiser finds. */
CASE(without_optimising)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 65535);

    fails(p, "ip and arp", 1, "expression rejects all packets");
    compiles(p, "ip and arp", 0);
    fails(p, "1 = 2", 1, "expression rejects all packets");
    compiles(p, "1 = 2", 0);
    fails(p, "ip proto 6 and ip proto 17", 2, "expression rejects all packets");
    fails(p, "1 / 0 = 1", 0, "division by zero");
    pcap_close(p);
}

CASE(bytes_that_are_no_text)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 96);

    fails(p, "host \\a\xff\xfez", 1, "unknown host 'a\xef\xbf\xbd\xef\xbf\xbdz'");
    fails(p, "host \\\xc3\xa9\xff", 1, "unknown host '\xc3\xa9\xef\xbf\xbd'");
    pcap_close(p);
}

CASE(nothing_to_compile)
{
    static const char *const nothing[] = {NULL, "", " ", "\t\r\n "};
    struct bpf_program prog;
    size_t i;
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 96);

    for (i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        CHECK_INT(compiled(p, &prog, nothing[i], 1), 0);
        CHECK_INT(prog.bf_len, 1);
        CHECK_INT(prog.bf_insns[0].code, BPF_RET | BPF_K);
        CHECK_INT(prog.bf_insns[0].k, 96);
        pcap_freecode(&prog);
    }
    pcap_close(p);
    p = pcap_open_dead(9999, 96);
    fails(p, "", 1, "unknown data link type 9999");
    pcap_close(p);
    p = pcap_open_dead(DLT_EN10MB, 0);
    fails(p, "", 1, "snaplen of 0 rejects all packets");
    fails(p, "tcp tcp", 1, "snaplen of 0 rejects all packets");
    pcap_close(p);
    p = pcap_open_dead(9999, 0);
    fails(p, "", 1, "snaplen of 0 rejects all packets");
    pcap_close(p);
}

/* What accepted packets are cut to. */
CASE(snaplens)
{
    static const int snaplens[] = {1, 68, 262144, INT32_MAX, -1, INT32_MIN};
    struct bpf_program prog;
    size_t i;
    unsigned j;

    for (i = 0; i < sizeof snaplens / sizeof snaplens[0]; i++) {
        pcap_t *p = pcap_open_dead(DLT_EN10MB, snaplens[i]);
        int found = 0;

        CHECK_INT(compiled(p, &prog, "ip or arp", 1), 0);
        for (j = 0; j < prog.bf_len; j++)
            found += prog.bf_insns[j].code == (BPF_RET | BPF_K) &&
                     prog.bf_insns[j].k == (bpf_u_int32)snaplens[i];
        CHECK_INT(found, 1);
        pcap_freecode(&prog);
        pcap_close(p);
    }
}

CASE(without_a_handle)
{
    struct bpf_program prog = {77, garbage}, same;
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 100);

    CHECK_INT(pcap_compile_nopcap(100, DLT_EN10MB, &prog, "tcp port 80", 1, 0), 0);
    CHECK_INT(compiled(p, &same, "tcp port 80", 1), 0);
    CHECK_INT(prog.bf_len, same.bf_len);
    CHECK(memcmp(prog.bf_insns, same.bf_insns, prog.bf_len * sizeof *prog.bf_insns) == 0, "differ");
    pcap_freecode(&prog);
    pcap_freecode(&same);
    prog.bf_len = 77;
    prog.bf_insns = garbage;
    CHECK_INT(pcap_compile_nopcap(100, DLT_EN10MB, &prog, "tcp prot 80", 1, 0), PCAP_ERROR);
    CHECK(prog.bf_len == 0 && prog.bf_insns == NULL, "not empty");
    CHECK_INT(pcap_compile_nopcap(0, DLT_EN10MB, &prog, "tcp", 1, 0), PCAP_ERROR);
    CHECK_INT(pcap_compile_nopcap(100, 9999, &prog, "tcp", 1, 0), PCAP_ERROR);
    pcap_close(p);
}

/* `n` times `before`, then `middle`, then `n` times `after`. */
static char *nested(size_t n, const char *before, const char *middle, const char *after)
{
    size_t b = strlen(before), a = strlen(after), i;
    char *text = malloc(n * (a + b) + strlen(middle) + 1), *at = text;

    CHECK(text != NULL, "no memory");
    for (i = 0; i < n; i++, at += b)
        memcpy(at, before, b);
    strcpy(at, middle);
    at += strlen(middle);
    for (i = 0; i < n; i++, at += a)
        memcpy(at, after, a + 1);
    return text;
}

CASE(depth_and_size)
{
    const char *deep = "can't parse filter expression: memory exhausted";
    struct bpf_program prog;
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 65535);
    char *text;

    enter_netns();
#define WITH(expression, check)                                                                    \
    do {                                                                                           \
        text = (expression);                                                                       \
        check;                                                                                     \
        free(text);                                                                                \
    } while (0)
    WITH(nested(1000000, "(", "tcp", ")"), fails(p, text, 1, deep));
    WITH(nested(1000000, "(", "", ""), fails(p, text, 1, deep));
    WITH(nested(1000000, "ip[", "0", "]"), fails(p, text, 1, deep));
    WITH(nested(1000000, "not (", "tcp", ")"), fails(p, text, 1, deep));
    WITH(nested(9000, "(", "tcp", ")"), CHECK_INT(compiles(p, text, 1), compiles(p, "tcp", 1)));
    WITH(nested(50000, "not ", "tcp", ""), CHECK_INT(compiles(p, text, 1), compiles(p, "tcp", 1)));
    WITH(nested(50001, "!", "tcp", ""), CHECK_INT(compiles(p, text, 1), compiles(p, "not tcp", 1)));
    WITH(nested(1000000, "", "host ", "a"), fails(p, text, 1, "unknown host 'aaaaaaaaaa"));
    WITH(nested(1000000, "", "port ", "a"), fails(p, text, 1, "unknown port 'aaaaaaaaaa"));
    WITH(nested(1000000, "", "less ", "1"), fails(p, text, 1, "decimal number 1111"));
    WITH(nested(1000000, "tcp ", "", ""), fails(p, text, 1, SYNTAX));
    WITH(nested(100000, "", "tcp", " "), compiles(p, text, 1));
    WITH(nested(5000, "tcp or ", "udp", ""), compiles(p, text, 1));
    WITH(nested(5000, "(ip or ", "arp", ")"), compiles(p, text, 1));
    WITH(nested(5000, "(not (ip and arp or ", "rarp", "))"), compiled(p, &prog, text, 1);
         pcap_freecode(&prog));
    WITH(nested(100000, "1 + ", "1 = 100001", ""), compiles(p, text, 1));
    WITH(nested(5000, "ip[1] + ", "1 = 5", ""), compiles(p, text, 1));
    /* As many results waiting as there are scratch words, or an error. */
    WITH(nested(5000, "ip[1] * (1 + ", "ip[2]", ") = 5"), compiled(p, &prog, text, 1);
         pcap_freecode(&prog));
    WITH(nested(40, "ip[ip[1] + ", "0", "]"), compiled(p, &prog, text, 1); pcap_freecode(&prog));
    pcap_close(p);
}

#define ROUNDS 200
#define THREADS 8

/* A handle's text is whose call failed last, so only one thread fails on each. */
static void *compile_often(void *shared)
{
    pcap_t *p = pcap_open_dead(DLT_EN10MB, 65535);
    int i;

    for (i = 0; i < (under_valgrind() ? 10 : ROUNDS); i++) {
        char text[80];

        snprintf(text, sizeof text, "tcp port %d or host 10.0.0.%d and not net 10.1.2.0/24", i, i);
        CHECK(compiles(shared, text, 1) == compiles(p, text, 1), "%s", text);
        fails(p, "host 256.0.0.1 or tcp", 1, "invalid IPv4 address '256.0.0.1'");
        compiles(shared, "port domain or proto 17", 0);
    }
    pcap_close(p);
    return NULL;
}

CASE(threads)
{
    pthread_t t[THREADS];
    pcap_t *shared = pcap_open_dead(DLT_EN10MB, 65535);
    int i;

    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&t[i], NULL, compile_often, shared) == 0, "no thread");
    for (i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    CHECK_STR(pcap_geterr(shared), "");
    pcap_close(shared);
}

static volatile int done;

static void *compile_while_read(void *p)
{
    int i;

    for (i = 0; i < (under_valgrind() ? 20 : 2000); i++) {
        CHECK(compiles(p, "tcp port 80 or inbound", 1) > 0, "nothing");
        CHECK(compiles(p, "udp or vlan 7", 0) > 0, "nothing");
    }
    done = 1;
    return NULL;
}

/* A handle that another thread reads from, all the time. */
CASE(while_it_is_read)
{
    struct how how = plain;
    unsigned char frame[60];
    pthread_t t;
    int raw;
    pcap_t *p;

    enter_veth();
    raw = raw_socket("v1");
    how.nonblock = 1;
    p = opened_by(MODE_V3, "v0", how);
    fill_frame(frame, 0, sizeof frame);
    CHECK(pthread_create(&t, NULL, compile_while_read, p) == 0, "no thread");
    while (!done) {
        struct pcap_pkthdr *header;
        const u_char *data;

        send_raw(raw, frame, sizeof frame);
        CHECK(pcap_next_ex(p, &header, &data) >= 0, "%s", pcap_geterr(p));
    }
    pthread_join(t, NULL);
    pcap_close(p);
}

/* The link type that counts is the one that was chosen. */
CASE(after_another_link_type)
{
    struct how how = plain;
    pcap_t *p;

    enter_veth();
    p = opened_by(MODE_V3, "any", how);
    CHECK_INT(pcap_datalink(p), DLT_LINUX_SLL);
    CHECK_INT(pcap_set_datalink(p, DLT_LINUX_SLL2), 0);
    fails(p, "link host 00:00:00:00:00:01", 1,
          "'link host XX:XX:XX:XX:XX:XX' not supported on DLT_LINUX_SLL2");
    CHECK_INT(pcap_set_datalink(p, DLT_LINUX_SLL), 0);
    fails(p, "link host 00:00:00:00:00:01", 1,
          "'link host XX:XX:XX:XX:XX:XX' not supported on DLT_LINUX_SLL ");
    pcap_close(p);
}
