/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The maps. All are pinned and outlive the agent. The fingerprint of this file after the preprocessor names the folder
 * they are pinned in.
 *
 * Tables that the agent writes allocate an element when it is written, so that an idle node pays for little; the agent
 * is told when memory ends, and the old policy stands. The tables that packets write are allocated beforehand: a
 * packet has no one to tell.
 */
#ifndef BULKHEAD_MAPS_H
#define BULKHEAD_MAPS_H

#include "bpf.h"
#include "layout.h"

/* Puts the version into the fingerprint: meanings can change where no structure does. */
enum { bulkhead_layout_version = BULKHEAD_LAYOUT_VERSION };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BULKHEAD_META_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} meta SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, BULKHEAD_MAX_SLOTS);
	__type(key, struct bulkhead_interface_key);
	__type(value, __u64);
} interfaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BULKHEAD_INTERFACE_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} interface_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BULKHEAD_MAX_SLOTS);
	__type(key, __u32);
	__type(value, struct bulkhead_slot);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, BULKHEAD_MAX_LEGS);
	__type(key, struct bulkhead_leg_key);
	__type(value, __u64);
} legs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, BULKHEAD_MAX_ADMITTED_SOURCES);
	__type(key, struct bulkhead_source_key);
	__type(value, __u64);
} admitted_sources SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BULKHEAD_MAX_LEGS * 8);
	__type(key, __u32);
	__type(value, __u64);
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, BULKHEAD_MAX_EXACT);
	__type(key, struct bulkhead_exact_key);
	__type(value, __u64);
} exact SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, BULKHEAD_MAX_PREFIXES);
	__type(key, struct bulkhead_prefix_key);
	__type(value, __u64);
} prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BULKHEAD_PREFIX_SHORTCUTS);
	__type(key, __u32);
	__type(value, __u64);
} prefix_shortcuts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BULKHEAD_PREFIX_CHUNKS * 256);
	__type(key, __u32);
	__type(value, __u64);
} prefix_chunks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, BULKHEAD_MAX_PAIRS);
	__type(key, struct bulkhead_pair_key);
	__type(value, __u64);
} pairs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BULKHEAD_ARENA_WORDS);
	__type(key, __u32);
	__type(value, __u64);
} arena SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BULKHEAD_MAX_FLOWS);
	__type(key, struct bulkhead_flow_key);
	__type(value, struct bulkhead_flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, BULKHEAD_MAX_HALF_OPEN);
	__type(key, struct bulkhead_flow_key);
	__type(value, struct bulkhead_flow);
} half_open SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, BULKHEAD_MAX_FRAGMENTS);
	__type(key, struct bulkhead_fragment_key);
	__type(value, struct bulkhead_fragment);
} fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BULKHEAD_MAX_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} answers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BULKHEAD_BOUNCED);
	__type(key, __u32);
	__type(value, __u64);
} bounced SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BULKHEAD_MAX_SLOTS);
	__type(key, __u32);
	__type(value, struct bulkhead_link_local);
} link_locals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, BULKHEAD_EVENTS_BYTES);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BULKHEAD_COUNTER_COUNT);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

#endif
