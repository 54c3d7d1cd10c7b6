#include "CLinux.h"

/* struct ucred */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/membarrier.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* BPF_F_BEFORE, newer than the headers of Debian 12. */
enum { FLAG_BEFORE = 1 << 3 };

static int kernel(int command, union bpf_attr *attributes)
{
	long result = syscall(SYS_bpf, command, attributes, sizeof(*attributes));

	return result < 0 ? -errno : (int)result;
}

/* A descriptor. */
static int numbered_program(uint32_t number)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.prog_id = number;
	return kernel(BPF_PROG_GET_FD_BY_ID, &attributes);
}

int bulkhead_tcx_programs(uint32_t ifindex, enum bulkhead_tcx_hook hook, uint32_t *numbers, uint32_t room)
{
	union bpf_attr attributes;
	int result;

	memset(&attributes, 0, sizeof(attributes));
	attributes.query.target_fd = ifindex;
	attributes.query.attach_type = hook;
	attributes.query.prog_ids = (uintptr_t)numbers;
	attributes.query.prog_cnt = room;
	result = kernel(BPF_PROG_QUERY, &attributes);
	if (result == -ENOENT)
		return 0;
	return result && result != -ENOSPC ? result : (int)attributes.query.prog_cnt;
}

int bulkhead_tcx_attach(uint32_t ifindex, enum bulkhead_tcx_hook hook, int program, uint32_t replaced)
{
	union bpf_attr attributes;
	int result, old = -1;

	memset(&attributes, 0, sizeof(attributes));
	attributes.target_fd = ifindex;
	attributes.attach_bpf_fd = program;
	attributes.attach_type = hook;
	attributes.attach_flags = FLAG_BEFORE;
	if (replaced) {
		old = numbered_program(replaced);
		if (old < 0)
			return old;
		attributes.attach_flags = BPF_F_REPLACE;
		attributes.replace_bpf_fd = old;
	}
	result = kernel(BPF_PROG_ATTACH, &attributes);
	if (old >= 0)
		close(old);
	return result;
}

int bulkhead_tcx_detach(uint32_t ifindex, enum bulkhead_tcx_hook hook, uint32_t number)
{
	union bpf_attr attributes;
	int result, program = numbered_program(number);

	if (program < 0)
		return program;
	memset(&attributes, 0, sizeof(attributes));
	attributes.target_fd = ifindex;
	attributes.attach_bpf_fd = program;
	attributes.attach_type = hook;
	result = kernel(BPF_PROG_DETACH, &attributes);
	close(program);
	return result;
}

int bulkhead_program_name(uint32_t number, char name[16])
{
	union bpf_attr attributes;
	struct bpf_prog_info info;
	int result, program = numbered_program(number);

	if (program < 0)
		return program;
	memset(&info, 0, sizeof(info));
	memset(&attributes, 0, sizeof(attributes));
	attributes.info.bpf_fd = program;
	attributes.info.info_len = sizeof(info);
	attributes.info.info = (uintptr_t)&info;
	result = kernel(BPF_OBJ_GET_INFO_BY_FD, &attributes);
	close(program);
	if (!result)
		memcpy(name, info.name, sizeof(info.name));
	return result;
}

int bulkhead_wait_for_grace(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) ? -errno : 0;
}

uint64_t bulkhead_boot_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int bulkhead_lock_directory(const char *path)
{
	int error;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

int bulkhead_lock_namespace(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct ucred holder;
	socklen_t holder_size = sizeof(holder);
	size_t length = strlen(name);
	socklen_t size = offsetof(struct sockaddr_un, sun_path) + 1 + length;
	int error;
	int fd;

	if (length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path + 1, name, length);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&address, size) && !listen(fd, SOMAXCONN))
		return fd;
	error = errno;
	if (error != EADDRINUSE) {
		close(fd);
		return -error;
	}
	/* Every user may take such a name: one without our rights must not keep us from starting. */
	if (!connect(fd, (struct sockaddr *)&address, size) &&
	    !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &holder, &holder_size) && holder.uid == geteuid()) {
		close(fd);
		return -EADDRINUSE;
	}
	return fd;
}

void bulkhead_answer_namespace_lock(int lock)
{
	int count;

	for (count = 0; count < 4096; count++) {
		int peer = accept4(lock, NULL, NULL, SOCK_CLOEXEC);

		if (peer < 0)
			return;
		close(peer);
	}
}
