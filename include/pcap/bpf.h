/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Classic BPF, the machine that filters run on: S. McCanne, V. Jacobson, "The BSD Packet Filter",
 * 1993. Only what user programs need. May be included together with <linux/filter.h>, in either
 * order; a BSD <net/bpf.h> that was included before takes this file's place.
 */
#if !defined(_NET_BPF_H_) && !defined(_NET_BPF_H_INCLUDED) && !defined(_BPF_H_) && \
	!defined(_H_BPF) && !defined(lib_pcap_bpf_h)
#define lib_pcap_bpf_h

#include <pcap/funcattrs.h>
#include <pcap/pcap-inttypes.h>
#include <pcap/dlt.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BPF_RELEASE 199606

typedef int bpf_int32;
typedef u_int bpf_u_int32;

#define BPF_ALIGNMENT sizeof(bpf_int32)
#define BPF_WORDALIGN(x) (((x) + (BPF_ALIGNMENT - 1)) & ~(BPF_ALIGNMENT - 1))

/* Words of scratch memory, M[0] to M[15]. */
#define BPF_MEMWORDS 16

struct bpf_insn {
	u_short code;
	u_char jt;
	u_char jf;
	bpf_u_int32 k;
};

struct bpf_program {
	u_int bf_len; /* instructions */
	struct bpf_insn *bf_insns;
};

/* An opcode is a class | what the class needs. Numbers that have no name are reserved. */
#define BPF_CLASS(code) ((code) & 0x07)
#define BPF_LD 0x00
#define BPF_LDX 0x01
#define BPF_ST 0x02
#define BPF_STX 0x03
#define BPF_ALU 0x04
#define BPF_JMP 0x05
#define BPF_RET 0x06
#define BPF_MISC 0x07

/* Loads: size | mode */
#define BPF_SIZE(code) ((code) & 0x18)
#define BPF_W 0x00 /* 4 bytes */
#define BPF_H 0x08 /* 2 bytes */
#define BPF_B 0x10 /* 1 byte */

#define BPF_MODE(code) ((code) & 0xe0)
#define BPF_IMM 0x00 /* k */
#define BPF_ABS 0x20 /* packet at k */
#define BPF_IND 0x40 /* packet at X + k */
#define BPF_MEM 0x60 /* M[k] */
#define BPF_LEN 0x80 /* length of the packet */
#define BPF_MSH 0xa0 /* 4 * (packet[k] & 15), the length of an IPv4 header */

/* Arithmetic: operation | source */
#define BPF_OP(code) ((code) & 0xf0)
#define BPF_ADD 0x00
#define BPF_SUB 0x10
#define BPF_MUL 0x20
#define BPF_DIV 0x30
#define BPF_OR 0x40
#define BPF_AND 0x50
#define BPF_LSH 0x60
#define BPF_RSH 0x70
#define BPF_NEG 0x80
#define BPF_MOD 0x90
#define BPF_XOR 0xa0

/* Jumps: condition | source; unsigned comparisons with A */
#define BPF_JA 0x00 /* always, by k */
#define BPF_JEQ 0x10
#define BPF_JGT 0x20
#define BPF_JGE 0x30
#define BPF_JSET 0x40 /* any bit in common */

#define BPF_SRC(code) ((code) & 0x08)
#define BPF_K 0x00
#define BPF_X 0x08

/* Returns: BPF_K or BPF_A */
#define BPF_RVAL(code) ((code) & 0x18)
#define BPF_A 0x10

/* Transfers between the registers */
#define BPF_MISCOP(code) ((code) & 0xf8)
#define BPF_TAX 0x00
#define BPF_TXA 0x80

/* Initialisers of struct bpf_insn; <linux/filter.h> has them too. */
#undef BPF_STMT
#define BPF_STMT(code, k) { (u_short)(code), 0, 0, k }
#undef BPF_JUMP
#define BPF_JUMP(code, k, jt, jf) { (u_short)(code), jt, jf, k }

/*
 * Runs a program over packet bytes: program, packet, length on the wire, length captured. What it
 * returns is the number of bytes wanted, 0 for none. The program must have passed bpf_validate().
 */
PCAP_AVAILABLE_0_4
PCAP_API u_int bpf_filter(const struct bpf_insn *, const u_char *, u_int, u_int);

/* 1 if every path through the program ends and stays inside it, else 0. */
PCAP_AVAILABLE_0_6
PCAP_API int bpf_validate(const struct bpf_insn *, int);

/* One instruction in words, in storage that the next call uses again. */
PCAP_AVAILABLE_0_4
PCAP_API char *bpf_image(const struct bpf_insn *, int);

/* Prints a program on standard output; tcpdump -d, -dd and -ddd are options 1, 2 and 3. */
PCAP_AVAILABLE_0_6
PCAP_API void bpf_dump(const struct bpf_program *, int);

#ifdef __cplusplus
}
#endif

#endif
