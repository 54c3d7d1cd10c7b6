/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The part of the kernel's interface that the programs use, written from the kernel's documentation
 * (bpf-helpers(7), include/uapi/linux/bpf.h), so that a build needs no kernel headers.
 */
#ifndef BULKHEAD_BPF_H
#define BULKHEAD_BPF_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef int __s32;
typedef long long __s64;

#define SEC(name) __attribute__((section(name), used))
#define __always_inline inline __attribute__((always_inline))
/*
 * A function the verifier checks by itself, once, instead of again at every call on every path: what keeps the number
 * of its steps near the number of instructions. It checks such a function for any arguments, so each begins with the
 * check for NULL that none of our calls needs.
 */
#define VERIFIED_ONCE __attribute__((noinline))
#define NULL ((void *)0)

/* How libbpf reads a map's definition from BTF. */
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_F_NO_PREALLOC = 1 << 0,
	BPF_F_MMAPABLE = 1 << 10,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
};

enum {
	BPF_F_INGRESS = 1 << 0,
};

enum {
	BPF_RB_NO_WAKEUP = 1 << 0,
	BPF_RB_AVAIL_DATA = 0,
};

/* Direct action of cls_bpf. UNSPEC goes on to the next filter of the interface, so that ours hides no other. */
enum {
	TC_ACT_UNSPEC = -1,
	TC_ACT_SHOT = 2,
	TC_ACT_REDIRECT = 7,
};

/* The context of a tc program; fields beyond those used are left out at the end only. */
struct __sk_buff {
	__u32 len;
	__u32 pkt_type;
	__u32 mark;
	__u32 queue_mapping;
	__u32 protocol;
	__u32 vlan_present;
	__u32 vlan_tci;
	__u32 vlan_proto;
	__u32 priority;
	__u32 ingress_ifindex;
	__u32 ifindex;
	__u32 tc_index;
	__u32 cb[5];
	__u32 hash;
	__u32 tc_classid;
	__u32 data;
	__u32 data_end;
	__u32 napi_id;
	__u32 family;
	__u32 remote_ip4;
	__u32 local_ip4;
	__u32 remote_ip6[4];
	__u32 local_ip6[4];
	__u32 remote_port;
	__u32 local_port;
	__u32 data_meta;
	__u64 flow_keys;
	__u64 tstamp;
	__u32 wire_len;
	__u32 gso_segs;
	__u64 sk;
	__u32 gso_size;
};

static __u32 (*bpf_get_prandom_u32)(void) = (void *)7;
static long (*bpf_skb_store_bytes)(struct __sk_buff *skb, __u32 offset, const void *from, __u32 length, __u64 flags) = (void *)9;
static long (*bpf_redirect)(__u32 ifindex, __u64 flags) = (void *)23;
static long (*bpf_skb_change_tail)(struct __sk_buff *skb, __u32 length, __u64 flags) = (void *)38;
static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*bpf_map_update_elem)(void *map, const void *key, const void *value, __u64 flags) = (void *)2;
static long (*bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
static long (*bpf_skb_load_bytes)(const void *skb, __u32 offset, void *to, __u32 length) = (void *)26;
static __u64 (*bpf_jiffies64)(void) = (void *)118;
static __u64 (*bpf_ktime_get_boot_ns)(void) = (void *)125;
static void *(*bpf_ringbuf_reserve)(void *ring, __u64 size, __u64 flags) = (void *)131;
static void (*bpf_ringbuf_submit)(void *data, __u64 flags) = (void *)132;
static __u64 (*bpf_ringbuf_query)(void *ring, __u64 flags) = (void *)134;
static long (*bpf_for_each_map_elem)(void *map, void *callback, void *context, __u64 flags) = (void *)164;

/* Every target of the programs is little-endian. */
static __always_inline __u16 swap16(__u16 value) { return __builtin_bswap16(value); }
static __always_inline __u32 swap32(__u32 value) { return __builtin_bswap32(value); }

/* One read of memory that others write. */
#define READ_ONCE(place) (*(const volatile typeof(place) *)&(place))
#define WRITE_ONCE(place, value) (*(volatile typeof(place) *)&(place) = (value))
/* Keeps the compiler from moving reads; the architectures it matters on keep the order of dependent reads. */
#define barrier() __asm__ volatile("" ::: "memory")

#endif
