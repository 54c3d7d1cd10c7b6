#ifndef BULKHEAD_CBPF_H
#define BULKHEAD_CBPF_H

/*
 * What Swift needs of libbpf and bpf(2). Functions return 0 (or what they say) and a negative errno on failure.
 */

#include <stddef.h>
#include <stdint.h>

#include "../../../Kernel/layout.h"

/* An ELF object that is being loaded; NULL with errno set on failure. The log stays the caller's until close. */
struct bulkhead_object;
struct bulkhead_object *bulkhead_object_open(const void *bytes, size_t size, char *log, size_t log_size);
/* Every map will be taken from `directory`, or made and pinned there. */
int bulkhead_object_pin_maps(struct bulkhead_object *object, const char *directory);
int bulkhead_object_load(struct bulkhead_object *object);
/* A new descriptor, the caller's own. */
int bulkhead_object_map(struct bulkhead_object *object, const char *name);
int bulkhead_object_program(struct bulkhead_object *object, const char *name);
/* The kernel's number of a program; never 0. */
int bulkhead_program_number(int program, uint32_t *number);
void bulkhead_object_close(struct bulkhead_object *object);

/* A map by the name under which it is pinned: a descriptor, the caller's own. */
int bulkhead_pinned_map(const char *path);

/* 1 when `path` lies in a BPF file system, 0 when not. */
int bulkhead_is_bpf_filesystem(const char *path);
int bulkhead_mount_bpf_filesystem(const char *path);

struct bulkhead_map_shape {
	uint32_t key_size;
	uint32_t value_size;
	uint32_t capacity;
};
/* A new descriptor of the map that is pinned there. */
int bulkhead_map_open(const char *path);
int bulkhead_map_shape(int map, struct bulkhead_map_shape *shape);
int bulkhead_map_lookup(int map, const void *key, void *value);
int bulkhead_map_update(int map, const void *key, const void *value, uint64_t flags);
int bulkhead_map_delete(int map, const void *key);
int bulkhead_map_next_key(int map, const void *key, void *next);
/* `count`: in: room; out: done, also when it fails. Batch tokens are as large as a key, at least 4 bytes. */
int bulkhead_map_lookup_batch(int map, void *in_batch, void *out_batch, void *keys, void *values, uint32_t *count);
int bulkhead_map_update_batch(int map, const void *keys, const void *values, uint32_t *count);
int bulkhead_map_delete_batch(int map, const void *keys, uint32_t *count);
int bulkhead_possible_cpus(void);

/* What of a packet's context BPF_PROG_TEST_RUN lets a caller choose. */
struct bulkhead_test_context {
	uint32_t ifindex;	  /* 0 or 1: lo */
	uint32_t ingress_ifindex; /* 0: made by the host itself */
	uint32_t gso_segs;
	uint32_t gso_size;
	uint32_t mark;
};
/* Returns 0; the program's return value and the mean run time in nanoseconds through the pointers. */
int bulkhead_test_run(int program, const void *packet, uint32_t size, const struct bulkhead_test_context *context,
		      uint32_t repeat, int32_t *verdict, uint32_t *nanoseconds);

/* The same once; the packet as the program left it, at most `*size` bytes, and its mark. */
int bulkhead_test_rewrite(int program, const void *packet, uint32_t packet_size, const struct bulkhead_test_context *context,
			  void *written, uint32_t *size, uint32_t *mark, int32_t *verdict);

/* Memory shared with the kernel. */
static inline uint64_t bulkhead_load64(const uint64_t *place) { return __atomic_load_n(place, __ATOMIC_ACQUIRE); }
static inline void bulkhead_store64(uint64_t *place, uint64_t value)
{
	__atomic_store_n(place, value, __ATOMIC_RELEASE);
}
static inline uint32_t bulkhead_load32(const uint32_t *place) { return __atomic_load_n(place, __ATOMIC_ACQUIRE); }

#endif
