#include "CBenchmarks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>

#include <bpf/bpf.h>

int benchmark_enter_new_network_namespace(void)
{
	return unshare(CLONE_NEWNET) ? -errno : 0;
}

int benchmark_open_network_namespace(void)
{
	int descriptor = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	return descriptor < 0 ? -errno : descriptor;
}

int benchmark_enter_network_namespace(int descriptor)
{
	return setns(descriptor, CLONE_NEWNET) ? -errno : 0;
}

int benchmark_load_empty_program(void)
{
	/* return -1: go on, as the measured programs say of an allowed packet */
	const struct bpf_insn instructions[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int program = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "empty", "GPL", instructions,
				    sizeof(instructions) / sizeof(instructions[0]), NULL);

	return program < 0 ? -errno : program;
}
