/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * The flow table: connections that were allowed, at one policed end.
 *
 * Two maps. `half_open` holds what one side alone has said and forgets the oldest; `flows` holds what the other side
 * has answered, and for TCP what the initiator has acknowledged with the right number, so that no flood of packets with
 * forged senders can fill it or push out an idle connection.
 */
#ifndef BULKHEAD_FLOW_H
#define BULKHEAD_FLOW_H

#include "control.h"
#include "event.h"

#define ERROR_EXISTS (-17)

/* An entry as found, with the word that was read once. */
struct entry {
	struct bulkhead_flow *flow;
	__u64 word;
	__u32 confirmed; /* in flows */
};

static __always_inline __u32 flow_tag(const struct bulkhead_flow_key *key)
{
	return bulkhead_tag(key, sizeof(*key)) & 0x0fffffff;
}

static __always_inline __u32 flags_of(__u64 word) { return (__u32)(word >> 32) & 15; }
static __always_inline __u64 flow_word(__u32 epoch, __u32 tag, __u32 flags)
{
	return (__u64)(tag << BULKHEAD_FLOW_TAG_SHIFT | flags) << 32 | epoch;
}

static __always_inline int expired(const struct bulkhead_flow *flow, __u8 protocol, __u64 now)
{
	return elapsed(READ_ONCE(flow->last_seen), now) > bulkhead_flow_timeout(protocol, READ_ONCE(flow->state));
}

/* Elements of both maps are handed to other keys while we hold them (see tagged()). */
static __always_inline int find(const struct bulkhead_flow_key *key, __u32 tag, struct entry *entry)
{
	entry->confirmed = 1;
	entry->flow = bpf_map_lookup_elem(&flows, key);
	if (entry->flow) {
		entry->word = READ_ONCE(entry->flow->word);
		if (entry->word >> (32 + BULKHEAD_FLOW_TAG_SHIFT) == tag)
			return 1;
		count(BULKHEAD_COUNTER_TAG_RETRIES, 1);
	}
	entry->confirmed = 0;
	entry->flow = bpf_map_lookup_elem(&half_open, key);
	if (entry->flow) {
		entry->word = READ_ONCE(entry->flow->word);
		if (entry->word >> (32 + BULKHEAD_FLOW_TAG_SHIFT) == tag)
			return 1;
		count(BULKHEAD_COUNTER_TAG_RETRIES, 1);
	}
	entry->flow = NULL;
	return 0;
}

/* Asks policy about a flow as its initiator began it. An outcome as bulkhead_decide()'s. */
VERIFIED_ONCE __u32 judge(const struct packet *packet, __u32 leg, __u32 direction, __u16 type_code)
{
	if (!packet)
		return DROP(BULKHEAD_NO_TABLE);
	struct question question = {};
	const struct bulkhead_slot *slot = slot_of(packet);
	__u8 protocol = packet->key.protocol;
	__u16 detail = 0;

	if (!slot)
		return DROP(BULKHEAD_NO_TABLE);
	question.zone = slot->zone;
	question.leg = leg;
	question.direction = direction;
	question.family = packet->key.family;
	question.peer = packet->key.peer;
	if (protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMPV6) {
		detail = type_code;
	} else if (direction == BULKHEAD_EGRESS) {
		detail = packet->key.peer_port;
		question.source_port = packet->key.local_port;
	} else {
		detail = packet->key.local_port;
		question.source_port = packet->key.peer_port;
	}
	question.key = (__u32)protocol << 16 | detail;
	return bulkhead_decide(&question);
}

/*
 * Whether a live entry's flow is allowed: as decided before if nothing was committed since, else decided anew with the
 * initiator's direction, whoever sent this packet. A flow that is cut stays in the table, so that its packets are
 * not taken for a new one's, and lives again when policy allows it again.
 */
VERIFIED_ONCE __u32 consult(const struct packet *packet, struct bulkhead_flow *flow, __u64 word)
{
	if (!packet || !flow)
		return DROP(BULKHEAD_NO_TABLE);
	__u32 flags = flags_of(word);
	__u32 before = READ_ONCE(flow->outcome);
	__u32 outcome = before;
	__u16 type_code = flow->type_code;
	__u32 direction = flags & BULKHEAD_FLOW_EGRESS ? BULKHEAD_EGRESS : BULKHEAD_INGRESS;
	__u32 leg, found;
	__u64 after;

	if ((__u32)word == packet->epoch)
		return !(flags & BULKHEAD_FLOW_CUT) ? PASS(0) : allows(before) ? DROP(BULKHEAD_OUTCOME_PAYLOAD(before)) : before;
	found = find_leg(packet, &leg);
	if (found != CONTINUE)
		return found;
	if (!(flags & BULKHEAD_FLOW_LOCAL_HOST)) {
		if (BULKHEAD_OUTCOME_PAYLOAD(before) != BULKHEAD_ITSELF)
			outcome = judge(packet, leg, direction, type_code);
		/* The tables could not answer now; nothing is kept of that. */
		if (!allows(outcome) && BULKHEAD_OUTCOME_PAYLOAD(outcome) < BULKHEAD_FIRST_DECISION)
			return outcome;
	}
	flags = allows(outcome) ? flags & ~BULKHEAD_FLOW_CUT : flags | BULKHEAD_FLOW_CUT;
	/* Fails when another CPU was first, or the element is another flow's by now: then nothing is ours to write. */
	after = flow_word(packet->epoch, word >> (32 + BULKHEAD_FLOW_TAG_SHIFT), flags);
	if (__sync_val_compare_and_swap(&flow->word, word, after) == word && outcome != before) {
		WRITE_ONCE(flow->outcome, outcome);
		report(packet, BULKHEAD_EVENT_REDECIDED, outcome, direction, type_code);
	}
	return allows(outcome) ? PASS(0) : outcome;
}

/* Counts a packet of an allowed flow and follows its state. Returns the state. */
static __always_inline __u32 track(const struct packet *packet, struct bulkhead_flow *flow, int from_initiator)
{
	__u16 state = READ_ONCE(flow->state);
	__u32 set = 0;

	if (packet->key.protocol == PROTOCOL_TCP) {
		__u8 flags = packet->tcp_flags;

		if (from_initiator) {
			if ((flags & (TCP_SYN | TCP_ACK)) == TCP_SYN)
				set |= BULKHEAD_STATE_SYN;
			else if (flags & TCP_ACK && !(flags & TCP_RST) && state & BULKHEAD_STATE_SYN_ACK &&
				 packet->acknowledgement == (__u32)READ_ONCE(flow->expected))
				set |= BULKHEAD_STATE_ACK;
			if (flags & TCP_FIN)
				set |= BULKHEAD_STATE_FIN_OUT;
		} else {
			if ((flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK)) {
				if (!(state & BULKHEAD_STATE_ACK))
					WRITE_ONCE(flow->expected, packet->sequence + 1);
				set |= BULKHEAD_STATE_SYN_ACK;
			}
			if (flags & TCP_FIN)
				set |= BULKHEAD_STATE_FIN_IN;
			if (!(flags & TCP_RST))
				set |= BULKHEAD_STATE_REPLIED;
		}
		if (flags & TCP_RST)
			set |= BULKHEAD_STATE_RST;
		else if (state & BULKHEAD_STATE_RST) /* the connection goes on: that reset was not believed */
			__sync_fetch_and_and((__u32 *)&flow->state, ~BULKHEAD_STATE_RST);
	} else if (!from_initiator) {
		set = BULKHEAD_STATE_REPLIED;
	}
	/* `state` is the low half of a word; BPF has no atomic operation on 16 bits. */
	if (set & ~state)
		__sync_fetch_and_or((__u32 *)&flow->state, set);
	WRITE_ONCE(flow->last_seen, packet->now);
	__atomic_fetch_add(from_initiator ? &flow->packets_out : &flow->packets_in, packet->segments, __ATOMIC_RELAXED);
	__atomic_fetch_add(from_initiator ? &flow->bytes_out : &flow->bytes_in, packet->bytes, __ATOMIC_RELAXED);
	return state | set;
}

/* How many entries a sweep removes at most; the next comes a second later. */
#define SWEEP_REMOVES 4096

struct sweep {
	__u64 now;
	__u32 left; /* to remove */
};

static long sweep_one(void *map, const void *key, void *value, void *context)
{
	struct sweep *sweep = context;
	struct bulkhead_flow *flow = value;
	/* A copy: the element may be another's after the deletion. */
	struct bulkhead_flow_key copy = *(const struct bulkhead_flow_key *)key;

	if (!expired(flow, copy.protocol, sweep->now))
		return 0;
	report_closed(&copy, flow, sweep->now);
	bpf_map_delete_elem(map, &copy);
	return !--sweep->left;
}

/*
 * Aging while no process of ours lives: when the table is full, expired entries go, at most once a second on one CPU.
 * A walk over a full table of 262,144 costs some milliseconds.
 */
VERIFIED_ONCE int sweep_flows(__u64 now, __u32 removes)
{
	/* The number comes as an argument so that the verifier does not count every removal by itself. */
	struct sweep sweep = {.now = now, .left = removes};
	__u32 index = BULKHEAD_META_LAST_SWEEP;
	__u64 *last = bpf_map_lookup_elem(&meta, &index);
	__u64 before;

	if (!last)
		return 0;
	before = READ_ONCE(*last);
	if (elapsed(before, now) < BULKHEAD_SECOND || __sync_val_compare_and_swap(last, before, now) != before)
		return 0;
	count(BULKHEAD_COUNTER_FLOW_SWEEPS, 1);
	bpf_for_each_map_elem(&flows, sweep_one, &sweep, 0);
	return sweep.left != removes;
}

/* Moves an answered flow to the confirmed table. When that is full it stays where it is, and works. */
VERIFIED_ONCE int confirm(const struct packet *packet, struct bulkhead_flow *flow)
{
	if (!packet || !flow)
		return 0;
	struct bulkhead_flow copy = *flow;
	long error;

	/* The element may have been handed on while it was copied. */
	if (copy.word >> (32 + BULKHEAD_FLOW_TAG_SHIFT) != flow_tag(&packet->key))
		return 0;
	error = bpf_map_update_elem(&flows, &packet->key, &copy, BPF_NOEXIST);
	if (error && error != ERROR_EXISTS && sweep_flows(packet->now, SWEEP_REMOVES))
		error = bpf_map_update_elem(&flows, &packet->key, &copy, BPF_NOEXIST);
	if ((!error || error == ERROR_EXISTS) && !bpf_map_delete_elem(&half_open, &packet->key))
		count(BULKHEAD_COUNTER_HALF_LEFT, 1);
	return 0;
}

static __always_inline int is_confirmed(__u8 protocol, __u32 state)
{
	__u32 needed = protocol == PROTOCOL_TCP ? BULKHEAD_STATE_REPLIED | BULKHEAD_STATE_ACK : BULKHEAD_STATE_REPLIED;

	return (state & needed) == needed;
}

/*
 * Whether the workload sent this packet, on its way back to it, itself: then a live entry has the tuple as it had it
 * on its way out, which is this one's mirror image.
 */
VERIFIED_ONCE int sent_by_itself(const struct packet *packet)
{
	if (!packet)
		return 0;
	struct bulkhead_flow_key key = packet->key;
	struct entry entry = {};

	key.local = packet->key.peer;
	key.peer = packet->key.local;
	if (key.protocol == PROTOCOL_ICMP || key.protocol == PROTOCOL_ICMPV6) {
		key.asker = key.asker ? 3 - key.asker : 0;
	} else {
		key.local_port = packet->key.peer_port;
		key.peer_port = packet->key.local_port;
	}
	return find(&key, flow_tag(&key), &entry) && !expired(entry.flow, key.protocol, packet->now) &&
	       (flags_of(entry.word) & (BULKHEAD_FLOW_EGRESS | BULKHEAD_FLOW_CUT)) == BULKHEAD_FLOW_EGRESS;
}

/* Makes the entry of a flow that was just allowed. Returns the outcome for the packet. */
VERIFIED_ONCE __u32 open_flow(const struct packet *packet, __u32 outcome, __u32 flags, __u32 state)
{
	if (!packet)
		return DROP(BULKHEAD_FLOW_TABLE_FULL);
	struct bulkhead_flow flow = {};
	__u32 direction = flags & BULKHEAD_FLOW_EGRESS ? BULKHEAD_EGRESS : BULKHEAD_INGRESS;
	int adopted = !!(state & BULKHEAD_STATE_ADOPTED);
	long error;

	flow.word = flow_word(packet->epoch, flow_tag(&packet->key), flags);
	flow.created = packet->now;
	flow.last_seen = packet->now;
	flow.outcome = outcome;
	flow.state = state;
	flow.type_code = packet->type_code;
	if (packet->direction == direction) {
		flow.packets_out = packet->segments;
		flow.bytes_out = packet->bytes;
	} else {
		flow.packets_in = packet->segments;
		flow.bytes_in = packet->bytes;
		flow.state |= BULKHEAD_STATE_REPLIED;
	}
	/* What user space counts as forgotten is what came in and neither left nor is there: a replaced entry is no new one. */
	error = bpf_map_update_elem(&half_open, &packet->key, &flow, BPF_NOEXIST);
	if (!error)
		count(BULKHEAD_COUNTER_HALF_OPENED, 1);
	else if (bpf_map_update_elem(&half_open, &packet->key, &flow, BPF_ANY))
		return DROP(BULKHEAD_FLOW_TABLE_FULL);
	if (adopted)
		count(BULKHEAD_COUNTER_ADOPTED, 1);
	report(packet, adopted ? BULKHEAD_EVENT_ADOPTED : BULKHEAD_EVENT_OPENED, outcome, direction, packet->type_code);
	return PASS(BULKHEAD_OUTCOME_PAYLOAD(outcome));
}

#endif
