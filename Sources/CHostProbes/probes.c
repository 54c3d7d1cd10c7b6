#include "CHostProbes.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

/* Newer than the headers of Debian 12. */
#define PROGRAM_NETFILTER 32
#define ATTACH_NETFILTER 45
#define ATTACH_TCX_INGRESS 46
#define FAMILY_IPV4 2
#define HOOK_LOCAL_IN 1
/* One that no known tool uses: the kernel takes one hook a priority. */
#define PRIORITY 31337

static int kernel(int command, union bpf_attr *attributes)
{
	long result = syscall(SYS_bpf, command, attributes, sizeof(*attributes));

	return result < 0 ? -errno : (int)result;
}

int bulkhead_probe_own_namespace(void) { return unshare(CLONE_NEWNET) ? -errno : 0; }

static int load(uint32_t type, uint32_t attach_type, int32_t answer)
{
	const struct bpf_insn program[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = answer},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_type = type;
	attributes.expected_attach_type = attach_type;
	attributes.insns = (uintptr_t)program;
	attributes.insn_cnt = sizeof(program) / sizeof(program[0]);
	attributes.license = (uintptr_t) "GPL";
	return kernel(BPF_PROG_LOAD, &attributes);
}

int bulkhead_probe_classifier(void) { return load(BPF_PROG_TYPE_SCHED_CLS, 0, -1); }

/* 1: NF_ACCEPT. */
int bulkhead_probe_netfilter_program(void) { return load(PROGRAM_NETFILTER, ATTACH_NETFILTER, 1); }

int bulkhead_probe_test_run(int program)
{
	unsigned char frame[64] = {0};
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.test.prog_fd = program;
	attributes.test.data_in = (uintptr_t)frame;
	attributes.test.data_size_in = sizeof(frame);
	return kernel(BPF_PROG_TEST_RUN, &attributes);
}

int bulkhead_probe_ring_buffer(void)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.map_type = BPF_MAP_TYPE_RINGBUF;
	attributes.max_entries = sysconf(_SC_PAGESIZE);
	return kernel(BPF_MAP_CREATE, &attributes);
}

int bulkhead_probe_tcx(int program, uint32_t ifindex)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.link_create.prog_fd = program;
	attributes.link_create.target_ifindex = ifindex;
	attributes.link_create.attach_type = ATTACH_TCX_INGRESS;
	return kernel(BPF_LINK_CREATE, &attributes);
}

int bulkhead_probe_netfilter_link(int program)
{
	union bpf_attr attributes;
	/* bpf_attr.link_create of kernel 6.4: after prog_fd, target_fd, attach_type and flags. */
	struct {
		uint32_t family, hook;
		int32_t priority;
		uint32_t flags;
	} netfilter = {FAMILY_IPV4, HOOK_LOCAL_IN, PRIORITY, 0};

	memset(&attributes, 0, sizeof(attributes));
	attributes.link_create.prog_fd = program;
	attributes.link_create.attach_type = ATTACH_NETFILTER;
	memcpy((char *)&attributes + 4 * sizeof(uint32_t), &netfilter, sizeof(netfilter));
	return kernel(BPF_LINK_CREATE, &attributes);
}

int bulkhead_probe_clock(void)
{
	struct timex state = {0};

	if (adjtimex(&state) < 0)
		return -errno;
	return !(state.status & STA_UNSYNC);
}
