#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
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
