/*
 * A program as others write them: what pkg-config says is all it knows of the library. Prints the
 * library's version and the link-layer types of a handle that captures nothing.
 */
#include <pcap.h>
#include <pcap-namedb.h>

#include <stdio.h>
#include <stdlib.h>

static void fail(pcap_t *handle, const char *what)
{
	fprintf(stderr, "%s: %s\n", what, pcap_geterr(handle));
	exit(1);
}

int main(void)
{
	struct bpf_program program;
	int *links;
	int count, i;
	pcap_t *handle;

	printf("%s\n", pcap_lib_version());
	handle = pcap_open_dead(DLT_EN10MB, 65535);
	if (handle == NULL) {
		fprintf(stderr, "pcap_open_dead failed\n");
		return 1;
	}
	if (pcap_compile(handle, &program, "", 1, PCAP_NETMASK_UNKNOWN) != 0)
		fail(handle, "pcap_compile");
	if (!bpf_validate(program.bf_insns, (int)program.bf_len))
		fail(handle, "bpf_validate");
	printf("%u instruction\n", program.bf_len);
	pcap_freecode(&program);

	count = pcap_list_datalinks(handle, &links);
	if (count < 0)
		fail(handle, "pcap_list_datalinks");
	for (i = 0; i < count; i++)
		printf("%s\n", pcap_datalink_val_to_name(links[i]));
	pcap_free_datalinks(links);
	pcap_close(handle);
	return 0;
}
