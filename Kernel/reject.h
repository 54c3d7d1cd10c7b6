/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Denials that are told to who sent the packet: a TCP segment gets a reset (RFC 9293 section 3.5.2), anything else
 * "communication administratively prohibited" (RFC 1812 section 5.2.7.1, RFC 4443 section 3.1). The packet itself becomes
 * the answer and leaves by the interface it came with, so that routed and bridged traffic are one case: towards the
 * workload through its other hook, away from it as if the workload had sent it.
 *
 * Whether the kernel still means to fill in a checksum is not to be seen from here. So where it would, already stands what
 * it would write (the sum of the pseudo header), and a field without meaning makes the whole sum right: for TCP the
 * window of a reset, for ICMPv6 the checksum, with the sum in the unused word.
 */
#ifndef BULKHEAD_REJECT_H
#define BULKHEAD_REJECT_H

#include "flow.h"

#define ANSWER_HOP_LIMIT 64
#define ANSWER_ATTEMPTS 4

struct tcp_header {
	__u16 source;
	__u16 destination;
	__u32 sequence;
	__u32 acknowledgement;
	__u8 offset;
	__u8 flags;
	__u16 window;
	__u16 checksum;
	__u16 urgent;
};

/* An ICMP error with the header it quotes, of IPv6's size, and the first 8 bytes that follow that. */
struct prohibited {
	__u8 type;
	__u8 code;
	__u16 checksum;
	__u16 zero;
	__u16 unused;
	__u8 quoted[sizeof(struct ipv6_header) + 8];
};

/* One's complement sums do not care for byte order as long as all of it is the network's. */
static __always_inline __u64 sum_of(const void *start, __u32 size)
{
	const __u32 *words = start;
	__u64 sum = 0;
	__u32 index;

	for (index = 0; index < size / 4; index++)
		sum += words[index];
	return sum;
}

static __always_inline __u16 folded(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* Whether this packet is an answer of ours on its way: then its mark was made for it, and is taken off. */
static __always_inline int is_answer(struct __sk_buff *skb)
{
	__u32 index = skb->mark % BULKHEAD_BOUNCED;
	__u64 word = (__u64)skb->ifindex << 32 | skb->mark;
	__u64 *place = bpf_map_lookup_elem(&bounced, &index);

	if (!place || READ_ONCE(*place) != word || __sync_val_compare_and_swap(place, word, 0) != word)
		return 0;
	skb->mark = 0;
	return 1;
}

/* Whether RFC 1122 section 3.2.2 and RFC 4443 section 2.4 let a packet be answered, and we can. */
VERIFIED_ONCE int answerable(struct packet *packet)
{
	if (!packet)
		return 0;
	const struct bulkhead_address *source = source_of(packet);
	__u8 family = packet->key.family;
	__u32 header = family == 6 ? sizeof(struct ipv6_header) : sizeof(struct ipv4_header);

	if (packet->group || packet->first_part || packet->later_part || packet->class != CLASS_PLAIN ||
	    packet->from_host || packet->transport != ETHERNET_HEADER + header || packet->transport_length < 8)
		return 0;
	if (unspecified(source) || multicast(family, source) || multicast(family, destination_of(packet)) ||
	    (family == 4 && source->bytes[0] == 127) ||
	    (family == 6 && !word_of(source, 0) && !word_of(source, 1) && !word_of(source, 2)))
		return 0;
	switch (packet->key.protocol) {
	case PROTOCOL_TCP:
		return !(packet->tcp_flags & TCP_RST);
	case PROTOCOL_ICMP:
		return family == 4 && packet->type_code == 8 << 8;
	case PROTOCOL_ICMPV6:
		return family == 6 && packet->type_code == 128 << 8;
	case PROTOCOL_SCTP:
		return 0; /* the kernel may mean to fill in a sum of another kind */
	default:
		return 1;
	}
}

/* An even pace, with some at once. */
VERIFIED_ONCE int may_answer(const struct packet *packet)
{
	if (!packet)
		return 0;
	__u32 slot = packet->key.slot;
	__u64 now = packet->now;
	__u64 *due = bpf_map_lookup_elem(&answers, &slot);
	int attempt;

	if (!due)
		return 0;
	for (attempt = 0; attempt < ANSWER_ATTEMPTS; attempt++) {
		__u64 before = READ_ONCE(*due);
		__u64 start = before > now ? before : now;

		if (start - now >= BULKHEAD_ANSWER_BURST * BULKHEAD_ANSWER_INTERVAL)
			return 0;
		if (__sync_val_compare_and_swap(due, before, start + BULKHEAD_ANSWER_INTERVAL) == before)
			return 1;
	}
	return 0;
}

/* Both ends change places. `length`: of the transport's part. */
VERIFIED_ONCE int write_network_header(struct __sk_buff *skb, struct packet *packet, __u32 protocol, __u32 length)
{
	if (!packet)
		return 1;
	if (packet->key.family == 6) {
		struct ipv6_header header = {};

		header.version_class_label = swap32(0x60000000);
		header.length = swap16(length);
		header.next = protocol;
		header.hop_limit = ANSWER_HOP_LIMIT;
		header.source = *destination_of(packet);
		header.destination = *source_of(packet);
		return !!bpf_skb_store_bytes(skb, ETHERNET_HEADER, &header, sizeof(header), 0);
	} else {
		struct ipv4_header header = {};

		header.version_and_length = 0x45;
		header.length = swap16(sizeof(header) + length);
		header.fragment = swap16(0x4000);
		header.hop_limit = ANSWER_HOP_LIMIT;
		header.protocol = protocol;
		header.source = word_of(destination_of(packet), 0);
		header.destination = word_of(source_of(packet), 0);
		header.checksum = ~folded(sum_of(&header, sizeof(header)));
		return !!bpf_skb_store_bytes(skb, ETHERNET_HEADER, &header, sizeof(header), 0);
	}
}

static __always_inline __u64 pseudo_header(const struct packet *packet, __u32 protocol, __u32 length)
{
	return sum_of(&packet->key.local, sizeof(packet->key.local)) +
	       sum_of(&packet->key.peer, sizeof(packet->key.peer)) + swap16(length) + swap16(protocol);
}

VERIFIED_ONCE int write_reset(struct __sk_buff *skb, struct packet *packet)
{
	if (!packet)
		return 1;
	struct tcp_header segment, reset = {};
	__u64 pseudo = pseudo_header(packet, PROTOCOL_TCP, sizeof(reset));
	__u32 transport = packet->transport;
	__u32 length;

	if (bpf_skb_load_bytes(skb, transport, &segment, sizeof(segment)))
		return 1;
	length = packet->transport_length - (segment.offset >> 4 << 2) + !!(segment.flags & TCP_SYN) +
		 !!(segment.flags & TCP_FIN);
	reset.source = segment.destination;
	reset.destination = segment.source;
	reset.offset = sizeof(reset) / 4 << 4;
	if (segment.flags & TCP_ACK) {
		reset.sequence = segment.acknowledgement;
		reset.flags = TCP_RST;
	} else {
		reset.acknowledgement = swap32(swap32(segment.sequence) + length);
		reset.flags = TCP_RST | TCP_ACK;
	}
	reset.checksum = folded(pseudo);
	reset.window = ~folded(pseudo + sum_of(&reset, sizeof(reset)));
	return bpf_skb_change_tail(skb, transport + sizeof(reset), 0) ||
	       bpf_skb_store_bytes(skb, transport, &reset, sizeof(reset), 0) ||
	       write_network_header(skb, packet, PROTOCOL_TCP, sizeof(reset));
}

VERIFIED_ONCE int write_prohibited(struct __sk_buff *skb, struct packet *packet)
{
	if (!packet)
		return 1;
	struct prohibited error = {};
	__u32 transport = packet->transport;

	if (packet->key.family == 6) {
		__u64 pseudo = pseudo_header(packet, PROTOCOL_ICMPV6, sizeof(error));

		error.type = 1;
		error.code = 1;
		if (packet->key.protocol == PROTOCOL_UDP)
			error.unused = folded(pseudo);
		if (bpf_skb_load_bytes(skb, ETHERNET_HEADER, error.quoted, sizeof(error.quoted)))
			return 1;
		error.checksum = ~folded(pseudo + sum_of(&error, sizeof(error)));
		return bpf_skb_change_tail(skb, transport + sizeof(error), 0) ||
		       bpf_skb_store_bytes(skb, transport, &error, sizeof(error), 0) ||
		       write_network_header(skb, packet, PROTOCOL_ICMPV6, sizeof(error));
	} else {
		/* Where UDP has its sum is a part of the unused word: the kernel would write there minus zero. */
		const __u32 size = 8 + sizeof(struct ipv4_header) + 8;

		error.type = 3;
		error.code = 13;
		if (bpf_skb_load_bytes(skb, ETHERNET_HEADER, error.quoted, sizeof(struct ipv4_header) + 8))
			return 1;
		error.checksum = ~folded(sum_of(&error, size));
		return bpf_skb_change_tail(skb, transport + size, 0) ||
		       bpf_skb_store_bytes(skb, transport, &error, size, 0) ||
		       write_network_header(skb, packet, PROTOCOL_ICMP, size);
	}
}

/* What becomes of a rejected packet. */
VERIFIED_ONCE int answer(struct __sk_buff *skb, struct packet *packet)
{
	__u8 hardware[12], swapped[12];
	__u32 mark, index;
	__u64 *place;

	if (!packet)
		return TC_ACT_SHOT;
	if (!answerable(packet) || !may_answer(packet) || bpf_skb_load_bytes(skb, 0, hardware, sizeof(hardware)))
		goto unanswered;
	/* An answer to a group's address as the sender would go to all of it. */
	if (hardware[6] & 1)
		goto unanswered;
	if (packet->key.protocol == PROTOCOL_TCP ? write_reset(skb, packet) : write_prohibited(skb, packet))
		goto unanswered;
	__builtin_memcpy(swapped, hardware + 6, 6);
	__builtin_memcpy(swapped + 6, hardware, 6);
	mark = bpf_get_prandom_u32();
	if (!mark)
		mark = 1;
	index = mark % BULKHEAD_BOUNCED;
	place = bpf_map_lookup_elem(&bounced, &index);
	if (!place || bpf_skb_store_bytes(skb, 0, swapped, sizeof(swapped), 0))
		goto unanswered;
	WRITE_ONCE(*place, (__u64)skb->ifindex << 32 | mark);
	skb->mark = mark;
	return bpf_redirect(skb->ifindex, packet->direction == BULKHEAD_EGRESS ? 0 : BPF_F_INGRESS);
unanswered:
	count(BULKHEAD_UNANSWERED, 1);
	return TC_ACT_SHOT;
}

#endif
