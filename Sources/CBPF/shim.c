#include "CBPF.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#define REAL(object) ((struct bpf_object *)(object))

struct bulkhead_object *bulkhead_object_open(const void *bytes, size_t size, char *log, size_t log_size)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "bulkhead", .kernel_log_buf = log,
		    .kernel_log_size = log_size);

	/* libbpf writes to standard error by default; what matters is in the log and in errno. */
	libbpf_set_print(NULL);
	return (struct bulkhead_object *)bpf_object__open_mem(bytes, size, &options);
}

int bulkhead_object_pin_maps(struct bulkhead_object *object, const char *directory)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, REAL(object)) {
		char path[4096];
		int length = snprintf(path, sizeof(path), "%s/%s", directory, bpf_map__name(map));
		int error;

		if (length < 0 || (size_t)length >= sizeof(path))
			return -ENAMETOOLONG;
		error = bpf_map__set_pin_path(map, path);
		if (error)
			return error;
	}
	return 0;
}

int bulkhead_object_load(struct bulkhead_object *object) { return bpf_object__load(REAL(object)); }

static int duplicate(int descriptor)
{
	int copy;

	if (descriptor < 0)
		return descriptor;
	copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
	return copy < 0 ? -errno : copy;
}

int bulkhead_object_map(struct bulkhead_object *object, const char *name)
{
	return duplicate(bpf_object__find_map_fd_by_name(REAL(object), name));
}

int bulkhead_object_program(struct bulkhead_object *object, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(REAL(object), name);

	return program ? duplicate(bpf_program__fd(program)) : -ENOENT;
}

int bulkhead_program_number(int program, uint32_t *number)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	int error = bpf_obj_get_info_by_fd(program, &info, &size);

	if (error)
		return error;
	*number = info.id;
	return 0;
}

int bulkhead_pinned_map(const char *path)
{
	int map = bpf_obj_get(path);

	return map < 0 ? -errno : map;
}

void bulkhead_object_close(struct bulkhead_object *object) { bpf_object__close(REAL(object)); }

int bulkhead_is_bpf_filesystem(const char *path)
{
	struct statfs status;

	if (statfs(path, &status))
		return -errno;
	return status.f_type == BPF_FS_MAGIC;
}

int bulkhead_mount_bpf_filesystem(const char *path)
{
	return mount("bpf", path, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") ? -errno : 0;
}

int bulkhead_map_open(const char *path) { return bpf_obj_get(path); }

int bulkhead_map_shape(int map, struct bulkhead_map_shape *shape)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int error = bpf_obj_get_info_by_fd(map, &info, &size);

	if (error)
		return error;
	shape->key_size = info.key_size;
	shape->value_size = info.value_size;
	shape->capacity = info.max_entries;
	return 0;
}

int bulkhead_map_lookup(int map, const void *key, void *value) { return bpf_map_lookup_elem(map, key, value); }

int bulkhead_map_update(int map, const void *key, const void *value, uint64_t flags)
{
	return bpf_map_update_elem(map, key, value, flags);
}

int bulkhead_map_delete(int map, const void *key) { return bpf_map_delete_elem(map, key); }

int bulkhead_map_next_key(int map, const void *key, void *next) { return bpf_map_get_next_key(map, key, next); }

int bulkhead_map_lookup_batch(int map, void *in_batch, void *out_batch, void *keys, void *values, uint32_t *count)
{
	return bpf_map_lookup_batch(map, in_batch, out_batch, keys, values, count, NULL);
}

int bulkhead_map_update_batch(int map, const void *keys, const void *values, uint32_t *count)
{
	return bpf_map_update_batch(map, keys, values, count, NULL);
}

int bulkhead_map_delete_batch(int map, const void *keys, uint32_t *count)
{
	return bpf_map_delete_batch(map, keys, count, NULL);
}

int bulkhead_possible_cpus(void) { return libbpf_num_possible_cpus(); }

static struct __sk_buff test_skb(const struct bulkhead_test_context *context)
{
	struct __sk_buff skb = {
		.ifindex = context->ifindex,
		.ingress_ifindex = context->ingress_ifindex,
		.gso_segs = context->gso_segs,
		.gso_size = context->gso_size,
		.mark = context->mark,
	};

	return skb;
}

int bulkhead_test_run(int program, const void *packet, uint32_t size, const struct bulkhead_test_context *context,
		      uint32_t repeat, int32_t *verdict, uint32_t *nanoseconds)
{
	struct __sk_buff skb = test_skb(context);
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = size, .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .repeat = repeat);
	int error = bpf_prog_test_run_opts(program, &options);

	if (error)
		return error;
	*verdict = (int32_t)options.retval;
	*nanoseconds = options.duration;
	return 0;
}

int bulkhead_test_rewrite(int program, const void *packet, uint32_t packet_size, const struct bulkhead_test_context *context,
			  void *written, uint32_t *size, uint32_t *mark, int32_t *verdict)
{
	struct __sk_buff skb = test_skb(context), after = {0};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = packet_size, .data_out = written,
		    .data_size_out = *size, .ctx_in = &skb, .ctx_size_in = sizeof(skb), .ctx_out = &after,
		    .ctx_size_out = sizeof(after), .repeat = 1);
	int error = bpf_prog_test_run_opts(program, &options);

	if (error)
		return error;
	*size = options.data_size_out;
	*mark = after.mark;
	*verdict = (int32_t)options.retval;
	return 0;
}
