/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What policy says of one packet's tuple: the same lookups as Dataplane.TableEvaluator. Every hook calls decide().
 *
 * The order of reads is the protocol with the writer: the epoch (by the caller, before), then the generation, once,
 * then the stack's word of that generation, and everything else through it.
 */
#ifndef BULKHEAD_DECIDE_H
#define BULKHEAD_DECIDE_H

#include "maps.h"

#define PASS(reason) BULKHEAD_OUTCOME(BULKHEAD_OUTCOME_ALLOW, reason)
#define DROP(reason) BULKHEAD_OUTCOME(BULKHEAD_OUTCOME_DENY, reason)

static __always_inline int allows(__u32 outcome) { return BULKHEAD_OUTCOME_KIND(outcome) == BULKHEAD_OUTCOME_ALLOW; }

/* As the initiator sent it: `direction` is its side of the endpoint. */
struct question {
	__u32 zone;
	__u32 leg;
	__u32 direction;
	__u32 family;
	struct bulkhead_address peer;
	__u32 key; /* of a row's range */
	__u32 source_port;
};

static __always_inline void count(__u32 counter, __u64 number)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &counter);

	if (value)
		__sync_fetch_and_add(value, number);
}

static __always_inline __u64 meta_word(__u32 index)
{
	__u64 *value = bpf_map_lookup_elem(&meta, &index);

	return value ? READ_ONCE(*value) : 0;
}

enum { WORD_NONE, WORD_FOUND, WORD_TORN };

/*
 * A steering word and whether its tag is the key's. An element of a hash may be freed and given to another key while
 * we hold its address: preallocated ones go back to a free list, others to bpf_mem_cache_free(), and both hand them out
 * again without a grace period (kernel/bpf/hashtab.c, free_htab_elem()). So the word names the key it was written
 * for. One retry finds the key's own element or none.
 */
static __always_inline int tagged(void *map, const void *key, __u32 tag, __u32 *payload)
{
	__u64 *value = bpf_map_lookup_elem(map, key);
	__u64 word;

	if (!value)
		return WORD_NONE;
	word = READ_ONCE(*value);
	if (word >> 32 != tag) {
		count(BULKHEAD_COUNTER_TAG_RETRIES, 1);
		value = bpf_map_lookup_elem(map, key);
		if (!value)
			return WORD_NONE;
		word = READ_ONCE(*value);
		if (word >> 32 != tag)
			return WORD_TORN;
	}
	*payload = (__u32)word;
	return WORD_FOUND;
}

/*
 * Nodes of the trie are never changed in place, and handed out again after a grace period only (kernel/bpf/lpm_trie.c:
 * bpf_mem_cache_free_rcu(), before Linux 6.14 kfree_rcu()), so the value is one that the prefix had while we looked.
 * The tag is the payload's complement because the key that matched is not known here; it catches a damaged word.
 */
static __always_inline int prefix_identity(const struct question *question, __u32 *identity)
{
	struct bulkhead_prefix_key key;
	__u64 *value = NULL;
	__u64 word = 0;

	/* Few prefixes are longer than 24 bits, and the trie costs more the more prefixes there are. */
	if (!question->zone) {
		__u32 index = BULKHEAD_PREFIX_SHORTCUT(question->family,
						       question->peer.bytes[0] << 8 | question->peer.bytes[1]);

		value = bpf_map_lookup_elem(&prefix_shortcuts, &index);
		if (value)
			word = READ_ONCE(*value);
		if (word && !(word >> 32)) {
			index = ((__u32)word - 1) * 256 + question->peer.bytes[2];
			value = bpf_map_lookup_elem(&prefix_chunks, &index);
			word = value ? READ_ONCE(*value) : 0;
		}
		if (word)
			goto found;
	}
	key.prefixlen = question->family == 6 ? 32 + 128 : 32 + 32;
	key.zone_and_family = swap32(question->zone << 1 | (question->family == 6));
	key.address = question->peer;
	value = bpf_map_lookup_elem(&prefixes, &key);
	if (!value)
		return WORD_NONE;
	word = READ_ONCE(*value);
found:
	if ((__u32)(word >> 32) != ~(__u32)word)
		return WORD_TORN;
	*identity = (__u32)word;
	return WORD_FOUND;
}

static __always_inline __u64 arena_word(__u32 index)
{
	__u64 *value = bpf_map_lookup_elem(&arena, &index);

	return value ? READ_ONCE(*value) : 0;
}

/* Halvings that reduce the longest row that fits the arena to one range. */
#define SEARCH_STEPS 23

/* The outcome at a key of a row; 0, which is no outcome, when the row is damaged. */
VERIFIED_ONCE __u32 bulkhead_search(__u32 row, __u32 key)
{
	__u32 ranges = (__u32)arena_word(row);
	__u32 low = row + 1;
	__u64 word;
	int step;

	if (!row || !ranges)
		return 0;
	for (step = 0; step < SEARCH_STEPS && ranges > 1; step++) {
		__u32 half = ranges / 2;

		if ((__u32)arena_word(low + half) <= key)
			low += half;
		ranges -= half;
	}
	word = arena_word(low);
	return (__u32)word <= key ? (__u32)(word >> 32) : 0;
}

/* What the row of (stack, exact, prefix) says; unchanged where there is none. */
static __always_inline int look_in(__u32 stack, __u32 exact_identity, __u32 prefix_identity, __u32 key, __u32 *outcome)
{
	struct bulkhead_pair_key pair = {.stack = stack, .exact = exact_identity, .prefix = prefix_identity};
	__u32 row = 0;
	int found = tagged(&pairs, &pair, bulkhead_tag(&pair, sizeof(pair)), &row);

	if (found == WORD_FOUND)
		*outcome = bulkhead_search(row, key);
	return found;
}

/*
 * The row of both parts, else the exact part's upon the prefix's; then the base row. None of them changes while a packet
 * may ask for it, so it does not matter when each is read.
 */
static __always_inline int outcome_of(__u32 stack, __u32 exact_identity, __u32 prefix_identity, __u32 key, __u32 *outcome)
{
	int found = WORD_NONE;

	*outcome = BULKHEAD_OUTCOME(BULKHEAD_OUTCOME_INHERIT, 0);
	if (exact_identity && prefix_identity)
		found = look_in(stack, exact_identity, prefix_identity, key, outcome);
	if (found == WORD_NONE && exact_identity)
		if (look_in(stack, exact_identity, 0, key, outcome) == WORD_TORN)
			return WORD_TORN;
	if (found == WORD_NONE && prefix_identity && BULKHEAD_OUTCOME_KIND(*outcome) == BULKHEAD_OUTCOME_INHERIT)
		if (look_in(stack, 0, prefix_identity, key, outcome) == WORD_TORN)
			return WORD_TORN;
	if (found == WORD_TORN || BULKHEAD_OUTCOME_KIND(*outcome) != BULKHEAD_OUTCOME_INHERIT)
		return found == WORD_TORN ? WORD_TORN : WORD_FOUND;
	return look_in(stack, BULKHEAD_BASE, BULKHEAD_BASE, key, outcome);
}

static __always_inline __u32 checked(__u32 outcome)
{
	__u32 kind = BULKHEAD_OUTCOME_KIND(outcome);

	if ((kind > BULKHEAD_OUTCOME_ALLOW && kind != BULKHEAD_OUTCOME_REJECT) || BULKHEAD_OUTCOME_PAYLOAD(outcome) < BULKHEAD_FIRST_DECISION)
		return DROP(BULKHEAD_NO_TABLE);
	return outcome;
}

/*
 * An outcome of kind allow, deny or reject. A denial with a reason of ours instead of a decision says that the tables
 * could not answer for this packet.
 */
VERIFIED_ONCE __u32 bulkhead_decide(struct question *question)
{
	struct bulkhead_exact_key exact_key;
	__u32 exact_id = 0, prefix_id = 0, outcome;
	__u32 index, stack, bound;
	__u64 *value;
	__u64 word;
	int found;

	if (!question)
		return DROP(BULKHEAD_NO_TABLE);
	index = (__u32)meta_word(BULKHEAD_META_GENERATION);
	index = BULKHEAD_STACK_INDEX(question->leg, question->direction & 1, index);
	barrier();
	value = bpf_map_lookup_elem(&stacks, &index);
	if (!value)
		return DROP(BULKHEAD_NO_TABLE);
	word = READ_ONCE(*value);
	stack = (__u32)word;
	bound = (__u32)(word >> 32);
	if (!stack)
		return DROP(BULKHEAD_NO_TABLE);
	barrier();

	exact_key.zone = question->zone;
	exact_key.family = question->family;
	exact_key.address = question->peer;
	if (tagged(&exact, &exact_key, bulkhead_tag(&exact_key, sizeof(exact_key)), &exact_id) == WORD_TORN)
		return DROP(BULKHEAD_TORN_READ);
	found = prefix_identity(question, &prefix_id);
	if (found == WORD_TORN)
		found = prefix_identity(question, &prefix_id);
	if (found == WORD_TORN)
		return DROP(BULKHEAD_TORN_READ);
	if (exact_id >= bound || prefix_id >= bound)
		return DROP(BULKHEAD_NOT_SYNCHRONISED);

	found = outcome_of(stack, exact_id, prefix_id, question->key, &outcome);
	if (found == WORD_TORN)
		return DROP(BULKHEAD_TORN_READ);
	if (found == WORD_NONE)
		return DROP(BULKHEAD_NO_TABLE);
	if (BULKHEAD_OUTCOME_KIND(outcome) == BULKHEAD_OUTCOME_SOURCE_PORTS)
		outcome = bulkhead_search(BULKHEAD_OUTCOME_PAYLOAD(outcome), question->source_port);
	return checked(outcome);
}

#endif
