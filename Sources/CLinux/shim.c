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

int bulkhead_tcx_programs(uint32_t ifindex, uint32_t attach_type)
{
	union bpf_attr attributes;

	memset(&attributes, 0, sizeof(attributes));
	attributes.query.target_fd = ifindex;
	attributes.query.attach_type = attach_type;
	if (syscall(SYS_bpf, BPF_PROG_QUERY, &attributes, sizeof(attributes)))
		return errno == ENOENT ? 0 : -errno;
	return (int)attributes.query.prog_cnt;
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
